"""The rate limiter uses nearly all of its rate, and never more, first come, first served."""

import asyncio
import importlib
import os
import shutil
import signal
import sys
import threading
from collections.abc import Generator, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engage_interactions import EngageClient
from engage_interactions._runtime.call.retry import RetryPolicy
from engage_interactions._runtime.errors import RateLimitedError
from engage_interactions._runtime.transport.clock import SYSTEM_CLOCK
from engage_interactions._runtime.transport.rate_limiter import RateLimiter, Waiter, limiter_for
from engage_interactions.bulk import send_many
from tests.support.bulk import BusyPlatform, thread_client
from tests.support.clocks import FakeClock
from tests.support.http_library import GENERATED
from tests.support.platform import CONTACT, Gift
from tests.support.processes import exit_code_of, fork

pytestmark = pytest.mark.slow


class RecordingLimiter(RateLimiter):
    """A rate limiter that records the times of departure."""

    def __init__(self, rate: int, clock: FakeClock) -> None:
        super().__init__(rate, clock)
        self.departures: list[float] = []
        self._fake_clock = clock

    def _depart(self) -> float:
        now = self._fake_clock.monotonic()
        seconds = super()._depart()
        if not seconds:
            self.departures.append(now)
        return seconds


def most_in_a_second(times: Sequence[float]) -> int:
    ordered = sorted(times)
    return max((sum(start <= t < start + 1 for t in ordered) for start in ordered), default=0)


@pytest.mark.parametrize("rate", [1, 2, 50])
def test_the_limiter_uses_nearly_all_of_its_rate_and_never_more_in_any_second(rate: int) -> None:
    clock = FakeClock()
    limiter = RecordingLimiter(rate, clock)
    for _ in range(rate * 20):
        limiter.acquire()
    assert most_in_a_second(limiter.departures) <= rate
    assert len(limiter.departures) / (limiter.departures[-1] + 1) >= 0.98 * rate
    # A request may reach the wire up to ten milliseconds after its departure was counted.
    spans = zip(limiter.departures, limiter.departures[rate:], strict=False)
    assert all(later - earlier >= 1.01 - 1e-9 for earlier, later in spans)


@settings(deadline=None, max_examples=200)
@given(
    st.integers(1, 7),
    st.lists(st.one_of(st.just("go"), st.floats(0, 3), st.just("429")), max_size=80),
)
def test_no_second_has_too_many_departures_after_any_sequence_of_events(
    rate: int, steps: list[str | float]
) -> None:
    clock = FakeClock()
    limiter = RecordingLimiter(rate, clock)
    for step in steps:
        if isinstance(step, float):
            clock.sleep(step)
        elif step == "429":
            limiter.slow_down(0.5)
        else:
            limiter.acquire()
    assert most_in_a_second(limiter.departures) <= rate


def test_a_429_holds_all_requests_and_halves_the_rate_for_ten_seconds() -> None:
    clock = FakeClock()
    limiter = RecordingLimiter(10, clock)
    limiter.slow_down(2.0)
    for _ in range(100):
        limiter.acquire()
    assert limiter.departures[0] == 2.0
    slow = [time for time in limiter.departures if time < 12]
    assert most_in_a_second(slow) == 5
    assert most_in_a_second(limiter.departures) == 10


def test_a_shorter_hold_does_not_end_a_longer_one() -> None:
    limiter = RecordingLimiter(10, FakeClock())
    limiter.slow_down(5.0)
    limiter.slow_down(1.0)
    limiter.acquire()
    assert limiter.departures == [5.0]


@pytest.mark.parametrize(
    ("retry_after", "hold"), [("429", 0), ("429 7", 7), ("429 59", 59), ("429 61", 60)]
)
def test_a_retry_after_holds_other_requests_for_a_minute_at_most(
    retry_after: str, hold: float
) -> None:
    platform = BusyPlatform([retry_after])
    client = thread_client(platform)
    with pytest.raises(RateLimitedError):
        client.send(CONTACT, Gift("a"), retry=RetryPolicy.never())
    assert platform.clock.monotonic() == 0
    client.send(CONTACT, Gift("b"), deadline=3600.0)
    assert platform.clock.monotonic() == hold


def test_threads_and_tasks_share_a_limiter_and_all_of_them_depart() -> None:
    clock = FakeClock()
    limiter = RecordingLimiter(20, clock)

    async def task() -> None:
        for _ in range(25):
            await limiter.acquire_async()

    async def tasks() -> None:
        await asyncio.gather(*(task() for _ in range(4)))

    def thread() -> None:
        for _ in range(25):
            limiter.acquire()

    threads = [threading.Thread(target=thread) for _ in range(4)]
    threads += [threading.Thread(target=lambda: asyncio.run(tasks())) for _ in range(2)]
    for worker in threads:
        worker.start()
    for worker in threads:
        worker.join(60)
    assert len(limiter.departures) == 300
    assert most_in_a_second(limiter.departures) <= 20


def test_requests_depart_in_the_order_of_their_arrival() -> None:
    order: list[int] = []

    async def race() -> None:
        limiter = RateLimiter(1, FakeClock())

        async def wait(number: int) -> None:
            await limiter.acquire_async()
            order.append(number)

        await asyncio.gather(*map(wait, range(30)))

    asyncio.run(race())
    assert order == list(range(30))


@settings(deadline=None, max_examples=60)
@given(st.sets(st.integers(0, 19)), st.integers(0, 5))
def test_a_canceled_request_uses_no_departure(canceled: set[int], steps: int) -> None:
    async def race() -> tuple[list[float], float]:
        clock = FakeClock()
        limiter = RecordingLimiter(1, clock)
        tasks = [asyncio.ensure_future(limiter.acquire_async()) for _ in range(20)]
        for _ in range(steps):
            await asyncio.sleep(0)
        for number in canceled:
            tasks[number].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        count = len(limiter.departures)
        limiter.acquire()
        assert len(limiter.departures) == count + 1
        return limiter.departures, clock.monotonic()

    departures, now = asyncio.run(race())
    assert most_in_a_second(departures) == 1
    assert now <= len(departures) * 1.01 + 0.01


def test_a_closed_event_loop_in_the_queue_is_skipped() -> None:
    limiter = RecordingLimiter(1000, FakeClock())
    loop = asyncio.new_event_loop()
    blocker = threading.Event()
    waiter = Waiter(blocker.set, is_urgent=True)
    limiter._enter(waiter)  # pyright: ignore[reportPrivateUsage]
    waiting = loop.create_task(limiter.acquire_async())
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    limiter._leave(waiter)  # pyright: ignore[reportPrivateUsage]
    limiter.acquire()
    assert len(limiter.departures) == 1
    del waiting


def test_urgent_requests_overtake_the_others_and_nobody_else() -> None:
    limiter = RecordingLimiter(1, FakeClock())
    order: list[str] = []

    async def depart(name: str) -> None:
        assert await limiter.acquire_async(is_urgent=name.startswith("urgent"))
        order.append(name)

    async def queue() -> None:
        limiter.acquire()
        names = ["bulk 1", "bulk 2", "urgent 1", "bulk 3", "urgent 2"]
        async with asyncio.TaskGroup() as group:
            for name in names:
                group.create_task(depart(name))

    asyncio.run(queue())
    # The first one has its turn already.
    assert order == ["bulk 1", "urgent 1", "urgent 2", "bulk 2", "bulk 3"]


def test_a_send_overtakes_a_bulk_send_at_the_rate_limit() -> None:
    """The requests of a bulk send are not urgent, and those of all other calls are."""
    urgency: dict[str, bool] = {}

    class Limiter(RateLimiter):
        def acquire(self, timeout: float | None = None, *, is_urgent: bool = True) -> bool:
            urgency.setdefault(threading.current_thread().name, is_urgent)
            return super().acquire(timeout, is_urgent=is_urgent)

    platform = BusyPlatform()
    client = thread_client(platform)
    client.__engine__.limiter = Limiter(1_000_000, platform.clock)
    send_many(client, [(CONTACT, Gift("a"))])
    client.send(CONTACT, Gift("b"))
    assert urgency.pop(threading.current_thread().name)
    assert list(urgency.values()) == [False]


def test_all_packages_of_a_process_share_the_limiter_of_a_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "another_package"
    shutil.copytree(GENERATED / "engage_interactions", copy)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    package = importlib.import_module("another_package")
    assert package.EngageClient is not EngageClient
    url = "https://shared.voyado.com"

    def limiter(client_class: type[EngageClient], key: str, rate: int = 50) -> RateLimiter:
        client = client_class(url, api_key=key, user_agent="Shop/1", rate=rate)
        return client.__engine__.limiter

    ours = limiter(EngageClient, "key 1")
    assert limiter(package.EngageClient, "key 1", rate=7) is ours
    assert limiter(package.EngageClient, "key 2") is not ours
    # The lower rate of the two applies to both.
    assert [ours.acquire(0.0) for _ in range(8)] == [*[True] * 7, False]


@pytest.fixture
def blocked_limiter() -> Generator[RateLimiter]:
    """A limiter whose queue begins with the tasks of a blocked event loop."""
    limiter = RateLimiter(2, SYSTEM_CLOCK)
    loop = asyncio.new_event_loop()
    tasks = [loop.create_task(limiter.acquire_async()) for _ in range(4)]
    while not limiter.queue_length:
        loop.run_until_complete(asyncio.sleep(0))
    yield limiter
    for task in tasks:
        task.cancel()
    loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
    loop.close()


def test_a_thread_overtakes_a_blocked_event_loop(blocked_limiter: RateLimiter) -> None:
    thread = threading.Thread(target=blocked_limiter.acquire, daemon=True)
    thread.start()
    thread.join(30)
    assert not thread.is_alive()


def test_another_event_loop_overtakes_a_blocked_event_loop(blocked_limiter: RateLimiter) -> None:
    asyncio.run(asyncio.wait_for(blocked_limiter.acquire_async(), 30))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
# A worker of pytest-xdist has another thread, which is what the warning is about.
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_child_does_not_wait_for_threads_of_its_parent() -> None:
    limiter = limiter_for("https://fork.example", "digest", 1, SYSTEM_CLOCK)
    limiter.acquire()
    thread = threading.Thread(target=limiter.acquire)
    thread.start()
    while not limiter.queue_length:
        pass

    def act() -> None:
        signal.alarm(30)
        assert not limiter.queue_length
        limiter.acquire()
        limiter_for("https://fork.example", "digest", 1, SYSTEM_CLOCK).acquire()

    with limiter._lock:  # pyright: ignore[reportPrivateUsage]
        child = fork(act)
    assert exit_code_of(child) == 0
    thread.join()


def test_clients_with_one_url_and_key_share_a_limiter_with_the_lowest_rate() -> None:
    limiter = limiter_for("https://a.example", "digest", 50, SYSTEM_CLOCK)
    assert limiter_for("https://a.example", "digest", 20, SYSTEM_CLOCK) is limiter
    assert limiter_for("https://a.example", "other", 50, SYSTEM_CLOCK) is not limiter
    assert limiter_for("https://b.example", "digest", 50, SYSTEM_CLOCK) is not limiter
    clock = FakeClock()
    lowered = limiter_for("https://c.example", "digest", 50, clock)
    limiter_for("https://c.example", "digest", 2, clock)
    for _ in range(4):
        lowered.acquire()
    assert clock.monotonic() >= 1
