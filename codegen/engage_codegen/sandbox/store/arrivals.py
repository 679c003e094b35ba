"""The record of what became of each POST of an interaction, and its groups."""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from engage_codegen.sandbox.store.records import Arrival, DroppedProperty, Violation

_COLUMNS = (
    "arrived, outcome, interaction_id, error_code, violations, body, stored_payload, "
    "body_size, schema_id, contact_id, cause"
)


@dataclass(frozen=True, slots=True)
class ArrivalFilter:
    """Which incomplete arrivals to list; None means all."""

    outcome: str | None = None
    schema_id: str | None = None
    contact_id: str | None = None
    cause: str | None = None


@dataclass(frozen=True, slots=True)
class ArrivalGroup:
    """Incomplete arrivals of one schema with the same outcome and cause."""

    outcome: str
    schema_id: str
    cause: str
    arrivals: int
    contacts: int
    latest: str


class Arrivals:
    """The reads and writes of arrivals within a transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._sql = connection.execute

    def add(self, arrival: Arrival) -> None:
        """Record an arrival, and put its dropped properties into blob storage."""
        payload = arrival.stored_payload
        violations = [(item.rule, item.pointer, item.message) for item in arrival.violations]
        row = (
            arrival.arrived,
            arrival.outcome,
            arrival.interaction_id,
            arrival.error_code,
            json.dumps(violations),
            arrival.body,
            None if payload is None else json.dumps(payload),
            arrival.body_size,
            arrival.schema_id,
            arrival.contact_id,
            arrival.cause,
        )
        marks = ", ".join("?" * len(row))
        seq = self._sql(f"INSERT INTO arrivals VALUES (NULL, {marks})", row).lastrowid  # noqa: S608 - marks alone  # nosec B608
        for dropped in arrival.dropped:
            value, rules = json.dumps(dropped.value), json.dumps(dropped.rules)
            blob = (seq, dropped.name, value, rules, dropped.reason)
            self._sql("INSERT INTO blob_storage VALUES (?, ?, ?, ?, ?)", blob)

    def list_all(self, *, before: int, limit: int) -> list[Arrival]:
        """Return the arrivals with a `seq` below `before`, newest first."""
        return self._list("arrivals", ArrivalFilter(), before, limit)

    def list_incomplete(
        self, chosen: ArrivalFilter = ArrivalFilter(), *, before: int, limit: int
    ) -> list[Arrival]:
        """Return those that were not stored with all their properties."""
        return self._list("incomplete_arrivals", chosen, before, limit)

    def count_incomplete(self, chosen: ArrivalFilter = ArrivalFilter()) -> int:
        """Return the number of those that were not stored with all their properties."""
        where, values = _build_where(chosen)
        query = f"SELECT count(*) FROM incomplete_arrivals WHERE {where}"  # noqa: S608 - our own text  # nosec B608
        (count,) = self._sql(query, values).fetchone()
        return int(count)

    def list_groups(self, chosen: ArrivalFilter, limit: int) -> list[ArrivalGroup]:
        """Return the groups of the incomplete arrivals, largest first."""
        where, values = _build_where(chosen)
        rows = self._sql(
            f"""SELECT outcome, ifnull(schema_id, ''), cause, count(*), count(DISTINCT contact_id),
            max(arrived) FROM incomplete_arrivals WHERE {where}
            GROUP BY 1, 2, 3 ORDER BY 4 DESC, 1, 2, 3 LIMIT ?""",  # noqa: S608 - our own text  # nosec B608
            (*values, limit),
        )
        return [ArrivalGroup(*row) for row in rows]

    def list_incomplete_schemas(self) -> list[str]:
        """Return the ids of the schemas that incomplete arrivals name, sorted."""
        rows = self._sql(
            """SELECT DISTINCT schema_id FROM incomplete_arrivals
            WHERE schema_id IS NOT NULL ORDER BY 1"""
        )
        return [row[0] for row in rows]

    def list_dropped(self, interaction_id: str) -> tuple[DroppedProperty, ...]:
        """Return the properties that were dropped from an interaction."""
        rows = self._sql(
            """SELECT name, value, rules, reason FROM blob_storage
            JOIN arrivals ON arrival = arrivals.seq
            WHERE interaction_id = ? ORDER BY blob_storage.rowid""",
            (interaction_id,),
        )
        return tuple(map(_read_dropped, rows))

    def _list(self, source: str, chosen: ArrivalFilter, before: int, limit: int) -> list[Arrival]:
        where, values = _build_where(chosen)
        rows = self._sql(
            f"""SELECT seq, {_COLUMNS} FROM {source} WHERE seq < ? AND {where}
            ORDER BY seq DESC LIMIT ?""",  # noqa: S608 - our own text  # nosec B608
            (before, *values, limit),
        ).fetchall()
        return [
            Arrival(
                seq=row[0],
                arrived=row[1],
                outcome=row[2],
                interaction_id=row[3],
                error_code=row[4],
                violations=tuple(Violation(*parts) for parts in json.loads(row[5])),
                body=row[6],
                stored_payload=None if row[7] is None else json.loads(row[7]),
                body_size=row[8],
                schema_id=row[9],
                contact_id=row[10],
                cause=row[11],
                dropped=self._list_dropped_on(row[0]),
            )
            for row in rows
        ]

    def _list_dropped_on(self, arrival: int) -> tuple[DroppedProperty, ...]:
        rows = self._sql(
            "SELECT name, value, rules, reason FROM blob_storage WHERE arrival = ? ORDER BY rowid",
            (arrival,),
        )
        return tuple(map(_read_dropped, rows))


def _build_where(chosen: ArrivalFilter) -> tuple[str, Sequence[str]]:
    fields = asdict(chosen)
    pairs = [(column, value) for column, value in fields.items() if value is not None]
    where = " AND ".join(["1", *(f"{column} = ?" for column, _ in pairs)])
    return where, [value for _, value in pairs]


def _read_dropped(row: tuple[str, str, str, str]) -> DroppedProperty:
    name, value, rules, reason = row
    return DroppedProperty(name, json.loads(value), tuple(json.loads(rules)), reason)
