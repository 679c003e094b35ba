"""The client for threads. The client for asyncio differs from it in the await alone."""

from collections.abc import Mapping
from datetime import datetime
from types import TracebackType
from typing import Never, Self

from .call.contact_cache import ContactCache
from .call.ids import ContactId
from .call.retry import RetryPolicy
from .engine.engine import NOT_PICKLED, Limits
from .engine.reads import ClientReads
from .engine.thread_engine import ThreadEngine
from .payload.encoding import payload_class_of
from .payload.types import Payload
from .results import Receipt
from .transport.clock import SYSTEM_CLOCK, Clock
from .transport.connection import DEFAULT_TIMEOUT, Connection
from .transport.http import HttpTransport
from .transport.http_library import httpx
from .transport.observer import Observer
from .transport.rate_limiter import DEFAULT_RATE, RateLimiter
from .transport.settings import settings_from_environment


class EngageClient(ClientReads):
    """A client of one tenant, for threads.

    Create one client and reuse it: opening a connection is slow. Threads can share it.

    Args:
        base_url: The address of the tenant, like ``https://acme.voyado.com``.
        api_key: The API key of the tenant.
        user_agent: The name and version of your integration, like ``AcmePOS/1.5``.
        api_version: The version of the API.
        rate: The most requests per second with this key in this process. The vendor's limit is 50
            for one key; divide it if several processes share the key.
        rate_limiter: Shares one allowance with other processes. Then `rate` does not count.
        timeout: The limit in seconds of one request. Defaults to 10 seconds, or with `http` to the
            timeouts of that client.
        deadline: The limit in seconds of a whole call, with its retries, lookups and waits.
            Defaults to the deadline of the retry policy.
        retry: The retry policy of all methods. Defaults to `RetryPolicy.interactive()`.
        observer: Receives the events of the client. By default, they are logged.
        contact_cache: Remembers what `find_contact` returned. By default, nothing is remembered.
        clock: Replaces the system's clock in tests.
        http: A client of the HTTP library of your own, which you close yourself.

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
        rate_limiter: RateLimiter | None = None,
        timeout: float | None = None,
        deadline: float | None = None,
        retry: RetryPolicy | None = None,
        observer: Observer | None = None,
        contact_cache: ContactCache | None = None,
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
            rate_limiter=rate_limiter,
        )
        self.__engine__.contact_cache = contact_cache

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._connection!r})"

    def __reduce__(self) -> Never:
        raise TypeError(NOT_PICKLED)

    @classmethod
    def from_env(
        cls,
        *,
        rate: int | None = None,
        rate_limiter: RateLimiter | None = None,
        timeout: float | None = None,
        deadline: float | None = None,
        retry: RetryPolicy | None = None,
        observer: Observer | None = None,
        contact_cache: ContactCache | None = None,
        http: "httpx.Client | None" = None,
    ) -> Self:
        """Create a client from the environment.

        Reads ``ENGAGE_BASE_URL``, ``ENGAGE_API_KEY``, ``ENGAGE_USER_AGENT`` and, optionally,
        ``ENGAGE_API_VERSION`` and ``ENGAGE_RATE``. The arguments are those of `EngageClient`.

        Raises:
            ConfigurationError: A variable is missing or cannot work.
        """
        return cls(
            **settings_from_environment(rate),
            rate_limiter=rate_limiter,
            timeout=timeout,
            deadline=deadline,
            retry=retry,
            observer=observer,
            contact_cache=contact_cache,
            http=http,
        )

    def send(
        self,
        contact_id: ContactId,
        payload: Payload,
        *,
        created_date: datetime | None = None,
        confirm: bool = False,
        perhaps_sent: bool = False,
        retry: RetryPolicy | None = None,
        deadline: float | None = None,
        timeout: float | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Receipt:
        """Send an interaction for a contact and return its receipt.

        Args:
            contact_id: The id of the contact in Engage, a GUID. `find_contact` returns it.
            payload: An instance of a payload class of this package.
            created_date: When the interaction happened, with a time zone. Defaults to now.
            confirm: Read the interaction back, and compare it with the one that was sent.
            perhaps_sent: Look the interaction up first, and send it only if it is not stored.
                Requires the `created_date` of the earlier send.
            retry: The retry policy of this call. Defaults to the policy of the client.
            deadline: The limit in seconds of the whole call. Defaults to that of the client.
            timeout: The limit in seconds of each request. Defaults to that of the client.
            headers: Headers to add to each request, such as ``traceparent``.

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
            settings = engine.settings(retry, deadline=deadline, timeout=timeout, headers=headers)
            call = engine.prepare_send(
                contact_id,
                payload,
                created_date,
                settings.policy,
                confirm=confirm,
                perhaps_sent=perhaps_sent,
            )
            return engine.run(call, settings)

    def find(
        self,
        contact_id: ContactId,
        payload: Payload,
        created_date: datetime,
        *,
        retry: RetryPolicy | None = None,
        deadline: float | None = None,
        timeout: float | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Receipt | None:
        """Look for an interaction that may have been sent, and return its receipt, or None.

        An interaction is found if it has the same contact, schema and date, and a payload that
        means the same. None does not prove that it is not stored: a platform may show it later.

        Raises:
            InvalidPayloadError: The contact id or the date cannot be those of an interaction.
            OutcomeUnknownError: It cannot be told which stored interaction it is, if any.
            UnknownContactError: The tenant has no such contact.
            UnknownSchemaError: The tenant has no such interaction schema.
            ReadError: Engage gave no usable answer. Try again.
        """
        engine = self.__engine__
        with engine.observe("find", payload_class_of(payload).__schema_id__):
            settings = engine.settings(retry, deadline=deadline, timeout=timeout, headers=headers)
            call = engine.prepare_find(contact_id, payload, created_date, settings.policy)
            return engine.run(call, settings)

    def close(self) -> None:
        """Send no more requests, and close the connections after those in flight.

        A client of the HTTP library of your own stays open.
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
