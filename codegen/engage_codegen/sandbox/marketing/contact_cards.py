"""The tab *Interactions* of a contact card.

Documented: the card shows the properties with `showInContactCard` under their `displayName`, in the
order of `sortOrder`. Our guess: properties without an order come last, and properties with the same
order are sorted by name.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from engage_codegen.sandbox.store.paging import Position
from engage_codegen.sandbox.store.records import Json, JsonObject, StoredSchema
from engage_codegen.sandbox.store.tenant import Tenant


@dataclass(frozen=True, slots=True)
class CardProperty:
    """A property on the card."""

    name: str
    label: str
    value: Json


@dataclass(frozen=True, slots=True)
class CardEntry:
    """An interaction on the timeline; `hidden` names the properties that the card does not show."""

    id: str
    schema_id: str
    title: str
    created_date: str
    seq: int
    properties: tuple[CardProperty, ...]
    hidden: tuple[str, ...]


def is_enabled(flag: Json) -> bool:
    """Return True if a flag of a property is set; real samples have strings."""
    return flag in ("true", True)


def get_label(name: str, declaration: Json) -> str:
    """Return the text that people read for a property: its display name, if it has one."""
    label = declaration.get("displayName") if isinstance(declaration, dict) else None
    return label if isinstance(label, str) and label.strip() else name


def list_card_properties(schema: StoredSchema) -> list[tuple[str, str]]:
    """Return the name and label of each property that the card shows, in the order of the card."""
    ordered = sorted(
        (_get_order(declaration), name, get_label(name, declaration))
        for name, declaration in get_declarations(schema).items()
        if isinstance(declaration, dict) and is_enabled(declaration.get("showInContactCard"))
    )
    return [(name, label) for _, name, label in ordered]


def get_declarations(schema: StoredSchema) -> JsonObject:
    """Return the declaration of each property of a schema."""
    properties = schema.json_schema.get("properties")
    return properties if isinstance(properties, dict) else {}


def _get_order(declaration: JsonObject) -> tuple[bool, int]:
    try:
        return (False, int(str(declaration.get("sortOrder"))))
    except ValueError:
        return (True, 0)


def list_timeline(
    tenant: Tenant, contact_id: str, schema_id: str | None, before: Position, limit: int
) -> list[CardEntry]:
    """Return the interactions of a contact after a position, newest `createdDate` first.

    With a `schema_id`, return only the interactions of that schema.
    """
    schemas = {schema.id: schema for schema in tenant.list_schemas()}
    where = "contact_id = ?" + (" AND schema_id = ?" if schema_id else "")
    rows = tenant.query(
        f"""SELECT id, schema_id, created_date, seq, payload FROM interactions
        WHERE {where} AND (created_date, seq) < (?, ?)
        ORDER BY created_date DESC, seq DESC LIMIT ?""",  # noqa: S608 - our own text  # nosec B608
        (contact_id, *([schema_id] if schema_id else []), *before, limit),
    )
    return [_build_entry(row, schemas[row[1]]) for row in rows]


def _build_entry(row: Sequence[str], schema: StoredSchema) -> CardEntry:
    interaction_id, schema_id, created_date, seq, text = row
    payload: JsonObject = json.loads(text)
    properties = tuple(
        CardProperty(name, label, payload[name])
        for name, label in list_card_properties(schema)
        if name in payload
    )
    hidden = tuple(sorted(payload.keys() - {shown.name for shown in properties}))
    return CardEntry(
        id=interaction_id,
        schema_id=schema_id,
        title=schema.display_name,
        created_date=created_date,
        seq=int(seq),
        properties=properties,
        hidden=hidden,
    )


def count_by_schema(tenant: Tenant, contact_id: str) -> dict[str, int]:
    """Return the number of interactions of a contact for each schema that it has any of."""
    return dict(
        tenant.query(
            "SELECT schema_id, count(*) FROM interactions WHERE contact_id = ? GROUP BY schema_id",
            (contact_id,),
        )
    )
