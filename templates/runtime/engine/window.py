"""The number of sends in flight."""

from ..transport.rate_limiter import RateLimiter

POLL_SECONDS = 0.05
"""After this time more sends are started although none has finished: the answers are slow, or the
sends in flight wait for a retry."""

_MOST_IN_FLIGHT = 64


class Window:
    """The number of sends in flight.

    It grows while no request waits for the rate limiter, and shrinks while several do.
    """

    def __init__(self, limiter: RateLimiter) -> None:
        self._limiter = limiter
        self._size = 2

    def free_slots(self, running: int) -> int:
        """Return how many sends can be started now."""
        waiting = self._limiter.queue_length
        if waiting <= 1 and running >= self._size - 1:
            self._size = min(self._size + 1, _MOST_IN_FLIGHT)
        elif waiting > 2:
            self._size = max(self._size - 1, 1)
        return max(0, self._size - running)
