"""HTTP with httpx: the settings of a connection, and the exchange of a request for a reply.

No other module uses httpx at run time.
"""

import hashlib
import re
from collections.abc import Callable, Generator, Mapping
from contextlib import aclosing, closing
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import TypeVar

import httpx

from ..call.steps import Answer, Failure, Reply, Request
from ..errors import ConfigurationError

DEFAULT_TIMEOUT = httpx.Timeout(30.0, connect=5.0)

LARGEST_BODY = 32 * 2**20
"""The limit of an answer in bytes, uncompressed. A page of a list has fifty interactions."""

_NOT_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)
_JSON = {"Content-Type": "application/json"}

H = TypeVar("H", httpx.Client, httpx.AsyncClient)


class Connection:
    """The address and the identity of a client.

    No repr shows the key, and no frame of a traceback holds it: creating a connection never fails,
    and `check`, which fails, does not get the key as an argument.
    """

    def __init__(self, base_url: str, api_key: str, user_agent: str, api_version: str) -> None:
        self.auth = _ApiKey(api_key)
        self.base_url = base_url.rstrip("/")
        self._base_url_argument = base_url
        self._user_agent = user_agent
        self._headers: Mapping[str, str] = {"User-Agent": user_agent, "Accept": "application/json"}
        self._json_headers: Mapping[str, str] = {**self._headers, **_JSON}
        self._own: httpx.Client | httpx.AsyncClient | None = None
        self._api_version = api_version

    def __repr__(self) -> str:
        return f"Connection({self._base_url_argument!r})"

    def check(self) -> None:
        """Raise `ConfigurationError` for a setting that cannot work."""
        _check_url(self._base_url_argument)
        if not re.fullmatch(r"v[0-9]+", self._api_version):
            raise ConfigurationError(f"The API version {self._api_version!r} must be like v3.")
        if not self.auth.is_valid_header:
            raise ConfigurationError(f"The API key {_VALID_HEADER}")
        if not _is_valid_header(self._user_agent):
            raise ConfigurationError(f"The user agent {_VALID_HEADER}")

    def open(self, client_class: Callable[..., H]) -> H:
        """Create an httpx client. Raises `ConfigurationError` for an unusable proxy.

        A client for the loopback ignores the proxies of the environment: they would get the key in
        plain text.
        """
        is_local = self.base_url.startswith("http://")
        try:
            own = client_class(
                timeout=DEFAULT_TIMEOUT, trust_env=not is_local, headers=self._headers
            )
        except (ValueError, ImportError, httpx.InvalidURL) as error:
            reason = str(error)
        else:
            self._own, self._headers = own, own.headers
            self._json_headers = own.headers.copy()
            self._json_headers.update(_JSON)
            return own
        raise ConfigurationError(f"The proxy in the environment cannot be used: {reason}")

    def request(self, http: httpx.Client | httpx.AsyncClient, request: Request) -> httpx.Request:
        """Build the request for httpx. `auth` adds the key when the request is sent."""
        headers = self._headers if request.body is None else self._json_headers
        url = _url(f"{self.base_url}/api/{self._api_version}/{request.target}")
        if http is not self._own:
            return http.build_request(request.method, url, content=request.body, headers=headers)
        # Merging settings that never change would take half of the time of a send. Nobody else
        # has our own client, and all that it can add is cookies.
        return httpx.Request(
            request.method,
            url,
            content=request.body,
            headers=headers,
            cookies=http.cookies,
            extensions={"timeout": http.timeout.as_dict()},
        )

    def answer(self, response: httpx.Response, content: bytes) -> Answer:
        """Convert a response. A key that an error response echoes is removed."""
        body = content if response.is_success else self.auth.hide_in(content)
        header = response.headers.get("retry-after")
        return Answer(response.status_code, body, None if header is None else _seconds(header))

    @property
    def origin(self) -> str:
        """The base URL in one spelling of its host and port."""
        return str(httpx.URL(self.base_url))

    def key_digest(self) -> str:
        """Return a digest that identifies the key without revealing it."""
        return self.auth.digest()


class HttpTransport:
    """Exchanges requests for replies, for threads. Closes only a client that it created itself."""

    def __init__(self, connection: Connection, http: httpx.Client | None) -> None:
        connection.check()
        self._connection = connection
        self._is_own = http is None
        self._http = connection.open(httpx.Client) if http is None else http

    def check_open(self) -> None:
        """Raise `ConfigurationError` if the client is closed."""
        _check_open(self._http)

    def close(self) -> None:
        """Close the connections."""
        if self._is_own:
            self._http.close()

    def exchange(self, request: Request) -> Reply:
        """Send a request and return the reply."""
        prepared = self._connection.request(self._http, request)
        content = _Content()
        try:
            response = self._http.send(
                prepared, auth=self._connection.auth, follow_redirects=False, stream=True
            )
            with closing(response):
                for chunk in response.iter_bytes():
                    content.add(chunk)
        except httpx.HTTPStatusError as error:  # An event hook of the caller's client raised it.
            return self._connection.answer(error.response, b"")
        except httpx.HTTPError as error:
            return _failure(error)
        return self._connection.answer(response, content.join())


class AsyncHttpTransport:
    """Exchanges requests for replies, for tasks. Closes only a client that it created itself."""

    def __init__(self, connection: Connection, http: httpx.AsyncClient | None) -> None:
        connection.check()
        self._connection = connection
        self._is_own = http is None
        self._http = connection.open(httpx.AsyncClient) if http is None else http

    def check_open(self) -> None:
        """Raise `ConfigurationError` if the client is closed."""
        _check_open(self._http)

    async def close(self) -> None:
        """Close the connections."""
        if self._is_own:
            await self._http.aclose()

    async def exchange(self, request: Request) -> Reply:
        """Send a request and return the reply."""
        prepared = self._connection.request(self._http, request)
        content = _Content()
        try:
            response = await self._http.send(
                prepared, auth=self._connection.auth, follow_redirects=False, stream=True
            )
            async with aclosing(response):
                async for chunk in response.aiter_bytes():
                    content.add(chunk)
        except httpx.HTTPStatusError as error:  # An event hook of the caller's client raised it.
            return self._connection.answer(error.response, b"")
        except httpx.HTTPError as error:
            return _failure(error)
        return self._connection.answer(response, content.join())


def _check_open(http: httpx.Client | httpx.AsyncClient) -> None:
    if http.is_closed:
        raise ConfigurationError("The client is closed. Create another one, or keep it open.")


@lru_cache(maxsize=16)
def _url(text: str) -> httpx.URL:
    """Parse a URL. That is a tenth of the time of a send, and most sends have the same URL."""
    return httpx.URL(text)


class _Content:
    """The body of a response as it arrives, up to a limit."""

    def __init__(self) -> None:
        self._chunks: list[bytes] = []
        self._size = 0

    def add(self, chunk: bytes) -> None:
        """Append a chunk. Raises `httpx.HTTPError` if the body exceeds the limit."""
        self._chunks.append(chunk)
        self._size += len(chunk)
        if self._size > LARGEST_BODY:
            raise httpx.DecodingError(f"the answer has more than {LARGEST_BODY} bytes")

    def join(self) -> bytes:
        return b"".join(self._chunks)


def _seconds(header: str) -> float | None:
    """Return the seconds of a Retry-After header, which has a number or a date."""
    if re.fullmatch(r"[0-9]{1,9}", header):
        return float(header)
    try:
        moment = parsedate_to_datetime(header)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


def _failure(error: httpx.HTTPError) -> Failure:
    """Keep the reason, and not the exception: the frames of its traceback hold the key."""
    reason = str(error) or type(error).__name__
    return Failure(reason, may_have_arrived=not isinstance(error, _NOT_SENT))


class _ApiKey(httpx.Auth):
    """Adds the key to a request when it is sent."""

    def __init__(self, key: str) -> None:
        self._key = key

    @property
    def is_valid_header(self) -> bool:
        return _is_valid_header(self._key)

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["apikey"] = self._key
        yield request

    def digest(self) -> str:
        return hashlib.sha256(self._key.encode()).hexdigest()

    def hide_in(self, body: bytes) -> bytes:
        return body.replace(self._key.encode(), b"[key]")


_VALID_HEADER = "must be printable ASCII without spaces at the beginning or the end."


def _is_valid_header(value: str) -> bool:
    """Check before httpx does: its error would quote the header, and so the key."""
    return bool(value) and value.isascii() and value.isprintable() and value == value.strip()


_URL = re.compile(r"(https?)://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?/?")


def _check_url(base_url: str) -> None:
    match = _URL.fullmatch(base_url)
    if not match or int(match[3] or 0) > 65535:
        raise ConfigurationError(f"The base URL {base_url!r} must be like https://acme.voyado.com.")
    try:
        httpx.URL(base_url)
    except (ValueError, httpx.InvalidURL):
        raise ConfigurationError(f"The base URL {base_url!r} has an invalid host.") from None
    if match[1] == "http" and match[2].lower() not in ("localhost", "127.0.0.1", "[::1]"):
        raise ConfigurationError(f"The base URL {base_url!r} must begin with https://.")
