"""What the sandbox accepts, drops and refuses, asked over HTTP as engage-api.md describes it."""

import json
import re
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from engage_codegen.sandbox.options import Options
from engage_codegen.sandbox.server import Sandbox, running
from tests.support.paths import CORPORA

ENGAGE = CORPORA / "engage"
CONTACT = "3f0c1a52-7d5e-4b0e-9a64-1c2f5b8e0d01"
SCHEMAS = "/api/v3/interactionschemas"
INTERACTIONS = "/api/v3/interactions"
JSON = {"content-type": "application/json"}
DIALECT = "https://json-schema.org/draft/2020-12/schema"

LOSSES = "/_sandbox/arrivals?losses=true"


@pytest.fixture(scope="module")
def sandbox() -> Generator[Sandbox, None, None]:
    with running(options=Options(rate_limit=0)) as sandbox:
        yield sandbox


@pytest.fixture
def api(sandbox: Sandbox) -> Generator[httpx.Client, None, None]:
    """A tenant without schemas and interactions."""
    headers = {"apikey": sandbox.api_key}
    with httpx.Client(base_url=sandbox.base_url, headers=headers) as client:
        for schema in client.get(SCHEMAS).json():
            client.delete(f"{SCHEMAS}/{schema['id']}")
        yield client


def schema_body(
    properties: dict[str, Any], *, schema_id: str = "thing", **members: object
) -> dict[str, Any]:
    root = {"$schema": DIALECT, "type": "object", "properties": properties, **members}
    return {"id": schema_id, "displayName": "Thing", "jsonSchema": root}


def register(api: httpx.Client, properties: dict[str, Any], **members: Any) -> None:
    api.post(SCHEMAS, json=schema_body(properties, **members)).raise_for_status()


def send(api: httpx.Client, payload: dict[str, Any], **members: object) -> httpx.Response:
    body = {"contactId": CONTACT, "schemaId": "thing", "payload": payload, **members}
    return api.post(INTERACTIONS, content=json.dumps(body), headers=JSON)


def stored(api: httpx.Client, answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    interaction: dict[str, Any] = api.get(f"{INTERACTIONS}/{answer.json()['id']}").json()
    return interaction


def lost(api: httpx.Client) -> dict[str, Any]:
    newest: dict[str, Any] = api.get(LOSSES).json()["items"][0]
    return newest


def assert_refused(answer: httpx.Response, status: int, code: str, *mentions: str) -> None:
    assert (answer.status_code, answer.json()["errorCode"]) == (status, code), answer.text
    for mention in mentions:
        assert mention in " ".join(answer.json()["messageDetails"]["reasons"])


def test_a_schema_is_read_back_as_it_was_created(api: httpx.Client) -> None:
    body = schema_body(
        {
            "zeta": {"type": "number", "displayName": "Zeta", "sortOrder": "2"},
            "alpha": {"type": "string", "format": "date-time", "showInContactCard": "true"},
            "beta": {"type": "boolean", "addToSegmentation": "false"},
            "gamma": {"type": "integer"},
        },
        required=["zeta"],
    )
    created = api.post(SCHEMAS, json=body).json()
    assert created["id"] == "thing"
    assert created["self"]["href"] == "/api/v3/interactionschemas/thing"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", created["self"]["created"])
    assert api.get(created["self"]["href"]).text == json.dumps(body, separators=(",", ":"))


def test_the_list_of_schemas_is_a_bare_array_without_the_json_schemas(api: httpx.Client) -> None:
    register(api, {})
    assert api.get(SCHEMAS).json() == [{"id": "thing", "displayName": "Thing"}]


@pytest.mark.parametrize(
    ("declaration", "mention"),
    [
        ({}, "type"),
        ({"type": "object"}, "type"),
        ({"type": "array"}, "type"),
        ({"type": "null"}, "type"),
        ({"type": ["string", "null"]}, "type"),
        ({"type": {"type": "string"}}, "type"),
        ({"type": "string", "minLength": 1}, "minLength"),
        ({"type": "string", "pattern": "a"}, "pattern"),
        ({"type": "string", "enum": ["a"]}, "enum"),
        ({"type": "string", "const": "a"}, "const"),
        ({"type": "integer", "minimum": 1}, "minimum"),
        ({"type": "string", "description": "a"}, "description"),
        ({"type": "string", "showlnContactCard": "true"}, "showlnContactCard"),
        ({"$ref": "http://127.0.0.1:1/"}, "$ref"),
        ({"type": "string", "format": 1}, "format"),
        ({"type": "string", "displayName": None}, "displayName"),
        ({"type": "string", "showInContactCard": "yes"}, "showInContactCard"),
        ({"type": "string", "addToSegmentation": 1}, "addToSegmentation"),
        ({"type": "string", "sortOrder": "first"}, "sortOrder"),
        ({"type": "string", "sortOrder": True}, "sortOrder"),
        (True, "object"),
        ("string", "object"),
    ],
)
def test_a_property_may_only_have_what_the_platform_knows(
    api: httpx.Client, declaration: object, mention: str
) -> None:
    answer = api.post(SCHEMAS, json=schema_body({"odd": declaration}))
    assert_refused(answer, 400, "InvalidSchema", "property 'odd'", mention)
    assert api.get(SCHEMAS).json() == []


@pytest.mark.parametrize(
    ("members", "mention"),
    [
        ({"$schema": "http://json-schema.org/draft-07/schema#"}, "$schema"),
        ({"$schema": None}, "$schema"),
        ({"type": "array"}, "type"),
        ({"properties": []}, "properties"),
        ({"required": "name"}, "required"),
        ({"required": ["other"]}, "required"),
        ({"required": [["name"]]}, "required"),
        ({"required": ["name", "name"]}, "required"),
        ({"additionalProperties": False}, "additionalProperties"),
        ({"$ref": "http://127.0.0.1:1/"}, "$ref"),
    ],
)
def test_the_root_of_a_schema_may_only_be_a_flat_object(
    api: httpx.Client, members: dict[str, Any], mention: str
) -> None:
    body = schema_body({"name": {"type": "string"}})
    body["jsonSchema"] |= members
    assert_refused(api.post(SCHEMAS, json=body), 400, "InvalidSchema", mention)


def test_all_problems_of_a_schema_are_told_at_once(api: httpx.Client) -> None:
    body = schema_body({"a": {"type": "null"}, "b": {"enum": []}}, schema_id="å", required=["c"])
    answer = api.post(SCHEMAS, json=body)
    assert_refused(answer, 400, "InvalidSchema", "id", "'a'", "'b'", "enum", "required")


@pytest.mark.parametrize("schema_id", ["", "a b", "a/b", "å", "a.b", "a\n", "٣"])
def test_a_schema_id_has_only_letters_digits_underscores_and_hyphens(
    api: httpx.Client, schema_id: str
) -> None:
    answer = api.post(SCHEMAS, json=schema_body({}, schema_id=schema_id))
    assert_refused(answer, 400, "InvalidSchema", "id")


def test_a_schema_id_is_unique_until_the_schema_is_deleted(api: httpx.Client) -> None:
    register(api, {})
    answer = api.post(SCHEMAS, json=schema_body({}))
    assert_refused(answer, 409, "DuplicateSchemaId")
    api.delete(f"{SCHEMAS}/thing")
    register(api, {})


def test_the_sixteenth_schema_is_refused_until_another_is_deleted(api: httpx.Client) -> None:
    for number in range(15):
        register(api, {}, schema_id=f"thing-{number}")
    sixteenth = schema_body({}, schema_id="thing-15")
    assert_refused(api.post(SCHEMAS, json=sixteenth), 400, "SchemaLimitReached")
    api.delete(f"{SCHEMAS}/thing-3")
    assert api.post(SCHEMAS, json=sixteenth).status_code == 200


def test_six_properties_may_be_segmentable_and_no_more(api: httpx.Client) -> None:
    properties: dict[str, Any] = {
        f"p{number}": {"type": "string", "addToSegmentation": "true"} for number in range(6)
    }
    properties["not"] = {"type": "string", "addToSegmentation": "false"}
    register(api, properties)
    properties["seventh"] = {"type": "string", "addToSegmentation": True}
    answer = api.post(SCHEMAS, json=schema_body(properties, schema_id="more"))
    assert_refused(answer, 400, "InvalidSchema", "addToSegmentation")


def test_booleans_and_numbers_in_place_of_strings_are_accepted_with_a_warning(
    api: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    declaration = {
        "type": "string",
        "showInContactCard": True,
        "addToSegmentation": False,
        "sortOrder": 3,
    }
    register(api, {"name": declaration})
    for attribute in ("showInContactCard", "addToSegmentation", "sortOrder"):
        assert f"schema thing: property 'name': {attribute} should be a string" in caplog.text
    read = api.get(f"{SCHEMAS}/thing").json()
    assert read["jsonSchema"]["properties"]["name"] == declaration


def test_deleting_a_schema_deletes_every_interaction_under_it(api: httpx.Client) -> None:
    register(api, {})
    register(api, {}, schema_id="other")
    interaction_id = send(api, {}).json()["id"]
    kept_id = send(api, {}, schemaId="other").json()["id"]
    assert api.delete(f"{SCHEMAS}/thing").content == b""
    assert_refused(api.get(f"{SCHEMAS}/thing"), 404, "SchemaNotFound")
    assert_refused(api.get(f"{INTERACTIONS}/{interaction_id}"), 404, "InteractionNotFound")
    assert api.get(f"{INTERACTIONS}/{kept_id}").status_code == 200
    register(api, {})
    page = api.get(INTERACTIONS, params={"contactId": CONTACT, "schemaId": "thing"}).json()
    assert page == {"items": [], "links": []}


def test_an_interaction_is_read_back_with_what_was_sent(api: httpx.Client) -> None:
    register(api, {"name": {"type": "string"}, "price": {"type": "number"}})
    answer = send(api, {"price": 10.5, "name": "å\u0000😀"}, createdDate="2023-05-23T11:13:42.074Z")
    created = answer.json()
    assert created["self"] == {
        "contactId": CONTACT,
        "href": f"/api/v3/interactions/{created['id']}",
        "created": "2023-05-23T11:13:42.074Z",
    }
    assert api.get(created["self"]["href"]).json() == {
        "id": created["id"],
        "contactId": CONTACT,
        "schemaId": "thing",
        "createdDate": "2023-05-23T11:13:42.074Z",
        "payload": {"price": 10.5, "name": "å\u0000😀"},
    }


def test_a_deleted_interaction_is_gone(api: httpx.Client) -> None:
    register(api, {})
    interaction_id = send(api, {}).json()["id"]
    answer = api.delete(f"{INTERACTIONS}/{interaction_id}")
    assert (answer.status_code, answer.content) == (200, b"")
    for again in (api.get, api.delete):
        assert_refused(again(f"{INTERACTIONS}/{interaction_id}"), 404, "InteractionNotFound")


def test_two_equal_interactions_are_two_interactions(api: httpx.Client) -> None:
    register(api, {})
    assert send(api, {}).json()["id"] != send(api, {}).json()["id"]


@pytest.mark.parametrize(
    ("declared", "value"),
    [
        ("integer", 2),
        ("integer", 2.0),
        ("integer", -(10**30)),
        ("number", 2),
        ("number", 1e308),
        ("string", ""),
        ("boolean", False),
    ],
)
def test_a_value_of_the_declared_type_is_kept(
    api: httpx.Client, declared: str, value: object
) -> None:
    register(api, {"it": {"type": declared}})
    assert stored(api, send(api, {"it": value}))["payload"] == {"it": value}


@pytest.mark.parametrize(
    ("declared", "value"),
    [
        ("integer", 2.5),
        ("integer", "2"),
        ("integer", True),
        ("number", True),
        ("number", "2"),
        ("string", 2),
        ("string", None),
        ("string", ["a"]),
        ("boolean", 1),
        ("boolean", "true"),
        ("boolean", {}),
    ],
)
def test_a_value_of_another_type_is_dropped_into_blob_storage(
    api: httpx.Client, declared: str, value: object
) -> None:
    register(api, {"it": {"type": declared}, "other": {"type": "string"}})
    answer = send(api, {"it": value, "other": "stays"})
    assert stored(api, answer)["payload"] == {"other": "stays"}
    arrival = lost(api)
    assert (arrival["outcome"], arrival["errorCode"]) == ("dropped", None)
    assert arrival["interactionId"] == answer.json()["id"]
    expected = {"name": "it", "value": value, "reason": f"is not of type {declared}"}
    assert arrival["dropped"] == [expected]
    assert arrival["body"] == answer.request.content.decode()


def test_an_undeclared_property_is_dropped_into_blob_storage(
    api: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    register(api, {"name": {"type": "string"}})
    answer = send(api, {"name": "a", "nmae": {"deep": [1, None]}})
    assert stored(api, answer)["payload"] == {"name": "a"}
    expected = {"name": "nmae", "value": {"deep": [1, None]}}
    assert lost(api)["dropped"] == [{**expected, "reason": "is not declared in the schema"}]
    assert "property 'nmae' was dropped: is not declared in the schema" in caplog.text


@pytest.mark.parametrize(
    "text",
    [
        "2018-11-13T20:20:39+00:00",
        "2018-11-13T20:20:39Z",
        "2018-11-13t20:20:39.123456789z",
        "2018-11-13T20:20:39-23:59",
        "0001-01-01T00:00:00+23:59",
        "2024-02-29T00:00:00Z",
        "2016-12-31T18:59:60-05:00",
    ],
)
def test_a_date_time_of_rfc_3339_is_kept(api: httpx.Client, text: str) -> None:
    register(api, {"at": {"type": "string", "format": "date-time"}})
    assert stored(api, send(api, {"at": text}))["payload"] == {"at": text}


@pytest.mark.parametrize(
    "text",
    [
        "2018-11-13T20:20:39",
        "2018-11-13",
        "2018-11-13 20:20:39Z",
        "2018-11-13720:20:39Z",
        "2018-11-13T20:20:39Z\n",
        "2018-11-13T20:20Z",
        "2018-11-13T20:20:39+0000",
        "2018-11-13T20:20:39+24:00",
        "2018-11-13T24:00:00Z",
        "2016-12-31T18:59:60Z",
        "2018-02-29T00:00:00Z",
        "2018-13-01T00:00:00Z",
        "20181113T202039Z",
        "٢٠١٨-11-13T20:20:39Z",
        "yesterday",
        "",
    ],
)
def test_anything_else_is_dropped_from_a_date_time(api: httpx.Client, text: str) -> None:
    register(api, {"at": {"type": "string", "format": "date-time"}})
    assert stored(api, send(api, {"at": text}))["payload"] == {}
    expected = {"name": "at", "value": text, "reason": "is not of format date-time"}
    assert lost(api)["dropped"] == [expected]


def test_other_formats_are_accepted_with_a_warning_and_checked(
    api: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    register(api, {"mail": {"type": "string", "format": "email"}})
    assert "property 'mail': only the format date-time is known" in caplog.text
    assert stored(api, send(api, {"mail": "a@b.example"}))["payload"] == {"mail": "a@b.example"}
    assert stored(api, send(api, {"mail": "nobody"}))["payload"] == {}


def test_a_missing_required_property_breaks_the_schema(api: httpx.Client) -> None:
    register(api, {"name": {"type": "string"}, "rest": {"type": "string"}}, required=["name"])
    assert_refused(send(api, {"rest": "a"}), 400, "InvalidInteraction", "'name'")
    arrival = lost(api)
    assert (arrival["outcome"], arrival["errorCode"]) == ("refused", "InvalidInteraction")
    assert (arrival["interactionId"], arrival["dropped"]) == (None, [])
    page = api.get(INTERACTIONS, params={"contactId": CONTACT, "schemaId": "thing"}).json()
    assert page["items"] == []


def test_a_required_property_that_was_dropped_breaks_the_schema(api: httpx.Client) -> None:
    register(api, {"name": {"type": "string"}}, required=["name"])
    assert_refused(send(api, {"name": 5}), 400, "InvalidInteraction", "'name'")
    expected = {"name": "name", "value": 5, "reason": "is not of type string"}
    assert lost(api)["dropped"] == [expected]


def test_an_interaction_is_judged_in_the_order_that_the_platform_is_said_to_have(
    api: httpx.Client,
) -> None:
    register(api, {"name": {"type": "string"}}, required=["name"])
    body: dict[str, Any] = {"contactId": "?", "schemaId": "?", "createdDate": "?", "payload": 1}
    repairs: list[tuple[int, str, dict[str, Any]]] = [
        (400, "MalformedRequest", {"payload": {}}),
        (404, "ContactNotFound", {"contactId": CONTACT}),
        (404, "SchemaNotFound", {"schemaId": "thing"}),
        (400, "InvalidInteraction", {"createdDate": "2023-05-23T11:13:42Z"}),
        (400, "InvalidInteraction", {"payload": {"name": "a"}}),
    ]
    for status, code, repair in repairs:
        assert_refused(api.post(INTERACTIONS, json=body), status, code)
        assert lost(api)["errorCode"] == code
        body |= repair
    assert api.post(INTERACTIONS, json=body).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        {"interactionSchemaId": "thing", "data": {}},
        {"contactId": CONTACT, "schemaId": "thing"},
        {"contactId": CONTACT, "payload": {}},
        {"contactId": None, "schemaId": "thing", "payload": {}},
        {"contactId": CONTACT, "schemaId": 1, "payload": {}},
        {"contactId": CONTACT, "schemaId": "thing", "payload": []},
        {"contactId": CONTACT, "schemaId": "thing", "payload": {}, "createdDate": None},
        {"contactId": CONTACT, "schemaId": "thing", "payload": {}, "createdDate": 1684840422},
    ],
)
def test_an_interaction_of_another_shape_is_malformed(
    api: httpx.Client, body: dict[str, Any]
) -> None:
    register(api, {})
    assert_refused(api.post(INTERACTIONS, json=body), 400, "MalformedRequest")


@pytest.mark.parametrize("missing", ["id", "displayName", "jsonSchema"])
def test_a_schema_of_another_shape_is_malformed(api: httpx.Client, missing: str) -> None:
    body = schema_body({})
    del body[missing]
    answer = api.post(SCHEMAS, json=body)
    assert_refused(answer, 400, "MalformedRequest", missing)


def test_unknown_members_are_ignored_with_a_warning(
    api: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    register(api, {})
    assert send(api, {}, createdAt="2023-05-23T11:13:42Z").status_code == 200
    assert "'createdAt' is unknown and ignored" in caplog.text


@pytest.mark.parametrize(
    ("sent", "returned"),
    [
        ("2023-05-23T11:13:42Z", "2023-05-23T11:13:42.000Z"),
        ("2023-05-23T11:13:42.0749Z", "2023-05-23T11:13:42.074Z"),
        ("2023-05-23T01:13:42.5+02:00", "2023-05-22T23:13:42.500Z"),
    ],
)
def test_created_date_is_returned_in_utc_to_the_millisecond(
    api: httpx.Client, sent: str, returned: str
) -> None:
    register(api, {})
    assert stored(api, send(api, {}, createdDate=sent))["createdDate"] == returned


def test_created_date_defaults_to_now(api: httpx.Client) -> None:
    register(api, {})
    before = datetime.now(UTC) - timedelta(milliseconds=1)
    text = stored(api, send(api, {}))["createdDate"]
    assert before <= datetime.fromisoformat(text) <= datetime.now(UTC)


@pytest.mark.parametrize(
    ("sent", "returned", "warning"),
    [
        ("2023-05-23T11:13:42", "2023-05-23T11:13:42.000Z", "has no offset"),
        ("2023-05-23", "2023-05-23T00:00:00.000Z", "has no offset"),
        ("9999-12-31T23:59:59.9999Z", "9999-12-31T23:59:59.999Z", "is in the future"),
    ],
)
def test_an_odd_created_date_is_accepted_with_a_warning(
    api: httpx.Client, caplog: pytest.LogCaptureFixture, sent: str, returned: str, warning: str
) -> None:
    register(api, {})
    assert stored(api, send(api, {}, createdDate=sent))["createdDate"] == returned
    assert f"createdDate {warning}" in caplog.text


@pytest.mark.parametrize(
    "text",
    [
        "2023-05-23711:13:42.074Z",
        "2023-02-30T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+00:01",
        "2023-W21-2",
        "23 May 2023",
        "",
    ],
)
def test_a_created_date_that_is_no_date_is_refused(api: httpx.Client, text: str) -> None:
    register(api, {})
    answer = send(api, {}, createdDate=text)
    assert_refused(answer, 400, "InvalidInteraction", "createdDate")


needs_corpora = pytest.mark.skipif(not CORPORA.is_dir(), reason=f"no corpora at {CORPORA}")


def published(path: str) -> dict[str, Any]:
    body: dict[str, Any] = json.loads((ENGAGE / path).read_bytes())
    return body


def judge_published(schema: str, body: dict[str, Any]) -> tuple[httpx.Response, dict[str, Any]]:
    """The answer in a tenant that has this schema alone, and what it lost."""
    with (
        running(seed=False, options=Options(rate_limit=0)) as sandbox,
        httpx.Client(base_url=sandbox.base_url) as api,
    ):
        api.headers["apikey"] = sandbox.api_key
        with sandbox.store.transaction() as tenant:
            tenant.add_contact(body["contactId"], "Test Contact")
        api.post(SCHEMAS, json=published(schema)).raise_for_status()
        answer = api.post(INTERACTIONS, json=body)
        arrivals: list[dict[str, Any]] = api.get(LOSSES).json()["items"]
        return answer, arrivals[0] if arrivals else {}


@needs_corpora
@pytest.mark.parametrize(
    ("payload", "schema"),
    [
        ("lipscore-completedProductRating", "lipscore-completedProductRating-v3"),
        ("dixa-DixaCSATScore", "dixa-DixaCSATScore"),
    ],
)
def test_a_published_payload_is_accepted_by_its_own_schema(payload: str, schema: str) -> None:
    body = published(f"payloads/{payload}.json")
    answer, arrival = judge_published(f"schemas/{schema}.json", body)
    assert answer.status_code == 200, answer.text
    assert arrival == {}


@needs_corpora
def test_a_payload_loses_four_properties_to_another_vendors_schema_of_the_same_id() -> None:
    body = published("payloads/lipscore-completedProductRating.json")
    answer, arrival = judge_published("schemas/trustvoice-completedProductRating.json", body)
    assert answer.status_code == 200, answer.text
    dropped = [lost["name"] for lost in arrival["dropped"]]
    assert dropped == ["ratingId", "name", "brand", "type"]


@needs_corpora
def test_the_vendors_own_sample_is_refused_and_loses_its_date_once_repaired() -> None:
    path = "payloads/voyado-docs-reuse-spring-2023.AS-PRINTED-invalid-dates.json"
    body = published(path) | {"contactId": CONTACT}
    schema = "schemas/voyado-docs-reuse-spring-2023.json"
    answer, _ = judge_published(schema, body)
    assert_refused(answer, 400, "InvalidInteraction", "createdDate")
    answer, arrival = judge_published(schema, body | {"createdDate": "2023-05-23T11:13:42.074Z"})
    assert answer.status_code == 200, answer.text
    assert [lost["name"] for lost in arrival["dropped"]] == ["created"]


@needs_corpora
def test_every_published_schema_is_accepted_but_for_the_id_that_two_vendors_share(
    api: httpx.Client,
) -> None:
    statuses = {
        path.stem: api.post(SCHEMAS, json=published(f"schemas/{path.name}")).status_code
        for path in sorted((ENGAGE / "schemas").glob("*.json"))
    }
    assert statuses.pop("trustvoice-completedProductRating") == 409
    assert set(statuses.values()) == {200}
