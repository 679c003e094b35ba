"""A difference between two schemas, and how it is told. Pure."""

from collections.abc import Set
from dataclasses import dataclass
from typing import Literal, TypeAlias

from ..schema.jsontext import Json, JsonObject, canonical_json
from ..schema.text import quote

Level: TypeAlias = Literal["DOCS", "COMPATIBLE", "UNKNOWN", "BREAKING"]
LEVELS: tuple[Level, ...] = ("DOCS", "COMPATIBLE", "UNKNOWN", "BREAKING")
"""From harmless to harmful."""

HARMLESS = "what can be sent does not"


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. `parts` lead from the envelope to the place; `witness` is the smallest
    payload that our code can send and that the other side would refuse, drop or ignore because of
    it. What breaks has one, but for a schema that is missing there and of which none was found.
    `having` and `without` are properties that a payload has to have, or to lack, to break."""

    level: Level
    schema_id: str
    parts: tuple[str, ...]
    message: str
    witness: JsonObject | None = None
    having: str | None = None
    without: str | None = None
    reason: tuple[str, ...] = ()


def differing(one: JsonObject, other: JsonObject) -> set[str]:
    """The keys whose values are not the same, or that only one has."""
    return {name for name in {*one, *other} if _text(one, name) != _text(other, name)}


def _text(of: JsonObject, name: str) -> str:
    return canonical_json(of[name]) if name in of else ""


def differ(names: Set[str]) -> str:
    """That they differ, and nothing else does."""
    text = ", ".join(quote(name, 40) for name in sorted(names))
    return f"{text} {'differs' if len(names) == 1 else 'differ'}; {HARMLESS}"


def cut(value: Json) -> str:
    """As JSON, on one line of a message."""
    text = canonical_json(value).strip()
    return text if len(text) <= 60 else f"{text[:59]}…"
