"""Bulk sends from threads and from tasks, against a platform in memory."""

import asyncio
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from engage_interactions._runtime.async_client import AsyncEngageClient
from engage_interactions._runtime.bulk.item import ItemSource
from engage_interactions._runtime.bulk.outcome import BulkResult, Outcome
from engage_interactions._runtime.bulk.send_many import send_many, stream_many
from engage_interactions._runtime.bulk.send_many_async import send_many_async, stream_many_async
from engage_interactions._runtime.client import EngageClient
from tests.support.runtime.clocks import FakeClock
from tests.support.runtime.http_library import httpx
from tests.support.runtime.platform import CONTACT, Gift, Platform


def wait_or_fail(event: threading.Event) -> None:
    """Wait for an event. If it does not come, fail, but let all others that wait go on."""
    if not event.wait(30):
        event.set()
        raise AssertionError("the event did not come")


class BusyPlatform(Platform):
    """A platform that counts the requests in flight."""

    def __init__(self, faults: Sequence[str] = ()) -> None:
        super().__init__(FakeClock(), list(faults))
        self.lock = threading.Lock()
        self.in_flight = self.most_in_flight = 0
        self.gate: threading.Event | None = None
        self.is_full: Callable[[int], bool] = lambda in_flight: False
        """Opens the gate as soon as it is true of the number of requests in flight."""

    def __call__(self, request: httpx.Request) -> httpx.Response:
        with self.lock:
            self.in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            if self.gate is not None:
                if self.is_full(self.in_flight):
                    self.gate.set()
                wait_or_fail(self.gate)
            with self.lock:
                return super().__call__(request)
        finally:
            with self.lock:
                self.in_flight -= 1


def thread_client(platform: BusyPlatform, rate: int = 1_000_000) -> EngageClient:
    return EngageClient(
        "https://b.example",
        api_key="k",
        user_agent="a/1",
        rate=rate,
        clock=platform.clock,
        http=httpx.Client(transport=httpx.MockTransport(platform)),
    )


def task_client(platform: BusyPlatform, rate: int = 1_000_000) -> AsyncEngageClient:
    return AsyncEngageClient(
        "https://b.example",
        api_key="k",
        user_agent="a/1",
        rate=rate,
        clock=platform.clock,
        http=httpx.AsyncClient(transport=httpx.MockTransport(platform)),
    )


def stream_threads(
    platform: BusyPlatform, items: Iterable[ItemSource], rate: int = 1_000_000, **more: Any
) -> list[Outcome]:
    """Return all outcomes of `stream_many`."""
    return list(stream_many(thread_client(platform, rate), items, **more))


def stream_tasks(
    platform: BusyPlatform, items: Iterable[ItemSource], rate: int = 1_000_000, **more: Any
) -> list[Outcome]:
    """Return all outcomes of `stream_many_async`."""

    async def collect() -> list[Outcome]:
        client = task_client(platform, rate)
        return [outcome async for outcome in stream_many_async(client, items, **more)]

    return asyncio.run(collect())


def send_threads(platform: BusyPlatform, items: Iterable[ItemSource], **more: Any) -> BulkResult:
    """Return the result of `send_many`."""
    return send_many(thread_client(platform), items, **more)


def send_tasks(platform: BusyPlatform, items: Iterable[ItemSource], **more: Any) -> BulkResult:
    """Return the result of `send_many_async`."""

    async def send() -> BulkResult:
        return await send_many_async(task_client(platform), items, **more)

    return asyncio.run(send())


def gifts(count: int, taken_numbers: list[int] | None = None) -> Iterator[ItemSource]:
    for number in range(count):
        if taken_numbers is not None:
            taken_numbers.append(number)
        yield CONTACT, Gift("a", number)
