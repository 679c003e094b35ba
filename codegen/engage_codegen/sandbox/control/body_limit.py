"""The size limit of request bodies: the platform's is unknown, so this one is our own."""

from http import HTTPStatus

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from engage_codegen.sandbox.control.refusals import Answer, answer_plainly
from engage_codegen.sandbox.errors import ApiError
from engage_codegen.sandbox.store.records import Violation

MAX_BODY_BYTES = 1_000_000


class BodyLimitMiddleware:
    """ASGI middleware that gives the application whole bodies up to the limit, and nothing else.

    A body that is longer is refused as soon as that is known, and no more than the limit is kept in
    memory. A request whose client disconnects before the end is never carried out.
    """

    def __init__(self, app: ASGIApp, answer: Answer = answer_plainly) -> None:
        self._app = app
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        body, is_whole = b"", True
        if b"content-length" in headers or b"transfer-encoding" in headers:
            body, is_whole = await _read(receive)
        if len(body) > MAX_BODY_BYTES:
            scope["state"]["body"] = body
            await self._answer(scope, _too_large())(scope, receive, send)
        elif is_whole:
            await self._app(scope, replay(body, receive), send)


def _too_large() -> ApiError:
    message = f"the body has more than {MAX_BODY_BYTES:,} bytes"
    return ApiError(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "BodyTooLarge",
        "The body is too large",
        violations=[Violation("maxBytes", "", message)],
    )


async def _read(receive: Receive) -> tuple[bytes, bool]:
    """Read a body until its end or past the limit; return False if the client disconnected."""
    body = bytearray()
    while len(body) <= MAX_BODY_BYTES:
        message = await receive()
        if message["type"] == "http.disconnect":
            return bytes(body), False
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    return bytes(body), True


def replay(body: bytes, receive: Receive) -> Receive:
    """Return a channel that gives the application the body that has already been read."""
    is_sent = False

    async def receive_again() -> Message:
        nonlocal is_sent
        if is_sent:
            return await receive()
        is_sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive_again
