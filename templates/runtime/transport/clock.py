"""Time: the clock of a client, and the dates that it gives to interactions."""

import threading
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import asyncio


class Clock(Protocol):
    """The time that a client goes by. Tests replace it, so that waiting takes no time."""

    def now(self) -> datetime:
        """Return the current date and time, with a time zone."""
        ...

    def monotonic(self) -> float:
        """Return a number of seconds that never decreases."""
        ...

    def sleep(self, seconds: float, stop: threading.Event | None = None) -> None:
        """Block the thread for that many seconds, or until `stop` is set."""
        ...

    async def sleep_async(self, seconds: float, stop: "asyncio.Event | None" = None) -> None:
        """Suspend the task for that many seconds, or until `stop` is set."""
        ...


class SystemClock:
    """The clock of the machine."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float, stop: threading.Event | None = None) -> None:
        if stop is None:
            time.sleep(seconds)
        else:
            stop.wait(seconds)

    async def sleep_async(self, seconds: float, stop: "asyncio.Event | None" = None) -> None:
        import asyncio

        if stop is None:
            await asyncio.sleep(seconds)
            return
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), seconds)


SYSTEM_CLOCK = SystemClock()


class CreatedDates:
    """The dates of interactions that are sent without one: the current time, in UTC.

    They strictly increase by the millisecond, so that a lookup can recognize an interaction by its
    date. Threads and tasks can share an instance.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._last = datetime.min.replace(tzinfo=UTC)

    def next(self) -> datetime:
        """Return the next date."""
        now = self._clock.now().astimezone(UTC)
        now -= timedelta(microseconds=now.microsecond % 1000)
        with self._lock:
            self._last = max(now, self._last + _MILLISECOND)
            return self._last


_MILLISECOND = timedelta(milliseconds=1)
