"""Time: the clock of a client, and the dates that it gives to interactions."""

import threading
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from .forks import reset_in_child

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
    date, unless the clock is set back by more than a minute. No date is a whole second: then a date
    that Engage returns without milliseconds is known to be rounded. Threads and tasks can share an
    instance.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last = datetime.min.replace(tzinfo=UTC)
        self.reset_after_fork()
        reset_in_child(self)

    def reset_after_fork(self) -> None:
        """Replace the lock, which a thread of the parent may hold."""
        self._lock = threading.Lock()

    def next(self) -> datetime:
        """Return the next date."""
        now = self._clock.now().astimezone(UTC)
        now -= timedelta(microseconds=now.microsecond % 1000)
        with self._lock:
            is_set_back = self._last - now > _LONGEST_LEAD
            following = now if is_set_back else max(now, self._last + _MILLISECOND)
            self._last = following if following.microsecond else following + _MILLISECOND
            return self._last


_MILLISECOND = timedelta(milliseconds=1)
_LONGEST_LEAD = timedelta(minutes=1)
