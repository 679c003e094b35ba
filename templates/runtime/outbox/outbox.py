"""An outbox: your code puts interactions into a file, and a job delivers them to Engage.

Every interaction is delivered once, also if the processes are killed at any moment.

An entry is *waiting* until it is posted. It is *sending* from before its POST until its outcome is
known. If Engage does not answer the POST, the entry is looked up after the delays of the retry
policy, also after a restart, before anything is posted again. A dead letter needs a person: an
entry is *rejected* if Engage or the current schema refuses it, and *unknown* if no lookup could
settle its outcome. A delivered entry is deleted. In one delivery an entry takes one step, and no
delivery waits for a lookup.
"""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime
from types import TracebackType
from typing import Self

from ..call.ids import ContactId
from ..call.interaction import encode_interaction
from ..call.retry import RetryPolicy
from ..client import EngageClient
from ..payload.types import Payload
from ..registry import generated_schemas, unknown_schema
from ..results import Receipt
from ..transport.clock import SYSTEM_CLOCK, Clock, CreatedDates
from .connection import Durability
from .database import Database
from .delivery import DeliveryRun
from .entry import Entry, State
from .errors import AlreadyDeliveringError, convert_errors
from .file import OutboxFile
from .locks import claim
from .reserve import keep_reserve
from .results import Delivery, Status


class Outbox:
    """Interactions in a file, on their way to Engage.

    Any number of threads and processes of one machine can put, also processes that were forked
    after the outbox was opened, and processes that an outbox is pickled to. If the file is moved,
    deleted or replaced, the next use raises, and the one after it uses the file that is then at the
    path. All methods raise `OutboxError`.

    Args:
        path: The file, on a local disk and not on a network drive.
        durability: With ``"flushed"``, a `put` that returned survives a power loss. With
            ``"unflushed"`` it is faster and survives the end of the process, but a power loss may
            undo the last puts.
        retry: The retry policy of the delivery. Defaults to `RetryPolicy.background()`. The last
            delay repeats for entries that certainly were not sent, and for lookups that fail.
        clock: Replaces the system's clock in tests.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        durability: Durability = "flushed",
        retry: RetryPolicy | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._path = os.path.abspath(path)
        self._durability: Durability = durability
        self._retry = retry or RetryPolicy.background()
        self._clock = clock
        self._dates = (os.getpid(), CreatedDates(clock))
        self._file = OutboxFile(Database(self._path, durability))
        keep_reserve(os.path.realpath(self._path))

    def put(
        self, contact_id: ContactId, payload: Payload, *, created_date: datetime | None = None
    ) -> int:
        """Write an interaction to the file and return the id of its entry.

        The entry holds the bytes that will be sent.

        Args:
            contact_id: The id of the contact in Engage.
            payload: An instance of a payload class of this package.
            created_date: When the interaction happened, with a time zone. Defaults to now.

        Raises:
            InvalidPayloadError: The interaction cannot be sent.
            OutboxError: The file cannot be used. Nothing was stored, unless `may_be_stored` is
                true.
        """
        interaction = encode_interaction(contact_id, payload, created_date or self._next_date())
        schema = generated_schemas().get(interaction.schema_id)
        if schema is None:
            raise unknown_schema(interaction.schema_id)
        return self._file.put(interaction, schema.schema_hash, self._clock.now())

    def deliver(
        self,
        client: EngageClient,
        *,
        stop: threading.Event | None = None,
        on_receipt: Callable[[int, Receipt], object] | None = None,
    ) -> Delivery:
        """Let every entry that is due take one step, in the order of the puts.

        Args:
            client: The client that sends and looks up.
            stop: Set it to end the delivery after the current step.
            on_receipt: Receives the id of each delivered entry and its receipt, before the entry is
                deleted. If it raises an exception, or after a crash, it receives the same entry and
                the same receipt again in the next delivery.

        Raises:
            AlreadyDeliveringError: Another process or thread is delivering from this file.
            OutboxError: The file cannot be used.
        """
        self._file.check_open()
        with convert_errors(self._path), claim(self._path) as is_held:
            if not is_held:
                raise AlreadyDeliveringError(f"{self._path}: another delivery is still running.")
            # Without a flush, a power loss could undo the record that an entry was posted.
            with self._open_another("flushed") as file:
                run = DeliveryRun(file, client, self._retry, self._clock, on_receipt)
                try:
                    return run.run(stop)
                finally:
                    keep_reserve(os.path.realpath(self._path))

    def entries(self, state: State | None = None) -> Iterator[Entry]:
        """Iterate over the entries in the order of the puts, or over those in one state."""
        with self._open_another() as file:
            yield from file.entries(state)

    def status(self) -> Status:
        """Return the numbers to monitor.

        `oldest` gets older while the client cannot reach Engage. `unknown` and `rejected` count the
        dead letters.
        """
        with self._open_another() as file:
            counts, missing = file.counts()
        pending: tuple[State, ...] = ("waiting", "sending")
        oldest = [counts[state][1] for state in pending if state in counts]
        number = {state: count for state, (count, _) in counts.items()}
        return Status(
            number.get("waiting", 0),
            number.get("sending", 0),
            number.get("unknown", 0),
            number.get("rejected", 0),
            min(oldest, default=None),
            missing,
        )

    def requeue(self, entry_id: int) -> bool:
        """Return a dead letter to the state `waiting`, or return False if there is none.

        An `unknown` entry may be stored already: look it up first.
        """
        return self._file.requeue(entry_id, self._clock.now().timestamp())

    def discard(self, entry_id: int) -> bool:
        """Delete an entry that is not being sent, or return False if there is none."""
        return self._file.discard(entry_id, self._clock.now().timestamp())

    def close(self) -> None:
        """Close the file. Its entries remain."""
        self._file.close()

    def _open_another(self, durability: Durability = "unflushed") -> closing[OutboxFile]:
        """Open the file once more, so that long reads and deliveries do not block the puts."""
        self._file.check_open()
        return closing(OutboxFile(Database(self._path, durability, creates=False)))

    def _next_date(self) -> datetime:
        process, dates = self._dates
        if process != os.getpid():  # A thread of the parent may have held its lock.
            dates = CreatedDates(self._clock)
            self._dates = (os.getpid(), dates)
        return dates.next()

    def __reduce__(self) -> tuple[Callable[..., "Outbox"], tuple[object, ...]]:
        settings = (self._path, self._durability, self._retry, self._clock)
        return _reopen, settings

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        error_class: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def _reopen(path: str, durability: Durability, retry: RetryPolicy, clock: Clock) -> Outbox:
    """Open the outbox that was pickled in another process."""
    return Outbox(path, durability=durability, retry=retry, clock=clock)
