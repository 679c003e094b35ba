"""The file of an outbox: an SQLite database that several processes can use at the same time.

It contains personal data: only its owner can read it, and deleted entries are overwritten.
"""

import json
import os
import sqlite3
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Literal, TypeAlias, cast

from ..call.interaction import EncodedInteraction
from ..errors import EngageError
from .entry import DAMAGE, DAMAGED_DATE, Entry, Row, State, parse_entry

Durability: TypeAlias = Literal["flushed", "unflushed"]

_VERSION = 2
_APPLICATION = 0x656E6762  # distinguishes an outbox from any other database
_BUSY_SECONDS = 30.0
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)
_opening = threading.Lock()

# The names of tables, columns and indexes are part of the format of the file.
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
    # Contains only the few entries that were posted, so a put does not have to update it.
    "CREATE INDEX twins ON entries (contact_id, schema_id, created_second) WHERE posts > 0",
    "CREATE TABLE receipts (twin BLOB NOT NULL, interaction_id TEXT NOT NULL, at REAL NOT NULL)",
    "CREATE INDEX receipts_twin ON receipts (twin)",
)
_RECEIPT_SECONDS = 90 * 86_400.0
"""How long the file keeps the interaction ids of delivered entries."""


class OutboxError(EngageError):
    """The file of the outbox cannot be used.

    The disk is full, a folder is missing, the file is damaged, or it is not an outbox. A `put` that
    raises this error has stored nothing.
    """


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
_AMBIGUOUS = """
SELECT 1 FROM entries WHERE posts > 0 AND state <> 'rejected'
AND contact_id = ? AND schema_id = ? AND created_second = ? AND id <> ? LIMIT 1
"""
_UPDATE = """
UPDATE entries SET state = ?, posts = ?, step = ?, due = ?, reasons = ? WHERE id = ? AND state = ?
"""
_DISCARD = "DELETE FROM entries WHERE id = ? AND state <> 'sending'"
_REQUEUE = """
UPDATE entries SET state = 'waiting', posts = 0, step = 0, due = 0, reasons = '[]'
WHERE id = ? AND state IN ('rejected', 'unknown')
"""


class OutboxFile:
    """One connection to the file, which threads can share. All methods raise `OutboxError`."""

    def __init__(self, path: str, durability: Durability) -> None:
        self.path = path
        self._lock = threading.Lock()
        with _convert_errors(path):
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
            raise OutboxError(
                f"{self.path}: the file is not an outbox, or it has the format of another version. "
                "Use another path, or deliver it with the version that created it."
            )
        if os.name == "posix":
            os.chmod(self.path, 0o600)
        self._db.execute("COMMIT")
        self._db.execute("PRAGMA journal_mode = WAL").close()
        self._db.execute(f"PRAGMA synchronous = {'FULL' if durability == 'flushed' else 'NORMAL'}")
        # On Apple's systems, fsync alone leaves the data in the cache of the disk.
        self._db.execute("PRAGMA fullfsync = ON").close()
        self._db.execute("PRAGMA secure_delete = ON").close()

    def _pragma(self, name: str) -> int:
        return cast(int, self._db.execute(f"PRAGMA {name}").fetchone()[0])

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._db.close()

    def put(self, interaction: EncodedInteraction, schema_hash: str, now: datetime) -> int:
        """Insert and commit an entry, and return its id."""
        second = (interaction.created_date - _EPOCH) // _SECOND
        values = (*interaction.lookup_key, second, schema_hash, interaction.body, now.isoformat())
        return cast(int, self._change(_PUT, values).lastrowid)

    def next_due(self, after: int, now: float, latest: float) -> Row | None:
        """Return the first entry with an id above `after` that is due.

        An entry that is due later than `latest` counts as due: the clock was set back since.
        """
        with self._use() as db:
            values = db.execute(_DUE, (after, now, latest)).fetchone()
        return None if values is None else Row(*values)

    def update(self, row: Row, to: Row, *, due: float, reasons: tuple[str, ...]) -> bool:
        """Replace the state of an entry. Return False if it is no longer in the state of `row`."""
        values = (to.state, to.posts, to.step, due, json.dumps(reasons), row.id, row.state)
        return self._change(_UPDATE, values).rowcount == 1

    def record_delivery(self, row: Row, interaction_id: str, now: float) -> None:
        """Delete a delivered entry, and keep the interaction id for lookups of similar entries."""
        receipt = (row.ambiguity_key, interaction_id, now)
        with self._use() as db:
            db.execute("BEGIN IMMEDIATE")
            db.execute("INSERT INTO receipts VALUES (?, ?, ?)", receipt)
            db.execute("DELETE FROM receipts WHERE at < ?", (now - _RECEIPT_SECONDS,))
            db.execute("DELETE FROM entries WHERE id = ?", (row.id,))
            db.execute("COMMIT")

    def delivered_ids(self, row: Row) -> frozenset[str]:
        """Return the interaction ids of delivered entries that a lookup may take for this one."""
        query = "SELECT interaction_id FROM receipts WHERE twin = ?"
        with self._use() as db:
            rows: list[tuple[str]] = db.execute(query, (row.ambiguity_key,)).fetchall()
        return frozenset(interaction_id for (interaction_id,) in rows)

    def is_ambiguous(self, row: Row) -> bool:
        """Return True if another posted entry may be the one that a lookup finds."""
        values = (row.contact_id, row.schema_id, row.created_second, row.id)
        with self._use() as db:
            return db.execute(_AMBIGUOUS, values).fetchone() is not None

    def entries(self, state: State | None) -> Iterator[Entry]:
        """Iterate over the entries in the order of their puts, reading a page at a time."""
        last = 0
        while True:
            with self._use() as db:
                page = db.execute(_ENTRIES, (last, state)).fetchall()
            if not page:
                return
            last = page[-1][0]
            yield from map(parse_entry, page)

    def counts(self) -> dict[State, tuple[int, datetime]]:
        """Return the number of entries in each state, and when the oldest of them was put."""
        query = "SELECT state, count(*), min(put_at) FROM entries GROUP BY state"
        with self._use() as db:
            rows: list[tuple[State, int, str]] = db.execute(query).fetchall()
        return {state: (count, _parse_date(oldest)) for state, count, oldest in rows}

    def requeue(self, entry_id: int) -> bool:
        """Return a rejected or unknown entry to the state `waiting`."""
        return self._change(_REQUEUE, (entry_id,)).rowcount == 1

    def discard(self, entry_id: int) -> bool:
        """Delete an entry that is not in the state `sending`."""
        is_deleted = self._change(_DISCARD, (entry_id,)).rowcount == 1
        self.truncate_log()
        return is_deleted

    def truncate_log(self) -> None:
        """Empty the write-ahead log, which still has deleted entries, unless it is in use."""
        with self._use() as db:
            # With a timeout, it would wait for all readers, and every put would wait for it.
            db.execute("PRAGMA busy_timeout = 0").close()
            try:
                db.execute("PRAGMA wal_checkpoint(TRUNCATE)").close()
            finally:
                db.execute(f"PRAGMA busy_timeout = {_BUSY_SECONDS * 1000:.0f}").close()

    def _change(self, statement: str, values: tuple[str | bytes | float, ...]) -> sqlite3.Cursor:
        """Execute one statement, which is a transaction of its own."""
        try:
            with self._lock:
                return self._db.execute(statement, values)
        except (sqlite3.Error, OSError) as error:
            reason = str(error)
        raise OutboxError(f"{self.path}: {reason}")

    @contextmanager
    def _use(self) -> Generator[sqlite3.Connection]:
        with self._lock, _convert_errors(self.path):
            try:
                yield self._db
            finally:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")


def _parse_date(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except DAMAGE:
        return DAMAGED_DATE


@contextmanager
def exclusive_lock(path: str) -> Generator[bool]:
    """Lock a file for the block, and yield whether the lock is held.

    The operating system releases the lock when the process ends, so a crash leaves no stale lock,
    and the lock never expires during a slow delivery.
    """
    with _convert_errors(path):
        db = _open(path, 0.0)
    try:
        with _convert_errors(path):
            is_held = True
            try:
                db.execute("BEGIN EXCLUSIVE")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                    raise
                is_held = False
        yield is_held
    finally:
        db.close()


def _open(path: str, timeout: float) -> sqlite3.Connection:
    """Connect to a file that only its owner can read from the moment of its creation."""
    # Closing a file releases all locks of the process on it, so no other thread may have the file
    # open while it is created.
    with _opening:
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        db = sqlite3.connect(path, timeout, isolation_level=None, check_same_thread=False)
        # A damaged text must not raise an error for the whole query.
        db.text_factory = _decode
        return db


def _decode(encoded: bytes) -> str:
    return encoded.decode("utf-8", "replace")


@contextmanager
def _convert_errors(path: str) -> Generator[None]:
    reason = ""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        reason = str(error)
    if reason:
        raise OutboxError(f"{path}: {reason}")
