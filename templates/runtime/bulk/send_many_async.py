"""Sending many interactions with asyncio. It differs from `send_many` in the await alone.

A cancellation, also a repeated one, lets the requests in flight finish. `asyncio.run` turns the
first Ctrl-C into a cancellation. The second one breaks off whatever the event loop is doing.
"""

import warnings
import weakref
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from types import TracebackType
from typing import Self

from ..async_client import AsyncEngageClient
from ..call.retry import RetryPolicy
from ..engine.task_engine import TaskEngine
from .item import ItemSource, SendOptions
from .outcome import (
    NEVER_ITERATED,
    BulkResult,
    Outcome,
    Tally,
    check_callback,
    engine_of,
)
from .tasks import TaskBatch


async def send_many_async(
    client: AsyncEngageClient,
    items: Iterable[ItemSource],
    *,
    confirm: bool = False,
    retry: RetryPolicy | None = None,
    deadline: float | None = None,
    timeout: float | None = None,
    headers: Mapping[str, str] | None = None,
    on_outcome: Callable[[Outcome], object] | None = None,
) -> BulkResult:
    """Send all items as tasks, and return a summary. The arguments are those of `send_many`."""
    async with stream_many_async(
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
        async for outcome in outcomes:
            tally.add(outcome)
        return tally.result()


def stream_many_async(
    client: AsyncEngageClient,
    items: Iterable[ItemSource],
    *,
    confirm: bool = False,
    retry: RetryPolicy | None = None,
    deadline: float | None = None,
    timeout: float | None = None,
    headers: Mapping[str, str] | None = None,
    on_outcome: Callable[[Outcome], object] | None = None,
) -> "AsyncOutcomeStream":
    """Return an iterator that sends the items, and yields their outcomes as they finish.

    Nothing is sent before the iteration starts, and only the iteration takes items. The arguments
    are those of `send_many`.

        async with stream_many_async(engage, items) as outcomes:
            async for outcome in outcomes:
                ...
    """
    engine = engine_of(client, TaskEngine, "Pass it to send_many.")
    check_callback(on_outcome)
    options = SendOptions(confirm, retry, deadline, timeout, headers)
    options.settings(engine)  # A mistake is reported before an item is taken.
    return AsyncOutcomeStream(TaskBatch(engine, items, options, on_outcome))


class AsyncOutcomeStream(AsyncIterator[Outcome]):
    """The outcomes of a bulk send, as they finish. Created by `stream_many_async`.

    Use it in an ``async with`` statement: leaving the block takes no more items, waits for the
    requests in flight, and reports their outcomes to `on_outcome`. Without ``async with``, the
    event loop does this some time after the stream is deleted.
    """

    def __init__(self, batch: TaskBatch) -> None:
        self._batch = batch
        weakref.finalize(self, _abandon, batch)

    async def __anext__(self) -> Outcome:
        """Wait for the next outcome.

        Raises what the input and `on_outcome` raise, after all items that were taken from the input
        have been reported.
        """
        try:
            outcome = await self._batch.next_outcome()
        except GeneratorExit:  # The event loop is gone.
            raise
        except BaseException as error:
            await self._settle(error)
            raise
        if outcome is None:
            await self._settle(None)
            raise StopAsyncIteration
        return outcome

    def stop(self) -> None:
        """Take no more items. The iteration goes on with the requests in flight, and then ends.

        `on_outcome` can call this.
        """
        self._batch.request_stop()

    async def aclose(self) -> None:
        """Take no more items, wait for the requests in flight, and report them to `on_outcome`."""
        await self._settle(None)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        error_class: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # Otherwise nobody has iterated, and the warning about that is due.
        if error is not None or self._batch.is_started:
            await self._settle(error)

    async def _settle(self, error: BaseException | None) -> None:
        """Settle the batch, and raise its failure unless `error` is more important."""
        failure = await self._batch.settle()
        if failure is None:
            return
        if error is None or not isinstance(failure, Exception):
            raise failure
        error.add_note(f"After this, on_outcome raised {failure!r}.")


def _abandon(batch: TaskBatch) -> None:
    """Finish the batch of a stream that was deleted."""
    if not batch.is_started and not batch.is_stopping:
        batch.request_stop()
        message = NEVER_ITERATED.format(name="stream_many_async", eager="send_many_async")
        warnings.warn(message, RuntimeWarning, stacklevel=3)
        return
    batch.abandon()
