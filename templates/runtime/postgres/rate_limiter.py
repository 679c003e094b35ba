"""A rate limit that all processes of all machines share, in PostgreSQL.

A thread of the process asks for the next departure and gives it to the request that comes first
when the time has come: an urgent one before all others.
"""

import threading
import time
from collections import deque

from ..errors import ConfigurationError
from ..transport.forks import reset_in_child
from ..transport.observer import LOGGER
from ..transport.rate_limiter import DEFAULT_RATE, Waiter
from .departures import Departures
from .driver import driver_error
from .tables import Tables

_LATE_SECONDS = 0.02
"""A departure that is later than that is given up, and another one is asked for."""
_IDLE_SECONDS = 60.0


class PostgresRateLimiter:
    """One allowance for all clients of all processes that are given this limiter.

    At most `rate` requests depart in any second, from all of them together. Urgent requests depart
    before those of deliveries and other jobs. After a 429, all processes slow down. If the database
    cannot be reached, each process sends `fallback_rate` requests per second until it can.

    It needs psycopg 3, and the tables that `create_tables` creates. It can be used in several
    threads and event loops, and after a fork.

    Args:
        conninfo: The database, as a URL or as libpq's keywords.
        name: The name of the allowance. Use one for each API key.
        rate: The most requests per second. The vendor's limit is 50 for one key.
        fallback_rate: The most requests per second of this process while the database is away.
            `rate` divided by the number of your processes is never too much.
        schema: The schema of the tables in the database.
        prefix: The beginning of the names of the tables.

    Raises:
        ConfigurationError: An argument cannot work, or psycopg is missing.
    """

    def __init__(
        self,
        conninfo: str,
        *,
        name: str = "engage",
        rate: int = DEFAULT_RATE,
        fallback_rate: float = 5.0,
        schema: str = "public",
        prefix: str = "engage_",
    ) -> None:
        if rate < 1 or not 0 < fallback_rate <= rate:
            raise ConfigurationError(
                "The rate must be at least 1, and the fallback_rate above 0 and at most the rate, "
                f"not {rate} and {fallback_rate}."
            )
        driver_error()
        self._name = name
        self._departures = Departures(conninfo, name, Tables(schema, prefix))
        self._departures.set_rates(rate, fallback_rate)
        self._forget()
        reset_in_child(self)

    def reset_after_fork(self) -> None:
        """Leave the connection to the parent, and forget its requests."""
        self._departures.reset()
        self._forget()

    def _forget(self) -> None:
        self._changed = threading.Condition(threading.Lock())
        self._urgent: deque[Waiter] = deque()
        self._others: deque[Waiter] = deque()
        self._thread: threading.Thread | None = None
        self._following: tuple[float, bool] | None = None

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._name!r})"

    @property
    def queue_length(self) -> int:
        """The number of requests that wait for their turn in this process."""
        return len(self._urgent) + len(self._others)

    def slow_down(self, hold_seconds: float) -> None:
        """After a 429, hold all requests of all processes, and then halve the rate for a while."""
        with self._changed:
            self._departures.slow_down(hold_seconds)
            self._start()
            self._changed.notify()

    def acquire(self, timeout: float | None = None, *, is_urgent: bool = True) -> bool:
        """Block until a request may depart, and count it.

        Returns False if it cannot depart within `timeout` seconds.
        """
        turn = threading.Event()
        waiter = Waiter(turn.set, is_urgent)
        self._enter(waiter)
        try:
            is_admitted = turn.wait(timeout)
        except BaseException:
            self._leave(waiter)
            raise
        return is_admitted or not self._leave(waiter)

    async def acquire_async(self, timeout: float | None = None, *, is_urgent: bool = True) -> bool:
        """Suspend until a request may depart, and count it. It can be canceled at any time.

        Returns False if it cannot depart within `timeout` seconds.
        """
        import asyncio

        loop = asyncio.get_running_loop()
        turn = asyncio.Event()

        def wake() -> None:
            loop.call_soon_threadsafe(turn.set)

        waiter = Waiter(wake, is_urgent)
        self._enter(waiter)
        try:
            async with asyncio.timeout(timeout):
                await turn.wait()
        except TimeoutError:
            return not self._leave(waiter)
        except BaseException:
            self._leave(waiter)
            raise
        return True

    def _enter(self, waiter: Waiter) -> None:
        with self._changed:
            self._start()
            (self._urgent if waiter.is_urgent else self._others).append(waiter)
            self._changed.notify()

    def _leave(self, waiter: Waiter) -> bool:
        """Remove a request from the queue. Return False if it may depart."""
        with self._changed:
            queue = self._urgent if waiter.is_urgent else self._others
            if waiter not in queue:
                return False
            queue.remove(waiter)
            return True

    def _start(self) -> None:
        if self._thread is None:
            thread = threading.Thread(target=self._run, daemon=True)
            thread.start()
            self._thread = thread

    def _run(self) -> None:
        """Give out departures until nothing happens for a minute."""
        while self._wait_for_requests():
            try:
                self._depart()
            except Exception:  # Without this thread, no request would ever depart.
                LOGGER.exception("The rate limiter failed. It goes on.")
                time.sleep(1.0)

    def _wait_for_requests(self) -> bool:
        with self._changed:
            if not self.queue_length and not self._departures.has_pending_slow_down:
                self._changed.wait(_IDLE_SECONDS)
            if not self.queue_length and not self._departures.has_pending_slow_down:
                self._thread = None
                self._departures.disconnect()  # Before another thread connects.
                return False
            return True

    def _depart(self) -> None:
        """Wait for a departure, and give it to a request. A late one is given up."""
        is_urgent = bool(self._urgent)
        following, self._following = self._following, None
        departs_at, is_taken = following or self._departures.reserve(is_urgent=is_urgent)
        if is_taken and self.queue_length > 1:
            # In time, also if the answer of the database takes a while.
            following = self._departures.reserve(is_urgent=is_urgent)
            self._following = following if following[1] else None
        self._sleep_until(departs_at, until_urgent=not is_taken and not is_urgent)
        is_late = time.monotonic() - departs_at > _LATE_SECONDS
        if is_taken and not is_late and not self._departures.is_held:
            self._wake()

    def _sleep_until(self, at: float, *, until_urgent: bool) -> None:
        """Sleep until a time, or until there is an urgent request."""
        with self._changed:
            while (seconds := at - time.monotonic()) > 0:
                if until_urgent and self._urgent:
                    return
                self._changed.wait(seconds)

    def _wake(self) -> None:
        with self._changed:
            while self.queue_length:
                waiter = (self._urgent or self._others).popleft()
                try:
                    waiter.wake()
                    return
                except RuntimeError:  # Its event loop was closed.
                    continue
