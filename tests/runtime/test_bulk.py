"""`send_many` reports one outcome for every item, also after an interruption."""

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import httpx
import pytest

from engage_interactions._runtime.async_client import AsyncEngageClient
from engage_interactions._runtime.bulk.send_many import Item, Outcome, send_many, send_many_async
from engage_interactions._runtime.call.retry import RetryPolicy
from engage_interactions._runtime.client import EngageClient
from engage_interactions._runtime.errors import (
    InvalidPayloadError,
    NotSentError,
    OutcomeUnknownError,
    RejectedError,
)
from tests.support.clocks import FakeClock
from tests.support.platform import CONTACT, Gift, Platform


class BusyPlatform(Platform):
    """A platform that counts the requests in flight."""

    def __init__(self, faults: Sequence[str] = ()) -> None:
        super().__init__(FakeClock(), list(faults))
        self.lock = threading.Lock()
        self.in_flight = self.most_in_flight = 0
        self.gate: threading.Event | None = None

    def __call__(self, request: httpx.Request) -> httpx.Response:
        with self.lock:
            self.in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            if self.gate is not None:
                self.gate.wait(30)
            with self.lock:
                return super().__call__(request)
        finally:
            with self.lock:
                self.in_flight -= 1


SETTINGS: dict[str, Any] = {"api_key": "k", "user_agent": "a/1"}
ONCE = RetryPolicy.never()


def threads(
    platform: BusyPlatform, items: Iterator[Item], rate: int = 1_000_000, **more: Any
) -> list[Outcome]:
    http = httpx.Client(transport=httpx.MockTransport(platform))
    client = EngageClient(
        "https://b.example", rate=rate, clock=platform.clock, http=http, **SETTINGS
    )
    return list(send_many(client, items, **more))


def tasks(
    platform: BusyPlatform, items: Iterator[Item], rate: int = 1_000_000, **more: Any
) -> list[Outcome]:
    async def collect() -> list[Outcome]:
        http = httpx.AsyncClient(transport=httpx.MockTransport(platform))
        client = AsyncEngageClient(
            "https://b.example", rate=rate, clock=platform.clock, http=http, **SETTINGS
        )
        return [outcome async for outcome in send_many_async(client, items, **more)]

    return asyncio.run(collect())


Send = Callable[..., list[Outcome]]
both = pytest.mark.parametrize("send", [threads, tasks])


def gifts(count: int, taken_numbers: list[int] | None = None) -> Iterator[Item]:
    for number in range(count):
        if taken_numbers is not None:
            taken_numbers.append(number)
        yield CONTACT, Gift("a", number)


@both
def test_every_item_has_one_outcome_and_is_stored_once(send: Send) -> None:
    platform = BusyPlatform()
    reported: list[Outcome] = []
    outcomes = send(platform, gifts(300), on_outcome=reported.append)
    assert reported == outcomes
    assert sorted(outcome.number for outcome in outcomes) == list(range(300))
    by_id = {item["id"]: item["payload"] for item in platform.stored}
    assert len(by_id) == 300
    for outcome in outcomes:
        assert outcome.receipt is not None
        assert by_id[outcome.receipt.id] == {"note": "a", "price": outcome.number}


@both
def test_an_empty_input_has_no_outcomes(send: Send) -> None:
    assert send(BusyPlatform(), gifts(0)) == []


@both
def test_every_error_belongs_to_its_item(send: Send) -> None:
    faults = ["ok", "refused before", "timeout before", "never left", "ok"]
    outcomes = send(BusyPlatform(faults), gifts(5), retry=ONCE)
    kinds = sorted(type(outcome.error or outcome.receipt).__name__ for outcome in outcomes)
    assert kinds == sorted(
        [kind.__name__ for kind in (RejectedError, OutcomeUnknownError, NotSentError)]
        + ["Receipt", "Receipt"]
    )


@both
def test_an_item_that_cannot_be_sent_does_not_stop_the_others(send: Send) -> None:
    class Broken(Gift):
        def to_payload(self) -> Any:
            raise RuntimeError("a bug in the payload class")

    items: list[Item] = [(CONTACT, Gift("a")), ("", Gift("b")), (CONTACT, Broken("c"))]
    outcomes = sorted(send(BusyPlatform(), iter(items)), key=lambda outcome: outcome.number)
    assert outcomes[0].receipt is not None
    assert type(outcomes[1].error) is InvalidPayloadError
    assert type(outcomes[2].error) is InvalidPayloadError
    assert type(outcomes[2].error.__cause__) is RuntimeError


@both
def test_an_item_is_taken_only_when_it_is_about_to_be_sent(send: Send) -> None:
    taken_numbers: list[int] = []
    done: list[Outcome] = []
    in_progress: list[int] = []

    def note(outcome: Outcome) -> None:
        done.append(outcome)
        in_progress.append(len(taken_numbers) - len(done))

    send(BusyPlatform(), gifts(500, taken_numbers), on_outcome=note)
    assert len(taken_numbers) == len(done) == 500
    assert max(in_progress) <= 64


@both
def test_a_low_rate_limit_keeps_few_requests_in_flight(send: Send) -> None:
    platform = BusyPlatform()
    send(platform, gifts(120), rate=10)
    assert platform.most_in_flight <= 4
    assert platform.clock.monotonic() >= 11


def test_slow_answers_lead_to_more_requests_in_flight() -> None:
    platform = BusyPlatform()
    platform.gate = threading.Event()
    threading.Timer(0.3, platform.gate.set).start()
    threads(platform, gifts(40))
    assert platform.most_in_flight >= 2


def test_leaving_the_loop_reports_every_item_that_was_taken() -> None:
    platform = BusyPlatform()
    taken_numbers: list[int] = []
    reported: list[Outcome] = []
    http = httpx.Client(transport=httpx.MockTransport(platform))
    client = EngageClient("https://b.example", clock=platform.clock, http=http, **SETTINGS)
    for outcome in send_many(client, gifts(500, taken_numbers), on_outcome=reported.append):
        if outcome.number >= 50:
            break
    numbers = sorted(outcome.number for outcome in reported)
    assert numbers == taken_numbers
    assert len(platform.stored) == len(taken_numbers) < 500


@both
def test_an_interruption_of_on_outcome_loses_no_outcome(send: Send) -> None:
    taken_numbers: list[int] = []
    reported: list[int] = []
    platform = BusyPlatform()

    def tell(outcome: Outcome) -> None:
        if len(reported) == 10:
            reported.append(-1)
            raise KeyboardInterrupt
        reported.append(outcome.number)

    with pytest.raises(KeyboardInterrupt):
        send(platform, gifts(60, taken_numbers), on_outcome=tell)
    reported.remove(-1)
    assert sorted(reported) == taken_numbers
    assert len(platform.stored) == len(taken_numbers)


def test_an_interruption_cuts_the_waits_of_the_retry_policy_short() -> None:
    platform = BusyPlatform(["timeout before", "429", "timeout before", "429"] * 50)
    reported: list[Outcome] = []
    http = httpx.Client(transport=httpx.MockTransport(platform))
    client = EngageClient("https://c.example", rate=1_000_000, http=http, **SETTINGS)
    policy = RetryPolicy(retry_delays=(3600.0,), lookup_delays=(3600.0,))

    def items() -> Iterator[Item]:
        yield from gifts(8)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(send_many(client, items(), retry=policy, on_outcome=reported.append))
    assert sorted(outcome.number for outcome in reported) == list(range(len(reported)))
    assert reported
    assert all(
        isinstance(outcome.error, (NotSentError, OutcomeUnknownError)) for outcome in reported
    )


def test_a_canceled_task_lets_the_requests_in_flight_finish() -> None:
    platform = BusyPlatform()
    taken_numbers: list[int] = []
    reported: list[Outcome] = []

    async def work() -> None:
        http = httpx.AsyncClient(transport=httpx.MockTransport(platform))
        client = AsyncEngageClient("https://d.example", clock=platform.clock, http=http, **SETTINGS)
        async for _ in send_many_async(
            client, gifts(10**6, taken_numbers), on_outcome=reported.append
        ):
            await asyncio.sleep(0)

    async def cancel() -> None:
        task = asyncio.create_task(work())
        while len(reported) < 20:
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        # The event loop closes an abandoned asynchronous generator a little later.
        while len(reported) < len(taken_numbers):
            await asyncio.sleep(0)

    asyncio.run(cancel())
    assert sorted(outcome.number for outcome in reported) == taken_numbers
    assert len(platform.stored) == len(taken_numbers)
