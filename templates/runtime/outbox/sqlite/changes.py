"""The changes of entries in the file, each in a transaction of its caller."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from ..entry import Row
from ..errors import DiskFullError
from .database import Database
from .rows import Columns, parse_row

T = TypeVar("T")

_UPDATE = """
UPDATE entries SET state = ?, posts = ?, step = ?, interaction_id = ?, posted_at = ?,
missing_since = ?, progress_check = ?, due = ?, reasons = ?
WHERE id = ? AND state IS ? AND posts IS ? AND step IS ? AND interaction_id IS ?
"""
_DELETE = """
DELETE FROM entries
WHERE id = ? AND state IS ? AND posts IS ? AND step IS ? AND interaction_id IS ?
"""
_KEY_STATUS = "UPDATE keys SET status = ?, at = ? WHERE entry_id = ?"


def write(database: Database, change: Callable[[sqlite3.Connection], T]) -> T:
    """Make a change in a transaction. If the disk is full, use the reserve."""
    with suppress(DiskFullError), database.writing() as db:
        return change(db)
    # Without the lock, another thread could use the room that was made.
    with database.exclusive():
        database.make_room()
        with database.writing() as db:
            return change(db)


def read_row(db: sqlite3.Connection, entry_id: int) -> Row | None:
    """Return an entry, or None if there is none with this id."""
    query = "SELECT * FROM entries WHERE id = ?"
    columns: Columns | None = db.execute(query, (entry_id,)).fetchone()
    return None if columns is None else parse_row(columns)


def update_entry(
    db: sqlite3.Connection, row: Row, to: Row, due: float, reasons: tuple[str, ...]
) -> bool:
    """Replace the progress of an entry. Return False if `row` is no longer its progress."""
    columns = (*to.progress, to.posted_at, to.missing_since, to.check, due, json.dumps(reasons))
    return db.execute(_UPDATE, (*columns, row.id, *row.progress)).rowcount == 1


def delete_entry(db: sqlite3.Connection, row: Row) -> bool:
    """Delete an entry. Return False if `row` is no longer its progress."""
    is_deleted = db.execute(_DELETE, (row.id, *row.progress)).rowcount == 1
    db.execute("UPDATE outbox SET removed = removed + ?", (int(is_deleted),))
    return is_deleted


def set_key_status(db: sqlite3.Connection, entry_id: int, status: str, at: float | None) -> None:
    """Record what became of the entry of a key. `at` is None as long as the entry exists."""
    db.execute(_KEY_STATUS, (status, at, entry_id))


def insert_receipt(
    db: sqlite3.Connection, row: Row, interaction_id: str | None, now: float
) -> None:
    """Keep an interaction id for lookups of similar entries."""
    content = row.content
    values = (content.pair(), content.created_second, interaction_id, row.id, now)
    db.execute("INSERT INTO receipts VALUES (?, ?, ?, ?, ?)", values)


def insert_doubt(db: sqlite3.Connection, row: Row, now: float) -> None:
    """Keep in mind that an interaction may be stored whose id the file does not know."""
    if row.is_intact and row.state == "unknown" and row.posts:
        insert_receipt(db, row, None, now)
