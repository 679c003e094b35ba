"""Departures that the database gives out, each a little later than the one before, by its clock."""

import threading
import time
from contextlib import suppress
from typing import cast

from ..transport.observer import LOGGER
from .connections import close_quietly
from .driver import Connection, Value, connect, driver_error
from .tables import Tables

_SPACING = 1.04
"""The distance of two departures, in units of the exact one. 51 departures take so much longer than
a second that none of them may be late by the rest."""
_AHEAD = 6
"""How many departures ahead requests that are not urgent may reserve, so that an urgent one does
not have to wait for long. It is enough for six processes that send as fast as they can."""
_RECOVERY_SECONDS = 10.0
_RETRY_SECONDS = 5.0
_RETURN_SECONDS = 7.0
"""How long after a start of the database some processes may still send their share."""

_CREATE = "INSERT INTO @rates (name) VALUES (%(name)s) ON CONFLICT DO NOTHING"
_HOLD = """
UPDATE @rates SET hold_until = greatest(
    hold_until, pg_postmaster_start_time() + make_interval(secs => %(seconds)s)
) WHERE name = %(name)s
RETURNING extract(epoch FROM hold_until - clock_timestamp())::float8
"""
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


class Departures:
    """The departures of one process. While the database is away, it gives out its share itself.

    Only one thread asks for departures. Any can call `slow_down`.
    """

    def __init__(self, conninfo: str, name: str, tables: Tables) -> None:
        self._conninfo = conninfo
        self._name = name
        self._tables = tables
        self._spacing = self._fallback_spacing = 0.0
        self._inherited: list[object] = []  # Kept, so that nothing closes the connections.
        self._connection: Connection | None = None
        self.reset()

    def set_rates(self, rate: float, fallback_rate: float) -> None:
        """Set the most departures per second of all processes, and of this one without them."""
        self._spacing = _SPACING / rate
        self._fallback_spacing = _SPACING / fallback_rate

    def reset(self) -> None:
        """After a fork, leave the connection to the parent."""
        self._inherited.append(self._connection)
        self._connection = None
        self._was_connected = False
        self._lock = threading.Lock()
        self._slow_down: float | None = None
        self._lead = 0.0
        self._next_local = 0.0
        self._hold_until = 0.0
        self._slow_until = 0.0
        self._away_until = 0.0

    @property
    def is_held(self) -> bool:
        """True while nothing may depart after a 429."""
        return time.monotonic() < self._hold_until

    @property
    def has_pending_slow_down(self) -> bool:
        """True if the database does not know of a 429 yet."""
        return self._slow_down is not None

    def slow_down(self, hold_seconds: float) -> None:
        """Hold all departures of all processes, and then halve the rate for a while."""
        with self._lock:
            self._slow_down = max(self._slow_down or 0.0, hold_seconds)
            self._hold_until = max(self._hold_until, time.monotonic() + hold_seconds)
            self._slow_until = self._hold_until + _RECOVERY_SECONDS

    def reserve(self, *, is_urgent: bool) -> tuple[float, bool]:
        """Ask for a departure. Return its time by the monotonic clock, and if it is reserved."""
        asked_at = time.monotonic()
        seconds, is_taken = self._reserve(is_urgent)
        now = time.monotonic()
        self._lead = min(now - asked_at, 0.25)
        return now + seconds, is_taken

    def _reserve(self, is_urgent: bool) -> tuple[float, bool]:
        try:
            departure = self._ask(is_urgent)
        except driver_error() as error:
            LOGGER.warning(
                "The rate limiter cannot reach its database. This process falls back to its "
                "share: %s",
                str(error).partition("\n")[0],
            )
            self.disconnect()
            self._fall_back(_RETRY_SECONDS)
            departure = None
        if departure is not None:
            return departure
        now = time.monotonic()
        departs_at = max(now, self._next_local, self._hold_until)
        self._next_local = departs_at + self._fallback_spacing * (1 + (now < self._slow_until))
        self._slow_down = None
        return departs_at - now, True

    def _fall_back(self, seconds: float) -> None:
        """Depart without the database for a time. Its last departures still count."""
        now = time.monotonic()
        self._away_until = now + seconds
        self._next_local = max(self._next_local, now + self._fallback_spacing)

    def _ask(self, is_urgent: bool) -> tuple[float, bool] | None:
        """Ask the database. Return None while this process departs without it."""
        if time.monotonic() < self._away_until:
            return None
        if self._connection is not None:
            with suppress(driver_error()):
                return self._ask_with(self._connection, is_urgent)
            self.disconnect()  # It was cut, but perhaps the database is there.
        connection = self._connect()
        return None if connection is None else self._ask_with(connection, is_urgent)

    def _connect(self) -> Connection | None:
        """Connect. Return None if this process still has to depart without the database.

        After a restart of the database, other processes may send their share for some seconds.
        """
        connection = self._connection = connect(self._conninfo, "engage rate limiter", seconds=2)
        connection.execute("SET statement_timeout = '2s'")
        connection.execute(self._tables.sql(_CREATE), {"name": self._name})
        was_connected, self._was_connected = self._was_connected, True
        if was_connected:
            values: dict[str, Value] = {"name": self._name, "seconds": _RETURN_SECONDS}
            row = connection.execute(self._tables.sql(_HOLD), values).fetchone()
            seconds = cast(float, row[0]) if row else 0.0
            if seconds > 0:
                self._fall_back(seconds)
                return None
        return connection

    def disconnect(self) -> None:
        """Close the connection, until the next departure."""
        if self._connection is not None:
            close_quietly(self._connection)
            self._connection = None

    def _ask_with(self, connection: Connection, is_urgent: bool) -> tuple[float, bool]:
        hold = self._slow_down
        if hold is not None:
            values: dict[str, Value] = {
                "name": self._name,
                "hold": hold,
                "slow": hold + _RECOVERY_SECONDS,
            }
            connection.execute(self._tables.sql(_SLOW_DOWN), values)
            with self._lock:
                self._slow_down = None if self._slow_down == hold else self._slow_down
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
        if row is None:  # The tables were created anew.
            connection.execute(self._tables.sql(_CREATE), {"name": self._name})
            return self._spacing, False
        seconds, is_taken = cast(tuple[float, bool | None], row)
        if is_taken:
            return max(0.0, seconds), True
        return max(0.0, seconds - _AHEAD * self._spacing / 2), False
