"""The tab *Interactions* of a contact card.

Documented: the properties with `showInContactCard` are shown, under their `displayName`, in the
order of `sortOrder`. Our guess: one without an order comes last, and those of one order by name.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from engage_codegen.sandbox.store.paging import Position
from engage_codegen.sandbox.store.tenant import StoredSchema, Tenant
from engage_codegen.sandbox.wire import Json, JsonObject


@dataclass(frozen=True, slots=True)
class Shown:
    """One property on the card."""

    name: str
    label: str
    value: Json


@dataclass(frozen=True, slots=True)
class Entry:
    """One interaction on the timeline. `hidden` are the properties that the card does not show."""

    id: str
    schema_id: str
    title: str
    created_date: str
    seq: int
    shown: tuple[Shown, ...]
    hidden: tuple[str, ...]


def is_on(value: Json) -> bool:
    """Whether a flag of a property is set; real samples have strings."""
    return value in ("true", True)


def label(name: str, declaration: Json) -> str:
    """What people read for a property."""
    found = declaration.get("displayName") if isinstance(declaration, dict) else None
    return found if isinstance(found, str) and found.strip() else name


def on_card(schema: StoredSchema) -> list[tuple[str, str]]:
    """Name and label of the properties that the card shows, in its order."""
    found = sorted(
        (_order(declaration), name, label(name, declaration))
        for name, declaration in declared(schema).items()
        if isinstance(declaration, dict) and is_on(declaration.get("showInContactCard"))
    )
    return [(name, text) for _, name, text in found]


def declared(schema: StoredSchema) -> JsonObject:
    """The properties of a schema."""
    found = schema.json_schema.get("properties")
    return found if isinstance(found, dict) else {}


def _order(declaration: JsonObject) -> tuple[bool, int]:
    try:
        return (False, int(str(declaration.get("sortOrder"))))
    except ValueError:
        return (True, 0)


def timeline(
    tenant: Tenant, contact_id: str, schema_id: str | None, before: Position, limit: int
) -> list[Entry]:
    """The interactions of a contact, newest `createdDate` first."""
    schemas = {schema.id: schema for schema in tenant.schemas()}
    where = "contact_id = ?" + (" AND schema_id = ?" if schema_id else "")
    rows = tenant.rows(
        f"""SELECT id, schema_id, created_date, seq, payload FROM interactions
        WHERE {where} AND (created_date, seq) < (?, ?)
        ORDER BY created_date DESC, seq DESC LIMIT ?""",  # noqa: S608 - parts of ours
        (contact_id, *([schema_id] if schema_id else []), *before, limit),
    )
    return [_entry(row, schemas[row[1]]) for row in rows]


def _entry(row: Sequence[str], schema: StoredSchema) -> Entry:
    payload: JsonObject = json.loads(row[4])
    shown = tuple(Shown(name, text, payload[name]) for name, text in _present(schema, payload))
    hidden = sorted(payload.keys() - {it.name for it in shown})
    return Entry(row[0], row[1], schema.display_name, row[2], int(row[3]), shown, tuple(hidden))


def _present(schema: StoredSchema, payload: JsonObject) -> Iterator[tuple[str, str]]:
    return ((name, text) for name, text in on_card(schema) if name in payload)


def counts(tenant: Tenant, contact_id: str) -> dict[str, int]:
    """How many interactions of each schema a contact has."""
    return dict(
        tenant.rows(
            "SELECT schema_id, count(*) FROM interactions WHERE contact_id = ? GROUP BY schema_id",
            (contact_id,),
        )
    )
