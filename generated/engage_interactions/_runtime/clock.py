"""Time, and waiting for it: replaced as a whole in tests, which then take none."""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What the clients need of time."""

    def now(self) -> datetime:
        """The time of day, aware."""
        ...

    def monotonic(self) -> float:
        """Seconds that only increase."""
        ...

    def sleep(self, seconds: float) -> None:
        """Let the thread wait."""
        ...

    async def sleep_async(self, seconds: float) -> None:
        """Let the task wait."""
        ...


class SystemClock:
    """The time of the machine."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    async def sleep_async(self, seconds: float) -> None:
        import asyncio

        await asyncio.sleep(seconds)


SYSTEM = SystemClock()
