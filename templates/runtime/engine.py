"""The engine of a client: what both clients share except the exchange of requests."""

from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime
from typing import Protocol

from .call.interaction import EncodedInteraction, encode_interaction
from .call.receipts import ReceiptRegistry
from .call.retry import RetryPolicy
from .call.send import send
from .call.steps import Call, Failure, Reply, Request
from .errors import ConfigurationError
from .payload.types import Payload
from .results import Receipt
from .transport.clock import Clock, CreatedDates
from .transport.http import Connection
from .transport.observer import GuardedObserver, LogObserver, Observer
from .transport.rate_limiter import limiter_for

WAITED = Failure("The step was a wait.", may_have_arrived=False)
"""The reply to a wait."""

SHORTEST_WAIT = 0.001
"""A shorter wait for the rate limiter is not reported to the observer."""

_LONGEST_HOLD_SECONDS = 60.0


class Transport(Protocol):
    """Exchanges requests for replies, with blocking calls."""

    def check_open(self) -> None:
        """Raise `ConfigurationError` if the transport is closed."""
        ...

    def exchange(self, request: Request) -> Reply:
        """Send a request and return the reply."""
        ...

    def close(self) -> None:
        """Close the connections."""
        ...


class AsyncTransport(Protocol):
    """Exchanges requests for replies, with asyncio."""

    def check_open(self) -> None:
        """Raise `ConfigurationError` if the transport is closed."""
        ...

    async def exchange(self, request: Request) -> Reply:
        """Send a request and return the reply."""
        ...

    async def close(self) -> None:
        """Close the connections."""
        ...


class Post(Protocol):
    """A way to send an encoded interaction."""

    def __call__(
        self, interaction: EncodedInteraction, policy: RetryPolicy, *, confirm: bool = False
    ) -> Call[Receipt]:
        """Return the call that sends it."""
        ...


class Engine:
    """The settings and the state of a client."""

    def __init__(
        self,
        connection: Connection,
        rate: int,
        retry: RetryPolicy | None,
        observer: Observer | None,
        clock: Clock,
    ) -> None:
        if rate < 1:
            raise ConfigurationError(f"The rate must be at least 1 request per second, not {rate}.")
        self.limiter = limiter_for(connection.origin, connection.key_digest(), rate, clock)
        self.retry = retry or RetryPolicy.interactive()
        self.observer = LogObserver() if observer is None else GuardedObserver(observer)
        self.clock = clock
        self.receipts = ReceiptRegistry()
        self.intercept: Post | None = None
        """Replaces the sends of the client, for tests."""
        self._dates = CreatedDates(clock)

    def prepare_send(
        self,
        contact_id: str,
        payload: Payload,
        created_date: datetime | None,
        confirm: bool,
        retry: RetryPolicy | None,
    ) -> Call[Receipt]:
        """Encode an interaction, and return the call that sends it."""
        date = self._dates.next() if created_date is None else created_date
        interaction = encode_interaction(contact_id, payload, date)
        return self.prepare_post(interaction, retry or self.retry, confirm=confirm)

    def prepare_post(
        self, interaction: EncodedInteraction, policy: RetryPolicy, *, confirm: bool = False
    ) -> Call[Receipt]:
        """Return the call that sends an encoded interaction."""
        if self.intercept is not None:
            return self.intercept(interaction, policy, confirm=confirm)
        return send(interaction, policy, self.receipts, confirm=confirm)

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
