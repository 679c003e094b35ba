"""The two clients. They differ in the await alone: what is asked and how answers are judged is
in `calls`."""

from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from types import TracebackType
from typing import Self, TypeVar

import httpx

from . import calls
from .calls import Call, Reply, Request
from .payloads import Payload
from .results import Receipt, Stored
from .transport import DEFAULT_TIMEOUT, Connection, Stamps, failure, from_environment

T = TypeVar("T")
P = TypeVar("P", bound=Payload)


class _Client:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._stamps = Stamps()
        connection.check()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._connection!r})"

    def _send(self, contact_id: str, payload: Payload, created: datetime | None) -> Call[Receipt]:
        return calls.send(contact_id, payload, created or self._stamps.next())


class EngageClient(_Client):
    """A connection to a tenant, for threads. Make it once and keep it: connecting is dear.

    `base_url` is like ``https://acme.voyado.com``, `user_agent` names your integration and its
    version, like ``AcmePOS/1.5``. `http` is a client of your own, which stays yours to close; the
    key is in no default of it. Raises `Misconfigured`.
    """

    def __init__(
        self,
        base_url: str,
        *,
        api_key: str,
        user_agent: str,
        api_version: str = "v3",
        http: httpx.Client | None = None,
    ) -> None:
        connection = Connection(base_url, api_key, user_agent, api_version)
        del api_key
        super().__init__(connection)
        self._owned = http is None
        self._http = http or httpx.Client(timeout=DEFAULT_TIMEOUT)

    @classmethod
    def from_env(cls, *, http: httpx.Client | None = None) -> Self:
        """From ``ENGAGE_BASE_URL``, ``ENGAGE_API_KEY``, ``ENGAGE_USER_AGENT`` and, if it is set,
        ``ENGAGE_API_VERSION``. Raises `Misconfigured`."""
        return cls(**from_environment(), http=http)

    def send(
        self, contact_id: str, payload: Payload, *, created_date: datetime | None = None
    ) -> Receipt:
        """Store an interaction.

        `created_date` is when it happened, aware; now, if it is left out. Raises `NotSent`,
        `Rejected` or `OutcomeUnknown`; there is no second attempt.
        """
        return self._run(self._send(contact_id, payload, created_date))

    def get(self, kind: type[P], interaction_id: str) -> Stored[P]:
        """One interaction by its id. Raises `UnknownInteraction`, `ReadFailed`."""
        return self._run(calls.get(kind, interaction_id))

    def list(self, kind: type[P], contact_id: str) -> Iterator[Stored[P]]:
        """All interactions of one kind of one contact, over all pages, in no promised order.

        Raises `UnknownContact`, `UnknownSchema`, `ReadFailed`.
        """
        pages = calls.Pages(kind, contact_id)
        while pages.has_more:
            yield from self._run(pages.next())

    def delete(self, interaction_id: str) -> None:
        """Delete an interaction for good. Raises `UnknownInteraction`, `OutcomeUnknown`."""
        self._run(calls.delete(interaction_id))

    def close(self) -> None:
        """Close the connection, unless it came from outside."""
        if self._owned:
            self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _run(self, call: Call[T]) -> T:
        try:
            request = next(call)
            while True:
                request = call.send(self._exchange(request))
        except StopIteration as stop:
            result: T = stop.value
            return result

    def _exchange(self, request: Request) -> Reply:
        prepared = self._connection.request(self._http, request)
        try:
            response = self._http.send(prepared, auth=self._connection.auth, follow_redirects=False)
        except httpx.HTTPError as error:
            return failure(error)
        return self._connection.answer(response)


class AsyncEngageClient(_Client):
    """A connection to a tenant, for asyncio. See `EngageClient`."""

    def __init__(
        self,
        base_url: str,
        *,
        api_key: str,
        user_agent: str,
        api_version: str = "v3",
        http: httpx.AsyncClient | None = None,
    ) -> None:
        connection = Connection(base_url, api_key, user_agent, api_version)
        del api_key
        super().__init__(connection)
        self._owned = http is None
        self._http = http or httpx.AsyncClient(timeout=DEFAULT_TIMEOUT)

    @classmethod
    def from_env(cls, *, http: httpx.AsyncClient | None = None) -> Self:
        """See `EngageClient.from_env`."""
        return cls(**from_environment(), http=http)

    async def send(
        self, contact_id: str, payload: Payload, *, created_date: datetime | None = None
    ) -> Receipt:
        """See `EngageClient.send`."""
        return await self._run(self._send(contact_id, payload, created_date))

    async def get(self, kind: type[P], interaction_id: str) -> Stored[P]:
        """See `EngageClient.get`."""
        return await self._run(calls.get(kind, interaction_id))

    async def list(self, kind: type[P], contact_id: str) -> AsyncIterator[Stored[P]]:
        """See `EngageClient.list`."""
        pages = calls.Pages(kind, contact_id)
        while pages.has_more:
            for item in await self._run(pages.next()):
                yield item

    async def delete(self, interaction_id: str) -> None:
        """See `EngageClient.delete`."""
        await self._run(calls.delete(interaction_id))

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
            request = next(call)
            while True:
                request = call.send(await self._exchange(request))
        except StopIteration as stop:
            result: T = stop.value
            return result

    async def _exchange(self, request: Request) -> Reply:
        prepared = self._connection.request(self._http, request)
        try:
            response = await self._http.send(
                prepared, auth=self._connection.auth, follow_redirects=False
            )
        except httpx.HTTPError as error:
            return failure(error)
        return self._connection.answer(response)
