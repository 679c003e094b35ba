"""Sending many interactions at once: as many in flight as the rate limit needs.

An item is taken from the input only when it is about to be sent. Every item that was taken gets an
outcome. The loop over the outcomes and `on_outcome` receive it; after an interruption (Ctrl-C, a
canceled task, a loop that is left) only `on_outcome` does. An interruption takes no more items from
the input, lets the requests in flight finish, and cuts the waits of the retry policy short. If
`on_outcome` itself is interrupted, it receives that outcome again.
"""

import threading
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from ..async_client import AsyncEngageClient
from ..call.retry import RetryPolicy
from ..client import EngageClient
from ..payload.types import Payload
from ..results import Receipt
from ..transport.rate_limiter import RateLimiter

Item: TypeAlias = tuple[str, Payload]
"""A contact id and a payload of any payload class."""

_MOST_IN_FLIGHT = 64
_POLL_SECONDS = 0.05
"""After this time more sends are started although none has finished: the answers are slow, or the
sends in flight wait for a retry."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of one item: a receipt or an error.

    `number` is the index of the item in the input, from 0. An error that is not an `EngageError` is
    a bug in the payload class.
    """

    number: int
    contact_id: str
    payload: Payload = field(repr=False)
    receipt: Receipt | None = None
    error: Exception | None = None


def send_many(
    client: EngageClient,
    items: Iterable[Item],
    *,
    confirm: bool = False,
    retry: RetryPolicy | None = None,
    on_outcome: Callable[[Outcome], object] | None = None,
) -> Iterator[Outcome]:
    """Send all items from a pool of threads, and iterate over their outcomes as they finish.

    Args:
        client: The client of the tenant.
        items: Pairs of a contact id and a payload.
        confirm: Read each interaction back, as in `EngageClient.send`.
        retry: The retry policy of these sends. Defaults to the policy of the client.
        on_outcome: Receives every outcome, also after an interruption, in the calling thread.
    """
    from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

    engine, stop = client.__engine__, threading.Event()

    def send(number: int, item: Item) -> Outcome:
        contact_id, payload = item
        try:
            call = engine.prepare_send(contact_id, payload, None, confirm, retry)
            return Outcome(
                number,
                contact_id,
                payload,
                receipt=engine.run(call, engine.end_of_call(None, retry), stop),
            )
        except Exception as error:
            return Outcome(number, contact_id, payload, error=error)

    source, window = enumerate(items), _Window(engine.limiter)
    running: set[Future[Outcome]] = set()
    with ThreadPoolExecutor(_MOST_IN_FLIGHT) as pool:
        try:
            while True:
                for number, item in _take(source, window.free_slots(len(running))):
                    running.add(pool.submit(send, number, item))
                if not running:
                    return
                done, _ = wait(running, _POLL_SECONDS, return_when=FIRST_COMPLETED)
                for future in done:
                    outcome = _report(future.result(), on_outcome)
                    running.remove(future)
                    yield outcome
        finally:
            stop.set()
            for future in running:
                _report(future.result(), on_outcome)


async def send_many_async(
    client: AsyncEngageClient,
    items: Iterable[Item],
    *,
    confirm: bool = False,
    retry: RetryPolicy | None = None,
    on_outcome: Callable[[Outcome], object] | None = None,
) -> AsyncIterator[Outcome]:
    """Send all items as tasks, and iterate over their outcomes as they finish.

    The arguments are those of `send_many`.
    """
    import asyncio

    engine, stop = client.__engine__, asyncio.Event()

    async def send(number: int, item: Item) -> Outcome:
        contact_id, payload = item
        try:
            call = engine.prepare_send(contact_id, payload, None, confirm, retry)
            return Outcome(
                number,
                contact_id,
                payload,
                receipt=await engine.run(call, engine.end_of_call(None, retry), stop),
            )
        except Exception as error:
            return Outcome(number, contact_id, payload, error=error)

    source, window = enumerate(items), _Window(engine.limiter)
    running: set[asyncio.Task[Outcome]] = set()
    try:
        while True:
            for number, item in _take(source, window.free_slots(len(running))):
                running.add(asyncio.create_task(send(number, item)))
            if not running:
                return
            done, _ = await asyncio.wait(
                running, timeout=_POLL_SECONDS, return_when=asyncio.FIRST_COMPLETED
            )
            for task in done:
                outcome = _report(task.result(), on_outcome)
                running.remove(task)
                yield outcome
    finally:
        stop.set()
        while running:
            # Cutting a POST off would make its outcome unknown, so let it finish.
            done, running = await asyncio.wait(running)
            for task in done:
                _report(task.result(), on_outcome)


class _Window:
    """The number of sends in flight.

    It grows while no request waits for the rate limiter, and shrinks while several do.
    """

    def __init__(self, limiter: RateLimiter) -> None:
        self._limiter = limiter
        self._size = 2

    def free_slots(self, running: int) -> int:
        """Return how many sends can be started now."""
        waiting = self._limiter.queue_length
        if waiting <= 1 and running >= self._size - 1:
            self._size = min(self._size + 1, _MOST_IN_FLIGHT)
        elif waiting > 2:
            self._size = max(self._size - 1, 1)
        return max(0, self._size - running)


def _take(source: Iterator[tuple[int, Item]], count: int) -> Iterator[tuple[int, Item]]:
    for _ in range(count):
        try:
            yield next(source)
        except StopIteration:
            return


def _report(outcome: Outcome, on_outcome: Callable[[Outcome], object] | None) -> Outcome:
    if on_outcome is not None:
        on_outcome(outcome)
    return outcome
