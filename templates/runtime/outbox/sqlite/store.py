"""The store of an outbox in a file.

It contains personal data: only its owner can read it, and deleted entries are overwritten.
"""

import os
import sqlite3
import threading
from collections.abc import Collection, Generator, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from typing import cast

from ...transport.clock import Clock
from ..entry import DAMAGE, DAMAGED_DATE, STATES, Entry, Row, State, content_check
from ..errors import AlreadyDeliveringError, DiskFullError, KeyConflictError, OutboxError
from ..store import Counts, Draft
from .changes import delete_entry, insert_doubt, read_row, set_key_status, update_entry, write
from .connection import Durability
from .database import Database, Value
from .deliveries import FileDeliveries
from .failures import DAMAGED_FILE, convert_errors
from .locks import claim
from .reserve import keep_reserve
from .rows import Columns, check_order, parse_entry

_PUT = """
INSERT INTO entries (contact_id, schema_id, created_date, created_second, schema_hash, put_at, body,
content_check) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""
_ENTRIES = """
SELECT * FROM entries WHERE id > ?1 AND (?2 IS NULL OR state = ?2
OR ?2 = 'unknown' AND (state IN ('waiting', 'sending', 'rejected')) IS NOT TRUE)
ORDER BY id LIMIT 100
"""
_KEY = "SELECT entry_id, digest, status FROM keys WHERE key = ?"
_SET_KEY = "INSERT OR REPLACE INTO keys (key, entry_id, digest) VALUES (?, ?, ?)"
_TOTAL = "SELECT count(*) FROM entries"
_NOT_WAITING = "SELECT state, count(*) FROM entries WHERE state IS NOT 'waiting' GROUP BY state"
_FOR_SCHEMA = "SELECT count(*) FROM entries WHERE missing_since > 0 AND state = 'waiting'"
_OLDEST = "SELECT put_at FROM entries WHERE state IN ('waiting', 'sending') ORDER BY id LIMIT 1"
_EXPECTED = """
SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'entries'), 0) - removed FROM outbox
"""
_DEAD_LETTERS = """
SELECT id FROM entries
WHERE state IS NOT 'waiting' AND state = ?1 AND (?2 IS NULL OR schema_id = ?2)
ORDER BY id
"""
_PURGE_KEYS = """
DELETE FROM keys WHERE entry_id IN (SELECT id FROM entries WHERE contact_id = ?)
"""
_PURGE_KEYS_OF_RECEIPTS = """
DELETE FROM keys WHERE entry_id IN (SELECT entry_id FROM receipts WHERE pair = ?)
"""


class FileStore:
    """The entries and the receipts in a file. All methods raise `OutboxError`."""

    def __init__(
        self, path: str, durability: Durability, clock: Clock, keep_seconds: float | None
    ) -> None:
        self.name = path
        self._clock = clock
        self._keep_seconds = keep_seconds
        self._database = Database(path, durability)
        keep_reserve(os.path.realpath(path))

    def put(self, drafts: Sequence[Draft]) -> list[int]:
        """Put all entries or none, and return their ids. Raises `KeyConflictError`."""
        if len(drafts) == 1 and drafts[0].key is None:
            return [self._database.insert(_PUT, self._values(drafts[0]), _undo_put)]
        with self._database.writing() as db:
            return [self._put(db, draft) for draft in drafts]

    def _put(self, db: sqlite3.Connection, draft: Draft) -> int:
        key, earlier = draft.key, None
        if key is not None:
            earlier = cast(tuple[int, bytes, str] | None, db.execute(_KEY, (key,)).fetchone())
        if earlier is not None:
            entry_id, digest, status = earlier
            if status == "rejected" and digest != draft.digest:
                row = read_row(db, entry_id)
                if row is not None:
                    delete_entry(db, row)
            elif digest == draft.digest and status != "discarded":
                return entry_id
            elif status == "used":
                raise KeyConflictError.of_entry(self.name, entry_id)
        entry_id = cast(int, db.execute(_PUT, self._values(draft)).lastrowid)
        if key is not None:
            db.execute(_SET_KEY, (key, entry_id, draft.digest))
        return entry_id

    def _values(self, draft: Draft) -> tuple[Value, ...]:
        second, schema_hash, body = draft.created_second, draft.schema_hash, draft.interaction.body
        put_at = self._now()
        check = content_check(second, schema_hash, put_at, body)
        return (*draft.interaction.lookup_key, second, schema_hash, put_at, body, check)

    @contextmanager
    def deliveries(self, longest_delay: float) -> Generator[FileDeliveries]:
        """Open the file for a delivery. Raises `AlreadyDeliveringError` if there is one."""
        self.check_open()
        with convert_errors(self.name), claim(self.name) as is_held:
            if not is_held:
                raise AlreadyDeliveringError(f"{self.name}: another delivery is still running.")
            # Without a flush, a power loss could undo the record that an entry was posted.
            with closing(self._open_another("flushed")) as database:
                deliveries = FileDeliveries(database, self._now, longest_delay, self._keep_seconds)
                try:
                    deliveries.begin()
                    yield deliveries
                    deliveries.end()
                finally:
                    keep_reserve(os.path.realpath(self.name))

    def wait(self, seconds: float, stop: threading.Event | None) -> None:
        """Wait for `seconds`, or until `stop` is set."""
        self._clock.sleep(seconds, stop)

    def entries(self, state: State | None) -> Iterator[Entry]:
        """Iterate over the entries in the order of their puts, reading a page at a time."""
        last = 0
        with closing(self._open_another()) as database:
            while True:
                with database.reading() as db:
                    page: list[Columns] = db.execute(_ENTRIES, (last, state)).fetchall()
                if not page:
                    return
                for columns in page:
                    check_order(self.name, last, columns[0])
                    last = columns[0]
                    yield parse_entry(columns)

    def find_entry(self, entry_id: int) -> Entry | None:
        """Return an entry, or None if there is none with this id."""
        query = "SELECT * FROM entries WHERE id = ?"
        with closing(self._open_another()) as database, database.reading() as db:
            columns: Columns | None = db.execute(query, (entry_id,)).fetchone()
        return None if columns is None else parse_entry(columns)

    def counts(self) -> Counts:
        """Count the entries, also those that are missing, because the file is damaged."""
        with closing(self._open_another()) as database, database.reading() as db:
            total = _number(db, _TOTAL)
            rows: list[tuple[State, int]] = db.execute(_NOT_WAITING).fetchall()
            for_schema = _number(db, _FOR_SCHEMA)
            oldest = cast(tuple[float] | None, db.execute(_OLDEST).fetchone())
            (expected,) = cast(tuple[object], db.execute(_EXPECTED).fetchone() or (None,))
        if not isinstance(expected, int):
            raise OutboxError(f"{self.name}: {DAMAGED_FILE}")
        numbers = dict.fromkeys(STATES, 0)
        for name, count in rows:
            numbers[name if name in STATES else "unknown"] += count
        return Counts(
            total - sum(numbers.values()),
            numbers["sending"],
            numbers["unknown"],
            numbers["rejected"],
            None if oldest is None else _parse_date(oldest[0]),
            for_schema,
            max(0, expected - total),
        )

    def requeue(self, entry_id: int) -> bool:
        """Return a rejected or unknown entry to the state `waiting`."""

        def change(db: sqlite3.Connection) -> bool:
            row = read_row(db, entry_id)
            if row is None or row.state in ("waiting", "sending"):
                return False
            insert_doubt(db, row, self._now())
            set_key_status(db, entry_id, "used", None)
            return update_entry(db, row, Row(entry_id, row.content, "waiting"), 0.0, ())

        return write(self._database, change)

    def dead_letters(self, schema_id: str | None, states: Collection[State]) -> list[int]:
        """Return the ids of the entries in these states, of one schema or of all."""
        ids: list[int] = []
        with closing(self._open_another()) as database, database.reading() as db:
            for state in states:
                rows: list[tuple[int]] = db.execute(_DEAD_LETTERS, (state, schema_id)).fetchall()
                ids += [entry_id for (entry_id,) in rows]
        return sorted(ids)

    def discard(self, entry_id: int) -> bool:
        """Delete an entry that is not in the state `sending`."""

        def change(db: sqlite3.Connection) -> bool:
            row = read_row(db, entry_id)
            if row is None or row.state == "sending":
                return False
            insert_doubt(db, row, self._now())
            set_key_status(db, entry_id, "discarded", self._now())
            return delete_entry(db, row)

        is_deleted = write(self._database, change)
        self._erase()
        return is_deleted

    def purge(self, contact_id: str, pairs: Collection[bytes]) -> int:
        """Delete all entries of a contact, and all receipts of its pairs of contact and schema."""

        def change(db: sqlite3.Connection) -> int:
            db.execute(_PURGE_KEYS, (contact_id,))
            count = db.execute("DELETE FROM entries WHERE contact_id = ?", (contact_id,)).rowcount
            db.execute("UPDATE outbox SET removed = removed + ?", (count,))
            for pair in pairs:
                db.execute(_PURGE_KEYS_OF_RECEIPTS, (pair,))
                db.execute("DELETE FROM receipts WHERE pair = ?", (pair,))
            return count

        count = write(self._database, change)
        self._erase()
        return count

    def _erase(self) -> None:
        """Remove deleted entries from the write-ahead log, unless it is in use."""
        with suppress(DiskFullError):
            self._database.truncate_log()

    def check_open(self) -> None:
        """Raise `OutboxError` if the outbox was closed."""
        self._database.check_open()

    def close(self) -> None:
        """Close the connection."""
        self._database.close()

    def _open_another(self, durability: Durability = "unflushed") -> Database:
        """Open the file once more, so that long reads and deliveries do not block the puts."""
        self.check_open()
        return Database(self.name, durability, creates=False)

    def _now(self) -> float:
        return self._clock.now().timestamp()


def _undo_put(db: sqlite3.Connection, entry_id: int) -> bool:
    row = read_row(db, entry_id)
    return row is not None and row.state == "waiting" and delete_entry(db, row)


def _number(db: sqlite3.Connection, query: str) -> int:
    (number,) = cast(tuple[int], db.execute(query).fetchone())
    return number


def _parse_date(seconds: float) -> datetime:
    with suppress(*DAMAGE):
        return datetime.fromtimestamp(seconds, UTC)
    return DAMAGED_DATE
