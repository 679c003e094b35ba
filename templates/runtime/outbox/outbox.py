"""An outbox: a till puts interactions into a file and never waits for the platform; a job delivers
them, neither lost nor doubled, however often either is killed.

An entry is *waiting* until it is posted. It is *sending* from before its POST until its outcome is
known; after a POST without an answer it is looked for, at the times of the retry policy and also
after a restart, before anything is posted again. *unknown* is one that no look could settle,
*rejected* one that the platform or today's schema refuses: these two are for a human. What was
delivered is deleted. An entry takes one step in a delivery, and no delivery waits for a look.
"""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Self

from ..call.retry import RetryPolicy
from ..call.send import letter
from ..client import EngageClient
from ..errors import EngageError, InvalidPayload, Violation
from ..payload.checks import Payload
from ..registry import origins
from ..results import Receipt
from ..transport.clock import SYSTEM, Clock
from ..transport.http import Stamps
from .delivery import Delivery, Round
from .entry import Entry, State
from .file import Durability, OutboxFile, only_one


class AlreadyDelivering(EngageError):
    """Another process, or another thread of this one, delivers from this outbox just now."""


@dataclass(frozen=True, slots=True)
class Status:
    """What is in the outbox; `oldest` is since when the oldest that waits or is being sent is in
    it."""

    waiting: int
    sending: int
    unknown: int
    rejected: int
    oldest: datetime | None


class Outbox:
    """Interactions on their way, in a file.

    Any number of threads and processes may put, on one machine: the file must not lie on a network
    drive. `durability` is what a `put` that returned survives: ``"flushed"``, the loss of power;
    ``"unflushed"``, faster, the end of the process, but perhaps not the last moments before the
    power went. `retry` is how patiently it is delivered, by default
    `RetryPolicy.background()`; the last of its waits is repeated for what certainly was not sent
    and for looks that fail. Raises `OutboxFailed`, as all methods do.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        durability: Durability = "flushed",
        retry: RetryPolicy | None = None,
        clock: Clock = SYSTEM,
    ) -> None:
        self._path = os.path.abspath(path)
        self._retry = retry or RetryPolicy.background()
        self._clock = clock
        self._stamps = Stamps(clock)
        self._file = OutboxFile(self._path, durability)

    def put(
        self, contact_id: str, payload: Payload, *, created_date: datetime | None = None
    ) -> int:
        """Commit an interaction to the file, as the bytes that will be sent, and return the id of
        its entry. `created_date` is when it happened, aware; now, if it is left out.

        Raises `InvalidPayload` for what cannot be sent.
        """
        fixed = letter(contact_id, payload, created_date or self._stamps.next())
        origin = origins().get(fixed.schema_id)
        if origin is None:
            problem = Violation("schemaId", "is that of no schema of this package")
            raise InvalidPayload(fixed.schema_id, [problem])
        return self._file.put(fixed, origin.schema_hash, self._clock.now())

    def deliver(
        self,
        client: EngageClient,
        *,
        stop: threading.Event | None = None,
        on_receipt: Callable[[int, Receipt], object] | None = None,
    ) -> Delivery:
        """Take every entry that is due one step on, in the order in which they were put.

        Set `stop` to end after the step that is under way. `on_receipt` is told the id of each
        entry that was delivered, before it is deleted: perhaps again after a crash, and what it
        raises ends the delivery. Raises `AlreadyDelivering`.
        """
        with only_one(f"{self._path}-delivery") as is_only:
            if not is_only:
                raise AlreadyDelivering(f"{self._path}: another delivery is under way")
            # Without the flush, a power cut could undo that an entry was posted.
            with closing(OutboxFile(self._path, "flushed")) as file:
                return Round(file, client, self._retry, self._clock, on_receipt).run(stop)

    def entries(self, state: State | None = None) -> Iterator[Entry]:
        """What is in the outbox, in the order in which it was put."""
        return self._file.entries(state)

    def status(self) -> Status:
        """What to watch: `oldest` grows while nothing gets through, `unknown` and `rejected` wait
        for a human."""
        counts = self._file.counts()
        under_way = [counts[state][1] for state in ("waiting", "sending") if state in counts]
        number = {state: count for state, (count, _) in counts.items()}
        return Status(
            number.get("waiting", 0),
            number.get("sending", 0),
            number.get("unknown", 0),
            number.get("rejected", 0),
            min(under_way, default=None),
        )

    def requeue(self, entry_id: int) -> bool:
        """Let an entry wait again that was rejected or whose outcome is unknown; False if there is
        none. One whose outcome is unknown may be stored already: look first."""
        return self._file.requeue(entry_id)

    def discard(self, entry_id: int) -> bool:
        """Delete an entry that is not being sent; False if there is none."""
        return self._file.discard(entry_id)

    def close(self) -> None:
        """Close the file. What is in it stays."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
