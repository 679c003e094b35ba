"""Recorded requests, sent again to a sandbox, whose answers must have the same status and shape."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from ...schema.jsontext import Json
from ...sources.tenant_session import TenantSession
from .exchange import Exchange
from .execution import bind
from .names import draw_name
from .platform_file import Platform
from .recorder import Recorder
from .script import find_token

_DATE = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d.*", re.DOTALL)
_LITERAL = ("payload", "rel")
"""Members whose texts are compared as well."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A step that the sandbox answers in another way."""

    step: str
    recorded: str
    replayed: str


@dataclass(frozen=True, slots=True)
class _RecordedTimer:
    """A clock that shows the time at which a request was sent."""

    read: Callable[[], datetime]

    def now(self) -> datetime:
        return self.read()

    def sleep(self, seconds: float) -> None:
        del seconds


def replay(
    platform: Platform,
    session: TenantSession,
    contact: str,
    set_time: Callable[[datetime], None],
) -> list[Difference]:
    """Send the exchanges of a file to an empty sandbox, and return how its answers differ.

    `set_time` sets the clock of the sandbox, so that nothing has to wait.
    """
    now = platform.observed

    def read_time() -> datetime:
        return now

    recorder = Recorder(
        session, _RecordedTimer(read_time), bind(draw_name(platform.observed), contact)
    )
    differences: list[Difference] = []
    for exchange in platform.exchanges:
        now = platform.observed + timedelta(seconds=exchange.sent)
        set_time(now)
        differences += _compare(recorder, exchange)
    return differences


def _compare(recorder: Recorder, recorded: Exchange) -> list[Difference]:
    name = recorded.step.name
    try:
        replayed = recorder.send(recorded.step)
    except KeyError as error:
        return [Difference(name, str(recorded.status), f"cannot be sent: {error} is not known")]
    token = find_token(replayed.value)
    if token:
        recorder.bindings["token"] = token[1]
    if recorded.problem:
        return []
    answer = recorder.sanitized(replayed)
    if recorded.status != replayed.status or replayed.problem:
        shown = replayed.problem or str(replayed.status)
        return [Difference(name, str(recorded.status), shown)]
    shapes = shape_of(recorded.value), shape_of(answer)
    return [] if shapes[0] == shapes[1] else [Difference(name, *shapes)]


def shape_of(value: Json, *, is_literal: bool = False) -> str:
    """Return the shape of an answer: names, types, and the form of dates."""
    if value is None or isinstance(value, bool):
        return "null" if value is None else "boolean"
    if isinstance(value, (int, float)):
        return "integer" if isinstance(value, int) else "number"
    if isinstance(value, str):
        if is_literal:
            return repr(value)
        return re.sub(r"\d", "9", value) if _DATE.fullmatch(value) else "text"
    if isinstance(value, list):
        shapes = sorted({shape_of(item, is_literal=is_literal) for item in value})
        return f"[{' | '.join(shapes)}]"
    members = sorted(value.items())
    texts = [
        f"{name}: {shape_of(item, is_literal=is_literal or name in _LITERAL)}"
        for name, item in members
    ]
    return f"{{{', '.join(texts)}}}"
