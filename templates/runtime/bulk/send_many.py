"""Sending many interactions from threads: as many in flight as the rate limit needs.

An item is taken from the input only when it is about to be sent, and every item that was taken gets
one outcome. `on_outcome` receives all of them, also after an interruption: Ctrl-C, an exception of
the input or of `on_outcome`, or a loop that is left. An interruption takes no more items from the
input, lets the requests in flight finish, and cuts the waits of the retry policy short. If
`on_outcome` itself is interrupted, it receives that outcome once more.
"""

import warnings
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import TracebackType
from typing import Self

from ..call.retry import RetryPolicy
from ..client import EngageClient
from ..engine.thread_engine import ThreadEngine
from .item import ItemSource, SendOptions
from .outcome import (
    NEVER_ITERATED,
    BulkResult,
    Outcome,
    Tally,
    check_callback,
    engine_of,
)
from .threads import ThreadBatch


def send_many(
    client: EngageClient,
    items: Iterable[ItemSource],
    *,
    confirm: bool = False,
    retry: RetryPolicy | None = None,
    deadline: float | None = None,
    timeout: float | None = None,
    headers: Mapping[str, str] | None = None,
    on_outcome: Callable[[Outcome], object] | None = None,
) -> BulkResult:
    """Send all items from a pool of threads, and return a summary.

    An item that cannot be sent does not stop the others: its outcome has an error, and is in
    `BulkResult.failed`.

    Args:
        client: The client of the tenant.
        items: Items, or pairs of a contact id and a payload. A callable that returns one is called
            when the item is about to be sent. An exception counts as an item that failed.
        confirm: Read each interaction back, as in `EngageClient.send`.
        retry: The retry policy of these sends. Defaults to the policy of the client.
        deadline: The limit in seconds of each send. Defaults to that of the client.
        timeout: The limit in seconds of each request. Defaults to that of the client.
        headers: Headers to add to each request.
        on_outcome: Receives every outcome when its send has finished, in the calling thread. After
            Ctrl-C or another interruption, it receives the outcomes of all items that were taken
            from the input before the exception leaves this function. If it raises, no more items
            are sent.
    """
    with stream_many(
        client,
        items,
        confirm=confirm,
        retry=retry,
        deadline=deadline,
        timeout=timeout,
        headers=headers,
        on_outcome=on_outcome,
    ) as outcomes:
        tally = Tally()
        for outcome in outcomes:
            tally.add(outcome)
        return tally.result()


def stream_many(
    client: EngageClient,
    items: Iterable[ItemSource],
    *,
    confirm: bool = False,
    retry: RetryPolicy | None = None,
    deadline: float | None = None,
    timeout: float | None = None,
    headers: Mapping[str, str] | None = None,
    on_outcome: Callable[[Outcome], object] | None = None,
) -> "OutcomeStream":
    """Return an iterator that sends the items, and yields their outcomes as they finish.

    Nothing is sent before the iteration starts, and only the iteration takes items. The arguments
    are those of `send_many`.

        with stream_many(engage, items) as outcomes:
            for outcome in outcomes:
                ...
    """
    engine = engine_of(client, ThreadEngine, "Pass it to send_many_async.")
    check_callback(on_outcome)
    options = SendOptions(confirm, retry, deadline, timeout, headers)
    options.settings(engine)  # A mistake is reported before an item is taken.
    return OutcomeStream(ThreadBatch(engine, items, options, on_outcome))


class OutcomeStream(Iterator[Outcome]):
    """The outcomes of a bulk send, as they finish. Created by `stream_many`.

    Use it in a ``with`` statement: leaving the block takes no more items, waits for the requests in
    flight, and reports their outcomes to `on_outcome`. Without ``with``, this happens when the
    stream is deleted. Only one thread can use it.
    """

    def __init__(self, batch: ThreadBatch) -> None:
        self._batch = batch
        # Not `__del__`, which may run when the interpreter has already stopped the threads. Twice,
        # because Ctrl-C may interrupt the first call.
        for _ in range(2):
            weakref.finalize(self, _abandon, batch)

    def __next__(self) -> Outcome:
        """Wait for the next outcome.

        Raises what the input and `on_outcome` raise, after all items that were taken from the input
        have been reported.
        """
        try:
            outcome = self._batch.next_outcome()
        except BaseException as error:
            self._settle(error)
            raise
        if outcome is None:
            self._settle(None)
            raise StopIteration
        return outcome

    def stop(self) -> None:
        """Take no more items. The iteration goes on with the requests in flight, and then ends.

        `on_outcome` can call this.
        """
        self._batch.request_stop()

    def close(self) -> None:
        """Take no more items, wait for the requests in flight, and report them to `on_outcome`."""
        if self._batch.ledger.is_reporting:
            self.stop()  # `on_outcome` called this, and cannot wait for itself.
        else:
            self._settle(None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        error_class: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # Otherwise nobody has iterated, and the warning about that is due.
        if error is not None or self._batch.is_started:
            self._settle(error)

    def _settle(self, error: BaseException | None) -> None:
        """Settle the batch, and raise its failure unless `error` is more important."""
        failure = self._batch.settle()
        if failure is None:
            return
        if error is None or not isinstance(failure, Exception):
            raise failure
        error.add_note(f"After this, on_outcome raised {failure!r}.")


def _abandon(batch: ThreadBatch) -> None:
    """Finish the batch of a stream that was deleted."""
    if not batch.is_started and not batch.is_stopping:
        batch.request_stop()
        message = NEVER_ITERATED.format(name="stream_many", eager="send_many")
        warnings.warn(message, RuntimeWarning, stacklevel=3)
        return
    failure = batch.settle()
    if failure is not None:
        raise failure
