"""The plan of a push says what differs, and a replacement that changes nothing is refused."""

import json
import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from engage_codegen.schema.envelope import Schema
from engage_codegen.verbs.push.changes import find_changes
from tests.support.paths import ROOT
from tests.support.push_tenant import Envelope, PushTenant, push_tenant
from tests.support.tenants import envelope
from tests.support.tool import Outcome, Tool

DESTROY = ("--apply", "--allow-destroy", "repair", "--tenant-host", "127.0.0.1")


def schema(properties: object = None, title: str = "Repair", **more: object) -> Schema:
    body: dict[str, Any] = envelope("repair", properties, **more)["jsonSchema"]  # type: ignore[assignment]
    return Schema("repair", title, body, "here")


def show(old: Schema, new: Schema) -> list[tuple[str, str]]:
    return [(change.sign, "/".join(change.parts)) for change in find_changes(old, new)]


NAME = {"type": "string", "displayName": "Name"}
SAME: list[tuple[object, object]] = [
    ({**NAME, "showInContactCard": True}, {**NAME, "showInContactCard": "true"}),
    ({**NAME, "showInContactCard": "True"}, {**NAME, "showInContactCard": "true"}),
    ({**NAME, "addToSegmentation": False}, NAME),
    ({**NAME, "addToSegmentation": "false"}, NAME),
    ({**NAME, "showInContactCard": "false"}, NAME),
    ({**NAME, "sortOrder": 3}, {**NAME, "sortOrder": "3"}),
    ({**NAME, "sortOrder": 3.0}, {**NAME, "sortOrder": "3"}),
    ({**NAME, "format": None, "sortOrder": None}, NAME),
    ({**NAME, "description": None, "enum": None}, NAME),
    ({**NAME, "type": ["string"]}, NAME),
    ({**NAME, "maxLength": 5.0}, {**NAME, "maxLength": 5}),
    ({**NAME, "enum": ["a", "b"]}, {"enum": ["b", "a"], **NAME}),
]
DIFFERENT: list[tuple[object, object, list[tuple[str, str]]]] = [
    ({**NAME, "showInContactCard": "true"}, NAME, [("-", "showInContactCard")]),
    (NAME, {**NAME, "addToSegmentation": True}, [("+", "addToSegmentation")]),
    ({**NAME, "sortOrder": "0"}, NAME, [("-", "sortOrder")]),
    ({**NAME, "sortOrder": True}, {**NAME, "sortOrder": 1}, [("~", "sortOrder")]),
    ({**NAME, "const": None}, NAME, [("-", "const")]),
    ({**NAME, "minimum": 1}, {**NAME, "minimum": True}, [("~", "minimum")]),
    (NAME, {**NAME, "displayName": "name"}, [("~", "displayName")]),
    (NAME, {"type": "integer", "displayName": "Name"}, [("~", "type")]),
]


@pytest.mark.parametrize(("old", "new"), SAME)
def test_two_spellings_of_one_meaning_are_no_change(old: object, new: object) -> None:
    assert show(schema({"name": old}), schema({"name": new})) == []
    assert show(schema({"name": new}), schema({"name": old})) == []


@pytest.mark.parametrize(("old", "new", "expected"), DIFFERENT)
def test_a_change_names_its_attribute(
    old: object, new: object, expected: list[tuple[str, str]]
) -> None:
    place = "jsonSchema/properties/name"
    shown = show(schema({"name": old}), schema({"name": new}))
    assert shown == [(sign, f"{place}/{key}") for sign, key in expected]
    opposite = {"+": "-", "-": "+", "~": "~"}
    back = show(schema({"name": new}), schema({"name": old}))
    assert back == [(opposite[sign], f"{place}/{key}") for sign, key in expected]


def test_the_parts_of_a_schema_are_compared_by_their_meaning() -> None:
    two = {"a": NAME, "b": NAME}
    assert show(schema(two, required=[]), schema(two)) == []
    assert show(schema(two, required=None), schema(two)) == []
    assert show(schema(two, required=["b", "a"]), schema(two, required=["a", "b", "a"])) == []
    assert show(schema(two, additionalProperties=False), schema(two)) == []
    assert show(schema({}), schema(two)) == [
        ("+", f"jsonSchema/properties/{name}/{key}")
        for name in "ab"
        for key in ("displayName", "type")
    ]
    assert show(schema(two, required=["a"]), schema(two)) == [("-", "jsonSchema/required")]
    assert show(schema(two, additionalProperties=True), schema(two)) == [
        ("-", "jsonSchema/additionalProperties")
    ]
    assert show(schema(two, title="Other"), schema(two)) == [("~", "displayName")]


def changing(place: str, value: object) -> Callable[[Envelope], Envelope]:
    """Return a tenant's habit to keep an attribute of the property `name` in another way."""

    def keep(body: Envelope) -> Envelope:
        attributes = body["jsonSchema"]["properties"]["name"]
        if value is None:
            attributes.pop(place, None)
        else:
            attributes[place] = value
        return body

    return keep


def nulls(body: Envelope) -> Envelope:
    """Keep a schema with null for what is missing, and booleans for flags."""
    body["jsonSchema"].setdefault("required", [])
    for attributes in body["jsonSchema"]["properties"].values():
        for key in ("format", "sortOrder", "addToSegmentation"):
            attributes.setdefault(key, None)
        attributes["showInContactCard"] = attributes.get("showInContactCard") == "true"
    return body


@pytest.fixture
def tenant(project: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PushTenant]:
    """A tenant with one schema, and a project with the same one."""
    monkeypatch.setenv("ENGAGE_API_KEY", "k")
    with push_tenant() as running:
        (project / "pyproject.toml").write_text(
            f'[tool.engage-codegen]\nbase-url = "{running.base_url}"\nuser-agent = "a/1"\n'
            'schemas = "schemas"\n'
        )
        write(project, envelope("repair"))
        yield running


def write(project: Path, schema: Envelope) -> None:
    (project / "schemas").mkdir(exist_ok=True)
    (project / "schemas" / f"{schema['id']}.json").write_text(json.dumps(schema))


FLAGGED: Envelope = envelope(
    "repair", {"name": {"type": "string", "displayName": "Name", "showInContactCard": "true"}}
)


def test_what_means_the_same_is_unchanged_right_after_a_create(
    tenant: PushTenant, project: Path, tool: Tool
) -> None:
    tenant.schemas.clear()
    tenant.keep = nulls
    write(project, FLAGGED)
    first = tool("push", "--apply")
    assert (first.code, "differs" in first.err) == (0, False)
    again = tool("push", *DESTROY)
    assert again.code == 0
    assert "unchanged  repair" in again.out
    assert tenant.lost == []


HABITS = {
    "a default": changing("sortOrder", "0"),
    "another text": changing("displayName", "NAME"),
    "an attribute of its own": changing("revision", 7),
    "a dropped attribute": changing("showInContactCard", None),
}


@pytest.mark.parametrize("habit", HABITS)
def test_a_replacement_that_cannot_converge_is_refused_before_anything_is_deleted(
    tenant: PushTenant, project: Path, tool: Tool, habit: str
) -> None:
    tenant.schemas.clear()
    tenant.keep = HABITS[habit]
    write(project, FLAGGED)
    created = tool("push", "--apply")
    assert created.code == 3
    assert "differs    repair: the tenant keeps it differently from the project" in created.err
    for _ in range(2):
        outcome = tool("push", *DESTROY)
        assert outcome.code == 1
        assert "EG510" in outcome.err
        assert "change nothing" in outcome.err
    assert list(tenant.schemas) == ["repair"]
    assert "repair" not in tenant.lost


def test_a_value_that_is_new_at_every_create_does_not_converge_either(
    tenant: PushTenant, tool: Tool
) -> None:
    numbers = iter(range(100))

    def keep(body: Envelope) -> Envelope:
        return changing("revision", next(numbers))(body)

    tenant.keep = keep
    tenant.schemas["repair"] = keep(json.loads(json.dumps(tenant.old)))
    assert tool("push", *DESTROY).code == 1
    assert "repair" not in tenant.lost


def test_a_change_that_the_tenant_takes_is_made_once_although_another_one_remains(
    tenant: PushTenant, project: Path, tool: Tool
) -> None:
    tenant.keep = changing("sortOrder", "0")
    write(project, {**FLAGGED, "displayName": "Mended"})
    first = tool("push", *DESTROY)
    assert first.code == 3
    assert "- /jsonSchema/properties/name/sortOrder" in first.err
    assert tenant.schemas["repair"]["displayName"] == "Mended"
    assert tool("push", *DESTROY).code == 1
    assert tenant.lost.count("repair") == 1


def test_the_plan_shows_each_attribute_that_differs(
    tenant: PushTenant, project: Path, tool: Tool
) -> None:
    properties = {"shop": {"type": "string", "displayName": "Shop\u202e"}}
    write(project, {**envelope("repair", properties, required=["shop"]), "displayName": "Mended"})
    lines = tool("push").out.splitlines()
    assert lines[0].startswith("differs    repair: ")
    assert lines[1:] == [
        '  ~ /displayName: "Title of repair" -> "Mended"',
        '  - /jsonSchema/properties/name/type: "string"',
        '  + /jsonSchema/properties/shop/displayName: "Shop\\u202e"',
        '  + /jsonSchema/properties/shop/type: "string"',
        '  + /jsonSchema/required: ["shop"]',
    ]


def test_the_plan_in_json_has_the_same_changes_and_the_tenant(
    tenant: PushTenant, project: Path, tool: Tool
) -> None:
    write(project, {**envelope("repair", {}), "displayName": "Mended"})
    write(project, envelope("visit"))
    outcome = tool("push", "--output-format", "json")
    document = json.loads(outcome.out)
    published = json.loads((ROOT / "docs" / "findings.schema.json").read_text())
    jsonschema_rs.validator_for(published).validate(document)
    (plan,) = document["plans"]
    assert (outcome.code, plan["create"], plan["unchanged"]) == (3, ["visit"], [])
    assert plan["replace"] == [
        {
            "schema": "repair",
            "allowed": False,
            "changes": [
                {
                    "sign": "~",
                    "pointer": "/displayName",
                    "old": "Title of repair",
                    "new": "Mended",
                },
                {
                    "sign": "-",
                    "pointer": "/jsonSchema/properties/name/type",
                    "old": "string",
                },
            ],
        }
    ]
    assert document["tenants"][0]["url"] == tenant.base_url
    assert plan["steps"] == []
    done = json.loads(tool("push", "--output-format", "json", *DESTROY).out)
    jsonschema_rs.validator_for(published).validate(done)
    words = [(step["step"], step["schema"]) for step in done["plans"][0]["steps"]]
    assert words == [
        ("accepted", "repair"),
        ("created", "visit"),
        ("deleted", "repair"),
        ("created", "repair"),
    ]


def test_errors_are_findings_in_json(tenant: PushTenant, project: Path, tool: Tool) -> None:
    write(project, envelope("repair", {"name": {"type": "text"}}))
    outcome = tool("push", "--output-format", "json")
    (finding,) = json.loads(outcome.out)["findings"]
    assert (outcome.code, finding["code"], finding["file"]) == (1, "EG201", "schemas/repair.json")
    missing = tool("push", "nowhere", "--output-format", "json")
    assert (missing.code, json.loads(missing.out)["findings"][0]["code"]) == (2, "EG502")


@pytest.mark.parametrize("name", ["repiar", "foreign", "visit"])
def test_an_id_that_the_push_cannot_replace_is_an_error(
    tenant: PushTenant, project: Path, tool: Tool, name: str
) -> None:
    tenant.schemas["foreign"] = envelope("foreign")
    write(project, envelope("visit"))
    write(project, {**envelope("repair"), "displayName": "Mended"})
    outcome = tool("push", "repair", *DESTROY, "--allow-destroy", name)
    assert outcome.code == 2
    assert f"{name}" in outcome.err
    assert set(tenant.schemas) == {"repair", "foreign"}
    assert tenant.lost == []


def test_the_advice_is_a_command_that_does_what_it_says(
    tenant: PushTenant, project: Path, tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENGAGE_BASE_URL", tenant.base_url)
    (project / "pyproject.toml").unlink()
    folder = project / "my schemas"
    (project / "schemas").rename(folder)
    (folder / "repair.json").write_text(json.dumps({**envelope("repair"), "displayName": "Mended"}))
    (folder / "visit.json").write_text(json.dumps(envelope("visit")))
    words = ("--schemas", "my schemas", "--user-agent", "a/1", "repair", "visit")
    outcome = tool("push", *words)
    assert outcome.code == 3
    advice = [run_of(line) for line in outcome.err.splitlines() if "engage-codegen push" in line]
    assert len(advice) == 2
    assert tool(*advice[0]).code == 3, "the replacement is left to do"
    assert set(tenant.schemas) == {"repair", "visit"}
    assert tool(*advice[1]).code == 0
    assert tenant.schemas["repair"]["displayName"] == "Mended"


def run_of(line: str) -> list[str]:
    """Return the arguments of the command in a line."""
    return shlex.split(line[re.search("engage-codegen push", line).start() :])[1:]  # type: ignore[union-attr]


def fill(tenant: PushTenant, count: int) -> None:
    for number in range(count - len(tenant.schemas)):
        name = f"other{'abcdefghijklmnop'[number]}"
        tenant.schemas[name] = envelope(name)


def test_in_a_full_tenant_a_replacement_needs_the_option_unproved(
    tenant: PushTenant, project: Path, tool: Tool
) -> None:
    fill(tenant, 15)
    write(project, {**envelope("repair"), "displayName": "Mended"})
    outcome = tool("push", *DESTROY)
    assert outcome.code == 2
    assert "no free place to try repair" in outcome.err
    assert not [step for step in tenant.log if step not in ("list", "read")]
    plan = tool("push")
    assert "--unproved" in plan.err
    assert tool(*run_of(plan.err.splitlines()[-1])).code == 0
    assert "create-temp" not in tenant.log
    assert tenant.schemas["repair"]["displayName"] == "Mended"


def test_a_proof_is_made_while_a_place_is_free(
    tenant: PushTenant, project: Path, tool: Tool
) -> None:
    """Also if the plan fills the last place, and with an option that allows to do without."""
    fill(tenant, 14)
    write(project, {**envelope("repair"), "displayName": "Mended"})
    write(project, envelope("visit"))
    assert tool("push", *DESTROY, "--unproved").code == 0
    writes: list[Any] = [step for step in tenant.log if step not in ("list", "read")]
    assert writes == ["create-temp", "delete-temp", "create", "delete-old", "create-new"]
    assert len(tenant.schemas) == 15


def test_an_unproved_schema_that_is_refused_is_replaced_by_the_old_one(
    tenant: PushTenant, project: Path, tool: Tool
) -> None:
    fill(tenant, 15)
    tenant.accepts = lambda body: body["displayName"] != "Mended"
    write(project, {**envelope("repair"), "displayName": "Mended"})
    outcome: Outcome = tool("push", *DESTROY, "--unproved")
    assert outcome.code == 1
    assert "The old schema was created again as it was" in outcome.err
    assert tenant.schemas["repair"] == tenant.old


def test_sixteen_schemas_are_refused_with_advice_that_helps(
    tenant: PushTenant, project: Path, tool: Tool
) -> None:
    fill(tenant, 14)
    left = "engage-codegen-proof-0123456789ab"
    tenant.schemas[left] = envelope(left)
    write(project, envelope("visit"))
    outcome = tool("push", "--apply")
    assert outcome.code == 1
    assert "16 schemas" in outcome.err
    assert f"--allow-destroy {left}" in outcome.err
    more = ("--apply", "--allow-destroy", left, "--tenant-host", "127.0.0.1")
    assert tool("push", *more).code == 0
    assert "visit" in tenant.schemas
    assert left not in tenant.schemas
