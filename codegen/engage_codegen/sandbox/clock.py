"""The sandbox's clock, which tests can freeze and move so that they need not wait."""

import asyncio
import threading
from datetime import UTC, datetime, timedelta


class Clock:
    """The sandbox's current time. It can be used from threads and from the event loop."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._offset = timedelta()
        self._frozen: datetime | None = None

    @property
    def is_frozen(self) -> bool:
        """Whether the clock stands still."""
        return self._frozen is not None

    def now(self) -> datetime:
        """Return the current time, aware and in UTC."""
        with self._lock:
            return self._frozen or datetime.now(UTC) + self._offset

    def freeze(self, at: datetime | None) -> None:
        """Stop the clock at an aware time, or at the current one if `at` is None."""
        now = self.now()
        with self._lock:
            self._frozen = at.astimezone(UTC) if at else now

    def move(self, by: timedelta) -> None:
        """Move the clock forward or back; a frozen clock stays frozen.

        Raises:
            OverflowError: The new time is outside the years 1 to 9999.
        """
        now = self.now()
        with self._lock:
            if self._frozen is not None:
                self._frozen = now + by
            else:
                _ = now + by
                self._offset += by

    def run(self) -> None:
        """Let a frozen clock run on from its current time."""
        with self._lock:
            if self._frozen is not None:
                self._offset = self._frozen - datetime.now(UTC)
                self._frozen = None

    def reset(self) -> None:
        """Return to the time of the machine."""
        with self._lock:
            self._offset, self._frozen = timedelta(), None

    async def wait_until(self, moment: datetime) -> None:
        """Wait until this clock reaches `moment`."""
        while (remaining := (moment - self.now()).total_seconds()) > 0:
            # In small steps, because the clock may be moved in the meantime.
            await asyncio.sleep(min(remaining, 0.02))
