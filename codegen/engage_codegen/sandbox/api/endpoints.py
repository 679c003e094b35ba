"""The endpoints of the interactions API."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated, TypeAlias
from uuid import uuid4

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic.json_schema import SkipJsonSchema

from engage_codegen.sandbox.api import arrival_records, models, responses
from engage_codegen.sandbox.api.admission import admit_to_interactions
from engage_codegen.sandbox.api.contact_endpoints import find_contact_id
from engage_codegen.sandbox.api.formats import format_response_date
from engage_codegen.sandbox.api.pages import Listing, token_name_of
from engage_codegen.sandbox.api.request_body import decode_object
from engage_codegen.sandbox.api.rules import (
    AcceptedInteraction,
    ProposedInteraction,
    check_interaction,
    read_interaction,
)
from engage_codegen.sandbox.api.schema_rules import read_schema, require_free_id
from engage_codegen.sandbox.dates import format_date
from engage_codegen.sandbox.errors import ApiError, not_found
from engage_codegen.sandbox.marketing import automations
from engage_codegen.sandbox.openapi import describe_errors
from engage_codegen.sandbox.options import BrokenInteraction, DeletedContactInteractions, Options
from engage_codegen.sandbox.state import State
from engage_codegen.sandbox.store.paging import decode_token
from engage_codegen.sandbox.store.records import Violation
from engage_codegen.sandbox.store.tenant import Tenant

_log = logging.getLogger(__name__)
_Body = Annotated[bytes, Depends(admit_to_interactions)]
_Created: TypeAlias = models.InteractionCreated | models.NothingCreated
api = APIRouter(
    dependencies=[Depends(admit_to_interactions)], responses=describe_errors(401, 403, 429, 500)
)


@api.get("/interactionschemas")
def list_schemas(state: State) -> list[models.SchemaSummary]:
    """List all interaction schemas, without their JSON schemas."""
    with state.store.transaction() as tenant:
        schemas = tenant.list_schemas()
    return [
        models.SchemaSummary(id=schema.id, display_name=schema.display_name) for schema in schemas
    ]


@api.post(
    "/interactionschemas",
    openapi_extra=models.describe_request(models.SchemaRequest),
    responses=models.describe_create(models.SchemaCreated, 400, 409, 422),
)
def create_schema(
    request: Request, response: Response, state: State, body: _Body
) -> models.SchemaCreated:
    """Create an interaction schema. It cannot be changed afterwards."""
    proposed = read_schema(decode_object(body), state.options)
    with state.store.transaction() as tenant:
        require_free_id(proposed.id, [schema.id for schema in tenant.list_schemas()])
        tenant.add_schema(proposed.id, proposed.display_name, proposed.json_schema)
    _log_warnings(f"schema {proposed.id}", proposed.warnings)
    href = f"{responses.get_base(request)}/interactionschemas/{proposed.id}"
    created = format_response_date(format_date(state.clock.now()), state.options)
    response.status_code = state.options.create_status
    return models.SchemaCreated(id=proposed.id, self_=models.SchemaSelf(href=href, created=created))


@api.get("/interactionschemas/{schema_id}", responses=describe_errors(404))
def get_schema(schema_id: str, state: State) -> models.InteractionSchema:
    """Return an interaction schema."""
    with state.store.transaction() as tenant:
        schema = tenant.get_schema(schema_id)
    if schema is None:
        raise not_found("Schema", schema_id)
    return models.InteractionSchema(
        id=schema.id, display_name=schema.display_name, json_schema=schema.json_schema
    )


@api.delete(
    "/interactionschemas/{schema_id}",
    response_class=Response,
    responses=models.describe_delete(404),
)
def delete_schema(schema_id: str, state: State) -> Response:
    """Delete an interaction schema and all its interactions."""
    with state.store.transaction() as tenant:
        if not tenant.delete_schema(schema_id):
            raise not_found("Schema", schema_id)
    return Response(status_code=state.options.delete_status)


@api.get(
    "/interactions", response_model=models.InteractionPage, responses=describe_errors(400, 404, 422)
)
def list_interactions(
    request: Request,
    state: State,
    contact_id: Annotated[str, Query(alias="contactId")],
    schema_id: Annotated[str, Query(alias="schemaId")],
    continuation: str | SkipJsonSchema[None] = None,
) -> Response:
    """List the interactions of a contact and a schema: 50 on a page, newest first or shuffled."""
    options = state.options
    token = request.query_params.get(token_name_of(options), continuation)
    after = None if token is None else decode_token(token)
    until = format_date(state.clock.now() - timedelta(seconds=options.list_lag_seconds))
    with state.store.transaction() as tenant:
        contact_id = _require_contact(tenant, contact_id, options)
        if tenant.get_schema(schema_id) is None:
            raise not_found("Schema", schema_id)
        address = f"{responses.get_base(request)}/interactions"
        listing = Listing(tenant, options, address, contact_id, schema_id, until)
        page, links = listing.read_page(after)
        items = [responses.describe_interaction(item, tenant, options) for item in page]
    rendered = [item.model_dump(by_alias=True) for item in items]
    return JSONResponse({"items": rendered, **listing.write_links(links)})


def _require_contact(tenant: Tenant, contact_id: str, options: Options) -> str:
    """Return the id of a contact whose interactions can be read; it may have been deleted."""
    keeps = options.deleted_contact_interactions is DeletedContactInteractions.KEEP
    existing_id = find_contact_id(tenant, contact_id, options, or_deleted=keeps)
    if existing_id is None:
        raise not_found("Contact", contact_id)
    return existing_id


@api.post(
    "/interactions",
    openapi_extra=models.describe_request(models.InteractionRequest),
    responses=models.describe_create(_Created, 400, 404, 422),
)
def create_interaction(request: Request, response: Response, state: State, body: _Body) -> _Created:
    """Store an interaction.

    Properties that do not match the schema are dropped without an error; `/_sandbox/arrivals`
    shows them.
    """
    now = state.clock.now()
    proposed = read_interaction(decode_object(body))
    response.status_code = state.options.create_status
    calls: Sequence[automations.Call] = ()
    with state.store.transaction() as tenant:
        contact_id = find_contact_id(tenant, proposed.contact_id, state.options)
        proposed = replace(proposed, contact_id=contact_id or proposed.contact_id)
        try:
            accepted = _check(proposed, tenant, now, state.options)
        except ApiError as error:
            if error.code != "InvalidInteraction" or (
                state.options.broken_interaction is BrokenInteraction.REJECT
            ):
                raise
            tenant.arrivals.add(arrival_records.describe_ignored(error, now, body))
            return _answer_ignored(request, proposed, now, state.options)
        interaction_id, calls = _store(tenant, proposed, accepted, now, state.options)
        arrival = arrival_records.describe_stored(proposed, accepted, interaction_id, now, body)
        tenant.arrivals.add(arrival)
    state.webhooks.add(calls)
    _log_warnings(f"interaction {interaction_id}", accepted.warnings)
    _log_dropped(interaction_id, accepted)
    date = format_response_date(accepted.created_date, state.options)
    return responses.describe_created(request, proposed.contact_id, interaction_id, date)


def _check(
    proposed: ProposedInteraction, tenant: Tenant, now: datetime, options: Options
) -> AcceptedInteraction:
    schema = tenant.get_schema(proposed.schema_id)
    return check_interaction(
        proposed,
        contact_exists=tenant.contacts.exists(proposed.contact_id),
        json_schema=None if schema is None else schema.json_schema,
        now=now,
        options=options,
    )


def _store(
    tenant: Tenant,
    proposed: ProposedInteraction,
    accepted: AcceptedInteraction,
    now: datetime,
    options: Options,
) -> tuple[str, list[automations.Call]]:
    """Store an interaction and run automations; return its id and the webhooks to call."""
    arrived = format_date(now)
    interaction_id = tenant.add_interaction(
        proposed.contact_id, proposed.schema_id, accepted.created_date, accepted.payload, arrived
    )
    stored = tenant.get_interaction(interaction_id)
    if stored is None:
        raise RuntimeError(f"interaction {interaction_id} was not stored")
    return interaction_id, automations.run(tenant, stored, arrived, options.automation_trigger)


def _answer_ignored(
    request: Request, proposed: ProposedInteraction, now: datetime, options: Options
) -> _Created:
    if options.broken_interaction is BrokenInteraction.IGNORE_WITHOUT_ID:
        return models.NothingCreated()
    date = format_response_date(format_date(now), options)
    return responses.describe_created(request, proposed.contact_id, str(uuid4()), date)


@api.get("/interactions/{interaction_id}", responses=describe_errors(404))
def get_interaction(interaction_id: str, state: State) -> models.Interaction:
    """Return an interaction."""
    with state.store.transaction() as tenant:
        stored = tenant.get_interaction(interaction_id)
        if stored is None:
            raise not_found("Interaction", interaction_id)
        return responses.describe_interaction(stored, tenant, state.options)


@api.delete(
    "/interactions/{interaction_id}",
    response_class=Response,
    responses=models.describe_delete(404),
)
def delete_interaction(interaction_id: str, state: State) -> Response:
    """Delete an interaction."""
    with state.store.transaction() as tenant:
        if not tenant.delete_interaction(interaction_id):
            raise not_found("Interaction", interaction_id)
    return Response(status_code=state.options.delete_status)


def _log_warnings(subject: str, warnings: Iterable[Violation]) -> None:
    for warning in warnings:
        facts = {"rules": (warning.rule,), "pointer": warning.pointer}
        _log.warning("%s: %s", subject, warning.message, extra=facts)


def _log_dropped(interaction_id: str, accepted: AcceptedInteraction) -> None:
    for dropped in accepted.dropped:
        facts = {"rules": dropped.rules, "dropped": dropped.name}
        message = "interaction %s: property %r was dropped because it %s"
        _log.warning(message, interaction_id, dropped.name, dropped.reason, extra=facts)
