"""The file of an outbox: what is written to it, and what is read from it.

It contains personal data: only its owner can read it, and deleted entries are overwritten.
"""

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar, cast

from ..call.interaction import EncodedInteraction
from .database import Database
from .entry import (
    DAMAGE,
    DAMAGED_DATE,
    STATES,
    Columns,
    Entry,
    Row,
    State,
    content_check,
    parse_entry,
    parse_row,
    progress_check,
)
from .errors import DAMAGED_FILE, DiskFullError, OutboxError

T = TypeVar("T")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)
_RECEIPT_SECONDS = 90 * 86_400.0
"""How long the file keeps the interaction ids of delivered entries."""

_PUT = """
INSERT INTO entries (contact_id, schema_id, created_date, created_second, schema_hash, put_at, body,
content_check) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""
_DUE = """
SELECT * FROM entries WHERE id > ? AND state IN ('waiting', 'sending')
AND (due > ? AND due <= ?) IS NOT TRUE ORDER BY id LIMIT 1
"""
_ENTRIES = """
SELECT * FROM entries WHERE id > ?1 AND (?2 IS NULL OR state = ?2
OR ?2 = 'unknown' AND (state IN ('waiting', 'sending', 'rejected')) IS NOT TRUE)
ORDER BY id LIMIT 100
"""
_AMBIGUOUS = """
SELECT 1 FROM entries WHERE posts > 0 AND state <> 'rejected' AND interaction_id IS NULL
AND contact_id = ? AND schema_id = ? AND created_second = ? AND id <> ?
UNION ALL
SELECT 1 FROM receipts
WHERE pair = ? AND created_second = ? AND interaction_id IS NULL AND entry_id <> ?
LIMIT 1
"""
_DELIVERED = """
SELECT 1 FROM receipts WHERE pair = ? AND entry_id = ? AND interaction_id IS NOT NULL
"""
_UPDATE = """
UPDATE entries SET state = ?, posts = ?, step = ?, interaction_id = ?, posted_at = ?,
progress_check = ?, due = ?, reasons = ?
WHERE id = ? AND state IS ? AND posts IS ? AND step IS ? AND interaction_id IS ?
"""
_DELETE = """
DELETE FROM entries
WHERE id = ? AND state IS ? AND posts IS ? AND step IS ? AND interaction_id IS ?
"""
_COUNTS = "SELECT state, count(*), min(put_at) FROM entries GROUP BY state"
_EXPECTED = """
SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'entries'), 0) - removed FROM outbox
"""
_PRUNE = """
DELETE FROM receipts WHERE rowid IN (SELECT rowid FROM receipts WHERE at < ? LIMIT 100)
"""


class OutboxFile:
    """The entries and the receipts in a file. All methods raise `OutboxError`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @property
    def identity(self) -> str:
        """A text that identifies the file, wherever it is moved."""
        return self._database.identity

    def check_open(self) -> None:
        """Raise `OutboxError` if the outbox was closed."""
        self._database.check_open()

    def close(self) -> None:
        """Close the connection."""
        self._database.close()

    def put(self, interaction: EncodedInteraction, schema_hash: str, now: datetime) -> int:
        """Insert and commit an entry, and return its id."""
        second = (interaction.created_date - _EPOCH) // _SECOND
        put_at, body = now.timestamp(), interaction.body
        check = content_check(second, schema_hash, put_at, body)
        values = (*interaction.lookup_key, second, schema_hash, put_at, body, check)
        return self._database.insert(_PUT, values, _undo_put)

    def next_due(self, after: int, now: float, latest: float) -> Row | None:
        """Return the first entry with an id above `after` that is due.

        An entry that is due later than `latest` counts as due: the clock was set back since.
        """
        with self._database.reading() as db:
            columns: Columns | None = db.execute(_DUE, (after, now, latest)).fetchone()
        if columns is None:
            return None
        self._check_order(after, columns[0])
        return parse_row(columns)

    def update(self, row: Row, to: Row, *, due: float, reasons: tuple[str, ...]) -> bool:
        """Replace the progress of an entry. Return False if `row` is no longer its progress."""
        return self._write(lambda db: _update(db, row, to, due, reasons))

    def record_receipt(self, row: Row, interaction_id: str, now: float) -> Row | None:
        """Record the interaction id of an entry whose receipt the application does not have yet.

        Return the new row, or None if `row` is no longer the progress of the entry.
        """
        recorded = replace(row, step=0, interaction_id=interaction_id)

        def change(db: sqlite3.Connection) -> bool:
            is_updated = _update(db, row, recorded, 0.0, ())
            if is_updated:
                _insert_receipt(db, row, interaction_id, now)
            return is_updated

        is_recorded = self._write(change)
        return recorded if is_recorded else None

    def record_delivery(self, row: Row, interaction_id: str, now: float) -> bool:
        """Delete a delivered entry, and keep the interaction id for lookups of similar entries.

        Return False if `row` is no longer the progress of the entry.
        """

        def change(db: sqlite3.Connection) -> bool:
            is_deleted = _delete(db, row)
            if is_deleted and row.interaction_id is None:
                _insert_receipt(db, row, interaction_id, now)
            db.execute(_PRUNE, (now - _RECEIPT_SECONDS,))
            return is_deleted

        return self._write(change)

    def was_delivered(self, row: Row) -> bool:
        """Return True if an entry with this id was delivered: the row is a copy by damage."""
        values = (row.content.pair(), row.id)
        with self._database.reading() as db:
            return db.execute(_DELIVERED, values).fetchone() is not None

    def delivered_ids(self, row: Row) -> frozenset[str]:
        """Return the interaction ids of delivered entries that a lookup may take for this one."""
        query = "SELECT interaction_id FROM receipts WHERE pair = ? AND interaction_id IS NOT NULL"
        with self._database.reading() as db:
            rows: list[tuple[str]] = db.execute(query, (row.content.pair(),)).fetchall()
        return frozenset(interaction_id for (interaction_id,) in rows)

    def is_ambiguous(self, row: Row) -> bool:
        """Return True if another entry that may be stored may be the one that a lookup finds."""
        content = row.content
        key = (content.contact_id, content.schema_id, content.created_second)
        values = (*key, row.id, content.pair(), content.created_second, row.id)
        with self._database.reading() as db:
            return db.execute(_AMBIGUOUS, values).fetchone() is not None

    def entries(self, state: State | None) -> Iterator[Entry]:
        """Iterate over the entries in the order of their puts, reading a page at a time."""
        last = 0
        while True:
            with self._database.reading() as db:
                page: list[Columns] = db.execute(_ENTRIES, (last, state)).fetchall()
            if not page:
                return
            for columns in page:
                self._check_order(last, columns[0])
                last = columns[0]
                yield parse_entry(columns)

    def counts(self) -> tuple[dict[State, tuple[int, datetime]], int]:
        """Return the number of entries in each state, and when the oldest of them was put.

        Also return the number of entries that are missing, because the file is damaged.
        """
        with self._database.reading() as db:
            rows: list[tuple[State, int, float]] = db.execute(_COUNTS).fetchall()
            (expected,) = cast(tuple[object], db.execute(_EXPECTED).fetchone() or (None,))
        if not isinstance(expected, int):
            raise OutboxError(f"{self._database.path}: {DAMAGED_FILE}")
        counts: dict[State, tuple[int, datetime]] = {}
        for name, count, put_at in rows:
            state: State = name if name in STATES else "unknown"
            number, oldest = counts.get(state, (0, _parse_date(put_at)))
            counts[state] = (number + count, min(oldest, _parse_date(put_at)))
        return counts, max(0, expected - sum(number for number, _ in counts.values()))

    def requeue(self, entry_id: int, now: float) -> bool:
        """Return a rejected or unknown entry to the state `waiting`."""

        def change(db: sqlite3.Connection) -> bool:
            row = _read(db, entry_id)
            if row is None or row.state in ("waiting", "sending"):
                return False
            _insert_doubt(db, row, now)
            return _update(db, row, Row(entry_id, row.content, "waiting"), 0.0, ())

        return self._write(change)

    def discard(self, entry_id: int, now: float) -> bool:
        """Delete an entry that is not in the state `sending`."""

        def change(db: sqlite3.Connection) -> bool:
            row = _read(db, entry_id)
            if row is None or row.state == "sending":
                return False
            _insert_doubt(db, row, now)
            return _delete(db, row)

        is_deleted = self._write(change)
        self.truncate_log()
        return is_deleted

    def truncate_log(self) -> None:
        """Remove deleted entries from the write-ahead log, unless it is in use."""
        with suppress(DiskFullError):
            self._database.truncate_log()

    def _write(self, change: Callable[[sqlite3.Connection], T]) -> T:
        """Make a change in a transaction. If the disk is full, use the reserve."""
        with suppress(DiskFullError), self._database.writing() as db:
            return change(db)
        self._database.make_room()
        with self._database.writing() as db:
            return change(db)

    def _check_order(self, last: int, entry_id: object) -> None:
        """Raise `OutboxError` for an id that is not above `last`: the scan would never end."""
        if not isinstance(entry_id, int) or entry_id <= last:
            raise OutboxError(f"{self._database.path}: {DAMAGED_FILE}")


def _undo_put(db: sqlite3.Connection, entry_id: int) -> bool:
    row = _read(db, entry_id)
    return row is not None and row.state == "waiting" and _delete(db, row)


def _read(db: sqlite3.Connection, entry_id: int) -> Row | None:
    query = "SELECT * FROM entries WHERE id = ?"
    columns: Columns | None = db.execute(query, (entry_id,)).fetchone()
    return None if columns is None else parse_row(columns)


def _update(
    db: sqlite3.Connection, row: Row, to: Row, due: float, reasons: tuple[str, ...]
) -> bool:
    check = progress_check(*to.progress, to.posted_at)
    values = (
        *to.progress,
        to.posted_at,
        check,
        due,
        json.dumps(reasons),
        row.id,
        *row.progress,
    )
    return db.execute(_UPDATE, values).rowcount == 1


def _delete(db: sqlite3.Connection, row: Row) -> bool:
    is_deleted = db.execute(_DELETE, (row.id, *row.progress)).rowcount == 1
    db.execute("UPDATE outbox SET removed = removed + ?", (int(is_deleted),))
    return is_deleted


def _insert_receipt(
    db: sqlite3.Connection, row: Row, interaction_id: str | None, now: float
) -> None:
    content = row.content
    values = (content.pair(), content.created_second, interaction_id, row.id, now)
    db.execute("INSERT INTO receipts VALUES (?, ?, ?, ?, ?)", values)


def _insert_doubt(db: sqlite3.Connection, row: Row, now: float) -> None:
    """Keep in mind that an interaction may be stored whose id the file does not know."""
    if row.is_intact and row.state == "unknown" and row.posts:
        _insert_receipt(db, row, None, now)


def _parse_date(seconds: float) -> datetime:
    with suppress(*DAMAGE):
        return datetime.fromtimestamp(seconds, UTC)
    return DAMAGED_DATE
