"""The model is a pure function of schemas and renames, in every version of Python."""

import hashlib

import pytest

from engage_codegen.errors import ConfigError, SchemaError
from engage_codegen.model.build import build
from engage_codegen.model.ir import Record
from engage_codegen.schema.envelope import Schema
from engage_codegen.schema.jsontext import Json, JsonObject


def build_record(properties: JsonObject, **keywords: Json) -> Record:
    body: JsonObject = {"type": "object", "properties": properties, **keywords}
    (record,) = build({"s": Schema("s", "S", body, "s.json")}, {}).records
    return record


def test_docstrings_do_not_depend_on_the_unicode_tables_of_python() -> None:
    characters = "".join(f"a{chr(code)}b" for code in range(0x10000))
    (field,) = build_record({"x": {"type": "string", "description": characters}}).fields
    digest = hashlib.sha256(field.doc.encode("utf-8", "surrogatepass")).hexdigest()
    assert digest == "7452c65a8b249bc29865d701023615a970f2796f0aa47251c018204de731f8c7"


@pytest.mark.parametrize("space", ["\n", "\u00a0", "\u2003", "\u3000", " \t\x1c\x85\u2028 "])
def test_white_space_in_texts_becomes_one_space(space: str) -> None:
    record = build_record({}, description=f"{space}Two{space}words{space}")
    assert record.doc == "S. Two words."


@pytest.mark.parametrize("label", ["", " ", "\u2003\u3000", 5, None])
def test_a_property_without_a_label_is_called_by_its_name(label: Json) -> None:
    (field,) = build_record({"shop": {"type": "string", "displayName": label}}).fields
    assert field.doc.startswith("shop.")


@pytest.mark.parametrize(
    ("orders", "names"),
    [
        ({"a": "2", "b": "1"}, ["b", "a"]),
        ({"a": 10, "b": 9}, ["b", "a"]),
        ({"a": "x", "b": "5"}, ["b", "a"]),
        ({"a": None, "b": "-1"}, ["b", "a"]),
        # Which of these characters are digits depends on the Unicode version of Python.
        ({"a": "5", "b": "\u0661"}, ["a", "b"]),
        ({"a": "5", "b": "\U0001e141"}, ["a", "b"]),
    ],
)
def test_fields_are_sorted_by_sort_order(orders: dict[str, Json], names: list[str]) -> None:
    properties: JsonObject = {
        name: {"type": "string", "sortOrder": order} for name, order in orders.items()
    }
    assert [field.wire for field in build_record(properties).fields] == names


def test_required_fields_come_first() -> None:
    properties: JsonObject = {
        "a": {"type": "string", "sortOrder": "1"},
        "b": {"type": "string", "sortOrder": "2"},
    }
    assert [field.wire for field in build_record(properties, required=["b"]).fields] == ["b", "a"]


def test_every_problem_of_every_schema_is_in_one_error() -> None:
    bodies: dict[str, JsonObject] = {"a": {"type": "array"}, "b": {"type": "object", "not": {}}}
    schemas = {key: Schema(key, key, body, f"{key}.json") for key, body in bodies.items()}
    with pytest.raises(SchemaError) as caught:
        build(schemas, {})
    problems = [(problem.schema_id, problem.code) for problem in caught.value.problems]
    assert problems == [("a", "EG208"), ("b", "EG203")]


def test_a_rename_without_a_schema_suggests_the_nearest_key() -> None:
    schema = Schema("visit", "Visit", {"type": "object"}, "visit.json")
    with pytest.raises(ConfigError, match="no schema or property has that name") as caught:
        build({"visit": schema}, {"visits": "store_visit"})
    assert caught.value.fix == "did you mean 'visit'?"
