"""Which requests the cross-site protection of the sandbox refuses."""

import asyncio
from collections.abc import Mapping, MutableMapping
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from engage_codegen.sandbox.control.cross_site import CrossSiteMiddleware

LOOPBACK, LAN = ("127.0.0.1", 8000), ("192.168.0.7", 8000)
EVIL = {"host": "evil.example:8000"}


def status_of(
    headers: Mapping[str, str],
    server: object = LOOPBACK,
    method: str = "GET",
    path: str = "/_sandbox/contacts",
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
    asyncio.run(CrossSiteMiddleware(application)(scope, receive, send))
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
        # A name of a server that others can reach is no sign of DNS rebinding.
        ("sandbox.example:8000", LAN, 200),
        ("sandbox.example", ("sandbox.sock", None), 200),
        ("sandbox.example", None, 200),
    ],
)
def test_a_server_on_the_loopback_has_no_other_name_than_localhost(
    host: str, server: object, status: int
) -> None:
    assert status_of({"host": host}, server) == status


def test_the_vendors_paths_are_not_protected() -> None:
    assert status_of(EVIL, path="/api/v3/interactions") == 200


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
    assert status_of(headers, method=method) == status
    for safe in ("GET", "HEAD", "OPTIONS"):
        assert status_of(headers, method=safe) == 200
