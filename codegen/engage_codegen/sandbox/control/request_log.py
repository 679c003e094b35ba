"""The log of requests to the API, for tests that count them."""

import threading
from collections import deque
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from engage_codegen.sandbox.clock import Clock
from engage_codegen.sandbox.dates import format_date

_MAX_REQUESTS = 10_000


@dataclass(frozen=True, slots=True)
class LoggedRequest:
    """One request; `status` is None if no response was sent."""

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
        self._requests: deque[LoggedRequest] = deque(maxlen=_MAX_REQUESTS)
        self._count = 0

    def add(self, arrived: str, scope: Scope, status: int | None) -> None:
        """Log a request with its response status, or None if no response was sent."""
        with self._lock:
            self._count += 1
            self._requests.append(
                LoggedRequest(
                    number=self._count,
                    arrived=arrived,
                    method=scope["method"],
                    path=scope["path"],
                    query=scope["query_string"].decode("ascii", "replace"),
                    status=status,
                    fault=scope["state"].get("fault"),
                )
            )

    def list(self) -> list[LoggedRequest]:
        """Return a copy of the log."""
        with self._lock:
            return [*self._requests]

    def clear(self) -> None:
        """Delete all requests and count from 1 again."""
        with self._lock:
            self._requests.clear()
            self._count = 0


class LogMiddleware:
    """ASGI middleware that logs every request to the API with the status of its response."""

    def __init__(self, app: ASGIApp, log: RequestLog, clock: Clock) -> None:
        self._app = app
        self._log = log
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith("/_sandbox"):
            await self._app(scope, receive, send)
            return
        arrived = format_date(self._clock.now())
        is_logged = False

        async def send_and_log(message: Message) -> None:
            nonlocal is_logged
            if message["type"] == "http.response.start":
                # Before the client gets the response, so that it can see its request in the log.
                self._log.add(arrived, scope, message["status"])
                is_logged = True
            await send(message)

        try:
            await self._app(scope, receive, send_and_log)
        finally:
            if not is_logged:
                self._log.add(arrived, scope, None)
