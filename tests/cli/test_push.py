"""`push` creates missing schemas, and deletes nothing that is not named."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from engage_codegen.errors import MalformedResponseError
from engage_codegen.sandbox.control.faults import Fault, Kind, When
from engage_codegen.sandbox.server import Sandbox, running
from engage_codegen.schema.envelope import Schema, from_envelope
from engage_codegen.schema.jsontext import loads
from engage_codegen.sources.interface import ApiKey, ignore_progress
from engage_codegen.sources.tenant import TenantSource
from engage_codegen.sources.tenant_admin import TenantAdmin
from engage_codegen.verbs.push.access import TenantAccess
from engage_codegen.verbs.push.execution import apply_push
from engage_codegen.verbs.push.plan import plan_push
from engage_codegen.verbs.push.steps import Step
from tests.support.tenants import envelope
from tests.support.tool import Outcome, Tool

pytestmark = pytest.mark.slow


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """A tenant that a test may change."""
    with running() as sandbox:
        monkeypatch.setenv("ENGAGE_BASE_URL", sandbox.base_url)
        monkeypatch.setenv("ENGAGE_API_KEY", sandbox.api_key)
        monkeypatch.setenv("ENGAGE_USER_AGENT", "tests/1.0")
        yield sandbox


def ids(sandbox: Sandbox) -> set[str]:
    headers = {"apikey": sandbox.api_key}
    response = httpx.get(f"{sandbox.base_url}/api/v3/interactionschemas", headers=headers)
    return {item["id"] for item in response.json()}


def fetch(sandbox: Sandbox, schema_id: str) -> dict[str, Any]:
    headers = {"apikey": sandbox.api_key}
    url = f"{sandbox.base_url}/api/v3/interactionschemas/{schema_id}"
    schema: dict[str, Any] = httpx.get(url, headers=headers).json()
    return schema


def write_schemas(project: Path, *items: Any) -> None:
    folder = project / "schemas"
    folder.mkdir(exist_ok=True)
    for item in items:
        (folder / f"{item['id']}.json").write_text(json.dumps(item))


def push(tool: Tool, *arguments: str) -> Outcome:
    return tool("push", "--schemas", "schemas", *arguments)


def test_without_apply_the_plan_is_shown_and_nothing_changes(
    own: Sandbox, project: Path, tool: Tool
) -> None:
    before = ids(own)
    write_schemas(project, envelope("brandNew"), {**fetch(own, "repair"), "displayName": "Mended"})
    outcome = push(tool)
    assert outcome.code == 3
    assert "create     brandNew" in outcome.out
    assert "every interaction stored under it for good" in outcome.out
    assert "a new id" in outcome.out
    assert "foreign    favourite" in outcome.out
    assert ids(own) == before


def test_missing_schemas_are_created_and_a_second_run_has_nothing_to_do(
    own: Sandbox, project: Path, tool: Tool
) -> None:
    before = ids(own)
    write_schemas(project, envelope("brandNew"), fetch(own, "repair"))
    assert push(tool, "--apply").code == 0
    assert ids(own) == before | {"brandNew"}
    again = push(tool, "--apply")
    assert again.code == 0
    assert "nothing to do" in again.err


def test_only_a_schema_that_is_named_is_replaced(own: Sandbox, project: Path, tool: Tool) -> None:
    names = ("repair", "favourite")
    write_schemas(project, *({**fetch(own, name), "displayName": "Another"} for name in names))
    outcome = push(tool, "--apply", "--allow-destroy", "repair", "--tenant-host", "127.0.0.1")
    assert outcome.code == 3
    assert "not replaced: favourite" in outcome.err
    assert fetch(own, "repair")["displayName"] == "Another"
    assert fetch(own, "favourite")["displayName"] != "Another"
    assert push(tool, "repair").code == 0


def test_a_plan_that_the_platform_would_refuse_is_refused_first(
    own: Sandbox, project: Path, tool: Tool
) -> None:
    before = ids(own)
    write_schemas(project, *(envelope(f"new{letter}") for letter in "abcdefghij"))
    outcome = push(tool, "--apply")
    assert outcome.code == 1
    assert "16 schemas" in outcome.err
    write_schemas(project, envelope("newa", {"x": {"type": "text"}}))
    assert "EG201" in push(tool, "newa", "--apply").err
    assert push(tool, "nowhere", "--apply").code == 2
    assert ids(own) == before


def test_a_schema_that_changed_since_the_plan_is_not_deleted(own: Sandbox) -> None:
    key = ApiKey(own.api_key)
    tenant = TenantSource(own.base_url, key=key, user_agent="a/1", api_version="v3")
    admin = TenantAdmin(own.base_url, key=key, user_agent="a/1", api_version="v3")
    theirs = tenant.fetch((), ignore_progress)
    ours = {"repair": Schema("repair", "Ours", theirs["repair"].json_schema, "here")}
    access = TenantAccess(tenant, admin)
    replacing = plan_push(ours, theirs, (), ["repair"], "engage", {})
    admin.delete("repair")
    admin.create(Schema("repair", "Somebody else's", theirs["repair"].json_schema, "there"))
    with pytest.raises(MalformedResponseError, match="changed since the plan was made"):
        apply_push(replacing, access, ignore_step)
    assert fetch(own, "repair")["displayName"] == "Somebody else's"
    newer = from_envelope(loads(json.dumps(envelope("newer"))), "here")
    creating = plan_push({"newer": newer}, theirs, (), (), "engage", {})
    admin.create(newer)
    with pytest.raises(MalformedResponseError, match="already has a schema newer"):
        apply_push(creating, access, ignore_step)


def ignore_step(_step: Step) -> None:
    """Report nothing."""


@pytest.mark.parametrize(
    ("method", "when"),
    [("POST", When.BEFORE), ("POST", When.AFTER), ("DELETE", When.BEFORE), ("DELETE", When.AFTER)],
)
def test_an_interrupted_push_is_completed_by_the_next_one(
    own: Sandbox, project: Path, tool: Tool, method: str, when: When
) -> None:
    before = ids(own)
    write_schemas(project, {**fetch(own, "repair"), "displayName": "Mended"}, envelope("brandNew"))
    own.state.faults.add(Fault(kind=Kind.DROP, when=when, method=method, count=1))
    arguments = ("--apply", "--allow-destroy", "repair", "--tenant-host", "127.0.0.1")
    first = push(tool, *arguments)
    assert first.code == 5
    assert "run push again" in first.err
    assert push(tool, *arguments).code == 0
    assert ids(own) == before | {"brandNew"}
    assert fetch(own, "repair")["displayName"] == "Mended"


def test_without_files_the_snapshot_is_pushed(own: Sandbox, project: Path, tool: Tool) -> None:
    assert tool("pull", "--output", "package").code == 0
    headers = {"apikey": own.api_key}
    httpx.delete(f"{own.base_url}/api/v3/interactionschemas/repair", headers=headers)
    assert tool("push", "--output", "package", "--apply").code == 0
    assert "repair" in ids(own)


def test_with_a_refused_key_nothing_changes_and_the_key_is_not_printed(
    own: Sandbox, project: Path, tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_schemas(project, envelope("brandNew"))
    monkeypatch.setenv("ENGAGE_API_KEY", "wrong-key")
    outcome = push(tool, "--apply")
    assert outcome.code == 5
    assert "wrong-key" not in outcome.err + outcome.out
