"""A clock for tests of the runtime."""

import asyncio
import threading
from datetime import UTC, datetime, timedelta


class FakeClock:
    """A clock that advances only by waits, and records them in `sleeps`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seconds = 0.0
        self.start = datetime(2026, 3, 14, 9, 26, 53, 589000, tzinfo=UTC)
        self.sleeps: list[float] = []

    def now(self) -> datetime:
        return self.start + timedelta(seconds=self._seconds)

    def monotonic(self) -> float:
        with self._lock:
            return self._seconds

    def sleep(self, seconds: float, stop: threading.Event | None = None) -> None:
        with self._lock:
            self._seconds += seconds
            self.sleeps.append(seconds)

    async def sleep_async(self, seconds: float, stop: asyncio.Event | None = None) -> None:
        self.sleep(seconds)
        await asyncio.sleep(0)
