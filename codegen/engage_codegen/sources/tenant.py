"""The schemas of a tenant, over HTTP: one list request, then one request a schema.

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
from ..schema.jsontext import Json, loads
from ..schema.text import quote
from .interface import ApiKey, Progress
from .rate import Pace

_AT_ONCE = 16
_AGAIN = "check that the base URL is that of a tenant, and pull again"
_TIMEOUT_SECONDS = 30.0
_LONGEST_SECONDS = 120.0
_LARGEST_BYTES = 20_000_000


class ApiSource:
    """The tenant at `base_url`, for instance ``https://acme.voyado.com``."""

    def __init__(self, base_url: str, *, key: ApiKey, user_agent: str, api_version: str) -> None:
        """Raises `ConfigError` for settings that cannot work."""
        self._url = f"{_checked(base_url)}/api/{api_version}/interactionschemas"
        # httpx quotes a header that it cannot send in its error, the key as well.
        self._variable = key.variable
        if key.problem:
            raise ConfigError(key.problem, where=key.variable, fix="name one tenant at a time")
        place = f"environment variable {key.variable}"
        self._auth = _KeyHeader(_header("API key", key.value, place))
        self._user_agent = _header("user agent", user_agent, "user-agent, like AcmePOS/1.5")
        self._pace = Pace()

    def fetch(self, only: Sequence[str], progress: Progress) -> Mapping[str, Schema]:
        """See `Source.fetch`."""
        return asyncio.run(self._fetch(only, progress))

    async def _fetch(self, only: Sequence[str], progress: Progress) -> Mapping[str, Schema]:
        headers = {"User-Agent": self._user_agent}
        gate = asyncio.Semaphore(_AT_ONCE)
        schemas: dict[str, Schema] = {}
        async with self._client(headers) as web:
            ids = await self._ids(web, only)

            async def one(schema_id: str) -> None:
                async with gate:
                    schemas[schema_id] = await self._schema(web, schema_id)
                progress(len(schemas), len(ids))

            progress(0, len(ids))
            # The first failure ends it: the tasks that are left end with the event loop.
            await asyncio.gather(*map(one, ids))
        return {schema_id: schemas[schema_id] for schema_id in ids}

    def _client(self, headers: dict[str, str]) -> httpx.AsyncClient:
        # A proxy of the environment would get what is meant for the loopback, in plain text.
        is_local = self._url.startswith("http://")
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

    async def _ids(self, web: httpx.AsyncClient, only: Sequence[str]) -> list[str]:
        gone = "there is no such API (status 404)"
        answer = await self._get(web, self._url, gone, "check the base URL and the API version")
        if not isinstance(answer, list):
            raise MalformedResponseError(
                "the list of schemas is no JSON array", where=self._url, fix=_AGAIN
            )
        ids = [item.get("id") if isinstance(item, dict) else None for item in answer]
        listed = [schema_id for schema_id in ids if isinstance(schema_id, str)]
        if len(listed) != len(answer) or len(set(listed)) != len(listed):
            raise MalformedResponseError(
                "the list of schemas has items without an id of their own",
                where=self._url,
                fix=_AGAIN,
            )
        for schema_id in listed:
            if not is_id(schema_id):
                raise MalformedResponseError(
                    f"the tenant lists {quote(schema_id)}, which is no id of a schema",
                    where=self._url,
                    fix=_AGAIN,
                )
        missing = sorted(set(only) - set(listed))
        if missing:
            raise MalformedResponseError(
                f"the tenant has no schema {quote(missing[0])}",
                where=self._url,
                fix=f"it has {', '.join(sorted(listed)) or 'none at all'}",
            )
        return sorted(only or listed)

    async def _schema(self, web: httpx.AsyncClient, schema_id: str) -> Schema:
        url = f"{self._url}/{quote_url(schema_id, safe='')}"
        gone = f"the tenant lists the schema {quote(schema_id)} but does not have it"
        value = await self._get(web, url, gone, "somebody is changing the tenant; pull again")
        try:
            schema = from_envelope(value, url)
        except CodegenError as error:
            raise MalformedResponseError(error.message, where=url, fix=_AGAIN) from None
        if schema.id != schema_id:
            raise MalformedResponseError(
                f"asked for {quote(schema_id)}, the tenant sent {quote(schema.id)}",
                where=url,
                fix=_AGAIN,
            )
        return schema

    async def _get(self, web: httpx.AsyncClient, url: str, gone: str, fix_gone: str) -> Json:
        await self._pace.wait()
        answer: tuple[httpx.Response, bytes] | None = None
        failure: Exception | None = None
        try:
            async with asyncio.timeout(_LONGEST_SECONDS):
                answer = await _fetched(web, url, self._auth)
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, TimeoutError) as error:
            failure = error
        # Raised out here, where neither a frame nor a context holds the key.
        if answer is None:
            raise _unanswered(failure, url)
        response, body = answer
        if response.status_code == 404:
            raise MalformedResponseError(gone, where=url, fix=fix_gone)
        if len(body) > _LARGEST_BYTES:
            raise MalformedResponseError(
                "the answer is larger than any schema", where=url, fix=_AGAIN
            )
        if response.status_code in (401, 403):
            raise self._refused(response.status_code)
        return _parsed(response, body, url)

    def _refused(self, status: int) -> UnauthorizedError:
        return UnauthorizedError(
            f"the tenant refused the key (status {status})",
            where=self._url,
            fix=f"check the key in the environment variable {self._variable}, the tenant that it "
            "belongs to, and the IP addresses that it is bound to",
        )


async def _fetched(
    web: httpx.AsyncClient, url: str, auth: httpx.Auth
) -> tuple[httpx.Response, bytes]:
    """The answer and its decoded body, which is cut off above the largest size."""
    parts: list[bytes] = []
    size = 0
    async with web.stream("GET", url, auth=auth) as response:
        async for part in response.aiter_bytes(65_536):
            parts.append(part)
            size += len(part)
            if size > _LARGEST_BYTES:
                break
    return response, b"".join(parts)


def _unanswered(failure: Exception | None, url: str) -> CodegenError:
    reason = quote(str(failure) or type(failure).__name__, 200)
    if isinstance(failure, (httpx.InvalidURL, ValueError)):
        return ConfigError(
            f"there can be no such host: {reason}", where="base-url", fix="correct the base URL"
        )
    if isinstance(failure, (httpx.RemoteProtocolError, httpx.DecodingError)):
        return MalformedResponseError(f"the answer was cut off: {reason}", where=url, fix=_AGAIN)
    return UnreachableError(
        f"the tenant cannot be reached: {reason}",
        where=url,
        fix="check the URL and the network; generate works offline from the snapshot",
    )


def _parsed(answer: httpx.Response, body: bytes, url: str) -> Json:
    status = answer.status_code
    if not answer.is_success:
        raise MalformedResponseError(
            f"the tenant answered {status}", where=url, fix="try again later"
        )
    try:
        return loads(body.decode("utf-8-sig"))
    except ValueError as error:
        kind = answer.headers.get("content-type", "no content type")
        raise MalformedResponseError(
            f"the answer, of type {quote(kind, 40)}, is not JSON: {quote(str(error))}",
            where=url,
            fix=_AGAIN,
        ) from None


class _KeyHeader(httpx.Auth):
    """Puts the key into the one header where it belongs, as late as possible."""

    def __init__(self, key: str) -> None:
        self._key = key

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["apikey"] = self._key
        yield request


def _header(name: str, value: str, place: str) -> str:
    if not value or not value.isascii() or not value.isprintable() or value != value.strip():
        problem = "cannot be sent as an HTTP header" if value else "is not set"
        raise ConfigError(
            f"the {name} {problem}",
            where=place,
            fix="set it to printable ASCII without spaces at the ends",
        )
    return value


_URL = re.compile(r"(https?)://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?/?")


def _checked(base_url: str) -> str:
    """The base URL, if it is one that a key may be sent to."""
    match = _URL.fullmatch(base_url)
    problem = ""
    if not match or int(match[3] or 0) > 65535:
        problem = "is not that of a tenant, which is a scheme and a host"
    elif match[1] == "http" and match[2].lower() not in ("localhost", "127.0.0.1", "[::1]"):
        problem = "would send the key over plain HTTP"
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
