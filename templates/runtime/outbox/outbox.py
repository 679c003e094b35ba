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
from collections.abc import Callable
from datetime import timedelta

from ..call.retry import RetryPolicy
from ..transport.clock import SYSTEM_CLOCK, Clock
from .base import KEEP_RECEIPTS, SCHEMA_WAIT, BaseOutbox
from .observer import OutboxObserver
from .sqlite.connection import Durability
from .sqlite.store import FileStore


class Outbox(BaseOutbox):
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
        keep_receipts: How long the file remembers what was delivered, for lookups and for the keys
            of `put`. None keeps it for good.
        schema_wait: How long an entry waits for a schema that the tenant does not have.
        observer: Receives the events of the outbox.
        clock: Replaces the system's clock in tests.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        durability: Durability = "flushed",
        retry: RetryPolicy | None = None,
        keep_receipts: timedelta | None = KEEP_RECEIPTS,
        schema_wait: timedelta = SCHEMA_WAIT,
        observer: OutboxObserver | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        path = os.path.abspath(path)
        keep_seconds = None if keep_receipts is None else keep_receipts.total_seconds()
        store = FileStore(path, durability, clock, keep_seconds)
        super().__init__(
            store, retry=retry, schema_wait=schema_wait, observer=observer, clock=clock
        )
        self._settings = (path, durability, retry, keep_receipts, schema_wait, observer, clock)

    def __reduce__(self) -> tuple[Callable[..., "Outbox"], tuple[object, ...]]:
        return _reopen, self._settings


def _reopen(
    path: str,
    durability: Durability,
    retry: RetryPolicy | None,
    keep_receipts: timedelta | None,
    schema_wait: timedelta,
    observer: OutboxObserver | None,
    clock: Clock,
) -> Outbox:
    """Open the outbox that was pickled in another process."""
    return Outbox(
        path,
        durability=durability,
        retry=retry,
        keep_receipts=keep_receipts,
        schema_wait=schema_wait,
        observer=observer,
        clock=clock,
    )
