"""The pace of requests to a tenant."""

import asyncio
import time

BURST = 16
RATE = 15.0
"""The list and the schemas that a tenant may have leave at once; of more, 31 in any second, so that
not even those that are a second late on their way make 50 arrivals in one."""


class Pace:
    """A token bucket: `BURST` departures at once, and from then on `RATE` a second."""

    def __init__(self) -> None:
        self._tokens = float(BURST)
        self._filled = time.monotonic()

    async def wait(self) -> None:
        while seconds := self._depart():
            await asyncio.sleep(seconds)

    def _depart(self) -> float:
        """Take a token and return 0, or return the seconds until there may be one."""
        # By the time that it is, not by when a sleep should have ended: it may end late.
        now = time.monotonic()
        self._tokens = min(float(BURST), self._tokens + (now - self._filled) * RATE)
        self._filled = now
        if self._tokens < 1:
            return max((1 - self._tokens) / RATE, 0.001)
        self._tokens -= 1
        return 0.0
