"""Options, keys, time, contacts, log and reset of the local Engage."""

import re
import threading
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import httpx
import pytest

from engage_codegen.errors import ConfigError
from engage_codegen.sandbox.options import Options, options_of
from engage_codegen.sandbox.server import Sandbox, running
from engage_codegen.sandbox.testing import engage_sandbox
from tests.support.paths import ROOT
from tests.support.tool import Tool

__all__ = ["engage_sandbox"]

CONTACT = "3f0c1a52-7d5e-4b0e-9a64-1c2f5b8e0d01"
INTERACTIONS = "/api/v3/interactions"
SCHEMAS = "/api/v3/interactionschemas"
GOOD = {"productSku": "1"}
BROKEN = {"brand": "x"}


@pytest.fixture
def sandbox() -> Generator[Sandbox]:
    with running(options=Options(rate_limit=0)) as started:
        yield started


@pytest.fixture
def web(sandbox: Sandbox) -> Generator[httpx.Client]:
    with httpx.Client(base_url=sandbox.base_url, headers={"apikey": sandbox.api_key}) as client:
        yield client


def setting(web: httpx.Client, **options: object) -> None:
    named = {name.replace("_", "-"): value for name, value in options.items()}
    answer = web.patch("/_sandbox/options", json=named)
    assert answer.status_code == 200, answer.text


def send(web: httpx.Client, payload: object, **more: object) -> httpx.Response:
    body = {"contactId": CONTACT, "schemaId": "favourite", "payload": payload, **more}
    return web.post(INTERACTIONS, json=body)


def listed(web: httpx.Client, **params: str) -> dict[str, Any]:
    query = {"contactId": CONTACT, "schemaId": "favourite", **params}
    page: dict[str, Any] = web.get(INTERACTIONS, params=query).json()
    return page


def schema(web: httpx.Client, declaration: dict[str, object]) -> httpx.Response:
    body = {
        "id": "mine",
        "displayName": "Mine",
        "jsonSchema": {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "properties": {"name": declaration},
        },
    }
    return web.post(SCHEMAS, json=body)


def test_a_broken_interaction_is_rejected_by_default(web: httpx.Client) -> None:
    assert send(web, BROKEN).status_code == 400


def test_a_broken_interaction_is_ignored_with_an_id_that_leads_nowhere(web: httpx.Client) -> None:
    setting(web, broken_interaction="ignore")
    answer = send(web, BROKEN)
    assert answer.status_code == 200
    assert web.get(f"{INTERACTIONS}/{answer.json()['id']}").status_code == 404
    assert listed(web)["items"] == []


def test_a_broken_interaction_is_ignored_without_an_id(web: httpx.Client) -> None:
    setting(web, broken_interaction="ignore-without-id")
    answer = send(web, BROKEN)
    assert (answer.status_code, answer.json()) == (200, {})
    (arrival,) = web.get("/_sandbox/arrivals").json()["items"]
    assert (arrival["outcome"], arrival["kept"]) == ("ignored", None)
    assert "'productSku' is a required property" in arrival["reasons"]
    assert send(web, GOOD).json()["id"]


@pytest.mark.parametrize(("payload", "status"), [({"price": "x"}, 400), ({"unknown": 1}, 200)])
def test_an_ill_typed_property_can_break_the_interaction(
    payload: dict[str, object], status: int, web: httpx.Client
) -> None:
    assert send(web, {**GOOD, **payload}).status_code == 200
    setting(web, ill_typed_property="break")
    assert send(web, {**GOOD, **payload}).status_code == status


def test_everything_can_be_read_back(web: httpx.Client) -> None:
    whole = {**GOOD, "price": "x", "unknown": 1}
    url = f"{INTERACTIONS}/{send(web, whole).json()['id']}"
    assert web.get(url).json()["payload"] == GOOD
    setting(web, read_back="everything")
    assert web.get(url).json()["payload"] == whole
    assert listed(web)["items"][0]["payload"] == whole


def test_the_statuses_of_create_and_delete(web: httpx.Client) -> None:
    setting(web, create_status=201, delete_status=204)
    answer = send(web, GOOD)
    assert answer.status_code == 201
    assert web.delete(f"{INTERACTIONS}/{answer.json()['id']}").status_code == 204
    assert schema(web, {"type": "string"}).status_code == 201
    assert web.delete(f"{SCHEMAS}/mine").status_code == 204


def test_other_keywords_can_be_accepted_and_are_enforced(web: httpx.Client) -> None:
    declaration: dict[str, object] = {"type": "string", "enum": ["a", "b"], "pattern": "^a"}
    assert schema(web, declaration).status_code == 400
    setting(web, other_keywords="accept")
    assert schema(web, declaration).status_code == 200
    kept: list[object] = []
    for value in ("a", "b", "c"):
        body = {"contactId": CONTACT, "schemaId": "mine", "payload": {"name": value}}
        url = f"{INTERACTIONS}/{web.post(INTERACTIONS, json=body).json()['id']}"
        kept.append(web.get(url).json()["payload"])
    assert kept == [{"name": "a"}, {}, {}]


@pytest.mark.parametrize(
    "declaration",
    [
        {"type": "string", "$ref": "http://127.0.0.1:9/x"},
        {"type": "string", "allOf": [{"$ref": "http://127.0.0.1:9/x"}]},
        {"type": "string", "pattern": "("},
        {"type": "integer", "multipleOf": 0},
        {"type": "string", "enum": "a"},
    ],
)
def test_keywords_that_cannot_be_enforced_are_rejected(
    declaration: dict[str, object], web: httpx.Client
) -> None:
    setting(web, other_keywords="accept")
    answer = schema(web, declaration)
    assert (answer.status_code, answer.json()["errorCode"]) == (400, "InvalidSchema")


def test_a_stored_interaction_can_take_its_time_to_appear(web: httpx.Client) -> None:
    web.post("/_sandbox/clock", json={"freeze": True})
    setting(web, list_lag_seconds=10)
    stored = send(web, GOOD).json()["id"]
    assert listed(web)["items"] == []
    assert web.get(f"{INTERACTIONS}/{stored}").status_code == 200
    web.post("/_sandbox/clock", json={"move": 10})
    assert [item["id"] for item in listed(web)["items"]] == [stored]


def test_dates_can_be_precise_to_the_second(web: httpx.Client) -> None:
    setting(web, date_precision="seconds")
    answer = send(web, GOOD, createdDate="2026-03-14T09:26:53.589+01:00").json()
    assert answer["self"]["created"] == "2026-03-14T08:26:53Z"
    assert web.get(f"{INTERACTIONS}/{answer['id']}").json()["createdDate"] == "2026-03-14T08:26:53Z"


def test_attributes_that_are_no_strings_can_be_rejected(web: httpx.Client) -> None:
    setting(web, non_string_attributes="reject")
    assert schema(web, {"type": "string", "showInContactCard": True}).status_code == 400
    assert schema(web, {"type": "string", "showInContactCard": "true"}).status_code == 200


def test_a_shuffled_list_has_every_interaction_once(web: httpx.Client) -> None:
    setting(web, list_order="shuffled", next_rel="more")
    sent = [send(web, {"productSku": str(number)}).json()["id"] for number in range(120)]
    found: list[str] = []
    page = listed(web)
    while True:
        found += [item["id"] for item in page["items"]]
        if not page["links"]:
            break
        assert page["links"][0]["rel"] == "more"
        page = web.get(page["links"][0]["href"]).json()
    assert sorted(found) == sorted(sent)
    assert found not in (sent, sent[::-1])


@pytest.mark.parametrize("odd", ["2026-03-14T09:26:53", "2999-01-01T00:00:00Z"])
def test_an_odd_date_can_be_rejected(odd: str, web: httpx.Client) -> None:
    assert send(web, GOOD, createdDate=odd).status_code == 200
    setting(web, odd_created_date="reject")
    assert send(web, GOOD, createdDate=odd).status_code == 400


def test_a_tenant_without_the_feature_answers_403(web: httpx.Client) -> None:
    setting(web, feature_enabled=False)
    answer = send(web, GOOD)
    assert (answer.status_code, answer.json()["errorCode"]) == (403, "FeatureNotEnabled")
    setting(web, feature_enabled=True)
    assert send(web, GOOD).status_code == 200


def test_options_that_make_no_sense_are_refused_and_change_nothing(web: httpx.Client) -> None:
    before = web.get("/_sandbox/options").json()
    for wrong in ({"create-status": 418}, {"nonsense": 1}, {"rate-limit": -1}, {"list-order": 5}):
        answer = web.patch("/_sandbox/options", json=wrong)
        assert (answer.status_code, answer.json()["errorCode"]) == (400, "MalformedRequest")
    assert web.get("/_sandbox/options").json() == before


def test_options_of_a_command_line() -> None:
    assert options_of([]) == Options()
    given = options_of(["create-status=201", "feature-enabled=false", "list-order=shuffled"])
    assert given == Options(create_status=201, feature_enabled=False, list_order="shuffled")  # type: ignore[arg-type]
    for wrong in ("create-status=418", "nonsense=1", "create-status"):
        with pytest.raises(ConfigError) as caught:
            options_of([wrong])
        assert wrong.partition("=")[0] in caught.value.where


def test_a_wrong_option_ends_the_command(tool: Tool) -> None:
    outcome = tool("sandbox", "--port", "0", "--option", "list-order=random")
    assert outcome.code == 2
    assert "'list-order' cannot be set like that" in outcome.err


def test_every_option_is_in_the_docs_with_its_default() -> None:
    page = (ROOT / "docs" / "sandbox.md").read_text("utf-8")
    rows = re.findall(r"^\| `([a-z-]+)` \| ([^|]+) \| `([^`]+)` \| ([^|]+) \|$", page, re.MULTILINE)
    documented = {row[0]: (row[2], row[3].strip()) for row in rows}
    assert documented == {
        field.alias: (str(field.default).lower(), field.description)
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


def test_the_rate_is_limited_by_key(web: httpx.Client) -> None:
    setting(web, rate_limit=20)
    web.post("/_sandbox/keys", json={"key": "second"})
    answers = [web.get(SCHEMAS).status_code for _ in range(25)]
    assert answers == [200] * 20 + [429] * 5
    assert web.get(SCHEMAS, headers={"apikey": "second"}).status_code == 200


def test_the_limit_of_200_a_second_is_the_default(engage_sandbox: Sandbox) -> None:
    statuses: list[int] = []

    def ask() -> None:
        headers = {"apikey": engage_sandbox.api_key}
        with httpx.Client(base_url=engage_sandbox.base_url, headers=headers) as client:
            statuses.extend(client.get(SCHEMAS).status_code for _ in range(100))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log = engage_sandbox.platform.log.list()
    assert len(log) == 400
    assert statuses.count(200) >= 200
    assert set(statuses) <= {200, 429}


def test_time_can_be_frozen_moved_and_run(web: httpx.Client) -> None:
    at = "2020-02-29T12:00:00.000Z"
    frozen = web.post("/_sandbox/clock", json={"freeze": at}).json()
    assert frozen == {"now": at, "frozen": True}
    answer = send(web, GOOD).json()
    assert answer["self"]["created"] == at
    assert web.post("/_sandbox/clock", json={"move": 3600}).json()["now"][:16] == "2020-02-29T13:00"
    running_again = web.post("/_sandbox/clock", json={"run": True}).json()
    assert running_again["frozen"] is False
    assert running_again["now"].startswith("2020-02-29T13:0")
    for wrong in ({"freeze": "2020-02-29T12:00:00"}, {"move": 1e12}, {"freeze": "today"}):
        assert web.post("/_sandbox/clock", json=wrong).status_code == 400


def test_the_clock_cannot_leave_the_calendar(web: httpx.Client) -> None:
    web.post("/_sandbox/clock", json={"freeze": "9999-12-31T00:00:00Z"})
    assert web.post("/_sandbox/clock", json={"move": 1e9}).status_code == 400
    assert web.get("/_sandbox/clock").json()["now"] == "9999-12-31T00:00:00.000Z"


def test_contacts_come_and_go(web: httpx.Client) -> None:
    contact = {"id": "11111111-1111-4111-8111-111111111111", "name": "Test Contact 7"}
    assert web.post("/_sandbox/contacts", json=contact).status_code == 201
    assert web.post("/_sandbox/contacts", json=contact).status_code == 400
    stored = send(web, GOOD, contactId=contact["id"]).json()["id"]
    assert web.delete(f"/_sandbox/contacts/{contact['id']}").status_code == 204
    assert web.get(f"{INTERACTIONS}/{stored}").status_code == 404
    assert send(web, GOOD, contactId=contact["id"]).status_code == 404


def test_everything_that_arrived_can_be_seen(web: httpx.Client) -> None:
    send(web, GOOD)
    send(web, {**GOOD, "price": "x"})
    send(web, BROKEN)
    items = web.get("/_sandbox/arrivals").json()["items"]
    assert [item["outcome"] for item in items] == ["refused", "dropped", "stored"]
    assert [item["kept"] for item in items] == [None, GOOD, GOOD]
    assert items[1]["dropped"] == [
        {"name": "price", "value": "x", "reason": "is not of type number"}
    ]
    page = web.get("/_sandbox/arrivals", params={"limit": 2}).json()
    assert page["items"] == items[:2]
    rest = web.get("/_sandbox/arrivals", params={"before": page["before"]}).json()
    assert (rest["items"], rest["before"]) == (items[2:], None)
    losses = web.get("/_sandbox/arrivals", params={"losses": True}).json()
    assert losses["items"] == items[:2]


def test_the_log_counts_requests(web: httpx.Client) -> None:
    web.get(SCHEMAS, headers={"apikey": "wrong"})
    web.get(f"{SCHEMAS}/favourite?x=1")
    log = web.get("/_sandbox/log").json()
    assert [(it["method"], it["path"], it["query"], it["status"]) for it in log] == [
        ("GET", SCHEMAS, "", 401),
        ("GET", f"{SCHEMAS}/favourite", "x=1", 200),
    ]
    web.delete("/_sandbox/log")
    assert web.get("/_sandbox/log").json() == []


CHANGES: dict[str, Callable[[httpx.Client], object]] = {
    "a schema is gone": lambda web: web.delete(f"{SCHEMAS}/favourite"),
    "an interaction is stored": lambda web: send(web, GOOD),
    "an interaction is refused": lambda web: send(web, BROKEN),
    "a contact is gone": lambda web: web.delete(f"/_sandbox/contacts/{CONTACT}"),
    "a key is there": lambda web: web.post("/_sandbox/keys", json={"key": "second"}),
    "the key is revoked": lambda web: web.delete("/_sandbox/keys/sandbox-key"),
    "an option is set": lambda web: web.patch("/_sandbox/options", json={"next-rel": "x"}),
    "time stands still": lambda web: web.post("/_sandbox/clock", json={"freeze": True}),
    "a fault is set": lambda web: web.post("/_sandbox/faults", json={"kind": "drop"}),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_reset_undoes_everything(name: str, web: httpx.Client) -> None:
    paths = ["options", "keys", "contacts", "faults", "arrivals", "log"]

    def state() -> object:
        own = [web.get(f"/_sandbox/{path}").json() for path in paths]
        schemas = web.get(SCHEMAS).json(), listed(web)
        web.delete("/_sandbox/log")
        return own, web.get("/_sandbox/clock").json()["frozen"], schemas

    before = state()
    CHANGES[name](web)
    assert web.post("/_sandbox/reset").status_code == 204
    assert state() == before


@pytest.mark.parametrize("time", ["first", "second"])
def test_the_fixture_is_a_fresh_tenant_each_time(time: str, engage_sandbox: Sandbox) -> None:
    url = f"{engage_sandbox.base_url}{SCHEMAS}"
    headers = {"apikey": engage_sandbox.api_key}
    assert len(httpx.get(url, headers=headers).json()) == 6
    assert httpx.delete(f"{url}/favourite", headers=headers).status_code == 200
