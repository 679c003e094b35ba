"""Every schema that cannot become code has problems with a code, a place and a reason."""

from collections import Counter
from collections.abc import Sequence
from copy import deepcopy

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from engage_codegen.errors import SchemaProblem
from engage_codegen.model.dialect import JSON_SCHEMA, find_problems
from engage_codegen.model.jsonvalues import is_equal
from engage_codegen.schema.envelope import DIALECTS, Dialect, Schema
from engage_codegen.schema.jsontext import Json, JsonObject

PROPERTY = ("properties", "a")


def problems(body: JsonObject, dialect: Dialect = "json-schema") -> list[SchemaProblem]:
    return list(find_problems(Schema("s", "S", body, "s.json"), dialect))


def identities(
    body: JsonObject, dialect: Dialect
) -> list[tuple[str, tuple[str, ...], tuple[str, ...]]]:
    return [(problem.code, problem.parts, problem.reason) for problem in problems(body, dialect)]


def body_of(definition: Json) -> JsonObject:
    return {"type": "object", "properties": {"a": definition}}


def text_of(**keywords: Json) -> JsonObject:
    return body_of({"type": "string", **keywords})


ENGAGE: list[tuple[JsonObject, str, tuple[str, ...], tuple[str, ...], str]] = [
    (
        {"type": "object", "$schema": "draft-7"},
        "EG207",
        ("$schema",),
        ("$schema", "draft-7"),
        '$schema is "draft-7"',
    ),
    ({"type": "array"}, "EG208", ("type",), ("type", "array"), 'the type of the schema is "array"'),
    ({}, "EG208", ("type",), ("type",), "the type of the schema is missing"),
    (
        {"type": "object", "allOf": []},
        "EG203",
        ("allOf",),
        ("keyword", "allOf"),
        "applies another schema",
    ),
    (
        {"type": "object", "minProperties": 1},
        "EG202",
        ("minProperties",),
        ("keyword", "minProperties"),
        "does not document the keyword",
    ),
    (
        {"type": "object", "patternProperties": {}},
        "EG202",
        ("patternProperties",),
        ("keyword", "patternProperties"),
        "cannot check the keyword",
    ),
    (
        {"type": "object", "additionalProperties": {}},
        "EG203",
        ("additionalProperties",),
        ("keyword", "additionalProperties"),
        "must be true or false",
    ),
    (
        {"type": "object", "properties": []},
        "EG213",
        ("properties",),
        ("malformed", "properties", "json", "[]"),
        "must be an object",
    ),
    (
        {"type": "object", "required": "a"},
        "EG213",
        ("required",),
        ("malformed", "required", "a"),
        "must be a list",
    ),
    (
        {"type": "object", "required": [5]},
        "EG213",
        ("required",),
        ("malformed", "required", "member", "json", "5"),
        "contains 5",
    ),
    (
        {"type": "object", "required": ["a"]},
        "EG206",
        ("required",),
        ("undeclared", "a"),
        "'a' is not declared",
    ),
    (body_of(5), "EG213", PROPERTY, ("malformed", "json", "5"), "must be an object"),
    (body_of({}), "EG201", (*PROPERTY, "type"), ("type",), "has no type"),
    (body_of({"type": "text"}), "EG201", (*PROPERTY, "type"), ("type", "text"), 'no type "text"'),
    (
        body_of({"type": "object"}),
        "EG203",
        (*PROPERTY, "type"),
        ("type", "object"),
        'no type "object"',
    ),
    (
        body_of({"type": ["string"]}),
        "EG201",
        (*PROPERTY, "type"),
        ("type", "json", '["string"]'),
        'no type ["string"]',
    ),
    (
        text_of(format="date-and-time"),
        "EG204",
        (*PROPERTY, "format"),
        ("format", "date-and-time"),
        '"date-and-time" for string',
    ),
    (
        body_of({"type": "integer", "format": "date-time"}),
        "EG204",
        (*PROPERTY, "format"),
        ("format", "date-time", "type", "integer"),
        '"date-time" for integer',
    ),
    (
        text_of(pattern="a"),
        "EG202",
        (*PROPERTY, "pattern"),
        ("keyword", "pattern"),
        "does not document the keyword pattern",
    ),
    (
        text_of(contentSchema={}),
        "EG202",
        (*PROPERTY, "contentSchema"),
        ("keyword", "contentSchema"),
        "the keyword contentSchema",
    ),
]
JSON: list[tuple[JsonObject, str, tuple[str, ...], tuple[str, ...], str]] = [
    (body_of({}), "EG201", (*PROPERTY, "type"), ("type",), "has no type"),
    (
        body_of({"type": ["string", "array"]}),
        "EG203",
        (*PROPERTY, "type"),
        ("type", "json", '["string","array"]'),
        '"array" is not supported',
    ),
    (
        body_of({"type": []}),
        "EG201",
        (*PROPERTY, "type"),
        ("type", "json", "[]"),
        "[] is not supported",
    ),
    (
        body_of({"enum": []}),
        "EG213",
        (*PROPERTY, "enum"),
        ("malformed", "enum", "json", "[]"),
        "at least one value",
    ),
    (
        body_of({"enum": [[]]}),
        "EG203",
        (*PROPERTY, "enum"),
        ("nested-value",),
        "contains an object or an array",
    ),
    (
        body_of({"const": {}}),
        "EG203",
        (*PROPERTY, "const"),
        ("nested-value",),
        "`const` contains an object",
    ),
    (
        text_of(enum=["a"], format="date"),
        "EG204",
        (*PROPERTY, "format"),
        ("format-of-listed-values", "date"),
        "also lists its values",
    ),
    (
        text_of(minLength=-1),
        "EG213",
        (*PROPERTY, "minLength"),
        ("malformed", "minLength", "json", "-1"),
        "`minLength` is -1",
    ),
    (
        text_of(maximum="5"),
        "EG213",
        (*PROPERTY, "maximum"),
        ("malformed", "maximum", "5"),
        '`maximum` is "5"',
    ),
    (
        text_of(multipleOf=0),
        "EG213",
        (*PROPERTY, "multipleOf"),
        ("malformed", "multipleOf", "json", "0"),
        "more than 0",
    ),
    (
        text_of(format=5),
        "EG213",
        (*PROPERTY, "format"),
        ("malformed", "format", "json", "5"),
        "must be a string",
    ),
    (
        text_of(format="regex"),
        "EG204",
        (*PROPERTY, "format"),
        ("format", "regex"),
        "cannot check the format 'regex'",
    ),
    (
        text_of(pattern=5),
        "EG213",
        (*PROPERTY, "pattern"),
        ("malformed", "pattern", "json", "5"),
        "must be a string",
    ),
    (
        text_of(pattern=r"\p{L}"),
        "EG205",
        (*PROPERTY, "pattern"),
        ("pattern", r"\p{L}"),
        "it has a Unicode property",
    ),
    (
        text_of(minLength=2, maxLength=1),
        "EG206",
        (*PROPERTY, "type"),
        ("limits",),
        "contradict each other",
    ),
    (body_of({"enum": [None]}), "EG206", (*PROPERTY, "enum"), ("only-null",), "only null is valid"),
    (
        body_of({"type": "string", "const": 5}),
        "EG206",
        (*PROPERTY, "const"),
        ("empty",),
        "no value is valid",
    ),
    (
        body_of({"type": "string", "not": {}}),
        "EG203",
        (*PROPERTY, "not"),
        ("keyword", "not"),
        "applies another schema",
    ),
    (
        {"type": "object", "maxProperties": 1.5},
        "EG213",
        ("maxProperties",),
        ("malformed", "maxProperties", "json", "1.5"),
        "whole number",
    ),
    (
        {"type": "object", "dependentRequired": 5},
        "EG213",
        ("dependentRequired",),
        ("malformed", "dependentRequired", "json", "5"),
        "an object with lists",
    ),
    (
        {"type": "object", "dependentRequired": {"b": 5, "c": []}},
        "EG213",
        ("dependentRequired",),
        ("malformed", "dependentRequired", "json", '{"b":5}'),
        "an object with lists",
    ),
]
TWO_STRINGS: JsonObject = {"a": {"type": "string"}, "b": {"type": "string"}}
DRAFT_3: list[tuple[str, Json, str, tuple[str, ...], str]] = [
    ("required", True, "EG213", ("malformed", "required", "json", "true"), "a list of names"),
    ("required", False, "EG213", ("malformed", "required", "json", "false"), "a list of names"),
    ("required", "true", "EG213", ("malformed", "required", "true"), "a list of names"),
    ("required", 1, "EG213", ("malformed", "required", "json", "1"), "a list of names"),
    ("disallow", "null", "EG202", ("keyword", "disallow"), "restricts nothing"),
    ("divisibleBy", 5, "EG202", ("keyword", "divisibleBy"), "restricts nothing"),
    ("maxDecimal", 2, "EG202", ("keyword", "maxDecimal"), "restricts nothing"),
    ("optional", False, "EG202", ("keyword", "optional"), "restricts nothing"),
    ("requires", "b", "EG202", ("keyword", "requires"), "restricts nothing"),
    ("extends", {}, "EG203", ("keyword", "extends"), "another schema"),
    ("$recursiveRef", "#", "EG203", ("keyword", "$recursiveRef"), "another schema"),
]
JSON.extend(
    (text_of(**{keyword: value}), code, (*PROPERTY, keyword), reason, text)
    for keyword, value, code, reason, text in DRAFT_3
)
WITHOUT_PAYLOAD: list[tuple[JsonObject, str, tuple[str, ...]]] = [
    ({"minProperties": 3}, "minProperties", ("size", "3")),
    ({"minProperties": 3.0}, "minProperties", ("size", "3")),
    ({"minProperties": 2, "maxProperties": 1}, "minProperties", ("size", "2")),
    ({"required": ["a", "b"], "maxProperties": 1}, "maxProperties", ("size", "1")),
    (
        {"required": ["a"], "dependentRequired": {"a": ["b"]}, "maxProperties": 1},
        "maxProperties",
        ("size", "1"),
    ),
    (
        {"required": ["a"], "dependentRequired": {"a": ["b"], "b": ["c"]}},
        "dependentRequired",
        ("undeclared", "c"),
    ),
    (
        {"minProperties": 2, "dependentRequired": {"b": ["c"]}},
        "minProperties",
        ("size", "2"),
    ),
]
JSON.extend(
    (
        {"type": "object", "properties": TWO_STRINGS, **keywords},
        "EG206",
        (keyword,),
        reason,
        "no payload is valid" if reason[0] == "size" else "is not declared",
    )
    for keywords, keyword, reason in WITHOUT_PAYLOAD
)
CASES = [("engage", *case) for case in ENGAGE] + [("json-schema", *case) for case in JSON]


NUMBERS_WITHOUT_VALUE: list[JsonObject] = [
    {"type": "number", "minimum": 2, "maximum": 1},
    {"type": "number", "minimum": 1, "exclusiveMaximum": 1},
    {"type": "number", "minimum": 1, "maximum": 9, "multipleOf": 10},
    {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 0.3, "multipleOf": 0.3},
    {"type": "integer", "minimum": 0.1, "maximum": 0.9},
    {"type": "integer", "exclusiveMinimum": 1, "exclusiveMaximum": 2},
    {"type": "integer", "minimum": 1, "maximum": 2, "multipleOf": 1.5},
]
NUMBERS_WITH_VALUE: list[JsonObject] = [
    {"type": "number", "minimum": 1, "maximum": 1},
    {"type": "number", "exclusiveMinimum": 1, "exclusiveMaximum": 2},
    {"type": "number", "minimum": 0.1, "maximum": 0.3, "multipleOf": 0.3},
    {"type": "integer", "minimum": 0.1, "maximum": 1.9},
    {"type": "integer", "minimum": 1, "maximum": 3, "multipleOf": 1.5},
    {"type": "integer", "minimum": -3, "exclusiveMaximum": -2, "multipleOf": 3},
    {"type": "number", "minimum": 5, "multipleOf": 100},
]


@pytest.mark.parametrize("rule", [*NUMBERS_WITHOUT_VALUE, *NUMBERS_WITH_VALUE])
def test_limits_that_exclude_every_number_are_a_problem(rule: JsonObject) -> None:
    codes = [problem.code for problem in problems(body_of(rule))]
    assert codes == (["EG206"] if rule in NUMBERS_WITHOUT_VALUE else [])


@pytest.mark.parametrize(("dialect", "body", "code", "place", "reason", "text"), CASES)
def test_a_problem_has_a_code_a_place_a_reason_and_a_message(
    dialect: Dialect,
    body: JsonObject,
    code: str,
    place: tuple[str, ...],
    reason: tuple[str, ...],
    text: str,
) -> None:
    (problem,) = problems(body, dialect)
    assert (problem.code, problem.reason) == (code, reason)
    assert problem.parts == ("jsonSchema", *place)
    assert text in problem.message
    assert problem.message.isprintable()
    assert problem.fix
    assert (problem.schema_id, problem.origin) == ("s", "s.json")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_schema_of_documented_types_has_no_problem(dialect: Dialect) -> None:
    properties: JsonObject = {
        name: {"type": name, "displayName": name}
        for name in ("string", "integer", "number", "boolean")
    }
    properties["when"] = {"type": "string", "format": "date-time"}
    body: JsonObject = {
        "$schema": JSON_SCHEMA,
        "type": "object",
        "properties": properties,
        "required": ["when"],
    }
    assert problems(body, dialect) == []


def test_keywords_for_scalars_are_allowed_in_the_dialect_json_schema() -> None:
    number: JsonObject = {"type": "number", "multipleOf": 0.5, "exclusiveMinimum": 1, "maximum": 9}
    text: JsonObject = {
        "type": ["string", "null"],
        "format": "email",
        "minLength": 3,
        "pattern": "^a",
    }
    body: JsonObject = {
        "type": "object",
        "properties": {"number": number, "text": text, "listed": {"enum": [1, "a", None]}},
        "minProperties": 1,
        "maxProperties": 2.0,
        "dependentRequired": {"text": ["number"]},
    }
    assert problems(body) == []


SCALARS = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([0.5, 2.0, -0.5])
WORDS = st.sampled_from(
    ["", "a", "5", "json", "string", "number", "object", "array", "date-time", "date", "regex", "("]
)
VALUES: st.SearchStrategy[Json] = st.recursive(
    SCALARS | WORDS,
    lambda values: st.lists(values, max_size=3) | st.dictionaries(WORDS, values, max_size=2),
    max_leaves=4,
)
KEYWORDS: Sequence[str] = (
    "type enum const format pattern minLength maxLength minimum multipleOf allOf $ref items "
    "contentSchema properties title"
).split()
KEYS = st.sampled_from(KEYWORDS).map(str)
DEFINITIONS: st.SearchStrategy[Json] = st.dictionaries(KEYS, VALUES, max_size=4) | VALUES
BODIES = st.fixed_dictionaries(
    {"properties": st.dictionaries(st.sampled_from("abc"), DEFINITIONS, max_size=3)},
    optional={
        "type": st.just("object") | VALUES,
        "$schema": st.just(JSON_SCHEMA) | VALUES,
        "required": st.lists(st.sampled_from("abcde"), max_size=4) | VALUES,
        "additionalProperties": VALUES,
        "minProperties": VALUES,
        "dependentRequired": VALUES,
        "anyOf": VALUES,
    },
)
DIALECT = st.sampled_from(DIALECTS)


@settings(deadline=None)
@given(BODIES, DIALECT)
def test_two_problems_of_one_schema_never_share_an_identity(
    body: JsonObject, dialect: Dialect
) -> None:
    counts = Counter(identities(body, dialect))
    assert all(count == 1 for count in counts.values()), counts
    assert all(reason for _, _, reason in counts)


@settings(deadline=None)
@given(BODIES, DIALECT, DEFINITIONS)
def test_another_property_keeps_the_identity_of_every_problem(
    body: JsonObject, dialect: Dialect, definition: Json
) -> None:
    before = identities(body, dialect)
    larger = deepcopy(body)
    properties = larger["properties"]
    assert isinstance(properties, dict)
    properties["0"] = definition
    after = identities(larger, dialect)
    own = ("jsonSchema", "properties", "0")
    assert before == [problem for problem in after if problem[1][:3] != own]


@settings(deadline=None)
@given(
    VALUES,
    VALUES,
    st.sampled_from(["type", "format", "pattern", "minLength", "multipleOf"]),
    DIALECT,
)
def test_different_values_of_a_keyword_are_different_problems(
    first: Json, second: Json, keyword: str, dialect: Dialect
) -> None:
    assume(not is_equal(first, second))
    assume(keyword in ("type", "format") or dialect == "json-schema")
    before, after = (
        {
            problem
            for problem in identities(body_of({"type": "string", keyword: value}), dialect)
            if problem[1][3:] == (keyword,)
        }
        for value in (first, second)
    )
    assert not before & after


@settings(deadline=None)
@given(
    VALUES, VALUES, st.sampled_from(["$schema", "type", "required", "minProperties", "properties"])
)
def test_different_values_of_a_keyword_of_the_schema_are_different_problems(
    first: Json, second: Json, keyword: str
) -> None:
    assume(not is_equal(first, second))
    assume(not (isinstance(first, list) and isinstance(second, list)))
    before, after = (
        {
            problem
            for problem in identities({"type": "object", keyword: value}, "json-schema")
            if problem[1] == ("jsonSchema", keyword)
        }
        for value in (first, second)
    )
    assert not before & after
