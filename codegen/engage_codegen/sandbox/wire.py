"""Request bodies: hostile bytes in, a plain JSON object out, or a refusal."""

import json
import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import TypeAlias

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"
JsonObject: TypeAlias = dict[str, Json]

MAX_DEPTH = 64
MAX_DIGITS = 1000


@dataclass(frozen=True, slots=True)
class Dropped:
    """A property that was left out of an interaction and is kept in blob storage only."""

    name: str
    value: Json
    reason: str


class Refusal(Exception):
    """A request that is answered with an error: `{errorCode, message, messageDetails}`.

    `reasons` become `messageDetails.reasons`. `dropped` are the properties that had already been
    left out when an interaction was refused.
    """

    def __init__(
        self,
        status: HTTPStatus,
        code: str,
        message: str,
        *,
        reasons: Iterable[str] = (),
        dropped: Iterable[Dropped] = (),
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.reasons = tuple(reasons)
        self.dropped = tuple(dropped)


def malformed(*reasons: str) -> Refusal:
    """The 400 for a request that is not even a question; the code is our guess."""
    return Refusal(
        HTTPStatus.BAD_REQUEST, "MalformedRequest", "The request is malformed", reasons=reasons
    )


def decode_object(body: bytes) -> JsonObject:
    """Strict JSON (RFC 8259) in UTF-8 whose top is an object.

    Beyond the grammar, what no JSON library agrees on is refused as well: duplicate keys, lone
    surrogates, numbers that are infinite as a double, integers of more than 1000 digits, and
    nesting deeper than 64 (the vendor's platform's usual limit; our guess). Raises `Refusal`
    (400 MalformedRequest), never anything else.
    """
    try:
        value: Json = json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_without_duplicates,
            parse_int=_integer,
            parse_float=_finite,
            parse_constant=_no_constant,
        )
        _require_depth(value, MAX_DEPTH)
        json.dumps(value, ensure_ascii=False).encode("utf-8")  # raises on a lone surrogate
    except RecursionError:
        raise malformed("the body is nested too deeply") from None
    except ValueError as error:
        raise malformed(f"the body is not acceptable JSON: {error}") from None
    if not isinstance(value, dict):
        raise malformed("the body is not a JSON object")
    return value


def _without_duplicates(pairs: list[tuple[str, Json]]) -> JsonObject:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("an object has the same key twice")
    return members


def _integer(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise ValueError(f"an integer has more than {MAX_DIGITS} digits")
    return int(text)


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError("a number is out of range")
    return number


def _no_constant(text: str) -> float:
    raise ValueError(f"{text} is not a JSON value")


def _require_depth(value: Json, room: int) -> None:
    if not isinstance(value, dict | list):
        return
    if room == 0:
        raise ValueError(f"nested deeper than {MAX_DEPTH} levels")
    for child in value.values() if isinstance(value, dict) else value:
        _require_depth(child, room - 1)


def text_member(body: JsonObject, name: str) -> str:
    """Raises `Refusal` (400 MalformedRequest) unless the member is there and a string."""
    value = body.get(name)
    if not isinstance(value, str):
        raise malformed(f"{name}: must be a string")
    return value


def object_member(body: JsonObject, name: str) -> JsonObject:
    """Raises `Refusal` (400 MalformedRequest) unless the member is there and an object."""
    value = body.get(name)
    if not isinstance(value, dict):
        raise malformed(f"{name}: must be an object")
    return value


def unknown_members(body: JsonObject, known: Collection[str]) -> list[str]:
    """A warning for each member that nobody reads; such members are ignored (our guess)."""
    return [f"{name!r} is unknown and ignored" for name in body if name not in known]
