"""The endpoints: each asks the rules, tells the store, and answers."""

import logging
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.security import APIKeyHeader
from pydantic import BaseModel

from engage_codegen.sandbox import models
from engage_codegen.sandbox.dates import wire_date
from engage_codegen.sandbox.paging import BEFORE_THE_NEWEST, PAGE_SIZE, position_of, token_of
from engage_codegen.sandbox.rules import (
    judge_interaction,
    not_found,
    read_interaction,
    require_json,
    require_key,
)
from engage_codegen.sandbox.schema_rules import read_schema, require_room
from engage_codegen.sandbox.store import Arrival, Store, StoredInteraction
from engage_codegen.sandbox.wire import decode_object

_log = logging.getLogger(__name__)


def _store(request: Request) -> Store:
    store: Store = request.app.state.store
    return store


async def _admit(
    request: Request,
    key: Annotated[str | None, Depends(APIKeyHeader(name="apikey", auto_error=False))],
) -> bytes:
    """The body of a request that may pass; of one that may not, it is in the request's state."""
    request.state.body = body = await request.body()
    require_key(key, request.app.state.api_key)
    require_json(request.headers.get("content-type"), body)
    return body


def _request_body(model: type[BaseModel]) -> dict[str, Any]:
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
    del schema["$defs"]  # JsonValue only, which the answers bring into the components as well
    content = {"application/json": {"schema": schema}}
    return {"requestBody": {"required": True, "content": content}}


_StoreHere = Annotated[Store, Depends(_store)]
_Body = Annotated[bytes, Depends(_admit)]
api = APIRouter(
    dependencies=[Depends(_admit)],
    responses={"default": {"model": models.Error, "description": "Any error"}},
)
inspection = APIRouter()


@api.get("/interactionschemas")
def list_schemas(store: _StoreHere) -> list[models.SchemaSummary]:
    with store.transaction() as tenant:
        schemas = tenant.schemas()
    return [models.SchemaSummary(id=it.id, display_name=it.display_name) for it in schemas]


@api.post("/interactionschemas", openapi_extra=_request_body(models.SchemaRequest))
def create_schema(request: Request, store: _StoreHere, body: _Body) -> models.SchemaCreated:
    proposed = read_schema(decode_object(body))
    with store.transaction() as tenant:
        require_room(proposed.id, [schema.id for schema in tenant.schemas()])
        tenant.add_schema(proposed.id, proposed.display_name, proposed.json_schema)
    _warn(f"schema {proposed.id}", proposed.warnings)
    href = f"{_base(request)}/interactionschemas/{proposed.id}"
    created = wire_date(datetime.now(UTC))
    return models.SchemaCreated(id=proposed.id, self_=models.SchemaSelf(href=href, created=created))


@api.get("/interactionschemas/{schema_id}")
def get_schema(schema_id: str, store: _StoreHere) -> models.InteractionSchema:
    with store.transaction() as tenant:
        schema = tenant.schema(schema_id)
    if schema is None:
        raise not_found("Schema", schema_id)
    return models.InteractionSchema(
        id=schema.id, display_name=schema.display_name, json_schema=schema.json_schema
    )


@api.delete("/interactionschemas/{schema_id}", response_class=Response)
def delete_schema(schema_id: str, store: _StoreHere) -> None:
    """Every interaction under it is deleted with it."""
    with store.transaction() as tenant:
        if not tenant.delete_schema(schema_id):
            raise not_found("Schema", schema_id)


@api.get("/interactions")
def list_interactions(
    request: Request,
    store: _StoreHere,
    contact_id: Annotated[str, Query(alias="contactId")],
    schema_id: Annotated[str, Query(alias="schemaId")],
    continuation: str | None = None,
) -> models.InteractionPage:
    """Newest first, 50 at a time."""
    after = BEFORE_THE_NEWEST if continuation is None else position_of(continuation)
    with store.transaction() as tenant:
        if not tenant.has_contact(contact_id):
            raise not_found("Contact", contact_id)
        if tenant.schema(schema_id) is None:
            raise not_found("Schema", schema_id)
        found = tenant.interactions(contact_id, schema_id, after, PAGE_SIZE + 1)
    page = found[:PAGE_SIZE]
    links = [_next_link(request, page[-1])] if len(found) > PAGE_SIZE else []
    return models.InteractionPage(items=list(map(_interaction, page)), links=links)


@api.post("/interactions", openapi_extra=_request_body(models.InteractionRequest))
def create_interaction(
    request: Request, store: _StoreHere, body: _Body
) -> models.InteractionCreated:
    """Properties that do not fit the schema are left out without an error: /_sandbox/lost."""
    now = datetime.now(UTC)
    proposed = read_interaction(decode_object(body))
    with store.transaction() as tenant:
        schema = tenant.schema(proposed.schema_id)
        accepted = judge_interaction(
            proposed,
            contact_exists=tenant.has_contact(proposed.contact_id),
            json_schema=None if schema is None else schema.json_schema,
            now=now,
        )
        interaction_id = tenant.add_interaction(
            proposed.contact_id, proposed.schema_id, accepted.created_date, accepted.payload
        )
        if accepted.dropped:
            arrival = Arrival(wire_date(now), interaction_id, None, (), accepted.dropped, body)
            tenant.log_arrival(arrival)
    dropped = [f"property {it.name!r} was dropped: {it.reason}" for it in accepted.dropped]
    _warn(f"interaction {interaction_id}", [*accepted.warnings, *dropped])
    created = models.InteractionSelf(
        contact_id=proposed.contact_id,
        href=f"{_base(request)}/interactions/{interaction_id}",
        created=accepted.created_date,
    )
    return models.InteractionCreated(id=interaction_id, self_=created)


@api.get("/interactions/{interaction_id}")
def get_interaction(interaction_id: str, store: _StoreHere) -> models.Interaction:
    with store.transaction() as tenant:
        stored = tenant.interaction(interaction_id)
    if stored is None:
        raise not_found("Interaction", interaction_id)
    return _interaction(stored)


@api.delete("/interactions/{interaction_id}", response_class=Response)
def delete_interaction(interaction_id: str, store: _StoreHere) -> None:
    with store.transaction() as tenant:
        if not tenant.delete_interaction(interaction_id):
            raise not_found("Interaction", interaction_id)


@inspection.get("/contacts")
def list_contacts(store: _StoreHere) -> list[models.Contact]:
    """The contacts that interactions may be about."""
    with store.transaction() as tenant:
        return [models.Contact(id=known, name=name) for known, name in tenant.contacts()]


@inspection.get("/lost")
def list_lost(store: _StoreHere) -> list[models.Lost]:
    """Interactions that were refused, or stored without some of their properties; newest first."""
    with store.transaction() as tenant:
        return list(map(_lost, tenant.arrivals()))


def _lost(arrival: Arrival) -> models.Lost:
    return models.Lost(
        arrived=arrival.arrived,
        outcome="dropped" if arrival.error_code is None else "refused",
        interaction_id=arrival.interaction_id,
        error_code=arrival.error_code,
        reasons=list(arrival.reasons),
        dropped=[
            models.DroppedProperty(name=it.name, value=it.value, reason=it.reason)
            for it in arrival.dropped
        ],
        body=arrival.body.decode("utf-8", errors="replace"),
    )


def _interaction(stored: StoredInteraction) -> models.Interaction:
    return models.Interaction(
        id=stored.id,
        contact_id=stored.contact_id,
        schema_id=stored.schema_id,
        created_date=stored.created_date,
        payload=stored.payload,
    )


def _next_link(request: Request, last: StoredInteraction) -> models.Link:
    query = urlencode(
        {
            "contactId": last.contact_id,
            "schemaId": last.schema_id,
            "continuation": token_of((last.created_date, last.seq)),
        }
    )
    return models.Link(href=f"{_base(request)}/interactions?{query}", method="GET", rel="next")


def _base(request: Request) -> str:
    """`/api/v2` or `/api/v3`. From the path: a URL would be built from a hostile Host header."""
    path: str = request.scope["path"]
    return "/".join(path.split("/")[:3])


def _warn(subject: str, warnings: Iterable[str]) -> None:
    for warning in warnings:
        _log.warning("%s: %s", subject, warning)
