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
from engage_interactions._runtime.transport import rate_limiter
from engage_interactions._runtime.transport.clock import SYSTEM_CLOCK
from engage_interactions._runtime.transport.rate_limiter import (
    ProcessRateLimiter,
    RateLimiter,
    Waiter,
    limiter_for,
)
from engage_interactions.bulk import send_many
from tests.support.processes import exit_code_of, fork
from tests.support.runtime.bulk import BusyPlatform, thread_client
from tests.support.runtime.clocks import FakeClock
from tests.support.runtime.http_library import GENERATED, httpx
from tests.support.runtime.platform import CONTACT, Gift

pytestmark = pytest.mark.slow


class RecordingLimiter(ProcessRateLimiter):
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


@pytest.mark.parametrize("rate", [1, 2, 3, 10, 11])
def test_after_a_429_at_least_one_and_at_most_half_of_the_requests_depart(rate: int) -> None:
    clock = FakeClock()
    limiter = RecordingLimiter(rate, clock)
    limiter.slow_down(0.0)
    for _ in range(rate * 20):
        limiter.acquire()
    slow = [time for time in limiter.departures if time < 10]
    assert most_in_a_second(slow) == max(1, rate // 2)
    assert most_in_a_second(limiter.departures) == rate


def test_the_rate_recovers_ten_seconds_after_the_hold() -> None:
    clock = FakeClock()
    limiter = RecordingLimiter(4, clock)
    limiter.slow_down(2.0)
    limiter.slow_down(0.5)
    clock.sleep(11.75)
    assert [acquire_at_once(limiter) for _ in range(3)] == [True, True, False]
    clock.sleep(0.25)
    assert [acquire_at_once(limiter) for _ in range(3)] == [True, True, False]


def acquire_at_once(limiter: ProcessRateLimiter) -> bool:
    return limiter.acquire(timeout=0.0)


both = pytest.mark.parametrize("kind", ["threads", "tasks"])


def acquire(limiter: ProcessRateLimiter, kind: str, timeout: float | None = None) -> bool:
    if kind == "threads":
        return limiter.acquire(timeout)
    return asyncio.run(limiter.acquire_async(timeout))


@both
@pytest.mark.parametrize(
    ("timeout", "has_departed"),
    [(0.0, False), (1.0, False), (1.01, True), (9.0, True), (None, True)],
)
def test_a_request_departs_within_its_timeout_or_gives_up_at_once(
    kind: str, timeout: float | None, has_departed: bool
) -> None:
    clock = FakeClock()
    limiter = RecordingLimiter(2, clock)
    assert acquire(limiter, kind, 0.0)
    assert acquire(limiter, kind, 0.0)
    assert acquire(limiter, kind, timeout) is has_departed
    assert clock.monotonic() == (1.01 if has_departed else 0.0)
    assert len(limiter.departures) == (3 if has_departed else 2)
    assert limiter.queue_length == 0


class PatientLimiter(ProcessRateLimiter):
    """A limiter that looks at its clock again and again, and never waits for real time."""

    def _turn_seconds(self, ends_at: float) -> float:
        return 0.0


class TickingClock(FakeClock):
    """A clock that advances by an eighth of a second whenever it is read."""

    def monotonic(self) -> float:
        self.sleep(0.125)
        return super().monotonic()


@both
def test_a_request_overtakes_one_that_does_not_depart_within_a_second(kind: str) -> None:
    clock = TickingClock()
    limiter = PatientLimiter(10, clock)
    blocker = threading.Event()
    limiter._enter(Waiter(blocker.set, True))  # pyright: ignore[reportPrivateUsage]
    start = clock.monotonic()
    assert blocker.is_set()
    assert acquire(limiter, kind)
    assert 1.0 <= clock.monotonic() - start <= 1.75
    assert limiter.queue_length == 0


@both
def test_a_request_does_not_overtake_one_that_could_not_depart_yet(kind: str) -> None:
    clock = TickingClock()
    limiter = PatientLimiter(10, clock)
    limiter.slow_down(5.0)
    held_until = clock.monotonic() + 5.0
    limiter._enter(Waiter(threading.Event().set, True))  # pyright: ignore[reportPrivateUsage]
    assert acquire(limiter, kind)
    assert 0.5 <= clock.monotonic() - held_until <= 1.75


@both
@pytest.mark.parametrize("timeout", [0.0, 0.5])
def test_a_request_behind_another_gives_up_at_its_timeout(kind: str, timeout: float) -> None:
    clock = TickingClock()
    limiter = PatientLimiter(10, clock)
    first = Waiter(threading.Event().set, True)
    limiter._enter(first)  # pyright: ignore[reportPrivateUsage]
    start = clock.monotonic()
    assert acquire(limiter, kind, timeout) is False
    assert timeout <= clock.monotonic() - start <= timeout + 0.75
    assert limiter.queue_length == 1, "it left the queue, and the other one did not"


@both
def test_a_request_behind_another_gives_up_when_its_time_is_over_to_the_tick(kind: str) -> None:
    limiter = PatientLimiter(10, FakeClock())
    limiter._enter(Waiter(threading.Event().set, True))  # pyright: ignore[reportPrivateUsage]
    assert acquire(limiter, kind, 0.0) is False


def test_the_next_one_is_woken_when_the_first_one_leaves() -> None:
    limiter = ProcessRateLimiter(10, FakeClock())
    turns = [threading.Event() for _ in range(4)]
    waiters = [Waiter(turn.set, True) for turn in turns]
    for waiter in waiters:
        limiter._enter(waiter)  # pyright: ignore[reportPrivateUsage]
    assert [turn.is_set() for turn in turns] == [True, False, False, False]
    limiter._leave(waiters[2])  # pyright: ignore[reportPrivateUsage]
    assert [turn.is_set() for turn in turns] == [True, False, False, False]
    limiter._leave(waiters[0])  # pyright: ignore[reportPrivateUsage]
    assert [turn.is_set() for turn in turns] == [True, True, False, False]
    limiter._leave(waiters[0])  # pyright: ignore[reportPrivateUsage]
    limiter._leave(waiters[1])  # pyright: ignore[reportPrivateUsage]
    assert [turn.is_set() for turn in turns] == [True, True, False, True]
    assert limiter.queue_length == 1


@pytest.mark.parametrize(
    ("timeout", "seconds"), [(None, 1.0), (9.0, 1.0), (0.25, 0.25), (0.0, 0.0), (-1.0, 0.0)]
)
def test_a_turn_is_waited_for_in_steps_of_a_second(
    monkeypatch: pytest.MonkeyPatch, timeout: float | None, seconds: float
) -> None:
    waits: list[float | None] = []

    class Turn(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            waits.append(timeout)
            return True

    clock = FakeClock()
    clock.sleep(100.0)
    limiter = ProcessRateLimiter(10, clock)
    limiter._enter(Waiter(threading.Event().set, True))  # pyright: ignore[reportPrivateUsage]
    monkeypatch.setattr(threading, "Event", Turn)
    assert limiter.acquire(timeout)
    assert waits == [seconds]


def test_a_child_has_an_empty_queue_and_a_free_lock_and_remembers_the_departures() -> None:
    clock = FakeClock()
    limiter = ProcessRateLimiter(1, clock)
    limiter.acquire()
    limiter._enter(Waiter(threading.Event().set, True))  # pyright: ignore[reportPrivateUsage]
    with limiter._lock:  # pyright: ignore[reportPrivateUsage]
        limiter.reset_after_fork()
        assert limiter.queue_length == 0
        limiter.acquire()
    assert clock.monotonic() == 1.01


def test_a_child_can_get_a_limiter_although_a_thread_of_the_parent_held_the_lock() -> None:
    limiter = limiter_for("https://d.example", "digest", 50, SYSTEM_CLOCK)
    limiters = rate_limiter._limiters  # pyright: ignore[reportPrivateUsage]
    with limiters._lock:  # pyright: ignore[reportPrivateUsage]
        limiters.reset_after_fork()
        assert limiter_for("https://d.example", "digest", 50, SYSTEM_CLOCK) is limiter


def test_a_client_sends_fifty_requests_a_second_by_default() -> None:
    platform = BusyPlatform()
    http = httpx.Client(transport=httpx.MockTransport(platform))
    client = EngageClient(
        "https://e.example", api_key="k", user_agent="a/1", clock=platform.clock, http=http
    )
    for _ in range(50):
        client.send(CONTACT, Gift("a"))
    assert platform.clock.monotonic() == 0
    client.send(CONTACT, Gift("a"))
    assert platform.clock.monotonic() == 1.01


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
        limiter = ProcessRateLimiter(1, FakeClock())

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

    class Limiter(ProcessRateLimiter):
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
def blocked_limiter() -> Generator[ProcessRateLimiter]:
    """A limiter whose queue begins with the tasks of a blocked event loop."""
    limiter = ProcessRateLimiter(2, SYSTEM_CLOCK)
    loop = asyncio.new_event_loop()
    tasks = [loop.create_task(limiter.acquire_async()) for _ in range(4)]
    while not limiter.queue_length:
        loop.run_until_complete(asyncio.sleep(0))
    yield limiter
    for task in tasks:
        task.cancel()
    loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
    loop.close()


def test_a_thread_overtakes_a_blocked_event_loop(blocked_limiter: ProcessRateLimiter) -> None:
    thread = threading.Thread(target=blocked_limiter.acquire, daemon=True)
    thread.start()
    thread.join(30)
    assert not thread.is_alive()


def test_another_event_loop_overtakes_a_blocked_event_loop(
    blocked_limiter: ProcessRateLimiter,
) -> None:
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
