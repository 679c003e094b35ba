"""Which schemas can become code.

The default dialect, ``engage``, is the small part of JSON Schema that the platform documents: one
``$schema``, the type ``object``, and properties with one scalar type and perhaps the format
``date-time`` (source: the vendor's documentation). The dialect ``json-schema`` has every keyword of
draft 2020-12 that applies to scalars. In both, a validating keyword that generated code cannot
check is an error. Ignoring it would let code send what the platform drops or refuses.
"""

from collections.abc import Iterator, Mapping
from typing import TypeAlias

from ..errors import SchemaProblem
from ..schema.envelope import Dialect, Schema
from ..schema.jsontext import Json, JsonObject
from ..schema.text import quote
from .constraints import SUPPORTED_KEYWORDS, TYPES
from .jsonvalues import compact_json
from .payload_size import find_size_problems
from .property_problems import (
    TYPE_FIX,
    PropertyProblem,
    find_property_problems,
    malformed,
    quote_json,
    value_reason,
)

JSON_SCHEMA = "https://json-schema.org/draft/2020-12/schema"
FORMATS = ("date-time",)
"""The formats that the platform documents."""

_OF_ARRAYS = frozenset(
    "prefixItems items contains minContains maxContains uniqueItems minItems maxItems "
    "unevaluatedItems".split()
)
_OF_OBJECTS = frozenset(
    "properties patternProperties additionalProperties propertyNames unevaluatedProperties "
    "required minProperties maxProperties dependentRequired".split()
)
_OF_CONTENT = frozenset(["contentEncoding", "contentMediaType", "contentSchema"])
_DEFINITIONS = frozenset(["$defs", "definitions", "dependencies"])
_APPLICATORS = frozenset(
    "$ref $dynamicRef $recursiveRef allOf anyOf oneOf not if then else dependentSchemas "
    "extends".split()
)
"""Keywords that apply other schemas."""
_OBSOLETE: Mapping[str, str] = {
    "disallow": "list the allowed types in `type`",
    "divisibleBy": "write multipleOf",
    "maxDecimal": "write multipleOf",
    "optional": "list the names of the others in `required` of the schema",
    "requires": "write dependentRequired",
}
"""Keywords of drafts 1 to 3 that restricted values -> what to do instead. Validators of draft
2020-12 ignore them, so ignoring them as well would drop a rule without a word."""
VALIDATING_KEYWORDS = (
    SUPPORTED_KEYWORDS
    | _OBSOLETE.keys()
    | _APPLICATORS
    | _OF_ARRAYS
    | _OF_OBJECTS
    | _OF_CONTENT
    | _DEFINITIONS
)
"""The keywords that decide whether a value is valid: those of draft 2020-12, and those of older
drafts. All others annotate."""

_ALLOWED: dict[Dialect, tuple[frozenset[str], frozenset[str]]] = {
    "engage": (
        frozenset(["type", "properties", "required", "additionalProperties"]),
        frozenset(["type", "format"]),
    ),
    "json-schema": (
        # Keywords for other types than the value's restrict nothing.
        _OF_OBJECTS - {"patternProperties", "propertyNames", "unevaluatedProperties"}
        | {"type", "$defs", "definitions"}
        | _OF_ARRAYS
        | _OF_CONTENT
        | (SUPPORTED_KEYWORDS - {"type", "enum", "const"}),
        SUPPORTED_KEYWORDS | _OF_ARRAYS | _OF_OBJECTS | _OF_CONTENT,
    ),
}
"""Dialect -> the validating keywords that a schema may use, and those that a property may use."""

_WIDEN = 'if the tenant accepts it, set dialect = "json-schema"'


def find_problems(schema: Schema, dialect: Dialect) -> Iterator[SchemaProblem]:
    """Yield every reason why a schema cannot become code.

    The reason of a problem depends on nothing but its cause: not on the wording of the message,
    and not on other properties or schemas.
    """
    for parts, problem in _find_problems(schema.json_schema, dialect):
        yield SchemaProblem(
            problem.code,
            schema.id,
            ("jsonSchema", *parts, *([problem.keyword] if problem.keyword else [])),
            problem.reason,
            problem.message,
            problem.fix,
            schema.origin,
        )


_Problems: TypeAlias = Iterator[tuple[tuple[str, ...], PropertyProblem]]
"""The object below ``jsonSchema`` that has the keyword, and the problem."""


def _find_problems(body: JsonObject, dialect: Dialect) -> _Problems:
    properties = body.get("properties", {})
    for problem in (*_head_problems(body), *_disallowed(body, dialect, is_property=False)):
        yield (), problem
    if not isinstance(properties, dict):
        yield (), malformed("properties", properties, "an object")
        return
    for name, value in sorted(properties.items()):
        for problem in _property_problems(value, dialect):
            yield ("properties", name), problem
    for problem in (
        *_required_problems(body, properties),
        *find_size_problems(body, properties, dialect),
    ):
        yield (), problem


def _head_problems(body: JsonObject) -> Iterator[PropertyProblem]:
    dialect, type_ = body.get("$schema", JSON_SCHEMA), body.get("type")
    if dialect != JSON_SCHEMA:
        message = f"$schema is {quote_json(dialect)}, but the platform accepts draft 2020-12 only"
        reason = ("$schema", *value_reason(dialect))
        yield PropertyProblem("EG207", "$schema", reason, message, f"set $schema to {JSON_SCHEMA}")
    if type_ != "object":
        text = quote_json(type_) if "type" in body else "missing"
        message = f"the type of the schema is {text}, but it must be object"
        reason = ("type", *(value_reason(type_) if "type" in body else ()))
        yield PropertyProblem("EG208", "type", reason, message, 'set `type` to "object"')
    if not isinstance(body.get("additionalProperties", False), bool):
        yield PropertyProblem(
            "EG203",
            "additionalProperties",
            ("keyword", "additionalProperties"),
            "`additionalProperties` must be true or false, because undeclared properties are "
            "never sent",
            "declare the properties",
        )


def _property_problems(value: Json, dialect: Dialect) -> Iterator[PropertyProblem]:
    if not isinstance(value, dict):
        reason = ("malformed", *value_reason(value))
        message = "the definition of the property must be an object"
        fix = 'write an object such as {"type": "string"}'
        yield PropertyProblem("EG213", "", reason, message, fix)
        return
    yield from _undocumented(value) if dialect == "engage" else find_property_problems(value)
    yield from _disallowed(value, dialect, is_property=True)


def _undocumented(value: JsonObject) -> Iterator[PropertyProblem]:
    """Yield a type or format that the platform does not document."""
    type_, format_ = value.get("type"), value.get("format")
    if "type" not in value:
        yield PropertyProblem("EG201", "type", ("type",), "the property has no type", TYPE_FIX)
    elif type_ not in TYPES:
        code = "EG203" if type_ in ("object", "array") else "EG201"
        message = f"the platform has no type {quote_json(type_)}"
        yield PropertyProblem(code, "type", ("type", *value_reason(type_)), message, TYPE_FIX)
    elif format_ is not None and (format_ not in FORMATS or type_ != "string"):
        documented = ("type", str(type_)) if format_ in FORMATS else ()
        yield PropertyProblem(
            "EG204",
            "format",
            ("format", *value_reason(format_), *documented),
            f"the platform does not document the format {quote_json(format_)} for {type_}",
            f"remove the format, or use a string with the format {', '.join(FORMATS)}; {_WIDEN}",
        )


def _disallowed(
    value: JsonObject, dialect: Dialect, *, is_property: bool
) -> Iterator[PropertyProblem]:
    """Yield each validating keyword that a dialect does not allow on a schema or a property."""
    for keyword in sorted((VALIDATING_KEYWORDS & value.keys()) - _ALLOWED[dialect][is_property]):
        reason = ("keyword", keyword)
        if keyword in _OBSOLETE:
            message = f"draft 2020-12 has no keyword {keyword}, so it restricts nothing"
            yield PropertyProblem("EG202", keyword, reason, message, _OBSOLETE[keyword])
        elif keyword in _APPLICATORS or keyword == "properties":
            message = f"the keyword {keyword} applies another schema, but payloads are flat"
            fix = "declare each property directly, with a scalar type"
            yield PropertyProblem("EG203", keyword, reason, message, fix)
        elif keyword in _ALLOWED["json-schema"][is_property]:
            message = f"the platform does not document the keyword {keyword}"
            yield PropertyProblem("EG202", keyword, reason, message, f"remove it; {_WIDEN}")
        else:
            message = f"generated code cannot check the keyword {keyword}"
            yield PropertyProblem("EG202", keyword, reason, message, "remove it")


def _required_problems(body: JsonObject, properties: JsonObject) -> Iterator[PropertyProblem]:
    required = body.get("required", [])
    if not isinstance(required, list):
        yield malformed("required", required, "a list of property names")
        return
    for _, name in sorted({compact_json(name): name for name in required}.items()):
        if not isinstance(name, str):
            reason = ("malformed", "required", "member", *value_reason(name))
            message = f"`required` contains {quote_json(name)}, which is not a property name"
            yield PropertyProblem("EG213", "required", reason, message, "correct `required`")
        elif name not in properties:
            yield PropertyProblem(
                "EG206",
                "required",
                ("undeclared", name),
                f"the required property {quote(name)} is not declared, so no payload is valid",
                "declare the property, or remove it from `required`",
            )
