"""The template variables of the pages: from the state and the query to values."""

import json

from engage_codegen.sandbox.dates import format_date
from engage_codegen.sandbox.errors import not_found
from engage_codegen.sandbox.marketing import contact_cards
from engage_codegen.sandbox.state import SandboxState
from engage_codegen.sandbox.store.contacts import StoredContact
from engage_codegen.sandbox.store.paging import BEFORE_THE_NEWEST, decode_token, encode_token
from engage_codegen.sandbox.store.records import Json
from engage_codegen.sandbox.store.tenant import Tenant
from engage_codegen.sandbox.ui.query import MAX_NUMBER, Query, Values, build_link, read_number
from engage_codegen.sandbox.ui.send_form import Exchange, build_example

PAGE_SIZE = 20
CONTACTS_PER_PAGE = 50
_MAX_BODY_BYTES = 5_000
_SEARCHED_COLUMNS = ("name", "id", "email", "mobile_phone", "custom_key", "social_security_number")


def format_value(value: Json) -> str:
    """Format a value of a payload for people."""
    if isinstance(value, bool):
        return "Yes" if value else "No"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def view_home(state: SandboxState, _query: Query) -> Values:
    """Count the contacts, schemas, interactions and incomplete arrivals."""
    with state.store.transaction() as tenant:
        tables = ("schemas", "interactions", "incomplete_arrivals")
        counts = {table: _count_rows(tenant, table) for table in tables}
        counts["contacts"] = tenant.contacts.count()
    return {"counts": counts, "now": format_date(state.clock.now())}


def _count_rows(tenant: Tenant, table: str) -> int:
    (count,) = tenant.query(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608 - our names  # nosec B608
    return int(count)


def view_contacts(state: SandboxState, query: Query) -> Values:
    """List the contacts with a field that contains the text `find`."""
    start, pattern = read_number(query, "start"), query.get("find", "")
    text = " || ' ' || ".join(f"ifnull({column}, '')" for column in _SEARCHED_COLUMNS)
    with state.store.transaction() as tenant:
        rows = tenant.query(
            f"""SELECT id, name, contact_type, email, mobile_phone,
            (SELECT count(*) FROM interactions WHERE contact_id = contacts.id)
            FROM contacts WHERE deleted IS NULL AND instr(folded({text}), folded(?)) ORDER BY rowid
            LIMIT ? OFFSET ?""",  # noqa: S608 - our own names  # nosec B608
            (pattern, CONTACTS_PER_PAGE + 1, start),
        ).fetchall()
    next_link = ""
    if len(rows) > CONTACTS_PER_PAGE:
        next_link = build_link({"find": pattern, "start": str(start + CONTACTS_PER_PAGE)})
    return {"contacts": rows[:CONTACTS_PER_PAGE], "find": pattern, "next_link": next_link}


def view_contact(state: SandboxState, query: Query, contact_id: str) -> Values:
    """Show the timeline of a contact, optionally for one schema."""
    schema_id = query.get("schema") or None
    before = decode_token(query["before"]) if "before" in query else BEFORE_THE_NEWEST
    with state.store.transaction() as tenant:
        contact = tenant.contacts.get(contact_id)
        if contact is None:
            raise not_found("Contact", contact_id)
        entries = contact_cards.list_timeline(tenant, contact_id, schema_id, before, PAGE_SIZE + 1)
        counts = contact_cards.count_by_schema(tenant, contact_id)
        titles = {schema.id: schema.display_name for schema in tenant.list_schemas()}
    page, next_link = entries[:PAGE_SIZE], ""
    if len(entries) > PAGE_SIZE:
        token = encode_token((page[-1].created_date, page[-1].seq))
        next_link = build_link({"schema": schema_id or "", "before": token})
    return {
        "contact": contact,
        "title": contact.name or contact_id,
        "fields": list_fields(contact),
        "entries": page,
        "next_link": next_link,
        "is_first": "before" not in query,
        "chosen": schema_id,
        "total": sum(counts.values()),
        "filters": [(key, titles[key], count) for key, count in sorted(counts.items())],
    }


def list_fields(contact: StoredContact) -> list[tuple[str, str]]:
    """Return the label and the value of each field that is set, beside id and name."""
    fields = {
        "Type": contact.contact_type,
        "E-mail": contact.email,
        "Mobile phone": contact.mobile_phone,
        "Member number": contact.custom_key,
        "Social security number": contact.social_security_number,
    }
    return [(label, value) for label, value in fields.items() if value is not None]


def view_dropped(state: SandboxState, query: Query) -> Values:
    """List the arrivals that were not stored with all their properties."""
    before = read_number(query, "before") or MAX_NUMBER
    with state.store.transaction() as tenant:
        arrivals = tenant.arrivals.list_incomplete(before=before, limit=PAGE_SIZE + 1)
    next_link = ""
    if len(arrivals) > PAGE_SIZE:
        next_link = build_link({"before": str(arrivals[PAGE_SIZE - 1].seq)})
    bodies = {arrival.seq: _shorten(arrival.body) for arrival in arrivals}
    return {"arrivals": arrivals[:PAGE_SIZE], "bodies": bodies, "next_link": next_link}


def _shorten(body: bytes) -> str:
    text = body[:_MAX_BODY_BYTES].decode("utf-8", "replace")
    remaining = len(body) - _MAX_BODY_BYTES
    return text if remaining <= 0 else f"{text}\n… and {remaining} more bytes"


def view_schemas(state: SandboxState, _query: Query) -> Values:
    """List the interaction schemas."""
    with state.store.transaction() as tenant:
        counts = dict(
            tenant.query("SELECT schema_id, count(*) FROM interactions GROUP BY schema_id")
        )
        return {
            "schemas": tenant.list_schemas(),
            "counts": counts,
            "get_declarations": contact_cards.get_declarations,
        }


def view_schema(
    state: SandboxState, form: Query, schema_id: str, exchange: Exchange | None = None
) -> Values:
    """Show a schema, and the form that sends a test interaction with its last response."""
    with state.store.transaction() as tenant:
        schema = tenant.get_schema(schema_id)
        if schema is None:
            raise not_found("Schema", schema_id)
        months = tenant.query(
            """SELECT substr(created_date, 1, 7), count(*) FROM interactions WHERE schema_id = ?
            GROUP BY 1 ORDER BY 1""",
            (schema_id,),
        ).fetchall()
        contacts = tenant.query(
            "SELECT id, name FROM contacts WHERE deleted IS NULL ORDER BY rowid LIMIT 200"
        ).fetchall()
    declarations = contact_cards.get_declarations(schema)
    required = schema.json_schema.get("required")
    return {
        "schema": schema,
        "declarations": {
            name: value for name, value in declarations.items() if isinstance(value, dict)
        },
        "required": required if isinstance(required, list) else [],
        "on_card": [name for name, _ in contact_cards.list_card_properties(schema)],
        "is_enabled": contact_cards.is_enabled,
        "total": sum(count for _, count in months),
        "months": months,
        "contacts": contacts,
        "payload": form.get("payload") or build_example(schema),
        "chosen": form.get("contact", ""),
        "created": form.get("created", ""),
        "exchange": exchange,
    }
