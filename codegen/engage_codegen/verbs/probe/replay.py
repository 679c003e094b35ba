"""Recorded requests, sent again to a sandbox, whose answers must have the same status and shape."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ...schema.jsontext import Json
from ...sources.tenant_session import TenantSession
from .asking.exchange import Exchange
from .asking.recorder import Recorder
from .asking.script import find_token
from .execution import bind
from .names import draw_name
from .platform_file import Platform

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
    comparison = _Comparison(recorder)
    for exchange in platform.exchanges:
        now = platform.observed + timedelta(seconds=exchange.sent)
        set_time(now)
        comparison.add(exchange)
    return [*comparison.differences, *comparison.compare_items()]


@dataclass(slots=True)
class _Comparison:
    """The differences so far, and the listed interactions of both sides by id.

    On which page an interaction is may be chance, so each is compared with itself.
    """

    recorder: Recorder
    differences: list[Difference] = field(default_factory=list[Difference])
    recorded_items: dict[str, str] = field(default_factory=dict[str, str])
    replayed_items: dict[str, str] = field(default_factory=dict[str, str])

    def add(self, recorded: Exchange) -> None:
        """Send a recorded request again, and note how the answer differs."""
        name = recorded.step.name
        try:
            replayed = self.recorder.send(recorded.step)
        except KeyError as error:
            reason = f"not sent, because {error} has no value"
            self.differences.append(Difference(name, str(recorded.status), reason))
            return
        token = find_token(replayed.value)
        if token:
            self.recorder.bindings["token"] = token[1]
        if recorded.problem:
            return
        if recorded.status != replayed.status or replayed.problem:
            shown = replayed.problem or str(replayed.status)
            self.differences.append(Difference(name, str(recorded.status), shown))
            return
        answer = self.recorder.sanitized(replayed)
        left = shape_of(_split_items(recorded.value, self.recorded_items))
        right = shape_of(_split_items(answer, self.replayed_items))
        if left != right:
            self.differences.append(Difference(name, left, right))

    def compare_items(self) -> list[Difference]:
        """Return how the listed interactions differ."""
        return [
            Difference(f"{identifier} in a list", shape, self.replayed_items[identifier])
            for identifier, shape in self.recorded_items.items()
            if self.replayed_items.get(identifier, shape) != shape
        ]


def _split_items(value: Json, items: dict[str, str]) -> Json:
    """Move the interactions of a page to `items`, and leave whether there were any."""
    listed = value.get("items") if isinstance(value, dict) else None
    if not isinstance(value, dict) or not isinstance(listed, list):
        return value
    for item in listed:
        identifier = item.get("id") if isinstance(item, dict) else None
        items[str(identifier)] = shape_of(item)
    return {**value, "items": "some" if listed else None}


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
