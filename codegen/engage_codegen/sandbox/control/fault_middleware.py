"""The middleware that applies faults to requests and responses."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeAlias, cast

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from engage_codegen.sandbox.clock import Clock
from engage_codegen.sandbox.control.body_limit import replay
from engage_codegen.sandbox.control.faults import Fault, Faults, Kind, When
from engage_codegen.sandbox.store.records import Json

_HTML = b"<!doctype html><title>Maintenance</title><h1>We will be back soon</h1>"

_Work: TypeAlias = Callable[[Send], Awaitable[None]]
"""The work of the application on one request; its response goes to the argument."""


class FaultMiddleware:
    """ASGI middleware that applies faults to requests on their way in and out."""

    def __init__(self, app: ASGIApp, faults: Faults, clock: Clock) -> None:
        self._app = app
        self._faults = faults
        self._clock = clock
        self._late: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        fault = self._faults.take(scope["method"], scope["path"]) if _is_api(scope) else None
        if fault is None:
            await self._app(scope, receive, send)
            return
        scope["state"]["fault"] = fault.kind.value
        body: bytes = (await receive()).get("body", b"")  # see BodyLimitMiddleware
        work: _Work = lambda send: self._app(scope, replay(body, receive), send)  # noqa: E731
        if fault.kind is Kind.LATE:
            self._schedule(work, fault.seconds)
            await _abort(scope, receive)
        elif fault.kind is Kind.SLOW:
            await self._delay(work, fault, send)
        else:
            response: list[Message] = []
            if fault.when is When.AFTER:
                await work(_collect(response))
            await _fail(fault, scope, receive, send, response)

    def _schedule(self, work: _Work, seconds: float) -> None:
        moment = self._clock.now() + timedelta(seconds=seconds)

        async def work_late() -> None:
            await self._clock.wait_until(moment)
            await work(_collect([]))

        task = asyncio.ensure_future(work_late())
        self._late.add(task)
        task.add_done_callback(self._late.discard)

    async def _delay(self, work: _Work, fault: Fault, send: Send) -> None:
        moment = self._clock.now() + timedelta(seconds=fault.seconds)
        if fault.when is When.BEFORE:
            await self._clock.wait_until(moment)
            await work(send)
            return
        response: list[Message] = []
        await work(_collect(response))
        await self._clock.wait_until(moment)
        for message in response:
            await send(message)


async def _fail(
    fault: Fault, scope: Scope, receive: Receive, send: Send, response: list[Message]
) -> None:
    match fault.kind:
        case Kind.TIMEOUT:
            await _wait_for_disconnect(receive)
        case Kind.DROP:
            await _abort(scope, receive)
        case Kind.TRUNCATED:
            await _send_half(response, send)
            _get_transport(scope).close()
            await _wait_for_disconnect(receive)
        case Kind.HTML:
            await _respond(send, 200, b"text/html; charset=utf-8", _HTML)
        case _:
            await _respond(send, fault.status, b"application/json", _build_error(fault.status))


def _build_error(status: int) -> bytes:
    error: Json = {
        "errorCode": "TooManyRequests" if status == 429 else "InternalError",
        "message": "A fault of the sandbox",
        "messageDetails": {"reasons": [], "violations": []},
    }
    return json.dumps(error).encode()


async def _abort(scope: Scope, receive: Receive) -> None:
    _get_transport(scope).abort()
    await _wait_for_disconnect(receive)


async def _wait_for_disconnect(receive: Receive) -> None:
    """Wait for the client. Uvicorn reports a missing response while the connection is open."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _send_half(response: list[Message], send: Send) -> None:
    start = response[0]
    body = b"".join(message.get("body", b"") for message in response[1:])
    headers = [pair for pair in start["headers"] if pair[0].lower() != b"content-length"]
    headers.append((b"content-length", str(len(body) + 2).encode()))
    await send({**start, "headers": headers})
    half = body[: len(body) // 2]
    await send({"type": "http.response.body", "body": half, "more_body": True})


async def _respond(send: Send, status: int, content_type: bytes, body: bytes) -> None:
    headers = [(b"content-type", content_type), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _collect(messages: list[Message]) -> Send:
    async def append(message: Message) -> None:
        messages.append(message)

    return append


def _is_api(scope: Scope) -> bool:
    return scope["type"] == "http" and not scope["path"].startswith("/_sandbox")


def _get_transport(scope: Scope) -> asyncio.Transport:
    """Return the connection, which `server` adds to the state of each request."""
    return cast(asyncio.Transport, scope["state"]["transport"])
