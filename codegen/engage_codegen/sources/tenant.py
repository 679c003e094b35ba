"""The schemas of a tenant, read over HTTP: one request for the list, then one for each schema.

An integration stays below 50 requests a second, as the vendor's documentation demands.
"""

import asyncio
from collections.abc import Mapping, Sequence

import httpx

from ..errors import (
    InputError,
    MalformedResponseError,
    SchemaError,
    SourceError,
    UnreachableError,
)
from ..schema.envelope import Schema, from_envelope, is_id
from ..schema.jsontext import Json, JsonError, loads
from ..schema.text import quote
from .connection import CHECK_URL, DEFAULT_TIMEOUT, TenantConnection
from .exchange import Limits, Problem, Reply, exchange
from .interface import ApiKey, Progress
from .rate import RateLimiter

_MAX_CONCURRENT = 16
_MAX_SCHEMAS = 1000


class TenantSource:
    """The tenant at `base_url`, such as ``https://acme.voyado.com``. It can only read."""

    def __init__(
        self,
        base_url: str,
        *,
        key: ApiKey,
        user_agent: str,
        api_version: str,
        timeout: float = DEFAULT_TIMEOUT,
    ) -> None:
        """Raise `ConfigError` for settings that cannot work. `timeout` is that of one `fetch`."""
        self._tenant = TenantConnection(
            base_url, key=key, user_agent=user_agent, api_version=api_version, timeout=timeout
        )
        self._limiter = RateLimiter()

    def fetch(self, only: Sequence[str], progress: Progress) -> Mapping[str, Schema]:
        """Return the schemas; see `Source.fetch`."""
        return asyncio.run(self._fetch(only, progress))

    def find(self, schema_id: str) -> Schema | None:
        """Return a schema, or None if the tenant does not list it. Raises `SourceError`."""
        return asyncio.run(self._find(schema_id))

    async def _find(self, schema_id: str) -> Schema | None:
        async with self._tenant.open() as http:
            limits = Limits(self._tenant.timeout)
            if schema_id not in await self._fetch_ids(http, limits, ()):
                return None
            return await self._fetch_schema(http, limits, schema_id)

    async def _fetch(self, only: Sequence[str], progress: Progress) -> Mapping[str, Schema]:
        slots = asyncio.Semaphore(_MAX_CONCURRENT)
        schemas: dict[str, Schema] = {}
        async with self._tenant.open() as http:
            limits = Limits(self._tenant.timeout)
            ids = await self._fetch_ids(http, limits, only)

            async def fetch_one(schema_id: str) -> None:
                async with slots:
                    schemas[schema_id] = await self._fetch_schema(http, limits, schema_id)
                progress(len(schemas), len(ids))

            progress(0, len(ids))
            # The first failure ends it: the remaining tasks end with the event loop.
            await asyncio.gather(*map(fetch_one, ids))
        return {schema_id: schemas[schema_id] for schema_id in ids}

    async def _fetch_ids(
        self, http: httpx.AsyncClient, limits: Limits, only: Sequence[str]
    ) -> list[str]:
        url = self._tenant.url
        reply = await self._get(http, limits, url)
        if reply.status == 404:
            raise _malformed(
                "the tenant has no such API: it answered with status 404",
                url,
                "check the base URL and the API version",
            )
        if reply.is_partial:
            raise _malformed("the list of schemas goes on elsewhere: this is only a part", url)
        listed = self._listed_ids(self._parse(reply, url))
        missing = sorted(set(only) - set(listed))
        if missing:
            names = self._tenant.hide_secrets(", ".join(sorted(listed)))[:1000]
            raise _malformed(
                f"the tenant has no schema {quote(missing[0])}",
                url,
                f"name one of its schemas: {names}" if names else CHECK_URL,
            )
        return sorted(only or listed)

    def _listed_ids(self, value: Json) -> list[str]:
        url = self._tenant.url
        if not isinstance(value, list):
            raise _malformed("the list of schemas is not a JSON array", url)
        ids = [item.get("id") if isinstance(item, dict) else None for item in value]
        listed = [schema_id for schema_id in ids if isinstance(schema_id, str)]
        if len(listed) != len(value) or len(set(listed)) != len(listed):
            raise _malformed("the list of schemas has items without a unique id", url)
        if len(listed) > _MAX_SCHEMAS:
            raise _malformed(f"the tenant lists more than {_MAX_SCHEMAS:,} schemas", url)
        for schema_id in listed:
            if not is_id(schema_id):
                shown = self._tenant.quote(schema_id)
                raise _malformed(f"the tenant lists {shown}, which is not a valid schema id", url)
        return listed

    async def _fetch_schema(
        self, http: httpx.AsyncClient, limits: Limits, schema_id: str
    ) -> Schema:
        url = self._tenant.schema_url(schema_id)
        reply = await self._get(http, limits, url)
        if reply.status == 404:
            shown = self._tenant.quote(schema_id)
            raise _malformed(
                f"the tenant lists the schema {shown} but does not return it",
                url,
                "pull again: somebody may be changing the tenant right now",
            )
        try:
            schema = from_envelope(self._parse(reply, url), url)
        except (InputError, SchemaError) as error:
            message = error.message
        else:
            if schema.id == schema_id:
                return schema
            shown = self._tenant.quote(schema.id)
            message = f"the tenant returned {shown} for {self._tenant.quote(schema_id)}"
        raise _malformed(self._tenant.hide_secrets(message), url)

    async def _get(self, http: httpx.AsyncClient, limits: Limits, url: str) -> Reply:
        await self._limiter.wait()
        reply = await exchange(self._tenant, http, http.build_request("GET", url), limits)
        if reply.status in (401, 403):
            raise self._tenant.unauthorized(reply.status)
        return reply

    def _parse(self, reply: Reply, url: str) -> Json:
        """Return the JSON of a response. Raises `SourceError` for any other response."""
        if reply.problem and (not reply.status or reply.is_success):
            raise _unanswered(reply.problem, url)
        if not reply.is_success:
            fix = "try again later" if reply.status >= 500 or reply.status == 429 else CHECK_URL
            raise _malformed(f"the tenant answered with status {reply.status}", url, fix)
        try:
            return loads(reply.body.decode("utf-8-sig"))
        except (JsonError, UnicodeDecodeError) as error:
            reason = self._tenant.quote(str(error))
        content_type = self._tenant.quote(reply.content_type, 40)
        message = f"the response (content type {content_type}) is not valid JSON: {reason}"
        raise _malformed(message, url)


def _malformed(message: str, url: str, fix: str = CHECK_URL) -> MalformedResponseError:
    return MalformedResponseError(message, where=url, fix=fix)


def _unanswered(problem: Problem, url: str) -> SourceError:
    if problem.is_silence:
        fix = f"{problem.fix}; generate works offline from the snapshot"
        return UnreachableError(problem.message, where=url, fix=fix)
    return _malformed(problem.message, url)
