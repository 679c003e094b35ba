"""The rate limiter uses nearly all of its rate, and never more, first come, first served."""

import asyncio
import os
import signal
import threading
from collections.abc import Generator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.transport.clock import SYSTEM_CLOCK
from runtime.transport.rate_limiter import RateLimiter, limiter_for
from tests.support.clocks import FakeClock


class RecordingLimiter(RateLimiter):
    """Notes the times of departure."""

    def __init__(self, rate: int, clock: FakeClock) -> None:
        super().__init__(rate, clock)
        self.departed: list[float] = []
        self.noted = clock

    def _depart(self) -> float:
        now = self.noted.monotonic()
        seconds = super()._depart()
        if not seconds:
            self.departed.append(now)
        return seconds


def most_in_a_second(times: Sequence[float]) -> int:
    ordered = sorted(times)
    return max((sum(start <= t < start + 1 for t in ordered) for start in ordered), default=0)


@pytest.mark.parametrize("rate", [1, 2, 50])
def test_in_any_second_at_most_the_rate_departs_and_nearly_all_of_it(rate: int) -> None:
    clock = FakeClock()
    limiter = RecordingLimiter(rate, clock)
    for _ in range(rate * 20):
        limiter.acquire()
    assert most_in_a_second(limiter.departed) <= rate
    assert len(limiter.departed) / (limiter.departed[-1] + 1) >= 0.98 * rate


@settings(deadline=None, max_examples=200)
@given(
    st.integers(1, 7),
    st.lists(st.one_of(st.just("go"), st.floats(0, 3), st.just("429")), max_size=80),
)
def test_whatever_happens_between_no_second_has_too_many(
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
    assert most_in_a_second(limiter.departed) <= rate


def test_a_429_holds_everybody_and_halves_the_pace_for_ten_seconds() -> None:
    clock = FakeClock()
    limiter = RecordingLimiter(10, clock)
    limiter.slow_down(2.0)
    for _ in range(100):
        limiter.acquire()
    assert limiter.departed[0] == 2.0
    slow = [time for time in limiter.departed if time < 12]
    assert most_in_a_second(slow) == 5
    assert most_in_a_second(limiter.departed) == 10


def test_threads_and_tasks_share_it_and_none_is_left_behind() -> None:
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
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    assert len(limiter.departed) == 300
    assert most_in_a_second(limiter.departed) <= 20


def test_who_comes_first_goes_first() -> None:
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
def test_a_cancelled_wait_takes_nothing_from_the_others(cancelled: set[int], steps: int) -> None:
    async def race() -> tuple[list[float], float]:
        clock = FakeClock()
        limiter = RecordingLimiter(1, clock)
        tasks = [asyncio.ensure_future(limiter.acquire_async()) for _ in range(20)]
        for _ in range(steps):
            await asyncio.sleep(0)
        for number in cancelled:
            tasks[number].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        count = len(limiter.departed)
        limiter.acquire()
        assert len(limiter.departed) == count + 1
        return limiter.departed, clock.monotonic()

    departed, now = asyncio.run(race())
    assert most_in_a_second(departed) == 1
    assert now <= len(departed) * 1.01 + 0.01


def test_an_event_loop_that_dies_in_the_queue_is_skipped() -> None:
    limiter = RecordingLimiter(1000, FakeClock())
    loop = asyncio.new_event_loop()
    blocker = threading.Event()
    wake = blocker.set
    limiter._enter(wake)  # pyright: ignore[reportPrivateUsage]
    waiting = loop.create_task(limiter.acquire_async())
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    limiter._leave(wake)  # pyright: ignore[reportPrivateUsage]
    limiter.acquire()
    assert len(limiter.departed) == 1
    del waiting


@pytest.fixture
def crowded() -> Generator[RateLimiter]:
    """A limiter whose queue begins with tasks of an event loop that stands still."""
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


def test_a_thread_passes_by_an_event_loop_that_stands_still(crowded: RateLimiter) -> None:
    thread = threading.Thread(target=crowded.acquire, daemon=True)
    thread.start()
    thread.join(30)
    assert not thread.is_alive()


def test_another_event_loop_passes_by_one_that_stands_still(crowded: RateLimiter) -> None:
    asyncio.run(asyncio.wait_for(crowded.acquire_async(), 30))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
# The worker of pytest-xdist has a thread of its own.
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_the_child_of_a_fork_waits_for_nobody_of_its_parent() -> None:
    limiter = limiter_for("https://fork.example", "digest", 1, SYSTEM_CLOCK)
    limiter.acquire()
    thread = threading.Thread(target=limiter.acquire)
    thread.start()
    while not limiter.queue_length:
        pass
    with limiter._lock:  # pyright: ignore[reportPrivateUsage]
        child = os.fork()
        if not child:
            signal.alarm(30)
            limiter.acquire()
            limiter_for("https://fork.example", "digest", 1, SYSTEM_CLOCK).acquire()
            os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    thread.join()


def test_one_url_and_key_have_one_pace_with_the_lowest_rate_asked_for() -> None:
    one = limiter_for("https://a.example", "digest", 50, SYSTEM_CLOCK)
    assert limiter_for("https://a.example", "digest", 20, SYSTEM_CLOCK) is one
    assert limiter_for("https://a.example", "other", 50, SYSTEM_CLOCK) is not one
    assert limiter_for("https://b.example", "digest", 50, SYSTEM_CLOCK) is not one
    clock = FakeClock()
    lowered = limiter_for("https://c.example", "digest", 50, clock)
    limiter_for("https://c.example", "digest", 2, clock)
    for _ in range(4):
        lowered.acquire()
    assert clock.monotonic() >= 1
