"""What the platform gave back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Generic, TypeVar

from .errors import InvalidPayload, UnreadablePayload
from .payloads import Json, Payload, read_date_time

P = TypeVar("P", bound=Payload)


@dataclass(frozen=True, slots=True)
class Receipt:
    """The platform stored the interaction under this id.

    `created_date` is the one that was sent; segments go by it.
    """

    id: str
    contact_id: str
    schema_id: str
    created_date: datetime


@dataclass(frozen=True, slots=True)
class Stored(Generic[P]):
    """A stored interaction, as it was read back.

    `raw` is always what the platform sent; the typed views raise `UnreadablePayload` when it does
    not fit, so that one old or damaged interaction never breaks a loop over all of them.
    """

    id: str
    contact_id: str
    schema_id: str
    raw: Mapping[str, Json] = field(repr=False)
    raw_created_date: str
    _kind: type[P] = field(repr=False)

    @property
    def payload(self) -> P:
        """The payload as the class that was asked for. Undeclared properties are left out."""
        declared = self._kind.__properties__
        known = {name: value for name, value in self.raw.items() if name in declared}
        problem = ""
        try:
            return self._kind.from_payload(known)
        except InvalidPayload as error:
            problem = str(error)
        raise UnreadablePayload(f"interaction {self.id}: {problem}")

    @property
    def created_date(self) -> datetime:
        """When it happened; UTC where the platform sent no offset."""
        for text in (self.raw_created_date, f"{self.raw_created_date}Z"):
            try:
                return read_date_time(text)
            except ValueError:
                continue
        try:
            moment = datetime.fromisoformat(self.raw_created_date)
        except ValueError:
            raise UnreadablePayload(f"interaction {self.id}: unreadable createdDate") from None
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Page(Generic[P]):
    """One page of a list, and the token of the next; None on the last."""

    items: tuple[Stored[P], ...]
    continuation: str | None
