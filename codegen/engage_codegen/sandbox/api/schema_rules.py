"""What an interaction schema may say: pure decisions. Sources are named as in `rules`."""

import json
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from http import HTTPStatus

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from engage_codegen.sandbox.options import Keywords, Oddity, Options
from engage_codegen.sandbox.wire import (
    Json,
    JsonObject,
    Refusal,
    object_member,
    text_member,
    unknown_members,
)

DIALECT = "https://json-schema.org/draft/2020-12/schema"
MAX_SCHEMAS = 15
MAX_SEGMENTABLE = 6
TYPES = ("string", "number", "integer", "boolean")
DOCUMENTED_FORMAT = "date-time"

_SHOULD_BE_TEXT = "should be a string"
_ROOT_MEMBERS = ("$schema", "type", "properties", "required")
_SCHEMA_ID = re.compile(r"[A-Za-z0-9_-]+")
_WHOLE_NUMBER = re.compile(r"-?[0-9]+")


@dataclass(frozen=True, slots=True)
class ProposedSchema:
    """A schema that obeys every rule of this module; `warnings` are for the log."""

    id: str
    display_name: str
    json_schema: JsonObject
    warnings: tuple[str, ...]


def read_schema(body: JsonObject, options: Options) -> ProposedSchema:
    """Judge the body of `POST interactionschemas`.

    Raises `Refusal`: 400 MalformedRequest if it is not `{id, displayName, jsonSchema}`, else 400
    InvalidSchema with every problem among the reasons.
    """
    schema_id = text_member(body, "id")
    display_name = text_member(body, "displayName")
    json_schema = object_member(body, "jsonSchema")
    problems = [*_id_problems(schema_id), *_root_problems(json_schema)]
    warnings = unknown_members(body, ("id", "displayName", "jsonSchema"))
    for name, declaration in declarations(json_schema).items():
        where = f"property {name!r}"
        problems += [
            f"{where}: {problem}" for problem in _declaration_problems(declaration, options)
        ]
        odd = [f"{where}: {warning}" for warning in _declaration_warnings(declaration)]
        if options.non_string_attributes is Oddity.REJECT:
            problems += [text for text in odd if text.endswith(_SHOULD_BE_TEXT)]
        warnings += odd
    if problems:
        message = "The schema is not valid"
        raise Refusal(HTTPStatus.BAD_REQUEST, "InvalidSchema", message, reasons=problems)
    return ProposedSchema(schema_id, display_name, json_schema, tuple(warnings))


def require_room(schema_id: str, existing: Collection[str]) -> None:
    """Ids are unique, else 409 DuplicateSchemaId; 15 schemas at most, else 400 SchemaLimitReached.

    The limits are documented, the answers our guess. So is that a deleted id may be used again.
    """
    if schema_id in existing:
        message = f"Schema {schema_id!r} exists already"
        raise Refusal(HTTPStatus.CONFLICT, "DuplicateSchemaId", message)
    if len(existing) >= MAX_SCHEMAS:
        message = f"There are {MAX_SCHEMAS} schemas already, which is the limit"
        raise Refusal(HTTPStatus.BAD_REQUEST, "SchemaLimitReached", message)


def declarations(json_schema: JsonObject) -> JsonObject:
    """The declaration of each property; empty where `properties` is missing or no object."""
    properties = json_schema.get("properties")
    return properties if isinstance(properties, dict) else {}


def _id_problems(schema_id: str) -> Iterator[str]:
    if not _SCHEMA_ID.fullmatch(schema_id):
        yield "id: only letters, digits, _ and - are allowed"


def _root_problems(json_schema: JsonObject) -> Iterator[str]:
    if json_schema.get("$schema") != DIALECT:
        yield f"$schema: must be {DIALECT}"
    if json_schema.get("type") != "object":
        yield "type: must be object"
    if not isinstance(json_schema.get("properties"), dict):
        yield "properties: must be an object"
    # Not only our guess but a danger: jsonschema would fetch whatever address a $ref names.
    for name in json_schema:
        if name not in _ROOT_MEMBERS:
            yield f"{name!r}: is not allowed here"
    properties = declarations(json_schema)
    yield from _required_problems(json_schema.get("required", []), properties)
    if sum(map(_is_segmentable, properties.values())) > MAX_SEGMENTABLE:
        yield f"properties: at most {MAX_SEGMENTABLE} may have addToSegmentation"


def _required_problems(required: Json, properties: JsonObject) -> Iterator[str]:
    """An undeclared name is refused: nothing could satisfy it, for such a value is dropped."""
    if not isinstance(required, list):
        yield "required: must be a list"
        return
    for position, name in enumerate(required):
        if not isinstance(name, str) or name not in properties:
            yield f"required: item {position} is not the name of a property"
        elif name in required[:position]:
            yield f"required: {name!r} is named twice"


def _declaration_problems(declaration: Json, options: Options) -> Iterator[str]:
    if not isinstance(declaration, dict):
        yield "must be an object"
        return
    if "type" not in declaration:
        yield "type: is missing"
    for name, value in declaration.items():
        if name not in _ATTRIBUTES:
            if options.other_keywords is Keywords.REJECT or name.startswith("$"):
                yield f"{name!r}: is not allowed here"
            continue
        is_allowed, expected = _ATTRIBUTES[name]
        if not is_allowed(value):
            yield f"{name}: must be {expected}"
    if options.other_keywords is Keywords.ACCEPT:
        yield from _keyword_problems(declaration)


def _keyword_problems(declaration: JsonObject) -> Iterator[str]:
    keywords = {name: value for name, value in declaration.items() if name not in _ATTRIBUTES}
    if "$ref" in json.dumps(keywords) or "$dynamicRef" in json.dumps(keywords):
        yield "$ref: is not allowed here"
    try:
        Draft202012Validator.check_schema(
            keywords, format_checker=Draft202012Validator.FORMAT_CHECKER
        )
    except SchemaError as error:
        yield error.message


def _declaration_warnings(declaration: Json) -> Iterator[str]:
    """For what is accepted although no real sample has it (our guess)."""
    if not isinstance(declaration, dict):
        return
    for name in ("showInContactCard", "addToSegmentation", "sortOrder"):
        if not isinstance(declaration.get(name, ""), str):
            yield f"{name} {_SHOULD_BE_TEXT}"
    if declaration.get("format", DOCUMENTED_FORMAT) != DOCUMENTED_FORMAT:
        yield f"only the format {DOCUMENTED_FORMAT} is known to be in use"


def _is_segmentable(declaration: Json) -> bool:
    """A missing addToSegmentation means false (documented)."""
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


# Everything a property may say. Other keywords of JSON Schema are refused (our guess: the one
# integration that published minimum and maximum took them out within hours).
_ATTRIBUTES: dict[str, tuple[Callable[[Json], bool], str]] = {
    "type": (_is_type, f"one of {', '.join(TYPES)}"),
    "format": (_is_text, "a string"),
    "displayName": (_is_text, "a string"),
    "showInContactCard": (_is_flag, '"true" or "false"'),
    "addToSegmentation": (_is_flag, '"true" or "false"'),
    "sortOrder": (_is_sort_order, "a whole number in a string"),
}
