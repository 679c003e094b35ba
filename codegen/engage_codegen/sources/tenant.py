"""The schemas of a tenant, read over HTTP: one request for the list, then one for each schema.

Sources of the rules, all in the vendor's documentation: the header is ``apikey``, a User-Agent
that names the integration is mandatory, and an integration stays below 50 requests a second.
"""

import asyncio
import re
from collections.abc import Generator, Mapping, Sequence
from urllib.parse import quote as quote_url

import httpx

from ..errors import (
    CodegenError,
    ConfigError,
    MalformedResponseError,
    UnauthorizedError,
    UnreachableError,
)
from ..schema.envelope import Schema, from_envelope, is_id
from ..schema.jsontext import Json, JsonError, loads
from ..schema.text import quote
from .interface import ApiKey, Progress
from .rate import RateLimiter

_MAX_CONCURRENT = 16
_CHECK_URL = "check that the base URL is the URL of a tenant, then pull again"
_TIMEOUT_SECONDS = 30.0
_DEADLINE_SECONDS = 120.0
_MAX_BYTES = 20_000_000


class TenantConnection:
    """The URL, headers and error handling of one tenant's schema API."""

    def __init__(self, base_url: str, *, key: ApiKey, user_agent: str, api_version: str) -> None:
        """Raise `ConfigError` for settings that cannot work."""
        self.url = f"{_check_base_url(base_url)}/api/{api_version}/interactionschemas"
        if key.problem:
            raise ConfigError(key.problem, where=key.variable, fix="pass a single tenant")
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
        """Return a new HTTP client. Raises `ConfigError` for an unusable proxy."""
        # A proxy of the environment would get requests to the loopback in plain text.
        is_local = self.url.startswith("http://")
        headers = {"User-Agent": self.user_agent}
        try:
            return httpx.AsyncClient(
                headers=headers, timeout=_TIMEOUT_SECONDS, trust_env=not is_local
            )
        except (ValueError, ImportError, httpx.InvalidURL) as error:
            raise ConfigError(
                f"the proxy of the environment cannot be used: {quote(str(error))}",
                where="environment variables HTTPS_PROXY, ALL_PROXY",
                fix="correct them",
            ) from None

    def unauthorized(self, status: int) -> UnauthorizedError:
        """Return the error for a refused key. It names the variable, never the key."""
        return UnauthorizedError(
            f"the tenant refused the API key with status {status}",
            where=self.url,
            fix=f"check the key in the environment variable {self._variable}, the tenant that it "
            "belongs to, and the IP addresses that it is bound to",
        )


class TenantSource:
    """The tenant at `base_url`, such as ``https://acme.voyado.com``. It can only read."""

    def __init__(self, base_url: str, *, key: ApiKey, user_agent: str, api_version: str) -> None:
        """Raise `ConfigError` for settings that cannot work."""
        self._tenant = TenantConnection(
            base_url, key=key, user_agent=user_agent, api_version=api_version
        )
        self._limiter = RateLimiter()

    def fetch(self, only: Sequence[str], progress: Progress) -> Mapping[str, Schema]:
        """Return the schemas; see `Source.fetch`."""
        return asyncio.run(self._fetch(only, progress))

    async def _fetch(self, only: Sequence[str], progress: Progress) -> Mapping[str, Schema]:
        slots = asyncio.Semaphore(_MAX_CONCURRENT)
        schemas: dict[str, Schema] = {}
        async with self._tenant.open() as http:
            ids = await self._fetch_ids(http, only)

            async def fetch_one(schema_id: str) -> None:
                async with slots:
                    schemas[schema_id] = await self._fetch_schema(http, schema_id)
                progress(len(schemas), len(ids))

            progress(0, len(ids))
            # The first failure ends it: the remaining tasks end with the event loop.
            await asyncio.gather(*map(fetch_one, ids))
        return {schema_id: schemas[schema_id] for schema_id in ids}

    async def _fetch_ids(self, http: httpx.AsyncClient, only: Sequence[str]) -> list[str]:
        url = self._tenant.url
        missing_api = "the tenant has no such API: it answered with status 404"
        value = await self._get(http, url, missing_api, "check the base URL and the API version")
        if not isinstance(value, list):
            raise MalformedResponseError(
                "the list of schemas is not a JSON array", where=url, fix=_CHECK_URL
            )
        ids = [item.get("id") if isinstance(item, dict) else None for item in value]
        listed = [schema_id for schema_id in ids if isinstance(schema_id, str)]
        if len(listed) != len(value) or len(set(listed)) != len(listed):
            raise MalformedResponseError(
                "the list of schemas has items without a unique id", where=url, fix=_CHECK_URL
            )
        for schema_id in listed:
            if not is_id(schema_id):
                raise MalformedResponseError(
                    f"the tenant lists {quote(schema_id)}, which is not a valid schema id",
                    where=url,
                    fix=_CHECK_URL,
                )
        missing = sorted(set(only) - set(listed))
        if missing:
            names = ", ".join(sorted(listed))
            raise MalformedResponseError(
                f"the tenant has no schema {quote(missing[0])}",
                where=url,
                fix=f"name one of its schemas: {names}" if names else _CHECK_URL,
            )
        return sorted(only or listed)

    async def _fetch_schema(self, http: httpx.AsyncClient, schema_id: str) -> Schema:
        url = self._tenant.schema_url(schema_id)
        message = f"the tenant lists the schema {quote(schema_id)} but does not return it"
        fix = "pull again: somebody may be changing the tenant right now"
        value = await self._get(http, url, message, fix)
        try:
            schema = from_envelope(value, url)
        except CodegenError as error:
            raise MalformedResponseError(error.message, where=url, fix=_CHECK_URL) from None
        if schema.id != schema_id:
            raise MalformedResponseError(
                f"the tenant returned {quote(schema.id)} for {quote(schema_id)}",
                where=url,
                fix=_CHECK_URL,
            )
        return schema

    async def _get(
        self, http: httpx.AsyncClient, url: str, not_found: str, not_found_fix: str
    ) -> Json:
        await self._limiter.wait()
        result: tuple[httpx.Response, bytes] | None = None
        failure: Exception | None = None
        try:
            async with asyncio.timeout(_DEADLINE_SECONDS):
                result = await _download(http, url, self._tenant.auth)
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, TimeoutError) as error:
            failure = error
        # Raised out here, where neither a frame nor a context holds the key.
        if result is None:
            raise _unanswered(failure, url)
        response, body = result
        if response.status_code == 404:
            raise MalformedResponseError(not_found, where=url, fix=not_found_fix)
        if len(body) > _MAX_BYTES:
            message = f"the response has more than {_MAX_BYTES:,} bytes"
            raise MalformedResponseError(message, where=url, fix=_CHECK_URL)
        if response.status_code in (401, 403):
            raise self._tenant.unauthorized(response.status_code)
        return _parse(response, body, url)


async def _download(
    http: httpx.AsyncClient, url: str, auth: httpx.Auth
) -> tuple[httpx.Response, bytes]:
    """Return the response and its decoded body, cut off above the largest size."""
    chunks: list[bytes] = []
    size = 0
    async with http.stream("GET", url, auth=auth) as response:
        async for chunk in response.aiter_bytes(65_536):
            chunks.append(chunk)
            size += len(chunk)
            if size > _MAX_BYTES:
                break
    return response, b"".join(chunks)


def _unanswered(failure: Exception | None, url: str) -> CodegenError:
    reason = quote(str(failure) or type(failure).__name__, 200)
    if isinstance(failure, (httpx.InvalidURL, ValueError)):
        return ConfigError(
            f"the base URL has an invalid host: {reason}",
            where="base-url",
            fix="correct the base URL",
        )
    if isinstance(failure, (httpx.RemoteProtocolError, httpx.DecodingError)):
        message = f"the response was cut off: {reason}"
        return MalformedResponseError(message, where=url, fix=_CHECK_URL)
    return UnreachableError(
        f"the tenant cannot be reached: {reason}",
        where=url,
        fix="check the URL and the network; generate works offline from the snapshot",
    )


def _parse(response: httpx.Response, body: bytes, url: str) -> Json:
    if not response.is_success:
        message = f"the tenant answered with status {response.status_code}"
        is_temporary = response.is_server_error or response.status_code == 429
        fix = "try again later" if is_temporary else _CHECK_URL
        raise MalformedResponseError(message, where=url, fix=fix)
    try:
        return loads(body.decode("utf-8-sig"))
    except (JsonError, UnicodeDecodeError) as error:
        content_type = response.headers.get("content-type", "none")
        raise MalformedResponseError(
            f"the response (content type {quote(content_type, 40)}) is not valid JSON: "
            f"{quote(str(error))}",
            where=url,
            fix=_CHECK_URL,
        ) from None


class _ApiKeyAuth(httpx.Auth):
    """Adds the key to its header as late as possible."""

    def __init__(self, key: str) -> None:
        self._key = key

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["apikey"] = self._key
        yield request


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
    if problem:
        raise ConfigError(
            f"the base URL {quote(_without_credentials(base_url))} {problem}",
            where="base-url",
            fix="set it to something like https://acme.voyado.com",
        )
    return base_url.rstrip("/")


def _without_credentials(url: str) -> str:
    head, at, tail = url.rpartition("@")
    return f"{head.partition('//')[0]}//…@{tail}" if at else url
