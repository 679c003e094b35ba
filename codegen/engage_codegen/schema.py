"""The one value that travels through the stages: an interaction schema of a tenant."""

import hashlib
import json
import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, TypeAlias, cast

from .errors import InputError, SchemaError

Json: TypeAlias = "None | bool | int | float | str | list[Json] | dict[str, Json]"
JsonObject: TypeAlias = dict[str, Json]

Dialect: TypeAlias = Literal["engage", "json-schema"]
"""What a schema may say: what the platform documents, or all that can stand on a scalar."""
DIALECTS: tuple[Dialect, ...] = ("engage", "json-schema")

UNSAFE_IN_TEXT = re.compile(
    "[\\x00-\\x1f\\x7f-\\xa0\\xad\u061c\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000"
    "\\ud800-\\udfff\ufeff\ufff0-\uffff\U000e0000-\U000e0fff]"
)
"""Characters that are written as escapes wherever we write text: controls, odd spaces, bidi
overrides and what has no glyph. A fixed list, so that the Unicode version of a Python does not
change our output."""

_ID = re.compile(r"[A-Za-z0-9_-]{1,200}")


@dataclass(frozen=True)
class Schema:
    """One kind of interaction.

    `json_schema` is the JSON Schema of the payload, `origin` the file or URL it came from, for
    messages only.
    """

    id: str
    display_name: str
    json_schema: JsonObject
    origin: str = field(compare=False)

    def canonical(self) -> str:
        """The envelope as the snapshot holds it: sorted keys, two spaces, LF, one newline at the
        end. Equal content gives equal text, whatever order the tenant answered in."""
        return self._canonical

    @cached_property
    def digest(self) -> str:
        """The hash of that."""
        return digest(self._canonical)

    @cached_property
    def _canonical(self) -> str:
        envelope: JsonObject = {
            "id": self.id,
            "displayName": self.display_name,
            "jsonSchema": self.json_schema,
        }
        return canonical_json(envelope)


def parse_envelope(text: str, origin: str) -> Schema:
    """The schema in the text of an envelope `{id, displayName, jsonSchema}`. Raises `InputError`
    and, for its id, `SchemaError`."""
    try:
        return from_envelope(loads(text), origin)
    except ValueError as error:
        raise InputError(f"not JSON: {error}", where=origin, fix="correct the file") from None


def from_envelope(value: Json, origin: str) -> Schema:
    """The schema in a parsed envelope.

    Other keys of the envelope are ignored: the platform announces that its answers may gain some.
    """
    if not isinstance(value, dict):
        raise InputError("a schema has to be a JSON object", where=origin, fix=_ENVELOPE)
    schema_id, title, body = value.get("id"), value.get("displayName"), value.get("jsonSchema")
    if not isinstance(schema_id, str):
        raise InputError("the schema has no id", where=origin, fix=_ENVELOPE)
    check_id(schema_id, origin)
    if not isinstance(body, dict):
        raise InputError(
            f"the schema {schema_id} has no object jsonSchema",
            where=origin,
            fix=_ENVELOPE,
        )
    if title is not None and not isinstance(title, str):
        raise InputError(
            f"the displayName of {schema_id} has to be a string", where=origin, fix=_ENVELOPE
        )
    return Schema(schema_id, (title or "").strip() or schema_id, body, origin)


_ENVELOPE = 'an envelope is {"id": "…", "displayName": "…", "jsonSchema": {…}}'


def canonical_json(value: Json) -> str:
    """Sorted keys, two spaces, LF, non-ASCII text readable but for what has no glyph."""
    text = json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
    # json.dumps escapes the ASCII controls itself; the line breaks of the layout have to stay.
    return "\n".join(UNSAFE_IN_TEXT.sub(_json_escape, line) for line in text.split("\n")) + "\n"


def digest(text: str | bytes) -> str:
    """SHA-256 in hexadecimal over LF-normalised text: a CRLF checkout is not a change."""
    data = text.encode("utf-8") if isinstance(text, str) else text
    return hashlib.sha256(data.replace(b"\r\n", b"\n")).hexdigest()


def is_id(text: str) -> bool:
    """Whether the platform allows it as the id of a schema (letters, digits, ``_``, ``-``) and it
    is short enough for a file name."""
    return _ID.fullmatch(text) is not None


def check_id(schema_id: str, origin: str) -> None:
    """Raise `SchemaError` for what is no `is_id`."""
    if not is_id(schema_id):
        raise SchemaError(
            f"the schema id {shown(schema_id)} is not one that the platform allows",
            where=origin,
            fix="an id is 1 to 200 letters, digits, '_' and '-'",
        )


def loads(text: str) -> Json:
    """Parse JSON that nobody vouches for.

    Raises `ValueError` with a sentence that says what is wrong and where, also for what Python's
    parser lets pass: duplicate keys, NaN and infinities, nesting without end.
    """
    try:
        value = cast(
            Json,
            json.loads(
                text,
                object_pairs_hook=_unique,
                parse_constant=_no_constant,
                parse_float=_finite,
                parse_int=_integer,
            ),
        )
    except json.JSONDecodeError as error:
        raise ValueError(f"{error.msg} (line {error.lineno}, column {error.colno})") from None
    except RecursionError:
        raise ValueError("nested too deeply") from None
    _refuse_depth(value)
    return value


def shown(text: str, limit: int = 80) -> str:
    """Foreign text in quotes, on one line, harmless in a terminal, cut at `limit` characters."""
    cut = text if len(text) <= limit else text[: limit - 1] + "…"
    return "'" + UNSAFE_IN_TEXT.sub(escaped, cut.replace("\n", "\\n")) + "'"


def escaped(match: re.Match[str]) -> str:
    """One character as an escape of Python and TOML."""
    code = ord(match.group())
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def pointer(*parts: str) -> str:
    """A JSON pointer (RFC 6901) out of unescaped parts."""
    return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in parts)


def _json_escape(match: re.Match[str]) -> str:
    units = match.group().encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))


def _unique(pairs: list[tuple[str, Json]]) -> JsonObject:
    result: JsonObject = {}
    for key, value in pairs:
        if key in result:
            raise ValueError(f"the key {shown(key)} stands twice in one object")
        result[key] = value
    return result


def _refuse_depth(value: Json) -> None:
    """Not left to the recursion limit, which differs from Python to Python."""
    level, depth = [value], 0
    while level:
        depth += 1
        if depth > _DEEPEST:
            raise ValueError("nested too deeply")
        level = [
            child
            for item in level
            if isinstance(item, (dict, list))
            for child in (item.values() if isinstance(item, dict) else item)
        ]


_DEEPEST = 100


def _integer(text: str) -> int:
    if len(text) > 1000:
        raise ValueError(f"an integer of {len(text.lstrip('-'))} digits is too large")
    return int(text)


def _no_constant(name: str) -> Json:
    raise ValueError(f"{name} is no JSON value")


def _finite(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise ValueError(f"the number {shown(text, 30)} is too large")
    return value
