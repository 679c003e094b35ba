"""The results of calls: receipts and stored interactions."""

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, TypeVar

from .errors import InvalidPayloadError, UnreadablePayloadError
from .payload.codecs import read_date_time
from .payload.types import Json, Payload
from .violation import InvalidValueError

P = TypeVar("P", bound=Payload)

_BELOW_MICROSECOND = re.compile(r"(\.[0-9]{6})[0-9]+")


@dataclass(frozen=True, slots=True)
class Receipt:
    """The proof that Engage stored an interaction."""

    id: str
    """The id of the stored interaction."""

    contact_id: str
    """The id of its contact."""

    schema_id: str
    """The id of its interaction schema."""

    created_date: datetime
    """When the interaction happened, as it was sent. Segments in Engage use this date."""


def created_date_key(stored: "Stored[Payload]") -> tuple[bool, float]:
    """Return a sort key: the created date, and after all others those that cannot be read."""
    try:
        return (False, stored.created_date.timestamp())
    except UnreadablePayloadError:
        return (True, 0.0)


@dataclass(frozen=True, slots=True)
class Stored(Generic[P]):
    """A stored interaction, as Engage returned it.

    `payload` and `created_date` are decoded when you access them. They raise
    `UnreadablePayloadError` for an interaction that does not fit, so that one old or damaged
    interaction does not break a loop over all of them.
    """

    id: str
    """The id of the interaction."""

    contact_id: str
    """The id of its contact."""

    schema_id: str
    """The id of its interaction schema."""

    raw: Json = field(repr=False)
    """The payload as Engage returned it, usually a JSON object."""

    raw_created_date: str
    """When the interaction happened, as Engage returned it."""

    _payload_class: type[P] = field(repr=False)

    @property
    def payload(self) -> P:
        """The payload as an instance of the payload class that you asked for.

        Ignores undeclared properties, and null where the schema does not allow it. Raises
        `UnreadablePayloadError`.
        """
        if self.schema_id != self._payload_class.__schema_id__:
            raise UnreadablePayloadError(
                f"The interaction {self.id} has another schema: {self.schema_id}."
            )
        if not isinstance(self.raw, dict):
            raise UnreadablePayloadError(f"The interaction {self.id} has no payload.")
        declared = self._payload_class.__properties__
        nullable: frozenset[str] = getattr(self._payload_class, "__nullable__", frozenset())
        payload = {
            name: value
            for name, value in self.raw.items()
            if name in declared and (value is not None or name in nullable)
        }
        reason = ""
        try:
            return self._payload_class.from_payload(payload)
        except InvalidPayloadError as error:
            reason = str(error)
        raise UnreadablePayloadError(
            f"The payload of the interaction {self.id} does not fit the schema {reason}"
        )

    @property
    def created_date(self) -> datetime:
        """When the interaction happened, to the microsecond.

        The time zone is UTC if Engage returned no offset. Raises `UnreadablePayloadError`.
        """
        text = _BELOW_MICROSECOND.sub(r"\1", self.raw_created_date)
        for candidate in (text, f"{text}Z"):
            try:
                return read_date_time(candidate)
            except InvalidValueError:
                continue
        raise UnreadablePayloadError(
            f"The createdDate of the interaction {self.id} is not an RFC 3339 date-time."
        )
