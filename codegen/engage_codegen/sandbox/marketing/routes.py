"""What marketing sees, as JSON under `/_sandbox`: contact cards, segments, automations."""

import re
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel
from pydantic.json_schema import SkipJsonSchema

from engage_codegen.sandbox.api.endpoints import Here
from engage_codegen.sandbox.api.models import AnyJson, Moment, errors
from engage_codegen.sandbox.api.rules import not_found
from engage_codegen.sandbox.control.routes import as_described
from engage_codegen.sandbox.marketing import automations, segments
from engage_codegen.sandbox.marketing import contact_cards as cards
from engage_codegen.sandbox.store.paging import BEFORE_THE_NEWEST, PAGE_SIZE, position_of, token_of

marketing = APIRouter(prefix="/_sandbox", responses=errors(500))
_MOST = 2**53


class _Model(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid")


class CardProperty(_Model):
    name: str
    label: str
    value: AnyJson


class CardEntry(_Model):
    id: str
    schema_id: str
    title: str
    created_date: Moment
    properties: list[CardProperty] = Field(description="In the order of the card")
    hidden: list[str] = Field(description="Stored, and not shown")


class CardPage(_Model):
    items: list[CardEntry] = Field(description="Newest first")
    continuation: str | None = Field(description="For the next page; null on the last")


class ConditionIn(_Model):
    """So many interactions of a schema, of those of a time and with a value."""

    schema_id: str
    at_least: Annotated[int, Field(ge=0, le=_MOST)] | None = Field(
        default=None, description="1 if neither it nor atMost is given, else 0"
    )
    at_most: Annotated[int, Field(ge=0, le=_MOST)] | None = None
    since: str | None = Field(default=None, description="A date; createdDate from then on")
    until: str | None = Field(default=None, description="A date; createdDate before then")
    last_days: Annotated[float, Field(ge=0, le=100_000)] | None = None
    property: str | None = Field(default=None, description="One with addToSegmentation")
    test: Literal["is", "at-least", "at-most"] = "is"
    value: str | int | float | bool | None = None


class SegmentIn(_Model):
    conditions: list[ConditionIn] = Field(min_length=1, max_length=10)


class Member(_Model):
    id: str
    name: str


class Month(_Model):
    month: str
    interactions: int


class SegmentOut(_Model):
    size: int
    members: list[Member] = Field(description="A page of them")
    months: list[Month]


class AutomationIn(_Model):
    """Without a schema any interaction sets it off, with a property one with that value."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    schema_id: str | None = None
    property: str | None = None
    value: AnyJson = None
    url: Annotated[str, StringConstraints(pattern=automations.LOOPBACK_URL)] | None = Field(
        default=None, description="A webhook on the loopback"
    )


class AutomationOut(AutomationIn):
    id: int


class RunOut(_Model):
    id: int
    automation: int
    name: str
    interaction_id: str
    contact_id: str
    schema_id: str
    ran: Moment
    result: str = Field(description="logged, calling, or what became of the webhook")


@marketing.get("/contacts/{contact_id}/interactions", responses=errors(400, 404))
def get_card(
    contact_id: str,
    here: Here,
    schema_id: Annotated[str | SkipJsonSchema[None], Query(alias="schemaId")] = None,
    continuation: str | SkipJsonSchema[None] = None,
) -> CardPage:
    """The tab Interactions of a contact."""
    before = BEFORE_THE_NEWEST if continuation is None else position_of(continuation)
    with here.store.transaction() as tenant:
        if not tenant.has_contact(contact_id):
            raise not_found("Contact", contact_id)
        found = cards.timeline(tenant, contact_id, schema_id, before, PAGE_SIZE + 1)
    page = found[:PAGE_SIZE]
    more = len(found) > PAGE_SIZE
    token = token_of((page[-1].created_date, page[-1].seq)) if more else None
    return CardPage(items=[_entry(it) for it in page], continuation=token)


def _entry(it: cards.Entry) -> CardEntry:
    return CardEntry(
        id=it.id,
        schema_id=it.schema_id,
        title=it.title,
        created_date=it.created_date,
        properties=[CardProperty(name=p.name, label=p.label, value=p.value) for p in it.shown],
        hidden=list(it.hidden),
    )


@marketing.post("/segments", responses=errors(400, 404, 409))
def count_segment(
    wanted: Annotated[SegmentIn, as_described(SegmentIn)],
    here: Here,
    start: Annotated[int, Query(ge=0, le=_MOST)] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 50,
) -> SegmentOut:
    """The contacts that all conditions hold for. Nothing is stored."""
    conditions = [condition_of(it) for it in wanted.conditions]
    with here.store.transaction() as tenant:
        found = segments.segment(tenant, conditions, here.clock.now(), start=start, limit=limit)
    return SegmentOut(
        size=found.size,
        members=[Member(id=known, name=name) for known, name in found.members],
        months=[Month(month=month, interactions=count) for month, count in found.months],
    )


def condition_of(it: ConditionIn) -> segments.Condition:
    """The same for the rules."""
    return segments.Condition(
        schema_id=it.schema_id,
        at_least=it.at_least,
        at_most=it.at_most,
        since=it.since,
        until=it.until,
        last_days=it.last_days,
        property=it.property,
        test=segments.Comparison(it.test),
        value=it.value,
    )


@marketing.get("/automations")
def list_automations(here: Here) -> list[AutomationOut]:
    with here.store.transaction() as tenant:
        return [_automation(it) for it in automations.stored(tenant)]


@marketing.post("/automations", status_code=201, responses=errors(400, 404, 409))
def add_automation(
    wanted: Annotated[AutomationIn, as_described(AutomationIn)], here: Here
) -> AutomationOut:
    asked = automations.Automation(
        0, wanted.name, wanted.schema_id, wanted.property, wanted.value, wanted.url
    )
    with here.store.transaction() as tenant:
        return _automation(automations.add(tenant, asked))


@marketing.delete(
    "/automations/{automation_id}",
    status_code=204,
    response_class=Response,
    responses=errors(404),
)
def delete_automation(automation_id: str, here: Here) -> None:
    """With its runs."""
    number = int(automation_id) if re.fullmatch("[0-9]{1,15}", automation_id) else 0
    with here.store.transaction() as tenant:
        if not automations.delete(tenant, number):
            raise not_found("Automation", automation_id)


def _automation(it: automations.Automation) -> AutomationOut:
    return AutomationOut(
        id=it.id,
        name=it.name,
        schema_id=it.schema_id,
        property=it.property,
        value=it.value,
        url=it.url,
    )


@marketing.get("/runs", responses=errors(400))
def list_runs(
    here: Here,
    before: Annotated[int, Query(ge=1, le=_MOST)] = _MOST,
    limit: Annotated[int, Query(ge=1, le=1000)] = 50,
) -> list[RunOut]:
    """What automations did, newest first."""
    with here.store.transaction() as tenant:
        found = automations.runs(tenant, before=before, limit=limit)
    return [
        RunOut(
            id=it.id,
            automation=it.automation,
            name=it.name,
            interaction_id=it.interaction_id,
            contact_id=it.contact_id,
            schema_id=it.schema_id,
            ran=it.ran,
            result=it.result,
        )
        for it in found
    ]
