"""The retry policies: their limits, their delays, and the longest time that they allow a send."""

import math
from typing import Any

import pytest

from engage_interactions import RetryPolicy
from engage_interactions._runtime.call.retry import retry
from engage_interactions._runtime.call.steps import Answer, Failure, Reply, Request, Stop, Wait
from engage_interactions._runtime.errors import NotSentError

DAY = 86_400


@pytest.mark.parametrize("name", ["retry_delays", "lookup_delays"])
@pytest.mark.parametrize("seconds", [0, 0.0, 1e-9, DAY - 0.5, DAY])
def test_a_delay_can_be_from_zero_to_a_day(name: str, seconds: float) -> None:
    delays: dict[str, Any] = {name: [seconds]}
    policy = RetryPolicy(**delays)
    assert getattr(policy, name) == (seconds,)


@pytest.mark.parametrize("name", ["retry_delays", "lookup_delays"])
@pytest.mark.parametrize("seconds", [-1e-9, -1.0, DAY + 0.5, DAY + 1, math.inf, math.nan])
def test_a_delay_outside_of_a_day_is_refused_and_named(name: str, seconds: float) -> None:
    delays: dict[str, Any] = {name: [1.0, seconds]}
    with pytest.raises(ValueError, match=str(seconds)):
        RetryPolicy(**delays)


@pytest.mark.parametrize("seconds", [1e-9, 0.5, 1, 1e9])
def test_a_deadline_can_be_any_number_of_seconds_above_zero(seconds: float) -> None:
    assert RetryPolicy(deadline=seconds).deadline == seconds


@pytest.mark.parametrize("seconds", [0, -1.0, math.inf, math.nan])
def test_a_deadline_that_cannot_work_is_refused_and_named(seconds: float) -> None:
    with pytest.raises(ValueError, match=str(seconds)):
        RetryPolicy(deadline=seconds)


def test_the_policies_have_their_documented_delays() -> None:
    delays = (10.0, 30.0, 60.0, 300.0)
    assert RetryPolicy.never() == RetryPolicy()
    assert RetryPolicy.never().deadline is None
    assert RetryPolicy.interactive() == RetryPolicy(
        retry_delays=(0.5, 1.0, 2.0), lookup_delays=(1.0,), resend=False, deadline=14.0
    )
    assert RetryPolicy.background() == RetryPolicy(
        retry_delays=delays, lookup_delays=delays, resend=True, deadline=None
    )
    assert RetryPolicy.background().resend is True


@pytest.mark.parametrize(
    ("policy", "seconds"),
    [
        (RetryPolicy.never(), 60.0),
        (RetryPolicy(lookup_delays=[5.0]), 60.0 + 65.0),
        (RetryPolicy(lookup_delays=[5.0, 7.0], resend=True), 2 * (60.0 + 65.0 + 67.0)),
        (RetryPolicy(retry_delays=[3.0]), 60.0 + 2 * 63.0),
        (
            RetryPolicy(retry_delays=[3.0, 4.0], lookup_delays=[5.0], resend=True),
            2 * (60.0 + 65.0 + 2 * (63.0 + 64.0)),
        ),
    ],
)
def test_the_longest_time_counts_a_minute_for_each_request(
    policy: RetryPolicy, seconds: float
) -> None:
    assert policy.longest_seconds == seconds


TOO_MANY = Answer(429, b"")
NOT_SENT = Failure("refused", may_have_arrived=False)


@pytest.mark.parametrize(
    ("reply", "seconds"),
    [
        (NOT_SENT, 0.25),
        (TOO_MANY, 0.25),
        (Answer(429, b"", 0.0), 0.25),
        (Answer(429, b"", 0.125), 0.25),
        (Answer(429, b"", 0.5), 0.5),
        (Answer(429, b"", 0.625), 0.625),  # the sum of the delays
        (Answer(429, b"", 0.75), None),
    ],
)
def test_a_retry_waits_for_its_delay_or_a_longer_retry_after(
    reply: Reply, seconds: float | None
) -> None:
    def interpret(reply: Reply) -> str:
        raise NotSentError("refused")

    request = Request("POST", "interactions")
    policy = RetryPolicy(retry_delays=(0.25, 0.375))
    call = retry(request, interpret, policy, (NotSentError,))
    assert next(call) is request
    if seconds is None:
        with pytest.raises(NotSentError, match="refused"):
            call.send(reply)
    else:
        assert call.send(reply) == Wait(seconds, "retry")
        with pytest.raises(NotSentError, match="refused"):
            call.throw(Stop())
