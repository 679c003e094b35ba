"""The control API for tests: `/_sandbox/…`, without a key."""

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from engage_codegen.sandbox.control import models
from engage_codegen.sandbox.dates import format_date
from engage_codegen.sandbox.errors import malformed, not_found
from engage_codegen.sandbox.openapi import describe_errors, validate_strictly
from engage_codegen.sandbox.options import DeletedContactInteractions, Options
from engage_codegen.sandbox.state import SandboxState, State

_Options = Annotated[models.OptionsChange, validate_strictly(models.OptionsChange)]
_Contact = Annotated[models.Contact, validate_strictly(models.Contact)]
_ContactChange = Annotated[models.ContactChange, validate_strictly(models.ContactChange)]
_Key = Annotated[models.ApiKey, validate_strictly(models.ApiKey)]
_Faults = Annotated[
    models.FaultRequest | list[models.FaultRequest], validate_strictly(models.FaultRequest)
]
_ClockChange = Annotated[models.ClockChange, validate_strictly(models.ClockChange)]
control = APIRouter(prefix="/_sandbox", responses=describe_errors(500))


@control.get("/health")
def get_health(state: State) -> models.Health:
    """Answer as soon as the sandbox works: it accepts requests and can read its database."""
    with state.store.transaction() as tenant:
        tenant.contacts.count()
    return models.Health(status="ok")


@control.post("/reset", status_code=204, response_class=Response)
def reset(state: State) -> None:
    """Return to the initial state."""
    state.reset()


@control.get("/options")
def get_options(state: State) -> Options:
    """Return the options: the answers to the open questions about the platform."""
    return state.options


@control.patch("/options", responses=describe_errors(400))
def change_options(changes: _Options, state: State) -> Options:
    """Change some options; the others keep their values."""
    state.options = state.options.model_copy(update=changes.model_dump(exclude_unset=True))
    return state.options


@control.get("/contacts", response_model_exclude_none=True)
def list_contacts(state: State) -> list[models.Contact]:
    """List the contacts that interactions can belong to."""
    with state.store.transaction() as tenant:
        return list(map(models.Contact.describe, tenant.contacts.list_all()))


@control.post(
    "/contacts",
    status_code=201,
    response_model_exclude_none=True,
    responses=describe_errors(400),
)
def add_contact(contact: _Contact, state: State) -> models.Contact:
    """Add a contact with an id that was never used."""
    with state.store.transaction() as tenant:
        if tenant.contacts.exists(contact.id, or_deleted=True):
            message = f"a contact with the id {contact.id!r} already exists, or was deleted"
            raise malformed("unique", message, "/id")
        tenant.contacts.add(contact.to_stored(), format_date(state.clock.now()))
    return contact


@control.patch(
    "/contacts/{contact_id}",
    response_model_exclude_none=True,
    responses=describe_errors(400, 404),
)
def change_contact(contact_id: str, changes: _ContactChange, state: State) -> models.Contact:
    """Change some fields of a contact; the others keep their values."""
    with state.store.transaction() as tenant:
        contact = tenant.contacts.get(contact_id)
        if contact is None:
            raise not_found("Contact", contact_id)
        contact = changes.apply(contact)
        tenant.contacts.replace(contact, format_date(state.clock.now()))
    return models.Contact.describe(contact)


@control.delete(
    "/contacts/{contact_id}",
    status_code=204,
    response_class=Response,
    responses=describe_errors(404),
)
def delete_contact(contact_id: str, state: State) -> None:
    """Delete a contact. The option deleted-contact-interactions decides on its interactions."""
    rule = state.options.deleted_contact_interactions
    with_interactions = rule is DeletedContactInteractions.DELETE
    now = format_date(state.clock.now())
    with state.store.transaction() as tenant:
        if not tenant.contacts.delete(contact_id, now, with_interactions=with_interactions):
            raise not_found("Contact", contact_id)


@control.get("/keys")
def list_keys(state: State) -> list[str]:
    """List the keys that the API accepts."""
    return state.store.list_keys()


@control.post("/keys", status_code=204, response_class=Response, responses=describe_errors(400))
def add_key(key: _Key, state: State) -> None:
    """Accept a key from now on."""
    state.store.add_key(key.key)


@control.delete(
    "/keys/{key}", status_code=204, response_class=Response, responses=describe_errors(404)
)
def revoke_key(key: str, state: State) -> None:
    """Answer requests with this key with 401 from now on."""
    if not state.store.delete_key(key):
        raise not_found("Key", key)


@control.get("/arrivals", responses=describe_errors(400))
def list_arrivals(
    state: State,
    incomplete: bool = False,
    before: Annotated[int, Field(ge=1, le=2**62)] | SkipJsonSchema[None] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> models.ArrivalPage:
    """List every POST of an interaction: its body, its outcome, and the dropped properties.

    With `incomplete`, list only the interactions that were ignored, refused, or stored without some
    of their properties.
    """
    with state.store.transaction() as tenant:
        list_all = tenant.arrivals.list_incomplete if incomplete else tenant.arrivals.list_all
        arrivals = list_all(before=before or 2**62, limit=limit + 1)
    page = arrivals[:limit]
    return models.ArrivalPage(
        items=list(map(models.ArrivalItem.describe, page)),
        before=page[-1].seq if len(arrivals) > limit else None,
    )


@control.get("/faults")
def list_faults(state: State) -> list[models.ActiveFault]:
    """List the active faults, oldest first."""
    return [
        models.ActiveFault(fault=fault, left=remaining) for fault, remaining in state.faults.list()
    ]


@control.post("/faults", status_code=204, response_class=Response, responses=describe_errors(400))
def add_faults(faults: _Faults, state: State) -> None:
    """Add one fault or a list of faults to the active ones."""
    for fault in faults if isinstance(faults, list) else [faults]:
        state.faults.add(fault)


@control.delete("/faults", status_code=204, response_class=Response)
def clear_faults(state: State) -> None:
    """Remove all faults."""
    state.faults.clear()


@control.get("/clock")
def get_clock(state: State) -> models.ClockTime:
    """Return the sandbox's current time."""
    return _read_clock(state)


@control.post("/clock", responses=describe_errors(400))
def change_clock(change: _ClockChange, state: State) -> models.ClockTime:
    """Freeze the clock, move it, or let it run on."""
    try:
        if change.freeze:
            state.clock.freeze(change.freeze if isinstance(change.freeze, datetime) else None)
        if change.move is not None:
            state.clock.move(timedelta(seconds=change.move))
        if change.run:
            state.clock.run()
    except OverflowError:
        message = "the clock cannot leave the years 1 to 9999"
        raise malformed("clock-range", message, "/move") from None
    return _read_clock(state)


def _read_clock(state: SandboxState) -> models.ClockTime:
    now = format_date(state.clock.now())
    return models.ClockTime(now=now, frozen=state.clock.is_frozen)


@control.get("/log")
def list_requests(state: State) -> list[models.LoggedRequestItem]:
    """List the last 10,000 requests to the API, oldest first."""
    return [
        models.LoggedRequestItem(
            number=request.number,
            arrived=request.arrived,
            method=request.method,
            path=request.path,
            query=request.query,
            status=request.status,
            fault=request.fault,
        )
        for request in state.log.list()
    ]


@control.delete("/log", status_code=204, response_class=Response)
def clear_log(state: State) -> None:
    """Clear the request log."""
    state.log.clear()
