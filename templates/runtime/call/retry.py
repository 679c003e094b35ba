"""Retries: the policy, and the loop that applies it to one request.

The vendor's rules: wait for the answer, because a late answer is more likely than a lost request;
retry as late as the situation allows; never repeat a POST without a lookup.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Self, TypeGuard, TypeVar, cast

from ..errors import ConfigurationError, EngageError, InteractionNotFoundError
from ..results import Record
from .steps import Answer, Call, Reply, Request, Stop, Wait

R = TypeVar("R")


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy(Record):
    """How often, and after which delays in seconds, a failed request is retried or looked up.

    `retry_delays` are the delays before each retry of a request that Engage certainly did not carry
    out: it was not sent, or Engage answered 429. The client honors a longer ``Retry-After``, up to
    the sum of these delays.

    `lookup_delays` are the delays before each lookup of an interaction whose send was not answered.

    `resend` sends the interaction once more if the last lookup did not find it. A duplicate is then
    possible only if Engage applies the first request after that lookup.

    `deadline` is the limit in seconds for a whole call, with all requests and delays. A client or a
    call can set another one. None is no limit: then every request has a timeout of its own.
    """

    retry_delays: Sequence[float] = ()
    lookup_delays: Sequence[float] = ()
    resend: bool = False
    deadline: float | None = None

    def __post_init__(self) -> None:
        for name in ("retry_delays", "lookup_delays"):
            object.__setattr__(self, name, check_delays(name, getattr(self, name)))
        check_seconds("deadline", self.deadline)
        if self.resend and not self.lookup_delays:
            message = "resend=True requires lookup_delays: look up before you resend."
            raise ConfigurationError(message)

    @property
    def longest_seconds(self) -> float:
        """The longest time between a POST and the last lookup, if requests take a minute."""
        posts = 2 if self.resend else 1
        lookups = sum(self.lookup_delays) + 60.0 * len(self.lookup_delays)
        retries = sum(self.retry_delays) + 60.0 * len(self.retry_delays)
        return posts * (60.0 + lookups + 2 * retries)

    @classmethod
    def interactive(cls) -> Self:
        """Return the default policy, for callers that wait: at most 14 seconds, no resend.

        Retries after 0.5, 1 and 2 seconds. Looks up once, after 1 second.
        """
        return cls(retry_delays=(0.5, 1.0, 2.0), lookup_delays=(1.0,), deadline=14.0)

    @classmethod
    def background(cls) -> Self:
        """Return the vendor's policy, for jobs: several minutes, and a resend at the end.

        Retries, and looks up, after 10, 30, 60 and 300 seconds.
        """
        delays = (10.0, 30.0, 60.0, 300.0)
        return cls(retry_delays=delays, lookup_delays=delays, resend=True)

    @classmethod
    def never(cls) -> Self:
        """Return a policy without retries and lookups: every call is a single request."""
        return cls()


def check_seconds(name: str, seconds: object) -> None:
    """Raise `ConfigurationError` for a duration that cannot work."""
    if seconds is not None and not (_is_number(seconds) and 0 < seconds < math.inf):
        raise ConfigurationError(
            f"The {name} must be a number of seconds above 0, not {seconds!r}."
        )


def check_delays(name: str, delays: object) -> tuple[float, ...]:
    """Return delays in seconds. Raises `ConfigurationError` for those that cannot work."""
    items = tuple(cast(Iterable[object], delays)) if isinstance(delays, Iterable) else (delays,)
    for seconds in items:
        if not (_is_number(seconds) and 0 <= seconds <= _LONGEST_DELAY):
            raise ConfigurationError(
                f"The {name} must be numbers between 0 and {_LONGEST_DELAY} seconds, "
                f"not {seconds!r}."
            )
    return cast(tuple[float, ...], items)


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


_LONGEST_DELAY = 86_400


def retry(
    request: Request,
    interpret: Callable[[Reply], R],
    policy: RetryPolicy,
    transient: tuple[type[EngageError], ...],
) -> Call[R]:
    """Send a request, and retry it by the policy while `interpret` raises a transient error."""
    delays = iter(policy.retry_delays)
    while True:
        reply = yield request
        failure: EngageError
        try:
            return interpret(reply)
        except EngageError as error:
            if isinstance(reply, Answer):
                error.response = reply.info
            # It is a `ReadError`, but an answer and no failure.
            if isinstance(error, InteractionNotFoundError) or not isinstance(error, transient):
                raise
            failure = error
        delay = next(delays, None)
        retry_after = (reply.retry_after or 0.0) if isinstance(reply, Answer) else 0.0
        if delay is None or retry_after > sum(policy.retry_delays):
            raise failure
        try:
            yield Wait(max(delay, retry_after), "retry")
        except Stop:
            raise failure from None
