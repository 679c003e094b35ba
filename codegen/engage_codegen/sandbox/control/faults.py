"""Faults on demand: what a network and a platform do on their worst days.

A fault is told by `{kind, when, method, path, count, share, status, seconds}`. It concerns the
requests to a path (a pattern of `fnmatch`), the next `count` of them or a `share` of all, before or
after the platform has done its work.
"""

import asyncio
import fnmatch
import json
import random
import threading
from collections.abc import Awaitable, Callable
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import TypeAlias, cast

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    model_validator,
)
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from engage_codegen.errors import InputError
from engage_codegen.sandbox.clock import Clock
from engage_codegen.sandbox.wire import Json


class Kind(StrEnum):
    """What goes wrong."""

    TIMEOUT = "timeout"
    DROP = "drop"
    STATUS = "status"
    SLOW = "slow"
    HTML = "html"
    TRUNCATED = "truncated"
    LATE = "late"


class When(StrEnum):
    """On which side of the platform's work."""

    BEFORE = "before"
    AFTER = "after"


class Fault(BaseModel):
    """One fault, and which requests it befalls."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind = Field(
        description="timeout: no answer, the connection stays open. drop: the connection is cut. "
        "status: an error with `status`. slow: the answer comes `seconds` late. html: a page in "
        "place of JSON. truncated: half of the body. late: the connection is cut, and the work is "
        "done `seconds` later."
    )
    when: When = Field(default=When.BEFORE, description="Before the work is done, or after it.")
    method: str = Field(default="*", description="GET, POST, DELETE, or * for all.")
    path: str = Field(default="/api/*", description="A pattern; `*` stands for anything.")
    count: int | None = Field(
        default=1, ge=1, description="The next so many requests; null for all."
    )
    share: float = Field(
        default=1.0, gt=0, le=1, description="The share of the requests, at random."
    )
    status: int = Field(default=500, ge=400, le=599, description="For the kind `status`.")
    seconds: float = Field(
        default=1.0, ge=0, le=3600, description="For the kinds `slow` and `late`."
    )

    @model_validator(mode="after")
    def _after_where_it_must_be(self) -> "Fault":
        if self.kind is Kind.TRUNCATED and self.when is When.BEFORE:
            return self.model_copy(update={"when": When.AFTER})
        if self.kind is Kind.LATE and self.when is When.AFTER:
            raise ValueError("late is neither before nor after: leave `when` out")
        return self

    def concerns(self, method: str, path: str) -> bool:
        """Whether a request is of those that it may befall."""
        return self.method in ("*", method) and fnmatch.fnmatchcase(path, self.path)


def read_faults(path: Path) -> list[Fault]:
    """A JSON file with a list of faults. Raises `InputError`."""
    try:
        return TypeAdapter(list[Fault]).validate_json(path.read_bytes())
    except OSError as error:
        raise InputError(
            f"the faults cannot be read: {error.strerror}", where=str(path), fix="check the path"
        ) from None
    except ValidationError as error:
        problem = error.errors()[0]
        raise InputError(
            f"the faults are not understood: {problem['msg']}",
            where=f"{path}, {'/'.join(map(str, problem['loc'])) or 'the whole'}",
            fix='write a list like [{"kind": "timeout", "when": "after", "count": 3}]',
        ) from None


class Faults:
    """The faults that are in force, in the order in which they were set."""

    def __init__(self, seed: int = 0) -> None:
        self._lock = threading.Lock()
        self._random = random.Random(seed)  # noqa: S311 - a test wants the same faults again
        self._active: list[tuple[Fault, int | None]] = []

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._active.append((fault, fault.count))

    def clear(self) -> None:
        with self._lock:
            self._active.clear()

    def list(self) -> list[tuple[Fault, int | None]]:
        """Each with the number of requests that it will still befall; None is without end."""
        with self._lock:
            return [*self._active]

    def draw(self, method: str, path: str) -> Fault | None:
        """The fault that befalls this request, if any; its count goes down."""
        with self._lock:
            for number, (fault, left) in enumerate(self._active):
                if fault.concerns(method, path) and self._random.random() < fault.share:
                    if left == 1:
                        del self._active[number]
                    elif left is not None:
                        self._active[number] = (fault, left - 1)
                    return fault
        return None


class FaultMiddleware:
    """Lets faults befall requests on their way to the application and back."""

    def __init__(self, app: ASGIApp, faults: Faults, clock: Clock) -> None:
        self._app = app
        self._faults = faults
        self._clock = clock
        self._late: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        fault = self._faults.draw(scope["method"], scope["path"]) if _is_api(scope) else None
        if fault is None:
            await self._app(scope, receive, send)
            return
        scope["state"]["fault"] = fault.kind.value
        body = await _whole(receive)
        work: _Work = lambda answer: self._app(scope, _again(body, receive), answer)  # noqa: E731
        if fault.kind is Kind.LATE:
            self._do_late(work, fault.seconds)
            await _cut(scope, receive)
        elif fault.kind is Kind.SLOW:
            await self._do_slowly(work, fault, send)
        elif fault.when is When.BEFORE:
            await _befall(fault, scope, receive, send, [])
        else:
            answered: list[Message] = []
            await work(_into(answered))
            await _befall(fault, scope, receive, send, answered)

    def _do_late(self, work: "_Work", seconds: float) -> None:
        moment = self._clock.now() + timedelta(seconds=seconds)

        async def later() -> None:
            await self._clock.reach(moment)
            await work(_into([]))

        task = asyncio.ensure_future(later())
        self._late.add(task)
        task.add_done_callback(self._late.discard)

    async def _do_slowly(self, work: "_Work", fault: Fault, send: Send) -> None:
        moment = self._clock.now() + timedelta(seconds=fault.seconds)
        if fault.when is When.BEFORE:
            await self._clock.reach(moment)
            await work(send)
            return
        answered: list[Message] = []
        await work(_into(answered))
        await self._clock.reach(moment)
        for message in answered:
            await send(message)


_Work: TypeAlias = Callable[[Send], Awaitable[None]]


async def _befall(
    fault: Fault, scope: Scope, receive: Receive, send: Send, answered: list[Message]
) -> None:
    match fault.kind:
        case Kind.TIMEOUT:
            await _disconnected(receive)
        case Kind.DROP:
            await _cut(scope, receive)
        case Kind.TRUNCATED:
            await _truncate(answered, send)
            _transport(scope).close()
            await _disconnected(receive)
        case Kind.HTML:
            page = b"<!doctype html><title>Maintenance</title><h1>We will be back soon</h1>"
            await _answer(send, 200, b"text/html; charset=utf-8", page)
        case _:
            code = "TooManyRequests" if fault.status == 429 else "InternalError"
            error: Json = {
                "errorCode": code,
                "message": "A fault",
                "messageDetails": {"reasons": []},
            }
            await _answer(send, fault.status, b"application/json", json.dumps(error).encode())


async def _cut(scope: Scope, receive: Receive) -> None:
    _transport(scope).abort()
    await _disconnected(receive)


async def _disconnected(receive: Receive) -> None:
    """Uvicorn complains of an answer that is missing only while there is a connection."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _truncate(answered: list[Message], send: Send) -> None:
    start = answered[0]
    body = b"".join(message.get("body", b"") for message in answered[1:])
    headers = [pair for pair in start["headers"] if pair[0].lower() != b"content-length"]
    headers.append((b"content-length", str(len(body) + 2).encode()))
    await send({**start, "headers": headers})
    half = body[: len(body) // 2]
    await send({"type": "http.response.body", "body": half, "more_body": True})


async def _answer(send: Send, status: int, kind: bytes, body: bytes) -> None:
    headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _whole(receive: Receive) -> bytes:
    parts: list[bytes] = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


def _again(body: bytes, receive: Receive) -> Receive:
    """The request once more, for the application."""
    sent = False

    async def replay() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


def _into(messages: list[Message]) -> Send:
    async def keep(message: Message) -> None:
        messages.append(message)

    return keep


def _is_api(scope: Scope) -> bool:
    return scope["type"] == "http" and not scope["path"].startswith("/_sandbox")


def _transport(scope: Scope) -> asyncio.Transport:
    """The connection itself, which `server` puts into the state of each request."""
    return cast(asyncio.Transport, scope["state"]["transport"])
