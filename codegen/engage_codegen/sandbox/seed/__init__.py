"""The tenant that a new sandbox starts with: six contacts, and one schema for each use case."""

import json
from pathlib import Path

from engage_codegen.sandbox.api.schema_rules import read_schema
from engage_codegen.sandbox.options import Options
from engage_codegen.sandbox.store.tenant import Tenant
from engage_codegen.sandbox.wire import decode_object

_FOLDER = Path(__file__).parent


def plant(tenant: Tenant) -> None:
    """From `contacts.json`, a list of `{id, name}`, and the envelopes `schemas/<id>.json`."""
    contacts: list[dict[str, str]] = json.loads((_FOLDER / "contacts.json").read_bytes())
    for contact in contacts:
        tenant.add_contact(contact["id"], contact["name"])
    for path in sorted((_FOLDER / "schemas").glob("*.json")):
        schema = read_schema(decode_object(path.read_bytes()), Options())
        tenant.add_schema(schema.id, schema.display_name, schema.json_schema)
