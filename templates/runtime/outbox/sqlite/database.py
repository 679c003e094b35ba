"""The connection to the file of an outbox: an SQLite database that processes share.

Two things that SQLite leaves to its users are dangerous here:

- A connection must not cross a fork, not even to be closed, and while one is left in a child
  process, the child cannot open the file properly either. So all connections are closed before a
  fork and opened again when they are used.
- A file that is moved, deleted or replaced can still be written to, but nobody else will see it.
  So each use compares the files that are open with the files at the path.
"""

import os
import sqlite3
import threading
import weakref
from collections.abc import Generator
from contextlib import contextmanager, suppress
from typing import TypeAlias, cast

from ..errors import DiskFullError, OutboxError
from .connection import BUSY_SECONDS, Connection, Durability, Undo, connect
from .failures import FAILURES, REPLACED, convert_errors, failure_of
from .reserve import release_reserve

Value: TypeAlias = str | bytes | float | None

_databases: "weakref.WeakSet[Database]" = weakref.WeakSet()
_databases_lock = threading.RLock()


class Database:
    """A connection to the file, which threads can share. All methods raise `OutboxError`.

    Creates the file, but only when the object is created.
    """

    def __init__(self, path: str, durability: Durability, *, creates: bool = True) -> None:
        self.path = path
        self._durability: Durability = durability
        self._lock = threading.RLock()
        self._connection: Connection | None = None
        self._is_in_use = False
        self._is_closed = False
        with _databases_lock:
            _databases.add(self)
        with self._lock, convert_errors(path):
            self._connection = connect(path, durability, creates)
            self.identity = self._connection.identity

    def insert(self, statement: str, values: tuple[Value, ...], undo: Undo) -> int:
        """Insert and commit a row, and return its id.

        Compares the files only after the insert, and undoes it if they are others: a comparison
        before it would cost every insert as much again.
        """
        try:
            with self._lock:
                connection = self._connect()
                self._is_in_use = True
                try:
                    row_id = cast(int, connection.cursor.execute(statement, values).lastrowid)
                    if connection.is_current():
                        return row_id
                    self._connection = None
                    raise connection.undo(undo, row_id)
                finally:
                    self._is_in_use = False
        except FAILURES as error:
            failure = failure_of(self.path, error)
        raise failure

    @contextmanager
    def exclusive(self) -> Generator[None]:
        """Let no other thread use the connection during the block."""
        with self._lock:
            yield

    @contextmanager
    def reading(self) -> Generator[sqlite3.Connection]:
        """Yield the connection for one or more queries, which see the same state of the file."""
        with self._transaction("BEGIN") as connection:
            yield connection.db

    @contextmanager
    def writing(self) -> Generator[sqlite3.Connection]:
        """Yield the connection for a transaction, which is committed at the end of the block."""
        with self._transaction("BEGIN IMMEDIATE") as connection:
            yield connection.db
            connection.db.execute("COMMIT")
            self._verify(connection)

    @contextmanager
    def _transaction(self, begin: str) -> Generator[Connection]:
        with self._lock, convert_errors(self.path):
            connection = self._current()
            self._is_in_use = True
            try:
                connection.db.execute(begin)
                yield connection
            finally:
                self._is_in_use = False
                if connection is self._connection and connection.db.in_transaction:
                    connection.db.execute("ROLLBACK")

    def truncate_log(self) -> None:
        """Empty the write-ahead log, which still has deleted entries, unless it is in use."""
        with self._lock, convert_errors(self.path):
            db = self._current().db
            # With a timeout, it would wait for all readers, and every put would wait for it.
            db.execute("PRAGMA busy_timeout = 0").close()
            try:
                db.execute("PRAGMA wal_checkpoint(TRUNCATE)").close()
            finally:
                db.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000:.0f}").close()

    def make_room(self) -> None:
        """Release the reserve of a full disk, and the space of the write-ahead log.

        From then on the log stays short: it must leave space in which the database can grow.
        """
        release_reserve(os.path.realpath(self.path))
        with suppress(DiskFullError):
            self.truncate_log()
            with self._lock, convert_errors(self.path):
                self._current().db.execute("PRAGMA wal_autocheckpoint = 32").close()

    def close(self) -> None:
        """Close the connection for good."""
        with self._lock, convert_errors(self.path):
            self._is_closed = True
            self._disconnect()

    def check_open(self) -> None:
        """Raise `OutboxError` if the outbox was closed."""
        if self._is_closed:
            raise OutboxError(f"{self.path}: the outbox is closed.")

    def _current(self) -> Connection:
        """Return the connection, after a comparison of its files with those at the path."""
        connection = self._connect()
        if not connection.is_current():
            self._connection = None
            connection.abandon()
            raise OutboxError(f"{self.path}: {REPLACED} Nothing was changed.")
        return connection

    def _connect(self) -> Connection:
        self.check_open()
        connection = self._connection
        if connection is None:
            connection = self._connection = connect(self.path, self._durability, creates=False)
            self.identity = connection.identity
        elif self._is_in_use:
            raise OutboxError(
                f"{self.path}: the thread is already using the outbox. A signal handler must not "
                "use an outbox."
            )
        elif connection.process != os.getpid():
            raise OutboxError(
                f"{self.path}: the outbox was opened before this process was forked, in a way that "
                "Python did not notice. Open the outbox after the fork."
            )
        return connection

    def _verify(self, connection: Connection) -> None:
        """Raise `OutboxError` if a change was made to a file that is no longer at the path."""
        if not connection.is_current():
            self._connection = None
            connection.abandon()
            raise OutboxError(f"{self.path}: {REPLACED}", may_be_stored=True)

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def prepare_fork(self) -> None:
        """Wait for other threads that use the connection, and close it."""
        self._lock.acquire()
        # A signal handler may fork in the middle of a use. The connection then stays with this
        # process, and the child cannot use the outbox.
        connection = self._connection
        if not self._is_in_use and connection and connection.process == os.getpid():
            self._connection = None
            with suppress(*FAILURES):
                connection.close(is_for_fork=True)

    def finish_fork(self) -> None:
        """Let other threads use the database again."""
        self._lock.release()


def _prepare_fork() -> None:
    _databases_lock.acquire()
    for database in _databases:
        _forking.append(database)
        database.prepare_fork()


def _finish_fork() -> None:
    while _forking:
        _forking.pop().finish_fork()
    _databases_lock.release()


_forking: list[Database] = []

if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_prepare_fork, after_in_parent=_finish_fork, after_in_child=_finish_fork
    )
