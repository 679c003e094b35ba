"""Clients for tests: they record what your code sends, and need no network.

They run the checks and the retries of the real clients, against an Engage in memory that knows
every contact id, and the schemas of the package. No wait takes time. Do not use them outside of
tests.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Self, TypeVar, cast

from ..async_client import AsyncEngageClient
from ..call.contact_cache import ContactCache
from ..call.ids import ContactId
from ..call.interaction import EncodedInteraction
from ..call.receipts import ReceiptRegistry
from ..call.retry import RetryPolicy
from ..call.send import send
from ..call.steps import Call
from ..client import EngageClient
from ..engine.engine import Engine, Limits
from ..engine.task_engine import TaskEngine
from ..engine.thread_engine import ThreadEngine
from ..errors import EngageError
from ..payload.plain import plain_value
from ..payload.types import Payload
from ..results import Receipt
from ..transport.connection import Connection
from ..transport.http_library import httpx
from ..transport.observer import Observer
from ..transport.rate_limiter import RateLimiter
from .platform import AsyncMemoryTransport, MemoryPlatform, MemoryTransport

if TYPE_CHECKING:
    import asyncio

P = TypeVar("P", bound=Payload)


@dataclass(frozen=True, slots=True)
class RecordedSend:
    """One send of your code, and its result.

    `receipt` is set if the interaction was stored, and `error` if the send raised. Both are set for
    a send that `fail_next` made fail with ``stored=True``.
    """

    contact_id: str
    payload: Payload
    created_date: datetime
    receipt: Receipt | None
    error: EngageError | None


class ManualClock:
    """A clock that advances only by `advance` and by the waits of the clients that use it."""

    def __init__(self, now: datetime | None = None) -> None:
        self._lock = threading.Lock()
        self._start = now or datetime.now(UTC)
        self._seconds = 0.0

    def advance(self, seconds: float) -> None:
        """Move the clock forward."""
        with self._lock:
            self._seconds += seconds

    def now(self) -> datetime:
        """Return the current date and time of this clock."""
        return self._start + timedelta(seconds=self._seconds)

    def monotonic(self) -> float:
        """Return the seconds since the clock was created."""
        return self._seconds

    def sleep(self, seconds: float, stop: threading.Event | None = None) -> None:
        """Advance the clock instead of waiting."""
        del stop
        self.advance(seconds)

    async def sleep_async(self, seconds: float, stop: "asyncio.Event | None" = None) -> None:
        """Advance the clock instead of waiting."""
        del stop
        self.advance(seconds)


class Recorder:
    """The methods that both recording clients add to those of the real clients.

    `sends` are all sends so far, also those that raised. `clock` is the clock of the client; pass
    it to other code of your tests that waits.
    """

    def _start_recording(self, clock: ManualClock | None) -> Connection:
        self.sends: list[RecordedSend] = []
        self.clock = clock or ManualClock()
        self._platform = MemoryPlatform()
        self._failures: deque[tuple[EngageError, bool]] = deque()
        return Connection("https://engage.example", "key", "tests/1", "v3")

    def _intercept(self, engine: Engine) -> None:
        engine.intercept = self._post

    def fail_next(self, *errors: EngageError, stored: bool = False) -> None:
        """Make the next sends raise these errors, one each.

        With ``stored=True``, the interactions are stored nevertheless, as after a timeout.
        """
        self._failures.extend((error, stored) for error in errors)

    def add_contact(
        self,
        contact_id: ContactId,
        *,
        email: str | None = None,
        mobile_phone: str | None = None,
        social_security_number: str | None = None,
        custom_key: str | None = None,
        contact_type: str = "Member",
    ) -> None:
        """Add a contact for `find_contact`, which finds no other.

        Interactions can be sent for every contact id, whether it was added or not.
        """
        self._platform.add_contact(
            str(contact_id),
            contact_type,
            email=email,
            mobilePhone=mobile_phone,
            socialSecurityNumber=social_security_number,
            customKey=custom_key,
        )

    def drop_properties(self, *properties: str) -> None:
        """Make Engage drop these properties from now on, given by their wire names."""
        self._platform.dropped_properties.update(properties)

    def payloads(self, payload_class: type[P]) -> Sequence[P]:
        """Return the payloads of one class that were sent, in order."""
        return [item.payload for item in self.sends if isinstance(item.payload, payload_class)]

    def assert_sent(
        self, payload: Payload, *, contact_id: ContactId | None = None, times: int | None = None
    ) -> None:
        """Assert that an equal payload was sent, also if the send raised.

        With `contact_id`, only sends for that contact count. With `times`, there must be exactly
        that many.
        """
        contact_text = plain_value(contact_id)
        count = sum(
            item.payload == payload and contact_text in (None, item.contact_id)
            for item in self.sends
        )
        if count == times or (times is None and count):
            return
        expected = "at least once" if times is None else f"{times} times"
        target = "" if contact_id is None else f" for the contact {contact_id}"
        raise AssertionError(
            f"Expected {payload!r} to be sent {expected}{target}, but it was sent {count} times. "
            f"All sends: {self._format_sends()}"
        )

    def assert_nothing_sent(self) -> None:
        """Assert that your code sent nothing."""
        if self.sends:
            raise AssertionError(f"Expected no send. All sends: {self._format_sends()}")

    def _format_sends(self) -> str:
        lines = [f"\n  {item.payload!r} for {item.contact_id}" for item in self.sends]
        return "".join(lines) or "none"

    def _post(
        self,
        interaction: EncodedInteraction,
        policy: RetryPolicy,
        receipts: ReceiptRegistry,
        now: Callable[[], datetime],
        *,
        confirm: bool,
        perhaps_sent: bool,
    ) -> Call[Receipt]:
        failure, is_stored = self._failures.popleft() if self._failures else (None, False)
        receipt: Receipt | None = None
        raised: EngageError | None = None
        try:
            if failure is None:
                receipt = yield from send(
                    interaction, policy, receipts, now, confirm=confirm, perhaps_sent=perhaps_sent
                )
            elif is_stored:  # The client does not know the receipt, so that a lookup can find it.
                other = ReceiptRegistry(self.clock.monotonic)
                receipt = yield from send(
                    interaction, policy, other, now, confirm=False, perhaps_sent=perhaps_sent
                )
            if failure is not None:
                raise failure
        except EngageError as error:
            raised = error
        payload = interaction.payload_class.from_payload(interaction.payload)
        self.sends.append(
            RecordedSend(interaction.contact_id, payload, interaction.created_date, receipt, raised)
        )
        if raised is not None:
            raise raised
        return cast(Receipt, receipt)


class RecordingClient(Recorder, EngageClient):
    """An `EngageClient` for tests, which records its sends and needs no network."""

    def __init__(
        self,
        *,
        deadline: float | None = None,
        retry: RetryPolicy | None = None,
        observer: Observer | None = None,
        contact_cache: ContactCache | None = None,
        clock: ManualClock | None = None,
    ) -> None:
        # Does not call the constructor of `EngageClient`, which would open a connection.
        self._connection = self._start_recording(clock)
        self.__engine__ = ThreadEngine(
            self._connection,
            MemoryTransport(self._platform),
            limits=Limits(deadline=deadline),
            retry=retry,
            observer=observer,
            clock=self.clock,
        )
        self.__engine__.contact_cache = contact_cache
        self._intercept(self.__engine__)

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
        """Create a recording client. Reads nothing from the environment."""
        del rate, rate_limiter, timeout, http
        return cls(deadline=deadline, retry=retry, observer=observer, contact_cache=contact_cache)


class AsyncRecordingClient(Recorder, AsyncEngageClient):
    """An `AsyncEngageClient` for tests, which records its sends and needs no network."""

    def __init__(
        self,
        *,
        deadline: float | None = None,
        retry: RetryPolicy | None = None,
        observer: Observer | None = None,
        contact_cache: ContactCache | None = None,
        clock: ManualClock | None = None,
    ) -> None:
        # Does not call the constructor of `AsyncEngageClient`, which would open a connection.
        self._connection = self._start_recording(clock)
        self.__engine__ = TaskEngine(
            self._connection,
            AsyncMemoryTransport(self._platform),
            limits=Limits(deadline=deadline),
            retry=retry,
            observer=observer,
            clock=self.clock,
        )
        self.__engine__.contact_cache = contact_cache
        self._intercept(self.__engine__)

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
        http: "httpx.AsyncClient | None" = None,
    ) -> Self:
        """Create a recording client. Reads nothing from the environment."""
        del rate, rate_limiter, timeout, http
        return cls(deadline=deadline, retry=retry, observer=observer, contact_cache=contact_cache)
