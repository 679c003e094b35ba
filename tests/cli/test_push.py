"""Schemas as code: what is missing is created, nothing is destroyed unless it is named."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from engage_codegen.push import apply, plan
from engage_codegen.sandbox.control.faults import Fault, Kind, When
from engage_codegen.sandbox.server import Sandbox, running
from engage_codegen.schema.envelope import Schema, from_envelope
from engage_codegen.schema.jsontext import loads
from engage_codegen.sources.interface import ApiKey, silently
from engage_codegen.sources.tenant_admin import TenantWriter
from tests.support.tenants import envelope
from tests.support.tool import Outcome, Tool

CONTACT = "3f0c1a52-7d5e-4b0e-9a64-1c2f5b8e0d01"


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
    listed = httpx.get(f"{sandbox.base_url}/api/v3/interactionschemas", headers=headers).json()
    return {item["id"] for item in listed}


def stored(sandbox: Sandbox, schema_id: str) -> dict[str, Any]:
    headers = {"apikey": sandbox.api_key}
    url = f"{sandbox.base_url}/api/v3/interactionschemas/{schema_id}"
    found: dict[str, Any] = httpx.get(url, headers=headers).json()
    return found


def schemas(project: Path, *items: Any) -> None:
    folder = project / "schemas"
    folder.mkdir(exist_ok=True)
    for item in items:
        (folder / f"{item['id']}.json").write_text(json.dumps(item))


def push(tool: Tool, *arguments: str) -> Outcome:
    return tool("push", "--schemas", "schemas", *arguments)


def test_a_plan_is_shown_and_nothing_done(own: Sandbox, project: Path, tool: Tool) -> None:
    before = ids(own)
    schemas(project, envelope("brandNew"), {**stored(own, "repair"), "displayName": "Mended"})
    outcome = push(tool)
    assert outcome.code == 3
    assert "create     brandNew" in outcome.out
    assert "every interaction stored under it for good" in outcome.out
    assert "a new id" in outcome.out
    assert "foreign    favourite" in outcome.out
    assert ids(own) == before


def test_what_is_missing_is_created_and_a_second_run_has_nothing_to_do(
    own: Sandbox, project: Path, tool: Tool
) -> None:
    before = ids(own)
    schemas(project, envelope("brandNew"), stored(own, "repair"))
    assert push(tool, "--apply").code == 0
    assert ids(own) == before | {"brandNew"}
    again = push(tool, "--apply")
    assert again.code == 0
    assert "nothing to do" in again.err


def test_only_a_schema_that_is_named_is_replaced(own: Sandbox, project: Path, tool: Tool) -> None:
    names = ("repair", "favourite")
    schemas(project, *({**stored(own, name), "displayName": "Another"} for name in names))
    outcome = push(tool, "--apply", "--allow-destroy", "repair")
    assert outcome.code == 3
    assert "left as they are: favourite" in outcome.err
    assert stored(own, "repair")["displayName"] == "Another"
    assert stored(own, "favourite")["displayName"] != "Another"
    assert push(tool, "repair").code == 0


def test_a_plan_that_the_platform_would_refuse_is_refused_first(
    own: Sandbox, project: Path, tool: Tool
) -> None:
    before = ids(own)
    schemas(project, *(envelope(f"new{letter}") for letter in "abcdefghij"))
    outcome = push(tool, "--apply")
    assert outcome.code == 1
    assert "16 schemas" in outcome.err
    schemas(project, envelope("newa", {"x": {"type": "text"}}))
    assert "EG201" in push(tool, "newa", "--apply").err
    assert push(tool, "nowhere", "--apply").code == 2
    assert ids(own) == before


def test_what_changed_since_the_plan_is_not_destroyed(own: Sandbox) -> None:
    tenant = TenantWriter(own.base_url, key=ApiKey(own.api_key), user_agent="a/1", api_version="v3")
    theirs = tenant.fetch((), silently)
    ours = {"repair": Schema("repair", "Ours", theirs["repair"].json_schema, "here")}
    todo = plan(ours, theirs, (), "engage", {})
    other = Schema("repair", "Somebody else's", theirs["repair"].json_schema, "there")
    tenant.delete("repair")
    tenant.create(other)
    with pytest.raises(Exception, match="somebody changed"):
        apply(todo, tenant, ["repair"], untold)
    assert stored(own, "repair")["displayName"] == "Somebody else's"
    created = plan({"newer": envelope_schema("newer")}, theirs, (), "engage", {})
    tenant.create(envelope_schema("newer"))
    with pytest.raises(Exception, match="by now"):
        apply(created, tenant, [], untold)


def untold(_word: str, _schema_id: str) -> None:
    """Nobody listens."""


def envelope_schema(schema_id: str) -> Schema:
    return from_envelope(loads(json.dumps(envelope(schema_id))), "here")


@pytest.mark.parametrize(
    ("method", "when"),
    [("POST", When.BEFORE), ("POST", When.AFTER), ("DELETE", When.BEFORE), ("DELETE", When.AFTER)],
)
def test_a_push_that_was_cut_off_is_completed_by_the_next(
    own: Sandbox, project: Path, tool: Tool, method: str, when: When
) -> None:
    before = ids(own)
    schemas(project, {**stored(own, "repair"), "displayName": "Mended"}, envelope("brandNew"))
    own.state.faults.add(Fault(kind=Kind.DROP, when=when, method=method, count=1))
    first = push(tool, "--apply", "--allow-destroy", "repair")
    assert first.code == 5
    assert "run push again" in first.err
    assert push(tool, "--apply", "--allow-destroy", "repair").code == 0
    assert ids(own) == before | {"brandNew"}
    assert stored(own, "repair")["displayName"] == "Mended"


def test_without_files_the_snapshot_is_pushed(own: Sandbox, project: Path, tool: Tool) -> None:
    assert tool("pull", "--output", "package").code == 0
    headers = {"apikey": own.api_key}
    httpx.delete(f"{own.base_url}/api/v3/interactionschemas/repair", headers=headers)
    assert tool("push", "--output", "package", "--apply").code == 0
    assert "repair" in ids(own)


def test_a_refused_key_is_said_and_nothing_done(
    own: Sandbox, project: Path, tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    schemas(project, envelope("brandNew"))
    monkeypatch.setenv("ENGAGE_API_KEY", "wrong-key")
    outcome = push(tool, "--apply")
    assert outcome.code == 5
    assert "wrong-key" not in outcome.err + outcome.out
