"""What the platform gave back."""

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, TypeVar

from .errors import InvalidPayload, UnreadablePayload
from .payload.checks import Json, Payload, read_date_time

P = TypeVar("P", bound=Payload)

_BELOW_MICROSECOND = re.compile(r"(\.[0-9]{6})[0-9]+")


@dataclass(frozen=True, slots=True)
class Receipt:
    """The platform stored the interaction."""

    id: str
    """The id that it is stored under."""

    contact_id: str
    """The contact that it is about."""

    schema_id: str
    """Its kind."""

    created_date: datetime
    """When it happened, as it was sent; segments go by it."""


def by_date(stored: "Stored[Payload]") -> tuple[bool, float]:
    """A key to sort by; what has no readable date comes last."""
    try:
        return (False, stored.created_date.timestamp())
    except UnreadablePayload:
        return (True, 0.0)


@dataclass(frozen=True, slots=True)
class Stored(Generic[P]):
    """A stored interaction, as it was read back.

    The typed views raise `UnreadablePayload` when it does not fit, so that one old or damaged
    interaction never breaks a loop over all of them.
    """

    id: str
    """The id that it is stored under."""

    contact_id: str
    """The contact that it is about."""

    schema_id: str
    """Its kind."""

    raw: Json = field(repr=False)
    """The payload as the platform sent it; an object if all is well."""

    raw_created_date: str
    """When it happened, as the platform sent it."""

    _kind: type[P] = field(repr=False)

    @property
    def payload(self) -> P:
        """The payload as the class that was asked for; undeclared properties are left out, and so
        is null where the schema does not allow it."""
        if self.schema_id != self._kind.__schema_id__:
            raise UnreadablePayload(f"interaction {self.id} is of the schema {self.schema_id}")
        if not isinstance(self.raw, dict):
            raise UnreadablePayload(f"interaction {self.id} has no payload")
        declared = self._kind.__properties__
        nullable: frozenset[str] = getattr(self._kind, "__nullable__", frozenset())
        known = {
            name: value
            for name, value in self.raw.items()
            if name in declared and (value is not None or name in nullable)
        }
        problem = ""
        try:
            return self._kind.from_payload(known)
        except InvalidPayload as error:
            problem = str(error)
        raise UnreadablePayload(f"interaction {self.id}: {problem}")

    @property
    def created_date(self) -> datetime:
        """When it happened, to the microsecond; UTC where the platform sent no offset."""
        text = _BELOW_MICROSECOND.sub(r"\1", self.raw_created_date)
        for candidate in (text, f"{text}Z"):
            try:
                return read_date_time(candidate)
            except ValueError:
                continue
        raise UnreadablePayload(f"interaction {self.id}: unreadable createdDate")
