"""Request bodies: parse untrusted bytes into a JSON object, or refuse them."""

import json
import math
from collections.abc import Collection

from engage_codegen.sandbox.errors import malformed
from engage_codegen.sandbox.store.records import Json, JsonObject, Violation, to_pointer

MAX_DEPTH = 64
MAX_DIGITS = 1000


def decode_object(body: bytes) -> JsonObject:
    """Parse strict JSON (RFC 8259) in UTF-8 whose top level is an object.

    Beyond the grammar, everything on which JSON libraries disagree is refused: duplicate keys,
    lone surrogates, numbers that overflow a double, integers of more than 1000 digits, and more
    than 64 levels of nesting (the usual limit of the platform's vendor; our guess).

    Raises:
        ApiError: 400 MalformedRequest; nothing else is ever raised.
    """
    try:
        value: Json = json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_build_object,
            parse_int=_parse_integer,
            parse_float=_parse_float,
            parse_constant=_refuse_constant,
        )
        _require_depth(value, MAX_DEPTH)
        json.dumps(value, ensure_ascii=False).encode("utf-8")  # raises on a lone surrogate
    except RecursionError:
        raise malformed("depth", "the body is nested too deeply", "") from None
    except UnicodeError as error:
        raise malformed("encoding", f"the body is not UTF-8: {error}", "") from None
    except ValueError as error:
        raise malformed("json", f"the body is not valid JSON: {error}", "") from None
    if not isinstance(value, dict):
        raise malformed("type", "the body must be a JSON object", "")
    return value


def _build_object(pairs: list[tuple[str, Json]]) -> JsonObject:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise malformed("duplicate-key", "an object in the body has the same key twice", "")
    return members


def _parse_integer(text: str) -> int:
    if len(text) > MAX_DIGITS:
        message = f"an integer in the body has more than {MAX_DIGITS} digits"
        raise malformed("number-range", message, "")
    return int(text)


def _parse_float(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise malformed("number-range", "a number in the body overflows a double", "")
    return number


def _refuse_constant(text: str) -> float:
    raise malformed("json", f"{text} is not a JSON value", "")


def _require_depth(value: Json, levels: int) -> None:
    if not isinstance(value, dict | list):
        return
    if levels == 0:
        raise malformed("depth", f"the body has more than {MAX_DEPTH} levels of nesting", "")
    for child in value.values() if isinstance(value, dict) else value:
        _require_depth(child, levels - 1)


def read_text(body: JsonObject, name: str) -> str:
    """Return a required string member. Raises `ApiError` (400 MalformedRequest)."""
    value = body.get(name)
    if not isinstance(value, str):
        raise malformed(_missing_or_type(body, name), f"{name} must be a string", to_pointer(name))
    return value


def read_object(body: JsonObject, name: str) -> JsonObject:
    """Return a required object member. Raises `ApiError` (400 MalformedRequest)."""
    value = body.get(name)
    if not isinstance(value, dict):
        raise malformed(_missing_or_type(body, name), f"{name} must be an object", to_pointer(name))
    return value


def _missing_or_type(body: JsonObject, name: str) -> str:
    return "type" if name in body else "required"


def find_unknown_members(body: JsonObject, members: Collection[str]) -> list[Violation]:
    """Return a warning for each unknown member; the API ignores such members (our guess)."""
    return [
        Violation("undeclared", to_pointer(name), f"the unknown member {name!r} is ignored")
        for name in body
        if name not in members
    ]
