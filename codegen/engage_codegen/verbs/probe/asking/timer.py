"""The time, as a probe sees it. A test can replace it."""

import time
from datetime import UTC, datetime, timedelta


class Timer:
    """The clock of this machine, which runs on evenly even if somebody sets it."""

    def __init__(self) -> None:
        self._started = datetime.now(UTC)
        self._origin = time.monotonic()

    def now(self) -> datetime:
        """Return the time in UTC."""
        return self._started + timedelta(seconds=time.monotonic() - self._origin)

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)
