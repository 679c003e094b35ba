"""The rate limiter: one for each base URL and key in a process, whatever package a client is of.

The vendor allows less than 50 requests a second for one key. In any window of one second at most
that many requests depart, from all threads and event loops together. Urgent requests depart before
the others, and otherwise it is first come, first served.
"""

import math
import sys
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Protocol, TypeAlias, cast
from weakref import WeakValueDictionary

from .clock import Clock, SystemClock
from .forks import reset_in_child

DEFAULT_RATE = 50
_Key: TypeAlias = tuple[str, str, int]
"""The base URL, the digest of the API key, and the clock."""

# The time between the departure that is counted and the bytes on the wire varies by this much.
_WINDOW = 1.01
_RECOVERY_SECONDS = 10.0
_TURN_SECONDS = 1.0
"""How long the first in the queue may delay the others although it could depart: its event loop
may be blocked."""


class RateLimiter(Protocol):
    """Admits requests. Write one to share an allowance in another way than this package does.

    Threads, event loops and forked processes use it at the same time.
    """

    @property
    def queue_length(self) -> int:
        """The number of requests that wait for their turn. If it is 0, more could depart."""
        ...

    def acquire(self, timeout: float | None = None, *, is_urgent: bool = True) -> bool:
        """Block until a request may depart, and count it.

        Urgent requests depart before the others. Returns False if it cannot depart within `timeout`
        seconds.
        """
        ...

    async def acquire_async(self, timeout: float | None = None, *, is_urgent: bool = True) -> bool:
        """Do what `acquire` does, suspending the task. It can be canceled at any time."""
        ...

    def slow_down(self, hold_seconds: float) -> None:
        """After a 429, hold all requests for that long, and then slow down. Does not block."""
        ...


class ProcessRateLimiter:
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

    def acquire(self, timeout: float | None = None, *, is_urgent: bool = True) -> bool:
        """Block until a request may depart, and count it.

        Returns False if it cannot depart within `timeout` seconds.
        """
        if not self._queue and not self._depart():
            return True
        ends_at = self._end(timeout)
        turn = threading.Event()
        waiter = Waiter(turn.set, is_urgent)
        self._enter(waiter)
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
            self._leave(waiter)

    async def acquire_async(self, timeout: float | None = None, *, is_urgent: bool = True) -> bool:
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

        waiter = Waiter(wake, is_urgent)
        self._enter(waiter)
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
            self._leave(waiter)

    def _end(self, timeout: float | None) -> float:
        return math.inf if timeout is None else self._clock.monotonic() + timeout

    def _turn_seconds(self, ends_at: float) -> float:
        return max(0.0, min(_TURN_SECONDS, ends_at - self._clock.monotonic()))

    def _enter(self, waiter: "Waiter") -> None:
        with self._lock:
            position = len(self._queue)
            if waiter.is_urgent:
                # The first keeps its place: it was woken.
                others = (i for i, other in enumerate(self._queue) if i and not other.is_urgent)
                position = next(others, position)
            self._queue.insert(position, waiter)
            if len(self._queue) == 1:
                self._wake_first()

    def _leave(self, waiter: "Waiter") -> None:
        with self._lock:
            if waiter not in self._queue:  # It was skipped, because its event loop was blocked.
                return
            was_first = self._queue[0] is waiter
            self._queue.remove(waiter)
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
                self._queue[0].wake()
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
        self._queue: deque[Waiter] = deque()


@dataclass(frozen=True, slots=True, eq=False)
class Waiter:
    """A request in the queue."""

    wake: Callable[[], object]
    is_urgent: bool


class _Limiters:
    """The limiters of the process."""

    def __init__(self) -> None:
        self._limiters: WeakValueDictionary[_Key, ProcessRateLimiter]
        self._limiters = WeakValueDictionary()
        self.reset_after_fork()
        reset_in_child(self)

    def reset_after_fork(self) -> None:
        self._lock = threading.Lock()

    def get(self, key: _Key, rate: int, clock: Clock) -> ProcessRateLimiter:
        with self._lock:
            limiter = self._limiters.get(key)
            if limiter is None:
                limiter = self._limiters[key] = ProcessRateLimiter(rate, clock)
        limiter.limit_rate(rate)
        return limiter


def _process_limiters() -> _Limiters:
    """Return the limiters of all generated packages in the process.

    They are in an empty module of this name. Increase the version with every change of `_Limiters`
    or `ProcessRateLimiter` that code of the version before could not use: the first package that
    creates a client defines the classes for all others.
    """
    module = sys.modules.setdefault(_SHARED_MODULE, ModuleType(_SHARED_MODULE))
    return cast(_Limiters, vars(module).setdefault("limiters", _limiters))


_SHARED_MODULE = "_voyado_engage_rate_limiters_v1"
_limiters = _Limiters()


def limiter_for(base_url: str, key_digest: str, rate: int, clock: Clock) -> ProcessRateLimiter:
    """Return the limiter that all clients with this URL, key and clock share in the process."""
    # Each package has a system clock of its own, and they show the same time.
    clock_id = 0 if isinstance(clock, SystemClock) else id(clock)
    return _process_limiters().get((base_url, key_digest, clock_id), rate, clock)
