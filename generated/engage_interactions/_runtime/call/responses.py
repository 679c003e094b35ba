"""Requests, replies, and what a reply means. No I/O."""

import json
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import NoReturn, TypeAlias, TypeVar, cast

from ..errors import (
    NotAuthorised,
    NotSent,
    OutcomeUnknown,
    RateLimited,
    ReadFailed,
    Rejected,
    UnknownContact,
    UnknownInteraction,
    UnknownSchema,
)
from ..payload.checks import Json

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Request:
    """`target` is path and query below ``/api/v3/``, quoted."""

    method: str
    target: str
    body: bytes | None = field(default=None, repr=False)

    @property
    def route(self) -> str:
        """The path without ids."""
        return "interactions/{id}" if "/" in self.target else "interactions"


@dataclass(frozen=True, slots=True)
class Answer:
    """The platform answered. `retry_after` is in seconds, if it named any."""

    status: int
    body: bytes = field(repr=False)
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """It did not. `sent` says whether the request may have reached it."""

    reason: str
    sent: bool


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait that many seconds, for the sake of `reason`: retry or look."""

    seconds: float
    reason: str


class Stop(Exception):
    """Thrown into a call that waits: it ends now, in the outcome that is known by now."""


Reply: TypeAlias = Answer | Failure
Call: TypeAlias = Generator[Request | Wait, Reply, T]
"""Requests and waits go out; a reply comes for each, and means nothing for a wait."""


def done(reply: Reply, stamp: str | None, about: str = "contact schema") -> Answer:
    """The answer to a POST or DELETE that the platform has carried out."""
    if isinstance(reply, Failure):
        if reply.sent:
            raise OutcomeUnknown(f"sent, but not answered: {reply.reason}", stamp)
        raise NotSent(reply.reason)
    if reply.status == 429:
        raise RateLimited("the platform answered 429: too many requests", reply.retry_after)
    if reply.status >= 500 or reply.status == 408:
        raise OutcomeUnknown(f"the platform answered {reply.status}", stamp)
    if not 200 <= reply.status < 300:
        _refuse(reply, about)
    return reply


def read(reply: Reply, about: str = "contact schema") -> dict[str, Json]:
    """The JSON object that a GET was answered with."""
    if isinstance(reply, Failure):
        raise ReadFailed(reply.reason)
    if reply.status == 429:
        raise RateLimited("the platform answered 429: too many requests", reply.retry_after)
    if reply.status >= 500 or reply.status == 408:
        raise ReadFailed(f"the platform answered {reply.status}")
    if not 200 <= reply.status < 300:
        _refuse(reply, about)
    value = parse(reply)
    if not isinstance(value, dict):
        raise ReadFailed(f"answered {reply.status} with a body that is no JSON object")
    return value


def parse(answer: Answer) -> Json:
    """The JSON in the body; None if there is none."""
    try:
        return cast(Json, json.loads(answer.body))
    except (ValueError, RecursionError):
        return None


def _refuse(answer: Answer, about: str) -> NoReturn:
    """Raise what an answer outside 2xx means; `about` names what a 404 can be about."""
    value = parse(answer)
    details = value if isinstance(value, dict) else {}
    code, text = (_text(details.get(key)) for key in ("errorCode", "message"))
    message = ": ".join(filter(None, (code, text))) or "the platform refused the request"
    reasons = _reasons(details.get("messageDetails"))
    kind: type[Rejected] = Rejected
    if answer.status in (401, 403):
        kind = NotAuthorised
    elif answer.status == 404:
        kind = _unknown(code, text, about)
    raise kind(message[:500], answer.status, reasons)


def _unknown(code: str, text: str, about: str) -> type[Rejected]:
    """What there is none of: the code says it best, else the text, where it speaks of something
    that the request was about."""
    for word, kind in _UNKNOWN.items():
        if word in code.lower():
            return kind
    for word in about.split():
        if word in text.lower():
            return _UNKNOWN[word]
    return Rejected


_UNKNOWN: dict[str, type[Rejected]] = {
    "contact": UnknownContact,
    "schema": UnknownSchema,
    "interaction": UnknownInteraction,
}


def _reasons(details: Json) -> list[str]:
    """The texts in messageDetails, whatever its shape."""
    found: list[str] = []
    level = [details]
    while level and len(found) < 50:
        item = level.pop(0)
        if isinstance(item, dict):
            level += item.values()
        elif isinstance(item, list):
            level += item
        elif isinstance(item, str):
            found.append(_line(item)[:500])
    return found


def _text(value: Json) -> str:
    return _line(value) if isinstance(value, str) else ""


def _line(text: str) -> str:
    """On one line, and harmless in a terminal."""
    return "".join(c if c.isprintable() else " " for c in " ".join(text[:2000].split()))
