"""What the tenant remembers, and the reads and writes that are possible within a transaction."""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import uuid4

from engage_codegen.sandbox.store.paging import Position
from engage_codegen.sandbox.wire import Dropped, JsonObject

TABLES = (
    "CREATE TABLE contacts (id TEXT PRIMARY KEY, name TEXT NOT NULL)",
    """CREATE TABLE schemas (
        id TEXT PRIMARY KEY, display_name TEXT NOT NULL, json_schema TEXT NOT NULL)""",
    """CREATE TABLE interactions (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        contact_id TEXT NOT NULL REFERENCES contacts ON DELETE CASCADE,
        schema_id TEXT NOT NULL REFERENCES schemas ON DELETE CASCADE,
        created_date TEXT NOT NULL,
        arrived TEXT NOT NULL,
        payload TEXT NOT NULL)""",
    "CREATE INDEX newest ON interactions (contact_id, schema_id, created_date, seq)",
    "CREATE INDEX shuffled ON interactions (contact_id, schema_id, id)",
    "CREATE INDEX interactions_of_schema ON interactions (schema_id, created_date, contact_id)",
    "CREATE INDEX timeline ON interactions (contact_id, created_date, seq)",
    # Every POST of an interaction. No foreign keys: what was lost stays on record when the schema
    # goes.
    """CREATE TABLE arrivals (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        arrived TEXT NOT NULL,
        outcome TEXT NOT NULL,
        interaction_id TEXT,
        error_code TEXT,
        reasons TEXT NOT NULL,
        body BLOB NOT NULL,
        kept TEXT)""",
    "CREATE INDEX arrivals_with_losses ON arrivals (seq) WHERE outcome <> 'stored'",
    "CREATE VIEW losses AS SELECT * FROM arrivals WHERE outcome <> 'stored'",
    "CREATE INDEX arrivals_of_interaction ON arrivals (interaction_id)",
    """CREATE TABLE blob_storage (
        arrival INTEGER NOT NULL REFERENCES arrivals,
        name TEXT NOT NULL,
        value TEXT NOT NULL,
        reason TEXT NOT NULL)""",
    "CREATE INDEX blobs_of_arrival ON blob_storage (arrival)",
    "CREATE TABLE keys (key TEXT PRIMARY KEY)",
    # `value` is JSON; without a schema every interaction sets it off.
    """CREATE TABLE automations (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT NOT NULL,
        schema_id TEXT,
        property TEXT,
        value TEXT,
        url TEXT)""",
    # No foreign key to the interaction: what ran stays on record.
    """CREATE TABLE runs (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        automation INTEGER NOT NULL REFERENCES automations ON DELETE CASCADE,
        interaction_id TEXT NOT NULL,
        contact_id TEXT NOT NULL,
        schema_id TEXT NOT NULL,
        ran TEXT NOT NULL,
        result TEXT NOT NULL)""",
)


_SELECT = "SELECT seq, id, contact_id, schema_id, created_date, payload FROM interactions"


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
    """A POST of an interaction, with its body as it came.

    `outcome` is stored, dropped (stored without some of its properties), ignored or refused;
    `kept` is the payload that was stored. Only what was refused has an `error_code`.
    """

    arrived: str
    outcome: str
    body: bytes
    interaction_id: str | None = None
    error_code: str | None = None
    reasons: tuple[str, ...] = ()
    dropped: tuple[Dropped, ...] = ()
    kept: JsonObject | None = None
    seq: int = 0


class Tenant:
    """The reads and writes that are possible within a transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._sql = connection.execute

    def rows(self, query: str, values: Sequence[str | int | float | None] = ()) -> sqlite3.Cursor:
        """What a query of the modules beside this one gives."""
        return self._sql(query, values)

    def add_contact(self, contact_id: str, name: str) -> None:
        self._sql("INSERT INTO contacts VALUES (?, ?)", (contact_id, name))

    def delete_contact(self, contact_id: str) -> bool:
        """With every interaction of it; whether there was one."""
        return self._sql("DELETE FROM contacts WHERE id = ?", (contact_id,)).rowcount > 0

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
        self,
        contact_id: str,
        schema_id: str,
        created_date: str,
        payload: JsonObject,
        arrived: str,
    ) -> str:
        """Its new id, a GUID. The contact and the schema must exist."""
        interaction_id = str(uuid4())
        row = (interaction_id, contact_id, schema_id, created_date, arrived, json.dumps(payload))
        self._sql("INSERT INTO interactions VALUES (NULL, ?, ?, ?, ?, ?, ?)", row)
        return interaction_id

    def interaction(self, interaction_id: str) -> StoredInteraction | None:
        rows = self._sql(f"{_SELECT} WHERE id = ?", (interaction_id,))
        return next(map(_interaction, rows), None)

    def interactions(
        self, contact_id: str, schema_id: str, after: Position, until: str, limit: int
    ) -> list[StoredInteraction]:
        """Those that arrived `until` then. Newest `created_date` first, and those of one moment
        by arrival, newest first."""
        rows = self._sql(
            f"""{_SELECT} WHERE contact_id = ? AND schema_id = ? AND (created_date, seq) < (?, ?)
            AND arrived <= ? ORDER BY created_date DESC, seq DESC LIMIT ?""",
            (contact_id, schema_id, *after, until, limit),
        )
        return list(map(_interaction, rows))

    def shuffled(
        self, contact_id: str, schema_id: str, after: str, until: str, limit: int
    ) -> list[StoredInteraction]:
        """The same in an order that has nothing to do with time: that of the ids."""
        rows = self._sql(
            f"""{_SELECT} WHERE contact_id = ? AND schema_id = ? AND id > ? AND arrived <= ?
            ORDER BY id LIMIT ?""",
            (contact_id, schema_id, after, until, limit),
        )
        return list(map(_interaction, rows))

    def blobs(self, interaction_id: str) -> tuple[Dropped, ...]:
        """What was dropped from an interaction."""
        rows = self._sql(
            """SELECT name, value, reason FROM blob_storage JOIN arrivals ON arrival = arrivals.seq
            WHERE interaction_id = ? ORDER BY blob_storage.rowid""",
            (interaction_id,),
        )
        return tuple(map(_dropped, rows))

    def delete_interaction(self, interaction_id: str) -> bool:
        """Whether there was one."""
        return self._sql("DELETE FROM interactions WHERE id = ?", (interaction_id,)).rowcount > 0

    def log_arrival(self, arrival: Arrival) -> None:
        """Its dropped properties go into blob storage."""
        row = (
            arrival.arrived,
            arrival.outcome,
            arrival.interaction_id,
            arrival.error_code,
            json.dumps(arrival.reasons),
            arrival.body,
            None if arrival.kept is None else json.dumps(arrival.kept),
        )
        seq = self._sql("INSERT INTO arrivals VALUES (NULL, ?, ?, ?, ?, ?, ?, ?)", row).lastrowid
        for lost in arrival.dropped:
            blob = (seq, lost.name, json.dumps(lost.value), lost.reason)
            self._sql("INSERT INTO blob_storage VALUES (?, ?, ?, ?)", blob)

    def arrivals(self, *, before: int, limit: int, losses: bool) -> list[Arrival]:
        """Newest first, those with a `seq` below `before`; only those that lost something."""
        source = "losses" if losses else "arrivals"
        rows = self._sql(
            f"SELECT * FROM {source} WHERE seq < ? ORDER BY seq DESC LIMIT ?",  # noqa: S608
            (before, limit),
        ).fetchall()
        return [
            Arrival(
                seq=row[0],
                arrived=row[1],
                outcome=row[2],
                interaction_id=row[3],
                error_code=row[4],
                reasons=tuple(json.loads(row[5])),
                body=row[6],
                kept=None if row[7] is None else json.loads(row[7]),
                dropped=self._blobs(row[0]),
            )
            for row in rows
        ]

    def _blobs(self, arrival: int) -> tuple[Dropped, ...]:
        rows = self._sql(
            "SELECT name, value, reason FROM blob_storage WHERE arrival = ? ORDER BY rowid",
            (arrival,),
        )
        return tuple(map(_dropped, rows))


def _schema(row: tuple[str, str, str]) -> StoredSchema:
    return StoredSchema(row[0], row[1], json.loads(row[2]))


def _interaction(row: tuple[int, str, str, str, str, str]) -> StoredInteraction:
    seq, interaction_id, contact_id, schema_id, created_date, payload = row
    return StoredInteraction(
        seq, interaction_id, contact_id, schema_id, created_date, json.loads(payload)
    )


def _dropped(row: tuple[str, str, str]) -> Dropped:
    return Dropped(row[0], json.loads(row[1]), row[2])
