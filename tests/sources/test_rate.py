"""The rate limiter of `pull` stays below the vendor's limit, and uses it."""

import heapq
from bisect import bisect_left
from collections.abc import Generator
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import pytest

from engage_codegen.sources import rate
from engage_codegen.sources.rate import BURST, RATE, RateLimiter

VENDOR_LIMIT = 50
COUNT = 200


def departures(count: int, stall: tuple[float, float], patch: pytest.MonkeyPatch) -> list[float]:
    """Return when each of `count` requests leaves that all start waiting at once, in seconds.

    The clock belongs to the test. Between the two times of a `stall` nothing runs, so that sleeps
    that end in it end late.
    """
    now = 0.0
    times: list[float] = []

    def monotonic() -> float:
        return now

    class Sleep:
        def __init__(self, seconds: float) -> None:
            self.until = now + seconds

        def __await__(self) -> Generator[float]:
            yield self.until

    async def send(limiter: RateLimiter) -> None:
        await limiter.wait()
        times.append(now)

    with patch.context() as patched:
        # Not the functions of the modules themselves: servers of other tests use them in threads.
        patched.setattr(rate, "time", SimpleNamespace(monotonic=monotonic))
        patched.setattr(rate, "asyncio", SimpleNamespace(sleep=Sleep))
        limiter = RateLimiter()
        waiting: list[tuple[float, int, Any]] = [
            (0.0, number, send(limiter)) for number in range(count)
        ]
        while waiting:
            until, number, task = heapq.heappop(waiting)
            now = max(now, until)
            if stall[0] <= now < stall[1]:
                now = stall[1]
            with suppress(StopIteration):
                heapq.heappush(waiting, (task.send(None), number, task))
    return times


def most_in_a_second(times: list[float]) -> int:
    return max(bisect_left(times, time + 1.0) - index for index, time in enumerate(times))


@pytest.mark.parametrize("stall", [(0.0, 0.0), (1.0, 2.5), (1.0, 4.0), (0.5, 60.0)], ids=str)
def test_no_second_has_as_many_requests_as_the_vendor_refuses(
    stall: tuple[float, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert most_in_a_second(departures(COUNT, stall, monkeypatch)) < VENDOR_LIMIT


def test_requests_that_arrive_a_second_late_do_not_exceed_the_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    times = departures(COUNT, (0.0, 0.0), monkeypatch)
    arrivals = sorted(time + (1.0 if number < BURST else 0.0) for number, time in enumerate(times))
    assert most_in_a_second(arrivals) < VENDOR_LIMIT


def test_the_limiter_is_no_slower_than_its_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    times = departures(COUNT, (0.0, 0.0), monkeypatch)
    assert times[-1] == pytest.approx((COUNT - BURST) / RATE, rel=0.02)


def test_the_list_and_fifteen_schemas_leave_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    assert set(departures(1 + 15, (0.0, 0.0), monkeypatch)) == {0.0}
