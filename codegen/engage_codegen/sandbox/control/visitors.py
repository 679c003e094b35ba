"""Who may use what has no key: nobody whom a page of another site sent."""

import ipaddress
from collections.abc import Mapping
from urllib.parse import urlsplit

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

_SAFE = ("GET", "HEAD", "OPTIONS")


class VisitorMiddleware:
    """Refuses requests to `/_sandbox` that a browser makes for another site: forms that it sends,
    and names of hosts that were pointed at the loopback (DNS rebinding)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith("/_sandbox"):
            headers = {key.decode("latin-1"): it.decode("latin-1") for key, it in scope["headers"]}
            if _is_foreign(scope["method"], headers) or _is_rebound(scope, headers):
                answer = PlainTextResponse("This request comes from another site.", 403)
                await answer(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _is_foreign(method: str, headers: Mapping[str, str]) -> bool:
    if method in _SAFE:
        return False
    if headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
        return True
    origin = headers.get("origin")
    return origin is not None and origin.partition("//")[2] != headers.get("host")


def _is_rebound(scope: Scope, headers: Mapping[str, str]) -> bool:
    """What listens on the loopback is called by its address, or localhost."""
    try:
        host = urlsplit(f"//{headers.get('host', '')}").hostname or "localhost"
        is_local = ipaddress.ip_address(scope["server"][0]).is_loopback
    except (ValueError, TypeError):
        return False
    return is_local and host != "localhost" and not _is_address(host)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
