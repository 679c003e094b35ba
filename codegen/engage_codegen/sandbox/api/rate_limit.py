"""The rate limit: requests per second and key, measured in real time."""

import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable


class RateLimit:
    """A sliding window of one second for each key.

    A request above the limit does not count. `now` returns the time in seconds; tests pass their
    own, because the limit does not follow the sandbox's clock.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._arrivals: defaultdict[str, deque[float]] = defaultdict(deque)

    def reset(self) -> None:
        """Forget all requests."""
        with self._lock:
            self._arrivals.clear()

    def admit(self, key: str, limit: int) -> bool:
        """Count a request, or return False if the key has used up `limit`; 0 means no limit."""
        if not limit:
            return True
        now = self._now()
        with self._lock:
            arrivals = self._arrivals[key]
            while arrivals and arrivals[0] <= now - 1.0:
                arrivals.popleft()
            if len(arrivals) >= limit:
                return False
            arrivals.append(now)
            return True
