"""How fast `pull` asks."""

import asyncio
import time
from bisect import bisect_left

import pytest

from engage_codegen.sources.pace import BURST, RATE, Pace

ALLOWED = 50


def departures(count: int, pauses: dict[int, float], patch: pytest.MonkeyPatch) -> list[float]:
    """When each of so many requests that want to leave at once does, on a clock that only the
    pace moves; `pauses` are seconds in which nobody wants to, before a request."""
    now = 1000.0
    left: list[float] = []

    async def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds

    async def all_of_them() -> None:
        nonlocal now
        pace = Pace()
        for number in range(count):
            now += pauses.get(number, 0.0)
            await pace.wait()
            left.append(now - 1000.0)

    with patch.context() as patched:
        patched.setattr(time, "monotonic", lambda: now)
        patched.setattr(asyncio, "sleep", sleep)
        # No event loop: nothing here waits for anything else.
        run = all_of_them()
        with pytest.raises(StopIteration):
            run.send(None)
    return left


def most_in_a_second(times: list[float]) -> int:
    return max(bisect_left(times, it + 1.0) - at for at, it in enumerate(times))


@pytest.mark.parametrize("pauses", [{}, {60: 10.0}, {25: 0.3, 30: 0.3, 60: 0.7}], ids=str)
def test_no_second_has_as_many_as_the_vendor_refuses(
    pauses: dict[int, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert most_in_a_second(departures(200, pauses, monkeypatch)) < ALLOWED


def test_the_allowance_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    assert departures(200, {}, monkeypatch)[-1] == pytest.approx((200 - BURST) / RATE)


def test_the_schemas_of_a_usual_tenant_wait_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    the_list_and_its_schemas = 1 + 15
    assert set(departures(the_list_and_its_schemas, {}, monkeypatch)) == {0.0}
