"""The engine of a client: what both clients share except the exchange of requests."""

import math
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from ..call.contact_cache import ContactCache
from ..call.contacts import ContactQuery
from ..call.ids import ContactId
from ..call.interaction import EncodedInteraction, encode_interaction
from ..call.lookup import find
from ..call.receipts import ReceiptRegistry
from ..call.retry import RetryPolicy, check_seconds
from ..call.send import send
from ..call.steps import Call, Failure, Reply, Request, Wait
from ..errors import ConfigurationError
from ..payload.types import Payload
from ..results import Receipt
from ..transport.clock import Clock, CreatedDates
from ..transport.connection import Connection
from ..transport.headers import check_headers
from ..transport.observer import GuardedObserver, LogObserver, Observer
from ..transport.rate_limiter import DEFAULT_RATE, RateLimiter, limiter_for

NO_REPLY = Failure("The step was not a request.", may_have_arrived=False)
"""The reply to a step that is not a request."""

TOO_LATE = Failure("The deadline of the call has passed.", may_have_arrived=False)
"""The reply to a request that cannot be sent before the end of the call."""

NOT_ALLOWED = Failure("The claim on the entry was lost.", may_have_arrived=False)
"""The reply to a request that `CallSettings.may_send` prevents."""

NOT_PICKLED = "A client cannot be pickled. Create it in the process that uses it."

SHORTEST_WAIT = 0.001
"""A shorter wait for the rate limiter is not reported to the observer."""

_NO_DATE = (
    "perhaps_sent=True requires a created_date: the one of the earlier send, by which a lookup "
    "recognizes the interaction. Nothing was sent."
)
_LONGEST_HOLD_SECONDS = 60.0


class Transport(Protocol):
    """Exchanges requests for replies, with blocking calls."""

    def check_usable(self) -> None:
        """Raise `ConfigurationError` if the transport cannot send."""
        ...

    def exchange(self, request: Request, timeout: float | None) -> Reply:
        """Send a request and return the reply. `timeout` limits the whole exchange, in seconds."""
        ...

    def reconnect(self) -> None:
        """Use new connections from now on, unless they belong to the caller."""
        ...

    def close(self) -> None:
        """Close the connections."""
        ...


class AsyncTransport(Protocol):
    """Exchanges requests for replies, with asyncio."""

    def check_usable(self) -> None:
        """Raise `ConfigurationError` if the transport cannot send from the current task."""
        ...

    async def exchange(self, request: Request, timeout: float | None) -> Reply:
        """Send a request and return the reply. `timeout` limits the whole exchange, in seconds."""
        ...

    def reconnect(self) -> None:
        """Use new connections from now on, unless they belong to the caller."""
        ...

    async def close(self) -> None:
        """Close the connections."""
        ...


class Post(Protocol):
    """A way to send an encoded interaction. `send` is the usual one."""

    def __call__(
        self,
        interaction: EncodedInteraction,
        policy: RetryPolicy,
        receipts: ReceiptRegistry,
        now: Callable[[], datetime],
        *,
        confirm: bool,
        perhaps_sent: bool,
    ) -> Call[Receipt]:
        """Return the call that sends it."""
        ...


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of a client: the most requests per second, and durations in seconds.

    `timeout` limits one request, and `deadline` a whole call. Without a deadline, that of the retry
    policy counts.
    """

    rate: int = DEFAULT_RATE
    timeout: float | None = None
    deadline: float | None = None

    def check(self) -> None:
        """Raise `ConfigurationError` for a limit that cannot work."""
        if self.rate < 1:
            message = f"The rate must be at least 1 request per second, not {self.rate}."
            raise ConfigurationError(message)
        for name, seconds in (("timeout", self.timeout), ("deadline", self.deadline)):
            check_seconds(name, seconds)


@dataclass(frozen=True, slots=True)
class CallSettings:
    """The settings of one call.

    `ends_at` is when it has to end, by the monotonic clock. `timeout` limits each request, in
    seconds. `headers` are added to each request. `is_urgent` is False for a call that lets others
    pass at the rate limiter. `may_send` is asked right before each request, and False prevents it.
    """

    policy: RetryPolicy
    ends_at: float
    timeout: float | None
    headers: Mapping[str, str] | None
    is_urgent: bool = True
    may_send: Callable[[], bool] | None = None


class Engine:
    """The settings and the state of a client."""

    def __init__(
        self,
        connection: Connection,
        limits: Limits,
        retry: RetryPolicy | None,
        observer: Observer | None,
        clock: Clock,
        rate_limiter: RateLimiter | None = None,
    ) -> None:
        limits.check()
        self.limiter: RateLimiter = rate_limiter or limiter_for(
            connection.origin, connection.key_digest(), limits.rate, clock
        )
        self.limits = limits
        self.retry = retry or RetryPolicy.interactive()
        self.observer = LogObserver() if observer is None else GuardedObserver(observer)
        self.clock = clock
        self.receipts = ReceiptRegistry(clock.monotonic)
        self.contact_cache: ContactCache | None = None
        self.intercept: Post | None = None
        """Replaces the sends of the client, for tests."""
        self._dates = CreatedDates(clock)
        self._cache_key = (connection.origin, connection.key_digest())

    def settings(
        self,
        retry: RetryPolicy | None = None,
        *,
        deadline: float | None = None,
        timeout: float | None = None,
        headers: Mapping[str, str] | None = None,
        is_urgent: bool = True,
    ) -> CallSettings:
        """Return the settings of a call that begins now. The arguments take precedence.

        The deadline of the call counts, else that of the client, else that of the policy. Raises
        `ConfigurationError` for an argument that cannot work.
        """
        check_seconds("deadline", deadline)
        check_seconds("timeout", timeout)
        if headers is not None:
            check_headers(headers)
        policy = retry or self.retry
        seconds = deadline or self.limits.deadline or policy.deadline
        ends_at = math.inf if seconds is None else self.clock.monotonic() + seconds
        return CallSettings(policy, ends_at, timeout or self.limits.timeout, headers, is_urgent)

    def remaining(self, ends_at: float) -> float | None:
        """Return the seconds until the end of a call, None without a limit."""
        return None if ends_at == math.inf else ends_at - self.clock.monotonic()

    def is_too_long(self, wait: Wait, ends_at: float) -> bool:
        """Return True for a pause after which no request could be sent before the end of a call."""
        return self.clock.monotonic() + wait.seconds >= ends_at

    def request_timeout(self, settings: CallSettings) -> float | None:
        """Return the limit of the next request, in seconds."""
        limits = (settings.timeout, self.remaining(settings.ends_at))
        return min((seconds for seconds in limits if seconds is not None), default=None)

    def prepare_send(
        self,
        contact_id: ContactId,
        payload: Payload,
        created_date: datetime | None,
        policy: RetryPolicy,
        *,
        confirm: bool = False,
        perhaps_sent: bool = False,
    ) -> Call[Receipt]:
        """Encode an interaction, and return the call that sends it."""
        if created_date is None and perhaps_sent:
            raise ConfigurationError(_NO_DATE)
        date = self._dates.next() if created_date is None else created_date
        interaction = encode_interaction(contact_id, payload, date)
        return self.prepare_post(interaction, policy, confirm=confirm, perhaps_sent=perhaps_sent)

    def prepare_post(
        self,
        interaction: EncodedInteraction,
        policy: RetryPolicy,
        *,
        confirm: bool = False,
        perhaps_sent: bool = False,
    ) -> Call[Receipt]:
        """Return the call that sends an encoded interaction."""
        post = self.intercept or send
        return post(
            interaction,
            policy,
            self.receipts,
            self.clock.now,
            confirm=confirm,
            perhaps_sent=perhaps_sent,
        )

    def cached_contact(self, query: ContactQuery) -> str | None:
        """Return the id that an earlier lookup of a contact returned, or None."""
        if self.contact_cache is None:
            return None
        return self.contact_cache.get((*self._cache_key, query.key), self.clock.monotonic())

    def remember_contact(self, query: ContactQuery, contact_id: str) -> None:
        """Put the id of a contact into the cache, if there is one."""
        if self.contact_cache is not None:
            key = (*self._cache_key, query.key)
            self.contact_cache.put(key, contact_id, self.clock.monotonic())

    def prepare_find(
        self,
        contact_id: ContactId,
        payload: Payload,
        created_date: datetime,
        policy: RetryPolicy,
    ) -> Call[Receipt | None]:
        """Encode an interaction, and return the call that looks it up."""
        interaction = encode_interaction(contact_id, payload, created_date)
        return find(interaction, policy, self.clock.now)

    @contextmanager
    def observe(self, operation: str, schema_id: str) -> Generator[None]:
        """Report the outcome and the duration of the block to the observer."""
        start = self.clock.monotonic()
        outcome = "ok"
        try:
            yield
        except BaseException as error:
            outcome = type(error).__name__
            raise
        finally:
            seconds = self.clock.monotonic() - start
            self.observer.finished(operation, schema_id, outcome, seconds)

    def record_limiter_wait(self, start: float, departure: float) -> None:
        """Report the time that a request waited for the rate limiter."""
        if departure - start >= SHORTEST_WAIT:
            self.observer.waited("rate limit", departure - start)

    def record_exchange(self, request: Request, reply: Reply, departure: float) -> Reply:
        """Report an exchange; after a 429, slow all clients with this key down."""
        status = None if isinstance(reply, Failure) else reply.status
        seconds = self.clock.monotonic() - departure
        self.observer.attempted(request.method, request.route, status, seconds)
        if not isinstance(reply, Failure) and reply.status == 429:
            self.limiter.slow_down(min(reply.retry_after or 0.0, _LONGEST_HOLD_SECONDS))
        return reply
