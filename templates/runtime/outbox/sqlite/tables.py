"""The tables in the file of an outbox. Names and their order are part of its format."""

import os
import sqlite3
import uuid
from typing import cast

from ..entry import INITIAL_CHECK

VERSION = 4
APPLICATION = 0x656E6762
"""Distinguishes an outbox from any other database."""

_SCHEMA = (
    # The short columns come first, so that a scan does not read the bodies.
    f"""CREATE TABLE entries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    state TEXT NOT NULL DEFAULT 'waiting',
    due REAL NOT NULL DEFAULT 0,
    posts INTEGER NOT NULL DEFAULT 0,
    step INTEGER NOT NULL DEFAULT 0,
    interaction_id TEXT,
    posted_at REAL NOT NULL DEFAULT 0,
    missing_since REAL NOT NULL DEFAULT 0,
    progress_check INTEGER NOT NULL DEFAULT {INITIAL_CHECK},
    contact_id TEXT NOT NULL,
    schema_id TEXT NOT NULL,
    created_date TEXT NOT NULL,
    created_second INTEGER NOT NULL,
    schema_hash TEXT NOT NULL,
    put_at REAL NOT NULL,
    content_check INTEGER NOT NULL,
    reasons TEXT NOT NULL DEFAULT '[]',
    body BLOB NOT NULL
)""",
    # Small, so that the entries can be counted without a scan of the bodies, and never updated.
    "CREATE INDEX entries_all ON entries (created_second)",
    "CREATE INDEX entries_state ON entries (state) WHERE state IS NOT 'waiting'",
    "CREATE INDEX entries_missing ON entries (state) WHERE missing_since > 0",
    # Contains only the few entries that were posted, so a put does not have to update it.
    "CREATE INDEX posted ON entries (contact_id, schema_id, created_second) WHERE posts > 0",
    # Without an interaction id: an entry that may be stored was discarded or requeued.
    """CREATE TABLE receipts (
    pair BLOB NOT NULL, created_second INTEGER NOT NULL, interaction_id TEXT,
    entry_id INTEGER NOT NULL, at REAL NOT NULL
)""",
    "CREATE INDEX receipts_pair ON receipts (pair)",
    "CREATE INDEX receipts_at ON receipts (at)",
    # The status is 'used', 'rejected' or 'discarded'. `at` is when the entry was deleted.
    """CREATE TABLE keys (
    key TEXT PRIMARY KEY, entry_id INTEGER NOT NULL, digest BLOB NOT NULL,
    status TEXT NOT NULL DEFAULT 'used', at REAL
) WITHOUT ROWID""",
    "CREATE INDEX keys_entry ON keys (entry_id)",
    "CREATE INDEX keys_at ON keys (at)",
    # The identity of the file, the number of entries that were delivered or discarded, and the
    # place of the file when it was created, or at the last delivery.
    "CREATE TABLE outbox (identity TEXT NOT NULL, removed INTEGER NOT NULL, place TEXT)",
)


def place_of(path: str) -> str:
    """Return the place of a file, which a copy of it does not have."""
    status = os.stat(path)
    return f"{status.st_dev}:{status.st_ino}"


def create_tables(db: sqlite3.Connection) -> None:
    """Create the tables in an empty database."""
    for statement in _SCHEMA:
        db.execute(statement)
    (_, _, path), *_ = cast(list[tuple[int, str, str]], list(db.execute("PRAGMA database_list")))
    db.execute("INSERT INTO outbox VALUES (?, 0, ?)", (uuid.uuid4().hex, place_of(path)))
    db.execute(f"PRAGMA application_id = {APPLICATION}")
    db.execute(f"PRAGMA user_version = {VERSION}")


def has_tables(db: sqlite3.Connection) -> bool:
    """Return True if the database has exactly these tables. Damage can change a definition."""
    query = "SELECT sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' ORDER BY rowid"
    return tuple(sql for (sql,) in db.execute(query)) == _SCHEMA
