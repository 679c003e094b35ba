"""What marketing sees, as JSON: contact cards, segments against brute force, automations."""

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

from engage_codegen.sandbox.dates import wire_date
from engage_codegen.sandbox.marketing.segments import Comparison, Condition, segment
from engage_codegen.sandbox.server import Sandbox, running
from engage_codegen.sandbox.store.database import Store
from engage_codegen.sandbox.store.tenant import Tenant
from tests.support.tenants import envelope

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
CONTACT = "3f0c1a52-7d5e-4b0e-9a64-1c2f5b8e0d01"


@pytest.fixture
def own() -> Generator[Sandbox]:
    with running() as sandbox:
        yield sandbox


@pytest.fixture
def web(own: Sandbox) -> Generator[httpx.Client]:
    headers = {"apikey": own.api_key, "User-Agent": "tests/1"}
    with httpx.Client(base_url=own.base_url, headers=headers) as client:
        yield client


def send(web: httpx.Client, schema_id: str, payload: dict[str, Any], **more: Any) -> str:
    body = {"contactId": CONTACT, "schemaId": schema_id, "payload": payload, **more}
    answer = web.post("/api/v3/interactions", json=body)
    assert answer.is_success, answer.text
    return str(answer.json()["id"])


def declared(**properties: dict[str, Any]) -> dict[str, object]:
    return envelope("visit", properties)


def test_a_card_shows_what_its_flags_say_in_its_order(web: httpx.Client) -> None:
    flags: dict[str, dict[str, Any]] = {
        "z": {"type": "string", "displayName": "First", "showInContactCard": "true"},
        "a": {"type": "number", "displayName": "Second", "showInContactCard": True, "sortOrder": 2},
        "b": {"type": "boolean", "showInContactCard": "true"},
        "hidden": {"type": "string", "showInContactCard": "false"},
        "c": {"type": "integer", "displayName": "Tenth", "showInContactCard": "true"},
    }
    flags["z"]["sortOrder"], flags["c"]["sortOrder"] = "1", "10"
    assert web.post("/api/v3/interactionschemas", json=declared(**flags)).is_success
    payload = {"a": 1.5, "b": False, "c": 3, "hidden": "x", "z": "<i>"}
    send(web, "visit", payload)
    (entry,) = web.get(f"/_sandbox/contacts/{CONTACT}/interactions").json()["items"]
    assert entry["title"] == "Title of visit"
    assert [(it["label"], it["value"]) for it in entry["properties"]] == [
        ("First", "<i>"),
        ("Second", 1.5),
        ("Tenth", 3),
        ("b", False),
    ]
    assert entry["hidden"] == ["hidden"]


def test_a_card_is_paged_and_filtered_newest_first(web: httpx.Client) -> None:
    sent = [
        send(web, "favourite", {"productSku": str(it)}, createdDate=f"2026-01-{it:02}T10:00:00Z")
        for it in range(1, 31)
    ]
    path = f"/_sandbox/contacts/{CONTACT}/interactions"
    first = web.get(path).json()
    assert [it["id"] for it in first["items"]] == sent[::-1]
    assert first["continuation"] is None
    more = [send(web, "favourite", {"productSku": str(it)}) for it in range(60)]
    page = web.get(path, params={"schemaId": "favourite"}).json()
    token = page["continuation"]
    rest = web.get(path, params={"schemaId": "favourite", "continuation": token}).json()
    assert len(page["items"]) == 50
    assert [it["id"] for it in page["items"] + rest["items"]] == [*more[::-1], *sent[::-1]]
    assert web.get(path, params={"schemaId": "repair"}).json()["items"] == []
    assert web.get("/_sandbox/contacts/nobody/interactions").status_code == 404


# --- segments

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


def holds(condition: Condition, of: list[tuple[str, datetime, dict[str, Any]]]) -> bool:
    def moment(text: str) -> datetime:
        at = datetime.fromisoformat(text.upper())
        return at if at.tzinfo else at.replace(tzinfo=UTC)

    def matches(schema_id: str, at: datetime, payload: dict[str, Any]) -> bool:
        if schema_id != condition.schema_id:
            return False
        since = condition.since and moment(condition.since)
        if condition.last_days is not None:
            since = NOW - timedelta(days=condition.last_days)
        if condition.last_days is not None and at > NOW:
            return False
        if (since and at < since) or (condition.until and at >= moment(condition.until)):
            return False
        if condition.property is None:
            return True
        if condition.property not in payload:
            return False
        one, other = payload[condition.property], cast(Any, condition.value)
        if condition.property == "when":
            one, other = moment(one), moment(other)
        if condition.test is Comparison.IS:
            return bool(one == other)
        return bool(one >= other if condition.test is Comparison.AT_LEAST else one <= other)

    count = sum(matches(*it) for it in of)
    least = condition.at_least
    if least is None:
        least = 1 if condition.at_most is None else 0
    return count >= least and (condition.at_most is None or count <= condition.at_most)


def plant(tenant: Tenant) -> None:
    for number in range(4):
        tenant.add_contact(f"c{number}", f"Contact {number}")
    for name in ("one", "two"):
        tenant.add_schema(name, name, {"properties": PROPERTIES})


@settings(max_examples=300, deadline=None)
@given(INTERACTIONS, st.lists(conditions(), min_size=1, max_size=3))
def test_a_segment_is_that_of_brute_force(
    sent: list[tuple[int, str, datetime, dict[str, Any]]], asked: list[Condition]
) -> None:
    store = Store(None, plant)
    try:
        with store.transaction() as tenant:
            for number, kind, at, payload in sent:
                tenant.add_interaction(f"c{number}", kind, wire_date(at), payload, wire_date(NOW))
            found = segment(tenant, asked, NOW, start=0, limit=100)
    finally:
        store.close()
    expected = [
        f"c{number}"
        for number in range(4)
        if all(holds(it, [(s, at, p) for n, s, at, p in sent if n == number]) for it in asked)
    ]
    assert [member for member, _ in found.members] == expected
    assert found.size == len(expected)
    kinds = {it.schema_id for it in asked}
    counted = [it for it in sent if f"c{it[0]}" in expected and it[1] in kinds]
    assert sum(count for _, count in found.months) == len(counted)


@pytest.mark.parametrize(
    ("condition", "status", "code"),
    [
        ({"schemaId": "nowhere"}, 404, "SchemaNotFound"),
        ({"schemaId": "repair", "property": "receivedAt", "value": "x"}, 409, "ImpossibleSegment"),
        ({"schemaId": "repair", "property": "category", "value": 1}, 409, "ImpossibleSegment"),
        (
            {"schemaId": "repair", "property": "category", "test": "at-least", "value": "a"},
            409,
            "ImpossibleSegment",
        ),
        ({"schemaId": "repair", "since": "yesterday"}, 409, "ImpossibleSegment"),
        ({"schemaId": "repair", "atLeast": 3, "atMost": 2}, 409, "ImpossibleSegment"),
        (
            {"schemaId": "repair", "property": "receivedAt", "test": "at-least", "value": "now"},
            409,
            "ImpossibleSegment",
        ),
        ({"schemaId": "\ud800"}, 400, "MalformedRequest"),
        ({"schemaId": "repair", "atLeast": -1}, 400, "MalformedRequest"),
        ({"schemaId": "repair", "more": 1}, 400, "MalformedRequest"),
    ],
)
def test_what_cannot_be_segmented_by_is_said(
    web: httpx.Client, condition: dict[str, Any], status: int, code: str
) -> None:
    body = json.dumps({"conditions": [condition]})
    headers = {"Content-Type": "application/json"}
    answer = web.post("/_sandbox/segments", content=body, headers=headers)
    assert (answer.status_code, answer.json()["errorCode"]) == (status, code)


def test_a_segment_is_answered_in_pages(web: httpx.Client) -> None:
    asked = {"conditions": [{"schemaId": "repair", "atLeast": 0}]}
    whole = web.post("/_sandbox/segments", json=asked).json()
    assert whole["size"] == len(whole["members"]) == 6
    page = web.post("/_sandbox/segments?start=4&limit=10", json=asked).json()
    assert (page["size"], page["members"]) == (6, whole["members"][4:])


# --- automations


@contextmanager
def hook(status: int = 200) -> Generator[tuple[str, list[dict[str, Any]]]]:
    got: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(status)
            self.end_headers()

        def log_message(self, *args: object, **named: object) -> None:
            """Silence."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/hook", got
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def automate(web: httpx.Client, **wanted: Any) -> int:
    answer = web.post("/_sandbox/automations", json={"name": "a", **wanted})
    assert answer.status_code == 201, answer.text
    return int(answer.json()["id"])


def ran(web: httpx.Client) -> list[tuple[int, str]]:
    """Automation and result of each run, newest first; a webhook is called after the answer."""
    found: list[dict[str, Any]] = []
    for _ in range(500):
        found = web.get("/_sandbox/runs").json()
        if all(it["result"] != "calling" for it in found):
            break
        threading.Event().wait(0.01)
    return [(it["automation"], it["result"]) for it in found]


def test_an_automation_runs_for_what_sets_it_off(web: httpx.Client) -> None:
    every = automate(web)
    kind = automate(web, schemaId="favourite")
    value = automate(web, schemaId="favourite", property="productSku", value="1")
    send(web, "favourite", {"productSku": "2"})
    assert ran(web) == [(kind, "logged"), (every, "logged")]
    send(web, "favourite", {"productSku": "1"})
    assert [it for it, _ in ran(web)][:3] == [value, kind, every]
    send(web, "friendReferral", {"referralCode": "x", "friendJoined": True})
    assert [it for it, _ in ran(web)][:1] == [every]
    assert web.delete(f"/_sandbox/automations/{every}").status_code == 204
    assert every not in [it for it, _ in ran(web)], "its runs went with it"
    assert web.delete(f"/_sandbox/automations/{every}").status_code == 404


def test_true_is_not_1(web: httpx.Client) -> None:
    wanted = {"name": "a", "schemaId": "friendReferral", "property": "friendJoined", "value": 1}
    assert web.post("/_sandbox/automations", json=wanted).status_code == 409
    wanted |= {"property": "rewardPoints", "value": True}
    assert web.post("/_sandbox/automations", json=wanted).status_code == 409


def test_what_is_refused_sets_nothing_off(web: httpx.Client) -> None:
    automate(web)
    body: dict[str, Any] = {"contactId": CONTACT, "schemaId": "favourite", "payload": {}}
    assert web.post("/api/v3/interactions", json=body).status_code == 400
    assert ran(web) == []


def test_first_per_contact_is_an_option(web: httpx.Client) -> None:
    automate(web, schemaId="favourite")
    web.patch("/_sandbox/options", json={"automation-trigger": "first-per-contact"})
    for _ in range(3):
        send(web, "favourite", {"productSku": "1"})
    assert len(ran(web)) == 1
    web.patch("/_sandbox/options", json={"automation-trigger": "each-arrival"})
    send(web, "favourite", {"productSku": "1"})
    assert len(ran(web)) == 2


def test_a_webhook_is_told_of_the_interaction(web: httpx.Client) -> None:
    with hook() as (url, got):
        automate(web, url=url)
        sent = send(web, "favourite", {"productSku": "é"}, createdDate="2026-01-01T00:00:00Z")
        assert [result for _, result in ran(web)] == ["webhook answered 200"]
    (told,) = got
    assert told["automation"] == "a"
    assert told["interaction"] == {
        "id": sent,
        "contactId": CONTACT,
        "schemaId": "favourite",
        "createdDate": "2026-01-01T00:00:00.000Z",
        "payload": {"productSku": "é"},
    }


@pytest.mark.parametrize(
    ("wanted", "status"),
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
def test_an_automation_that_makes_no_sense_is_refused(
    web: httpx.Client, wanted: dict[str, Any], status: int
) -> None:
    body = json.dumps({"name": "a", **wanted})
    headers = {"Content-Type": "application/json"}
    assert web.post("/_sandbox/automations", content=body, headers=headers).status_code == status
    assert web.get("/_sandbox/automations").json() == []


def test_a_webhook_that_hangs_keeps_nobody_waiting(web: httpx.Client) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        automate(web, url=f"http://127.0.0.1:{mute.getsockname()[1]}/")
        for _ in range(50):
            send(web, "favourite", {"productSku": "1"})
        assert {it["result"] for it in web.get("/_sandbox/runs").json()} == {"calling"}
        assert web.get("/_sandbox/ui/contacts").is_success


def test_a_webhook_that_never_ends_its_answer_is_not_read_to_the_end(web: httpx.Client) -> None:
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
        automate(web, url=f"http://127.0.0.1:{server.getsockname()[1]}/")
        send(web, "favourite", {"productSku": "1"})
        assert [result for _, result in ran(web)] == ["webhook answered 200"]
        thread.join(10)


def test_the_first_of_a_contact_is_its_first_interaction(web: httpx.Client) -> None:
    web.patch("/_sandbox/options", json={"automation-trigger": "first-per-contact"})
    send(web, "favourite", {"productSku": "1"})
    automate(web, schemaId="favourite")
    automate(web, schemaId="favourite", property="productSku", value="2")
    send(web, "favourite", {"productSku": "2"})
    assert [it["automation"] for it in web.get("/_sandbox/runs").json()] == [2]


def test_a_webhook_that_fails_is_on_record_and_harms_nobody(web: httpx.Client) -> None:
    with hook(500) as (url, _):
        automate(web, url=url)
        send(web, "favourite", {"productSku": "1"})
        assert [result for _, result in ran(web)] == ["webhook answered 500"]
    send(web, "favourite", {"productSku": "1"})
    assert ran(web)[0][1].startswith("webhook not reached: ")


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
def test_a_webhook_outside_of_the_loopback_is_refused(web: httpx.Client, url: str) -> None:
    answer = web.post("/_sandbox/automations", json={"name": "a", "url": url})
    assert answer.status_code == 400
    assert web.get("/_sandbox/automations").json() == []


def test_automations_outlive_a_restart_and_not_a_reset(tmp_path: Any) -> None:
    for expected in (0, 1):
        with (
            running(database=tmp_path / "tenant.db") as sandbox,
            httpx.Client(base_url=sandbox.base_url) as web,
        ):
            assert len(web.get("/_sandbox/automations").json()) == expected
            if not expected:
                automate(web)
            else:
                web.post("/_sandbox/reset")
                assert web.get("/_sandbox/automations").json() == []
