"""The template variables of the start page and of the pages about schemas."""

import json

from engage_codegen.sandbox.dates import format_date
from engage_codegen.sandbox.errors import not_found
from engage_codegen.sandbox.marketing import contact_cards
from engage_codegen.sandbox.state import SandboxState
from engage_codegen.sandbox.store.records import Json
from engage_codegen.sandbox.store.tenant import Tenant
from engage_codegen.sandbox.ui.chart import build_bars
from engage_codegen.sandbox.ui.contracts import build_example, find_contract
from engage_codegen.sandbox.ui.query import Query, Values
from engage_codegen.sandbox.ui.send_form import Exchange

PAGE_SIZE = 20


def format_value(value: Json) -> str:
    """Format a value of a payload for people."""
    if isinstance(value, bool):
        return "Yes" if value else "No"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def view_home(state: SandboxState, _query: Query) -> Values:
    """Count what each page is about."""
    with state.store.transaction() as tenant:
        tables = ("schemas", "interactions", "automations", "runs")
        counts = {table: _count_rows(tenant, table) for table in tables}
        counts["contacts"] = tenant.contacts.count()
        counts["incomplete"] = tenant.arrivals.count_incomplete()
    return {"counts": counts, "now": format_date(state.clock.now())}


def _count_rows(tenant: Tenant, table: str) -> int:
    (count,) = tenant.query(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608 - our names  # nosec B608
    return int(count)


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
    contract = find_contract(schema)
    payload = form.get("payload") or build_example(schema, contract)
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
        "bars": build_bars(months),
        "contacts": contacts,
        "payload": payload,
        "contract": contract,
        "outside": contract.list_violations(payload) if contract and exchange else [],
        "chosen": form.get("contact", ""),
        "created": form.get("created", ""),
        "exchange": exchange,
    }
