"""Creating and deleting the schemas of a tenant. A schema cannot be changed in place."""

import asyncio
import json

import httpx

from ..errors import MalformedResponseError, UnreachableError
from ..schema.envelope import Schema
from ..schema.jsontext import JsonError, loads
from ..schema.text import quote
from .interface import ApiKey
from .tenant import TenantConnection


class TenantAdmin:
    """A tenant that schemas are written to. Each method is one request.

    Only the verbs that write hold one; everything else reads through `TenantSource`.
    """

    def __init__(self, base_url: str, *, key: ApiKey, user_agent: str, api_version: str) -> None:
        """Raise `ConfigError` for settings that cannot work."""
        self._tenant = TenantConnection(
            base_url, key=key, user_agent=user_agent, api_version=api_version
        )

    def create(self, schema: Schema) -> None:
        """Create a schema. Raises `SourceError`; after `UnreachableError` it may exist."""
        body = json.dumps(schema.envelope)
        url = self._tenant.url
        status, reason = asyncio.run(self._write("POST", url, body))
        if status == 409:
            raise MalformedResponseError(
                f"the tenant already has a schema {schema.id}",
                where=url,
                fix="look at the plan again: engage-codegen push",
            )
        self._check_status(status, reason, f"the tenant refused the schema {schema.id}")

    def delete(self, schema_id: str) -> None:
        """Delete a schema, and with it every interaction stored under it.

        Raises `SourceError`; after `UnreachableError` the schema may be deleted.
        """
        url = self._tenant.schema_url(schema_id)
        status, reason = asyncio.run(self._write("DELETE", url, None))
        if status != 404:
            self._check_status(status, reason, f"the tenant did not delete the schema {schema_id}")

    def _check_status(self, status: int, reason: str, message: str) -> None:
        if status in (401, 403):
            raise self._tenant.unauthorized(status)
        if not 200 <= status < 300:
            detail = f": {quote(reason, 300)}" if reason else ""
            raise MalformedResponseError(
                f"{message} (status {status}){detail}",
                where=self._tenant.url,
                fix="correct the schema",
            )

    async def _write(self, method: str, url: str, body: str | None) -> tuple[int, str]:
        """Return status and message of the response."""
        headers = {"Content-Type": "application/json"}
        response: httpx.Response | None = None
        failure = ""
        async with self._tenant.open() as http:
            try:
                response = await http.request(
                    method, url, content=body, headers=headers, auth=self._tenant.auth
                )
            except httpx.HTTPError as error:
                failure = str(error) or type(error).__name__
        # Raised out here, where neither a frame nor a context holds the key.
        if response is None:
            raise _unanswered(method, url, failure)
        return response.status_code, _message_of(response)


def _unanswered(method: str, url: str, failure: str) -> UnreachableError:
    effect = "created" if method == "POST" else "deleted"
    return UnreachableError(
        f"the tenant did not answer, and the schema may have been {effect}: {quote(failure, 200)}",
        where=url,
        fix="run push again: it reads the tenant first",
    )


def _message_of(response: httpx.Response) -> str:
    """Return the platform's message and its details."""
    try:
        value = loads(response.text[:100_000])
    except JsonError:
        return ""
    if not isinstance(value, dict):
        return ""
    parts = [value.get(key) for key in ("message", "messageDetails")]
    return " ".join(part if isinstance(part, str) else json.dumps(part) for part in parts if part)
