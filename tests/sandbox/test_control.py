"""The control API: options, keys, clock, contacts, arrivals, request log and reset."""

import re
import threading
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any, cast

import httpx
import pytest

from engage_codegen.errors import ConfigError
from engage_codegen.sandbox.api.rate_limit import RateLimit
from engage_codegen.sandbox.option_pairs import parse_options
from engage_codegen.sandbox.options import Options
from engage_codegen.sandbox.server import Sandbox, running
from engage_codegen.sandbox.testing import engage_sandbox
from tests.sandbox.helpers import CONTACT, DIALECT, INTERACTIONS, SCHEMAS, connect, list_rules
from tests.support.paths import ROOT
from tests.support.tool import Tool

pytestmark = pytest.mark.slow

__all__ = ["engage_sandbox"]

GOOD = {"productSku": "1"}
BROKEN = {"brand": "x"}


@pytest.fixture
def sandbox() -> Generator[Sandbox]:
    with running(options=Options(rate_limit=0)) as started:
        yield started


@pytest.fixture
def web(sandbox: Sandbox) -> Generator[httpx.Client]:
    with connect(sandbox) as client:
        yield client


def set_options(web: httpx.Client, **options: object) -> None:
    values = {name.replace("_", "-"): value for name, value in options.items()}
    answer = web.patch("/_sandbox/options", json=values)
    assert answer.status_code == 200, answer.text


def send(web: httpx.Client, payload: object, **more: object) -> httpx.Response:
    body = {"contactId": CONTACT, "schemaId": "favourite", "payload": payload, **more}
    return web.post(INTERACTIONS, json=body)


def list_page(web: httpx.Client, **params: str) -> dict[str, Any]:
    query = {"contactId": CONTACT, "schemaId": "favourite", **params}
    page: dict[str, Any] = web.get(INTERACTIONS, params=query).json()
    return page


def create_schema(web: httpx.Client, declaration: dict[str, object]) -> httpx.Response:
    body = {
        "id": "mine",
        "displayName": "Mine",
        "jsonSchema": {
            "$schema": DIALECT,
            "type": "object",
            "properties": {"name": declaration},
        },
    }
    return web.post(SCHEMAS, json=body)


def test_a_broken_interaction_is_rejected_by_default(web: httpx.Client) -> None:
    assert send(web, BROKEN).status_code == 400


def test_a_broken_interaction_can_be_ignored_with_an_id_that_does_not_exist(
    web: httpx.Client,
) -> None:
    set_options(web, broken_interaction="ignore")
    answer = send(web, BROKEN)
    assert answer.status_code == 200
    assert web.get(f"{INTERACTIONS}/{answer.json()['id']}").status_code == 404
    assert list_page(web)["items"] == []


def test_a_broken_interaction_can_be_ignored_without_an_id(web: httpx.Client) -> None:
    set_options(web, broken_interaction="ignore-without-id")
    answer = send(web, BROKEN)
    assert (answer.status_code, answer.json()) == (200, {})
    (arrival,) = web.get("/_sandbox/arrivals").json()["items"]
    assert (arrival["outcome"], arrival["payload"]) == ("ignored", None)
    assert arrival["violations"] == [{"rule": "required", "pointer": "/payload/productSku"}]
    assert len(arrival["reasons"]) == 1
    assert send(web, GOOD).json()["id"]


@pytest.mark.parametrize(("payload", "status"), [({"price": "x"}, 400), ({"unknown": 1}, 200)])
def test_an_ill_typed_property_can_break_the_interaction(
    payload: dict[str, object], status: int, web: httpx.Client
) -> None:
    assert send(web, {**GOOD, **payload}).status_code == 200
    set_options(web, ill_typed_property="break")
    answer = send(web, {**GOOD, **payload})
    assert answer.status_code == status
    if status == 400:
        assert list_rules(answer) == [("type", "/payload/price")]


def test_dropped_properties_can_be_read_back(web: httpx.Client) -> None:
    payload = {**GOOD, "price": "x", "unknown": 1}
    url = f"{INTERACTIONS}/{send(web, payload).json()['id']}"
    assert web.get(url).json()["payload"] == GOOD
    set_options(web, read_back="everything")
    assert web.get(url).json()["payload"] == payload
    assert list_page(web)["items"][0]["payload"] == payload


def test_the_statuses_of_create_and_delete_can_be_changed(web: httpx.Client) -> None:
    set_options(web, create_status=201, delete_status=204)
    answer = send(web, GOOD)
    assert answer.status_code == 201
    assert web.delete(f"{INTERACTIONS}/{answer.json()['id']}").status_code == 204
    assert create_schema(web, {"type": "string"}).status_code == 201
    assert web.delete(f"{SCHEMAS}/mine").status_code == 204


def test_other_keywords_can_be_accepted_and_are_enforced(web: httpx.Client) -> None:
    declaration: dict[str, object] = {"type": "string", "enum": ["a", "b"], "pattern": "^a"}
    assert create_schema(web, declaration).status_code == 400
    set_options(web, other_keywords="accept")
    assert create_schema(web, declaration).status_code == 200
    stored: list[object] = []
    for value in ("a", "b", "c"):
        body = {"contactId": CONTACT, "schemaId": "mine", "payload": {"name": value}}
        url = f"{INTERACTIONS}/{web.post(INTERACTIONS, json=body).json()['id']}"
        stored.append(web.get(url).json()["payload"])
    assert stored == [{"name": "a"}, {}, {}]


@pytest.mark.parametrize(
    ("declaration", "violation"),
    [
        ({"type": "string", "$ref": "http://127.0.0.1:9/x"}, ("unsupported", "/$ref")),
        ({"type": "string", "allOf": [{"$ref": "http://127.0.0.1:9/x"}]}, ("unsupported", "")),
        ({"type": "string", "pattern": "("}, ("format", "/pattern")),
        ({"type": "integer", "multipleOf": 0}, ("exclusiveMinimum", "/multipleOf")),
        ({"type": "string", "enum": "a"}, ("type", "/enum")),
    ],
)
def test_invalid_keywords_and_references_are_rejected(
    declaration: dict[str, object], violation: tuple[str, str], web: httpx.Client
) -> None:
    set_options(web, other_keywords="accept")
    answer = create_schema(web, declaration)
    assert (answer.status_code, answer.json()["errorCode"]) == (400, "InvalidSchema")
    rule, pointer = violation
    assert (rule, f"/jsonSchema/properties/name{pointer}") in list_rules(answer)


def test_no_pattern_takes_longer_for_one_text_than_for_another(web: httpx.Client) -> None:
    set_options(web, other_keywords="accept")
    declaration: dict[str, object] = {
        "type": "string",
        "anyOf": [{"pattern": "^(a+)+$"}, {"pattern": "(x*)*y"}],
    }
    assert create_schema(web, declaration).status_code == 200
    for value, payload in (("a" * 50_000 + "!", {}), ("aa", {"name": "aa"})):
        body = {"contactId": CONTACT, "schemaId": "mine", "payload": {"name": value}}
        url = f"{INTERACTIONS}/{web.post(INTERACTIONS, json=body).json()['id']}"
        assert web.get(url).json()["payload"] == payload


@pytest.mark.parametrize(
    ("declaration", "rule"),
    [
        ({"type": "string", "pattern": "^(?=a+)(a+)+$"}, "pattern"),
        ({"type": "string", "not": {"pattern": r"^(a+)\1$"}}, "pattern"),
        ({"type": "string", "allOf": [{"patternProperties": {"(a+)+$": True}}]}, "unsupported"),
    ],
)
def test_patterns_that_need_a_slow_engine_are_rejected(
    declaration: dict[str, object], rule: str, web: httpx.Client
) -> None:
    set_options(web, other_keywords="accept")
    answer = create_schema(web, declaration)
    assert (answer.status_code, answer.json()["errorCode"]) == (400, "InvalidSchema")
    assert (rule, "/jsonSchema/properties/name") in list_rules(answer)


def test_a_stored_interaction_can_appear_in_the_list_later(web: httpx.Client) -> None:
    web.post("/_sandbox/clock", json={"freeze": True})
    set_options(web, list_lag_seconds=10)
    stored = send(web, GOOD).json()["id"]
    assert list_page(web)["items"] == []
    assert web.get(f"{INTERACTIONS}/{stored}").status_code == 200
    web.post("/_sandbox/clock", json={"move": 10})
    assert [item["id"] for item in list_page(web)["items"]] == [stored]


def test_dates_can_have_a_precision_of_seconds(web: httpx.Client) -> None:
    set_options(web, date_precision="seconds")
    answer = send(web, GOOD, createdDate="2026-03-14T09:26:53.589+01:00").json()
    assert answer["self"]["created"] == "2026-03-14T08:26:53Z"
    assert web.get(f"{INTERACTIONS}/{answer['id']}").json()["createdDate"] == "2026-03-14T08:26:53Z"


def test_attributes_that_are_not_strings_can_be_rejected(web: httpx.Client) -> None:
    set_options(web, non_string_attributes="reject")
    answer = create_schema(web, {"type": "string", "showInContactCard": True})
    pointer = "/jsonSchema/properties/name/showInContactCard"
    assert (answer.status_code, list_rules(answer)) == (400, [("type", pointer)])
    assert create_schema(web, {"type": "string", "showInContactCard": "true"}).status_code == 200


def test_a_shuffled_list_has_every_interaction_once(web: httpx.Client) -> None:
    set_options(web, list_order="shuffled", next_rel="more")
    sent = [send(web, {"productSku": str(number)}).json()["id"] for number in range(120)]
    listed: list[str] = []
    page = list_page(web)
    while True:
        listed += [item["id"] for item in page["items"]]
        if not page["links"]:
            break
        assert page["links"][0]["rel"] == "more"
        page = web.get(page["links"][0]["href"]).json()
    assert sorted(listed) == sorted(sent)
    assert listed not in (sent, sent[::-1])


@pytest.mark.parametrize(
    ("date", "rule"), [("2026-03-14T09:26:53", "offset"), ("2999-01-01T00:00:00Z", "future")]
)
def test_a_date_without_offset_or_in_the_future_can_be_rejected(
    date: str, rule: str, web: httpx.Client
) -> None:
    assert send(web, GOOD, createdDate=date).status_code == 200
    set_options(web, odd_created_date="reject")
    answer = send(web, GOOD, createdDate=date)
    assert (answer.status_code, list_rules(answer)) == (400, [(rule, "/createdDate")])


def test_the_statuses_of_errors_can_be_changed(web: httpx.Client) -> None:
    set_options(web, validation_status=422, unknown_contact_status=400, duplicate_schema_status=400)
    answer = send(web, BROKEN)
    assert (answer.status_code, answer.json()["errorCode"]) == (422, "InvalidInteraction")
    assert create_schema(web, {"type": "array"}).status_code == 422
    unknown = "00000000-0000-4000-8000-000000000000"
    assert send(web, GOOD, contactId=unknown).status_code == 400
    query = {"contactId": unknown, "schemaId": "favourite"}
    assert web.get(INTERACTIONS, params=query).status_code == 400
    assert web.get(f"/api/v3/contacts/{unknown}").status_code == 404
    assert create_schema(web, {"type": "string"}).status_code == 200
    assert create_schema(web, {"type": "string"}).status_code == 400


@pytest.mark.parametrize(
    ("form", "body"),
    [
        ("message", {"message": "The interaction is invalid"}),
        (
            "validation-errors",
            {
                "validationErrors": [
                    {"errorDescription": "'productSku' is a required property"},
                ]
            },
        ),
        (
            "problem-details",
            {
                "type": "about:blank",
                "title": "Bad Request",
                "status": 400,
                "detail": "The interaction is invalid",
            },
        ),
    ],
)
def test_the_bodies_of_errors_can_be_changed_under_the_api(
    form: str, body: object, web: httpx.Client
) -> None:
    set_options(web, error_body=form)
    assert send(web, BROKEN).json() == body
    assert web.get("/api/v3/nothing").json().keys() == dict.fromkeys(_members_of(body)).keys()
    assert "errorCode" in web.patch("/_sandbox/options", json={"nonsense": 1}).json()


def _members_of(body: object) -> list[str]:
    assert isinstance(body, dict)
    return list(cast(dict[str, object], body))


def test_a_malformed_search_for_a_contact_can_find_nothing(web: httpx.Client) -> None:
    path = "/api/v3/contacts/id?email=nobody"
    assert web.get(path).json()["errorCode"] == "InvalidEmailAddress"
    set_options(web, contact_errors="not-found")
    answer = web.get(path)
    assert (answer.status_code, answer.json()["errorCode"]) == (404, "ContactNotFound")


def test_a_tenant_without_the_feature_answers_403(web: httpx.Client) -> None:
    set_options(web, feature_enabled=False)
    answer = send(web, GOOD)
    assert (answer.status_code, answer.json()["errorCode"]) == (403, "FeatureNotEnabled")
    set_options(web, feature_enabled=True)
    assert send(web, GOOD).status_code == 200


def test_invalid_options_are_refused_and_change_nothing(web: httpx.Client) -> None:
    before = web.get("/_sandbox/options").json()
    for wrong in ({"create-status": 418}, {"nonsense": 1}, {"rate-limit": -1}, {"list-order": 5}):
        answer = web.patch("/_sandbox/options", json=wrong)
        assert (answer.status_code, answer.json()["errorCode"]) == (400, "MalformedRequest")
    assert web.get("/_sandbox/options").json() == before


def test_options_are_parsed_from_the_command_line() -> None:
    assert parse_options([]) == Options()
    options = parse_options(["create-status=201", "feature-enabled=false", "list-order=shuffled"])
    assert options == Options(create_status=201, feature_enabled=False, list_order="shuffled")  # type: ignore[arg-type]
    for wrong in ("create-status=418", "nonsense=1", "create-status"):
        with pytest.raises(ConfigError) as caught:
            parse_options([wrong])
        assert wrong.partition("=")[0] in caught.value.where


def test_an_invalid_option_fails_the_command(tool: Tool) -> None:
    outcome = tool("sandbox", "--port", "0", "--option", "list-order=random")
    assert outcome.code == 2
    assert "list-order" in outcome.err
    outcome = tool("sandbox", "--port", "0", "--option", "nonsense=1")
    assert outcome.code == 2
    assert "Use one of these options: broken-interaction, " in outcome.err


def test_the_docs_list_every_option_with_its_default() -> None:
    page = (ROOT / "docs" / "sandbox.md").read_text("utf-8")
    rows = re.findall(r"^\| `([a-z-]+)` \| ([^|]+) \| `([^`]+)` \| ([^|]+) \|$", page, re.MULTILINE)
    documented = {row[0]: (row[2], row[3].strip()) for row in rows}
    booleans = {"True": "true", "False": "false"}
    assert documented == {
        field.alias: (booleans.get(str(field.default), str(field.default)), field.description)
        for field in Options.model_fields.values()
    }


def test_keys_can_be_added_and_revoked(web: httpx.Client, sandbox: Sandbox) -> None:
    other = {"apikey": "another-key"}
    assert web.get(SCHEMAS, headers=other).status_code == 401
    assert web.post("/_sandbox/keys", json={"key": "another-key"}).status_code == 204
    assert web.get(SCHEMAS, headers=other).status_code == 200
    assert web.get("/_sandbox/keys").json() == ["another-key", sandbox.api_key]
    assert web.delete("/_sandbox/keys/another-key").status_code == 204
    assert web.get(SCHEMAS, headers=other).status_code == 401
    assert web.delete("/_sandbox/keys/another-key").status_code == 404
    assert web.post("/_sandbox/keys", json={"key": "a b"}).status_code == 400


def test_keys_survive_a_restart(tmp_path: Path) -> None:
    database = tmp_path / "tenant.db"
    with running(database=database) as sandbox:
        sandbox.store.add_key("second")
    with running(database=database) as sandbox:
        assert sandbox.store.list_keys() == [sandbox.api_key, "second"]


def test_each_key_has_its_own_rate_limit(web: httpx.Client, sandbox: Sandbox) -> None:
    now = 1000.0
    sandbox.state.rate_limit = RateLimit(lambda: now)
    set_options(web, rate_limit=20)
    web.post("/_sandbox/keys", json={"key": "second"})
    statuses = [web.get(SCHEMAS).status_code for _ in range(25)]
    assert statuses == [200] * 20 + [429] * 5
    assert web.get(SCHEMAS, headers={"apikey": "second"}).status_code == 200
    now += 0.99
    assert web.get(SCHEMAS).status_code == 429
    now += 0.01
    assert web.get(SCHEMAS).status_code == 200


def test_the_default_rate_limit_is_200_requests_per_second(engage_sandbox: Sandbox) -> None:
    engage_sandbox.state.rate_limit = RateLimit(lambda: 1000.0)
    statuses: list[int] = []

    def request_often() -> None:
        with connect(engage_sandbox) as client:
            statuses.extend(client.get(SCHEMAS).status_code for _ in range(100))

    threads = [threading.Thread(target=request_often) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(engage_sandbox.state.log.list()) == 400
    assert (statuses.count(200), statuses.count(429)) == (200, 200)


def test_the_clock_can_be_frozen_moved_and_run(web: httpx.Client) -> None:
    noon = "2020-02-29T12:00:00.000Z"
    clock = web.post("/_sandbox/clock", json={"freeze": noon}).json()
    assert clock == {"now": noon, "frozen": True}
    answer = send(web, GOOD).json()
    assert answer["self"]["created"] == noon
    assert web.post("/_sandbox/clock", json={"move": 3600}).json()["now"][:16] == "2020-02-29T13:00"
    clock = web.post("/_sandbox/clock", json={"run": True}).json()
    assert clock["frozen"] is False
    assert clock["now"].startswith("2020-02-29T13:0")
    for wrong in ({"freeze": "2020-02-29T12:00:00"}, {"move": 1e12}, {"freeze": "today"}):
        assert web.post("/_sandbox/clock", json=wrong).status_code == 400


def test_the_clock_cannot_leave_the_supported_years(web: httpx.Client) -> None:
    web.post("/_sandbox/clock", json={"freeze": "9999-12-31T00:00:00Z"})
    assert web.post("/_sandbox/clock", json={"move": 1e9}).status_code == 400
    assert web.get("/_sandbox/clock").json()["now"] == "9999-12-31T00:00:00.000Z"


def test_contacts_can_be_added_and_deleted(web: httpx.Client) -> None:
    contact = {"id": "11111111-1111-4111-8111-111111111111", "name": "Test Contact 7"}
    assert web.post("/_sandbox/contacts", json=contact).status_code == 201
    answer = web.post("/_sandbox/contacts", json=contact)
    assert (answer.status_code, list_rules(answer)) == (400, [("unique", "/id")])
    assert send(web, GOOD, contactId=contact["id"]).status_code == 200
    assert web.delete(f"/_sandbox/contacts/{contact['id']}").status_code == 204
    assert web.delete(f"/_sandbox/contacts/{contact['id']}").status_code == 404
    assert send(web, GOOD, contactId=contact["id"]).status_code == 404
    assert contact["id"] not in web.get("/_sandbox/contacts").text


def test_every_arrival_is_listed_with_its_outcome(web: httpx.Client) -> None:
    send(web, GOOD)
    send(web, {**GOOD, "price": "x"})
    send(web, BROKEN)
    items = web.get("/_sandbox/arrivals").json()["items"]
    assert [item["outcome"] for item in items] == ["refused", "dropped", "stored"]
    assert [item["payload"] for item in items] == [None, GOOD, GOOD]
    (dropped,) = items[1]["dropped"]
    assert (dropped["name"], dropped["value"], dropped["rules"]) == ("price", "x", ["type"])
    assert "number" in dropped["reason"]
    page = web.get("/_sandbox/arrivals", params={"limit": 2}).json()
    assert page["items"] == items[:2]
    rest = web.get("/_sandbox/arrivals", params={"before": page["before"]}).json()
    assert (rest["items"], rest["before"]) == (items[2:], None)
    incomplete = web.get("/_sandbox/arrivals", params={"incomplete": True}).json()
    assert incomplete["items"] == items[:2]


def test_the_log_lists_requests_with_their_status(web: httpx.Client) -> None:
    web.get(SCHEMAS, headers={"apikey": "wrong"})
    web.get(f"{SCHEMAS}/favourite?x=1")
    log = web.get("/_sandbox/log").json()
    assert [(line["method"], line["path"], line["query"], line["status"]) for line in log] == [
        ("GET", SCHEMAS, "", 401),
        ("GET", f"{SCHEMAS}/favourite", "x=1", 200),
    ]
    web.delete("/_sandbox/log")
    assert web.get("/_sandbox/log").json() == []


CHANGES: dict[str, Callable[[httpx.Client], object]] = {
    "a schema is deleted": lambda web: web.delete(f"{SCHEMAS}/favourite"),
    "an interaction is stored": lambda web: send(web, GOOD),
    "an interaction is refused": lambda web: send(web, BROKEN),
    "a contact is changed": lambda web: web.patch(
        f"/_sandbox/contacts/{CONTACT}", json={"email": None}
    ),
    "a contact is deleted": lambda web: web.delete(f"/_sandbox/contacts/{CONTACT}"),
    "a key is added": lambda web: web.post("/_sandbox/keys", json={"key": "second"}),
    "the key is revoked": lambda web: web.delete("/_sandbox/keys/sandbox-key"),
    "an option is set": lambda web: web.patch("/_sandbox/options", json={"next-rel": "x"}),
    "the clock is frozen": lambda web: web.post("/_sandbox/clock", json={"freeze": True}),
    "a fault is added": lambda web: web.post("/_sandbox/faults", json={"kind": "drop"}),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_reset_undoes_every_change(name: str, web: httpx.Client) -> None:
    paths = ["options", "keys", "contacts", "faults", "arrivals", "log"]

    def read_state() -> object:
        parts = [web.get(f"/_sandbox/{path}").json() for path in paths]
        schemas = web.get(SCHEMAS).json(), list_page(web)
        web.delete("/_sandbox/log")
        return parts, web.get("/_sandbox/clock").json()["frozen"], schemas

    before = read_state()
    CHANGES[name](web)
    assert web.post("/_sandbox/reset").status_code == 204
    assert read_state() == before


@pytest.mark.parametrize("run", ["first", "second"])
def test_the_fixture_starts_a_new_tenant_for_each_test(run: str, engage_sandbox: Sandbox) -> None:
    with connect(engage_sandbox) as web:
        assert len(web.get(SCHEMAS).json()) == 6
        assert web.delete(f"{SCHEMAS}/favourite").status_code == 200
