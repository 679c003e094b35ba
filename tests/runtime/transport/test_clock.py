"""The clock of a client, and the dates that it gives to interactions."""

import asyncio
import threading
import time
from datetime import UTC, datetime, timedelta, timezone

import pytest

from engage_interactions._runtime.transport import clock as clocks
from engage_interactions._runtime.transport.clock import CreatedDates, SystemClock
from tests.support.runtime.clocks import FakeClock

MOMENT = datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)


class SettableClock(FakeClock):
    """A clock whose date is set by the test."""

    def __init__(self) -> None:
        super().__init__()
        self.date = MOMENT

    def now(self) -> datetime:
        return self.date


def dates_at(*moments: datetime) -> list[datetime]:
    """Return the dates of interactions that are sent at these moments."""
    clock = SettableClock()
    dates = CreatedDates(clock)
    created: list[datetime] = []
    for clock.date in moments:
        created.append(dates.next())
    return created


@pytest.mark.parametrize(
    ("microsecond", "milliseconds"),
    [
        (0, 1),  # no date is a whole second
        (1, 1),
        (999, 1),
        (1000, 1),
        (1001, 1),
        (1999, 1),
        (2000, 2),
        (589_999, 589),
        (998_999, 998),
        (999_999, 999),
    ],
)
def test_a_date_is_cut_to_the_millisecond(microsecond: int, milliseconds: int) -> None:
    (date,) = dates_at(MOMENT.replace(microsecond=microsecond))
    assert date == MOMENT.replace(microsecond=milliseconds * 1000)


def test_a_date_is_in_utc_whatever_the_zone_of_the_clock_is() -> None:
    zone = timezone(timedelta(hours=2, minutes=30))
    (date,) = dates_at((MOMENT + MILLISECOND).astimezone(zone))
    assert date == MOMENT + MILLISECOND
    assert date.tzinfo is UTC


@pytest.mark.parametrize(
    ("moments", "expected"),
    [
        ([7, 7, 7], [7, 8, 9]),
        ([7, 8, 8], [7, 8, 9]),
        ([7, 20, 7], [7, 20, 21]),
        ([7, 5, 9], [7, 8, 9]),
        ([998, 998, 998, 998], [998, 999, 1001, 1002]),
        ([60_007, 8], [60_007, 60_008]),  # set back by less than a minute
        ([60_007, 7], [60_007, 60_008]),  # by a minute
        ([60_007, 6], [60_007, 6]),  # by more
        ([60_007, 0, 0], [60_007, 1, 2]),
        ([10**7 + 7, 7, 7], [10**7 + 7, 7, 8]),
    ],
)
def test_dates_increase_unless_the_clock_is_set_back_by_more_than_a_minute(
    moments: list[int], expected: list[int]
) -> None:
    created = dates_at(*(MOMENT + number * MILLISECOND for number in moments))
    assert [(date - MOMENT) // MILLISECOND for date in created] == expected


def test_a_child_gets_its_dates_although_a_thread_of_the_parent_held_the_lock() -> None:
    dates = CreatedDates(FakeClock())
    first = dates.next()
    lock: threading.Lock = vars(dates)["_lock"]
    with lock:
        dates.reset_after_fork()
        assert dates.next() == first + MILLISECOND


def test_the_clock_of_the_machine_is_in_utc_and_never_goes_back() -> None:
    clock = SystemClock()
    assert clock.now().tzinfo is UTC
    assert clock.monotonic() <= clock.monotonic()
    assert type(clock.monotonic()) is float


class RecordingEvent(threading.Event):
    """An event that records for how long it was waited for, and does not wait."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float | None] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.seconds.append(timeout)
        return False


def test_a_thread_sleeps_for_the_seconds_or_until_the_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds: list[float] = []
    monkeypatch.setattr(time, "sleep", seconds.append)
    stop = RecordingEvent()
    SystemClock().sleep(7.5)
    SystemClock().sleep(2.5, stop)
    assert (seconds, stop.seconds) == ([7.5], [2.5])


def test_a_task_sleeps_for_the_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds: list[float] = []
    sleep = asyncio.sleep

    async def record(delay: float) -> None:
        # Other threads of the process may have event loops, too.
        if threading.current_thread() is threading.main_thread():
            seconds.append(delay)
        else:
            await sleep(delay)

    monkeypatch.setattr(asyncio, "sleep", record)
    asyncio.run(SystemClock().sleep_async(7.5))
    assert seconds == [7.5]


def test_a_task_sleeps_until_the_stop_and_no_longer_than_the_seconds() -> None:
    async def sleep() -> None:
        stop = asyncio.Event()
        await SystemClock().sleep_async(0.0, stop)
        assert not stop.is_set()
        asyncio.get_running_loop().call_soon(stop.set)
        await asyncio.wait_for(SystemClock().sleep_async(3600.0, stop), 30)

    asyncio.run(sleep())


def test_clients_use_the_clock_of_the_machine_by_default() -> None:
    assert isinstance(clocks.SYSTEM_CLOCK, SystemClock)
