"""The pace of requests: one for each base URL and key in a process.

The vendor asks for less than 50 requests a second with one key. In any window of one second at
most that many depart, from whatever threads and event loops, first come, first served.
"""

import os
import threading
from collections import deque
from collections.abc import Callable
from weakref import WeakValueDictionary

from .clock import Clock

DEFAULT_RATE = 50
# What lies between a departure as it is counted and the bytes on the wire may differ by this much.
_WINDOW = 1.01
_RECOVERY_SECONDS = 10.0
_PATIENCE = 1.0
"""Seconds that one who could depart may keep the others waiting: its event loop may stand still."""


class Pace:
    """A sliding window over the times of departure."""

    def __init__(self, rate: int, clock: Clock) -> None:
        self._rate = rate
        self._clock = clock
        self._lock = threading.Lock()
        self._departures: deque[float] = deque()
        self._queue: deque[Callable[[], object]] = deque()
        self._first_since = 0.0
        self._slow_until = 0.0
        self._hold_until = 0.0

    @property
    def waiting(self) -> int:
        """How many wait for their turn: none means that more could depart."""
        return len(self._queue)

    def limit_to(self, rate: int) -> None:
        """The lowest rate that any client asked for counts for all."""
        with self._lock:
            self._rate = min(self._rate, rate)

    def slow_down(self, hold: float) -> None:
        """After a 429: nothing departs for `hold` seconds, and then half as much for ten."""
        until = self._clock.monotonic() + hold
        with self._lock:
            self._hold_until = max(self._hold_until, until)
            self._slow_until = max(self._slow_until, until + _RECOVERY_SECONDS)

    def wait(self) -> None:
        """Wait until a request may depart, and count it."""
        if not self._queue and not self._depart():
            return
        turn = threading.Event()
        wake = turn.set
        self._enter(wake)
        try:
            while not turn.wait(_PATIENCE):
                self._pass_over()
            while seconds := self._depart():
                self._clock.sleep(seconds)
        finally:
            self._leave(wake)

    async def wait_async(self) -> None:
        """The same for asyncio. A wait that is cancelled takes nothing from the others."""
        import asyncio

        # Whoever sends in a loop lets others run, also where nothing else has to be waited for.
        await asyncio.sleep(0)
        if not self._queue and not self._depart():
            return
        loop = asyncio.get_running_loop()
        turn = asyncio.Event()

        def wake() -> None:
            loop.call_soon_threadsafe(turn.set)

        self._enter(wake)
        try:
            while not turn.is_set():
                try:
                    async with asyncio.timeout(_PATIENCE):
                        await turn.wait()
                except TimeoutError:
                    self._pass_over()
            while seconds := self._depart():
                await self._clock.sleep_async(seconds)
        finally:
            self._leave(wake)

    def _enter(self, wake: Callable[[], object]) -> None:
        with self._lock:
            self._queue.append(wake)
            if len(self._queue) == 1:
                self._wake_first()

    def _leave(self, wake: Callable[[], object]) -> None:
        with self._lock:
            if wake not in self._queue:  # passed over, because its event loop stood still
                return
            was_first = self._queue[0] is wake
            self._queue.remove(wake)
            if was_first:
                self._wake_first()

    def _pass_over(self) -> None:
        """Wake the next if the first does not go although it could."""
        with self._lock:
            now = self._clock.monotonic()
            could_go_at = max(self._first_since, self._free_at(now))
            if self._queue and now - could_go_at >= _PATIENCE:
                self._queue.popleft()
                self._wake_first()

    def _wake_first(self) -> None:
        self._first_since = self._clock.monotonic()
        while self._queue:
            try:
                self._queue[0]()
                return
            except RuntimeError:  # its event loop was closed under it
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
        """When the next may depart: it can be in the past."""
        rate = max(1, self._rate // 2) if now < self._slow_until else self._rate
        if len(self._departures) < rate:
            return self._hold_until
        return max(self._hold_until, self._departures[-rate] + _WINDOW)

    def forget_others(self) -> None:
        """After a fork: those that wait are threads of the parent, and one may hold the lock."""
        self._lock = threading.Lock()
        self._queue.clear()


_paces: WeakValueDictionary[tuple[str, str, int], Pace] = WeakValueDictionary()
_paces_lock = threading.Lock()


def pace_of(base_url: str, key_digest: str, rate: int, clock: Clock) -> Pace:
    """The one pace for this URL and key in the process, by the same clock."""
    with _paces_lock:
        which = (base_url, key_digest, id(clock))
        pace = _paces.get(which)
        if pace is None:
            pace = _paces[which] = Pace(rate, clock)
        pace.limit_to(rate)
        return pace


def _begin_in_child() -> None:
    for pace in _paces.values():
        pace.forget_others()
    _paces_lock.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_paces_lock.acquire,
        after_in_parent=_paces_lock.release,
        after_in_child=_begin_in_child,
    )
