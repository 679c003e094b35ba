"""The client for asyncio. It differs from the one for threads in the await alone: what is asked is
in `sending` and `calls`, what a reply means in `judge`."""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import aclosing
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

import httpx

from . import calls
from .clock import SYSTEM, Clock
from .judge import Call, Reply, Request, Stop
from .observe import Observer
from .pace import DEFAULT_RATE
from .payloads import Payload
from .results import Receipt, Stored, by_date
from .retry import RetryPolicy
from .shared import NOTHING, Client
from .transport import Connection, Content, failure, from_environment

if TYPE_CHECKING:
    import asyncio

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
            return await self.run(self.sending(contact_id, payload, created_date, confirm, retry))

    async def get(
        self, kind: type[P], interaction_id: str, *, retry: RetryPolicy | None = None
    ) -> Stored[P]:
        """See `EngageClient.get`."""
        with self.observed("get", kind.__schema_id__):
            return await self.run(calls.get(kind, interaction_id, retry or self._retry))

    async def list(
        self, kind: type[P], contact_id: str, *, retry: RetryPolicy | None = None
    ) -> AsyncIterator[Stored[P]]:
        """See `EngageClient.list`."""
        pages = calls.Pages(kind, contact_id, retry or self._retry)
        while pages.has_more:
            with self.observed("list", kind.__schema_id__):
                items = await self.run(pages.next())
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
            await self.run(calls.delete(interaction_id, retry or self._retry))

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

    async def run(self, call: Call[T], stop: "asyncio.Event | None" = None) -> T:
        """Drive a call to its end; with `stop` set, to the end that is nearest."""
        try:
            step = next(call)
            while True:
                if isinstance(step, Request):
                    step = call.send(await self._ask(step))
                elif stop is not None and stop.is_set():
                    step = call.throw(Stop())
                else:
                    await self._clock.sleep_async(step.seconds, stop)
                    self._observer.waited(step.reason, step.seconds)
                    step = call.send(NOTHING)
        except StopIteration as end:
            result: T = end.value
            return result

    async def _ask(self, request: Request) -> Reply:
        start = self._clock.monotonic()
        await self.pace.wait_async()
        departure = self._clock.monotonic()
        if departure - start >= 0.001:
            self._observer.waited("pace", departure - start)
        return self.replied(request, await self._exchange(request), departure)

    async def _exchange(self, request: Request) -> Reply:
        prepared = self._connection.request(self._http, request)
        content = Content()
        try:
            response = await self._http.send(
                prepared, auth=self._connection.auth, follow_redirects=False, stream=True
            )
            async with aclosing(response):
                async for chunk in response.aiter_bytes():
                    content.add(chunk)
        except httpx.HTTPError as error:
            return failure(error)
        return self._connection.answer(response, content.all())
