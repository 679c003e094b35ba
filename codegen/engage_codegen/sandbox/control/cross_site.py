"""Cross-site protection: other web sites must not be able to use the sandbox through a browser.

The key of the API is no protection: by default it is one that everybody knows.
"""

import ipaddress
import re
from collections.abc import Collection, Mapping
from http import HTTPStatus

from starlette.types import ASGIApp, Receive, Scope, Send

from engage_codegen.sandbox.control.refusals import Answer, answer_plainly
from engage_codegen.sandbox.errors import ApiError
from engage_codegen.sandbox.store.records import Violation

_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
_AUTHORITY = re.compile(r"(?P<host>\[[0-9a-f:.]+\]|[^\[\]:@/?#\\\s]*)(:[0-9]{0,5})?", re.IGNORECASE)


class CrossSiteMiddleware:
    """ASGI middleware that refuses requests that a browser sends for another site.

    These are forms and scripts on other sites, and host names that resolve to the address of the
    sandbox (DNS rebinding). Addresses and `localhost` are always accepted as the host, because no
    other site can have them.

    Args:
        allowed_hosts: The other names of the sandbox, without ports.
        answer: A function that answers a refused request.
    """

    def __init__(
        self,
        app: ASGIApp,
        allowed_hosts: Collection[str] = (),
        answer: Answer = answer_plainly,
    ) -> None:
        self._app = app
        self._names = {"", "localhost", *map(normalize_host, allowed_hosts)}
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self._app
        if scope["type"] == "http":
            headers = {
                name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
            }
            if not self._is_own_host(headers.get("host", "")):
                app = self._answer(scope, _refuse_host(headers.get("host", "")))
            elif _is_cross_site(scope["method"], headers):
                app = self._answer(scope, _refuse_origin())
        await app(scope, receive, send)

    def _is_own_host(self, authority: str) -> bool:
        match = _AUTHORITY.fullmatch(authority)
        if match is None:  # no browser sends it; without any name in it, it is like none
            return not any(map(str.isalnum, authority))
        host = normalize_host(match["host"])
        return host in self._names or _is_address(host)


def normalize_host(host: str) -> str:
    """Return a host name or address in lower case, without brackets and a dot at the end."""
    return host.lower().removesuffix(".").removeprefix("[").removesuffix("]")


def _is_cross_site(method: str, headers: Mapping[str, str]) -> bool:
    if method in _SAFE_METHODS:
        return False
    if headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
        return True
    origin = headers.get("origin")
    return (
        origin is not None and origin.partition("//")[2].lower() != headers.get("host", "").lower()
    )


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _refuse_host(authority: str) -> ApiError:
    message = (
        f"the sandbox does not know the host name {authority[:100]!r}. If it is yours, start the "
        "sandbox with --allow-host NAME"
    )
    return _refuse("ForeignHost", "host", message)


def _refuse_origin() -> ApiError:
    return _refuse("ForeignOrigin", "origin", "the request was sent for another web site")


def _refuse(code: str, rule: str, reason: str) -> ApiError:
    return ApiError(
        HTTPStatus.FORBIDDEN,
        code,
        "The sandbox refuses requests from other web sites",
        violations=[Violation(rule, None, reason)],
    )
