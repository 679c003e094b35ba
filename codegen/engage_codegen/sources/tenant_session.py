"""Requests to any endpoint of a tenant, one after the other, over one connection.

Only the verb that asks a tenant how it behaves holds a session: it can write and delete.
"""

import asyncio
import json
from types import TracebackType

import httpx

from ..schema.jsontext import Json
from .connection import DEFAULT_TIMEOUT, TenantConnection
from .exchange import Limits, Reply, exchange
from .interface import ApiKey
from .rate import RateLimiter


class TenantSession:
    """A tenant, within the block of a `with` statement. `count` is the number of requests."""

    def __init__(
        self,
        base_url: str,
        *,
        key: ApiKey,
        user_agent: str,
        api_version: str,
        timeout: float = DEFAULT_TIMEOUT,
        limiter: RateLimiter | None = None,
    ) -> None:
        """Raise `ConfigError` for settings that cannot work. `timeout` is that of one request."""
        self.tenant = TenantConnection(
            base_url, key=key, user_agent=user_agent, api_version=api_version, timeout=timeout
        )
        self.count = 0
        self._limiter = limiter or RateLimiter()
        self._http: httpx.AsyncClient | None = None

    def __enter__(self) -> "TenantSession":
        self._runner = asyncio.Runner()
        self._http = self.tenant.open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        del kind, error, trace
        if self._http is not None:
            self._runner.run(self._http.aclose())
        self._runner.close()
        self._http = None

    def send(self, method: str, path: str, body: Json = None) -> Reply:
        """Send a request to a path below the API, such as ``interactions``, and return the reply.

        Raises nothing but `KeyboardInterrupt`; the problem of a reply says why there is none.
        """
        return self._runner.run(self._send(method, path, body))

    def send_together(self, method: str, path: str, number: int) -> list[Reply]:
        """Send a request `number` times at once, whatever the rate limiter says."""
        return self._runner.run(self._send_together(method, path, number))

    async def _send(self, method: str, path: str, body: Json) -> Reply:
        await self._limiter.wait()
        return await self._exchange(method, path, body)

    async def _send_together(self, method: str, path: str, number: int) -> list[Reply]:
        return list(
            await asyncio.gather(*(self._exchange(method, path, None) for _ in range(number)))
        )

    async def _exchange(self, method: str, path: str, body: Json) -> Reply:
        if self._http is None:
            raise RuntimeError("a request outside of the session")
        self.count += 1
        text = None if body is None else json.dumps(body)
        headers = {} if text is None else {"Content-Type": "application/json"}
        url = f"{self.tenant.api_url}/{path}"
        request = self._http.build_request(method, url, content=text, headers=headers)
        return await exchange(self.tenant, self._http, request, Limits(self.tenant.timeout))
