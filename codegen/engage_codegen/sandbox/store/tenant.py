"""The queries of the tenant's database, for use within a transaction."""

import json
import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import uuid4

from engage_codegen.sandbox.dates import format_date
from engage_codegen.sandbox.store.arrivals import Arrivals
from engage_codegen.sandbox.store.contacts import Contacts, StoredContact
from engage_codegen.sandbox.store.paging import Position
from engage_codegen.sandbox.store.records import (
    JsonObject,
    StoredInteraction,
    StoredSchema,
)

_SELECT = "SELECT seq, id, contact_id, schema_id, created_date, payload FROM interactions"


class Tenant:
    """The reads and writes that are possible within a transaction.

    Those of contacts and arrivals are in classes of their own.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._sql = connection.execute
        self.contacts = Contacts(connection)
        self.arrivals = Arrivals(connection)

    def query(self, query: str, values: Sequence[str | int | float | None] = ()) -> sqlite3.Cursor:
        """Run a query of another module; its values must be passed as parameters."""
        return self._sql(query, values)

    def add_contact(self, contact_id: str, name: str) -> None:
        """Add a contact of the type Member without any other field, created now."""
        self.contacts.add(StoredContact(contact_id, name), format_date(datetime.now(UTC)))

    def add_schema(self, schema_id: str, display_name: str, json_schema: JsonObject) -> None:
        """Add a schema whose id does not exist yet."""
        row = (schema_id, display_name, json.dumps(json_schema))
        self._sql("INSERT INTO schemas VALUES (?, ?, ?)", row)

    def list_schemas(self) -> list[StoredSchema]:
        """Return all schemas, oldest first."""
        return list(map(_read_schema, self._sql("SELECT * FROM schemas ORDER BY rowid")))

    def get_schema(self, schema_id: str) -> StoredSchema | None:
        """Return a schema, or None if it does not exist."""
        rows = self._sql("SELECT * FROM schemas WHERE id = ?", (schema_id,))
        return next(map(_read_schema, rows), None)

    def delete_schema(self, schema_id: str) -> bool:
        """Delete a schema and its interactions. Return False if the schema does not exist."""
        return self._sql("DELETE FROM schemas WHERE id = ?", (schema_id,)).rowcount > 0

    def add_interaction(
        self,
        contact_id: str,
        schema_id: str,
        created_date: str,
        payload: JsonObject,
        arrived: str,
    ) -> str:
        """Add an interaction of an existing contact and schema; return its new id, a GUID."""
        interaction_id = str(uuid4())
        row = (interaction_id, contact_id, schema_id, created_date, arrived, json.dumps(payload))
        self._sql("INSERT INTO interactions VALUES (NULL, ?, ?, ?, ?, ?, ?)", row)
        return interaction_id

    def get_interaction(self, interaction_id: str) -> StoredInteraction | None:
        """Return an interaction, or None if it does not exist."""
        rows = self._sql(f"{_SELECT} WHERE id = ?", (interaction_id,))
        return next(map(_read_interaction, rows), None)

    def list_interactions(
        self, contact_id: str, schema_id: str, after: Position, until: str, limit: int
    ) -> list[StoredInteraction]:
        """Return the interactions that arrived before or at `until`, newest `created_date` first.

        Interactions with the same `created_date` are ordered by arrival, newest first.
        """
        rows = self._sql(
            f"""{_SELECT} WHERE contact_id = ? AND schema_id = ? AND (created_date, seq) < (?, ?)
            AND arrived <= ? ORDER BY created_date DESC, seq DESC LIMIT ?""",
            (contact_id, schema_id, *after, until, limit),
        )
        return list(map(_read_interaction, rows))

    def list_shuffled(
        self, contact_id: str, schema_id: str, after: str, until: str, limit: int
    ) -> list[StoredInteraction]:
        """Return the same interactions ordered by id, which has nothing to do with time."""
        rows = self._sql(
            f"""{_SELECT} WHERE contact_id = ? AND schema_id = ? AND id > ? AND arrived <= ?
            ORDER BY id LIMIT ?""",
            (contact_id, schema_id, after, until, limit),
        )
        return list(map(_read_interaction, rows))

    def delete_interaction(self, interaction_id: str) -> bool:
        """Delete an interaction. Return False if it does not exist."""
        return self._sql("DELETE FROM interactions WHERE id = ?", (interaction_id,)).rowcount > 0


def _read_schema(row: tuple[str, str, str]) -> StoredSchema:
    return StoredSchema(row[0], row[1], json.loads(row[2]))


def _read_interaction(row: tuple[int, str, str, str, str, str]) -> StoredInteraction:
    seq, interaction_id, contact_id, schema_id, created_date, payload = row
    return StoredInteraction(
        seq, interaction_id, contact_id, schema_id, created_date, json.loads(payload)
    )
