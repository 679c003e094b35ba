"""How fast `pull` asks."""

import heapq
from bisect import bisect_left
from collections.abc import Generator
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import pytest

from engage_codegen.sources import rate
from engage_codegen.sources.rate import BURST, RATE, RateLimiter

ALLOWED = 50
COUNT = 200


def departures(count: int, stall: tuple[float, float], patch: pytest.MonkeyPatch) -> list[float]:
    """When each of so many requests that all want to leave at once does, on a clock of the test.
    Between the two times of a `stall` nothing runs, and all sleeps that end in it end late."""
    now = 0.0
    left: list[float] = []

    def monotonic() -> float:
        return now

    class Sleep:
        def __init__(self, seconds: float) -> None:
            self.until = now + seconds

        def __await__(self) -> Generator[float]:
            yield self.until

    async def one(bucket: RateLimiter) -> None:
        await bucket.wait()
        left.append(now)

    with patch.context() as patched:
        # Not the functions of the modules: servers of other tests, in threads, wait by them.
        patched.setattr(rate, "time", SimpleNamespace(monotonic=monotonic))
        patched.setattr(rate, "asyncio", SimpleNamespace(sleep=Sleep))
        bucket = RateLimiter()
        waiting: list[tuple[float, int, Any]] = [(0.0, it, one(bucket)) for it in range(count)]
        while waiting:
            until, number, task = heapq.heappop(waiting)
            now = max(now, until)
            if stall[0] <= now < stall[1]:
                now = stall[1]
            with suppress(StopIteration):
                heapq.heappush(waiting, (task.send(None), number, task))
    return left


def most_in_a_second(times: list[float]) -> int:
    return max(bisect_left(times, it + 1.0) - at for at, it in enumerate(times))


@pytest.mark.parametrize("stall", [(0.0, 0.0), (1.0, 2.5), (1.0, 4.0), (0.5, 60.0)], ids=str)
def test_no_second_has_as_many_as_the_vendor_refuses(
    stall: tuple[float, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert most_in_a_second(departures(COUNT, stall, monkeypatch)) < ALLOWED


def test_not_even_where_some_are_a_second_late_on_their_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    times = departures(COUNT, (0.0, 0.0), monkeypatch)
    late = sorted(it + (1.0 if number < BURST else 0.0) for number, it in enumerate(times))
    assert most_in_a_second(late) < ALLOWED


def test_the_allowance_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    times = departures(COUNT, (0.0, 0.0), monkeypatch)
    assert times[-1] == pytest.approx((COUNT - BURST) / RATE, rel=0.02)


def test_the_schemas_of_a_usual_tenant_wait_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    the_list_and_its_schemas = 1 + 15
    assert set(departures(the_list_and_its_schemas, (0.0, 0.0), monkeypatch)) == {0.0}
