"""Which requests the cross-site protection of the sandbox refuses."""

import asyncio
from collections.abc import Collection, Mapping, MutableMapping
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from engage_codegen.sandbox.control.cross_site import CrossSiteMiddleware

LOOPBACK, LAN = ("127.0.0.1", 8000), ("192.168.0.7", 8000)
PATHS = ["/_sandbox/contacts", "/_sandbox/ui", "/api/v3/interactions", "/openapi.json", "/", "/x"]


def status_of(
    headers: Mapping[str, str],
    server: object = LOOPBACK,
    method: str = "GET",
    path: str = "/_sandbox/contacts",
    allowed_hosts: Collection[str] = (),
) -> int:
    """Return the status of a request; the application behind the protection answers 200."""
    statuses: list[int] = []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "server": server,
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    asyncio.run(CrossSiteMiddleware(application, allowed_hosts)(scope, receive, send))
    (status,) = statuses
    return status


@pytest.mark.parametrize(
    ("host", "server", "status"),
    [
        ("evil.example", LOOPBACK, 403),
        ("evil.example:8000", LOOPBACK, 403),
        ("localhost.evil.example", LOOPBACK, 403),
        ("evil.example", ("::1", 8000), 403),
        ("localhost", LOOPBACK, 200),
        ("localhost:8000", LOOPBACK, 200),
        ("LOCALHOST:8000", LOOPBACK, 200),
        ("127.0.0.1:8000", LOOPBACK, 200),
        ("[::1]:8000", LOOPBACK, 200),
        ("", LOOPBACK, 200),
        ("localhost.", LOOPBACK, 200),
        ("localhost:", LOOPBACK, 200),
        ("[::1", LOOPBACK, 403),
        ("evil.example@127.0.0.1", LOOPBACK, 403),
        ("localhost@evil.example", LOOPBACK, 403),
        ("localhost/evil.example", LOOPBACK, 403),
        ("localhost:8000:1", LOOPBACK, 403),
        ("127.0.0.1.evil.example", LOOPBACK, 403),
        ("127.1", LOOPBACK, 403),
        # It makes no difference where the server listens.
        ("192.168.0.7:8000", LAN, 200),
        ("10.1.2.3", LAN, 200),
        ("evil.example:8000", LAN, 403),
        ("evil.example", ("sandbox.sock", None), 403),
        ("evil.example", None, 403),
    ],
)
def test_only_addresses_and_localhost_are_own_names(host: str, server: object, status: int) -> None:
    for path in PATHS:
        assert status_of({"host": host}, server, path=path) == status


@pytest.mark.parametrize("allowed", ["engage", "Engage.Internal.", "engage-1.internal"])
def test_further_names_are_those_that_were_allowed(allowed: str) -> None:
    def ask(host: str) -> int:
        return status_of({"host": host}, LAN, path="/api/v3/interactions", allowed_hosts=[allowed])

    name = allowed.rstrip(".")
    for host in (name, name.upper(), f"{name}:8000", f"{name}."):
        assert ask(host) == 200
    for host in (f"a.{name}", f"{name}.evil.example", f"{name}x", "other"):
        assert ask(host) == 403


@pytest.mark.parametrize("method", ["POST", "DELETE", "PUT", "PATCH"])
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"origin": "http://localhost:8000"}, 200),
        ({"origin": "http://localhost:8001"}, 403),
        ({"origin": "null"}, 403),
        ({"sec-fetch-site": "same-origin"}, 200),
        ({"sec-fetch-site": "none"}, 200),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "cross-site", "origin": "http://localhost:8000"}, 403),
    ],
)
def test_only_the_pages_of_the_sandbox_can_change_something(
    method: str, headers: dict[str, str], status: int
) -> None:
    headers["host"] = "localhost:8000"
    for path in PATHS:
        assert status_of(headers, method=method, path=path) == status
        for safe in ("GET", "HEAD", "OPTIONS"):
            assert status_of(headers, method=safe, path=path) == 200
