"""The template variables of the page about dropped data: groups, filters and interactions."""

from engage_codegen.sandbox.state import SandboxState
from engage_codegen.sandbox.store.arrivals import ArrivalFilter
from engage_codegen.sandbox.store.records import Arrival
from engage_codegen.sandbox.ui.query import MAX_NUMBER, Query, Values, build_link, read_number
from engage_codegen.sandbox.ui.views import PAGE_SIZE

_MAX_GROUPS = 50
_MAX_BODY_BYTES = 5_000
_FILTERS = ("outcome", "schema", "contact", "cause")


def view_dropped(state: SandboxState, query: Query) -> Values:
    """Group and list the arrivals that were not stored with all their properties.

    The query can filter them by outcome, schema, contact and cause.
    """
    before = read_number(query, "before") or MAX_NUMBER
    filters = {name: value for name in _FILTERS if (value := query.get(name, "").strip())}
    chosen = ArrivalFilter(*(filters.get(name) for name in _FILTERS))
    with state.store.transaction() as tenant:
        groups = tenant.arrivals.list_groups(chosen, _MAX_GROUPS + 1)
        arrivals = tenant.arrivals.list_incomplete(chosen, before=before, limit=PAGE_SIZE + 1)
        total = tenant.arrivals.count_incomplete(chosen)
        schema_ids = tenant.arrivals.list_incomplete_schemas()
        titles = {schema.id: schema.display_name for schema in tenant.list_schemas()}
        page = arrivals[:PAGE_SIZE]
        contacts = {
            arrival.contact_id: contact.name or contact.id
            for arrival in page
            if arrival.contact_id and (contact := tenant.contacts.get(arrival.contact_id))
        }
    next_link = ""
    if len(arrivals) > PAGE_SIZE:
        next_link = build_link({**filters, "before": str(page[-1].seq)})
    return {
        "groups": [
            (
                group,
                build_link(
                    {
                        **filters,
                        "outcome": group.outcome,
                        "schema": group.schema_id,
                        "cause": group.cause,
                    }
                ),
            )
            for group in groups[:_MAX_GROUPS]
        ],
        "has_more_groups": len(groups) > _MAX_GROUPS,
        "arrivals": page,
        "total": total,
        "filters": filters,
        "schema_ids": schema_ids,
        "titles": titles,
        "contacts": contacts,
        "bodies": {arrival.seq: _shorten(arrival) for arrival in page},
        "next_link": next_link,
    }


def _shorten(arrival: Arrival) -> str:
    text = arrival.body[:_MAX_BODY_BYTES].decode("utf-8", "replace")
    remaining = arrival.body_size - _MAX_BODY_BYTES
    return text if remaining <= 0 else f"{text}\n… and {remaining:,} more bytes"
