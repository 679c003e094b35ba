"""No client can harm a sandbox: large bodies, slow clients, and names that are not its own."""

import json
import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from engage_codegen.sandbox.control.body_limit import MAX_BODY_BYTES
from engage_codegen.sandbox.server import Sandbox, connections, running
from tests.sandbox.helpers import (
    CONTACT,
    INCOMPLETE,
    INTERACTIONS,
    LIMIT_SECONDS,
    connect,
    wait_until,
)
from tests.support.paths import ROOT

TCP = Path("/proc/net/tcp")
DOORS = [
    ("POST", INTERACTIONS),
    ("POST", "/api/v2/interactions"),
    ("POST", "/api/v3/interactionschemas"),
    ("POST", "/_sandbox/contacts"),
    ("PATCH", "/_sandbox/options"),
    ("POST", "/_sandbox/ui/automations"),
    ("GET", "/api/v3/interactionschemas"),
    ("DELETE", "/nowhere"),
]


@pytest.fixture
def sandbox() -> Generator[Sandbox]:
    with running() as sandbox:
        yield sandbox


def open_socket(sandbox: Sandbox) -> socket.socket:
    url = httpx.URL(sandbox.base_url)
    assert url.port is not None
    return socket.create_connection((url.host, url.port), timeout=LIMIT_SECONDS)


def read_all(connection: socket.socket) -> bytes:
    """Read until the sandbox closes the connection."""
    parts: list[bytes] = []
    try:
        while part := connection.recv(65_536):
            parts.append(part)
    except ConnectionError:
        pass
    return b"".join(parts)


def build_interaction(size: int) -> bytes:
    """Build an interaction with an undeclared property, of exactly this size."""
    start = json.dumps({"contactId": CONTACT, "schemaId": "favourite"}).encode()[:-1]
    start += b', "payload": {"productSku": "1", "text": "'
    return start + b"x" * (size - len(start) - 3) + b'"}}'


def stream(content: bytes) -> Generator[bytes]:
    for start in range(0, len(content), 100_000):
        yield content[start : start + 100_000]


@pytest.mark.parametrize("is_chunked", [False, True])
@pytest.mark.parametrize(("method", "path"), DOORS)
def test_a_body_above_the_limit_is_refused_at_every_door(
    sandbox: Sandbox, method: str, path: str, is_chunked: bool
) -> None:
    content = build_interaction(MAX_BODY_BYTES + 1)
    headers = {"Content-Type": "application/json"}
    with connect(sandbox) as web:
        answer = web.request(
            method, path, content=stream(content) if is_chunked else content, headers=headers
        )
        assert answer.status_code == 413
        if not path.startswith("/_sandbox/ui"):
            assert answer.json()["errorCode"] == "BodyTooLarge"
        assert web.get("/_sandbox/health").json() == {"status": "ok"}


def test_a_body_of_the_limit_is_accepted(sandbox: Sandbox) -> None:
    with connect(sandbox) as web:
        headers = {"Content-Type": "application/json"}
        content = build_interaction(MAX_BODY_BYTES)
        assert web.post(INTERACTIONS, content=content, headers=headers).status_code == 200
        (arrival,) = web.get("/_sandbox/arrivals").json()["items"]
    assert arrival["outcome"] == "dropped"
    assert arrival["body"].encode() == content


@pytest.mark.parametrize("size", [10_001, 500_000, MAX_BODY_BYTES, 3 * MAX_BODY_BYTES])
def test_the_body_of_a_refused_interaction_is_recorded_shortened(
    sandbox: Sandbox, size: int
) -> None:
    content = build_interaction(size).replace(b'"1"', b"123")
    headers = {"Content-Type": "application/json"}
    with connect(sandbox) as web:
        assert web.post(INTERACTIONS, content=content, headers=headers).status_code in (400, 413)
        (arrival,) = web.get(INCOMPLETE).json()["items"]
    assert arrival["outcome"] == "refused"
    assert arrival["body"].encode() == content[:10_000]
    assert min(size, MAX_BODY_BYTES) <= arrival["bodySize"] <= size
    is_readable = size <= MAX_BODY_BYTES
    assert arrival["schemaId"] == ("favourite" if is_readable else None)
    assert arrival["contactId"] == (CONTACT if is_readable else None)
    stored = json.dumps([arrival["reasons"], arrival["dropped"]])
    assert len(stored) < 20_000 or arrival["dropped"]


SLOW = {
    "no byte": b"",
    "half a request line": b"GET /api",
    "half of the headers": b"GET / HTTP/1.1\r\nHost: localhost\r\nX-A",
    "half of a body": b"POST /api/v3/interactions HTTP/1.1\r\nHost: localhost\r\n"
    b'Content-Length: 100\r\n\r\n{"contactId":',
    "half of a chunk": b"POST /_sandbox/reset HTTP/1.1\r\nHost: localhost\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n10\r\nabc",
}


@pytest.mark.parametrize("content", SLOW.values(), ids=SLOW.keys())
def test_a_request_that_does_not_end_is_given_up(
    content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "REQUEST_SECONDS", 0.2)
    with running() as sandbox, open_socket(sandbox) as connection, connect(sandbox) as web:
        connection.sendall(content)
        assert read_all(connection).startswith(b"HTTP/1.1 408 ")
        assert web.get("/_sandbox/arrivals").json()["items"] == []
        assert len(web.get("/_sandbox/contacts").json()) == 6


def test_a_later_request_of_a_connection_has_to_end_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "REQUEST_SECONDS", 0.2)
    with running() as sandbox, open_socket(sandbox) as connection:
        connection.sendall(b"GET /_sandbox/health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200 OK")
        connection.sendall(SLOW["half of the headers"])
        assert b"HTTP/1.1 408 " in read_all(connection)


def test_a_client_that_sends_byte_by_byte_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "REQUEST_SECONDS", 0.3)
    with running() as sandbox, open_socket(sandbox) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
        is_closed = threading.Event()

        def drip() -> None:
            try:
                while not is_closed.wait(0.02):
                    connection.sendall(b"a")
            except OSError:
                pass

        thread = threading.Thread(target=drip)
        thread.start()
        try:
            assert re.match(rb"HTTP/1.1 408 |$", read_all(connection))
        finally:
            is_closed.set()
            thread.join()


def test_a_request_that_is_complete_may_take_as_long_as_a_fault_wants(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connections, "REQUEST_SECONDS", 0.2)
    with running() as sandbox, connect(sandbox) as web:
        fault = {"kind": "slow", "seconds": 0.6}
        assert web.post("/_sandbox/faults", json=fault).is_success
        assert web.get("/api/v3/interactionschemas").status_code == 200


def test_many_idle_clients_leave_room_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "_MAX_WAITING", 20)
    with running() as sandbox:
        idle = [open_socket(sandbox) for _ in range(60)]
        try:
            with connect(sandbox) as web:
                for connection in idle[:40]:  # the oldest ones are closed
                    assert read_all(connection) == b""
                assert web.get("/_sandbox/health").is_success
                idle[-1].sendall(b"GET /_sandbox/health HTTP/1.0\r\n\r\n")
                assert read_all(idle[-1]).startswith(b"HTTP/1.1 200 OK")
        finally:
            for connection in idle:
                connection.close()


FEW_DESCRIPTORS = """
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, (128, 128))
from engage_codegen.sandbox.server import serve
serve(database=None, on_ready=lambda url: print(url, flush=True))
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such limit")
def test_a_burst_of_slow_clients_does_not_use_up_the_file_descriptors() -> None:
    environment = os.environ | {"PYTHONPATH": str(ROOT / "codegen")}
    command = [sys.executable, "-c", FEW_DESCRIPTORS]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=environment, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdout is not None
        url = httpx.URL(process.stdout.readline().strip())
        slow: list[socket.socket] = []
        try:
            for _ in range(400):
                slow.append(socket.create_connection((url.host, url.port or 0), LIMIT_SECONDS))
                with suppress(ConnectionError):  # it can be closed already
                    slow[-1].sendall(SLOW["half of a body"])
            answer = httpx.get(url.join("/_sandbox/health"), timeout=LIMIT_SECONDS)
            assert answer.json() == {"status": "ok"}
        finally:
            for connection in slow:
                connection.close()
            process.terminate()
            _, errors = process.communicate()
    assert errors == ""


@pytest.mark.skipif(not TCP.exists(), reason="reads the connections of Linux")
def test_a_client_that_does_not_read_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "STALLED_SECONDS", 0.2)
    with running() as sandbox, connect(sandbox) as web:
        for number in range(400):
            contact = {"id": f"contact-{number}", "name": "x" * 50_000}
            assert web.post("/_sandbox/contacts", json=contact).is_success
        with open_socket(sandbox) as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            connection.sendall(b"GET /_sandbox/contacts HTTP/1.1\r\nHost: localhost\r\n\r\n")

            def count_connections() -> int:
                return sum("ESTAB" in line for line in list_connections(connection))

            wait_until(lambda: count_connections() == 0, "the end of the connection")


def list_connections(connection: socket.socket) -> list[str]:
    """Return the state of the server's side of a connection, as the system reports it."""
    rows = [line.split() for line in TCP.read_text("ascii").splitlines()[1:]]
    port, own = connection.getpeername()[1], connection.getsockname()[1]
    return [
        "ESTAB"
        for row in rows
        if row[1].endswith(f":{port:04X}") and row[2].endswith(f":{own:04X}") and row[3] == "01"
    ]


def test_a_request_that_breaks_off_is_not_carried_out(sandbox: Sandbox) -> None:
    fault: dict[str, Any] = {"kind": "slow", "seconds": 0}
    with connect(sandbox) as web:
        assert web.post("/_sandbox/faults", json=fault).is_success
        for _ in range(2):  # the first one with a fault
            with open_socket(sandbox) as connection:
                connection.sendall(SLOW["half of a body"])
        wait_until(lambda: len(web.get("/_sandbox/log").json()) == 2, "the end of both requests")
        assert {item["status"] for item in web.get("/_sandbox/log").json()} == {None}
        assert web.get("/_sandbox/arrivals").json()["items"] == []


@pytest.mark.parametrize("path", ["/", "/_sandbox/ui", "/_sandbox/ui/"])
def test_the_root_leads_to_the_pages(sandbox: Sandbox, path: str) -> None:
    with connect(sandbox) as web:
        answer = web.get(path, follow_redirects=True)
    assert answer.headers["content-type"].startswith("text/html")
    assert "<h1>" in answer.text


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/_sandbox/ui/nothing", 404),
        ("GET", "/_sandbox/ui/schemas/", 404),
        ("GET", "/_sandbox/ui/schemas/nobody", 404),
        ("GET", "/_sandbox/ui/schemas/a/b/c", 404),
        ("GET", "/_sandbox/ui/contacts/a/b", 404),
        ("POST", "/_sandbox/ui/dropped", 405),
        ("DELETE", "/_sandbox/ui/automations", 405),
    ],
)
def test_wrong_addresses_below_the_pages_are_pages(
    sandbox: Sandbox, method: str, path: str, status: int
) -> None:
    with connect(sandbox) as web:
        answer = web.request(method, path)
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert 'href="/_sandbox/ui"' in answer.text


def test_a_name_is_checked_before_a_request_is_recorded(sandbox: Sandbox) -> None:
    rebound = {"Host": "rebound.example", "Origin": "http://rebound.example"}
    with connect(sandbox) as web:
        for method in ("GET", "POST", "DELETE"):
            path = "/api/v3/interactionschemas/repair" if method == "DELETE" else INTERACTIONS
            answer = web.request(method, path, headers=rebound)
            assert (answer.status_code, answer.json()["errorCode"]) == (403, "ForeignHost")
        foreign = {"Origin": "https://evil.example"}
        answer = web.delete("/api/v3/interactionschemas/repair", headers=foreign)
        assert (answer.status_code, answer.json()["errorCode"]) == (403, "ForeignOrigin")
        assert web.get("/api/v3/interactionschemas/repair").status_code == 200
        assert web.get("/_sandbox/arrivals").json()["items"] == []


def test_further_names_are_accepted_if_they_are_allowed() -> None:
    with running(allowed_hosts=["engage.internal"]) as sandbox, connect(sandbox) as web:
        own = {"Host": "engage.internal:1234", "Origin": "http://engage.internal:1234"}
        assert web.post("/_sandbox/reset", headers=own).status_code == 204
        assert web.get(INTERACTIONS, headers={"Host": "other.internal"}).status_code == 403
