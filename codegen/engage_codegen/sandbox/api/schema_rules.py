"""The rules for interaction schemas: pure decisions. Sources are named as in `rules`."""

import json
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from http import HTTPStatus

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from engage_codegen.sandbox.api.patterns import (
    PatternError,
    compile_pattern,
    find_patterns,
    has_keyword,
)
from engage_codegen.sandbox.api.request_body import find_unknown_members, read_object, read_text
from engage_codegen.sandbox.errors import ApiError
from engage_codegen.sandbox.options import Options, OtherKeywords, WarnOrReject
from engage_codegen.sandbox.store.records import Json, JsonObject, Violation, to_pointer

DIALECT = "https://json-schema.org/draft/2020-12/schema"
MAX_SCHEMAS = 15
MAX_SEGMENTABLE = 6
TYPES = ("string", "number", "integer", "boolean")
DOCUMENTED_FORMAT = "date-time"

_STRING_ATTRIBUTES = ("showInContactCard", "addToSegmentation", "sortOrder")
_ROOT_MEMBERS = ("$schema", "type", "properties", "required")
_SCHEMA_ID = re.compile(r"[A-Za-z0-9_-]+")
_WHOLE_NUMBER = re.compile(r"-?[0-9]+")


@dataclass(frozen=True, slots=True)
class ProposedSchema:
    """A schema that obeys every rule of this module; `warnings` are for the log."""

    id: str
    display_name: str
    json_schema: JsonObject
    warnings: tuple[Violation, ...]


def read_schema(body: JsonObject, options: Options) -> ProposedSchema:
    """Read and check the body of `POST interactionschemas`.

    Raises:
        ApiError: 400 MalformedRequest if the body is not `{id, displayName, jsonSchema}`, else 400
            InvalidSchema with all violations.
    """
    schema_id = read_text(body, "id")
    display_name = read_text(body, "displayName")
    json_schema = read_object(body, "jsonSchema")
    violations = [*_check_id(schema_id), *_check_root(json_schema)]
    warnings = find_unknown_members(body, ("id", "displayName", "jsonSchema"))
    for name, declaration in get_declarations(json_schema).items():
        violations += _check_declaration(name, declaration, options)
        non_strings = [*_find_non_strings(name, declaration)]
        if options.non_string_attributes is WarnOrReject.REJECT:
            violations += non_strings
        warnings += [*non_strings, *_find_unusual_format(name, declaration)]
    if violations:
        message = "The schema is invalid"
        raise ApiError(HTTPStatus.BAD_REQUEST, "InvalidSchema", message, violations=violations)
    return ProposedSchema(schema_id, display_name, json_schema, tuple(warnings))


def require_free_id(schema_id: str, existing_ids: Collection[str]) -> None:
    """Require an unused id, and fewer than 15 schemas (both documented).

    A deleted id can be used again (our guess).

    Raises:
        ApiError: 409 DuplicateSchemaId or 400 SchemaLimitReached (our guess).
    """
    if schema_id in existing_ids:
        message = f"Schema {schema_id!r} already exists"
        raise ApiError(HTTPStatus.CONFLICT, "DuplicateSchemaId", message)
    if len(existing_ids) >= MAX_SCHEMAS:
        message = f"The tenant already has {MAX_SCHEMAS} schemas, which is the limit"
        raise ApiError(HTTPStatus.BAD_REQUEST, "SchemaLimitReached", message)


def get_declarations(json_schema: JsonObject) -> JsonObject:
    """Return the declaration of each property; empty if `properties` is missing or invalid."""
    properties = json_schema.get("properties")
    return properties if isinstance(properties, dict) else {}


def _check_id(schema_id: str) -> Iterator[Violation]:
    if not _SCHEMA_ID.fullmatch(schema_id):
        message = "id may only contain letters, digits, _ and -"
        yield Violation("pattern", to_pointer("id"), message)


def _check_root(json_schema: JsonObject) -> Iterator[Violation]:
    def violation(rule: str, name: str, message: str) -> Violation:
        return Violation(rule, to_pointer("jsonSchema", name), message)

    if json_schema.get("$schema") != DIALECT:
        yield violation("const", "$schema", f"$schema must be {DIALECT}")
    if json_schema.get("type") != "object":
        yield violation("const", "type", "type must be object")
    if not isinstance(json_schema.get("properties"), dict):
        yield violation("type", "properties", "properties must be an object")
    # The list of names is our guess, but without it jsonschema would fetch any address in a $ref.
    for name in json_schema:
        if name not in _ROOT_MEMBERS:
            yield violation("unsupported", name, f"{name!r} is not allowed in the schema")
    properties = get_declarations(json_schema)
    yield from _check_required(json_schema.get("required", []), properties)
    if sum(map(_is_segmentable, properties.values())) > MAX_SEGMENTABLE:
        message = f"at most {MAX_SEGMENTABLE} properties may have addToSegmentation"
        yield violation("segmentable-limit", "properties", message)


def _check_required(required: Json, properties: JsonObject) -> Iterator[Violation]:
    """Refuse undeclared names too: nothing could satisfy them, because the values are dropped."""
    pointer = to_pointer("jsonSchema", "required")
    if not isinstance(required, list):
        yield Violation("type", pointer, "required must be a list")
        return
    for position, name in enumerate(required):
        if not isinstance(name, str) or name not in properties:
            message = f"item {position} of required is not the name of a property"
            yield Violation("undeclared", f"{pointer}/{position}", message)
        elif name in required[:position]:
            message = f"required contains {name!r} twice"
            yield Violation("uniqueItems", f"{pointer}/{position}", message)


def _check_declaration(name: str, declaration: Json, options: Options) -> Iterator[Violation]:
    pointer, subject = _locate(name)
    if not isinstance(declaration, dict):
        yield Violation("type", pointer, f"{subject} must be an object")
        return
    if "type" not in declaration:
        yield Violation("required", f"{pointer}/type", f"{subject} has no type")
    for key, value in declaration.items():
        if key in _ATTRIBUTES:
            is_allowed, rule, expected = _ATTRIBUTES[key]
            if not is_allowed(value):
                message = f"{key} of {subject} must be {expected}"
                yield Violation(rule, pointer + to_pointer(key), message)
        elif options.other_keywords is OtherKeywords.REJECT or key.startswith("$"):
            message = f"{key!r} is not allowed in {subject}"
            yield Violation("unsupported", pointer + to_pointer(key), message)
    if options.other_keywords is OtherKeywords.ACCEPT:
        yield from _check_keywords(name, declaration)


def _check_keywords(name: str, declaration: JsonObject) -> Iterator[Violation]:
    pointer, subject = _locate(name)
    keywords = {key: value for key, value in declaration.items() if key not in _ATTRIBUTES}
    if "$ref" in json.dumps(keywords) or "$dynamicRef" in json.dumps(keywords):
        yield Violation("unsupported", pointer, f"a $ref is not allowed in {subject}")
    if has_keyword(keywords, "patternProperties"):
        message = f"patternProperties is not allowed in {subject}"
        yield Violation("unsupported", pointer, message)
    for pattern in find_patterns(keywords):
        try:
            compile_pattern(str(pattern))
        except PatternError:
            message = f"the sandbox cannot run the pattern {pattern!r} of {subject} in linear time"
            yield Violation("pattern", pointer, message)
    try:
        Draft202012Validator.check_schema(
            keywords, format_checker=Draft202012Validator.FORMAT_CHECKER
        )
    except SchemaError as error:
        where = pointer + to_pointer(*error.absolute_path)
        yield Violation(str(error.validator), where, f"{subject}: {error.message}")


def _find_non_strings(name: str, declaration: Json) -> Iterator[Violation]:
    """Find values that are accepted although all real samples have strings (our guess)."""
    pointer, subject = _locate(name)
    if isinstance(declaration, dict):
        for key in _STRING_ATTRIBUTES:
            if not isinstance(declaration.get(key, ""), str):
                message = f"{key} of {subject} should be a string"
                yield Violation("type", pointer + to_pointer(key), message)


def _find_unusual_format(name: str, declaration: Json) -> Iterator[Violation]:
    """Find formats that are accepted although no real sample has them (our guess)."""
    pointer, subject = _locate(name)
    if not isinstance(declaration, dict):
        return
    if declaration.get("format", DOCUMENTED_FORMAT) != DOCUMENTED_FORMAT:
        message = f"the format of {subject} is not {DOCUMENTED_FORMAT}, the only known one"
        yield Violation("format", f"{pointer}/format", message)


def _locate(name: str) -> tuple[str, str]:
    """Return the pointer to a declaration, and the property as the subject of a message."""
    return to_pointer("jsonSchema", "properties", name), f"property {name!r}"


def _is_segmentable(declaration: Json) -> bool:
    """Return True if addToSegmentation is set; if it is missing, it is false (documented)."""
    return isinstance(declaration, dict) and declaration.get("addToSegmentation") in ("true", True)


def _is_type(value: Json) -> bool:
    return value in TYPES


def _is_text(value: Json) -> bool:
    return isinstance(value, str)


def _is_flag(value: Json) -> bool:
    return isinstance(value, bool) or value in ("true", "false")


def _is_sort_order(value: Json) -> bool:
    if isinstance(value, str):
        return _WHOLE_NUMBER.fullmatch(value) is not None
    return isinstance(value, int) and not isinstance(value, bool)


_ATTRIBUTES: dict[str, tuple[Callable[[Json], bool], str, str]] = {
    "type": (_is_type, "enum", f"one of {', '.join(TYPES)}"),
    "format": (_is_text, "type", "a string"),
    "displayName": (_is_text, "type", "a string"),
    "showInContactCard": (_is_flag, "enum", '"true" or "false"'),
    "addToSegmentation": (_is_flag, "enum", '"true" or "false"'),
    "sortOrder": (_is_sort_order, "pattern", "an integer in a string"),
}
"""Attribute of a property -> check, rule code, and the allowed values for the message.

Other JSON Schema keywords are refused by default (our guess: the one integration that published
minimum and maximum removed them within hours).
"""
