"""The rate limiter of the tool's own requests to a tenant."""

import asyncio
import time

BURST = 16
RATE = 15.0
"""Requests per second after the burst. The list and the schemas of a full tenant leave at once, and
of more requests 31 in any second, so that even requests that are a second late on their way do not
make 50 arrivals in one second (the vendor's limit)."""


class RateLimiter:
    """A token bucket: `BURST` requests at once, and from then on `RATE` per second."""

    def __init__(self) -> None:
        self._tokens = float(BURST)
        self._filled = time.monotonic()

    async def wait(self) -> None:
        """Wait until a request may leave, and count it."""
        while seconds := self._take_token():
            await asyncio.sleep(seconds)

    def _take_token(self) -> float:
        """Take a token and return 0, or return the seconds until there may be one."""
        # By the time that it is, not by when a sleep should have ended: it may end late.
        now = time.monotonic()
        self._tokens = min(float(BURST), self._tokens + (now - self._filled) * RATE)
        self._filled = now
        if self._tokens < 1:
            return max((1 - self._tokens) / RATE, 0.001)
        self._tokens -= 1
        return 0.0


class Unlimited(RateLimiter):
    """A rate limiter for servers of this process, which lets every request leave at once."""

    async def wait(self) -> None:
        """Return at once."""
