"""Which schemas become code.

The dialect of the platform, the default, is its own small part of JSON Schema: one ``$schema``,
``type`` is object, properties are scalars with a type and perhaps the format date-time (source: the
vendor's documentation). The dialect ``json-schema`` has every keyword of draft 2020-12 that can
stand on a scalar. In both, a keyword that validates and that the checks do not cover is an error,
because code that ignores it would accept what is dropped or refused without a word.
"""

import json
from collections.abc import Iterator
from typing import cast

from ..errors import SchemaProblem
from ..schema.envelope import Dialect, Schema
from ..schema.jsontext import Json, JsonObject
from ..schema.text import quote
from . import constraints as scalar

JSON_SCHEMA = "https://json-schema.org/draft/2020-12/schema"
FORMATS = ("date-time",)
"""Those of the platform."""

# The keywords of draft 2020-12 that decide whether a value is valid. All others are annotations.
_OF_ARRAYS = frozenset(
    "prefixItems items contains minContains maxContains uniqueItems minItems maxItems "
    "unevaluatedItems".split()
)
_OF_OBJECTS = frozenset(
    "properties patternProperties additionalProperties propertyNames unevaluatedProperties "
    "required minProperties maxProperties dependentRequired".split()
)
_CONTENT = frozenset(["contentEncoding", "contentMediaType", "contentSchema"])
_DEFINITIONS = frozenset(["$defs", "definitions", "dependencies"])
_VALIDATING = scalar.COVERED | scalar.NESTING | _OF_ARRAYS | _OF_OBJECTS | _CONTENT | _DEFINITIONS

_COVERED: dict[Dialect, tuple[frozenset[str], frozenset[str]]] = {
    "engage": (
        frozenset(["type", "properties", "required", "additionalProperties"]),
        frozenset(["type", "format"]),
    ),
    "json-schema": (
        # What says nothing about an object, or nothing about a scalar, restricts nothing there.
        _OF_OBJECTS - {"patternProperties", "propertyNames", "unevaluatedProperties"}
        | {"type", "$defs", "definitions"}
        | _OF_ARRAYS
        | _CONTENT
        | frozenset(scalar.COVERED - {"type", "enum", "const"}),
        scalar.COVERED | _OF_ARRAYS | _OF_OBJECTS | _CONTENT,
    ),
}
"""By dialect: the keywords that the checks cover on the object, and on a property."""


def problems(schema: Schema, dialect: Dialect) -> Iterator[SchemaProblem]:
    """Everything in a schema that keeps it from becoming code."""
    body = schema.json_schema
    if body.get("$schema", JSON_SCHEMA) != JSON_SCHEMA:
        what = "$schema has one allowed value"
        yield _problem(schema, "EG207", ["$schema"], what, f"use {JSON_SCHEMA}")
    if body.get("type") != "object":
        what = "the type of an interaction is object"
        yield _problem(schema, "EG208", ["type"], what, 'use "object"')
    yield from _uncovered(schema, [], body, _COVERED[dialect][0])
    if not isinstance(body.get("additionalProperties", False), bool):
        yield _problem(
            schema,
            "EG203",
            ["additionalProperties"],
            "additionalProperties is not covered here, except as true or false",
            "declare the properties",
        )
    properties = body.get("properties", {})
    if not isinstance(properties, dict):
        what = "properties has to be an object"
        yield _problem(schema, "EG213", ["properties"], what, "correct it")
        return
    for name, value in sorted(properties.items()):
        yield from _of_property(schema, name, value, dialect)
    yield from _of_required(schema, body.get("required", []), properties)
    yield from _of_size(schema, body)


def _of_property(
    schema: Schema, name: str, value: Json, dialect: Dialect
) -> Iterator[SchemaProblem]:
    place = ["properties", name]
    if not isinstance(value, dict):
        what = "a property has to be described by an object"
        yield _problem(schema, "EG213", place, what, _DESCRIBE)
        return
    if dialect == "engage":
        yield from _beyond_the_platform(schema, place, value)
    else:
        for fault in scalar.faults(value):
            what = f"the property {fault.what}"
            yield _problem(schema, fault.code, [*place, fault.keyword], what, fault.fix)
    yield from _uncovered(schema, place, value, _COVERED[dialect][1])


def _beyond_the_platform(
    schema: Schema, place: list[str], value: JsonObject
) -> Iterator[SchemaProblem]:
    kind, form = value.get("type"), value.get("format")
    if kind not in scalar.TYPES:
        what = f"the platform has no type {quote(json.dumps(kind))[1:-1]}"
        what = what if "type" in value else "the property has no type"
        code = "EG203" if kind in ("object", "array") else "EG201"
        yield _problem(schema, code, [*place, "type"], what, _DESCRIBE)
    elif form is not None and (form not in FORMATS or kind != "string"):
        yield _problem(
            schema,
            "EG204",
            [*place, "format"],
            f"the format {quote(str(form))} of a {kind} is not one that the platform documents",
            f"leave it out, or use a string with the format {', '.join(FORMATS)}; {_WIDEN}",
        )


_DESCRIBE = f"give it a type out of {', '.join(scalar.TYPES)}"
_WIDEN = 'if the tenant accepts it, set dialect = "json-schema"'


def _of_required(schema: Schema, required: Json, properties: JsonObject) -> Iterator[SchemaProblem]:
    if not _is_names(required):
        what = "required has to be a list of names"
        yield _problem(schema, "EG213", ["required"], what, "correct it")
        return
    for name in cast("list[str]", required):
        if name not in properties:
            yield _problem(
                schema,
                "EG206",
                ["required"],
                f"the required property {quote(name)} is not declared, so no payload can be valid",
                "declare it, or take it out of required",
            )


def _of_size(schema: Schema, body: JsonObject) -> Iterator[SchemaProblem]:
    for keyword in ("minProperties", "maxProperties"):
        number = body.get(keyword, 0)
        if not scalar.is_number(number) or number < 0 or number != int(number):
            what = f"{keyword} has to be a number of properties"
            yield _problem(schema, "EG213", [keyword], what, "correct it")
    dependent = body.get("dependentRequired", {})
    if not isinstance(dependent, dict) or not all(map(_is_names, dependent.values())):
        what = "dependentRequired has to be an object of lists of names"
        yield _problem(schema, "EG213", ["dependentRequired"], what, "correct it")


def _is_names(value: Json) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)


def _uncovered(
    schema: Schema, place: list[str], value: JsonObject, covered: frozenset[str]
) -> Iterator[SchemaProblem]:
    for keyword in sorted((_VALIDATING & value.keys()) - covered):
        if keyword in scalar.NESTING or keyword == "properties":
            what = f"the keyword {keyword} brings in another schema, which is not covered"
            yield _problem(schema, "EG203", [*place, keyword], what, "write it out flat")
            continue
        is_wide = keyword in _COVERED["json-schema"][bool(place)]
        yield _problem(
            schema,
            "EG202",
            [*place, keyword],
            f"the keyword {keyword} is not one that the platform documents"
            if is_wide
            else f"the keyword {keyword} is not one that the checks cover",
            f"take it out of the schema{f'; {_WIDEN}' if is_wide else ''}",
        )


def _problem(
    schema: Schema, code: str, place: list[str], message: str, fix: str, *reason: str
) -> SchemaProblem:
    parts = ("jsonSchema", *place)
    return SchemaProblem(code, schema.id, parts, reason, message, fix, schema.origin)
