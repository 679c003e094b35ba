"""What drives the steps of a delivery: the client for threads, or the one for asyncio."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

from ..call.retry import RetryPolicy
from ..call.steps import Call
from ..engine.engine import CallSettings, Engine
from ..engine.task_engine import TaskEngine
from ..engine.thread_engine import ThreadEngine
from ..transport.clock import Clock
from .observer import OutboxObserver

if TYPE_CHECKING:
    import asyncio

T = TypeVar("T")


class Driver(Protocol):
    """Drives the calls of a step from the current thread."""

    @property
    def engine(self) -> Engine:
        """The engine of the client."""
        ...

    def run(self, call: Call[T], settings: CallSettings) -> T:
        """Drive a call and return its result."""
        ...


class ThreadDriver:
    """Drives calls in the current thread."""

    def __init__(self, engine: ThreadEngine) -> None:
        self.engine = engine

    def run(self, call: Call[T], settings: CallSettings) -> T:
        """Drive a call and return its result."""
        return self.engine.run(call, settings)


class LoopDriver:
    """Drives calls in the event loop of the client, while the current thread waits."""

    def __init__(self, engine: TaskEngine, loop: "asyncio.AbstractEventLoop") -> None:
        self.engine = engine
        self._loop = loop

    def run(self, call: Call[T], settings: CallSettings) -> T:
        """Drive a call and return its result."""
        import asyncio

        return asyncio.run_coroutine_threadsafe(
            self.engine.run(call, settings), self._loop
        ).result()


@dataclass(frozen=True, slots=True)
class DeliveryOptions:
    """What an outbox decides about its deliveries. Durations are in seconds.

    `schema_wait` is how long an entry waits for a schema that the tenant, or the package, does not
    have.
    """

    policy: RetryPolicy
    schema_wait: float
    clock: Clock
    observer: OutboxObserver

    @property
    def longest_delay(self) -> float:
        """The longest time that an entry waits for its next step."""
        return max(*self.policy.retry_delays, *self.policy.lookup_delays, 0.0, 0.0)
