"""A connection to the file of an outbox that knows which files it has open."""

import os
import sqlite3
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Literal, TypeAlias, cast

from ..errors import OutboxError
from .failures import DAMAGED_FILE, REPLACED
from .locks import Guard, check_owner, give_to_owner
from .reserve import keep_reserve, release_reserve
from .tables import APPLICATION, VERSION, create_tables, has_tables

Durability: TypeAlias = Literal["flushed", "unflushed"]
Undo: TypeAlias = Callable[[sqlite3.Connection, int], bool]
"""Deletes a row that was just inserted, unless it was changed since."""

BUSY_SECONDS = 30.0
_opening = threading.Lock()


class Connection:
    """An open connection, and the files that it has open."""

    def __init__(self, path: str, durability: Durability, creates: bool) -> None:
        self.process = os.getpid()
        self._path, real_path = path, os.path.realpath(path)
        self._is_link = real_path != path
        self._log_path, self._folder_path = f"{real_path}-wal", os.path.dirname(real_path)
        self._folder: tuple[int, int, int] | None = None
        with suppress(FileNotFoundError):
            check_owner(path, os.stat(real_path))
        self.db = _open(real_path, creates)
        self.cursor = self.db.cursor()  # for the insert: another cursor for each would be slower
        try:
            self.identity = self._prepare(durability)
            # From here on, nobody deletes the write-ahead log, so the one at the path is ours.
            self._guard = Guard(real_path)
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
        status = os.stat(self._path)
        if status.st_nlink > 1:
            raise OutboxError(
                f"{self._path}: the file has another name, a hard link. Each name would have a "
                "write-ahead log of its own. Remove the other name, or make it a symbolic link."
            )
        if sys.platform != "win32" and status.st_mode & 0o777 != 0o600:
            os.chmod(self._path, 0o600)
        if db.execute("PRAGMA journal_mode = WAL").fetchone() != ("wal",):
            raise OutboxError(f"{self._path}: the disk is not a local one. Use a local disk.")
        identity: tuple[object] | None = None
        if has_tables(db):
            identity = db.execute("SELECT identity FROM outbox").fetchone()
        if identity is None:
            raise OutboxError(f"{self._path}: {DAMAGED_FILE}")
        db.execute(f"PRAGMA synchronous = {'FULL' if durability == 'flushed' else 'NORMAL'}")
        # On Apple's systems, fsync alone leaves the data in the cache of the disk.
        db.execute("PRAGMA fullfsync = ON").close()
        db.execute("PRAGMA secure_delete = ON").close()
        db.execute("PRAGMA cell_size_check = ON").close()
        return str(identity[0])

    def is_current(self) -> bool:
        """Return True if the files at the path are the files that are open."""
        try:
            status = os.stat(self._folder_path)
            folder = (status.st_ctime_ns, status.st_dev, status.st_ino)
            if folder == self._folder and not self._is_link:
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
        return OutboxError(f"{self._path}: {REPLACED} {more}", may_be_stored=not is_undone)

    def _is_same_file(self) -> bool:
        """Return True if only the write-ahead log is gone: others may have the row already."""
        with suppress(OSError):
            file = os.stat(self._path)
            return (file.st_dev, file.st_ino) == self._files[:2]
        return False

    def close(self, *, is_for_fork: bool = False) -> None:
        """Close it. Merge the write-ahead log unless it is in use, or there is no need to."""
        can_merge = self.process == os.getpid() and self.is_current()
        if can_merge and not (is_for_fork and self._guard.is_held):
            self._guard.close()
            self.db.close()
            self._guard.close_index()
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
        self._guard.close_index()


def connect(path: str, durability: Durability, creates: bool) -> Connection:
    """Connect to the file. On a full disk, that needs a part of the reserve."""
    try:
        return Connection(path, durability, creates)
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
            raise
    real_path = os.path.realpath(path)
    release_reserve(real_path)
    try:
        return Connection(path, durability, creates)
    finally:
        keep_reserve(real_path)


_TICK_SECONDS = 2.0
_abandoned: list[Connection] = []
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
            timeout=BUSY_SECONDS,
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
