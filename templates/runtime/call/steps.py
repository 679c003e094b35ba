"""The steps of a call: requests, replies and waits.

A call is a generator. It yields requests and waits, receives a reply for each of them, and returns
its result or raises an `EngageError`. An engine of a client drives it.
"""

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, TypeVar

from ..results import ResponseInfo

T = TypeVar("T")

WaitReason: TypeAlias = Literal["rate limit", "retry", "lookup"]


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request. `target` is the quoted path and query below ``/api/v3/``."""

    method: str
    target: str
    body: bytes | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    """The headers that the caller adds."""

    @property
    def route(self) -> str:
        """The path with a placeholder for the id."""
        path = self.target.partition("?")[0]
        collection, _, item = path.partition("/")
        return f"{collection}/{{id}}" if item and path != "contacts/id" else path


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP response. `retry_after` is a number of seconds, None without a usable header."""

    status: int
    body: bytes = field(repr=False)
    retry_after: float | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    """See `ResponseInfo.headers`."""
    seconds: float = 0.0

    @property
    def info(self) -> ResponseInfo:
        """The response as receipts and errors carry it."""
        return ResponseInfo(self.status, self.headers, self.seconds)


@dataclass(frozen=True, slots=True)
class Failure:
    """A request without a response. `may_have_arrived` is False if it certainly was not sent."""

    reason: str
    may_have_arrived: bool


@dataclass(frozen=True, slots=True)
class Wait:
    """A pause of that many seconds before the next request."""

    seconds: float
    reason: WaitReason


@dataclass(frozen=True, slots=True)
class Reconnect:
    """New connections for the next requests: the answers on the old ones may belong to others."""


class Stop(Exception):
    """Thrown into a call at a wait, to make it end with what it knows by then."""


Reply: TypeAlias = Answer | Failure
Call: TypeAlias = Generator[Request | Wait | Reconnect, Reply, T]
"""Every step gets a reply; a call ignores the reply to anything but a request."""
