"""What the platform refuses in a new schema is an error of `lint`, so that `push` never tries it.

The sandbox is the witness: it judges schemas by rules of its own.
"""

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from engage_codegen.lint import lint
from engage_codegen.lint.creation import CREATION_CODES
from engage_codegen.lint.fixes import apply_fixes
from engage_codegen.lint.verdicts import lint_schema
from engage_codegen.sandbox.api.schema_rules import read_schema
from engage_codegen.sandbox.errors import ApiError
from engage_codegen.sandbox.options import Options
from engage_codegen.schema.envelope import Schema
from engage_codegen.schema.jsontext import canonical_json
from tests.support.lint_cases import GOOD, PROPERTIES, changed
from tests.support.tiers import draw
from tests.support.tool import Tool

VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -2, 1.0, 1.5, 1e300, "", " ", "true", "True", "false", "0", "-1"),
    *("9" * 9, "9" * 10, "1.0", "x", "\u00e5", "string", "integer", "object", "null", "date-time"),
    *([], {}, [None], ["string"], ["category"], ["category", "category"], ["other"], [1, 1]),
    *({"type": "string"}, "https://json-schema.org/draft/2020-12/schema"),
)
SCHEMA_KEYS = (
    *("$schema", "$id", "$comment", "$defs", "$anchor", "$ref", "$vocabulary", "title", "default"),
    *("description", "examples", "type", "properties", "required", "additionalProperties"),
    *("minProperties", "allOf", "deprecated", "displayName", "x-vendor", "", "enum", "id"),
)
PROPERTY_KEYS = (
    *("type", "format", "displayName", "showInContactCard", "addToSegmentation", "sortOrder"),
    *("description", "title", "examples", "default", "$id", "$comment", "$schema", "readOnly"),
    *("displayname", "showlnContactCard", "sortorder", "enum", "minimum", "pattern", "x", ""),
    *("required", "properties", "items", "contentEncoding", "divisibleBy", "nullable"),
)
WORD_OF_WARNING = {"EG112"}
"""Whether the platform accepts booleans and numbers as attributes is not documented."""


def mutate(choose: random.Random) -> dict[str, Any]:
    """Return a schema without findings with one to three changes, some of them without effect."""
    envelope: dict[str, Any] = json.loads(json.dumps(GOOD))
    body = envelope["jsonSchema"]
    for _ in range(choose.choice([1, 1, 2, 3])):
        properties: Any = body.get("properties")
        place: Any = body
        keys: Sequence[str] = SCHEMA_KEYS
        if isinstance(properties, dict) and choose.random() < 0.7:
            declared = cast("dict[str, Any]", properties)
            place = declared.setdefault(choose.choice([*declared, "other"]), {"type": "string"})
            keys = PROPERTY_KEYS
        if isinstance(place, dict):
            _change(cast("dict[str, Any]", place), choose.choice(keys), choose)
    return envelope


def _change(place: dict[str, Any], key: str, choose: random.Random) -> None:
    if choose.random() < 0.15:
        place.pop(key, None)
    else:
        place[key] = json.loads(json.dumps(choose.choice(VALUES)))


def is_refused(envelope: dict[str, Any]) -> bool:
    """Return True if the sandbox refuses to create a schema."""
    try:
        read_schema(envelope, Options())
    except ApiError:
        return True
    return False


def test_lint_refuses_what_the_platform_refuses_in_a_new_schema() -> None:
    refused = 0
    for seed in draw(range(60_000), 3000):
        envelope = mutate(random.Random(seed))
        schema = Schema(GOOD["id"], GOOD["displayName"], envelope["jsonSchema"], "")
        findings = lint_schema(schema, "engage")
        errors = {finding.code for finding in findings if finding.severity == "error"}
        codes = {finding.code for finding in findings}
        if is_refused(envelope):
            refused += 1
            assert errors or codes & WORD_OF_WARNING, envelope
        else:
            assert not codes & CREATION_CODES, envelope
    assert refused


REFUSED: dict[str, tuple[str, dict[str, Any]]] = {
    "a description": ("EG124", changed(f"{PROPERTIES}/category/description", "Shelf")),
    "examples": ("EG124", changed(f"{PROPERTIES}/category/examples", ["Shoes"])),
    "a comment": ("EG124", changed(f"{PROPERTIES}/category/$comment", "Shelf")),
    "a title of the schema": ("EG124", changed("jsonSchema/title", "Visit")),
    "a closed schema": ("EG124", changed("jsonSchema/additionalProperties", False)),
    "a name twice": ("EG126", changed("jsonSchema/required", ["rating", "category", "rating"])),
    "no dialect": ("EG102", changed("jsonSchema/$schema")),
    "no properties": ("EG125", changed("jsonSchema/properties")),
    "null": ("EG127", changed(f"{PROPERTIES}/rating", {"type": "integer", "sortOrder": None})),
    "a misspelling": ("EG119", changed(f"{PROPERTIES}/category/sortorder", "1")),
    "no number": ("EG113", changed(f"{PROPERTIES}/rating/sortOrder", True)),
    "no text": ("EG113", changed(f"{PROPERTIES}/rating/displayName", ["Rating"])),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_the_platform_refuses_is_an_error_on_its_line(
    name: str, project: Path, tool: Tool
) -> None:
    code, envelope = REFUSED[name]
    assert is_refused(envelope)
    (project / "visit.json").write_text(canonical_json(envelope))
    outcome = tool("lint", "visit.json")
    assert outcome.code == 1
    assert f": error {code}: storeVisit" in outcome.out
    # The tenant may have the schema already, so the package is fine.
    assert tool("generate", "--schemas", "visit.json", "--output", "package").code == 0
    is_creation = code in CREATION_CODES
    assert tool("check", "--output", "package").code == int(not is_creation)
    assert code in tool("check", "--output", "package", "--strict").out


def test_the_dialect_of_json_schema_leaves_other_keywords_to_the_tenant(tmp_path: Path) -> None:
    path = tmp_path / "visit.json"
    for name, (code, envelope) in REFUSED.items():
        path.write_text(canonical_json(envelope))
        codes = {finding.code for finding in lint([path], "json-schema", {})}
        assert (code in codes) == (code != "EG124"), name


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({}, {}),
        ({"$schema": "x"}, {"$schema": "x"}),
        ({"required": ["b", "a", "b"]}, {"required": ["b", "a"]}),
        ({"required": ["a", 1, 1, "a"]}, {"required": ["a", 1, 1]}),
        ({"required": "a"}, {"required": "a"}),
    ],
)
def test_fix_adds_the_dialect_and_removes_repetitions(
    schema: dict[str, Any], expected: dict[str, Any]
) -> None:
    expected = {"$schema": GOOD["jsonSchema"]["$schema"], **expected}
    assert apply_fixes(schema) == expected
    envelope: dict[str, Any] = {"id": "a", "jsonSchema": schema}
    assert apply_fixes([envelope]) == [{**envelope, "jsonSchema": expected}]
    assert apply_fixes(expected) == expected
