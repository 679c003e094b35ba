"""The response bodies of the interactions API, built from stored records."""

from fastapi import Request

from engage_codegen.sandbox.api import models
from engage_codegen.sandbox.api.formats import format_payload, format_response_date
from engage_codegen.sandbox.api.schema_rules import get_declarations
from engage_codegen.sandbox.options import Options, ReadBack
from engage_codegen.sandbox.store.records import StoredInteraction
from engage_codegen.sandbox.store.tenant import Tenant


def describe_created(
    request: Request, contact_id: str, interaction_id: str, date: str
) -> models.InteractionCreated:
    """Describe a new interaction; the date is its createdDate."""
    href = f"{get_base(request)}/interactions/{interaction_id}"
    details = models.InteractionSelf(contact_id=contact_id, href=href, created=date)
    return models.InteractionCreated(id=interaction_id, self_=details)


def describe_interaction(
    stored: StoredInteraction, tenant: Tenant, options: Options
) -> models.Interaction:
    """Describe a stored interaction in the format of the options."""
    payload = stored.payload
    if options.read_back is ReadBack.EVERYTHING:
        dropped_properties = tenant.arrivals.list_dropped(stored.id)
        payload = payload | {dropped.name: dropped.value for dropped in dropped_properties}
    schema = tenant.get_schema(stored.schema_id)
    declarations = {} if schema is None else get_declarations(schema.json_schema)
    return models.Interaction(
        id=stored.id,
        contact_id=stored.contact_id,
        schema_id=stored.schema_id,
        created_date=format_response_date(stored.created_date, options),
        payload=format_payload(payload, declarations, options),
    )


def get_base(request: Request) -> str:
    """Return `/api/v2` or `/api/v3`, from the path: the Host header of a URL may be hostile."""
    path: str = request.scope["path"]
    return "/".join(path.split("/")[:3])
