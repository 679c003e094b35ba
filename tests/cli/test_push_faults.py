"""Whatever fails during a push, nothing is lost that could be kept, and the message says what is.

Each test runs the command against a tenant that fails at one step.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest

from engage_codegen.sources.tenant_admin import TenantAdmin
from engage_codegen.verbs.push import access
from tests.support.push_tenant import Envelope, Fault, PushTenant, push_tenant
from tests.support.tenants import envelope
from tests.support.tiers import draw
from tests.support.tool import Outcome, Tool

NEW: Envelope = {**envelope("repair"), "displayName": "Mended"}
LOST = "Lost: every interaction that was stored under repair"
STEPS = ("create-temp", "delete-temp", "delete-old", "create-new", "restore", "list", "read")
KINDS = ("500", "429", "drop", "hang")
ALWAYS = 1000


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "PAUSES", (0.0, 0.0))


@pytest.fixture
def tenant(project: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PushTenant]:
    """A tenant whose schema `repair` differs from the project's."""
    monkeypatch.setenv("ENGAGE_API_KEY", "k")
    with push_tenant() as running:
        configure(project, running)
        yield running


def configure(
    project: Path, tenant: PushTenant, schema: Envelope = NEW, *, seconds: float = 60
) -> None:
    (project / "schemas").mkdir(exist_ok=True)
    (project / "schemas" / f"{schema['id']}.json").write_text(json.dumps(schema))
    (project / "pyproject.toml").write_text(
        f'[tool.engage-codegen]\nbase-url = "{tenant.base_url}"\nuser-agent = "a/1"\n'
        f'schemas = "schemas"\ntimeout = {seconds}\n'
    )


def fail(project: Path, tenant: PushTenant, step: str, fault: Fault) -> None:
    """Let a step fail, and wait for answers only briefly if there will be none."""
    tenant.faults[step] = fault
    if fault.kind == "hang":
        configure(project, tenant, seconds=0.5)


def replace(tool: Tool, *more: str) -> Outcome:
    return tool("push", "--apply", "--allow-destroy", "repair", "--tenant-host", "127.0.0.1", *more)


def test_without_faults_the_new_schema_is_tried_first(tenant: PushTenant, tool: Tool) -> None:
    outcome = replace(tool)
    assert outcome.code == 0
    writes = [step for step in tenant.log if step not in ("list", "read")]
    assert writes == ["create-temp", "delete-temp", "delete-old", "create-new"]
    assert tenant.schemas == {"repair": NEW}
    words = [line.split()[0] for line in outcome.err.splitlines()[1:]]
    assert words == ["accepted", "deleted", "created"]


def get_kind(case: tuple[str, str, bool, int]) -> object:
    """Return the step and the kind of a case; each combination is always tested."""
    return case[:2]


CASES: list[tuple[str, str, bool, int]] = [
    (step, kind, is_done, count)
    for step, kind, is_done, count in product(STEPS, KINDS, (False, True), (1, 2, ALWAYS))
    if not (step in ("list", "read") and is_done)
]


FAULTS = draw(CASES, 12, get_kind)


@pytest.mark.parametrize(("step", "kind", "is_done", "count"), FAULTS)
def test_after_a_fault_everything_that_could_be_kept_is_there(
    tenant: PushTenant, project: Path, tool: Tool, step: str, kind: str, is_done: bool, count: int
) -> None:
    if step == "restore":
        tenant.faults["create-new"] = Fault("400", count=ALWAYS)
    fail(project, tenant, step, Fault(kind, is_done, count))
    outcome = replace(tool)
    text = outcome.out + outcome.err
    is_lost = "repair" in tenant.lost
    if outcome.code == 0:
        assert tenant.schemas == {"repair": NEW}
    else:
        assert outcome.code in (1, 5)
        assert (LOST in text) == is_lost or "if it was deleted" in text
    if not is_lost:
        assert tenant.schemas["repair"] == tenant.old
    elif "repair" not in tenant.schemas:
        # The tenant refused, dropped or hung each time.
        assert (step, count) in (("restore", ALWAYS), ("create-new", ALWAYS), ("list", ALWAYS))
        assert json.loads(outcome.out[outcome.out.index("{") :]) == tenant.old
    for schema_id in tenant.temporary:
        assert schema_id in text
    assert "internal error" not in text
    tenant.faults.clear()
    configure(project, tenant)
    assert replace(tool).code == 0
    assert tenant.schemas["repair"] == NEW


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("is_done", [False, True])
@pytest.mark.parametrize("step", ["create-temp", "delete-temp"])
def test_a_proof_that_fails_deletes_nothing(
    tenant: PushTenant, project: Path, tool: Tool, step: str, kind: str, is_done: bool
) -> None:
    fail(project, tenant, step, Fault(kind, is_done))
    outcome = replace(tool)
    assert outcome.code == 5
    assert tenant.schemas == {"repair": tenant.old}
    assert tenant.lost in ([], tenant.lost[:1])
    assert "repair" not in tenant.lost
    assert "repair was not replaced" in outcome.err
    assert "Nothing was lost" in outcome.err


def test_a_temporary_schema_that_cannot_be_deleted_is_named_and_the_next_push_deletes_it(
    tenant: PushTenant, project: Path, tool: Tool
) -> None:
    tenant.faults["delete-temp"] = Fault("500", count=ALWAYS)
    outcome = replace(tool)
    (left,) = tenant.temporary
    assert outcome.code == 5
    assert f"The temporary schema {left} is left in the tenant" in outcome.err
    assert tenant.schemas["repair"] == tenant.old
    tenant.faults.clear()
    plan = tool("push")
    assert f"leftover   {left}: the temporary schema of a push that was interrupted" in plan.out
    command = plan.err.splitlines()[-1].partition("to delete the temporary schemas: ")[2]
    done = tool(*command.split()[1:])
    assert f"discarded  {left}" in done.err
    assert not tenant.temporary
    assert tenant.schemas["repair"] == tenant.old


def start_push() -> "subprocess.Popen[bytes]":
    """Replace `repair` in a process of its own."""
    command = [sys.executable, "-m", "engage_codegen", "push", "--apply"]
    return subprocess.Popen(
        [*command, "--allow-destroy", "repair", "--tenant-host", "127.0.0.1"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )


@pytest.mark.slow
def test_a_push_that_is_ended_by_sigterm_deletes_its_temporary_schema(tenant: PushTenant) -> None:
    tenant.faults["list"] = Fault("hang", after="create-temp")
    process = start_push()
    try:
        while not tenant.log or tenant.log[-1] != "list" or "create-temp" not in tenant.log:
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        assert process.wait(300) == 130
    finally:
        process.kill()
        process.wait()
    assert not tenant.temporary
    assert tenant.schemas["repair"] == tenant.old


@pytest.mark.slow
def test_a_killed_push_leaves_a_temporary_schema_that_the_next_push_recognizes(
    tenant: PushTenant, tool: Tool
) -> None:
    tenant.faults["delete-temp"] = Fault("hang", count=ALWAYS)
    process = start_push()
    try:
        while "delete-temp" not in tenant.log:
            assert process.poll() is None
            time.sleep(0.01)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    (left,) = tenant.temporary
    assert tenant.schemas["repair"] == tenant.old
    tenant.faults.clear()
    outcome = replace(tool)
    assert outcome.code == 0
    assert f"leftover   {left}" in outcome.out
    assert tenant.schemas["repair"] == NEW
    assert tenant.temporary == [left], "only a push that names it deletes it"


def test_a_deletion_without_an_answer_is_looked_up(tenant: PushTenant, tool: Tool) -> None:
    tenant.faults["delete-old"] = Fault("500", is_done=True)
    outcome = replace(tool)
    assert outcome.code == 0, "the old schema was gone, so the new one was created"
    assert tenant.schemas == {"repair": NEW}


@pytest.mark.parametrize("is_done", [False, True])
def test_a_deletion_of_which_nothing_can_be_known_is_followed_by_the_restoration(
    tenant: PushTenant, tool: Tool, is_done: bool
) -> None:
    tenant.faults["delete-old"] = Fault("drop", is_done)
    tenant.faults["list"] = Fault("500", after="delete-old")
    outcome = replace(tool)
    assert outcome.code == 5
    assert "repair may have been deleted" in outcome.err
    assert tenant.schemas == {"repair": tenant.old}


def test_a_tenant_that_answers_nothing_any_more_leaves_the_state_unknown(
    tenant: PushTenant, tool: Tool
) -> None:
    for step in ("list", "restore"):
        tenant.faults[step] = Fault("500", count=ALWAYS, after="delete-old")
    tenant.faults["delete-old"] = Fault("drop", is_done=True)
    outcome = replace(tool)
    assert outcome.code == 5
    assert "Whether the tenant has a schema repair now is unknown" in outcome.err
    assert f"{LOST}, for good, if it was deleted" in outcome.err
    assert json.loads(outcome.out[outcome.out.index("{") :]) == tenant.old


@pytest.mark.parametrize("kind", ["500", "drop", "hang", "403"])
def test_a_deletion_that_did_not_happen_loses_nothing(
    tenant: PushTenant, project: Path, tool: Tool, kind: str
) -> None:
    fail(project, tenant, "delete-old", Fault(kind))
    outcome = replace(tool)
    assert outcome.code == 5
    assert "repair was not replaced" in outcome.err
    assert "The tenant has the old schema, and nothing was lost" in outcome.err
    assert ("still carries the request out" in outcome.err) == (kind != "403")
    assert tenant.schemas == {"repair": tenant.old}


@pytest.mark.parametrize(("kind", "code"), [("500", 5), ("drop", 5), ("hang", 5), ("400", 1)])
def test_after_the_deletion_the_old_schema_is_restored(
    tenant: PushTenant, project: Path, tool: Tool, kind: str, code: int
) -> None:
    fail(project, tenant, "create-new", Fault(kind))
    outcome = replace(tool)
    assert outcome.code == code
    assert "repair was deleted and not created again" in outcome.err
    assert "The old schema was created again as it was" in outcome.err
    assert LOST in outcome.err
    assert tenant.schemas == {"repair": tenant.old}


def test_the_new_schema_that_arrived_without_an_answer_stays(
    tenant: PushTenant, tool: Tool
) -> None:
    tenant.faults["create-new"] = Fault("drop", is_done=True)
    assert replace(tool).code == 0
    assert tenant.schemas == {"repair": NEW}
    assert "restore" not in tenant.log


def test_the_restoration_is_repeated(tenant: PushTenant, tool: Tool) -> None:
    tenant.faults["create-new"] = Fault("500")
    tenant.faults["restore"] = Fault("500", count=2)
    outcome = replace(tool)
    assert (outcome.code, tenant.log.count("restore")) == (5, 3)
    assert tenant.schemas == {"repair": tenant.old}


@pytest.mark.parametrize("output_format", ["text", "json"])
def test_an_old_schema_that_cannot_be_restored_is_printed(
    tenant: PushTenant, tool: Tool, output_format: str
) -> None:
    tenant.faults["create-new"] = Fault("400", count=ALWAYS)
    tenant.faults["restore"] = Fault("503", count=ALWAYS)
    outcome = replace(tool, "--output-format", output_format)
    assert outcome.code == 1
    assert tenant.schemas == {}
    printed = json.loads(outcome.out[outcome.out.index("{") :])
    if output_format == "text":
        assert printed == tenant.old
        assert "the tenant has no schema repair" in outcome.err
        assert f"{LOST}, for good, and the schema, which is printed" in outcome.err
        return
    failure = printed["plans"][0]["failure"]
    assert failure["previous"] == tenant.old
    assert (failure["step"], failure["state"]) == ("create", "missing")
    assert failure["interactions_lost"] is True
    (finding,) = printed["findings"]
    assert finding["code"] == "EG509"


def test_an_old_schema_that_the_tenant_no_longer_accepts_is_restored_in_its_documented_part(
    tenant: PushTenant, tool: Tool
) -> None:
    """A tenant may add attributes that it refuses from others."""
    old = json.loads(json.dumps(tenant.old))
    old["jsonSchema"]["properties"]["name"] |= {"revision": 3, "sortOrder": None}
    tenant.schemas["repair"] = old
    tenant.accepts = lambda schema: "revision" not in json.dumps(schema)
    tenant.faults["create-new"] = Fault("400")
    outcome = replace(tool)
    assert outcome.code == 1
    assert (
        "created again in another form (- /jsonSchema/properties/name/revision: 3)" in outcome.err
    )
    assert tenant.schemas["repair"]["jsonSchema"] == tenant.old["jsonSchema"]


@pytest.mark.parametrize("step", ["create-temp", "delete-old", "create-new"])
def test_ctrl_c_leaves_the_tenant_with_a_schema_and_without_a_temporary_one(
    tenant: PushTenant, tool: Tool, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    method, is_temporary = step.partition("-")[0], step == "create-temp"
    original = getattr(TenantAdmin, method)
    interrupted: list[str] = []

    def interrupt(admin: TenantAdmin, target: object) -> None:
        schema_id = str(getattr(target, "id", target))
        original(admin, target)
        if schema_id.startswith("engage-codegen-proof-") == is_temporary and not interrupted:
            interrupted.append(schema_id)
            if step == "create-new":
                tenant.schemas.pop("repair")
            raise KeyboardInterrupt

    monkeypatch.setattr(TenantAdmin, method, interrupt)
    assert replace(tool).code == 130
    assert interrupted
    assert tenant.schemas == {"repair": tenant.old}


def test_a_schema_that_only_the_tenant_knows_to_be_wrong_is_refused_before_anything_is_deleted(
    tenant: PushTenant, tool: Tool
) -> None:
    tenant.accepts = lambda schema: schema["displayName"] != "Mended"
    outcome = replace(tool)
    assert outcome.code == 1
    assert "repair: the tenant refused the schema (status 400): 'the schema is invalid'" in (
        outcome.err
    )
    assert "engage-codegen-proof" not in outcome.err
    assert tenant.schemas == {"repair": tenant.old}
    assert tenant.lost == []


def test_a_refused_schema_that_replaces_nothing_ends_with_1(
    tenant: PushTenant, project: Path, tool: Tool
) -> None:
    tenant.accepts = lambda schema: schema["id"] != "visit"
    configure(project, tenant, envelope("visit"))
    outcome = tool("push", "visit", "--apply")
    assert outcome.code == 1
    assert "visit: the tenant refused the schema" in outcome.err


def test_a_creation_that_is_confirmed_and_did_not_happen_restores_the_old_schema(
    tenant: PushTenant, tool: Tool
) -> None:
    tenant.faults["create-new"] = Fault("200")
    outcome = replace(tool)
    assert outcome.code == 5
    assert "does not list it" in outcome.err
    assert tenant.schemas == {"repair": tenant.old}


def test_a_deletion_that_is_confirmed_and_does_not_happen_is_noticed_at_the_temporary_schema(
    tenant: PushTenant, tool: Tool
) -> None:
    tenant.faults["delete-temp"] = Fault("200", count=ALWAYS)
    outcome = replace(tool)
    assert outcome.code == 5
    assert "still lists it" in outcome.err
    assert tenant.temporary[0] in outcome.err
    assert tenant.schemas["repair"] == tenant.old
