"""`Change`: one difference between two schemas. Pure."""

from collections.abc import Set
from dataclasses import dataclass
from typing import Literal, TypeAlias

from ..schema.jsontext import Json, JsonObject, canonical_json
from ..schema.text import quote

Level: TypeAlias = Literal["DOCS", "COMPATIBLE", "UNKNOWN", "BREAKING"]
LEVELS: tuple[Level, ...] = ("DOCS", "COMPATIBLE", "UNKNOWN", "BREAKING")
"""From harmless to harmful."""


@dataclass(frozen=True, slots=True)
class Change:
    """One difference between this side, which code was generated from, and the other side.

    `parts` lead from the envelope to the place, unescaped. `reason` says as data why the change
    has its level (see `reasons`); with the level, the schema and the place it identifies the
    change. The rest is presentation: `message` is a predicate about the schema or property, and
    `witness` is a smallest payload that generated code can send and that the other side refuses,
    drops or ignores. Every breaking change has a witness, unless the schema is missing on the other
    side and no payload was found. Only payloads with the property `having` and without the property
    `without` break.
    """

    level: Level
    schema_id: str
    parts: tuple[str, ...]
    reason: tuple[str, ...]
    message: str
    witness: JsonObject | None = None
    having: str | None = None
    without: str | None = None


def differing_keys(ours: JsonObject, theirs: JsonObject) -> set[str]:
    """Return the keys whose values differ, or that only one of the objects has."""
    return {key for key in {*ours, *theirs} if _text(ours, key) != _text(theirs, key)}


def describe_harmless(keys: Set[str]) -> str:
    """Return the message for keywords that differ without any effect on payloads."""
    text = ", ".join(quote(key, 40) for key in sorted(keys))
    return f"{text} {'differs' if len(keys) == 1 else 'differ'}, without an effect on payloads"


def format_value(value: Json) -> str:
    """Return a value as JSON for a message, cut if it is long."""
    text = canonical_json(value).strip()
    return text if len(text) <= 60 else f"{text[:59]}…"


def _text(value: JsonObject, key: str) -> str:
    return canonical_json(value[key]) if key in value else ""
