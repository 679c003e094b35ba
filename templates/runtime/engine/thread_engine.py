"""The engine of the client for threads."""

import threading
from dataclasses import replace
from typing import TypeVar

from ..call.retry import RetryPolicy
from ..call.steps import Call, Reconnect, Reply, Request, Stop
from ..transport.clock import Clock
from ..transport.connection import Connection
from ..transport.observer import Observer
from ..transport.rate_limiter import RateLimiter
from .engine import NO_REPLY, NOT_ALLOWED, TOO_LATE, CallSettings, Engine, Limits, Transport

T = TypeVar("T")


class ThreadEngine(Engine):
    """Drives calls in the current thread."""

    def __init__(
        self,
        connection: Connection,
        transport: Transport,
        *,
        limits: Limits,
        retry: RetryPolicy | None,
        observer: Observer | None,
        clock: Clock,
        rate_limiter: RateLimiter | None = None,
    ) -> None:
        super().__init__(connection, limits, retry, observer, clock, rate_limiter)
        self.transport = transport

    def run(self, call: Call[T], settings: CallSettings, stop: threading.Event | None = None) -> T:
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
                        reply = self._send(step, settings)
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
                    self.clock.sleep(step.seconds, stop)
                    self.observer.waited(step.reason, step.seconds)
                    step = call.send(NO_REPLY)
        except StopIteration as end:
            result: T = end.value
            return result

    def _send(self, request: Request, settings: CallSettings) -> Reply:
        start, ends_at = self.clock.monotonic(), settings.ends_at
        if start >= ends_at or not self.limiter.acquire(
            self.remaining(ends_at), is_urgent=settings.is_urgent
        ):
            return TOO_LATE
        if settings.may_send is not None and not settings.may_send():
            return NOT_ALLOWED
        departure = self.clock.monotonic()
        self.record_limiter_wait(start, departure)
        if settings.headers:
            request = replace(request, headers=settings.headers)
        reply = self.transport.exchange(request, self.request_timeout(settings))
        return self.record_exchange(request, reply, departure)
