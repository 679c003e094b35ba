"""What the contact card shows of a schema. Pure.

Documented: the card shows the properties with `showInContactCard` under their `displayName`, in the
order of `sortOrder`. Our guess, which the sandbox shares: properties without an order come last,
and properties with the same order are sorted by name.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from ...schema.jsontext import Json, JsonObject

NO_VALUE = "…"


@dataclass(frozen=True, slots=True)
class Card:
    """The entry of an interaction: pairs of label and value, and the properties not shown."""

    title: str
    rows: tuple[tuple[str, str], ...]
    hidden: tuple[str, ...]


def draw_card(title: str, properties: Mapping[str, JsonObject], sample: JsonObject) -> Card:
    """Return the card of an interaction with the values of a sample."""
    ordered = sorted(
        (_order(value), name) for name, value in properties.items() if is_on_card(value)
    )
    names = [name for _, name in ordered]
    rows = (
        (label_of(name, properties[name]), _show(sample[name]) if name in sample else NO_VALUE)
        for name in names
    )
    return Card(title, tuple(rows), tuple(sorted(properties.keys() - set(names))))


def is_on_card(value: JsonObject) -> bool:
    """Return True if the card shows a property; real samples have the flag as a string."""
    return value.get("showInContactCard") in ("true", True)


def label_of(name: str, value: JsonObject) -> str:
    """Return the display name of a property on one line, or its name without one."""
    label = value.get("displayName")
    return " ".join(label.split()) if isinstance(label, str) and label.strip() else name


def _order(value: JsonObject) -> tuple[bool, int]:
    try:
        return (False, int(str(value.get("sortOrder"))))
    except ValueError:
        return (True, 0)


def _show(value: Json) -> str:
    if isinstance(value, bool):
        return "Yes" if value else "No"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
