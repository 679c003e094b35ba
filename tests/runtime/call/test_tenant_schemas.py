"""All payload classes of a package, and the schemas of the tenant beside them."""

import copy
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import pytest

import engage_interactions
from engage_interactions import (
    Payload,
    ReadError,
    SchemaCheck,
    SchemaSummary,
    UnauthorizedError,
    payload_classes,
)
from engage_interactions.repair import Repair
from engage_interactions.testing import AsyncRecordingClient, RecordingClient
from tests.support.runtime.clients import Handler, answering, both, run
from tests.support.runtime.http_library import GENERATED, httpx

SNAPSHOT = GENERATED / "engage_interactions" / "_snapshot"
ENVELOPES: dict[str, Any] = {
    path.stem: json.loads(path.read_text("utf-8"))
    for path in SNAPSHOT.glob("*.json")
    if "." not in path.stem
}


def tenant(envelopes: dict[str, Any]) -> Handler:
    """A tenant with these schemas. Its answers have members that nobody knows."""

    def answer(request: httpx.Request) -> httpx.Response:
        assert request.method == "GET"
        name = unquote(request.url.raw_path.decode()).removeprefix("/api/v3/interactionschemas")
        if not name:
            summaries = [
                {"id": schema_id, "displayName": envelope["displayName"], "new": 1}
                for schema_id, envelope in envelopes.items()
            ]
            return httpx.Response(200, json=summaries)
        envelope = envelopes.get(name.removeprefix("/"))
        if envelope is None:
            return httpx.Response(404, json={"errorCode": "SchemaNotFound"})
        return httpx.Response(200, json={**envelope, "new": {"since": 2027}})

    return answer


def test_every_payload_class_is_listed_under_its_schema() -> None:
    classes = payload_classes()
    assert list(classes) == sorted(ENVELOPES)
    for schema_id, payload_class in classes.items():
        assert issubclass(payload_class, Payload)
        assert payload_class.__schema_id__ == schema_id
    assert classes["repair"] is Repair


def test_generic_code_needs_nothing_but_what_the_package_exports() -> None:
    def rebuild(payload: Payload) -> Payload:
        wire: dict[str, engage_interactions.Json] = payload.to_payload()
        return payload_classes()[payload.__schema_id__].from_payload(wire)

    favourite = payload_classes()["favourite"].from_payload({"productSku": "7120-38"})
    assert rebuild(favourite) == favourite


@both
def test_the_schemas_of_the_tenant_are_listed(connect: Any) -> None:
    schemas = run(connect(tenant(ENVELOPES)).schemas())
    assert [schema.id for schema in schemas] == sorted(ENVELOPES)
    assert SchemaSummary("repair", ENVELOPES["repair"]["displayName"]) in schemas


@both
@pytest.mark.parametrize(
    ("handler", "error_class"),
    [
        (answering({"items": []}), ReadError),
        (answering([{"displayName": "x"}]), ReadError),
        (answering(["repair"]), ReadError),
        (answering(b"<html>"), ReadError),
        (answering([], 500), ReadError),
        (answering({}, 401), UnauthorizedError),
    ],
)
def test_an_answer_that_is_no_list_of_schemas_is_an_error(
    connect: Any, handler: Handler, error_class: type[Exception]
) -> None:
    for call in ("schemas", "check_schemas"):
        with pytest.raises(error_class):
            run(getattr(connect(handler), call)())


@both
def test_a_tenant_with_the_schemas_of_the_package_is_the_same(connect: Any) -> None:
    shuffled = {name: dict(reversed(ENVELOPES[name].items())) for name in reversed(ENVELOPES)}
    check = run(connect(tenant(shuffled)).check_schemas())
    assert check == SchemaCheck(tuple(sorted(ENVELOPES)), (), (), ())
    assert check.is_same


def rename(envelope: dict[str, Any]) -> None:
    envelope["displayName"] += " 2"


def require_nothing(envelope: dict[str, Any]) -> None:
    envelope["jsonSchema"]["required"] = []


def change_type(envelope: dict[str, Any]) -> None:
    next(iter(envelope["jsonSchema"]["properties"].values()))["type"] = "boolean"


def turn_text_into_truth(envelope: dict[str, Any]) -> None:
    next(iter(envelope["jsonSchema"]["properties"].values()))["showInContactCard"] = True


def add_property(envelope: dict[str, Any]) -> None:
    envelope["jsonSchema"]["properties"]["another"] = {"type": "string"}


def order_required(envelope: dict[str, Any]) -> None:
    envelope["jsonSchema"]["required"] = [*envelope["jsonSchema"]["required"], "x"]


@both
@pytest.mark.parametrize(
    "change",
    [rename, require_nothing, change_type, turn_text_into_truth, add_property, order_required],
)
def test_a_changed_schema_is_different(
    connect: Any, change: Callable[[dict[str, Any]], None]
) -> None:
    envelopes = copy.deepcopy(ENVELOPES)
    change(envelopes["repair"])
    check = run(connect(tenant(envelopes)).check_schemas())
    assert (check.different, check.missing, check.is_same) == (("repair",), (), False)
    assert check.same == tuple(sorted(ENVELOPES.keys() - {"repair"}))


@both
def test_missing_and_additional_schemas_are_listed(connect: Any) -> None:
    envelopes = {**ENVELOPES, "visit": {**ENVELOPES["repair"], "id": "visit"}}
    del envelopes["repair"]
    check = run(connect(tenant(envelopes)).check_schemas())
    assert (check.missing, check.additional, check.is_same) == (("repair",), ("visit",), False)
    check = run(connect(tenant({**envelopes, "repair": ENVELOPES["repair"]})).check_schemas())
    assert check.is_same


@both
def test_a_schema_that_is_deleted_meanwhile_is_missing(connect: Any) -> None:
    complete, rest = tenant(ENVELOPES), dict(ENVELOPES)
    del rest["repair"]

    def answer(request: httpx.Request) -> httpx.Response:
        is_list = request.url.path.endswith("interactionschemas")
        return (complete if is_list else tenant(rest))(request)

    assert run(connect(answer).check_schemas()).missing == ("repair",)


@both
def test_a_blank_title_is_the_id(connect: Any) -> None:
    """As when the snapshot was made."""
    envelopes = copy.deepcopy(ENVELOPES)
    envelopes["repair"]["displayName"] = f"  {envelopes['repair']['displayName']} "
    assert run(connect(tenant(envelopes)).check_schemas()).is_same


@pytest.mark.parametrize("client_class", [RecordingClient, AsyncRecordingClient])
def test_a_recording_client_has_the_schemas_of_the_package(client_class: Any) -> None:
    client = client_class()
    assert run(client.check_schemas()).is_same
    assert {schema.id for schema in run(client.schemas())} == ENVELOPES.keys()
