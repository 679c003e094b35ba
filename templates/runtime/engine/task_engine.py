"""The engine of the client for asyncio. It differs from that for threads in the await alone."""

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from ..call.retry import RetryPolicy
from ..call.steps import Call, Reconnect, Reply, Request, Stop
from ..transport.clock import Clock
from ..transport.connection import Connection
from ..transport.observer import Observer
from ..transport.rate_limiter import RateLimiter
from .engine import NO_REPLY, NOT_ALLOWED, TOO_LATE, AsyncTransport, CallSettings, Engine, Limits

if TYPE_CHECKING:
    import asyncio

T = TypeVar("T")


class TaskEngine(Engine):
    """Drives calls in the current task."""

    def __init__(
        self,
        connection: Connection,
        transport: AsyncTransport,
        *,
        limits: Limits,
        retry: RetryPolicy | None,
        observer: Observer | None,
        clock: Clock,
        rate_limiter: RateLimiter | None = None,
    ) -> None:
        super().__init__(connection, limits, retry, observer, clock, rate_limiter)
        self.transport = transport

    async def run(
        self, call: Call[T], settings: CallSettings, stop: "asyncio.Event | None" = None
    ) -> T:
        """Drive a call and return its result.

        If `stop` is set, the call ends at its next wait. Raises `ConfigurationError` if the
        transport cannot send.
        """
        self.transport.check_usable()
        try:
            step = next(call)
            while True:
                if isinstance(step, Request):
                    try:
                        reply = await self._send(step, settings)
                    except BaseException as error:  # The call adds what it knows.
                        step = call.throw(error)
                    else:
                        step = call.send(reply)
                elif isinstance(step, Reconnect):
                    self.transport.reconnect()
                    step = call.send(NO_REPLY)
                elif (stop is not None and stop.is_set()) or self.is_too_long(
                    step, settings.ends_at
                ):
                    step = call.throw(Stop())
                else:
                    await self.clock.sleep_async(step.seconds, stop)
                    self.observer.waited(step.reason, step.seconds)
                    step = call.send(NO_REPLY)
        except StopIteration as end:
            result: T = end.value
            return result

    async def _send(self, request: Request, settings: CallSettings) -> Reply:
        start, ends_at = self.clock.monotonic(), settings.ends_at
        if start >= ends_at or not await self.limiter.acquire_async(
            self.remaining(ends_at), is_urgent=settings.is_urgent
        ):
            return TOO_LATE
        if settings.may_send is not None:
            import asyncio

            if not await asyncio.to_thread(settings.may_send):
                return NOT_ALLOWED
        departure = self.clock.monotonic()
        self.record_limiter_wait(start, departure)
        if settings.headers:
            request = replace(request, headers=settings.headers)
        reply = await self.transport.exchange(request, self.request_timeout(settings))
        return self.record_exchange(request, reply, departure)
