"""Measure a put, and a transaction of SQLite with the same settings, in microseconds.

Arguments: an empty folder, and "flushed" or "unflushed".
"""

import json
import sqlite3
import statistics
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from engage_interactions.outbox import Outbox

CONTACT = "3f0c1a52-7d5e-4b0e-9a64-1c2f5b8e0d01"
PUTS, REPEATS = 200, 9
_PUT = """
INSERT INTO entries (contact_id, schema_id, created_date, created_second, schema_hash, put_at,
content_check, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""


def open_database(path: Path, settings: dict[str, str]) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None)
    for name, value in settings.items():
        db.execute(f"PRAGMA {name} = {value}").close()
    return db


def in_turn(calls: dict[str, Callable[[], object]]) -> dict[str, float]:
    durations: dict[str, list[float]] = {name: [] for name in calls}
    for part in range(REPEATS + 1):
        for name, call in calls.items():
            start = time.perf_counter()
            for _ in range(PUTS):
                call()
            if part:
                durations[name].append((time.perf_counter() - start) / PUTS * 1e6)
    return {name: statistics.median(times) for name, times in durations.items()}


def main() -> None:
    folder, durability = Path(sys.argv[1]), sys.argv[2]
    is_flushed = durability == "flushed"
    settings = {
        "journal_mode": "WAL",
        "synchronous": "FULL" if is_flushed else "NORMAL",
        "fullfsync": "ON",
        "secure_delete": "ON",
    }
    review = import_module("engage_interactions.review").Review.from_payload(
        {
            "productSku": "7120-38",
            "headline": "Warm",
            "text": "Kept me warm all winter.",
            "shop": "Gothenburg",
            "stars": 5,
            "recommended": True,
            "price": 450.5,
            "reviewedAt": "2026-03-01T12:30:15+00:00",
        }
    )
    outbox = Outbox(folder / "ours.db", durability="flushed" if is_flushed else "unflushed")
    outbox.put(CONTACT, review)
    table, *more = statements(folder / "ours.db")
    (row,) = sqlite3.connect(folder / "ours.db").execute(
        "SELECT contact_id, schema_id, created_date, created_second, schema_hash, put_at, "
        "content_check, body FROM entries"
    )
    size = sum(len(value) if isinstance(value, str | bytes) else 4 for value in row)
    *before, body = row
    interaction = json.loads(body)
    same = open_database(folder / "same.db", settings)
    for statement in (table, *more):
        same.execute(statement)
    bare = open_database(folder / "bare.db", settings)
    bare.execute("CREATE TABLE entries (id INTEGER PRIMARY KEY, body BLOB NOT NULL)")
    zeros = bytes(size)

    def floor() -> None:
        same.execute(_PUT, (*before, json.dumps(interaction).encode()))

    durations = in_turn(
        {
            "ours": lambda: outbox.put(CONTACT, review),
            "bare": lambda: bare.execute("INSERT INTO entries (body) VALUES (?)", (zeros,)),
            "floor": floor,
        }
    )
    print(json.dumps(durations | {"bytes": size}))


def statements(path: Path) -> list[str]:
    """Return the statements that create the table and its indexes."""
    query = "SELECT sql FROM sqlite_master WHERE tbl_name = 'entries' AND sql IS NOT NULL"
    return [statement for (statement,) in sqlite3.connect(path).execute(query)]


if __name__ == "__main__":
    main()
