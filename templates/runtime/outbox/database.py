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
import sys
import threading
import time
import weakref
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal, TypeAlias, cast

from ..errors import EngageError
from .locks import DeletionGuard, give_to_owner
from .reserve import keep_reserve, release_reserve
from .tables import APPLICATION, VERSION, create_tables, has_tables

Durability: TypeAlias = Literal["flushed", "unflushed"]
Value: TypeAlias = str | bytes | float | None
Undo: TypeAlias = Callable[[sqlite3.Connection, int], bool]
"""Deletes a row that was just inserted, unless it was changed since."""

_BUSY_SECONDS = 30.0
_databases: "weakref.WeakSet[Database]" = weakref.WeakSet()
_databases_lock = threading.RLock()
_opening = threading.Lock()


class OutboxError(EngageError):
    """The file of the outbox cannot be used.

    The disk is full, a folder is missing, the file is damaged, was moved or deleted, or it is not
    an outbox. A `put` that raises this error has stored nothing, unless `may_be_stored` is true:
    then the disk reported an error so late that the entry may be in the file. In that case look for
    it with `entries`, and put it again if it is not there.
    """

    def __init__(self, message: str, may_be_stored: bool = False) -> None:
        super().__init__(message)
        self.may_be_stored = may_be_stored


class DiskFullError(OutboxError):
    """The disk is full. Nothing was changed."""


class Database:
    """A connection to the file, which threads can share. All methods raise `OutboxError`.

    Creates the file, but only when the object is created.
    """

    def __init__(self, path: str, durability: Durability, *, creates: bool = True) -> None:
        self.path = path
        self._durability: Durability = durability
        self._lock = threading.RLock()
        self._connection: _Connection | None = None
        self._is_in_use = False
        self._is_closed = False
        with _databases_lock:
            _databases.add(self)
        with self._lock, convert_errors(path):
            self._connection = _open_with_reserve(path, durability, creates)
            self.identity = self._connection.identity

    def insert(self, statement: str, values: tuple[Value, ...], undo: Undo) -> int:
        """Insert and commit a row, and return its id.

        Compares the files only afterwards, because that is half of the time that it takes.
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
        except (sqlite3.Error, OSError) as error:
            failure = _failure(self.path, error)
        raise failure

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
    def _transaction(self, begin: str) -> Generator["_Connection"]:
        with self._lock, convert_errors(self.path):
            connection = self._current()
            self._is_in_use = True
            try:
                connection.db.execute(begin)
                yield connection
            finally:
                if connection.db.in_transaction:
                    connection.db.execute("ROLLBACK")
                self._is_in_use = False

    def truncate_log(self) -> None:
        """Empty the write-ahead log, which still has deleted entries, unless it is in use."""
        with self._lock, convert_errors(self.path):
            db = self._current().db
            # With a timeout, it would wait for all readers, and every put would wait for it.
            db.execute("PRAGMA busy_timeout = 0").close()
            try:
                db.execute("PRAGMA wal_checkpoint(TRUNCATE)").close()
            finally:
                db.execute(f"PRAGMA busy_timeout = {_BUSY_SECONDS * 1000:.0f}").close()

    def make_room(self) -> None:
        """Release the reserve of a full disk, and the space of the write-ahead log."""
        release_reserve(self.path)
        with suppress(DiskFullError):
            self.truncate_log()

    def close(self) -> None:
        """Close the connection for good."""
        with self._lock, convert_errors(self.path):
            self._is_closed = True
            self._disconnect()

    def check_open(self) -> None:
        """Raise `OutboxError` if the outbox was closed."""
        if self._is_closed:
            raise OutboxError(f"{self.path}: the outbox is closed.")

    def _current(self) -> "_Connection":
        """Return the connection, after a comparison of its files with those at the path."""
        connection = self._connect()
        if not connection.is_current():
            self._connection = None
            connection.abandon()
            raise OutboxError(f"{self.path}: {_REPLACED} Nothing was changed.")
        return connection

    def _connect(self) -> "_Connection":
        self.check_open()
        connection = self._connection
        if connection is None:
            connection = self._connection = _Connection(self.path, self._durability, creates=False)
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

    def _verify(self, connection: "_Connection") -> None:
        """Raise `OutboxError` if a change was made to a file that is no longer at the path."""
        if not connection.is_current():
            self._connection = None
            connection.abandon()
            raise OutboxError(f"{self.path}: {_REPLACED}", may_be_stored=True)

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
            with suppress(sqlite3.Error, OSError):
                connection.close(is_for_fork=True)

    def finish_fork(self) -> None:
        """Let other threads use the database again."""
        self._lock.release()


_REPLACED = (
    "the file was moved, deleted or replaced while it was open, or its write-ahead log was. The "
    "next use opens the file that is at the path by then."
)


class _Connection:
    """An open connection, and the files that it has open."""

    def __init__(self, path: str, durability: Durability, creates: bool) -> None:
        self.process = os.getpid()
        self._path, self._log_path = path, f"{path}-wal"
        self._folder_path = os.path.dirname(path)
        self._folder: tuple[int, int, int] | None = None
        self.db = _open(path, creates)
        self.cursor = self.db.cursor()  # for the insert: another cursor for each would be slower
        try:
            self.identity = self._prepare(durability)
            # From here on, nobody deletes the write-ahead log, so the one at the path is ours.
            self._guard = DeletionGuard(path)
            file, log = self._guard.file, os.stat(self._log_path)
        except BaseException:
            self.db.close()
            raise
        self._files = (file.st_dev, file.st_ino, log.st_dev, log.st_ino)

    def _prepare(self, durability: Durability) -> str:
        db = self.db
        if (_pragma(db, "user_version"), _pragma(db, "application_id")) == (0, 0):
            db.execute("BEGIN IMMEDIATE").close()
            if not _pragma(db, "schema_version"):
                create_tables(db)
            db.execute("COMMIT")
        if (_pragma(db, "user_version"), _pragma(db, "application_id")) != (VERSION, APPLICATION):
            raise OutboxError(
                f"{self._path}: the file is not an outbox, or it has the format of another "
                "version. Use another path, or deliver it with the version that created it."
            )
        if sys.platform != "win32" and os.stat(self._path).st_mode & 0o777 != 0o600:
            os.chmod(self._path, 0o600)
        if db.execute("PRAGMA journal_mode = WAL").fetchone() != ("wal",):
            raise OutboxError(f"{self._path}: the disk is not a local one. Use a local disk.")
        if not has_tables(db):
            raise OutboxError(f"{self._path}: the file is damaged.")
        db.execute(f"PRAGMA synchronous = {'FULL' if durability == 'flushed' else 'NORMAL'}")
        # On Apple's systems, fsync alone leaves the data in the cache of the disk.
        db.execute("PRAGMA fullfsync = ON").close()
        db.execute("PRAGMA secure_delete = ON").close()
        db.execute("PRAGMA cell_size_check = ON").close()
        (identity,) = db.execute("SELECT identity FROM outbox").fetchone()
        return str(identity)

    def is_current(self) -> bool:
        """Return True if the files at the path are the files that are open."""
        try:
            status = os.stat(self._folder_path)
            folder = (status.st_ctime_ns, status.st_dev, status.st_ino)
            if folder == self._folder:
                return True  # Nothing in the folder was moved, deleted or created since.
            file, log = os.stat(self._path), os.stat(self._log_path)
        except OSError:
            return False
        is_same = (file.st_dev, file.st_ino, log.st_dev, log.st_ino) == self._files
        # A change in the same tick of the clock would not change the time of the folder.
        is_settled = is_same and time.time() - status.st_ctime > _TICK_SECONDS
        self._folder = folder if is_settled else None
        return is_same

    def undo(self, undo: Undo, row_id: int) -> OutboxError:
        """Undo an insert into a file that is no longer at the path, and return the error."""
        is_undone = False
        with suppress(sqlite3.Error):
            if not self._is_same_file():
                self.db.execute("BEGIN IMMEDIATE")
                is_undone = undo(self.db, row_id)
                self.db.execute("COMMIT")
        self.abandon()
        more = "Nothing was stored." if is_undone else "The entry may be in the file nevertheless."
        return OutboxError(f"{self._path}: {_REPLACED} {more}", may_be_stored=not is_undone)

    def _is_same_file(self) -> bool:
        """Return True if only the write-ahead log is gone: others may have the row already."""
        with suppress(OSError):
            file = os.stat(self._path)
            return (file.st_dev, file.st_ino) == self._files[:2]
        return False

    def close(self, *, is_for_fork: bool = False) -> None:
        """Close it. Merge the write-ahead log unless it is in use, or there is no need to."""
        can_merge = self.is_current()
        if can_merge and not (is_for_fork and self._guard.is_held):
            self._guard.close()
            self.db.close()
        else:
            self.abandon()

    def abandon(self) -> None:
        """Close it without the merge of the write-ahead log, which may be that of another file."""
        if sys.version_info >= (3, 12):
            self.db.setconfig(sqlite3.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE)
        elif not self._guard.is_held:
            _abandoned.append(self)
            return
        self.db.close()
        self._guard.close()


def _open_with_reserve(path: str, durability: Durability, creates: bool) -> _Connection:
    """Connect to the file. On a full disk, that needs a part of the reserve."""
    with suppress(sqlite3.OperationalError):
        return _Connection(path, durability, creates)
    release_reserve(path)
    try:
        return _Connection(path, durability, creates)
    finally:
        keep_reserve(path)


_TICK_SECONDS = 2.0
_abandoned: list[_Connection] = []
"""Connections that cannot be closed without damage to another file."""


def _open(path: str, creates: bool) -> sqlite3.Connection:
    """Connect to a file that only its owner can read from the moment of its creation."""
    # Closing a file releases all locks of the process on it, so no other thread may have the file
    # open while it is created.
    with _opening:
        if creates:
            with suppress(FileExistsError):
                descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
                give_to_owner(descriptor, os.path.dirname(path))
                os.close(descriptor)
        db = sqlite3.connect(
            f"{Path(path).as_uri()}?mode=rw",
            _BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
            uri=True,
        )
    # A damaged text must not raise an error for the whole query.
    db.text_factory = _decode
    return db


def _decode(encoded: bytes) -> str:
    return encoded.decode("utf-8", "replace")


def _pragma(db: sqlite3.Connection, name: str) -> int:
    return cast(int, db.execute(f"PRAGMA {name}").fetchone()[0])


@contextmanager
def convert_errors(path: str) -> Generator[None]:
    """Raise `OutboxError` for the errors of the database and of the operating system."""
    failure: OutboxError | None = None
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        failure = _failure(path, error)
    if failure:
        raise failure


def _failure(path: str, error: Exception) -> OutboxError:
    if os.path.exists(path) and not os.access(path, os.R_OK | os.W_OK):
        return OutboxError(f"{path}: this user may not use the file. Run as its owner.")
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_FULL:
        return DiskFullError(f"{path}: {error}")
    # After an error of the disk, a part of the transaction may be in the write-ahead log.
    is_uncertain = code == sqlite3.SQLITE_IOERR
    more = ". The change may be in the file nevertheless." if is_uncertain else ""
    return OutboxError(f"{path}: {error}{more}", may_be_stored=is_uncertain)


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
