"""The requests that arrived at the API: what a test counts."""

import threading
from collections import deque
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from engage_codegen.sandbox.clock import Clock
from engage_codegen.sandbox.dates import wire_date

_MOST = 10_000


@dataclass(frozen=True, slots=True)
class Logged:
    """One request; `status` is None where no answer was sent."""

    number: int
    arrived: str
    method: str
    path: str
    query: str
    status: int | None
    fault: str | None


class RequestLog:
    """The last 10,000 requests, oldest first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: deque[Logged] = deque(maxlen=_MOST)
        self._count = 0

    def add(self, arrived: str, scope: Scope, status: int | None) -> None:
        with self._lock:
            self._count += 1
            self._requests.append(
                Logged(
                    number=self._count,
                    arrived=arrived,
                    method=scope["method"],
                    path=scope["path"],
                    query=scope["query_string"].decode("ascii", "replace"),
                    status=status,
                    fault=scope["state"].get("fault"),
                )
            )

    def list(self) -> list[Logged]:
        with self._lock:
            return [*self._requests]

    def clear(self) -> None:
        with self._lock:
            self._requests.clear()
            self._count = 0


class LogMiddleware:
    """Notes every request to the API, with the status that was sent."""

    def __init__(self, app: ASGIApp, log: RequestLog, clock: Clock) -> None:
        self._app = app
        self._log = log
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith("/_sandbox"):
            await self._app(scope, receive, send)
            return
        arrived = wire_date(self._clock.now())
        is_noted = False

        async def note(message: Message) -> None:
            nonlocal is_noted
            if message["type"] == "http.response.start":
                # Before the client has its answer, so that it finds its request in the log.
                self._log.add(arrived, scope, message["status"])
                is_noted = True
            await send(message)

        try:
            await self._app(scope, receive, note)
        finally:
            if not is_noted:
                self._log.add(arrived, scope, None)
