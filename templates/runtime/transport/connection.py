"""The address and the identity of a client, and what the HTTP library needs to know of them."""

import hashlib
import os
import re
import ssl
from collections.abc import Callable, Generator
from functools import cached_property, lru_cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TypeVar
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from ..call.steps import Request
from ..errors import ConfigurationError
from .deadline import PhaseTimeout
from .headers import VALID_VALUE, is_valid_value
from .http_library import LIBRARY, TRUST_STORE_REMEDY, create_tls_context, httpx
from .redaction import hide_secret, hide_secret_in_bytes

DEFAULT_TIMEOUT = 10.0
"""The limit in seconds of one request with a client of ours, connecting included."""

_CONNECT_SECONDS = 5.0

H = TypeVar("H", httpx.Client, httpx.AsyncClient)


class Connection:
    """The address and the identity of a client.

    No repr shows the key, and no frame of a traceback holds it: creating a connection never fails,
    and `check`, which fails, does not get the key as an argument.
    """

    def __init__(self, base_url: str, api_key: str, user_agent: str, api_version: str) -> None:
        self.auth = ApiKey(api_key)
        self.base_url = base_url.rstrip("/")
        self._base_url_argument = base_url
        self._user_agent = user_agent
        self._api_version = api_version
        self._tls_context: ssl.SSLContext | None = None

    def __repr__(self) -> str:
        return f"Connection({_without_credentials(self._base_url_argument)!r})"

    def check(self) -> None:
        """Raise `ConfigurationError` for a setting that cannot work."""
        _check_url(self._base_url_argument)
        if not re.fullmatch(r"v[0-9]+", self._api_version):
            raise ConfigurationError(f"The API version {self._api_version!r} must be like v3.")
        if not self.auth.is_valid_header:
            raise ConfigurationError(f"The API key {VALID_VALUE}")
        if not is_valid_value(self._user_agent):
            raise ConfigurationError(f"The user agent {VALID_VALUE}")

    def open(self, client_class: Callable[..., H]) -> H:
        """Create a client of the HTTP library.

        Raises `ConfigurationError` for an unusable proxy, or for certificates that cannot be read.
        A client for the loopback ignores the proxies of the environment: they would get the key in
        plain text.
        """
        if self._tls_context is None:
            is_local = self.base_url.startswith("http://")
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if is_local else _create_tls_context()
            self._tls_context = context
        proxy = _environment_proxy(self.base_url)
        try:
            own = client_class(
                timeout=None,
                trust_env=False,
                proxy=proxy,
                verify=self._tls_context,
                cookies=_no_cookies(),
            )
        except ImportError:
            reason = "it needs the package socksio"
        except (ValueError, TypeError, httpx.InvalidURL):
            reason = "it is not a URL of a proxy"  # Its text may hold a password.
        else:
            return own
        raise ConfigurationError(f"The proxy in HTTPS_PROXY or ALL_PROXY cannot be used: {reason}.")

    def request(
        self, http: httpx.Client | httpx.AsyncClient, request: Request, timeout: float | None
    ) -> httpx.Request:
        """Build the request. `auth` adds the key when the request is sent.

        `timeout` limits the whole exchange, in addition to the timeouts of the client. The client
        adds headers. It adds no cookies: a single one that cannot be sent would spoil all requests.
        """
        headers = self._read_headers if request.body is None else self._write_headers
        if request.headers or http.headers.keys() - headers.keys():
            own, headers = headers, httpx.Headers(http.headers)
            headers.update(request.headers)
            headers.update(own)
        if request.body is not None:
            headers = httpx.Headers(headers)
            headers["Content-Length"] = str(len(request.body))
        prepared = httpx.Request(
            request.method,
            _url(f"{self.base_url}/api/{self._api_version}/{request.target}"),
            headers=headers,
            # Four times as fast as `content`, for which httpx adds the headers that are known here.
            stream=httpx.ByteStream(request.body or b""),
            extensions={"timeout": _timeouts(http.timeout, timeout)},
        )
        prepared.read()  # For event hooks of the caller's client.
        return prepared

    @cached_property
    def _read_headers(self) -> httpx.Headers:
        return httpx.Headers(
            {
                "Host": httpx.URL(self.base_url).netloc.decode("ascii"),
                "User-Agent": self._user_agent,
                "Accept": "application/json",
                "Accept-Encoding": "identity",
                "Connection": "keep-alive",
            }
        )

    @cached_property
    def _write_headers(self) -> httpx.Headers:
        return httpx.Headers({**self._read_headers, "Content-Type": "application/json"})

    @property
    def origin(self) -> str:
        """The base URL in one spelling of its host and port."""
        return str(httpx.URL(self.base_url))

    def key_digest(self) -> str:
        """Return a digest that identifies the key without revealing it."""
        return self.auth.digest()


def _timeouts(limits: httpx.Timeout, total: float | None) -> dict[str, float | None]:
    """Return the timeouts of the phases of a request that has to end after `total` seconds.

    Connecting ends a little earlier, so that it is known that the request was not sent.
    """
    if total is None:
        return limits.as_dict()
    return {
        "connect": _shorter(limits.connect, min(_CONNECT_SECONDS, 0.9 * total)),
        "pool": _shorter(limits.pool, 0.9 * total),
        "write": PhaseTimeout.from_now(_shorter(limits.write, total), total),
        "read": PhaseTimeout.from_now(_shorter(limits.read, total), total),
    }


def _shorter(limit: float | None, seconds: float) -> float:
    return seconds if limit is None else min(limit, seconds)


@lru_cache(maxsize=16)
def _url(text: str) -> httpx.URL:
    """Parse a URL. That is a tenth of the time of a send, and most sends have the same URL."""
    return httpx.URL(text)


def has_connections(http: httpx.Client | httpx.AsyncClient) -> bool:
    """Return False for a client of a test, whose transport calls a function."""
    transport = vars(http).get("_transport")
    return not isinstance(
        transport, (httpx.MockTransport, httpx.ASGITransport, httpx.WSGITransport)
    )


_CLIENTS = {httpx.Client: "EngageClient", httpx.AsyncClient: "AsyncEngageClient"}


def require_client(http: object, client_class: type[httpx.Client | httpx.AsyncClient]) -> None:
    """Raise `ConfigurationError` unless `http` is None or an instance of a class of the library."""
    if http is None or isinstance(http, client_class):
        return
    message = (
        f"`http` has the class {type(http).__module__}.{type(http).__qualname__}, but must be an "
        f"instance of {LIBRARY}.{client_class.__name__}."
    )
    for other_class, name in _CLIENTS.items():
        if isinstance(http, other_class):
            message += f" {name} takes a client of this class."
    modules = {base.__module__.partition(".")[0] for base in type(http).__mro__}
    for other in {"httpx", "httpx2"} & modules - {LIBRARY}:
        message += (
            f' This package uses {LIBRARY}. To use {other}, set `http = "{other}"` in '
            "[tool.engage-codegen], and generate the package again."
        )
    raise ConfigurationError(message)


def _no_cookies() -> CookieJar:
    """Return a cookie jar that keeps nothing: Engage needs no cookies."""
    return CookieJar(DefaultCookiePolicy(allowed_domains=[]))


def _environment_proxy(base_url: str) -> str | None:
    """Return the URL of the proxy that the environment names for a base URL."""
    proxies = getproxies()
    proxy = proxies.get("https") or proxies.get("all")
    host = urlsplit(base_url).hostname or ""
    if base_url.startswith("http://") or not proxy or proxy_bypass(host):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def _create_tls_context() -> ssl.SSLContext:
    """Trust the certificates of the library, or those that the environment names."""
    try:
        return create_tls_context()
    except OSError as error:  # Also `ssl.SSLError`. It does not name the file.
        reason = error.strerror or str(error)
    names = ("SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE")
    values = [f"{name}={os.environ[name]}" for name in names if os.environ.get(name)]
    remedy = f"Correct the environment: {', '.join(values)}." if values else TRUST_STORE_REMEDY
    raise ConfigurationError(f"The TLS settings cannot be used: {reason}. {remedy}")


class ApiKey(httpx.Auth):
    """Adds the key to a request when it is sent, and hides it in answers."""

    def __init__(self, key: str) -> None:
        self._key = key

    @property
    def is_valid_header(self) -> bool:
        return is_valid_value(self._key)

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["apikey"] = self._key
        yield request

    def hide_in(self, body: bytes) -> bytes:
        """Return the body of an answer without the key."""
        return hide_secret_in_bytes(body, self._key)

    def hide_in_text(self, text: str) -> str:
        """Return a text without the key."""
        return hide_secret(text, self._key)

    def digest(self) -> str:
        return hashlib.sha256(self._key.encode()).hexdigest()


_URL = re.compile(r"(https?)://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?/?")


def _check_url(base_url: str) -> None:
    shown = _without_credentials(base_url)
    match = _URL.fullmatch(base_url)
    if not match or int(match[3] or 0) > 65535:
        raise ConfigurationError(f"The base URL {shown!r} must be like https://acme.voyado.com.")
    try:
        httpx.URL(base_url)
    except (ValueError, httpx.InvalidURL):
        raise ConfigurationError(f"The base URL {shown!r} has an invalid host.") from None
    if match[1] == "http" and match[2].lower() not in ("localhost", "127.0.0.1", "[::1]"):
        raise ConfigurationError(f"The base URL {shown!r} must begin with https://.")


def _without_credentials(url: str) -> str:
    """Hide everything before an ``@``, which may be a user and a password."""
    return re.sub(r"(?s)(//)?.*@", r"\1[hidden]@", url)
