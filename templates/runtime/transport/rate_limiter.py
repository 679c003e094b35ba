"""The rate limiter: one for each base URL and key in a process.

The vendor allows less than 50 requests a second for one key. In any window of one second at most
that many requests depart, first come, first served, from all threads and event loops together.
"""

import math
import threading
from collections import deque
from collections.abc import Callable
from weakref import WeakValueDictionary

from .clock import Clock
from .forks import reset_in_child

DEFAULT_RATE = 50
# The time between the departure that is counted and the bytes on the wire varies by this much.
_WINDOW = 1.01
_RECOVERY_SECONDS = 10.0
_TURN_SECONDS = 1.0
"""How long the first in the queue may delay the others although it could depart: its event loop
may be blocked."""


class RateLimiter:
    """A sliding window over the times of departure."""

    def __init__(self, rate: int, clock: Clock) -> None:
        self._rate = rate
        self._clock = clock
        self._departures: deque[float] = deque()
        self._first_since = 0.0
        self._slow_until = 0.0
        self._hold_until = 0.0
        self.reset_after_fork()
        reset_in_child(self)

    @property
    def queue_length(self) -> int:
        """The number of requests that wait for their turn. If it is 0, more could depart."""
        return len(self._queue)

    def limit_rate(self, rate: int) -> None:
        """Lower the rate. The lowest rate that any client asks for applies to all."""
        with self._lock:
            self._rate = min(self._rate, rate)

    def slow_down(self, hold_seconds: float) -> None:
        """After a 429, hold all requests, and then halve the rate for ten seconds."""
        until = self._clock.monotonic() + hold_seconds
        with self._lock:
            self._hold_until = max(self._hold_until, until)
            self._slow_until = max(self._slow_until, until + _RECOVERY_SECONDS)

    def acquire(self, timeout: float | None = None) -> bool:
        """Block until a request may depart, and count it.

        Returns False if it cannot depart within `timeout` seconds.
        """
        if not self._queue and not self._depart():
            return True
        ends_at = self._end(timeout)
        turn = threading.Event()
        wake = turn.set
        self._enter(wake)
        try:
            while not turn.wait(self._turn_seconds(ends_at)):
                if self._clock.monotonic() >= ends_at:
                    return False
                self._skip_blocked()
            while seconds := self._depart():
                if self._clock.monotonic() + seconds > ends_at:
                    return False
                self._clock.sleep(seconds)
            return True
        finally:
            self._leave(wake)

    async def acquire_async(self, timeout: float | None = None) -> bool:
        """Suspend until a request may depart, and count it. It can be canceled at any time.

        Returns False if it cannot depart within `timeout` seconds.
        """
        import asyncio

        # A task that sends in a loop lets others run, even if it never has to wait.
        await asyncio.sleep(0)
        if not self._queue and not self._depart():
            return True
        ends_at = self._end(timeout)
        loop = asyncio.get_running_loop()
        turn = asyncio.Event()

        def wake() -> None:
            loop.call_soon_threadsafe(turn.set)

        self._enter(wake)
        try:
            while not turn.is_set():
                try:
                    async with asyncio.timeout(self._turn_seconds(ends_at)):
                        await turn.wait()
                except TimeoutError:
                    if self._clock.monotonic() >= ends_at:
                        return False
                    self._skip_blocked()
            while seconds := self._depart():
                if self._clock.monotonic() + seconds > ends_at:
                    return False
                await self._clock.sleep_async(seconds)
            return True
        finally:
            self._leave(wake)

    def _end(self, timeout: float | None) -> float:
        return math.inf if timeout is None else self._clock.monotonic() + timeout

    def _turn_seconds(self, ends_at: float) -> float:
        return max(0.0, min(_TURN_SECONDS, ends_at - self._clock.monotonic()))

    def _enter(self, wake: Callable[[], object]) -> None:
        with self._lock:
            self._queue.append(wake)
            if len(self._queue) == 1:
                self._wake_first()

    def _leave(self, wake: Callable[[], object]) -> None:
        with self._lock:
            if wake not in self._queue:  # It was skipped, because its event loop was blocked.
                return
            was_first = self._queue[0] is wake
            self._queue.remove(wake)
            if was_first:
                self._wake_first()

    def _skip_blocked(self) -> None:
        """Wake the next in the queue if the first does not depart although it could."""
        with self._lock:
            now = self._clock.monotonic()
            could_depart_at = max(self._first_since, self._free_at(now))
            if self._queue and now - could_depart_at >= _TURN_SECONDS:
                self._queue.popleft()
                self._wake_first()

    def _wake_first(self) -> None:
        self._first_since = self._clock.monotonic()
        while self._queue:
            try:
                self._queue[0]()
                return
            except RuntimeError:  # Its event loop was closed.
                self._queue.popleft()

    def _depart(self) -> float:
        """Count a departure and return 0, or return the seconds to wait for one."""
        with self._lock:
            now = self._clock.monotonic()
            free_at = self._free_at(now)
            if now < free_at:
                return free_at - now
            self._departures.append(now)
            while len(self._departures) > self._rate:
                self._departures.popleft()
            return 0.0

    def _free_at(self, now: float) -> float:
        """Return the time of the next possible departure, which may be in the past."""
        rate = max(1, self._rate // 2) if now < self._slow_until else self._rate
        if len(self._departures) < rate:
            return self._hold_until
        return max(self._hold_until, self._departures[-rate] + _WINDOW)

    def reset_after_fork(self) -> None:
        """Forget the queue: it consists of threads of the parent, and one may hold the lock."""
        self._lock = threading.Lock()
        self._queue: deque[Callable[[], object]] = deque()


class _Limiters:
    """The limiters of the process."""

    def __init__(self) -> None:
        self._limiters: WeakValueDictionary[tuple[str, str, int], RateLimiter]
        self._limiters = WeakValueDictionary()
        self.reset_after_fork()
        reset_in_child(self)

    def reset_after_fork(self) -> None:
        self._lock = threading.Lock()

    def get(self, key: tuple[str, str, int], rate: int, clock: Clock) -> RateLimiter:
        with self._lock:
            limiter = self._limiters.get(key)
            if limiter is None:
                limiter = self._limiters[key] = RateLimiter(rate, clock)
        limiter.limit_rate(rate)
        return limiter


_limiters = _Limiters()


def limiter_for(base_url: str, key_digest: str, rate: int, clock: Clock) -> RateLimiter:
    """Return the limiter that all clients with this URL, key and clock share in the process."""
    return _limiters.get((base_url, key_digest, id(clock)), rate, clock)
