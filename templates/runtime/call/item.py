"""Interactions of many, with what belongs to them."""

from collections.abc import Sized
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias, cast

from ..payload.types import Payload
from .ids import ContactId


@dataclass(frozen=True, slots=True)
class Item:
    """One interaction of many."""

    contact_id: ContactId
    """The id of the contact in Engage."""

    payload: Payload = field(repr=False)
    """An instance of a payload class of this package."""

    created_date: datetime | None = None
    """When the interaction happened, with a time zone. Defaults to now."""

    key: str | int | None = None
    """A reference of your own, like the key of a database row. It comes back in the outcome."""


Pair: TypeAlias = tuple[ContactId, Payload]
"""A contact id and a payload, for an `Item` without the rest."""


def as_item(value: object) -> Item | None:
    """Return an item as it is, a pair as an item, and None for anything else."""
    if isinstance(value, Item):
        return value
    if isinstance(value, (tuple, list)) and len(cast(Sized, value)) == 2:
        contact_id, payload = cast(Pair, value)
        return Item(contact_id, payload)
    return None
