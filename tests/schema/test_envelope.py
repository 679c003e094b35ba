"""Envelopes of schemas: equal contents, wrong shapes, and invalid ids."""

import pytest

from engage_codegen.errors import CodegenError, InputError, SchemaError
from engage_codegen.schema.envelope import Schema, from_envelope, parse_envelope
from engage_codegen.schema.jsontext import Json
from engage_codegen.schema.text import UNSAFE_IN_TEXT


def test_equal_schemas_have_equal_text_whatever_the_order_and_other_keys() -> None:
    first = '{"id": "Visit", "displayName": " A visit ", "jsonSchema": {"b": 1, "a": 2}}'
    second = '{"jsonSchema": {"a": 2, "b": 1},\r\n "x": 1, "displayName": "A visit", "id": "Visit"}'
    schema, same = parse_envelope(first, "here"), parse_envelope(second, "there")
    assert schema == same == Schema("Visit", "A visit", {"a": 2, "b": 1}, "")
    assert schema.canonical == same.canonical
    assert parse_envelope(schema.canonical, "snapshot") == schema


@pytest.mark.parametrize(
    ("envelope", "message", "pointer"),
    [
        ([], "must be a JSON object", ""),
        ("text", "must be a JSON object", ""),
        (None, "must be a JSON object", ""),
        ({}, "has no `id`", ""),
        ({"id": 5, "jsonSchema": {}}, "has no `id`", ""),
        ({"id": "Visit"}, "`jsonSchema` of Visit must be an object", "/jsonSchema"),
        ({"id": "Visit", "jsonSchema": []}, "`jsonSchema` of Visit must be an", "/jsonSchema"),
        (
            {"id": "Visit", "jsonSchema": {}, "displayName": 1},
            "`displayName` of Visit must be a string",
            "/displayName",
        ),
    ],
)
def test_an_envelope_of_the_wrong_shape_is_refused_at_its_place(
    envelope: Json, message: str, pointer: str
) -> None:
    with pytest.raises(InputError, match=message) as caught:
        from_envelope(envelope, "the place")
    assert caught.value.where == "the place"
    assert caught.value.location.pointer == pointer


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("", 1, 1),
        ('{"id": "a",\n "id": "a"}', 2, 2),
        ('{\n "displayName": 5,\n "id": "Visit", "jsonSchema": {}}', 2, 2),
        ('{\n\n  "id": "a/b"}', 3, 3),
        ("\n []", 2, 2),
        ("[NaN]", 1, 1),
    ],
)
def test_an_error_in_the_text_of_an_envelope_has_a_line(text: str, line: int, column: int) -> None:
    with pytest.raises(CodegenError) as caught:
        parse_envelope(text, "a.json")
    location = caught.value.location
    assert (location.file, location.line, location.column) == ("a.json", line, column)


@pytest.mark.parametrize(
    "schema_id",
    [
        "",
        "..",
        "a/b",
        "a\\b",
        "a.b",
        "a b",
        "é",
        "a\n",
        "a\x00",
        "-" * 201,
        "C:",
        "\u202ea",
        "\ud800",
    ],
)
def test_an_invalid_id_is_refused_and_quoted_safely(schema_id: str) -> None:
    with pytest.raises(SchemaError, match="is not a valid schema id") as caught:
        from_envelope({"id": schema_id, "jsonSchema": {}}, "here")
    assert not UNSAFE_IN_TEXT.search(str(caught.value).replace("\n", ""))
    (problem,) = caught.value.problems
    assert (problem.code, problem.parts, problem.reason) == ("EG120", ("id",), ("syntax",))
