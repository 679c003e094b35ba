"""What a test needs beside the API: `/_sandbox/…`, without a key."""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Annotated, Protocol

from fastapi import APIRouter, Query, Response
from jsonschema import Draft202012Validator
from pydantic import BaseModel, BeforeValidator, Field
from pydantic.json_schema import SkipJsonSchema

from engage_codegen.sandbox.api import models
from engage_codegen.sandbox.api.endpoints import Here
from engage_codegen.sandbox.api.rules import not_found
from engage_codegen.sandbox.dates import wire_date
from engage_codegen.sandbox.options import Options
from engage_codegen.sandbox.platform import Platform
from engage_codegen.sandbox.store.tenant import Arrival
from engage_codegen.sandbox.wire import Json, malformed


class _Problem(Protocol):
    message: str
    absolute_path: Iterable[str | int]


class _Validator(Protocol):
    def iter_errors(self, instance: Json) -> Iterator[_Problem]: ...


def as_described(model: type[BaseModel]) -> BeforeValidator:
    """Takes a body, or each of a list, only as described; pydantic alone takes 1 for true."""
    validator = _validator(model)

    def judge(body: Json) -> Json:
        try:
            json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
        except (ValueError, TypeError):
            raise malformed("the body is no JSON that can be written again") from None
        for part in body if isinstance(body, list) else [body]:
            for problem in validator.iter_errors(part):
                where = "/".join(map(str, problem.absolute_path)) or "the body"
                raise malformed(f"{where}: {problem.message}")
        return body

    return BeforeValidator(judge)


def _validator(model: type[BaseModel]) -> _Validator:
    validator: _Validator = Draft202012Validator(model.model_json_schema())
    return validator


_Options = Annotated[models.OptionsChange, as_described(models.OptionsChange)]
_Contact = Annotated[models.Contact, as_described(models.Contact)]
_Key = Annotated[models.Key, as_described(models.Key)]
_Faults = Annotated[
    models.FaultRequest | list[models.FaultRequest], as_described(models.FaultRequest)
]
_Change = Annotated[models.TimeChange, as_described(models.TimeChange)]
control = APIRouter(prefix="/_sandbox", responses=models.errors(500))


@control.post("/reset", status_code=204, response_class=Response)
def reset(here: Here) -> None:
    """Everything as it was at the start."""
    here.reset()


@control.get("/options")
def get_options(here: Here) -> Options:
    """How the open questions about the platform are answered."""
    return here.options


@control.patch("/options", responses=models.errors(400))
def change_options(changes: _Options, here: Here) -> Options:
    """Change some; what is not named stays."""
    here.options = here.options.model_copy(update=changes.model_dump(exclude_unset=True))
    return here.options


@control.get("/contacts")
def list_contacts(here: Here) -> list[models.Contact]:
    """The contacts that interactions may be about."""
    with here.store.transaction() as tenant:
        return [models.Contact(id=known, name=name) for known, name in tenant.contacts()]


@control.post("/contacts", status_code=201, responses=models.errors(400))
def add_contact(contact: _Contact, here: Here) -> models.Contact:
    with here.store.transaction() as tenant:
        if tenant.has_contact(contact.id):
            raise malformed("id: this contact exists already")
        tenant.add_contact(contact.id, contact.name)
    return contact


@control.delete(
    "/contacts/{contact_id}", status_code=204, response_class=Response, responses=models.errors(404)
)
def delete_contact(contact_id: str, here: Here) -> None:
    """With every interaction of it."""
    with here.store.transaction() as tenant:
        if not tenant.delete_contact(contact_id):
            raise not_found("Contact", contact_id)


@control.get("/keys")
def list_keys(here: Here) -> list[str]:
    """The keys that the API accepts."""
    return here.store.list_keys()


@control.post("/keys", status_code=204, response_class=Response, responses=models.errors(400))
def add_key(key: _Key, here: Here) -> None:
    here.store.add_key(key.key)


@control.delete(
    "/keys/{key}", status_code=204, response_class=Response, responses=models.errors(404)
)
def revoke_key(key: str, here: Here) -> None:
    """From now on it is answered with 401."""
    if not here.store.delete_key(key):
        raise not_found("Key", key)


@control.get("/arrivals", responses=models.errors(400))
def list_arrivals(
    here: Here,
    losses: bool = False,
    before: Annotated[int, Field(ge=1, le=2**62)] | SkipJsonSchema[None] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> models.ArrivalPage:
    """Every POST of an interaction: what arrived, what was kept, what was lost and why.

    With `losses` only those that lost something.
    """
    with here.store.transaction() as tenant:
        found = tenant.arrivals(before=before or 2**62, limit=limit + 1, losses=losses)
    page = found[:limit]
    return models.ArrivalPage(
        items=list(map(_arrival, page)), before=page[-1].seq if len(found) > limit else None
    )


@control.get("/faults")
def list_faults(here: Here) -> list[models.FaultOut]:
    """The faults that are in force, in the order in which they were set."""
    return [models.FaultOut(fault=fault, left=left) for fault, left in here.faults.list()]


@control.post("/faults", status_code=204, response_class=Response, responses=models.errors(400))
def add_faults(faults: _Faults, here: Here) -> None:
    """One or several; they add to those that are in force."""
    for fault in faults if isinstance(faults, list) else [faults]:
        here.faults.add(fault)


@control.delete("/faults", status_code=204, response_class=Response)
def clear_faults(here: Here) -> None:
    here.faults.clear()


@control.get("/clock")
def get_clock(here: Here) -> models.Time:
    """The time that the platform takes it to be."""
    return _time(here)


@control.post("/clock", responses=models.errors(400))
def change_clock(change: _Change, here: Here) -> models.Time:
    """Freeze it, move it, or let it run on."""
    try:
        if change.freeze:
            here.clock.freeze(change.freeze if isinstance(change.freeze, datetime) else None)
        if change.move is not None:
            here.clock.move(timedelta(seconds=change.move))
        if change.run:
            here.clock.run()
    except OverflowError:
        raise malformed("the clock cannot leave the years 1 to 9999") from None
    return _time(here)


@control.get("/log")
def list_requests(here: Here) -> list[models.RequestOut]:
    """The last 10,000 requests to the API, oldest first."""
    return [
        models.RequestOut(
            number=it.number,
            arrived=it.arrived,
            method=it.method,
            path=it.path,
            query=it.query,
            status=it.status,
            fault=it.fault,
        )
        for it in here.log.list()
    ]


@control.delete("/log", status_code=204, response_class=Response)
def clear_log(here: Here) -> None:
    here.log.clear()


def _time(here: Platform) -> models.Time:
    return models.Time(now=wire_date(here.clock.now()), frozen=here.clock.is_frozen)


def _arrival(arrival: Arrival) -> models.ArrivalOut:
    return models.ArrivalOut.model_validate(
        {
            "number": arrival.seq,
            "arrived": arrival.arrived,
            "outcome": arrival.outcome,
            "interactionId": arrival.interaction_id,
            "errorCode": arrival.error_code,
            "reasons": list(arrival.reasons),
            "dropped": [
                models.DroppedProperty(name=it.name, value=it.value, reason=it.reason)
                for it in arrival.dropped
            ],
            "kept": arrival.kept,
            "body": arrival.body.decode("utf-8", errors="replace"),
        }
    )
