"""The marketing API under `/_sandbox`: contact cards, segments and automations as JSON."""

import re
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic.json_schema import SkipJsonSchema

from engage_codegen.sandbox.errors import not_found
from engage_codegen.sandbox.marketing import automations, contact_cards, models, segments
from engage_codegen.sandbox.openapi import describe_errors, validate_strictly
from engage_codegen.sandbox.state import State
from engage_codegen.sandbox.store.paging import (
    BEFORE_THE_NEWEST,
    PAGE_SIZE,
    decode_token,
    encode_token,
)

_Segment = Annotated[models.SegmentRequest, validate_strictly(models.SegmentRequest)]
_Automation = Annotated[models.AutomationRequest, validate_strictly(models.AutomationRequest)]
marketing = APIRouter(prefix="/_sandbox", responses=describe_errors(500))


@marketing.get("/contacts/{contact_id}/interactions", responses=describe_errors(400, 404))
def get_card(
    contact_id: str,
    state: State,
    schema_id: Annotated[str | SkipJsonSchema[None], Query(alias="schemaId")] = None,
    continuation: str | SkipJsonSchema[None] = None,
) -> models.CardPage:
    """Return the tab Interactions of a contact card, optionally for one schema."""
    before = BEFORE_THE_NEWEST if continuation is None else decode_token(continuation)
    with state.store.transaction() as tenant:
        if not tenant.contacts.exists(contact_id):
            raise not_found("Contact", contact_id)
        entries = contact_cards.list_timeline(tenant, contact_id, schema_id, before, PAGE_SIZE + 1)
    page = entries[:PAGE_SIZE]
    has_more = len(entries) > PAGE_SIZE
    token = encode_token((page[-1].created_date, page[-1].seq)) if has_more else None
    return models.CardPage(items=list(map(models.CardEntryItem.describe, page)), continuation=token)


@marketing.post("/segments", responses=describe_errors(400, 404, 409))
def count_segment(
    request: _Segment,
    state: State,
    start: Annotated[int, Query(ge=0, le=models.MAX_INTEGER)] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 50,
) -> models.SegmentResult:
    """Find the contacts that meet all conditions. Nothing is stored."""
    conditions = [condition.to_condition() for condition in request.conditions]
    now = state.clock.now()
    with state.store.transaction() as tenant:
        segment = segments.count_segment(tenant, conditions, now, start=start, limit=limit)
    return models.SegmentResult(
        size=segment.size,
        members=[models.Member(id=key, name=name) for key, name in segment.members],
        months=[models.Month(month=month, interactions=count) for month, count in segment.months],
    )


@marketing.get("/automations")
def list_automations(state: State) -> list[models.AutomationItem]:
    """List the automations, oldest first."""
    with state.store.transaction() as tenant:
        return list(map(models.AutomationItem.describe, automations.list_all(tenant)))


@marketing.post("/automations", status_code=201, responses=describe_errors(400, 404, 409))
def add_automation(request: _Automation, state: State) -> models.AutomationItem:
    """Add an automation for interactions that arrive from now on."""
    automation = automations.Automation(
        id=0,
        name=request.name,
        schema_id=request.schema_id,
        property=request.property,
        value=request.value,
        url=request.url,
    )
    with state.store.transaction() as tenant:
        return models.AutomationItem.describe(automations.add(tenant, automation))


@marketing.delete(
    "/automations/{automation_id}",
    status_code=204,
    response_class=Response,
    responses=describe_errors(404),
)
def delete_automation(automation_id: str, state: State) -> None:
    """Delete an automation and its runs."""
    number = int(automation_id) if re.fullmatch("[0-9]{1,15}", automation_id) else 0
    with state.store.transaction() as tenant:
        if not automations.delete(tenant, number):
            raise not_found("Automation", automation_id)


@marketing.get("/runs", responses=describe_errors(400))
def list_runs(
    state: State,
    before: Annotated[int, Query(ge=1, le=models.MAX_INTEGER)] = models.MAX_INTEGER,
    limit: Annotated[int, Query(ge=1, le=1000)] = 50,
) -> list[models.RunItem]:
    """List the runs of automations, newest first."""
    with state.store.transaction() as tenant:
        runs = automations.list_runs(tenant, before=before, limit=limit)
    return list(map(models.RunItem.describe, runs))
