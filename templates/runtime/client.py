"""The client for threads. The client for asyncio differs from it in the await alone."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from types import TracebackType
from typing import Never, Self, TypeVar

from .call import read
from .call.pages import Pages
from .call.retry import RetryPolicy
from .engine import NOT_PICKLED, Limits
from .payload.encoding import payload_class_of
from .payload.types import Payload
from .results import Receipt, Stored, created_date_key
from .thread_engine import ThreadEngine
from .transport.clock import SYSTEM_CLOCK, Clock
from .transport.connection import DEFAULT_TIMEOUT, Connection
from .transport.http import HttpTransport
from .transport.http_library import httpx
from .transport.observer import Observer
from .transport.rate_limiter import DEFAULT_RATE
from .transport.settings import settings_from_environment

P = TypeVar("P", bound=Payload)


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
        timeout: The limit in seconds of one request. Defaults to 10 seconds, or with `http` to the
            timeouts of that client.
        deadline: The limit in seconds of a whole call, with its retries, lookups and waits.
            Defaults to the deadline of the retry policy.
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
        timeout: float | None = None,
        deadline: float | None = None,
        retry: RetryPolicy | None = None,
        observer: Observer | None = None,
        clock: Clock = SYSTEM_CLOCK,
        http: "httpx.Client | None" = None,
    ) -> None:
        connection = Connection(base_url, api_key, user_agent, api_version)
        del api_key
        self._connection = connection
        if timeout is None and http is None:
            timeout = DEFAULT_TIMEOUT
        # For other parts of the runtime. Completion shows only what applications use.
        self.__engine__ = ThreadEngine(
            connection,
            HttpTransport(connection, http),
            limits=Limits(rate, timeout, deadline),
            retry=retry,
            observer=observer,
            clock=clock,
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._connection!r})"

    def __reduce__(self) -> Never:
        raise TypeError(NOT_PICKLED)

    @classmethod
    def from_env(
        cls,
        *,
        rate: int = DEFAULT_RATE,
        timeout: float | None = None,
        deadline: float | None = None,
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
            **settings_from_environment(),
            rate=rate,
            timeout=timeout,
            deadline=deadline,
            retry=retry,
            observer=observer,
            http=http,
        )

    def send(
        self,
        contact_id: str,
        payload: Payload,
        *,
        created_date: datetime | None = None,
        confirm: bool = False,
        retry: RetryPolicy | None = None,
        deadline: float | None = None,
    ) -> Receipt:
        """Send an interaction for a contact and return its receipt.

        Args:
            contact_id: The id of the contact in Engage.
            payload: An instance of a payload class of this package.
            created_date: When the interaction happened, with a time zone. Defaults to now.
            confirm: Read the interaction back, and compare it with the one that was sent.
            retry: The retry policy of this send. Defaults to the policy of the client.
            deadline: The limit in seconds of the whole call. Defaults to that of the client.

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
            call = engine.prepare_send(contact_id, payload, created_date, confirm, retry)
            return engine.run(call, engine.end_of_call(deadline, retry))

    def get(
        self,
        payload_class: type[P],
        interaction_id: str,
        *,
        retry: RetryPolicy | None = None,
        deadline: float | None = None,
    ) -> Stored[P]:
        """Read one interaction by its id.

        Raises:
            InteractionNotFoundError: The tenant has no such interaction.
            ReadError: Engage gave no usable answer. Try again.
        """
        engine = self.__engine__
        with engine.observe("get", payload_class.__schema_id__):
            call = read.get(payload_class, interaction_id, retry or engine.retry)
            return engine.run(call, engine.end_of_call(deadline, retry))

    def list(
        self,
        payload_class: type[P],
        contact_id: str,
        *,
        retry: RetryPolicy | None = None,
        deadline: float | None = None,
    ) -> Iterator[Stored[P]]:
        """Iterate over all interactions of one schema of a contact, in no particular order.

        Reads a page when the iteration reaches it. `deadline` is the limit in seconds for a page.

        Raises:
            UnknownContactError: The tenant has no such contact.
            UnknownSchemaError: The tenant has no such interaction schema.
            ReadError: Engage gave no usable answer. Try again.
        """
        engine = self.__engine__
        pages = Pages(payload_class, contact_id, retry or engine.retry)
        while pages.has_more:
            with engine.observe("list", payload_class.__schema_id__):
                page = engine.run(pages.next(), engine.end_of_call(deadline, retry))
            yield from page

    def interactions(
        self,
        contact_id: str,
        payload_classes: Iterable[type[Payload]],
        *,
        retry: RetryPolicy | None = None,
        deadline: float | None = None,
    ) -> Sequence[Stored[Payload]]:
        """Return all interactions of several schemas of a contact, oldest first.

        Interactions whose date cannot be read come last. Raises the errors of `list`.
        """
        interactions = [
            stored
            for payload_class in payload_classes
            for stored in self.list(payload_class, contact_id, retry=retry, deadline=deadline)
        ]
        return sorted(interactions, key=created_date_key)

    def delete(
        self,
        interaction_id: str,
        *,
        retry: RetryPolicy | None = None,
        deadline: float | None = None,
    ) -> None:
        """Delete an interaction permanently.

        Raises:
            InteractionNotFoundError: The tenant has no such interaction.
            OutcomeUnknownError: Engage did not answer. Deleting it again is safe.
        """
        engine = self.__engine__
        with engine.observe("delete", ""):
            call = read.delete(interaction_id, retry or engine.retry)
            engine.run(call, engine.end_of_call(deadline, retry))

    def close(self) -> None:
        """Send no more requests, and close the connections after those in flight.

        An httpx client of your own stays open.
        """
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
