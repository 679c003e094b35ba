"""Sends the steps of a probe, and keeps the answers."""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from ....schema.jsontext import Json, JsonError, loads
from ....sources.exchange import Reply
from ....sources.tenant_session import TenantSession
from .exchange import Exchange, Step, fill_body, fill_path
from .sanitizing import Sanitizer
from .steps import date_step

MAX_REQUESTS = 80
"""What the questions about the options may take together."""

_REPETITIONS = 2


class TimerLike(Protocol):
    """A clock that can wait."""

    def now(self) -> datetime: ...
    def sleep(self, seconds: float) -> None: ...


class Recorder:
    """The exchanges of a probe by the name of their step, in their order.

    `bindings` are the values of the placeholders. The id of each interaction is added to them.
    """

    def __init__(
        self, session: TenantSession, timer: TimerLike, bindings: Mapping[str, str]
    ) -> None:
        self.session = session
        self.timer = timer
        self.started = timer.now()
        self.bindings = dict(bindings)
        self.exchanges: dict[str, Exchange] = {}
        self.sanitizer = Sanitizer(session.tenant.hide_secrets)

    @property
    def elapsed(self) -> float:
        """Seconds since the start of the probe."""
        return (self.timer.now() - self.started).total_seconds()

    @property
    def remaining(self) -> int:
        """How many more requests the questions about the options may take."""
        return MAX_REQUESTS - self.session.count

    def send(self, step: Step) -> Exchange:
        """Send a step and return its answer. A read is repeated if there is none."""
        step = date_step(step, self.started)
        body = fill_body(step.body, self.bindings)
        self.sanitizer.add_sent(body)
        path = fill_path(step.path, self.bindings)
        exchange = self._send_once(step, path, body)
        for _ in range(_REPETITIONS):
            is_unanswered = step.method == "GET" and exchange.problem
            if exchange.status != 429 and not is_unanswered:
                break
            self.timer.sleep(1.0)
            exchange = self._send_once(step, path, body)
        self.exchanges[step.name] = exchange
        if step.path == "interactions" and exchange.id:
            self.bindings[f"id:{step.name}"] = exchange.id
        return exchange

    def _send_once(self, step: Step, path: str, body: Json) -> Exchange:
        sent = self.elapsed
        reply = self.session.send(step.method, path, body)
        return _read(step, sent, self.elapsed, reply)

    def sanitized(self, exchange: Exchange) -> Json:
        """Return the answer of an exchange as it may be written to a file."""
        return self.sanitizer.sanitize(exchange, self.bindings)


def _read(step: Step, sent: float, received: float, reply: Reply) -> Exchange:
    if reply.problem:
        return Exchange(step, sent, received, reply.status, problem=reply.problem.message)
    try:
        text = reply.body.decode("utf-8-sig")
        value = loads(text) if text.strip() else None
    except (JsonError, UnicodeDecodeError):
        problem = "the answer is not JSON"
        return Exchange(step, sent, received, reply.status, problem=problem)
    return Exchange(step, sent, received, reply.status, value)
