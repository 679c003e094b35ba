"""The interface of a store, which keeps the entries of an outbox.

The rules of delivery are written once, in `delivery`, over this interface. A store decides how its
entries are claimed, so that at most one request is in flight for a contact and a schema: a lookup
could not tell two of them apart.
"""

import hashlib
import json
import threading
from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from ..call.interaction import EncodedInteraction
from ..errors import ConfigurationError
from .entry import EPOCH, Entry, Row, State, pair_of
from .results import Status

LONGEST_KEY = 200
"""The most characters of a key."""


@dataclass(frozen=True, slots=True)
class Draft:
    """An interaction that is about to be put."""

    interaction: EncodedInteraction
    schema_hash: str
    key: str | None = field(default=None, repr=False)

    @property
    def created_second(self) -> int:
        """See `Content.created_second`."""
        return (self.interaction.created_date - EPOCH) // timedelta(seconds=1)

    @property
    def pair(self) -> bytes:
        """See `pair_of`."""
        return pair_of(self.interaction.contact_id, self.interaction.schema_id)

    @property
    def digest(self) -> bytes:
        """A hash of what puts with one key must have in common: all except the created date."""
        interaction = self.interaction
        subject = [interaction.contact_id, interaction.schema_id, interaction.payload]
        text = json.dumps(subject, sort_keys=True, default=dict)
        return hashlib.sha256(text.encode()).digest()


def check_key(key: object) -> str | None:
    """Return the key of a put as text. Raises `ConfigurationError` for one that cannot be kept."""
    if key is None:
        return None
    text = str(key) if isinstance(key, (str, int)) and not isinstance(key, bool) else ""
    if not 0 < len(text) <= LONGEST_KEY or "\0" in text:
        raise ConfigurationError(
            f"The key must be a text of 1 to {LONGEST_KEY} characters, or an integer. "
            "Nothing was put."
        )
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ConfigurationError("The key is not valid Unicode. Nothing was put.") from None
    return text


@dataclass(frozen=True, slots=True)
class Counts:
    """The numbers of a store. `waiting` contains those that wait for a schema."""

    waiting: int
    sending: int
    unknown: int
    rejected: int
    oldest: datetime | None
    waiting_for_schema: int = 0
    missing: int = 0


def status_of(counts: Counts, now: datetime) -> Status:
    """Return the numbers to monitor."""
    oldest = counts.oldest
    return Status(
        counts.waiting,
        counts.sending,
        counts.unknown,
        counts.rejected,
        oldest,
        counts.missing,
        counts.waiting_for_schema,
        0.0 if oldest is None else max(0.0, (now - oldest).total_seconds()),
    )


class Deliveries(Protocol):
    """The entries as one delivery changes them. Threads can share it, except for its claims."""

    @property
    def identity(self) -> str:
        """A text that identifies the outbox, wherever it is moved."""
        ...

    @property
    def exchange_seconds(self) -> float | None:
        """The longest time of a POST with its wait for the rate limiter, None without a limit."""
        ...

    def claim(self, limit: int) -> Sequence[Row]:
        """Claim entries that are due, at most `limit`, and none of them twice.

        A contact's oldest entry goes first. No entry of a contact and schema is claimed while
        another one is.
        """
        ...

    def release(self, row: Row) -> None:
        """Give up the claim on an entry, after its step."""
        ...

    def may_post(self, row: Row) -> bool:
        """Return True if the claim still holds, and extend it. Called right before a POST."""
        ...

    def update(self, row: Row, to: Row, *, delay: float, reasons: tuple[str, ...]) -> bool:
        """Replace the progress of an entry, which is due again after `delay` seconds.

        Return False if `row` is no longer its progress, or the claim was lost.
        """
        ...

    def record_receipt(self, row: Row, interaction_id: str) -> Row | None:
        """Record the interaction id of an entry whose receipt the application does not have yet.

        Return the new row, or None if `row` is no longer the progress of the entry.
        """
        ...

    def record_delivery(self, row: Row, interaction_id: str) -> bool:
        """Delete a delivered entry, and keep the interaction id for lookups of similar entries.

        Return False if `row` is no longer the progress of the entry.
        """
        ...

    def was_delivered(self, row: Row) -> bool:
        """Return True if an entry with this id was delivered: the row is a copy by damage."""
        ...

    def delivered_ids(self, row: Row) -> frozenset[str]:
        """Return the interaction ids of delivered entries that a lookup may take for this one."""
        ...

    def is_ambiguous(self, row: Row) -> bool:
        """Return True if another entry that may be stored may be the one that a lookup finds."""
        ...


class Store(Protocol):
    """Keeps the entries of an outbox. All methods raise `OutboxError`."""

    @property
    def name(self) -> str:
        """The outbox in messages, without a password."""
        ...

    def put(self, drafts: Sequence[Draft]) -> list[int]:
        """Put all entries or none, and return their ids. Raises `KeyConflictError`."""
        ...

    def deliveries(self, longest_delay: float) -> AbstractContextManager[Deliveries]:
        """Open the store for a delivery.

        An entry that is due after more than `longest_delay` seconds counts as due: the clock was
        set back. Raises `AlreadyDeliveringError` if the store allows only one delivery at a time.
        """
        ...

    def wait(self, seconds: float, stop: threading.Event | None) -> None:
        """Wait for `seconds`, or until `stop` is set, or something was put by another process."""
        ...

    def entries(self, state: State | None) -> Iterator[Entry]:
        """Iterate over the entries in the order of their puts, reading a page at a time."""
        ...

    def find_entry(self, entry_id: int) -> Entry | None:
        """Return an entry, or None if there is none with this id."""
        ...

    def counts(self) -> Counts:
        """Count the entries."""
        ...

    def requeue(self, entry_id: int) -> bool:
        """Return a rejected or unknown entry to the state `waiting`."""
        ...

    def dead_letters(self, schema_id: str | None, states: Collection[State]) -> list[int]:
        """Return the ids of the entries in these states, of one schema or of all."""
        ...

    def discard(self, entry_id: int) -> bool:
        """Delete an entry that is not in the state `sending`."""
        ...

    def purge(self, contact_id: str, pairs: Collection[bytes]) -> int:
        """Delete all entries of a contact, and all receipts of its pairs of contact and schema."""
        ...

    def check_open(self) -> None:
        """Raise `OutboxError` if the outbox was closed."""
        ...

    def close(self) -> None:
        """Close the store. Its entries remain."""
        ...
