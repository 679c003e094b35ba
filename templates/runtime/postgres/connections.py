"""The connections of an outbox to its database: few, and each checks where it leads to."""

import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from queue import Empty, SimpleQueue
from threading import BoundedSemaphore
from typing import cast

from ..outbox.errors import OutboxError
from ..transport.forks import reset_in_child
from .driver import Connection, connect, driver_error, sqlstate
from .failures import convert_errors
from .tables import VERSION, Tables

_MAX_CONNECTIONS = 4
_IDLE_SECONDS = 1.0
"""A connection that was not used for so long may have been cut: it is tried before its use."""

_PLACE = """
SELECT version, identity, place,
pg_is_in_recovery() OR current_setting('transaction_read_only')::bool,
CASE WHEN pg_is_in_recovery() THEN NULL ELSE concat_ws(
    ':',
    (SELECT system_identifier FROM pg_control_system()),
    left(pg_walfile_name(pg_current_wal_lsn()), 8),
    (SELECT oid FROM pg_database WHERE datname = current_database()),
    to_regclass('@entries')::oid
) END FROM @outbox
"""
_RESTORED = """
UPDATE @entries SET state = 'sending', step = 0, due = clock_timestamp(), missing_since = 0
WHERE state = 'waiting'
"""
_MOVE = """
UPDATE @outbox SET place = %(place)s WHERE place IS DISTINCT FROM %(place)s RETURNING identity
"""


class Connections:
    """A few connections that threads take in turn. All methods raise `OutboxError`.

    They are in autocommit mode. After a fork, the child opens its own.
    """

    def __init__(self, conninfo: str, tables: Tables) -> None:
        self._conninfo = conninfo
        self.tables = tables
        self.identity = ""
        self._is_closed = False
        self._inherited: list[object] = []  # Kept, so that nothing closes them.
        self._idle: SimpleQueue[tuple[Connection, float]] = SimpleQueue()
        self._free = BoundedSemaphore(_MAX_CONNECTIONS)
        reset_in_child(self)

    def reset_after_fork(self) -> None:
        """Leave the connections to the parent: closing them would end its sessions."""
        self._inherited.append(self._idle)
        self._idle = SimpleQueue()
        self._free = BoundedSemaphore(_MAX_CONNECTIONS)

    @contextmanager
    def use(self, *, is_change: bool = True) -> Generator[Connection]:
        """Yield a connection for the block. One that fails is not used again."""
        self.check_open()
        with self._free, convert_errors(self.tables, is_change=is_change):
            connection = self._take()
            is_intact = False
            try:
                yield connection
                is_intact = True
            except driver_error() as error:
                # After an error of a statement, the connection is as good as before.
                is_intact = bool(sqlstate(error)) and not connection.closed
                raise
            except OutboxError:
                is_intact = True
                raise
            finally:
                if is_intact and not self._is_closed:
                    self._idle.put((connection, time.monotonic()))
                else:
                    close_quietly(connection)

    def _take(self) -> Connection:
        while True:
            try:
                connection, used_at = self._idle.get_nowait()
            except Empty:
                return self.open()
            if time.monotonic() - used_at < _IDLE_SECONDS or _is_alive(connection):
                return connection
            close_quietly(connection)

    def open(self, application_name: str = "engage outbox") -> Connection:
        """Open a connection, and check the tables. Raises the errors of the driver."""
        connection = connect(self._conninfo, application_name)
        try:
            self._check(connection)
        except BaseException:
            close_quietly(connection)
            raise
        return connection

    def _check(self, connection: Connection) -> None:
        """Let everything be looked up before it is posted if the database is another one.

        After a restored backup, or a fail-over to a replica that was behind, entries that wait may
        have been delivered already.
        """
        row = connection.execute(self.tables.sql(_PLACE)).fetchone()
        name = self.tables.name
        if row is None:
            raise OutboxError(f"{name}: the table is empty. Call create_tables.")
        version, identity, place, is_read_only, current = cast(
            tuple[int, str, str | None, bool, str | None], row
        )
        if version != VERSION:
            age = "an older" if version < VERSION else "a newer"
            raise OutboxError(
                f"{name}: the tables have the version {version} of {age} package. This package "
                f"uses the version {VERSION}. "
                + ("Call create_tables." if version < VERSION else "Generate the package again.")
            )
        if is_read_only or current is None:
            raise OutboxError(
                f"{name}: the database is read-only, like a replica. Connect to the primary."
            )
        self.identity = identity
        if place != current:
            with connection.transaction():
                is_first = connection.execute(self.tables.sql(_MOVE), {"place": current}).fetchone()
                if is_first is not None and place is not None:
                    connection.execute(self.tables.sql(_RESTORED))

    def check_open(self) -> None:
        """Raise `OutboxError` if the outbox was closed."""
        if self._is_closed:
            raise OutboxError("The outbox is closed.")

    def close(self) -> None:
        """Close all connections that are not in use; the others close after their use."""
        self._is_closed = True
        with suppress(Empty):
            while True:
                close_quietly(self._idle.get_nowait()[0])


def _is_alive(connection: Connection) -> bool:
    try:
        connection.execute("SELECT 1")
    except driver_error():
        return False
    return True


def close_quietly(connection: Connection) -> None:
    """Close a connection that may be broken."""
    with suppress(Exception):
        connection.close()
