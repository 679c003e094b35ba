"""The pace of requests to a tenant."""

import asyncio
import time

BURST = 20
RATE = 25.0
"""45 departures in the first second and 25 in each that follows: what is late on its way must not
make 50 arrivals in any second. A tenant may have 15 schemas, so for most the burst is all."""


class Pace:
    """A token bucket: `BURST` departures at once, and from then on `RATE` a second."""

    def __init__(self) -> None:
        self._next = 0.0

    async def wait(self) -> None:
        now = time.monotonic()
        turn = max(self._next, now - (BURST - 1) / RATE)
        self._next = turn + 1 / RATE
        if turn > now:
            await asyncio.sleep(turn - now)
