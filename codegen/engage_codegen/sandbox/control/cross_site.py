"""Cross-site protection: other web sites must not be able to use `/_sandbox`, which has no key."""

import ipaddress
from collections.abc import Mapping
from urllib.parse import urlsplit

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


class CrossSiteMiddleware:
    """ASGI middleware that refuses requests to `/_sandbox` that a browser sends for another site.

    These are forms on other sites, and host names that resolve to the loopback (DNS rebinding).
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith("/_sandbox"):
            headers = {
                name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
            }
            if _is_cross_site(scope["method"], headers) or _is_rebound(scope, headers):
                message = "The sandbox refuses requests from other web sites."
                await PlainTextResponse(message, 403)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _is_cross_site(method: str, headers: Mapping[str, str]) -> bool:
    if method in _SAFE_METHODS:
        return False
    if headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
        return True
    origin = headers.get("origin")
    return origin is not None and origin.partition("//")[2] != headers.get("host")


def _is_rebound(scope: Scope, headers: Mapping[str, str]) -> bool:
    """Return True if a server on the loopback is addressed by a name other than localhost."""
    try:
        host = urlsplit(f"//{headers.get('host', '')}").hostname or "localhost"
        is_loopback = ipaddress.ip_address(scope["server"][0]).is_loopback
    except (ValueError, TypeError):
        return False
    return is_loopback and host != "localhost" and not _is_address(host)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
