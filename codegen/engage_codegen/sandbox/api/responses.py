"""The response bodies of the interactions API, built from stored records."""

from urllib.parse import urlencode

from fastapi import Request

from engage_codegen.sandbox.api import models
from engage_codegen.sandbox.options import DatePrecision, ListOrder, Options, ReadBack
from engage_codegen.sandbox.store.paging import encode_token
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
    """Describe a stored interaction, with dropped properties if the options say so."""
    payload = stored.payload
    if options.read_back is ReadBack.EVERYTHING:
        dropped_properties = tenant.list_dropped(stored.id)
        payload = payload | {dropped.name: dropped.value for dropped in dropped_properties}
    return models.Interaction(
        id=stored.id,
        contact_id=stored.contact_id,
        schema_id=stored.schema_id,
        created_date=round_date(stored.created_date, options),
        payload=payload,
    )


def round_date(text: str, options: Options) -> str:
    """Round a stored date to the precision of the options."""
    is_precise = options.date_precision is DatePrecision.MILLISECONDS
    return text if is_precise else f"{text.partition('.')[0]}Z"


def build_next_link(request: Request, last: StoredInteraction, options: Options) -> models.Link:
    """Link to the page that starts after `last`."""
    is_shuffled = options.list_order is ListOrder.SHUFFLED
    position = (last.id, 0) if is_shuffled else (last.created_date, last.seq)
    query = urlencode(
        {
            "contactId": last.contact_id,
            "schemaId": last.schema_id,
            "continuation": encode_token(position),
        }
    )
    return models.Link(
        href=f"{get_base(request)}/interactions?{query}", method="GET", rel=options.next_rel
    )


def get_base(request: Request) -> str:
    """Return `/api/v2` or `/api/v3`, from the path: the Host header of a URL may be hostile."""
    path: str = request.scope["path"]
    return "/".join(path.split("/")[:3])
