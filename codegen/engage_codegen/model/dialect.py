"""Which schemas the platform has: its own small part of JSON Schema.

Source of the rules: the vendor's documentation, as engage-api says: one ``$schema``, ``type`` is
object, properties are scalars. A keyword that validates and that our checks do not cover is an
error, because code that ignores it would accept what the platform drops without a word.
"""

import json
from collections.abc import Iterator
from typing import cast

from ..errors import SchemaError
from ..schema import Json, JsonObject, Schema, pointer, shown

JSON_SCHEMA = "https://json-schema.org/draft/2020-12/schema"
TYPES = ("string", "number", "integer", "boolean")
FORMATS = ("date-time",)

# The keywords of draft 2020-12 that decide whether a value is valid. All others are annotations.
_VALIDATING = frozenset(
    "$ref $dynamicRef allOf anyOf oneOf not if then else dependentSchemas dependentRequired "
    "prefixItems items contains minContains maxContains uniqueItems minItems maxItems "
    "unevaluatedItems properties patternProperties additionalProperties propertyNames "
    "unevaluatedProperties required minProperties maxProperties type enum const multipleOf maximum "
    "exclusiveMaximum minimum exclusiveMinimum maxLength minLength pattern format "
    "contentEncoding contentMediaType contentSchema $defs definitions dependencies".split()
)
_OF_OBJECT = frozenset(["type", "properties", "required", "additionalProperties"])
_OF_PROPERTY = frozenset(["type", "format"])


def problems(schema: Schema) -> Iterator[SchemaError]:
    """Everything in a schema that keeps it from becoming code."""
    body = schema.json_schema
    if body.get("$schema", JSON_SCHEMA) != JSON_SCHEMA:
        yield _problem(schema, ["$schema"], "$schema has one allowed value", f"use {JSON_SCHEMA}")
    if body.get("type") != "object":
        yield _problem(schema, ["type"], "the type of an interaction is object", 'use "object"')
    yield from _uncovered(schema, [], body, _OF_OBJECT)
    if not isinstance(body.get("additionalProperties", False), bool):
        yield _problem(
            schema,
            ["additionalProperties"],
            "additionalProperties is not covered here, except as true or false",
            "declare the properties",
        )
    properties = body.get("properties", {})
    if not isinstance(properties, dict):
        yield _problem(schema, ["properties"], "properties has to be an object", "correct it")
        return
    for name, value in sorted(properties.items()):
        yield from _of_property(schema, name, value)
    yield from _of_required(schema, body.get("required", []), properties)


def _of_property(schema: Schema, name: str, value: Json) -> Iterator[SchemaError]:
    place = ["properties", name]
    if not isinstance(value, dict):
        yield _problem(schema, place, "a property has to be described by an object", _DESCRIBE)
        return
    kind, form = value.get("type"), value.get("format")
    if kind not in TYPES:
        what = f"the platform has no type {shown(json.dumps(kind))[1:-1]}"
        what = what if "type" in value else "the property has no type"
        yield _problem(schema, [*place, "type"], what, _DESCRIBE)
    elif form is not None and (form not in FORMATS or kind != "string"):
        yield _problem(
            schema,
            [*place, "format"],
            f"the format {shown(str(form))} of a {kind} is not covered by the generated checks",
            f"leave it out, or use a string with the format {', '.join(FORMATS)}",
        )
    yield from _uncovered(schema, place, value, _OF_PROPERTY)


_DESCRIBE = f"give it a type out of {', '.join(TYPES)}"


def _of_required(schema: Schema, required: Json, properties: JsonObject) -> Iterator[SchemaError]:
    if not isinstance(required, list) or not all(isinstance(name, str) for name in required):
        yield _problem(schema, ["required"], "required has to be a list of names", "correct it")
        return
    for name in cast("list[str]", required):
        if name not in properties:
            yield _problem(
                schema,
                ["required"],
                f"the required property {shown(name)} is not declared, so no payload can be valid",
                "declare it, or take it out of required",
            )


def _uncovered(
    schema: Schema, place: list[str], value: JsonObject, covered: frozenset[str]
) -> Iterator[SchemaError]:
    for keyword in sorted((_VALIDATING & value.keys()) - covered):
        yield _problem(
            schema,
            [*place, keyword],
            f"the keyword {keyword} is not one that the platform documents, and the generated "
            "checks do not cover it",
            "take it out of the schema",
        )


def _problem(schema: Schema, place: list[str], what: str, fix: str) -> SchemaError:
    where = shown(f"{schema.origin}, #{pointer(*place)}", 500)
    return SchemaError(f"{schema.id}: {what}", where=where[1:-1], fix=fix)
