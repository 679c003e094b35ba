"""The sandbox's own time: it can be frozen and moved, so that tests need not wait."""

import asyncio
import threading
from datetime import UTC, datetime, timedelta


class Clock:
    """What time the platform takes it to be. For threads and for the event loop."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._offset = timedelta()
        self._frozen: datetime | None = None

    @property
    def is_frozen(self) -> bool:
        return self._frozen is not None

    def now(self) -> datetime:
        """Aware, in UTC."""
        with self._lock:
            return self._frozen or datetime.now(UTC) + self._offset

    def freeze(self, at: datetime | None) -> None:
        """Stand still, now or at an aware moment."""
        now = self.now()
        with self._lock:
            self._frozen = at.astimezone(UTC) if at else now

    def move(self, by: timedelta) -> None:
        """Go forward or back. A frozen clock stays frozen. Raises `OverflowError`."""
        now = self.now()
        with self._lock:
            if self._frozen is not None:
                self._frozen = now + by
            else:
                _ = now + by
                self._offset += by

    def run(self) -> None:
        """Go on from where it stands."""
        with self._lock:
            if self._frozen is not None:
                self._offset = self._frozen - datetime.now(UTC)
                self._frozen = None

    def reset(self) -> None:
        """Be the time of the machine again."""
        with self._lock:
            self._offset, self._frozen = timedelta(), None

    async def reach(self, moment: datetime) -> None:
        """Wait until it is that time here."""
        while (missing := (moment - self.now()).total_seconds()) > 0:
            # In small steps: somebody may move the clock meanwhile.
            await asyncio.sleep(min(missing, 0.02))
