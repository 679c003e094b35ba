"""Time, and waiting for it: replaced as a whole in tests, which then take none."""

import threading
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import asyncio


class Clock(Protocol):
    """What the clients need of time."""

    def now(self) -> datetime:
        """The time of day, aware."""
        ...

    def monotonic(self) -> float:
        """Seconds that only increase."""
        ...

    def sleep(self, seconds: float, stop: threading.Event | None = None) -> None:
        """Let the thread wait, but no longer than until `stop`."""
        ...

    async def sleep_async(self, seconds: float, stop: "asyncio.Event | None" = None) -> None:
        """Let the task wait, but no longer than until `stop`."""
        ...


class SystemClock:
    """The time of the machine."""

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


SYSTEM = SystemClock()
