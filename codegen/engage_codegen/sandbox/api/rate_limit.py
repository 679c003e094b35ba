"""Requests per second and key, really measured."""

import threading
import time
from collections import defaultdict, deque


class RateLimit:
    """A sliding window of one second for each key. A request over the limit does not count."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._arrivals: defaultdict[str, deque[float]] = defaultdict(deque)

    def reset(self) -> None:
        with self._lock:
            self._arrivals.clear()

    def admits(self, key: str, limit: int) -> bool:
        """Whether one more request with this key is within `limit` a second; 0 is no limit."""
        if not limit:
            return True
        now = time.monotonic()
        with self._lock:
            arrivals = self._arrivals[key]
            while arrivals and arrivals[0] <= now - 1.0:
                arrivals.popleft()
            if len(arrivals) >= limit:
                return False
            arrivals.append(now)
            return True
