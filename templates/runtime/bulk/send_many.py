"""Many sends at once: as few in flight as the pace needs, and every item accounted for.

Items are taken from the input only when they are about to be sent. Whatever was taken has its
outcome told: to the loop that asks for them and to `on_outcome`, and after an interrupt (Ctrl-C, a
cancelled task, a loop that is left) to `on_outcome` alone. An interrupt takes nothing more from the
input, lets what is in flight come to its end, and cuts short the waits of its retry policy. An
`on_outcome` that was itself interrupted is told that outcome again.
"""

import threading
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from ..async_client import AsyncEngageClient
from ..call.retry import RetryPolicy
from ..client import EngageClient
from ..payload.checks import Payload
from ..results import Receipt
from ..transport.rate_limiter import Pace

Item: TypeAlias = tuple[str, Payload]
"""A contact id and a payload, of whatever kind."""

_MOST_IN_FLIGHT = 64
_LOOK_AGAIN = 0.05
"""Seconds after which more are begun although none has come to its end: answers are slow, or those
in flight wait to be repeated."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one item: a receipt or an error. `number` is its place in the input, from 0;
    an error that is no `EngageError` is a bug in the payload's class."""

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
    """Send all items from a pool of threads, and yield their outcomes as they come.

    `on_outcome` is called in the thread that asks for the outcomes.
    """
    from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

    engine, stop = client.__engine__, threading.Event()

    def one(number: int, item: Item) -> Outcome:
        contact_id, payload = item
        try:
            call = engine.sending(contact_id, payload, None, confirm, retry)
            return Outcome(number, contact_id, payload, receipt=engine.run(call, stop))
        except Exception as error:
            return Outcome(number, contact_id, payload, error=error)

    source, flight = enumerate(items), _Flight(engine.pace)
    running: set[Future[Outcome]] = set()
    with ThreadPoolExecutor(_MOST_IN_FLIGHT) as pool:
        try:
            while True:
                for number, item in _next(source, flight.room(len(running))):
                    running.add(pool.submit(one, number, item))
                if not running:
                    return
                done, _ = wait(running, _LOOK_AGAIN, return_when=FIRST_COMPLETED)
                for future in done:
                    outcome = _told(future.result(), on_outcome)
                    running.remove(future)
                    yield outcome
        finally:
            stop.set()
            for future in running:
                _told(future.result(), on_outcome)


async def send_many_async(
    client: AsyncEngageClient,
    items: Iterable[Item],
    *,
    confirm: bool = False,
    retry: RetryPolicy | None = None,
    on_outcome: Callable[[Outcome], object] | None = None,
) -> AsyncIterator[Outcome]:
    """Send all items as tasks, and yield their outcomes as they come."""
    import asyncio

    engine, stop = client.__engine__, asyncio.Event()

    async def one(number: int, item: Item) -> Outcome:
        contact_id, payload = item
        try:
            call = engine.sending(contact_id, payload, None, confirm, retry)
            return Outcome(number, contact_id, payload, receipt=await engine.run(call, stop))
        except Exception as error:
            return Outcome(number, contact_id, payload, error=error)

    source, flight = enumerate(items), _Flight(engine.pace)
    running: set[asyncio.Task[Outcome]] = set()
    try:
        while True:
            for number, item in _next(source, flight.room(len(running))):
                running.add(asyncio.create_task(one(number, item)))
            if not running:
                return
            done, _ = await asyncio.wait(
                running, timeout=_LOOK_AGAIN, return_when=asyncio.FIRST_COMPLETED
            )
            for task in done:
                outcome = _told(task.result(), on_outcome)
                running.remove(task)
                yield outcome
    finally:
        stop.set()
        while running:
            # A POST that is cut off is one whose outcome nobody knows: let it come to its end.
            done, running = await asyncio.wait(running)
            for task in done:
                _told(task.result(), on_outcome)


class _Flight:
    """How many requests are in flight: one more while nobody waits for the pace, one less while
    several do."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._wanted = 2

    def room(self, running: int) -> int:
        """How many more may be begun now."""
        waiting = self._pace.waiting
        if waiting <= 1 and running >= self._wanted - 1:
            self._wanted = min(self._wanted + 1, _MOST_IN_FLIGHT)
        elif waiting > 2:
            self._wanted = max(self._wanted - 1, 1)
        return max(0, self._wanted - running)


def _next(source: Iterator[tuple[int, Item]], count: int) -> Iterator[tuple[int, Item]]:
    for _ in range(count):
        try:
            yield next(source)
        except StopIteration:
            return


def _told(outcome: Outcome, on_outcome: Callable[[Outcome], object] | None) -> Outcome:
    if on_outcome is not None:
        on_outcome(outcome)
    return outcome
