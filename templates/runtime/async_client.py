"""The client for asyncio. It differs from the one for threads in the await alone: what is asked is
in `sending` and `calls`, what a reply means in `judge`."""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import aclosing
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

import httpx

from .call import read as calls
from .call.responses import Call, Reply, Request, Stop
from .call.retry import RetryPolicy
from .engine import NOTHING, Engine
from .payload.checks import Payload
from .results import Receipt, Stored, by_date
from .transport.clock import SYSTEM, Clock
from .transport.http import Connection, Content, check_open, failure, from_environment
from .transport.observer import Observer
from .transport.rate_limiter import DEFAULT_RATE

if TYPE_CHECKING:
    import asyncio

T = TypeVar("T")
P = TypeVar("P", bound=Payload)


class TaskEngine(Engine):
    """Carries calls out, for tasks."""

    def __init__(
        self,
        connection: Connection,
        rate: int,
        retry: RetryPolicy | None,
        observer: Observer | None,
        clock: Clock,
        http: httpx.AsyncClient | None,
    ) -> None:
        super().__init__(connection, rate, retry, observer, clock)
        self._owned = http is None
        self._http = http or connection.open(httpx.AsyncClient)

    async def close(self) -> None:
        if self._owned:
            await self._http.aclose()

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
                    await self.clock.sleep_async(step.seconds, stop)
                    self.observer.waited(step.reason, step.seconds)
                    step = call.send(NOTHING)
        except StopIteration as end:
            result: T = end.value
            return result

    async def _ask(self, request: Request) -> Reply:
        check_open(self._http)
        start = self.clock.monotonic()
        await self.pace.wait_async()
        departure = self.clock.monotonic()
        if departure - start >= 0.001:
            self.observer.waited("pace", departure - start)
        return self.replied(request, await self._exchange(request), departure)

    async def _exchange(self, request: Request) -> Reply:
        prepared = self.connection.request(self._http, request)
        content = Content()
        try:
            response = await self._http.send(
                prepared, auth=self.connection.auth, follow_redirects=False, stream=True
            )
            async with aclosing(response):
                async for chunk in response.aiter_bytes():
                    content.add(chunk)
        except httpx.HTTPStatusError as error:  # a hook of the client that was given raised it
            return self.connection.answer(error.response, b"")
        except httpx.HTTPError as error:
            return failure(error)
        return self.connection.answer(response, content.all())


class AsyncEngageClient:
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
        self._connection = connection
        # For the other parts of the runtime; completion shows what is for applications.
        self.__engine__ = TaskEngine(connection, rate, retry, observer, clock, http)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._connection!r})"

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
        engine = self.__engine__
        with engine.observed("send", payload.__schema_id__):
            return await self.__engine__.run(
                self.__engine__.sending(contact_id, payload, created_date, confirm, retry)
            )

    async def get(
        self, kind: type[P], interaction_id: str, *, retry: RetryPolicy | None = None
    ) -> Stored[P]:
        """See `EngageClient.get`."""
        with self.__engine__.observed("get", kind.__schema_id__):
            return await self.__engine__.run(
                calls.get(kind, interaction_id, retry or self.__engine__.retry)
            )

    async def list(
        self, kind: type[P], contact_id: str, *, retry: RetryPolicy | None = None
    ) -> AsyncIterator[Stored[P]]:
        """See `EngageClient.list`."""
        pages = calls.Pages(kind, contact_id, retry or self.__engine__.retry)
        while pages.has_more:
            with self.__engine__.observed("list", kind.__schema_id__):
                items = await self.__engine__.run(pages.next())
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
        with self.__engine__.observed("delete", ""):
            await self.__engine__.run(calls.delete(interaction_id, retry or self.__engine__.retry))

    async def aclose(self) -> None:
        """Close the connection, unless it came from outside."""
        await self.__engine__.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()
