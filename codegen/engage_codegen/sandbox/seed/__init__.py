"""The data of a new sandbox: six contacts, and one interaction schema for each use case."""

import json
from pathlib import Path

from engage_codegen.sandbox.api.request_body import decode_object
from engage_codegen.sandbox.api.schema_rules import read_schema
from engage_codegen.sandbox.options import Options
from engage_codegen.sandbox.store.contacts import StoredContact
from engage_codegen.sandbox.store.tenant import Tenant

_FOLDER = Path(__file__).parent
SCHEMAS, CONTRACTS = _FOLDER / "schemas", _FOLDER / "contracts"


def seed_tenant(tenant: Tenant) -> None:
    """Add the contacts of `contacts.json` and the schemas in `schemas/`."""
    contacts: list[dict[str, str]] = json.loads((_FOLDER / "contacts.json").read_bytes())
    for fields in contacts:
        created = fields.pop("created")
        tenant.contacts.add(StoredContact(**fields), created)
    for path in sorted(SCHEMAS.glob("*.json")):
        schema = read_schema(decode_object(path.read_bytes()), Options())
        tenant.add_schema(schema.id, schema.display_name, schema.json_schema)
