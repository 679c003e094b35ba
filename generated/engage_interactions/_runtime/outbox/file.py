"""The file of an outbox: an SQLite database, written by any number of processes at once.

It holds personal data: only its owner may read it, and what is deleted is overwritten.
"""

import json
import os
import sqlite3
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Literal, TypeAlias, cast

from ..call.send import Letter
from ..errors import EngageError
from .entry import DAMAGE, UNREADABLE, Entry, Row, State, entry_of

Durability: TypeAlias = Literal["flushed", "unflushed"]

_VERSION = 2
_APPLICATION = 0x656E6762  # tells an outbox from any other database
_BUSY_SECONDS = 30.0
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)
_opening = threading.Lock()

_SCHEMA = (
    """CREATE TABLE entries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    contact_id TEXT NOT NULL,
    schema_id TEXT NOT NULL,
    created_date TEXT NOT NULL,
    created_second INTEGER NOT NULL,
    schema_hash TEXT NOT NULL,
    body BLOB NOT NULL,
    put_at TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'waiting',
    due REAL NOT NULL DEFAULT 0,
    posts INTEGER NOT NULL DEFAULT 0,
    step INTEGER NOT NULL DEFAULT 0,
    reasons TEXT NOT NULL DEFAULT '[]'
)""",
    # Of those that were sent, which are few: a put has nothing to do with it.
    "CREATE INDEX twins ON entries (contact_id, schema_id, created_second) WHERE posts > 0",
    "CREATE TABLE receipts (twin BLOB NOT NULL, interaction_id TEXT NOT NULL, at REAL NOT NULL)",
    "CREATE INDEX receipts_twin ON receipts (twin)",
)
_MEMORY = 90 * 86_400.0
"""Seconds for which it is known what was delivered."""


class OutboxFailed(EngageError):
    """The outbox's file cannot be used: a full disk, a missing folder, a file that is damaged or
    none of an outbox. A `put` that raises it has put nothing."""


_PUT = """
INSERT INTO entries (contact_id, schema_id, created_date, created_second, schema_hash, body, put_at)
VALUES (?, ?, ?, ?, ?, ?, ?)
"""
_DUE = """
SELECT id, contact_id, schema_id, created_date, created_second, schema_hash, body, state,
posts, step FROM entries WHERE id > ? AND state IN ('waiting', 'sending')
AND (due <= ? OR due > ?) ORDER BY id LIMIT 1
"""
_ENTRIES = """
SELECT id, state, contact_id, schema_id, created_date, body, put_at, reasons
FROM entries WHERE id > ?1 AND (?2 IS NULL OR state = ?2) ORDER BY id LIMIT 100
"""
_TWIN = """
SELECT 1 FROM entries WHERE posts > 0 AND state <> 'rejected'
AND contact_id = ? AND schema_id = ? AND created_second = ? AND id <> ? LIMIT 1
"""
_MOVE = """
UPDATE entries SET state = ?, posts = ?, step = ?, due = ?, reasons = ? WHERE id = ? AND state = ?
"""
_DISCARD = "DELETE FROM entries WHERE id = ? AND state <> 'sending'"
_REQUEUE = """
UPDATE entries SET state = 'waiting', posts = 0, step = 0, due = 0, reasons = '[]'
WHERE id = ? AND state IN ('rejected', 'unknown')
"""


class OutboxFile:
    """One connection, shared by the threads of a process. Methods raise `OutboxFailed`."""

    def __init__(self, path: str, durability: Durability) -> None:
        self.path = path
        self._lock = threading.Lock()
        with _explained(path):
            self._db = _open(path, _BUSY_SECONDS)
            try:
                self._prepare(durability)
            except BaseException:
                self._db.close()
                raise

    def _prepare(self, durability: Durability) -> None:
        self._db.execute("BEGIN IMMEDIATE").close()
        version, application = self._pragma("user_version"), self._pragma("application_id")
        if not version and not application and not self._pragma("schema_version"):
            for statement in _SCHEMA:
                self._db.execute(statement)
            self._db.execute(f"PRAGMA application_id = {_APPLICATION}")
            self._db.execute(f"PRAGMA user_version = {_VERSION}")
        elif (version, application) != (_VERSION, _APPLICATION):
            raise OutboxFailed(f"{self.path} is no outbox, or one of another version")
        if os.name == "posix":
            os.chmod(self.path, 0o600)
        self._db.execute("COMMIT")
        self._db.execute("PRAGMA journal_mode = WAL").close()
        self._db.execute(f"PRAGMA synchronous = {'FULL' if durability == 'flushed' else 'NORMAL'}")
        # Apple's fsync alone leaves the data in the cache of the disk.
        self._db.execute("PRAGMA fullfsync = ON").close()
        self._db.execute("PRAGMA secure_delete = ON").close()

    def _pragma(self, name: str) -> int:
        return cast(int, self._db.execute(f"PRAGMA {name}").fetchone()[0])

    def close(self) -> None:
        with self._lock:
            self._db.close()

    def put(self, letter: Letter, schema_hash: str, now: datetime) -> int:
        """The id of the new entry, which is committed."""
        second = (letter.created_date - _EPOCH) // _SECOND
        values = (*letter.mark, second, schema_hash, letter.body, now.isoformat())
        return cast(int, self._change(_PUT, values).lastrowid)

    def due(self, after: int, now: float, latest: float) -> Row | None:
        """The first row behind `after` that is due; also one that is due later than `latest`,
        which can only be by a clock that went back."""
        with self._used() as db:
            found = db.execute(_DUE, (after, now, latest)).fetchone()
        return None if found is None else Row(*found)

    def move(self, row: Row, to: Row, *, due: float, reasons: tuple[str, ...]) -> bool:
        """Put a row into the state of another; False if it is not in that of `row` any more."""
        values = (to.state, to.posts, to.step, due, json.dumps(reasons), row.id, row.state)
        return self._change(_MOVE, values).rowcount == 1

    def delivered(self, row: Row, interaction_id: str, now: float) -> None:
        """Delete a row; a look for another one that it could not tell from this will know which
        interaction is not that one's."""
        with self._used() as db:
            db.execute("BEGIN IMMEDIATE")
            db.execute("INSERT INTO receipts VALUES (?, ?, ?)", (row.twin, interaction_id, now))
            db.execute("DELETE FROM receipts WHERE at < ?", (now - _MEMORY,))
            db.execute("DELETE FROM entries WHERE id = ?", (row.id,))
            db.execute("COMMIT")

    def claimed(self, row: Row) -> frozenset[str]:
        """Ids that a look must not take, because they are its twins'."""
        query = "SELECT interaction_id FROM receipts WHERE twin = ?"
        with self._used() as db:
            rows: list[tuple[str]] = db.execute(query, (row.twin,)).fetchall()
        return frozenset(interaction_id for (interaction_id,) in rows)

    def has_doubtful_twin(self, row: Row) -> bool:
        """Whether there is another one, also sent, that a look could not tell from this."""
        values = (row.contact_id, row.schema_id, row.created_second, row.id)
        with self._used() as db:
            return db.execute(_TWIN, values).fetchone() is not None

    def entries(self, state: State | None) -> Iterator[Entry]:
        """In the order in which they were put, read by and by."""
        last = 0
        while True:
            with self._used() as db:
                page = db.execute(_ENTRIES, (last, state)).fetchall()
            if not page:
                return
            last = page[-1][0]
            yield from map(entry_of, page)

    def counts(self) -> dict[State, tuple[int, datetime]]:
        """How many there are in each state, and since when the oldest is in the outbox."""
        query = "SELECT state, count(*), min(put_at) FROM entries GROUP BY state"
        with self._used() as db:
            rows: list[tuple[State, int, str]] = db.execute(query).fetchall()
        return {state: (count, _moment(oldest)) for state, count, oldest in rows}

    def requeue(self, entry_id: int) -> bool:
        """Let one that was rejected, or whose outcome is unknown, wait again."""
        return self._change(_REQUEUE, (entry_id,)).rowcount == 1

    def discard(self, entry_id: int) -> bool:
        """Delete one that is not just being sent."""
        is_gone = self._change(_DISCARD, (entry_id,)).rowcount == 1
        self.forget()
        return is_gone

    def forget(self) -> None:
        """Empty the log that what was deleted still stands in, unless somebody uses it now."""
        with self._used() as db:
            # It waits for all who read, and every put waits for it.
            db.execute("PRAGMA busy_timeout = 0").close()
            try:
                db.execute("PRAGMA wal_checkpoint(TRUNCATE)").close()
            finally:
                db.execute(f"PRAGMA busy_timeout = {_BUSY_SECONDS * 1000:.0f}").close()

    def _change(self, statement: str, values: tuple[str | bytes | float, ...]) -> sqlite3.Cursor:
        """One statement, which is a transaction of its own."""
        try:
            with self._lock:
                return self._db.execute(statement, values)
        except (sqlite3.Error, OSError) as error:
            reason = str(error)
        raise OutboxFailed(f"{self.path}: {reason}")

    @contextmanager
    def _used(self) -> Generator[sqlite3.Connection]:
        with self._lock, _explained(self.path):
            try:
                yield self._db
            finally:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except DAMAGE:
        return UNREADABLE


@contextmanager
def only_one(path: str) -> Generator[bool]:
    """Whether this process is the only one in this block. The system ends a claim with its process,
    so none is ever left behind, and none expires while it is needed."""
    with _explained(path):
        db = _open(path, 0.0)
    try:
        with _explained(path):
            is_only = True
            try:
                db.execute("BEGIN EXCLUSIVE")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                    raise
                is_only = False
        yield is_only
    finally:
        db.close()


def _open(path: str, timeout: float) -> sqlite3.Connection:
    """A connection to a file that is the owner's alone from its beginning."""
    # Whoever closes a file loses all locks that its process has on it: nobody else of this process
    # may have it open while it is made.
    with _opening:
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        db = sqlite3.connect(path, timeout, isolation_level=None, check_same_thread=False)
        # An entry that is damaged does not hold up the others.
        db.text_factory = _text
        return db


def _text(encoded: bytes) -> str:
    return encoded.decode("utf-8", "replace")


@contextmanager
def _explained(path: str) -> Generator[None]:
    reason = ""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        reason = str(error)
    if reason:
        raise OutboxFailed(f"{path}: {reason}")
