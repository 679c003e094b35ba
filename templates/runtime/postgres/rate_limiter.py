"""A rate limit that all processes of all machines share, in PostgreSQL.

The database gives out departures, each a little later than the one before, by its own clock. A
thread of the process asks for the next departure and gives it to the request that comes first when
the time has come: an urgent one before all others.
"""

import threading
import time
from collections import deque
from typing import cast

from ..errors import ConfigurationError
from ..transport.forks import reset_in_child
from ..transport.observer import LOGGER
from ..transport.rate_limiter import DEFAULT_RATE, Waiter
from .connections import close_quietly
from .driver import Connection, Value, connect, driver_error
from .tables import Tables

_SPACING = 1.04
"""The distance of two departures, in units of the exact one. 51 departures take so much longer than
a second that none of them may be late by the rest."""
_LATE_SECONDS = 0.02
"""A departure that is later than that is given up, and another one is asked for."""
_AHEAD = 6
"""How many departures ahead requests that are not urgent may reserve, so that an urgent one does
not have to wait for long. It is enough for six processes that send as fast as they can."""
_RECOVERY_SECONDS = 10.0
_RETRY_SECONDS = 5.0
_IDLE_SECONDS = 60.0

_CREATE = "INSERT INTO @rates (name) VALUES (%(name)s) ON CONFLICT DO NOTHING"
_RESERVE = """
WITH slot AS (
    SELECT name, greatest(
        next, hold_until, clock_timestamp() + make_interval(secs => %(lead)s)
    ) AS at FROM @rates WHERE name = %(name)s FOR UPDATE
), taken AS (
    UPDATE @rates r SET next = slot.at + make_interval(
        secs => CASE WHEN slot.at < r.slow_until THEN 2 ELSE 1 END * %(spacing)s
    ) FROM slot WHERE r.name = slot.name AND (
        %(is_urgent)s OR slot.at <= clock_timestamp() + make_interval(secs => %(ahead)s)
    ) RETURNING true AS is_taken
)
SELECT extract(epoch FROM slot.at - clock_timestamp())::float8, (SELECT is_taken FROM taken)
FROM slot
"""
_SLOW_DOWN = """
UPDATE @rates SET
    hold_until = greatest(hold_until, clock_timestamp() + make_interval(secs => %(hold)s)),
    slow_until = greatest(slow_until, clock_timestamp() + make_interval(secs => %(slow)s))
WHERE name = %(name)s
"""


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
        self._conninfo = conninfo
        self._name = name
        self._tables = Tables(schema, prefix)
        self._spacing = _SPACING / rate
        self._fallback_spacing = _SPACING / fallback_rate
        self._inherited: list[object] = []  # Kept, so that nothing closes the connections.
        self._connection: Connection | None = None
        self.reset_after_fork()
        reset_in_child(self)

    def reset_after_fork(self) -> None:
        """Leave the connection to the parent, and forget its requests."""
        self._inherited.append(self._connection)
        self._connection = None
        self._changed = threading.Condition(threading.Lock())
        self._urgent: deque[Waiter] = deque()
        self._others: deque[Waiter] = deque()
        self._thread: threading.Thread | None = None
        self._slow_down: float | None = None
        self._lead = 0.0
        self._next_local = 0.0
        self._hold_until = 0.0
        self._away_until = 0.0

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._name!r})"

    @property
    def queue_length(self) -> int:
        """The number of requests that wait for their turn in this process."""
        return len(self._urgent) + len(self._others)

    def slow_down(self, hold_seconds: float) -> None:
        """After a 429, hold all requests of all processes, and then halve the rate for a while."""
        with self._changed:
            self._slow_down = max(self._slow_down or 0.0, hold_seconds)
            self._hold_until = max(self._hold_until, time.monotonic() + hold_seconds)
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
            (self._urgent if waiter.is_urgent else self._others).append(waiter)
            self._start()
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
            self._thread = threading.Thread(target=self._run, daemon=True)
            self._thread.start()

    def _run(self) -> None:
        """Give out departures until nothing happens for a minute."""
        while self._wait_for_requests():
            try:
                self._depart()
            except Exception:  # Without this thread, no request would ever depart.
                LOGGER.exception("The rate limiter failed. It goes on.")
                time.sleep(1.0)
        if self._connection is not None:
            close_quietly(self._connection)
            self._connection = None

    def _wait_for_requests(self) -> bool:
        with self._changed:
            if not self.queue_length and self._slow_down is None:
                self._changed.wait(_IDLE_SECONDS)
            if not self.queue_length and self._slow_down is None:
                self._thread = None
                return False
            return True

    def _depart(self) -> None:
        """Wait for a departure, and give it to a request. A late one is given up."""
        is_urgent = bool(self._urgent)
        asked_at = time.monotonic()
        seconds, is_taken = self._reserve(is_urgent)
        departs_at = time.monotonic() + seconds
        self._lead = min(time.monotonic() - asked_at, 0.25)
        self._sleep_until(departs_at, until_urgent=not is_taken and not is_urgent)
        if is_taken and time.monotonic() - departs_at <= _LATE_SECONDS:
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

    def _reserve(self, is_urgent: bool) -> tuple[float, bool]:
        """Ask for a departure. Return the seconds until then, and whether it is reserved."""
        if time.monotonic() >= self._away_until:
            try:
                return self._ask(is_urgent)
            except driver_error() as error:
                LOGGER.warning(
                    "The rate limiter cannot reach its database. This process falls back to its "
                    "share: %s",
                    str(error).partition("\n")[0],
                )
                self._away_until = time.monotonic() + _RETRY_SECONDS
                if self._connection is not None:
                    close_quietly(self._connection)
                    self._connection = None
        now = time.monotonic()
        departs_at = max(now, self._next_local, self._hold_until)
        self._next_local = departs_at + self._fallback_spacing
        self._slow_down = None
        return departs_at - now, True

    def _ask(self, is_urgent: bool) -> tuple[float, bool]:
        connection = self._connection
        if connection is None or connection.closed:
            connection = self._connection = connect(self._conninfo, "engage rate limiter")
            connection.execute("SET statement_timeout = '2s'")
            connection.execute(self._tables.sql(_CREATE), {"name": self._name})
        hold, self._slow_down = self._slow_down, None
        if hold is not None:
            values: dict[str, Value] = {
                "name": self._name,
                "hold": hold,
                "slow": hold + _RECOVERY_SECONDS,
            }
            connection.execute(self._tables.sql(_SLOW_DOWN), values)
        row = connection.execute(
            self._tables.sql(_RESERVE),
            {
                "name": self._name,
                "lead": self._lead,
                "spacing": self._spacing,
                "is_urgent": is_urgent,
                "ahead": _AHEAD * self._spacing + self._lead,
            },
        ).fetchone()
        seconds, is_taken = cast(tuple[float, bool | None], row or (self._spacing, None))
        if is_taken:
            return max(0.0, seconds), True
        return max(0.0, seconds - _AHEAD * self._spacing / 2), False
