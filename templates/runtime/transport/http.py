"""Settings of a connection, and the way from a request to httpx and back."""

import hashlib
import os
import re
import threading
from collections.abc import Callable, Generator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import TypedDict, TypeVar

import httpx

from ..call.responses import Answer, Failure, Request
from ..errors import Misconfigured
from .clock import Clock

DEFAULT_TIMEOUT = httpx.Timeout(30.0, connect=5.0)

LARGEST_ANSWER = 32 * 2**20
"""Bytes, unpacked: fifty interactions are a page."""

_NEVER_LEFT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)


_JSON = {"Content-Type": "application/json"}

H = TypeVar("H", httpx.Client, httpx.AsyncClient)


class Connection:
    """Where requests go and as whom.

    The key is in no repr, and in no frame while an error is raised: making a connection never
    fails, `check` does, and takes no key.
    """

    def __init__(self, base_url: str, api_key: str, user_agent: str, api_version: str) -> None:
        self.auth = _ApiKey(api_key)
        self.base_url = base_url.rstrip("/")
        self._given_url = base_url
        self._user_agent = user_agent
        self._headers: Mapping[str, str] = {"User-Agent": user_agent, "Accept": "application/json"}
        self._headers_of_json: Mapping[str, str] = {**self._headers, **_JSON}
        self._own: httpx.Client | httpx.AsyncClient | None = None
        self._api_version = api_version

    def __repr__(self) -> str:
        return f"Connection({self._given_url!r})"

    def check(self, rate: int) -> None:
        """Raise `Misconfigured` for settings that cannot work."""
        _check_url(self._given_url)
        if rate < 1:
            raise Misconfigured("the rate has to be at least one request a second")
        if not re.fullmatch(r"v[0-9]+", self._api_version):
            raise Misconfigured(f"there is no API version {self._api_version!r}")
        if not self.auth.is_sendable:
            raise Misconfigured(f"the API key {_SENDABLE}")
        if not _is_sendable(self._user_agent):
            raise Misconfigured(f"the user agent {_SENDABLE}")

    def open(self, make: Callable[..., H]) -> H:
        """A client of httpx's. A proxy of the environment is not for the loopback: it would get
        the key in plain text. Raises `Misconfigured` for one that cannot be used."""
        is_local = self.base_url.startswith("http://")
        try:
            own = make(timeout=DEFAULT_TIMEOUT, trust_env=not is_local, headers=self._headers)
        except (ValueError, ImportError, httpx.InvalidURL) as error:
            reason = str(error)
        else:
            self._own, self._headers = own, own.headers
            self._headers_of_json = own.headers.copy()
            self._headers_of_json.update(_JSON)
            return own
        raise Misconfigured(f"the proxy of the environment cannot be used: {reason}")

    def request(self, http: httpx.Client | httpx.AsyncClient, request: Request) -> httpx.Request:
        """The request as httpx sends it; the key is added by `auth` on its way out."""
        headers = self._headers if request.body is None else self._headers_of_json
        url = _url(f"{self.base_url}/api/{self._api_version}/{request.target}")
        if http is not self._own:
            return http.build_request(request.method, url, content=request.body, headers=headers)
        # To merge what does not change takes as long as all else that we do for a send: nobody but
        # us has a client of our own, and it has nothing but cookies to add.
        return httpx.Request(
            request.method,
            url,
            content=request.body,
            headers=headers,
            cookies=http.cookies,
            extensions={"timeout": http.timeout.as_dict()},
        )

    def answer(self, response: httpx.Response, content: bytes) -> Answer:
        """What the platform said; a key that it echoes in an error goes no further."""
        body = content if response.is_success else self.auth.hide(content)
        wanted = response.headers.get("retry-after")
        return Answer(response.status_code, body, None if wanted is None else _seconds(wanted))

    @property
    def origin(self) -> str:
        """The base URL, the same however its host and port are written."""
        return str(httpx.URL(self.base_url))

    def key_digest(self) -> str:
        """Tells keys apart without being one."""
        return self.auth.digest()


def check_open(http: httpx.Client | httpx.AsyncClient) -> None:
    """Raise `Misconfigured` for one that is closed: nothing can be sent with it."""
    if http.is_closed:
        raise Misconfigured("the client is closed")


@lru_cache(maxsize=16)
def _url(text: str) -> httpx.URL:
    """To take an address apart is a tenth of a send, and most have the same one."""
    return httpx.URL(text)


class Content:
    """The body of an answer as it comes in, but not without end."""

    def __init__(self) -> None:
        self._chunks: list[bytes] = []
        self._size = 0

    def add(self, chunk: bytes) -> None:
        """Raises `httpx.HTTPError` when it has become too much."""
        self._chunks.append(chunk)
        self._size += len(chunk)
        if self._size > LARGEST_ANSWER:
            raise httpx.DecodingError(f"the answer has more than {LARGEST_ANSWER} bytes")

    def all(self) -> bytes:
        return b"".join(self._chunks)


def _seconds(text: str) -> float | None:
    """Retry-After: seconds, or a date; None for neither."""
    if re.fullmatch(r"[0-9]{1,9}", text):
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


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

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._last = datetime.min.replace(tzinfo=UTC)

    def next(self) -> datetime:
        now = self._clock.now().astimezone(UTC)
        now -= timedelta(microseconds=now.microsecond % 1000)
        with self._lock:
            self._last = max(now, self._last + _MILLISECOND)
            return self._last


_MILLISECOND = timedelta(milliseconds=1)


class _ApiKey(httpx.Auth):
    """Puts the key into its header as the request leaves."""

    def __init__(self, key: str) -> None:
        self._key = key

    @property
    def is_sendable(self) -> bool:
        return _is_sendable(self._key)

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["apikey"] = self._key
        yield request

    def digest(self) -> str:
        return hashlib.sha256(self._key.encode()).hexdigest()

    def hide(self, body: bytes) -> bytes:
        return body.replace(self._key.encode(), b"[key]")


_SENDABLE = "has to be printable ASCII without spaces at the ends"


def _is_sendable(value: str) -> bool:
    """httpx quotes a header that it cannot send in its error, the key as well."""
    return bool(value) and value.isascii() and value.isprintable() and value == value.strip()


_URL = re.compile(r"(https?)://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?/?")


def _check_url(base_url: str) -> None:
    match = _URL.fullmatch(base_url)
    if not match or int(match[3] or 0) > 65535:
        raise Misconfigured(f"the base URL {base_url!r} has to be like https://acme.voyado.com")
    try:
        httpx.URL(base_url)
    except (ValueError, httpx.InvalidURL):
        raise Misconfigured(f"the base URL {base_url!r} has no host that there can be") from None
    if match[1] == "http" and match[2].lower() not in ("localhost", "127.0.0.1", "[::1]"):
        raise Misconfigured(f"the base URL {base_url!r} has to begin with https://")
