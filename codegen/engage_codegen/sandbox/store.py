"""What the tenant remembers, in SQLite: a file, or memory.

One connection and one lock: transactions run one after the other, in whatever thread. A file is
locked for as long as it is open, so a second sandbox cannot share it.
"""

import json
import sqlite3
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from engage_codegen.errors import InputError
from engage_codegen.sandbox.paging import Position
from engage_codegen.sandbox.wire import Dropped, JsonObject

_APPLICATION_ID = 0x454E4701  # "ENG", and the version of the tables
_TABLES = (
    f"PRAGMA application_id = {_APPLICATION_ID}",
    "CREATE TABLE contacts (id TEXT PRIMARY KEY, name TEXT NOT NULL)",
    """CREATE TABLE schemas (
        id TEXT PRIMARY KEY, display_name TEXT NOT NULL, json_schema TEXT NOT NULL)""",
    """CREATE TABLE interactions (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        contact_id TEXT NOT NULL REFERENCES contacts,
        schema_id TEXT NOT NULL REFERENCES schemas ON DELETE CASCADE,
        created_date TEXT NOT NULL,
        payload TEXT NOT NULL)""",
    "CREATE INDEX newest ON interactions (contact_id, schema_id, created_date, seq)",
    # Interactions that were refused, or stored without some of their properties. No foreign keys:
    # what was lost stays on record when the schema goes.
    """CREATE TABLE arrivals (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        arrived TEXT NOT NULL,
        interaction_id TEXT,
        error_code TEXT,
        reasons TEXT NOT NULL,
        body BLOB NOT NULL)""",
    """CREATE TABLE blob_storage (
        arrival INTEGER NOT NULL REFERENCES arrivals,
        name TEXT NOT NULL,
        value TEXT NOT NULL,
        reason TEXT NOT NULL)""",
    "CREATE INDEX blobs_of_arrival ON blob_storage (arrival)",
)


@dataclass(frozen=True, slots=True)
class StoredSchema:
    id: str
    display_name: str
    json_schema: JsonObject


@dataclass(frozen=True, slots=True)
class StoredInteraction:
    """`created_date` as `dates.wire_date` writes it; `seq` is the order of arrival."""

    seq: int
    id: str
    contact_id: str
    schema_id: str
    created_date: str
    payload: JsonObject


@dataclass(frozen=True, slots=True)
class Arrival:
    """A POST of an interaction that lost something, with its body as it came.

    Refused: an `error_code` and no `interaction_id`. Stored in part: the reverse.
    """

    arrived: str
    interaction_id: str | None
    error_code: str | None
    reasons: tuple[str, ...]
    dropped: tuple[Dropped, ...]
    body: bytes


class Tenant:
    """The reads and writes that are possible within a transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._sql = connection.execute

    def add_contact(self, contact_id: str, name: str) -> None:
        self._sql("INSERT INTO contacts VALUES (?, ?)", (contact_id, name))

    def contacts(self) -> list[tuple[str, str]]:
        """(id, name), in the order in which they were added."""
        return self._sql("SELECT id, name FROM contacts ORDER BY rowid").fetchall()

    def has_contact(self, contact_id: str) -> bool:
        found = self._sql("SELECT 1 FROM contacts WHERE id = ?", (contact_id,)).fetchone()
        return found is not None

    def add_schema(self, schema_id: str, display_name: str, json_schema: JsonObject) -> None:
        row = (schema_id, display_name, json.dumps(json_schema))
        self._sql("INSERT INTO schemas VALUES (?, ?, ?)", row)

    def schemas(self) -> list[StoredSchema]:
        """In the order in which they were added."""
        return list(map(_schema, self._sql("SELECT * FROM schemas ORDER BY rowid")))

    def schema(self, schema_id: str) -> StoredSchema | None:
        rows = self._sql("SELECT * FROM schemas WHERE id = ?", (schema_id,))
        return next(map(_schema, rows), None)

    def delete_schema(self, schema_id: str) -> bool:
        """With every interaction under it; whether there was one."""
        return self._sql("DELETE FROM schemas WHERE id = ?", (schema_id,)).rowcount > 0

    def add_interaction(
        self, contact_id: str, schema_id: str, created_date: str, payload: JsonObject
    ) -> str:
        """Its new id, a GUID. The contact and the schema must exist."""
        interaction_id = str(uuid4())
        row = (interaction_id, contact_id, schema_id, created_date, json.dumps(payload))
        self._sql("INSERT INTO interactions VALUES (NULL, ?, ?, ?, ?, ?)", row)
        return interaction_id

    def interaction(self, interaction_id: str) -> StoredInteraction | None:
        rows = self._sql("SELECT * FROM interactions WHERE id = ?", (interaction_id,))
        return next(map(_interaction, rows), None)

    def interactions(
        self, contact_id: str, schema_id: str, after: Position, limit: int
    ) -> list[StoredInteraction]:
        """Newest `created_date` first, and those of one moment by arrival, newest first."""
        rows = self._sql(
            """SELECT * FROM interactions WHERE contact_id = ? AND schema_id = ?
            AND (created_date, seq) < (?, ?) ORDER BY created_date DESC, seq DESC LIMIT ?""",
            (contact_id, schema_id, *after, limit),
        )
        return list(map(_interaction, rows))

    def delete_interaction(self, interaction_id: str) -> bool:
        """Whether there was one."""
        return self._sql("DELETE FROM interactions WHERE id = ?", (interaction_id,)).rowcount > 0

    def log_arrival(self, arrival: Arrival) -> None:
        """Its dropped properties go into blob storage."""
        row = (
            arrival.arrived,
            arrival.interaction_id,
            arrival.error_code,
            json.dumps(arrival.reasons),
            arrival.body,
        )
        seq = self._sql("INSERT INTO arrivals VALUES (NULL, ?, ?, ?, ?, ?)", row).lastrowid
        for lost in arrival.dropped:
            blob = (seq, lost.name, json.dumps(lost.value), lost.reason)
            self._sql("INSERT INTO blob_storage VALUES (?, ?, ?, ?)", blob)

    def arrivals(self) -> list[Arrival]:
        """Newest first."""
        rows = self._sql("SELECT * FROM arrivals ORDER BY seq DESC").fetchall()
        return [
            Arrival(row[1], row[2], row[3], tuple(json.loads(row[4])), self._blobs(row[0]), row[5])
            for row in rows
        ]

    def _blobs(self, arrival: int) -> tuple[Dropped, ...]:
        rows = self._sql(
            "SELECT name, value, reason FROM blob_storage WHERE arrival = ? ORDER BY rowid",
            (arrival,),
        )
        return tuple(Dropped(row[0], json.loads(row[1]), row[2]) for row in rows)


class Store:
    """The database. `fill` puts the first things into one that is new.

    Raises `InputError` for a file that is no database, belongs to something else, is in use by
    another sandbox or cannot be written.
    """

    def __init__(self, database: Path | None, fill: Callable[[Tenant], None]) -> None:
        self._lock = threading.Lock()
        with _input_errors(database):
            self._connection = sqlite3.connect(
                ":memory:" if database is None else database,
                timeout=0,
                isolation_level=None,
                check_same_thread=False,
            )
            try:
                self._open(fill)
            except BaseException:
                self.close()
                raise

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    @contextmanager
    def transaction(self) -> Generator[Tenant, None, None]:
        """All or nothing; what was written is on the disk when this ends. Does not nest."""
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield Tenant(self._connection)
                self._connection.execute("COMMIT")
            except BaseException:
                self._connection.rollback()
                raise

    def _open(self, fill: Callable[[Tenant], None]) -> None:
        execute = self._connection.execute
        execute("PRAGMA locking_mode = EXCLUSIVE")
        owner: int = execute("PRAGMA application_id").fetchone()[0]
        tables: int = execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if owner != _APPLICATION_ID and (owner or tables):
            raise sqlite3.DatabaseError("it belongs to another application or version")
        execute("PRAGMA journal_mode = WAL")
        execute("PRAGMA synchronous = FULL")
        execute("PRAGMA foreign_keys = ON")
        with self.transaction() as tenant:
            if not tables:
                for statement in _TABLES:
                    execute(statement)
                fill(tenant)


@contextmanager
def _input_errors(database: Path | None) -> Generator[None, None, None]:
    try:
        yield
    except sqlite3.Error as error:
        raise InputError(
            f"The sandbox cannot use this database file: {error}",
            where=str(database),
            fix="name a file that does not exist yet, or one that no other sandbox has open",
        ) from error


def _schema(row: tuple[str, str, str]) -> StoredSchema:
    return StoredSchema(row[0], row[1], json.loads(row[2]))


def _interaction(row: tuple[int, str, str, str, str, str]) -> StoredInteraction:
    seq, interaction_id, contact_id, schema_id, created_date, payload = row
    return StoredInteraction(
        seq, interaction_id, contact_id, schema_id, created_date, json.loads(payload)
    )
