"""The client for threads. The client for asyncio differs from it in the await alone."""

import threading
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

from .call import read
from .call.retry import RetryPolicy
from .call.steps import Call, Reply, Request, Stop
from .engine import WAITED, Engine, Transport
from .payload.encoding import payload_class_of
from .payload.types import Payload
from .results import Receipt, Stored, created_date_key
from .transport.clock import SYSTEM_CLOCK, Clock
from .transport.http import Connection, HttpTransport
from .transport.observer import Observer
from .transport.rate_limiter import DEFAULT_RATE
from .transport.settings import settings_from_environment

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")
P = TypeVar("P", bound=Payload)


class ThreadEngine(Engine):
    """Drives calls in the current thread."""

    def __init__(
        self,
        connection: Connection,
        transport: Transport,
        *,
        rate: int,
        retry: RetryPolicy | None,
        observer: Observer | None,
        clock: Clock,
    ) -> None:
        super().__init__(connection, rate, retry, observer, clock)
        self.transport = transport

    def run(self, call: Call[T], stop: threading.Event | None = None) -> T:
        """Drive a call and return its result. If `stop` is set, the call ends at its next wait."""
        try:
            step = next(call)
            while True:
                if isinstance(step, Request):
                    step = call.send(self._exchange(step))
                elif stop is not None and stop.is_set():
                    step = call.throw(Stop())
                else:
                    self.clock.sleep(step.seconds, stop)
                    self.observer.waited(step.reason, step.seconds)
                    step = call.send(WAITED)
        except StopIteration as end:
            result: T = end.value
            return result

    def _exchange(self, request: Request) -> Reply:
        self.transport.check_open()
        start = self.clock.monotonic()
        self.limiter.acquire()
        departure = self.clock.monotonic()
        self.record_limiter_wait(start, departure)
        return self.record_exchange(request, self.transport.exchange(request), departure)


class EngageClient:
    """A client of one tenant, for threads.

    Create one client and reuse it: opening a connection is slow. Threads can share it.

    Args:
        base_url: The address of the tenant, like ``https://acme.voyado.com``.
        api_key: The API key of the tenant.
        user_agent: The name and version of your integration, like ``AcmePOS/1.5``.
        api_version: The version of the API.
        rate: The most requests per second with this key in this process. The vendor's limit is 50
            for one key; divide it if several processes share the key.
        retry: The retry policy of all methods. Defaults to `RetryPolicy.interactive()`.
        observer: Receives the events of the client. By default, they are logged.
        clock: Replaces the system's clock in tests.
        http: An httpx client of your own, which you close yourself.

    Raises:
        ConfigurationError: An argument cannot work. The message names it.
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
        http: "httpx.Client | None" = None,
    ) -> None:
        connection = Connection(base_url, api_key, user_agent, api_version)
        del api_key
        self._connection = connection
        # For other parts of the runtime. Completion shows only what applications use.
        self.__engine__ = ThreadEngine(
            connection,
            HttpTransport(connection, http),
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
        http: "httpx.Client | None" = None,
    ) -> Self:
        """Create a client from the environment.

        Reads ``ENGAGE_BASE_URL``, ``ENGAGE_API_KEY``, ``ENGAGE_USER_AGENT`` and, optionally,
        ``ENGAGE_API_VERSION``. The arguments are those of `EngageClient`.

        Raises:
            ConfigurationError: A variable is missing or cannot work.
        """
        return cls(
            **settings_from_environment(), rate=rate, retry=retry, observer=observer, http=http
        )

    def send(
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
            return engine.run(
                engine.prepare_send(contact_id, payload, created_date, confirm, retry)
            )

    def get(
        self, payload_class: type[P], interaction_id: str, *, retry: RetryPolicy | None = None
    ) -> Stored[P]:
        """Read one interaction by its id.

        Raises:
            InteractionNotFoundError: The tenant has no such interaction.
            ReadError: Engage gave no usable answer. Try again.
        """
        engine = self.__engine__
        with engine.observe("get", payload_class.__schema_id__):
            return engine.run(read.get(payload_class, interaction_id, retry or engine.retry))

    def list(
        self, payload_class: type[P], contact_id: str, *, retry: RetryPolicy | None = None
    ) -> Iterator[Stored[P]]:
        """Iterate over all interactions of one schema of a contact, in no particular order.

        Reads a page when the iteration reaches it.

        Raises:
            UnknownContactError: The tenant has no such contact.
            UnknownSchemaError: The tenant has no such interaction schema.
            ReadError: Engage gave no usable answer. Try again.
        """
        engine = self.__engine__
        pages = read.Pages(payload_class, contact_id, retry or engine.retry)
        while pages.has_more:
            with engine.observe("list", payload_class.__schema_id__):
                page = engine.run(pages.next())
            yield from page

    def interactions(
        self,
        contact_id: str,
        payload_classes: Iterable[type[Payload]],
        *,
        retry: RetryPolicy | None = None,
    ) -> Sequence[Stored[Payload]]:
        """Return all interactions of several schemas of a contact, oldest first.

        Interactions whose date cannot be read come last. Raises the errors of `list`.
        """
        interactions = [
            stored
            for payload_class in payload_classes
            for stored in self.list(payload_class, contact_id, retry=retry)
        ]
        return sorted(interactions, key=created_date_key)

    def delete(self, interaction_id: str, *, retry: RetryPolicy | None = None) -> None:
        """Delete an interaction permanently.

        Raises:
            InteractionNotFoundError: The tenant has no such interaction.
            OutcomeUnknownError: Engage did not answer. Deleting it again is safe.
        """
        engine = self.__engine__
        with engine.observe("delete", ""):
            engine.run(read.delete(interaction_id, retry or engine.retry))

    def close(self) -> None:
        """Close the connections. An httpx client of your own stays open."""
        self.__engine__.transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        error_class: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
