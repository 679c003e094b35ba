"""Creating and deleting the schemas of a tenant: there is no way to change one in place."""

import asyncio
import json
from urllib.parse import quote as quote_url

import httpx

from ..errors import CodegenError, MalformedResponseError, UnreachableError
from ..schema.envelope import Schema
from ..schema.jsontext import loads
from ..schema.text import quote
from .tenant import ApiSource


class TenantWriter(ApiSource):
    """A tenant that schemas are written to. Each method is one request."""

    def create(self, schema: Schema) -> None:
        """Raises `SourceError`; after an `UnreachableError` the schema may exist."""
        envelope = {
            "id": schema.id,
            "displayName": schema.display_name,
            "jsonSchema": schema.json_schema,
        }
        status, reason = asyncio.run(self._write("POST", self._url, json.dumps(envelope)))
        if status == 409:
            raise MalformedResponseError(
                f"the tenant has a schema {schema.id} by now",
                where=self._url,
                fix="look at the plan again: engage-codegen push",
            )
        self._expect(status, reason, f"the tenant refused the schema {schema.id}")

    def delete(self, schema_id: str) -> None:
        """Raises `SourceError`; after an `UnreachableError` the schema may be gone."""
        url = f"{self._url}/{quote_url(schema_id, safe='')}"
        status, reason = asyncio.run(self._write("DELETE", url, None))
        if status != 404:
            self._expect(status, reason, f"the tenant did not delete the schema {schema_id}")

    def _expect(self, status: int, reason: str, what: str) -> None:
        if status in (401, 403):
            raise self._refused(status)
        if not 200 <= status < 300:
            told = f": {quote(reason, 300)}" if reason else ""
            raise MalformedResponseError(
                f"{what} (status {status}){told}", where=self._url, fix="correct the schema"
            )

    async def _write(self, method: str, url: str, body: str | None) -> tuple[int, str]:
        """Status and message of the answer."""
        headers = {"User-Agent": self._user_agent, "Content-Type": "application/json"}
        answer: httpx.Response | None = None
        failure = ""
        async with self._client(headers) as web:
            try:
                answer = await web.request(method, url, content=body, auth=self._auth)
            except httpx.HTTPError as error:
                failure = str(error) or type(error).__name__
        # Raised out here, where neither a frame nor a context holds the key.
        if answer is None:
            raise _unanswered(method, url, failure)
        return answer.status_code, _message(answer)


def _unanswered(method: str, url: str, failure: str) -> CodegenError:
    done = "created" if method == "POST" else "deleted"
    return UnreachableError(
        f"the tenant did not answer, and the schema may have been {done}: {quote(failure, 200)}",
        where=url,
        fix="run push again: it looks first",
    )


def _message(answer: httpx.Response) -> str:
    """What the platform said, with the details beyond its message."""
    try:
        value = loads(answer.text[:100_000])
    except ValueError:
        return ""
    if not isinstance(value, dict):
        return ""
    found = [value.get(key) for key in ("message", "messageDetails")]
    return " ".join(it if isinstance(it, str) else json.dumps(it) for it in found if it)
