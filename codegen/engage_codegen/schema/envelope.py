"""`Schema`, the value that travels through the stages: one interaction schema of a tenant."""

import re
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal, TypeAlias

from ..errors import CodegenError, InputError, Location, SchemaError, SchemaProblem
from .contract import Contract
from .jsontext import (
    Json,
    JsonError,
    JsonObject,
    canonical_json,
    digest,
    loads,
    nearest_position,
    pointer,
    positions,
)
from .text import escape, quote

Dialect: TypeAlias = Literal["engage", "json-schema"]
"""The keywords that a schema may use: those that the platform documents, or every keyword of JSON
Schema that applies to scalars."""
DIALECTS: tuple[Dialect, ...] = ("engage", "json-schema")

MAX_SCHEMAS = 1_000
"""The most schemas that are read from one place. A tenant of the platform can have 15."""
MAX_PROPERTIES = 1_000
"""The most properties of one schema."""

_ID = re.compile(r"[A-Za-z0-9_-]{1,200}")
_DEVICE = re.compile(r"con|prn|aux|nul|(?:com|lpt)[1-9]", re.IGNORECASE)
_ENVELOPE_FIX = 'write an envelope: {"id": "…", "displayName": "…", "jsonSchema": {…}}'


@dataclass(frozen=True)
class Schema:
    """One interaction schema.

    `json_schema` is the JSON Schema of the payload. `origin` is the file or URL that the schema
    was read from, for messages only. `contract` is what the project allows itself to send of it.
    """

    id: str
    display_name: str
    json_schema: JsonObject
    origin: str = field(compare=False)
    contract: Contract | None = None

    @cached_property
    def canonical(self) -> str:
        """The envelope as the snapshot stores it: sorted keys, two spaces, LF.

        Equal content gives equal text, whatever order the tenant answers in.
        """
        return canonical_json(self.envelope)

    @cached_property
    def digest(self) -> str:
        """The SHA-256 of the canonical text, in hexadecimal."""
        return digest(self.canonical)

    @cached_property
    def narrowed(self) -> "Schema":
        """The schema with the rules of its contract, which generated code obeys."""
        if self.contract is None:
            return self
        body = self.contract.narrow(self.json_schema)
        return replace(self, json_schema=body, contract=None)

    @property
    def envelope(self) -> JsonObject:
        """The object ``{id, displayName, jsonSchema}``, as the API sends and receives it."""
        return {
            "id": self.id,
            "displayName": self.display_name,
            "jsonSchema": self.json_schema,
        }


def parse_envelope(text: str, origin: str) -> Schema:
    """Return the schema in the text of an envelope ``{id, displayName, jsonSchema}``.

    `origin` is the file of the text. Raises `InputError`, and `SchemaError` if the id is invalid.
    """
    try:
        return from_envelope(loads(text), origin)
    except JsonError as error:
        raise InputError(
            f"the file is not valid JSON: {error.message}",
            where=origin,
            fix="correct the file",
            location=Location(origin, "", error.line or 1, error.column or 1),
        ) from None
    except CodegenError as error:
        error.location = locate_error(error, text, origin)
        raise


def locate_error(
    error: CodegenError, text: str, file: str, prefix: tuple[str, ...] = ()
) -> Location:
    """Return the place of an error of `from_envelope` in the text of its file.

    `prefix` are the parts of the pointer from the file to the envelope.
    """
    parts = (*prefix, *error.location.pointer.split("/")[1:])
    return Location(file, pointer(*parts), *nearest_position(positions(text), parts))


def from_envelope(value: Json, origin: str) -> Schema:
    """Return the schema in a parsed envelope.

    Other keys are ignored, because the platform announces that its answers may gain some.
    Raises `InputError`, and `SchemaError` if the id is invalid; the pointer of their location leads
    from the envelope to the place.
    """
    if not isinstance(value, dict):
        raise InputError("a schema must be a JSON object", where=origin, fix=_ENVELOPE_FIX)
    schema_id, title, body = value.get("id"), value.get("displayName"), value.get("jsonSchema")
    if not isinstance(schema_id, str):
        raise InputError("the schema has no `id`", where=origin, fix=_ENVELOPE_FIX)
    check_id(schema_id, origin)
    if not isinstance(body, dict):
        raise InputError(
            f"`jsonSchema` of {schema_id} must be an object",
            where=origin,
            fix=_ENVELOPE_FIX,
            location=Location("", "/jsonSchema"),
        )
    properties = body.get("properties")
    if isinstance(properties, dict) and len(properties) > MAX_PROPERTIES:
        raise InputError(
            f"{schema_id} has more than {MAX_PROPERTIES:,} properties",
            where=origin,
            fix="split the schema",
            location=Location("", "/jsonSchema/properties"),
        )
    if title is not None and not isinstance(title, str):
        raise InputError(
            f"`displayName` of {schema_id} must be a string",
            where=origin,
            fix=_ENVELOPE_FIX,
            location=Location("", "/displayName"),
        )
    return Schema(schema_id, (title or "").strip() or schema_id, body, origin)


def file_name(schema_id: str) -> str:
    """Return the name of the file of a schema in a snapshot."""
    return f"{file_stem(schema_id)}.json"


def file_stem(name: str) -> str:
    """Return the file name without its suffix for a schema id, or the name of a target.

    Windows cannot have ``CON.json`` and the files of its other devices, in any case. They get a
    ``+``, which no id has.
    """
    return f"{name}+" if _DEVICE.fullmatch(name) else name


def id_of_file(name: str) -> str:
    """Return the id of the schema for which `file_name` returns that name."""
    return name.removesuffix(".json").removesuffix("+")


def refuse_too_many(count: int, place: str) -> None:
    """Raise `InputError` for more schemas, or files of them, than are read from one place."""
    if count > MAX_SCHEMAS:
        raise InputError(
            f"there are more than {MAX_SCHEMAS:,} schemas",
            where=place,
            fix="name the files or folders with the schemas of one tenant",
        )


def is_id(text: str) -> bool:
    """Return True if the text can be a schema id: 1 to 200 letters, digits, ``_`` and ``-``.

    Source: the vendor's documentation; the length keeps file names valid on every system.
    """
    return _ID.fullmatch(text) is not None


def check_id(schema_id: str, origin: str) -> None:
    """Raise `SchemaError` if the text cannot be a schema id."""
    if not is_id(schema_id):
        message = f"{quote(schema_id)} is not a valid schema id"
        fix = "use 1 to 200 letters, digits, '_' and '-'"
        printable_id = escape(schema_id)[:80]
        problem = SchemaProblem("EG120", printable_id, ("id",), ("syntax",), message, fix, origin)
        error = SchemaError([problem])
        error.location = Location("", "/id")
        raise error
