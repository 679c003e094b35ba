"""The template variables of the automations page, and the changes that its forms make."""

import re

from engage_codegen.sandbox.errors import malformed
from engage_codegen.sandbox.marketing import automations
from engage_codegen.sandbox.marketing.contact_cards import get_declarations
from engage_codegen.sandbox.state import SandboxState
from engage_codegen.sandbox.store.records import Json
from engage_codegen.sandbox.store.tenant import Tenant
from engage_codegen.sandbox.ui.query import (
    MAX_NUMBER,
    Query,
    Values,
    build_link,
    parse_value,
    read_number,
)
from engage_codegen.sandbox.ui.views import PAGE_SIZE

_MAX_NAME = 200


def view_automations(state: SandboxState, query: Query) -> Values:
    """List the automations and their runs."""
    before = read_number(query, "before") or MAX_NUMBER
    with state.store.transaction() as tenant:
        stored = automations.list_all(tenant)
        runs = automations.list_runs(tenant, before=before, limit=PAGE_SIZE + 1)
        schemas = tenant.list_schemas()
    next_link = ""
    if len(runs) > PAGE_SIZE:
        next_link = build_link({"before": str(runs[PAGE_SIZE - 1].id)})
    return {
        "automations": stored,
        "runs": runs[:PAGE_SIZE],
        "next_link": next_link,
        "schemas": schemas,
        "trigger": state.options.automation_trigger.value,
    }


def change_automations(state: SandboxState, form: Query) -> Values:
    """Delete the automation in the field `delete`, or else add the one in the other fields."""
    with state.store.transaction() as tenant:
        if re.fullmatch("[0-9]{1,15}", form.get("delete", "")):
            automations.delete(tenant, int(form["delete"]))
        else:
            automations.add(tenant, _read_automation(tenant, form))
    return view_automations(state, {})


def _read_automation(tenant: Tenant, form: Query) -> automations.Automation:
    name, schema_id = form.get("name", "").strip(), form.get("schema", "") or None
    if not name:
        raise malformed("required", "name: an automation needs a name")
    property_name = form.get("property", "").strip() or None
    value: Json = None
    if property_name is not None:
        schema = tenant.get_schema(schema_id) if schema_id else None
        declaration = get_declarations(schema).get(property_name) if schema else None
        if declaration is None:
            message = f"property: the schema does not declare {property_name!r}"
            raise malformed("undeclared", message)
        value = parse_value(declaration, form.get("value", ""))
    return automations.Automation(
        id=0,
        name=name[:_MAX_NAME],
        schema_id=schema_id,
        property=property_name,
        value=value,
        url=form.get("url", "").strip() or None,
    )
