"""Creating and deleting the schemas of a tenant. A schema cannot be changed in place."""

import asyncio
import json

from ..errors import MalformedResponseError, RefusedSchemaError, UnreachableError
from ..schema.envelope import Schema
from ..schema.jsontext import JsonError, loads
from .connection import CHECK_URL, DEFAULT_TIMEOUT, TenantConnection
from .exchange import Limits, Reply, exchange
from .interface import ApiKey

_REFUSALS = (400, 413, 422)
"""The statuses with which an API refuses what it was sent."""

_PUSH_AGAIN = "run push again: it reads the tenant first"


class TenantAdmin:
    """A tenant that schemas are written to. Each method is one request.

    Only the verbs that write hold one; everything else reads through `TenantSource`.
    """

    def __init__(
        self,
        base_url: str,
        *,
        key: ApiKey,
        user_agent: str,
        api_version: str,
        timeout: float = DEFAULT_TIMEOUT,
    ) -> None:
        """Raise `ConfigError` for settings that cannot work. `timeout` is that of one request."""
        self._tenant = TenantConnection(
            base_url, key=key, user_agent=user_agent, api_version=api_version, timeout=timeout
        )

    def create(self, schema: Schema) -> None:
        """Create a schema.

        Raises `RefusedSchemaError` if the tenant refuses it, and `SourceError`; after
        `UnreachableError` it may exist.
        """
        body = json.dumps(schema.envelope)
        url = self._tenant.url
        reply = asyncio.run(self._write("POST", url, body))
        if reply.status == 409:
            raise MalformedResponseError(
                f"the tenant already has a schema {schema.id}",
                where=url,
                fix="look at the plan again: engage-codegen push",
            )
        if reply.status in _REFUSALS and _is_understood(reply):
            reason = self._quote_message(reply)
            raise RefusedSchemaError(schema.id, schema.origin, reply.status, reason)
        self._check(reply, url, f"the tenant did not create the schema {schema.id}", "created")

    def delete(self, schema_id: str) -> None:
        """Delete a schema, and with it every interaction stored under it.

        Raises `SourceError`; after `UnreachableError` the schema may be deleted.
        """
        url = self._tenant.schema_url(schema_id)
        reply = asyncio.run(self._write("DELETE", url, None))
        if reply.status != 404 or not _is_understood(reply):
            message = f"the tenant did not delete the schema {schema_id}"
            self._check(reply, url, message, "deleted")

    async def _write(self, method: str, url: str, body: str | None) -> Reply:
        async with self._tenant.open() as http:
            request = http.build_request(
                method, url, content=body, headers={"Content-Type": "application/json"}
            )
            return await exchange(self._tenant, http, request, Limits(self._tenant.timeout))

    def _check(self, reply: Reply, url: str, refusal: str, effect: str) -> None:
        """Raise `SourceError` unless the response is the success of an API."""
        if reply.status in (401, 403):
            raise self._tenant.unauthorized(reply.status)
        if reply.is_success and _is_understood(reply):
            return
        if 300 <= reply.status < 500:
            raise MalformedResponseError(
                f"{refusal} (status {reply.status}){self._detail(reply)}",
                where=url,
                fix=CHECK_URL,
            )
        reason, fix = "the response is not JSON", ""
        if reply.status >= 500:
            reason = f"the tenant answered with status {reply.status}{self._detail(reply)}"
        elif reply.problem:
            reason, fix = reply.problem.message, reply.problem.fix
        raise UnreachableError(
            f"the schema may have been {effect}: {reason}",
            where=url,
            fix=f"{fix}; then {_PUSH_AGAIN}" if fix else _PUSH_AGAIN,
        )

    def _detail(self, reply: Reply) -> str:
        reason = self._quote_message(reply)
        return f": {reason}" if reason else ""

    def _quote_message(self, reply: Reply) -> str:
        """Return the message of the platform, quoted, or nothing."""
        reason = _message_of(reply)
        return self._tenant.quote(reason, 300) if reason else ""


def _is_understood(reply: Reply) -> bool:
    """Return True for the success of an API. A proxy or a login page answers with HTML."""
    if reply.problem:
        return False
    try:
        loads(reply.body.decode("utf-8-sig") or "null")
    except (JsonError, UnicodeDecodeError):
        return False
    return True


def _message_of(reply: Reply) -> str:
    """Return the platform's message and its details."""
    try:
        value = loads(reply.body.decode("utf-8-sig"))
    except (JsonError, UnicodeDecodeError):
        return ""
    if not isinstance(value, dict):
        return ""
    parts = [value.get(key) for key in ("message", "messageDetails")]
    return " ".join(part if isinstance(part, str) else json.dumps(part) for part in parts if part)
