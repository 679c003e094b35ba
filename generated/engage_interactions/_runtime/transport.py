"""Settings of a connection, and the way from a request to httpx and back."""

import os
import threading
import time
from collections.abc import Generator
from datetime import UTC, datetime
from typing import TypedDict
from urllib.parse import urlsplit

import httpx

from .calls import Answer, Failure, Request
from .errors import Misconfigured

DEFAULT_TIMEOUT = httpx.Timeout(30.0, connect=5.0)

_NEVER_LEFT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)


class Connection:
    """Where requests go and as whom. The key is in no repr, and in no frame while an error is
    raised."""

    def __init__(self, base_url: str, api_key: str, user_agent: str, api_version: str) -> None:
        """Raises `Misconfigured`."""
        self._url = f"{_checked(base_url)}/api/{api_version}/"
        self._headers = {
            "User-Agent": _header("user agent", user_agent),
            "Accept": "application/json",
        }
        self.auth = _ApiKey(_header("API key", api_key))

    def __repr__(self) -> str:
        return f"Connection({self._url!r})"

    def request(self, http: httpx.Client | httpx.AsyncClient, request: Request) -> httpx.Request:
        """The request as httpx sends it; the key is added by `auth` on its way out."""
        headers = self._headers
        if request.body is not None:
            headers = headers | {"Content-Type": "application/json"}
        return http.build_request(
            request.method,
            self._url + request.path,
            params=request.params or None,
            content=request.body,
            headers=headers,
        )


def answer(response: httpx.Response) -> Answer:
    """What the platform said."""
    return Answer(response.status_code, response.content)


def failure(error: httpx.HTTPError) -> Failure:
    """Why it said nothing, without the exception: its traceback has the key in its frames."""
    reason = str(error) or type(error).__name__
    return Failure(reason, sent=not isinstance(error, _NEVER_LEFT))


class Settings(TypedDict):
    """The arguments that both clients take."""

    base_url: str
    api_key: str
    user_agent: str
    api_version: str


def from_environment() -> Settings:
    """The settings in ``ENGAGE_BASE_URL``, ``ENGAGE_API_KEY``, ``ENGAGE_USER_AGENT`` and, if it is
    set, ``ENGAGE_API_VERSION``. Raises `Misconfigured`."""
    return Settings(
        base_url=_variable("ENGAGE_BASE_URL"),
        api_key=_variable("ENGAGE_API_KEY"),
        user_agent=_variable("ENGAGE_USER_AGENT"),
        api_version=os.environ.get("ENGAGE_API_VERSION") or "v3",
    )


def _variable(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        raise Misconfigured(f"the environment variable {name} is not set")
    return value


class Stamps:
    """Dates for interactions that bring none: now, but strictly increasing by the millisecond,
    so that an unanswered POST can be recognised by its date. For threads and tasks alike."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = 0

    def next(self) -> datetime:
        with self._lock:
            self._last = max(time.time_ns() // 1_000_000, self._last + 1)
            seconds, milliseconds = divmod(self._last, 1000)
        return datetime.fromtimestamp(seconds, UTC).replace(microsecond=milliseconds * 1000)


class _ApiKey(httpx.Auth):
    """Puts the key into its header as the request leaves."""

    def __init__(self, key: str) -> None:
        self._key = key

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["apikey"] = self._key
        yield request


def _header(name: str, value: str) -> str:
    """httpx quotes a header that it cannot send in its error, the key as well: check it first."""
    if not value or not value.isascii() or not value.isprintable() or value != value.strip():
        raise Misconfigured(f"the {name} has to be printable ASCII without spaces at the ends")
    return value


def _checked(base_url: str) -> str:
    try:
        parts = urlsplit(base_url)
        host = parts.hostname or ""
    except ValueError:
        raise Misconfigured("the base URL is no URL") from None
    if parts.username or parts.password or parts.query or parts.fragment:
        raise Misconfigured("the base URL has more in it than a host")
    if parts.scheme != "https" and host not in ("localhost", "127.0.0.1", "::1"):
        raise Misconfigured(f"the base URL {base_url!r} has to be https://…")
    if parts.scheme not in ("http", "https") or not host or parts.path.strip("/"):
        raise Misconfigured(f"the base URL {base_url!r} has to be like https://acme.voyado.com")
    return base_url.rstrip("/")
