"""The marketing API: contact cards, segments compared with brute force, automations."""

import json
import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, cast

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engage_codegen.sandbox.dates import format_date
from engage_codegen.sandbox.marketing.segments import Comparison, Condition, count_segment
from engage_codegen.sandbox.server import Sandbox, running
from engage_codegen.sandbox.store.database import Store
from engage_codegen.sandbox.store.tenant import Tenant
from tests.sandbox.helpers import CONTACT, connect, list_rules, wait_until
from tests.support.tenants import envelope
from tests.support.tiers import IS_FULL

pytestmark = pytest.mark.slow

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)


@pytest.fixture
def own() -> Generator[Sandbox]:
    with running() as sandbox:
        yield sandbox


@pytest.fixture
def web(own: Sandbox) -> Generator[httpx.Client]:
    with connect(own) as client:
        yield client


def send(web: httpx.Client, schema_id: str, payload: dict[str, Any], **more: Any) -> str:
    body = {"contactId": CONTACT, "schemaId": schema_id, "payload": payload, **more}
    answer = web.post("/api/v3/interactions", json=body)
    assert answer.is_success, answer.text
    return str(answer.json()["id"])


def build_schema(**properties: dict[str, Any]) -> dict[str, object]:
    return envelope("visit", properties)


def test_a_card_shows_the_flagged_properties_in_sort_order(web: httpx.Client) -> None:
    flags: dict[str, dict[str, Any]] = {
        "z": {"type": "string", "displayName": "First", "showInContactCard": "true"},
        "a": {"type": "number", "displayName": "Second", "showInContactCard": True, "sortOrder": 2},
        "b": {"type": "boolean", "showInContactCard": "true"},
        "hidden": {"type": "string", "showInContactCard": "false"},
        "c": {"type": "integer", "displayName": "Tenth", "showInContactCard": "true"},
    }
    flags["z"]["sortOrder"], flags["c"]["sortOrder"] = "1", "10"
    assert web.post("/api/v3/interactionschemas", json=build_schema(**flags)).is_success
    payload = {"a": 1.5, "b": False, "c": 3, "hidden": "x", "z": "<i>"}
    send(web, "visit", payload)
    (entry,) = web.get(f"/_sandbox/contacts/{CONTACT}/interactions").json()["items"]
    assert entry["title"] == "Title of visit"
    assert [(shown["label"], shown["value"]) for shown in entry["properties"]] == [
        ("First", "<i>"),
        ("Second", 1.5),
        ("Tenth", 3),
        ("b", False),
    ]
    assert entry["hidden"] == ["hidden"]


def test_a_card_is_paged_and_filtered_newest_first(web: httpx.Client) -> None:
    sent = [
        send(web, "favourite", {"productSku": str(day)}, createdDate=f"2026-01-{day:02}T10:00:00Z")
        for day in range(1, 31)
    ]
    path = f"/_sandbox/contacts/{CONTACT}/interactions"
    first = web.get(path).json()
    assert [entry["id"] for entry in first["items"]] == sent[::-1]
    assert first["continuation"] is None
    more = [send(web, "favourite", {"productSku": str(number)}) for number in range(60)]
    page = web.get(path, params={"schemaId": "favourite"}).json()
    token = page["continuation"]
    rest = web.get(path, params={"schemaId": "favourite", "continuation": token}).json()
    assert len(page["items"]) == 50
    assert [entry["id"] for entry in page["items"] + rest["items"]] == [*more[::-1], *sent[::-1]]
    assert web.get(path, params={"schemaId": "repair"}).json()["items"] == []
    assert web.get("/_sandbox/contacts/nobody/interactions").status_code == 404


DAYS = [NOW - timedelta(days=days, hours=1) for days in (0, 1, 5, 29, 31, 400, -3)]
PROPERTIES: dict[str, Any] = {
    "text": {"type": "string", "addToSegmentation": "true"},
    "number": {"type": "number", "addToSegmentation": "true"},
    "flag": {"type": "boolean", "addToSegmentation": True},
    'odd "name" $.x': {"type": "integer", "addToSegmentation": "true"},
    "a.b $c": {"type": "integer", "addToSegmentation": "true"},
    "é\\n\t😀": {"type": "integer", "addToSegmentation": "true"},
    "when": {"type": "string", "format": "date-time", "addToSegmentation": "true"},
    "other": {"type": "string"},
}
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "text": st.sampled_from(["a", "b", "A", "1", ""]),
    "number": st.sampled_from([0, 1, 1.5, -2, 10]),
    "flag": st.booleans(),
    'odd "name" $.x': st.integers(0, 2),
    "a.b $c": st.integers(0, 2),
    "é\\n\t😀": st.integers(0, 2),
    "when": st.sampled_from(
        [
            "2026-01-01T00:00:00+02:00",
            "2025-12-31t23:00:00z",
            "2026-03-01T00:00:00Z",
            "2026-01-01T12:00:00+15:00",
        ]
    ),
}
PAYLOADS = st.fixed_dictionaries({}, optional=VALUES)
INTERACTIONS = st.lists(
    st.tuples(st.integers(0, 3), st.sampled_from(["one", "two"]), st.sampled_from(DAYS), PAYLOADS),
    max_size=25,
)


@st.composite
def conditions(draw: st.DrawFn) -> Condition:
    name = draw(st.sampled_from([None, *VALUES]))
    is_ordered = name not in (None, "text")
    at_least = draw(st.none() | st.integers(0, 2))
    return Condition(
        schema_id=draw(st.sampled_from(["one", "two"])),
        at_least=at_least,
        at_most=draw(st.none() | st.integers(at_least or 0, 3)),
        since=draw(st.none() | st.sampled_from(["2026-06-01", "2026-06-14T11:00:00Z"])),
        until=draw(st.none() | st.sampled_from(["2026-06-15", "2026-06-15T14:00:00+02:00"])),
        last_days=draw(st.none() | st.sampled_from([1, 30, 365])),
        property=name,
        test=draw(st.sampled_from(Comparison)) if is_ordered else Comparison.IS,
        value=None if name is None else draw(VALUES[name]),
    )


def is_met(condition: Condition, interactions: list[tuple[str, datetime, dict[str, Any]]]) -> bool:
    """Check a condition for the interactions of one contact, without SQL."""

    def parse(text: str) -> datetime:
        at = datetime.fromisoformat(text.upper())
        return at if at.tzinfo else at.replace(tzinfo=UTC)

    def matches(schema_id: str, at: datetime, payload: dict[str, Any]) -> bool:
        if schema_id != condition.schema_id:
            return False
        since = condition.since and parse(condition.since)
        if condition.last_days is not None:
            since = NOW - timedelta(days=condition.last_days)
        if condition.last_days is not None and at > NOW:
            return False
        if (since and at < since) or (condition.until and at >= parse(condition.until)):
            return False
        if condition.property is None:
            return True
        if condition.property not in payload:
            return False
        value, limit = payload[condition.property], cast(Any, condition.value)
        if condition.property == "when":
            value, limit = parse(value), parse(limit)
        if condition.test is Comparison.IS:
            return bool(value == limit)
        return bool(value >= limit if condition.test is Comparison.AT_LEAST else value <= limit)

    count = sum(matches(*interaction) for interaction in interactions)
    least = condition.at_least
    if least is None:
        least = 1 if condition.at_most is None else 0
    return count >= least and (condition.at_most is None or count <= condition.at_most)


def add_examples(tenant: Tenant) -> None:
    for number in range(4):
        tenant.add_contact(f"c{number}", f"Contact {number}")
    for name in ("one", "two"):
        tenant.add_schema(name, name, {"properties": PROPERTIES})


@settings(max_examples=300 if IS_FULL else 100, deadline=None, derandomize=not IS_FULL)
@given(INTERACTIONS, st.lists(conditions(), min_size=1, max_size=3))
def test_a_segment_equals_a_brute_force_search(
    sent: list[tuple[int, str, datetime, dict[str, Any]]], chosen: list[Condition]
) -> None:
    store = Store(None, add_examples)
    try:
        with store.transaction() as tenant:
            for number, schema_id, at, payload in sent:
                date, arrived = format_date(at), format_date(NOW)
                tenant.add_interaction(f"c{number}", schema_id, date, payload, arrived)
            segment = count_segment(tenant, chosen, NOW, start=0, limit=100)
    finally:
        store.close()
    expected = [
        f"c{number}"
        for number in range(4)
        if all(
            is_met(condition, [(s, at, p) for n, s, at, p in sent if n == number])
            for condition in chosen
        )
    ]
    assert [member for member, _ in segment.members] == expected
    assert segment.size == len(expected)
    schemas = {condition.schema_id for condition in chosen}
    counted = [
        number
        for number, schema_id, _, _ in sent
        if f"c{number}" in expected and schema_id in schemas
    ]
    assert sum(count for _, count in segment.months) == len(counted)


@pytest.mark.parametrize(
    ("condition", "code", "rule", "pointer"),
    [
        ({"schemaId": "nowhere"}, "SchemaNotFound", None, None),
        ({"property": "receivedAt", "value": "x"}, "ImpossibleSegment", "unsupported", "/property"),
        (
            {"schemaId": "visit", "property": "at", "value": "x"},
            "ImpossibleSegment",
            "format",
            "/value",
        ),
        ({"property": "category", "value": 1}, "ImpossibleSegment", "type", "/value"),
        ({"property": "comment", "value": "a"}, "ImpossibleSegment", "unsupported", "/property"),
        (
            {"property": "category", "test": "at-least", "value": "a"},
            "ImpossibleSegment",
            "unsupported",
            "/test",
        ),
        ({"since": "yesterday"}, "ImpossibleSegment", "format", "/since"),
        ({"atLeast": 3, "atMost": 2}, "ImpossibleSegment", "minimum", "/atMost"),
        (
            {"schemaId": "visit", "property": "at", "test": "at-least", "value": "now"},
            "ImpossibleSegment",
            "format",
            "/value",
        ),
        ({"schemaId": "\ud800"}, "MalformedRequest", "json", None),
        ({"atLeast": -1}, "MalformedRequest", None, None),
        ({"more": 1}, "MalformedRequest", None, None),
    ],
)
def test_an_impossible_condition_is_refused(
    web: httpx.Client, condition: dict[str, Any], code: str, rule: str | None, pointer: str | None
) -> None:
    at = {"type": "string", "format": "date-time", "addToSegmentation": "true"}
    assert web.post("/api/v3/interactionschemas", json=build_schema(at=at)).is_success
    body = json.dumps({"conditions": [{"schemaId": "repair"} | condition]})
    headers = {"Content-Type": "application/json"}
    answer = web.post("/_sandbox/segments", content=body, headers=headers)
    status = {"SchemaNotFound": 404, "ImpossibleSegment": 409, "MalformedRequest": 400}[code]
    assert (answer.status_code, answer.json()["errorCode"]) == (status, code)
    if code == "ImpossibleSegment":
        assert list_rules(answer) == [(rule, f"/conditions/0{pointer}")]
    elif rule:
        assert list_rules(answer)[0][0] == rule


def test_the_members_of_a_segment_are_paged(web: httpx.Client) -> None:
    request = {"conditions": [{"schemaId": "repair", "atLeast": 0}]}
    result = web.post("/_sandbox/segments", json=request).json()
    assert result["size"] == len(result["members"]) == 6
    page = web.post("/_sandbox/segments?start=4&limit=10", json=request).json()
    assert (page["size"], page["members"]) == (6, result["members"][4:])


@contextmanager
def serve_webhook(status: int = 200) -> Generator[tuple[str, list[dict[str, Any]]]]:
    calls: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            calls.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(status)
            self.end_headers()

        def log_message(self, *args: object, **named: object) -> None:
            """Print nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/hook", calls
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def add_automation(web: httpx.Client, **members: Any) -> int:
    answer = web.post("/_sandbox/automations", json={"name": "a", **members})
    assert answer.status_code == 201, answer.text
    return int(answer.json()["id"])


def list_runs(web: httpx.Client) -> list[tuple[int, str]]:
    """Return automation and result of each run, newest first, after all webhooks were called."""
    runs: list[dict[str, Any]] = []

    def are_finished() -> bool:
        runs[:] = web.get("/_sandbox/runs").json()
        return all(run["result"] != "calling" for run in runs)

    wait_until(are_finished, "the call of the webhook")
    return [(run["automation"], run["result"]) for run in runs]


def test_an_automation_runs_for_the_interactions_that_match_its_trigger(web: httpx.Client) -> None:
    every = add_automation(web)
    by_schema = add_automation(web, schemaId="favourite")
    by_value = add_automation(web, schemaId="favourite", property="productSku", value="1")
    send(web, "favourite", {"productSku": "2"})
    assert list_runs(web) == [(by_schema, "logged"), (every, "logged")]
    send(web, "favourite", {"productSku": "1"})
    assert [automation for automation, _ in list_runs(web)][:3] == [by_value, by_schema, every]
    send(web, "friendReferral", {"referralCode": "x", "friendJoined": True})
    assert [automation for automation, _ in list_runs(web)][:1] == [every]
    assert web.delete(f"/_sandbox/automations/{every}").status_code == 204
    assert every not in [automation for automation, _ in list_runs(web)], "runs are deleted too"
    assert web.delete(f"/_sandbox/automations/{every}").status_code == 404


def test_true_and_1_are_different_values(web: httpx.Client) -> None:
    automation = {"name": "a", "schemaId": "friendReferral"}
    for wrong in (
        {"property": "friendJoined", "value": 1},
        {"property": "rewardPoints", "value": True},
    ):
        answer = web.post("/_sandbox/automations", json=automation | wrong)
        assert (answer.status_code, list_rules(answer)) == (409, [("type", "/value")])


def test_a_refused_interaction_triggers_no_automation(web: httpx.Client) -> None:
    add_automation(web)
    body: dict[str, Any] = {"contactId": CONTACT, "schemaId": "favourite", "payload": {}}
    assert web.post("/api/v3/interactions", json=body).status_code == 400
    assert list_runs(web) == []


def test_automations_can_run_for_the_first_interaction_of_each_contact_only(
    web: httpx.Client,
) -> None:
    add_automation(web, schemaId="favourite")
    web.patch("/_sandbox/options", json={"automation-trigger": "first-per-contact"})
    for _ in range(3):
        send(web, "favourite", {"productSku": "1"})
    assert len(list_runs(web)) == 1
    web.patch("/_sandbox/options", json={"automation-trigger": "each-arrival"})
    send(web, "favourite", {"productSku": "1"})
    assert len(list_runs(web)) == 2


def test_a_webhook_receives_the_interaction(web: httpx.Client) -> None:
    with serve_webhook() as (url, calls):
        add_automation(web, url=url)
        sent = send(web, "favourite", {"productSku": "é"}, createdDate="2026-01-01T00:00:00Z")
        assert [result for _, result in list_runs(web)] == ["webhook answered 200"]
    (call,) = calls
    assert call["automation"] == "a"
    assert call["interaction"] == {
        "id": sent,
        "contactId": CONTACT,
        "schemaId": "favourite",
        "createdDate": "2026-01-01T00:00:00.000Z",
        "payload": {"productSku": "é"},
    }


@pytest.mark.parametrize(
    ("automation", "status"),
    [
        ({"schemaId": "favourite", "property": "price"}, 409),
        ({"schemaId": "favourite", "property": "price", "value": "dear"}, 409),
        ({"schemaId": "favourite", "property": "price", "value": True}, 409),
        ({"schemaId": "favourite", "property": "nosuch", "value": 1}, 409),
        ({"property": "price", "value": 1}, 409),
        ({"schemaId": "nowhere"}, 404),
        ({"url": "http://127.0.0.1:95647/x"}, 409),
        ({"schemaId": "favourite", "property": "productSku", "value": "\ud800"}, 400),
    ],
)
def test_an_invalid_automation_is_refused(
    web: httpx.Client, automation: dict[str, Any], status: int
) -> None:
    body = json.dumps({"name": "a", **automation})
    headers = {"Content-Type": "application/json"}
    assert web.post("/_sandbox/automations", content=body, headers=headers).status_code == status
    assert web.get("/_sandbox/automations").json() == []


def test_a_webhook_that_hangs_does_not_delay_the_api(own: Sandbox, web: httpx.Client) -> None:
    own.state.webhooks.timeout_seconds = 3600
    with socket.create_server(("127.0.0.1", 0)) as mute:
        add_automation(web, url=f"http://127.0.0.1:{mute.getsockname()[1]}/")
        for _ in range(50):
            send(web, "favourite", {"productSku": "1"})
        assert {run["result"] for run in web.get("/_sandbox/runs").json()} == {"calling"}
        assert web.get("/_sandbox/ui/contacts").is_success


def test_an_endless_answer_of_a_webhook_is_not_read(web: httpx.Client) -> None:
    def trickle(server: socket.socket) -> None:
        with suppress(OSError):
            connection, _ = server.accept()
            with connection:
                connection.recv(10_000)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
                while True:
                    connection.sendall(b"x")
                    threading.Event().wait(0.05)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=trickle, args=[server], daemon=True)
        thread.start()
        add_automation(web, url=f"http://127.0.0.1:{server.getsockname()[1]}/")
        send(web, "favourite", {"productSku": "1"})
        assert [result for _, result in list_runs(web)] == ["webhook answered 200"]


def test_interactions_before_an_automation_count_as_the_first_of_a_contact(
    web: httpx.Client,
) -> None:
    web.patch("/_sandbox/options", json={"automation-trigger": "first-per-contact"})
    send(web, "favourite", {"productSku": "1"})
    add_automation(web, schemaId="favourite")
    add_automation(web, schemaId="favourite", property="productSku", value="2")
    send(web, "favourite", {"productSku": "2"})
    assert [run["automation"] for run in web.get("/_sandbox/runs").json()] == [2]


def test_a_failing_webhook_is_recorded_and_has_no_other_effect(web: httpx.Client) -> None:
    with serve_webhook(500) as (url, _):
        add_automation(web, url=url)
        send(web, "favourite", {"productSku": "1"})
        assert [result for _, result in list_runs(web)] == ["webhook answered 500"]
    send(web, "favourite", {"productSku": "1"})
    assert list_runs(web)[0][1].startswith("webhook not reached: ")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://example.com/",
        "http://127.0.0.1.example.com/",
        "http://127.0.0.1@example.com/",
        "http://localhost:99999999/",
        "file:///etc/passwd",
        "http://127.0.0.1/\n",
        "http://10.0.0.1/",
        "http://127.0.0.1:0/",
    ],
)
def test_a_webhook_outside_the_loopback_is_refused(web: httpx.Client, url: str) -> None:
    answer = web.post("/_sandbox/automations", json={"name": "a", "url": url})
    assert answer.status_code == 400
    assert web.get("/_sandbox/automations").json() == []


def test_automations_survive_a_restart_but_not_a_reset(tmp_path: Any) -> None:
    for expected in (0, 1):
        with (
            running(database=tmp_path / "tenant.db") as sandbox,
            connect(sandbox) as web,
        ):
            assert len(web.get("/_sandbox/automations").json()) == expected
            if not expected:
                add_automation(web)
            else:
                web.post("/_sandbox/reset")
                assert web.get("/_sandbox/automations").json() == []
