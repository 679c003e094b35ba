"""Faults on demand: each kind does what it promises, before or after the work of the API."""

import json
import socket
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from engage_codegen.errors import InputError
from engage_codegen.sandbox.control.faults import Fault, Faults, Kind, When, read_faults
from engage_codegen.sandbox.options import Options
from engage_codegen.sandbox.server import Sandbox, running
from tests.sandbox.helpers import CONTACT, INTERACTIONS, LIMIT_SECONDS, connect, wait_until
from tests.support.tool import Tool

pytestmark = pytest.mark.slow

BODY = {"contactId": CONTACT, "schemaId": "favourite", "payload": {"productSku": "1"}}


@pytest.fixture
def sandbox() -> Generator[Sandbox]:
    with running(options=Options(rate_limit=0)) as started:
        yield started


@pytest.fixture
def web(sandbox: Sandbox) -> Generator[httpx.Client]:
    with connect(sandbox) as client:
        yield client


def add_fault(web: httpx.Client, **settings: Any) -> None:
    answer = web.post("/_sandbox/faults", json={"path": INTERACTIONS, **settings})
    assert answer.status_code == 204, answer.text


def count_stored(web: httpx.Client) -> int:
    page = web.get(INTERACTIONS, params={"contactId": CONTACT, "schemaId": "favourite"})
    return len(page.json()["items"])


def send(web: httpx.Client) -> object:
    """Send an interaction; return "closed", or the status and the kind of the body."""
    try:
        answer = web.post(INTERACTIONS, json=BODY)
    except (httpx.ReadError, httpx.RemoteProtocolError):
        return "closed"
    try:
        body: object = answer.json()
        return answer.status_code, "json" if isinstance(body, dict) else "text"
    except ValueError:
        return answer.status_code, answer.headers["content-type"]


@contextmanager
def send_without_reading(sandbox: Sandbox) -> Generator[socket.socket]:
    """Send an interaction and leave the connection open, without waiting for a response."""
    url = urlsplit(sandbox.base_url)
    body = json.dumps(BODY)
    head = (
        f"POST {INTERACTIONS} HTTP/1.1\r\nHost: {url.netloc}\r\napikey: {sandbox.api_key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection((str(url.hostname), url.port or 0)) as connection:
        connection.settimeout(LIMIT_SECONDS)
        connection.sendall((head + body).encode())
        wait_until(lambda: not sandbox.state.faults.list(), "the request")
        yield connection


def list_posts(sandbox: Sandbox) -> list[tuple[int | None, str | None]]:
    """Return status and fault of each POST that is over, oldest first."""
    log = sandbox.state.log.list()
    return [(request.status, request.fault) for request in log if request.method == "POST"]


FAULTS: dict[str, tuple[dict[str, object], object]] = {
    "drop": ({"kind": "drop"}, "closed"),
    "429": ({"kind": "status", "status": 429}, (429, "json")),
    "500": ({"kind": "status"}, (500, "json")),
    "503": ({"kind": "status", "status": 503}, (503, "json")),
    "html": ({"kind": "html"}, (200, "text/html; charset=utf-8")),
}


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize(("when", "expected"), [("before", 0), ("after", 1)])
def test_a_fault_happens_before_or_after_the_work(
    name: str, when: str, expected: int, web: httpx.Client
) -> None:
    settings, outcome = FAULTS[name]
    add_fault(web, **settings, when=when, method="POST")
    assert send(web) == outcome
    assert count_stored(web) == expected
    assert send(web) == (200, "json"), "the fault applies to one request"


@pytest.mark.parametrize(("when", "expected"), [("before", 0), ("after", 1)])
def test_a_timeout_leaves_the_connection_open_before_or_after_the_work(
    when: str, expected: int, web: httpx.Client, sandbox: Sandbox
) -> None:
    add_fault(web, kind="timeout", when=when, method="POST")
    with send_without_reading(sandbox) as connection:
        wait_until(lambda: count_stored(web) == expected, "the work")
        connection.setblocking(False)
        with pytest.raises(BlockingIOError):
            connection.recv(1)
        assert list_posts(sandbox) == [], "the request is over although the client is waiting"
    # The log has the status of a request as soon as a response starts, else when it is over.
    wait_until(lambda: list_posts(sandbox), "the end of the request")
    assert list_posts(sandbox) == [(None, "timeout")]
    assert count_stored(web) == expected
    assert send(web) == (200, "json"), "the fault applies to one request"


def test_a_truncated_response_comes_after_the_work(web: httpx.Client) -> None:
    add_fault(web, kind="truncated", method="POST")
    assert send(web) == "closed"
    assert count_stored(web) == 1


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_slow_response_follows_the_clock_of_the_sandbox(
    when: str, web: httpx.Client, sandbox: Sandbox
) -> None:
    web.post("/_sandbox/clock", json={"freeze": "2026-03-14T09:00:00Z"})
    add_fault(web, kind="slow", seconds=60, when=when, method="POST")
    with send_without_reading(sandbox) as connection:
        wait_until(lambda: count_stored(web) == (when == "after"), "the work")
        assert list_posts(sandbox) == []
        web.post("/_sandbox/clock", json={"move": 59})
        assert list_posts(sandbox) == []
        assert count_stored(web) == (when == "after")
        web.post("/_sandbox/clock", json={"move": 1})
        assert connection.recv(1000).startswith(b"HTTP/1.1 200")
    (arrival,) = web.get("/_sandbox/arrivals").json()["items"]
    minute = 0 if when == "after" else 1
    assert arrival["arrived"] == f"2026-03-14T09:0{minute}:00.000Z"
    add_fault(web, kind="slow", seconds=0, method="POST")
    assert send(web) == (200, "json")


def test_late_work_is_done_after_the_connection_is_closed(web: httpx.Client) -> None:
    web.post("/_sandbox/clock", json={"freeze": "2026-03-14T09:00:00Z"})
    add_fault(web, kind="late", seconds=30, method="POST")
    assert send(web) == "closed"
    assert count_stored(web) == 0
    web.post("/_sandbox/clock", json={"move": 29})
    assert count_stored(web) == 0
    web.post("/_sandbox/clock", json={"move": 2})
    wait_until(lambda: count_stored(web) == 1, "the late work")
    (arrival,) = web.get("/_sandbox/arrivals").json()["items"]
    assert arrival["arrived"] == "2026-03-14T09:00:31.000Z"


def test_a_fault_applies_to_the_next_requests_with_its_path_and_method(web: httpx.Client) -> None:
    add_fault(web, kind="status", count=2, method="POST")
    assert web.get("/api/v3/interactionschemas").status_code == 200
    assert count_stored(web) == 0
    assert [send(web) for _ in range(3)] == [(500, "json"), (500, "json"), (200, "json")]
    add_fault(web, kind="status", path="/api/*", count=None)
    assert web.get("/api/v2/interactionschemas").status_code == 500
    assert web.get("/_sandbox/contacts").status_code == 200
    assert web.delete("/_sandbox/faults").status_code == 204
    assert count_stored(web) == 1


def test_a_share_selects_the_same_requests_in_each_run() -> None:
    runs: list[list[bool]] = []
    for _ in range(2):
        faults = Faults(seed=7)
        faults.add(Fault(kind=Kind.DROP, count=None, share=0.25))
        runs.append([faults.take("GET", "/api/v3/x") is not None for _ in range(4000)])
    assert runs[0] == runs[1]
    assert 900 < sum(runs[0]) < 1100


def test_several_faults_apply_in_the_order_in_which_they_were_added(web: httpx.Client) -> None:
    faults = [
        {"kind": "status", "status": 429, "path": INTERACTIONS},
        {"kind": "status", "status": 503, "path": INTERACTIONS},
    ]
    assert web.post("/_sandbox/faults", json=faults).status_code == 204
    active = web.get("/_sandbox/faults").json()
    assert [(item["fault"]["status"], item["left"]) for item in active] == [(429, 1), (503, 1)]
    assert [send(web) for _ in range(3)] == [(429, "json"), (503, "json"), (200, "json")]
    assert web.get("/_sandbox/faults").json() == []


def test_the_log_names_the_fault_of_a_request(web: httpx.Client) -> None:
    add_fault(web, kind="drop", method="POST")
    send(web)
    send(web)
    log = web.get("/_sandbox/log").json()
    assert [(item["number"], item["status"], item["fault"]) for item in log] == [
        (1, None, "drop"),
        (2, 200, None),
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"kind": "nonsense"},
        {"kind": "drop", "count": 0},
        {"kind": "drop", "share": 0},
        {"kind": "drop", "share": 1.5},
        {"kind": "status", "status": 200},
        {"kind": "late", "when": "after"},
        {"kind": "slow", "seconds": -1},
        {"kind": "drop", "whem": "after"},
    ],
    ids=json.dumps,
)
def test_an_invalid_fault_is_refused(wrong: object, web: httpx.Client) -> None:
    answer = web.post("/_sandbox/faults", json=wrong)
    assert (answer.status_code, answer.json()["errorCode"]) == (400, "MalformedRequest")
    assert web.get("/_sandbox/faults").json() == []


def test_faults_are_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "faults.json"
    path.write_text('[{"kind": "timeout", "when": "after", "count": 3}]')
    assert read_faults(path) == [Fault(kind=Kind.TIMEOUT, when=When.AFTER, count=3)]
    path.write_text('[{"kind": "timeout", "wen": "after"}]')
    with pytest.raises(InputError) as caught:
        read_faults(path)
    assert caught.value.where == f"{path}, /0/wen"
    with pytest.raises(InputError) as caught:
        read_faults(tmp_path / "nowhere.json")
    assert caught.value.where == str(tmp_path / "nowhere.json")


def test_an_invalid_faults_file_fails_the_command(tmp_path: Path, tool: Tool) -> None:
    path = tmp_path / "faults.json"
    path.write_text("{}")
    outcome = tool("sandbox", "--port", "0", "--faults", path)
    assert outcome.code == 2
    assert str(path) in outcome.err
