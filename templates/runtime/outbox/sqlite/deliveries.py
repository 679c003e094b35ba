"""A delivery from the file. Only one process at a time has it, so its claims are in its memory."""

import sqlite3
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace

from ..entry import DAMAGE, RESTORED_CHECK, Row
from ..errors import DiskFullError
from .changes import delete_entry, insert_receipt, set_key_status, update_entry, write
from .database import Database
from .rows import Columns, check_order, parse_row
from .tables import place_of

_PAGE = 256
"""The most entries that are read ahead, because others of their contact and schema are claimed."""

_DUE = """
SELECT * FROM entries WHERE id > ? AND state IN ('waiting', 'sending')
AND (due > ? AND due <= ?) IS NOT TRUE ORDER BY id LIMIT ?
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
_PRUNE = """
DELETE FROM receipts WHERE rowid IN (SELECT rowid FROM receipts WHERE at < ? LIMIT 100)
"""
_PRUNE_KEYS = "DELETE FROM keys WHERE key IN (SELECT key FROM keys WHERE at < ? LIMIT 100)"
_RESTORED = """
UPDATE entries SET state = 'sending', step = 0, due = 0, missing_since = 0, progress_check = ?
WHERE state = 'waiting' AND posts = 0 AND interaction_id IS NULL AND posted_at = 0
"""


class FileDeliveries:
    """The entries of a file as one delivery changes them. See `Deliveries`."""

    exchange_seconds = None

    def __init__(
        self,
        database: Database,
        now: Callable[[], float],
        longest_delay: float,
        keep_seconds: float | None,
        after: int = 0,
    ) -> None:
        self._database = database
        self._now = now
        self._longest_delay = longest_delay
        self._keep_seconds = keep_seconds
        self._last = after
        self._due: OrderedDict[int, Row] = OrderedDict()
        self._busy: set[bytes] = set()

    @property
    def identity(self) -> str:
        """A text that identifies the file, wherever it is moved."""
        return self._database.identity

    def begin(self) -> None:
        """Let everything be looked up before it is posted if the file is a copy.

        What waits in a copy may have been delivered from the original since.
        """
        place = place_of(self._database.path)
        with self._database.reading() as db:
            row: tuple[str | None] | None = db.execute("SELECT place FROM outbox").fetchone()
        if row is None or row[0] == place:
            return

        def change(db: sqlite3.Connection) -> None:
            if row[0] is not None:
                db.execute(_RESTORED, (RESTORED_CHECK,))
            db.execute("UPDATE outbox SET place = ?", (place,))

        write(self._database, change)

    def end(self) -> None:
        """Remove deleted entries from the write-ahead log, unless it is in use."""
        with suppress(DiskFullError):
            self._database.truncate_log()

    def claim(self, limit: int) -> Sequence[Row]:
        """Claim entries that are due, in the order of their puts."""
        rows: list[Row] = []
        while len(rows) < limit:
            row = self._next()
            if row is None and not self._read_more(max(limit, 16)):
                break
            if row is not None:
                rows.append(row)
                self._busy.add(_pair(row))
        return rows

    def _next(self) -> Row | None:
        """Take the first entry whose contact and schema have no claim."""
        for row in self._due.values():
            if _pair(row) not in self._busy:
                return self._due.pop(row.id)
        return None

    def _read_more(self, limit: int) -> bool:
        limit = min(limit, _PAGE - len(self._due))
        if limit <= 0:
            return False
        now = self._now()
        with self._database.reading() as db:
            values = (self._last, now, now + self._longest_delay, limit)
            page: list[Columns] = db.execute(_DUE, values).fetchall()
        for columns in page:
            check_order(self._database.path, self._last, columns[0])
            self._last = columns[0]
            self._due[self._last] = parse_row(columns)
        return bool(page)

    def release(self, row: Row) -> None:
        """Let other entries of the contact and schema be claimed."""
        self._busy.discard(_pair(row))

    def may_post(self, row: Row) -> bool:
        """Return True: the lock on the file never expires."""
        del row
        return True

    def update(self, row: Row, to: Row, *, delay: float, reasons: tuple[str, ...]) -> bool:
        """Replace the progress of an entry. Return False if `row` is no longer its progress."""
        due = self._now() + delay if delay else 0.0

        def change(db: sqlite3.Connection) -> bool:
            is_updated = update_entry(db, row, to, due, reasons)
            if is_updated and to.state == "rejected":
                set_key_status(db, row.id, "rejected", None)
            return is_updated

        return write(self._database, change)

    def record_receipt(self, row: Row, interaction_id: str) -> Row | None:
        """Record the interaction id of an entry whose receipt the application does not have yet."""
        recorded = replace(row, step=0, interaction_id=interaction_id)

        def change(db: sqlite3.Connection) -> bool:
            is_updated = update_entry(db, row, recorded, 0.0, ())
            if is_updated:
                insert_receipt(db, row, interaction_id, self._now())
            return is_updated

        is_recorded = write(self._database, change)
        return recorded if is_recorded else None

    def record_delivery(self, row: Row, interaction_id: str) -> bool:
        """Delete a delivered entry, and keep the interaction id for lookups of similar entries."""
        now = self._now()

        def change(db: sqlite3.Connection) -> bool:
            is_deleted = delete_entry(db, row)
            if is_deleted:
                if row.interaction_id is None:
                    insert_receipt(db, row, interaction_id, now)
                set_key_status(db, row.id, "used", now)
            if self._keep_seconds is not None:
                db.execute(_PRUNE, (now - self._keep_seconds,))
                db.execute(_PRUNE_KEYS, (now - self._keep_seconds,))
            return is_deleted

        return write(self._database, change)

    def was_delivered(self, row: Row) -> bool:
        """Return True if an entry with this id was delivered: the row is a copy by damage."""
        with self._database.reading() as db:
            return db.execute(_DELIVERED, (_pair(row), row.id)).fetchone() is not None

    def delivered_ids(self, row: Row) -> frozenset[str]:
        """Return the interaction ids of delivered entries that a lookup may take for this one."""
        query = "SELECT interaction_id FROM receipts WHERE pair = ? AND interaction_id IS NOT NULL"
        with self._database.reading() as db:
            rows: list[tuple[str]] = db.execute(query, (_pair(row),)).fetchall()
        return frozenset(interaction_id for (interaction_id,) in rows)

    def is_ambiguous(self, row: Row) -> bool:
        """Return True if another entry that may be stored may be the one that a lookup finds."""
        content = row.content
        key = (content.contact_id, content.schema_id, content.created_second)
        values = (*key, row.id, _pair(row), content.created_second, row.id)
        with self._database.reading() as db:
            return db.execute(_AMBIGUOUS, values).fetchone() is not None


def _pair(row: Row) -> bytes:
    try:
        return row.content.pair()
    except DAMAGE:
        return str(row.id).encode()
