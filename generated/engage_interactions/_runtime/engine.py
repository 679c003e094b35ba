"""What both engines share: all but the way to the wire and back."""

from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime
from typing import Protocol, TypeVar

from .call.responses import Call, Failure, Reply, Request
from .call.retry import RetryPolicy
from .call.send import Claims, Letter, letter, send
from .payload.checks import Payload
from .results import Receipt
from .transport.clock import Clock
from .transport.http import Connection, Stamps
from .transport.observer import Guarded, LogObserver, Observer
from .transport.rate_limiter import pace_of

T = TypeVar("T")
P = TypeVar("P", bound=Payload)

NOTHING = Failure("a wait, not a request", sent=False)


class Post(Protocol):
    """The way of a letter to the platform."""

    def __call__(
        self, fixed: Letter, policy: RetryPolicy, *, confirm: bool = False
    ) -> Call[Receipt]: ...


class Engine:
    """Settings, pace, and what is noted on the way."""

    def __init__(
        self,
        connection: Connection,
        rate: int,
        retry: RetryPolicy | None,
        observer: Observer | None,
        clock: Clock,
    ) -> None:
        self.connection = connection
        connection.check(rate)
        self.pace = pace_of(connection.origin, connection.key_digest(), rate, clock)
        self.retry = retry or RetryPolicy.interactive()
        self.observer = LogObserver() if observer is None else Guarded(observer)
        self.clock = clock
        self.claims = Claims()
        self.detour: Post | None = None
        self._stamps = Stamps(clock)

    def sending(
        self,
        contact_id: str,
        payload: Payload,
        created_date: datetime | None,
        confirm: bool,
        retry: RetryPolicy | None,
    ) -> Call[Receipt]:
        fixed = letter(contact_id, payload, created_date or self._stamps.next())
        return self.post(fixed, retry or self.retry, confirm=confirm)

    def post(self, fixed: Letter, policy: RetryPolicy, *, confirm: bool = False) -> Call[Receipt]:
        """All sends come by here; `detour` stands in for the way that they usually take."""
        if self.detour is not None:
            return self.detour(fixed, policy, confirm=confirm)
        return send(fixed, policy, self.claims, confirm=confirm)

    @contextmanager
    def observed(self, operation: str, schema_id: str) -> Generator[None]:
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

    def replied(self, request: Request, reply: Reply, start: float) -> Reply:
        """Note an exchange; a 429 slows everybody down."""
        status = None if isinstance(reply, Failure) else reply.status
        seconds = self.clock.monotonic() - start
        self.observer.attempted(request.method, request.route, status, seconds)
        if not isinstance(reply, Failure) and reply.status == 429:
            self.pace.slow_down(min(reply.retry_after or 0.0, _LONGEST_HOLD))
        return reply


_LONGEST_HOLD = 60.0
