"""The endpoints: each asks the rules, tells the store, and answers."""

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Annotated, TypeAlias
from urllib.parse import urlencode
from uuid import uuid4

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.security import APIKeyHeader
from pydantic.json_schema import SkipJsonSchema

from engage_codegen.sandbox.api import arrivals, models
from engage_codegen.sandbox.api.rules import (
    AcceptedInteraction,
    ProposedInteraction,
    bad_key,
    judge_interaction,
    not_enabled,
    not_found,
    read_interaction,
    require_json,
    too_many,
)
from engage_codegen.sandbox.api.schema_rules import read_schema, require_room
from engage_codegen.sandbox.dates import wire_date
from engage_codegen.sandbox.marketing import automations
from engage_codegen.sandbox.options import Broken, Options, Order, Precision, Shown
from engage_codegen.sandbox.platform import Platform
from engage_codegen.sandbox.store.paging import (
    BEFORE_THE_FIRST,
    BEFORE_THE_NEWEST,
    PAGE_SIZE,
    position_of,
    token_of,
)
from engage_codegen.sandbox.store.tenant import StoredInteraction, Tenant
from engage_codegen.sandbox.wire import Refusal, decode_object

_log = logging.getLogger(__name__)


def platform_of(request: Request) -> Platform:
    """The running sandbox that a request came to."""
    platform: Platform = request.app.state.platform
    return platform


_KEY = APIKeyHeader(
    name="apikey", scheme_name="apikey", description="The key of a tenant", auto_error=False
)


async def _admit(
    request: Request,
    platform: Annotated[Platform, Depends(platform_of)],
    key: Annotated[str | None, Depends(_KEY)],
) -> bytes:
    """The body of a request that may pass; of one that may not, it is in the request's state."""
    request.state.body = body = await request.body()
    if key is None or not platform.store.has_key(key):
        raise bad_key()
    if not platform.rate_limit.admits(key, platform.options.rate_limit):
        raise too_many()
    if not platform.options.feature_enabled:
        raise not_enabled()
    require_json(request.headers.get("content-type"), body)
    return body


Here = Annotated[Platform, Depends(platform_of)]
_Body = Annotated[bytes, Depends(_admit)]
_Created: TypeAlias = models.InteractionCreated | models.NothingCreated
api = APIRouter(dependencies=[Depends(_admit)], responses=models.errors(401, 403, 429, 500))


@api.get("/interactionschemas")
def list_schemas(here: Here) -> list[models.SchemaSummary]:
    with here.store.transaction() as tenant:
        schemas = tenant.schemas()
    return [models.SchemaSummary(id=it.id, display_name=it.display_name) for it in schemas]


@api.post(
    "/interactionschemas",
    openapi_extra=models.request_body(models.SchemaRequest),
    responses=models.created(models.SchemaCreated, 400, 409),
)
def create_schema(
    request: Request, response: Response, here: Here, body: _Body
) -> models.SchemaCreated:
    proposed = read_schema(decode_object(body), here.options)
    with here.store.transaction() as tenant:
        require_room(proposed.id, [schema.id for schema in tenant.schemas()])
        tenant.add_schema(proposed.id, proposed.display_name, proposed.json_schema)
    _warn(f"schema {proposed.id}", proposed.warnings)
    href = f"{_base(request)}/interactionschemas/{proposed.id}"
    created = _date(wire_date(here.clock.now()), here.options)
    response.status_code = here.options.create_status
    return models.SchemaCreated(id=proposed.id, self_=models.SchemaSelf(href=href, created=created))


@api.get("/interactionschemas/{schema_id}", responses=models.errors(404))
def get_schema(schema_id: str, here: Here) -> models.InteractionSchema:
    with here.store.transaction() as tenant:
        schema = tenant.schema(schema_id)
    if schema is None:
        raise not_found("Schema", schema_id)
    return models.InteractionSchema(
        id=schema.id, display_name=schema.display_name, json_schema=schema.json_schema
    )


@api.delete(
    "/interactionschemas/{schema_id}", response_class=Response, responses=models.deleted(404)
)
def delete_schema(schema_id: str, here: Here) -> Response:
    """Every interaction under it is deleted with it."""
    with here.store.transaction() as tenant:
        if not tenant.delete_schema(schema_id):
            raise not_found("Schema", schema_id)
    return Response(status_code=here.options.delete_status)


@api.get("/interactions", responses=models.errors(400, 404))
def list_interactions(
    request: Request,
    here: Here,
    contact_id: Annotated[str, Query(alias="contactId")],
    schema_id: Annotated[str, Query(alias="schemaId")],
    continuation: str | SkipJsonSchema[None] = None,
) -> models.InteractionPage:
    """50 at a time, newest first or shuffled."""
    options = here.options
    after = None if continuation is None else position_of(continuation)
    until = wire_date(here.clock.now() - timedelta(seconds=options.list_lag_seconds))
    with here.store.transaction() as tenant:
        if not tenant.has_contact(contact_id):
            raise not_found("Contact", contact_id)
        if tenant.schema(schema_id) is None:
            raise not_found("Schema", schema_id)
        if options.list_order is Order.SHUFFLED:
            start = (after or BEFORE_THE_FIRST)[0]
            found = tenant.shuffled(contact_id, schema_id, start, until, PAGE_SIZE + 1)
        else:
            place = after or BEFORE_THE_NEWEST
            found = tenant.interactions(contact_id, schema_id, place, until, PAGE_SIZE + 1)
        page = found[:PAGE_SIZE]
        items = [_interaction(it, tenant, options) for it in page]
    links = [_next_link(request, page[-1], options)] if len(found) > PAGE_SIZE else []
    return models.InteractionPage(items=items, links=links)


@api.post(
    "/interactions",
    openapi_extra=models.request_body(models.InteractionRequest),
    responses=models.created(_Created, 400, 404),
)
def create_interaction(request: Request, response: Response, here: Here, body: _Body) -> _Created:
    """Properties that do not fit the schema are left out without an error: /_sandbox/arrivals."""
    now = here.clock.now()
    proposed = read_interaction(decode_object(body))
    response.status_code = here.options.create_status
    with here.store.transaction() as tenant:
        try:
            accepted = _judged(proposed, tenant, now, here.options)
        except Refusal as refusal:
            if (
                refusal.code != "InvalidInteraction"
                or here.options.broken_interaction is Broken.REJECT
            ):
                raise
            tenant.log_arrival(arrivals.ignored(refusal, now, body))
            if here.options.broken_interaction is Broken.IGNORE_WITHOUT_ID:
                return models.NothingCreated()
            return _created(
                request, proposed.contact_id, str(uuid4()), _date(wire_date(now), here.options)
            )
        interaction_id = tenant.add_interaction(
            proposed.contact_id,
            proposed.schema_id,
            accepted.created_date,
            accepted.payload,
            wire_date(now),
        )
        tenant.log_arrival(arrivals.stored(accepted, interaction_id, now, body))
        calls: list[automations.Call] = []
        if stored := tenant.interaction(interaction_id):
            first = here.options.automation_trigger
            calls = automations.set_off(tenant, stored, wire_date(now), first)
    here.webhooks.add(calls)
    dropped = [f"property {it.name!r} was dropped: {it.reason}" for it in accepted.dropped]
    _warn(f"interaction {interaction_id}", [*accepted.warnings, *dropped])
    date = _date(accepted.created_date, here.options)
    return _created(request, proposed.contact_id, interaction_id, date)


@api.get("/interactions/{interaction_id}", responses=models.errors(404))
def get_interaction(interaction_id: str, here: Here) -> models.Interaction:
    with here.store.transaction() as tenant:
        stored = tenant.interaction(interaction_id)
        if stored is None:
            raise not_found("Interaction", interaction_id)
        return _interaction(stored, tenant, here.options)


@api.delete(
    "/interactions/{interaction_id}", response_class=Response, responses=models.deleted(404)
)
def delete_interaction(interaction_id: str, here: Here) -> Response:
    with here.store.transaction() as tenant:
        if not tenant.delete_interaction(interaction_id):
            raise not_found("Interaction", interaction_id)
    return Response(status_code=here.options.delete_status)


def _judged(
    proposed: ProposedInteraction, tenant: Tenant, now: datetime, options: Options
) -> AcceptedInteraction:
    schema = tenant.schema(proposed.schema_id)
    return judge_interaction(
        proposed,
        contact_exists=tenant.has_contact(proposed.contact_id),
        json_schema=None if schema is None else schema.json_schema,
        now=now,
        options=options,
    )


def _created(
    request: Request, contact_id: str, interaction_id: str, date: str
) -> models.InteractionCreated:
    href = f"{_base(request)}/interactions/{interaction_id}"
    itself = models.InteractionSelf(contact_id=contact_id, href=href, created=date)
    return models.InteractionCreated(id=interaction_id, self_=itself)


def _interaction(stored: StoredInteraction, tenant: Tenant, options: Options) -> models.Interaction:
    payload = stored.payload
    if options.read_back is Shown.EVERYTHING:
        payload = payload | {lost.name: lost.value for lost in tenant.blobs(stored.id)}
    return models.Interaction(
        id=stored.id,
        contact_id=stored.contact_id,
        schema_id=stored.schema_id,
        created_date=_date(stored.created_date, options),
        payload=payload,
    )


def _date(text: str, options: Options) -> str:
    is_precise = options.date_precision is Precision.MILLISECONDS
    return text if is_precise else f"{text.partition('.')[0]}Z"


def _next_link(request: Request, last: StoredInteraction, options: Options) -> models.Link:
    is_shuffled = options.list_order is Order.SHUFFLED
    place = (last.id, 0) if is_shuffled else (last.created_date, last.seq)
    query = urlencode(
        {
            "contactId": last.contact_id,
            "schemaId": last.schema_id,
            "continuation": token_of(place),
        }
    )
    return models.Link(
        href=f"{_base(request)}/interactions?{query}", method="GET", rel=options.next_rel
    )


def _base(request: Request) -> str:
    """`/api/v2` or `/api/v3`. From the path: a URL would be built from a hostile Host header."""
    path: str = request.scope["path"]
    return "/".join(path.split("/")[:3])


def _warn(subject: str, warnings: Iterable[str]) -> None:
    for warning in warnings:
        _log.warning("%s: %s", subject, warning)
