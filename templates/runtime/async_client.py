"""The client for asyncio. The client for threads differs from it in the await alone."""

from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

from .call import read
from .call.retry import RetryPolicy
from .call.steps import Call, Reply, Request, Stop
from .engine import WAITED, AsyncTransport, Engine
from .payload.encoding import payload_class_of
from .payload.types import Payload
from .results import Receipt, Stored, created_date_key
from .transport.clock import SYSTEM_CLOCK, Clock
from .transport.http import AsyncHttpTransport, Connection
from .transport.observer import Observer
from .transport.rate_limiter import DEFAULT_RATE
from .transport.settings import settings_from_environment

if TYPE_CHECKING:
    import asyncio

    import httpx

T = TypeVar("T")
P = TypeVar("P", bound=Payload)


class TaskEngine(Engine):
    """Drives calls in the current task."""

    def __init__(
        self,
        connection: Connection,
        transport: AsyncTransport,
        *,
        rate: int,
        retry: RetryPolicy | None,
        observer: Observer | None,
        clock: Clock,
    ) -> None:
        super().__init__(connection, rate, retry, observer, clock)
        self.transport = transport

    async def run(self, call: Call[T], stop: "asyncio.Event | None" = None) -> T:
        """Drive a call and return its result. If `stop` is set, the call ends at its next wait."""
        try:
            step = next(call)
            while True:
                if isinstance(step, Request):
                    step = call.send(await self._exchange(step))
                elif stop is not None and stop.is_set():
                    step = call.throw(Stop())
                else:
                    await self.clock.sleep_async(step.seconds, stop)
                    self.observer.waited(step.reason, step.seconds)
                    step = call.send(WAITED)
        except StopIteration as end:
            result: T = end.value
            return result

    async def _exchange(self, request: Request) -> Reply:
        self.transport.check_open()
        start = self.clock.monotonic()
        await self.limiter.acquire_async()
        departure = self.clock.monotonic()
        self.record_limiter_wait(start, departure)
        return self.record_exchange(request, await self.transport.exchange(request), departure)


class AsyncEngageClient:
    """A client of one tenant, for asyncio.

    Create one client and reuse it in the event loop in which you use it first. The arguments are
    those of `EngageClient`, with an `httpx.AsyncClient` as `http`.
    """

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
        clock: Clock = SYSTEM_CLOCK,
        http: "httpx.AsyncClient | None" = None,
    ) -> None:
        connection = Connection(base_url, api_key, user_agent, api_version)
        del api_key
        self._connection = connection
        # For other parts of the runtime. Completion shows only what applications use.
        self.__engine__ = TaskEngine(
            connection,
            AsyncHttpTransport(connection, http),
            rate=rate,
            retry=retry,
            observer=observer,
            clock=clock,
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._connection!r})"

    @classmethod
    def from_env(
        cls,
        *,
        rate: int = DEFAULT_RATE,
        retry: RetryPolicy | None = None,
        observer: Observer | None = None,
        http: "httpx.AsyncClient | None" = None,
    ) -> Self:
        """Create a client from the environment. See `EngageClient.from_env`."""
        return cls(
            **settings_from_environment(), rate=rate, retry=retry, observer=observer, http=http
        )

    async def send(
        self,
        contact_id: str,
        payload: Payload,
        *,
        created_date: datetime | None = None,
        confirm: bool = False,
        retry: RetryPolicy | None = None,
    ) -> Receipt:
        """Send an interaction for a contact and return its receipt.

        Args:
            contact_id: The id of the contact in Engage.
            payload: An instance of a payload class of this package.
            created_date: When the interaction happened, with a time zone. Defaults to now.
            confirm: Read the interaction back, and compare it with the one that was sent.
            retry: The retry policy of this send. Defaults to the policy of the client.

        Returns:
            The receipt, with the id of the stored interaction.

        Raises:
            InvalidPayloadError: The contact id or the date cannot be sent.
            NotSentError: Engage did not carry out the request. Sending it again is safe.
            RejectedError: Engage refused the interaction. Do not retry.
            OutcomeUnknownError: Engage did not answer. The interaction may be stored.
            PayloadDroppedError: With `confirm`: Engage stored it without some properties.
            ReadError: With `confirm`: the interaction is stored, but could not be read back.
        """
        engine = self.__engine__
        with engine.observe("send", payload_class_of(payload).__schema_id__):
            return await engine.run(
                engine.prepare_send(contact_id, payload, created_date, confirm, retry)
            )

    async def get(
        self, payload_class: type[P], interaction_id: str, *, retry: RetryPolicy | None = None
    ) -> Stored[P]:
        """Read one interaction by its id. See `EngageClient.get`."""
        engine = self.__engine__
        with engine.observe("get", payload_class.__schema_id__):
            return await engine.run(read.get(payload_class, interaction_id, retry or engine.retry))

    async def list(
        self, payload_class: type[P], contact_id: str, *, retry: RetryPolicy | None = None
    ) -> AsyncIterator[Stored[P]]:
        """Iterate over all interactions of one schema of a contact. See `EngageClient.list`."""
        engine = self.__engine__
        pages = read.Pages(payload_class, contact_id, retry or engine.retry)
        while pages.has_more:
            with engine.observe("list", payload_class.__schema_id__):
                page = await engine.run(pages.next())
            for stored in page:
                yield stored

    async def interactions(
        self,
        contact_id: str,
        payload_classes: Iterable[type[Payload]],
        *,
        retry: RetryPolicy | None = None,
    ) -> Sequence[Stored[Payload]]:
        """Return all interactions of several schemas. See `EngageClient.interactions`."""
        interactions = [
            stored
            for payload_class in payload_classes
            async for stored in self.list(payload_class, contact_id, retry=retry)
        ]
        return sorted(interactions, key=created_date_key)

    async def delete(self, interaction_id: str, *, retry: RetryPolicy | None = None) -> None:
        """Delete an interaction permanently. See `EngageClient.delete`."""
        engine = self.__engine__
        with engine.observe("delete", ""):
            await engine.run(read.delete(interaction_id, retry or engine.retry))

    async def aclose(self) -> None:
        """Close the connections. An httpx client of your own stays open."""
        await self.__engine__.transport.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        error_class: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()
