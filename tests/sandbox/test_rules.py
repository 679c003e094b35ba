"""What the sandbox accepts, drops and refuses, tested over HTTP as engage-api.md describes it."""

import json
import re
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from engage_codegen.sandbox.options import Options
from engage_codegen.sandbox.server import Sandbox, running
from tests.sandbox.helpers import (
    CONTACT,
    DIALECT,
    INCOMPLETE,
    INTERACTIONS,
    SCHEMAS,
    connect,
    list_rules,
)
from tests.support.paths import CORPORA

ENGAGE = CORPORA / "engage"
JSON = {"content-type": "application/json"}


@pytest.fixture(scope="module")
def sandbox() -> Generator[Sandbox, None, None]:
    with running(options=Options(rate_limit=0)) as sandbox:
        yield sandbox


@pytest.fixture
def api(sandbox: Sandbox) -> Generator[httpx.Client, None, None]:
    """Connect to a tenant without schemas and interactions."""
    with connect(sandbox) as client:
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


def read_back(api: httpx.Client, answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    interaction: dict[str, Any] = api.get(f"{INTERACTIONS}/{answer.json()['id']}").json()
    return interaction


def get_newest(api: httpx.Client) -> dict[str, Any]:
    newest: dict[str, Any] = api.get(INCOMPLETE).json()["items"][0]
    return newest


def assert_refused(
    answer: httpx.Response, status: int, code: str, *violations: tuple[str, str]
) -> None:
    """Check status and error code, and the exact rules and pointers if there are any."""
    assert (answer.status_code, answer.json()["errorCode"]) == (status, code), answer.text
    if violations:
        assert list_rules(answer) == list(violations)


def describe_dropped(arrival: dict[str, Any]) -> list[tuple[str, object, list[str]]]:
    """Return name, value and rules of each dropped property; its reason must not be empty."""
    dropped: list[dict[str, Any]] = arrival["dropped"]
    assert all(item["reason"] for item in dropped)
    return [(item["name"], item["value"], item["rules"]) for item in dropped]


def list_warnings(caplog: pytest.LogCaptureFixture) -> list[tuple[tuple[str, ...], str]]:
    """Return the rules and the pointer, or the dropped property, of each warning in the log."""
    records = [vars(record) for record in caplog.records if "rules" in vars(record)]
    return [(record["rules"], record.get("pointer") or record["dropped"]) for record in records]


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


def test_the_list_of_schemas_is_an_array_without_the_json_schemas(api: httpx.Client) -> None:
    register(api, {})
    assert api.get(SCHEMAS).json() == [{"id": "thing", "displayName": "Thing"}]


@pytest.mark.parametrize(
    ("declaration", "violations"),
    [
        ({}, [("required", "/type")]),
        ({"type": "object"}, [("enum", "/type")]),
        ({"type": "array"}, [("enum", "/type")]),
        ({"type": "null"}, [("enum", "/type")]),
        ({"type": ["string", "null"]}, [("enum", "/type")]),
        ({"type": {"type": "string"}}, [("enum", "/type")]),
        ({"type": "string", "minLength": 1}, [("unsupported", "/minLength")]),
        ({"type": "string", "pattern": "a"}, [("unsupported", "/pattern")]),
        ({"type": "string", "enum": ["a"]}, [("unsupported", "/enum")]),
        ({"type": "string", "const": "a"}, [("unsupported", "/const")]),
        ({"type": "integer", "minimum": 1}, [("unsupported", "/minimum")]),
        ({"type": "string", "description": "a"}, [("unsupported", "/description")]),
        ({"type": "string", "showlnContactCard": "true"}, [("unsupported", "/showlnContactCard")]),
        ({"$ref": "http://127.0.0.1:1/"}, [("required", "/type"), ("unsupported", "/$ref")]),
        ({"type": "string", "format": 1}, [("type", "/format")]),
        ({"type": "string", "displayName": None}, [("type", "/displayName")]),
        ({"type": "string", "showInContactCard": "yes"}, [("enum", "/showInContactCard")]),
        ({"type": "string", "addToSegmentation": 1}, [("enum", "/addToSegmentation")]),
        ({"type": "string", "sortOrder": "first"}, [("pattern", "/sortOrder")]),
        ({"type": "string", "sortOrder": True}, [("pattern", "/sortOrder")]),
        (True, [("type", "")]),
        ("string", [("type", "")]),
    ],
)
def test_a_property_may_only_have_supported_attributes_and_values(
    api: httpx.Client, declaration: object, violations: list[tuple[str, str]]
) -> None:
    answer = api.post(SCHEMAS, json=schema_body({"odd": declaration}))
    expected = [(rule, f"/jsonSchema/properties/odd{pointer}") for rule, pointer in violations]
    assert_refused(answer, 400, "InvalidSchema", *expected)
    assert api.get(SCHEMAS).json() == []


@pytest.mark.parametrize(
    ("members", "rule", "pointer"),
    [
        ({"$schema": "http://json-schema.org/draft-07/schema#"}, "const", "/$schema"),
        ({"$schema": None}, "const", "/$schema"),
        ({"type": "array"}, "const", "/type"),
        ({"properties": []}, "type", "/properties"),
        ({"required": "name"}, "type", "/required"),
        ({"required": ["other"]}, "undeclared", "/required/0"),
        ({"required": [["name"]]}, "undeclared", "/required/0"),
        ({"required": ["name", "name"]}, "uniqueItems", "/required/1"),
        ({"additionalProperties": False}, "unsupported", "/additionalProperties"),
        ({"$ref": "http://127.0.0.1:1/"}, "unsupported", "/$ref"),
    ],
)
def test_the_root_of_a_schema_may_only_be_a_flat_object(
    api: httpx.Client, members: dict[str, Any], rule: str, pointer: str
) -> None:
    body = schema_body({"name": {"type": "string"}})
    body["jsonSchema"] |= members
    answer = api.post(SCHEMAS, json=body)
    assert_refused(answer, 400, "InvalidSchema", (rule, f"/jsonSchema{pointer}"))


def test_all_violations_of_a_schema_are_reported_at_once(api: httpx.Client) -> None:
    body = schema_body({"a": {"type": "null"}, "b": {"enum": []}}, schema_id="å", required=["c"])
    answer = api.post(SCHEMAS, json=body)
    properties = "/jsonSchema/properties"
    assert_refused(
        answer,
        400,
        "InvalidSchema",
        ("pattern", "/id"),
        ("undeclared", "/jsonSchema/required/0"),
        ("enum", f"{properties}/a/type"),
        ("required", f"{properties}/b/type"),
        ("unsupported", f"{properties}/b/enum"),
    )


@pytest.mark.parametrize("schema_id", ["", "a b", "a/b", "å", "a.b", "a\n", "٣"])
def test_a_schema_id_has_only_letters_digits_underscores_and_hyphens(
    api: httpx.Client, schema_id: str
) -> None:
    answer = api.post(SCHEMAS, json=schema_body({}, schema_id=schema_id))
    assert_refused(answer, 400, "InvalidSchema", ("pattern", "/id"))


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


def test_at_most_six_properties_may_be_segmentable(api: httpx.Client) -> None:
    properties: dict[str, Any] = {
        f"p{number}": {"type": "string", "addToSegmentation": "true"} for number in range(6)
    }
    properties["not"] = {"type": "string", "addToSegmentation": "false"}
    register(api, properties)
    properties["seventh"] = {"type": "string", "addToSegmentation": True}
    answer = api.post(SCHEMAS, json=schema_body(properties, schema_id="more"))
    violation = ("segmentable-limit", "/jsonSchema/properties")
    assert_refused(answer, 400, "InvalidSchema", violation)


def test_booleans_and_numbers_instead_of_strings_are_accepted_with_a_warning(
    api: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    declaration = {
        "type": "string",
        "showInContactCard": True,
        "addToSegmentation": False,
        "sortOrder": 3,
    }
    register(api, {"name": declaration})
    assert list_warnings(caplog) == [
        (("type",), f"/jsonSchema/properties/name/{attribute}")
        for attribute in ("showInContactCard", "addToSegmentation", "sortOrder")
    ]
    schema = api.get(f"{SCHEMAS}/thing").json()
    assert schema["jsonSchema"]["properties"]["name"] == declaration


def test_deleting_a_schema_deletes_every_interaction_under_it(api: httpx.Client) -> None:
    register(api, {})
    register(api, {}, schema_id="other")
    interaction_id = send(api, {}).json()["id"]
    other_id = send(api, {}, schemaId="other").json()["id"]
    assert api.delete(f"{SCHEMAS}/thing").content == b""
    assert_refused(api.get(f"{SCHEMAS}/thing"), 404, "SchemaNotFound")
    assert_refused(api.get(f"{INTERACTIONS}/{interaction_id}"), 404, "InteractionNotFound")
    assert api.get(f"{INTERACTIONS}/{other_id}").status_code == 200
    register(api, {})
    page = api.get(INTERACTIONS, params={"contactId": CONTACT, "schemaId": "thing"}).json()
    assert page == {"items": [], "links": []}


def test_an_interaction_is_read_back_as_it_was_sent(api: httpx.Client) -> None:
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


def test_a_deleted_interaction_does_not_exist(api: httpx.Client) -> None:
    register(api, {})
    interaction_id = send(api, {}).json()["id"]
    answer = api.delete(f"{INTERACTIONS}/{interaction_id}")
    assert (answer.status_code, answer.content) == (200, b"")
    for again in (api.get, api.delete):
        assert_refused(again(f"{INTERACTIONS}/{interaction_id}"), 404, "InteractionNotFound")


def test_equal_interactions_are_not_deduplicated(api: httpx.Client) -> None:
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
def test_a_value_of_the_declared_type_is_stored(
    api: httpx.Client, declared: str, value: object
) -> None:
    register(api, {"name": {"type": declared}})
    assert read_back(api, send(api, {"name": value}))["payload"] == {"name": value}


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
def test_a_value_of_another_type_is_dropped_and_kept_in_blob_storage(
    api: httpx.Client, declared: str, value: object
) -> None:
    register(api, {"name": {"type": declared}, "other": {"type": "string"}})
    answer = send(api, {"name": value, "other": "stays"})
    assert read_back(api, answer)["payload"] == {"other": "stays"}
    arrival = get_newest(api)
    assert (arrival["outcome"], arrival["errorCode"]) == ("dropped", None)
    assert arrival["interactionId"] == answer.json()["id"]
    assert describe_dropped(arrival) == [("name", value, ["type"])]
    assert arrival["body"] == answer.request.content.decode()


def test_an_undeclared_property_is_dropped_and_kept_in_blob_storage(
    api: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    register(api, {"name": {"type": "string"}})
    answer = send(api, {"name": "a", "nmae": {"deep": [1, None]}})
    assert read_back(api, answer)["payload"] == {"name": "a"}
    expected = ("nmae", {"deep": [1, None]}, ["undeclared"])
    assert describe_dropped(get_newest(api)) == [expected]
    assert list_warnings(caplog) == [(("undeclared",), "nmae")]


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
def test_an_rfc_3339_date_time_is_stored(api: httpx.Client, text: str) -> None:
    register(api, {"at": {"type": "string", "format": "date-time"}})
    assert read_back(api, send(api, {"at": text}))["payload"] == {"at": text}


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
def test_any_other_text_for_a_date_time_is_dropped(api: httpx.Client, text: str) -> None:
    register(api, {"at": {"type": "string", "format": "date-time"}})
    assert read_back(api, send(api, {"at": text}))["payload"] == {}
    assert describe_dropped(get_newest(api)) == [("at", text, ["format"])]


def test_other_formats_are_accepted_with_a_warning_and_enforced(
    api: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    register(api, {"mail": {"type": "string", "format": "email"}})
    assert list_warnings(caplog) == [(("format",), "/jsonSchema/properties/mail/format")]
    assert read_back(api, send(api, {"mail": "a@b.example"}))["payload"] == {"mail": "a@b.example"}
    assert read_back(api, send(api, {"mail": "nobody"}))["payload"] == {}


def test_an_interaction_without_a_required_property_is_refused(api: httpx.Client) -> None:
    register(api, {"name": {"type": "string"}, "rest": {"type": "string"}}, required=["name"])
    violation = ("required", "/payload/name")
    assert_refused(send(api, {"rest": "a"}), 400, "InvalidInteraction", violation)
    arrival = get_newest(api)
    assert (arrival["outcome"], arrival["errorCode"]) == ("refused", "InvalidInteraction")
    assert (arrival["interactionId"], arrival["dropped"]) == (None, [])
    page = api.get(INTERACTIONS, params={"contactId": CONTACT, "schemaId": "thing"}).json()
    assert page["items"] == []


def test_an_interaction_whose_required_property_was_dropped_is_refused(api: httpx.Client) -> None:
    register(api, {"name": {"type": "string"}}, required=["name"])
    violation = ("required", "/payload/name")
    assert_refused(send(api, {"name": 5}), 400, "InvalidInteraction", violation)
    assert describe_dropped(get_newest(api)) == [("name", 5, ["type"])]


def test_an_interaction_is_checked_in_the_documented_order(
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
        assert get_newest(api)["errorCode"] == code
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
def test_an_interaction_with_missing_or_ill_typed_members_is_malformed(
    api: httpx.Client, body: dict[str, Any]
) -> None:
    register(api, {})
    assert_refused(api.post(INTERACTIONS, json=body), 400, "MalformedRequest")


@pytest.mark.parametrize("missing", ["id", "displayName", "jsonSchema"])
def test_a_schema_with_missing_members_is_malformed(api: httpx.Client, missing: str) -> None:
    body = schema_body({})
    del body[missing]
    answer = api.post(SCHEMAS, json=body)
    assert_refused(answer, 400, "MalformedRequest", ("required", f"/{missing}"))


def test_unknown_members_are_ignored_with_a_warning(
    api: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    register(api, {})
    assert send(api, {}, createdAt="2023-05-23T11:13:42Z").status_code == 200
    assert list_warnings(caplog) == [(("undeclared",), "/createdAt")]


@pytest.mark.parametrize(
    ("sent", "returned"),
    [
        ("2023-05-23T11:13:42Z", "2023-05-23T11:13:42.000Z"),
        ("2023-05-23T11:13:42.0749Z", "2023-05-23T11:13:42.074Z"),
        ("2023-05-23T01:13:42.5+02:00", "2023-05-22T23:13:42.500Z"),
    ],
)
def test_created_date_is_returned_in_utc_with_milliseconds(
    api: httpx.Client, sent: str, returned: str
) -> None:
    register(api, {})
    assert read_back(api, send(api, {}, createdDate=sent))["createdDate"] == returned


def test_created_date_defaults_to_now(api: httpx.Client) -> None:
    register(api, {})
    before = datetime.now(UTC) - timedelta(milliseconds=1)
    text = read_back(api, send(api, {}))["createdDate"]
    assert before <= datetime.fromisoformat(text) <= datetime.now(UTC)


@pytest.mark.parametrize(
    ("sent", "returned", "rule"),
    [
        ("2023-05-23T11:13:42", "2023-05-23T11:13:42.000Z", "offset"),
        ("2023-05-23", "2023-05-23T00:00:00.000Z", "offset"),
        ("9999-12-31T23:59:59.9999Z", "9999-12-31T23:59:59.999Z", "future"),
    ],
)
def test_a_created_date_without_offset_or_in_the_future_causes_a_warning(
    api: httpx.Client, caplog: pytest.LogCaptureFixture, sent: str, returned: str, rule: str
) -> None:
    register(api, {})
    assert read_back(api, send(api, {}, createdDate=sent))["createdDate"] == returned
    assert list_warnings(caplog) == [((rule,), "/createdDate")]


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
def test_a_created_date_that_is_not_a_date_is_refused(api: httpx.Client, text: str) -> None:
    register(api, {})
    answer = send(api, {}, createdDate=text)
    assert_refused(answer, 400, "InvalidInteraction", ("format", "/createdDate"))


needs_corpora = pytest.mark.skipif(not CORPORA.is_dir(), reason=f"no corpora at {CORPORA}")


def read_published(path: str) -> dict[str, Any]:
    body: dict[str, Any] = json.loads((ENGAGE / path).read_bytes())
    return body


def send_published(schema: str, body: dict[str, Any]) -> tuple[httpx.Response, dict[str, Any]]:
    """Send a payload to a tenant with this schema only; return the answer and what was dropped."""
    with running(seed=False, options=Options(rate_limit=0)) as sandbox, connect(sandbox) as api:
        with sandbox.store.transaction() as tenant:
            tenant.add_contact(body["contactId"], "Test Contact")
        api.post(SCHEMAS, json=read_published(schema)).raise_for_status()
        answer = api.post(INTERACTIONS, json=body)
        arrivals: list[dict[str, Any]] = api.get(INCOMPLETE).json()["items"]
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
    body = read_published(f"payloads/{payload}.json")
    answer, arrival = send_published(f"schemas/{schema}.json", body)
    assert answer.status_code == 200, answer.text
    assert arrival == {}


@needs_corpora
def test_another_vendors_schema_with_the_same_id_drops_four_properties() -> None:
    body = read_published("payloads/lipscore-completedProductRating.json")
    answer, arrival = send_published("schemas/trustvoice-completedProductRating.json", body)
    assert answer.status_code == 200, answer.text
    dropped = [item["name"] for item in arrival["dropped"]]
    assert dropped == ["ratingId", "name", "brand", "type"]


@needs_corpora
def test_the_vendors_own_sample_is_refused_and_its_date_is_dropped_after_a_fix() -> None:
    path = "payloads/voyado-docs-reuse-spring-2023.AS-PRINTED-invalid-dates.json"
    body = read_published(path) | {"contactId": CONTACT}
    schema = "schemas/voyado-docs-reuse-spring-2023.json"
    answer, _ = send_published(schema, body)
    assert_refused(answer, 400, "InvalidInteraction", ("format", "/createdDate"))
    answer, arrival = send_published(schema, body | {"createdDate": "2023-05-23T11:13:42.074Z"})
    assert answer.status_code == 200, answer.text
    assert [item["name"] for item in arrival["dropped"]] == ["created"]


@needs_corpora
def test_every_published_schema_is_accepted_except_for_a_duplicate_id(
    api: httpx.Client,
) -> None:
    statuses = {
        path.stem: api.post(SCHEMAS, json=read_published(f"schemas/{path.name}")).status_code
        for path in sorted((ENGAGE / "schemas").glob("*.json"))
    }
    assert statuses.pop("trustvoice-completedProductRating") == 409
    assert set(statuses.values()) == {200}
