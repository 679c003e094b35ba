"""The connection to a tenant: its address, its headers, its key, and the network settings.

Sources of the rules, all in the vendor's documentation: the header is ``apikey``, and a User-Agent
that names the integration is mandatory.
"""

import re
from collections.abc import Generator
from http.cookiejar import CookieJar
from urllib.parse import quote as quote_url

import httpx

from ..errors import ConfigError, UnauthorizedError
from ..schema.redaction import hide_credentials, hide_secret
from ..schema.text import quote
from .interface import ApiKey
from .network import check_proxies, create_tls_context, has_valid_host, proxy_secrets

DEFAULT_TIMEOUT = 120.0
"""Seconds for everything that one command reads from a tenant, and for each request that writes."""

CHECK_URL = "check that the base URL is the URL of a tenant, then try again"
"""What to do about a response that no tenant gives."""

_SILENCE_SECONDS = 30.0


class TenantConnection:
    """The URLs, headers, secrets and time limit of one tenant's API."""

    def __init__(
        self,
        base_url: str,
        *,
        key: ApiKey,
        user_agent: str,
        api_version: str,
        timeout: float = DEFAULT_TIMEOUT,
    ) -> None:
        """Raise `ConfigError` for settings that cannot work."""
        self.api_url = f"{_check_base_url(base_url)}/api/{api_version}"
        self.url = f"{self.api_url}/interactionschemas"
        self.is_local = self.url.startswith("http://")
        self.timeout = timeout
        self.silence = min(_SILENCE_SECONDS, timeout)
        if key.problem:
            raise ConfigError(key.problem, where=key.variable, fix=key.fix)
        self._variable = key.variable
        self.auth = _ApiKeyAuth(
            _check_header(
                "API key",
                key.value,
                where=f"environment variable {key.variable}",
                fix="set it to an API key of the tenant",
            )
        )
        self.user_agent = _check_header(
            "user agent",
            user_agent,
            where="key user-agent, or environment variable ENGAGE_USER_AGENT",
            fix="set it to the name and version of your integration, such as AcmePOS/1.5",
        )

    def schema_url(self, schema_id: str) -> str:
        """Return the URL of one schema."""
        return f"{self.url}/{quote_url(schema_id, safe='')}"

    def open(self) -> httpx.AsyncClient:
        """Return a new HTTP client. Raises `ConfigError` for unusable settings of the network.

        It takes no compressed answer, whose size only shows when it is unpacked, keeps no cookie,
        and follows no redirect.
        """
        # A proxy of the environment would get requests to the loopback in plain text.
        if not self.is_local:
            check_proxies()
        return httpx.AsyncClient(
            headers={"User-Agent": self.user_agent, "Accept-Encoding": "identity"},
            timeout=self.silence,
            trust_env=not self.is_local,
            verify=create_tls_context(is_local=self.is_local),
            cookies=_NoCookies(),
            event_hooks={"response": [_forget_location]},
        )

    def hide_secrets(self, text: str) -> str:
        """Return text of the tenant without the key and without the password of a proxy."""
        for secret in (*self.auth.secrets, *proxy_secrets()):
            text = hide_secret(text, secret)
        return text

    def quote(self, text: str, limit: int = 80) -> str:
        """Return text of the tenant for a message: on one line, in quotes, without secrets."""
        return quote(self.hide_secrets(text), limit)

    def unauthorized(self, status: int) -> UnauthorizedError:
        """Return the error for a refused key. It names the variable, never the key."""
        return UnauthorizedError(
            f"the tenant refused the API key with status {status}",
            where=self.url,
            fix=f"check the key in the environment variable {self._variable}, the tenant that it "
            "belongs to, and the IP addresses that it is bound to",
        )


class _ApiKeyAuth(httpx.Auth):
    """Adds the key to its header as late as possible."""

    def __init__(self, key: str) -> None:
        self._key = key

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must not appear in a message."""
        return (self._key,)

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["apikey"] = self._key
        yield request


class _NoCookies(CookieJar):
    """Ignores cookies: one that cannot be sent back would break every later request."""

    def extract_cookies(self, response: object, request: object) -> None:
        """Keep nothing."""
        del response, request

    def add_cookie_header(self, request: object) -> None:
        """Add nothing."""
        del request


async def _forget_location(response: httpx.Response) -> None:
    """Keep httpx from parsing the target of a redirect, which may be no URL."""
    response.headers.pop("location", None)


def _check_header(name: str, value: str, *, where: str, fix: str) -> str:
    """Return a header value that can be sent. Raises `ConfigError`.

    The error of httpx for any other value would show it, and so the key.
    """
    if not value:
        raise ConfigError(f"the {name} is not set", where=where, fix=fix)
    if not value.isascii() or not value.isprintable() or value != value.strip():
        raise ConfigError(
            f"the {name} cannot be sent as an HTTP header",
            where=where,
            fix=f"{fix}, in printable ASCII without spaces at the ends",
        )
    return value


_URL = re.compile(r"(https?)://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?/?")


def _check_base_url(base_url: str) -> str:
    """Return the base URL without a slash at the end, if a key may be sent to it."""
    match = _URL.fullmatch(base_url)
    problem = ""
    if not match or int(match[3] or 0) > 65535:
        problem = "must consist of a scheme and a host, without a user name, password or path"
    elif match[1] == "http" and match[2].lower() not in ("localhost", "127.0.0.1", "[::1]"):
        problem = "would send the API key over plain HTTP"
    elif not has_valid_host(base_url):
        problem = "has an invalid host"
    if problem:
        raise ConfigError(
            f"the base URL {quote(hide_credentials(base_url))} {problem}",
            where="base-url",
            fix="set it to something like https://acme.voyado.com",
        )
    return base_url.rstrip("/")
