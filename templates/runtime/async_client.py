"""The client for asyncio. It differs from the one for threads in the await alone: what is asked is
in `sending` and `calls`, what a reply means in `judge`."""

from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import datetime
from types import TracebackType
from typing import Self, TypeVar

import httpx

from . import calls
from .clock import SYSTEM, Clock
from .judge import Call, Reply, Request, Wait
from .observe import Observer
from .pace import DEFAULT_RATE
from .payloads import Payload
from .results import Receipt, Stored, by_date
from .retry import RetryPolicy
from .shared import NOTHING, Client
from .transport import Connection, failure, from_environment

T = TypeVar("T")
P = TypeVar("P", bound=Payload)


class AsyncEngageClient(Client):
    """A connection to a tenant, for asyncio. See `EngageClient`."""

    def __init__(
        self,
        base_url: str,
        *,
        api_key: str,
        user_agent: str,
        api_version: str = "v3",
        rate: int = DEFAULT_RATE,
        retry: RetryPolicy | None = None,
        observer: Observer | None = None,
        clock: Clock = SYSTEM,
        http: httpx.AsyncClient | None = None,
    ) -> None:
        connection = Connection(base_url, api_key, user_agent, api_version)
        del api_key
        super().__init__(connection, rate, retry, observer, clock)
        self._owned = http is None
        self._http = http or connection.open(httpx.AsyncClient)

    @classmethod
    def from_env(
        cls,
        *,
        rate: int = DEFAULT_RATE,
        retry: RetryPolicy | None = None,
        observer: Observer | None = None,
        http: httpx.AsyncClient | None = None,
    ) -> Self:
        """See `EngageClient.from_env`."""
        return cls(**from_environment(), rate=rate, retry=retry, observer=observer, http=http)

    async def send(
        self,
        contact_id: str,
        payload: Payload,
        *,
        created_date: datetime | None = None,
        confirm: bool = False,
        retry: RetryPolicy | None = None,
    ) -> Receipt:
        """See `EngageClient.send`."""
        with self.observed("send", payload.__schema_id__):
            return await self._run(self.sending(contact_id, payload, created_date, confirm, retry))

    async def get(
        self, kind: type[P], interaction_id: str, *, retry: RetryPolicy | None = None
    ) -> Stored[P]:
        """See `EngageClient.get`."""
        with self.observed("get", kind.__schema_id__):
            return await self._run(calls.get(kind, interaction_id, retry or self._retry))

    async def list(
        self, kind: type[P], contact_id: str, *, retry: RetryPolicy | None = None
    ) -> AsyncIterator[Stored[P]]:
        """See `EngageClient.list`."""
        pages = calls.Pages(kind, contact_id, retry or self._retry)
        while pages.has_more:
            with self.observed("list", kind.__schema_id__):
                items = await self._run(pages.next())
            for item in items:
                yield item

    async def interactions(
        self, contact_id: str, kinds: Iterable[type[Payload]], *, retry: RetryPolicy | None = None
    ) -> Sequence[Stored[Payload]]:
        """See `EngageClient.interactions`."""
        found = [it for kind in kinds async for it in self.list(kind, contact_id, retry=retry)]
        return sorted(found, key=by_date)

    async def delete(self, interaction_id: str, *, retry: RetryPolicy | None = None) -> None:
        """See `EngageClient.delete`."""
        with self.observed("delete", ""):
            await self._run(calls.delete(interaction_id, retry or self._retry))

    async def aclose(self) -> None:
        """Close the connection, unless it came from outside."""
        if self._owned:
            await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def _run(self, call: Call[T]) -> T:
        try:
            step = next(call)
            while True:
                step = call.send(await self._take(step))
        except StopIteration as stop:
            result: T = stop.value
            return result

    async def _take(self, step: Request | Wait) -> Reply:
        start = self._clock.monotonic()
        if isinstance(step, Wait):
            await self._clock.sleep_async(step.seconds)
            self._observer.waited(step.reason, step.seconds)
            return NOTHING
        await self._pace.wait_async()
        departure = self._clock.monotonic()
        if departure - start >= 0.001:
            self._observer.waited("pace", departure - start)
        return self.replied(step, await self._exchange(step), departure)

    async def _exchange(self, request: Request) -> Reply:
        prepared = self._connection.request(self._http, request)
        try:
            response = await self._http.send(
                prepared, auth=self._connection.auth, follow_redirects=False
            )
        except httpx.HTTPError as error:
            return failure(error)
        return self._connection.answer(response)
