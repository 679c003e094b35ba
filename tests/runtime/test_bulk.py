"""Many sends at once: every item ends in its own outcome, whatever happens between."""

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import httpx
import pytest

from runtime.async_client import AsyncEngageClient
from runtime.bulk.send_many import Item, Outcome, send_many, send_many_async
from runtime.call.retry import RetryPolicy
from runtime.client import EngageClient
from runtime.errors import InvalidPayloadError, NotSentError, OutcomeUnknownError, RejectedError
from tests.support.clocks import FakeClock
from tests.support.platform import CONTACT, Gift, Platform


class Crowd(Platform):
    """A platform that may be asked by many at once, and counts how many there are."""

    def __init__(self, script: Sequence[str] = ()) -> None:
        super().__init__(FakeClock(), list(script))
        self.lock = threading.Lock()
        self.present = self.most = 0
        self.gate: threading.Event | None = None

    def __call__(self, request: httpx.Request) -> httpx.Response:
        with self.lock:
            self.present += 1
            self.most = max(self.most, self.present)
        try:
            if self.gate is not None:
                self.gate.wait(30)
            with self.lock:
                return super().__call__(request)
        finally:
            with self.lock:
                self.present -= 1


SETTINGS: dict[str, Any] = {"api_key": "k", "user_agent": "a/1"}
ONCE = RetryPolicy.never()


def threads(
    crowd: Crowd, items: Iterator[Item], rate: int = 1_000_000, **more: Any
) -> list[Outcome]:
    http = httpx.Client(transport=httpx.MockTransport(crowd))
    client = EngageClient("https://b.example", rate=rate, clock=crowd.clock, http=http, **SETTINGS)
    return list(send_many(client, items, **more))


def tasks(crowd: Crowd, items: Iterator[Item], rate: int = 1_000_000, **more: Any) -> list[Outcome]:
    async def collect() -> list[Outcome]:
        http = httpx.AsyncClient(transport=httpx.MockTransport(crowd))
        client = AsyncEngageClient(
            "https://b.example", rate=rate, clock=crowd.clock, http=http, **SETTINGS
        )
        return [outcome async for outcome in send_many_async(client, items, **more)]

    return asyncio.run(collect())


Send = Callable[..., list[Outcome]]
both = pytest.mark.parametrize("send", [threads, tasks])


def gifts(count: int, taken: list[int] | None = None) -> Iterator[Item]:
    for number in range(count):
        if taken is not None:
            taken.append(number)
        yield CONTACT, Gift("a", number)


@both
def test_every_item_has_one_outcome_and_is_stored_once(send: Send) -> None:
    crowd = Crowd()
    told: list[Outcome] = []
    outcomes = send(crowd, gifts(300), on_outcome=told.append)
    assert told == outcomes
    assert sorted(outcome.number for outcome in outcomes) == list(range(300))
    by_id = {it["id"]: it["payload"] for it in crowd.stored}
    assert len(by_id) == 300
    for outcome in outcomes:
        assert outcome.receipt is not None
        assert by_id[outcome.receipt.id] == {"note": "a", "price": outcome.number}


@both
def test_nothing_to_send_is_nothing_to_do(send: Send) -> None:
    assert send(Crowd(), gifts(0)) == []


@both
def test_each_failure_is_that_of_its_item(send: Send) -> None:
    script = ["ok", "refused before", "timeout before", "never left", "ok"]
    outcomes = send(Crowd(script), gifts(5), retry=ONCE)
    kinds = sorted(type(outcome.error or outcome.receipt).__name__ for outcome in outcomes)
    assert kinds == sorted(
        [kind.__name__ for kind in (RejectedError, OutcomeUnknownError, NotSentError)]
        + ["Receipt", "Receipt"]
    )


@both
def test_an_item_that_cannot_be_sent_stops_nobody(send: Send) -> None:
    class Broken(Gift):
        def to_payload(self) -> Any:
            raise RuntimeError("a bug of the caller's")

    items: list[Item] = [(CONTACT, Gift("a")), ("", Gift("b")), (CONTACT, Broken("c"))]
    outcomes = sorted(send(Crowd(), iter(items)), key=lambda outcome: outcome.number)
    assert outcomes[0].receipt is not None
    assert type(outcomes[1].error) is InvalidPayloadError
    assert type(outcomes[2].error) is RuntimeError


@both
def test_items_are_taken_only_when_they_are_about_to_be_sent(send: Send) -> None:
    taken: list[int] = []
    done: list[Outcome] = []
    ahead: list[int] = []

    def note(outcome: Outcome) -> None:
        done.append(outcome)
        ahead.append(len(taken) - len(done))

    send(Crowd(), gifts(500, taken), on_outcome=note)
    assert len(taken) == len(done) == 500
    assert max(ahead) <= 64


@both
def test_no_more_are_in_flight_than_the_pace_needs(send: Send) -> None:
    crowd = Crowd()
    send(crowd, gifts(120), rate=10)
    assert crowd.most <= 4
    assert crowd.clock.monotonic() >= 11


def test_more_are_in_flight_while_answers_are_slow_and_the_pace_allows_it() -> None:
    crowd = Crowd()
    crowd.gate = threading.Event()
    threading.Timer(0.3, crowd.gate.set).start()
    threads(crowd, gifts(40))
    assert crowd.most >= 2


def test_a_loop_that_is_left_leaves_nothing_unaccounted_for() -> None:
    crowd = Crowd()
    taken: list[int] = []
    told: list[Outcome] = []
    http = httpx.Client(transport=httpx.MockTransport(crowd))
    client = EngageClient("https://b.example", clock=crowd.clock, http=http, **SETTINGS)
    for outcome in send_many(client, gifts(500, taken), on_outcome=told.append):
        if outcome.number >= 50:
            break
    numbers = sorted(outcome.number for outcome in told)
    assert numbers == taken
    assert len(crowd.stored) == len(taken) < 500


@both
def test_an_interrupt_while_an_outcome_is_told_loses_none(send: Send) -> None:
    taken: list[int] = []
    told: list[int] = []
    crowd = Crowd()

    def tell(outcome: Outcome) -> None:
        if len(told) == 10:
            told.append(-1)
            raise KeyboardInterrupt
        told.append(outcome.number)

    with pytest.raises(KeyboardInterrupt):
        send(crowd, gifts(60, taken), on_outcome=tell)
    told.remove(-1)
    assert sorted(told) == taken
    assert len(crowd.stored) == len(taken)


def test_an_interrupt_cuts_waits_short_and_tells_what_is_known() -> None:
    crowd = Crowd(["timeout before", "429", "timeout before", "429"] * 50)
    told: list[Outcome] = []
    http = httpx.Client(transport=httpx.MockTransport(crowd))
    client = EngageClient("https://c.example", rate=1_000_000, http=http, **SETTINGS)
    policy = RetryPolicy(retry_delays=(3600.0,), lookup_delays=(3600.0,))

    def items() -> Iterator[Item]:
        yield from gifts(8)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(send_many(client, items(), retry=policy, on_outcome=told.append))
    assert sorted(outcome.number for outcome in told) == list(range(len(told)))
    assert told
    assert all(isinstance(it.error, (NotSentError, OutcomeUnknownError)) for it in told)


def test_a_cancelled_task_lets_what_is_in_flight_come_to_its_end() -> None:
    crowd = Crowd()
    taken: list[int] = []
    told: list[Outcome] = []

    async def work() -> None:
        http = httpx.AsyncClient(transport=httpx.MockTransport(crowd))
        client = AsyncEngageClient("https://d.example", clock=crowd.clock, http=http, **SETTINGS)
        async for _ in send_many_async(client, gifts(10**6, taken), on_outcome=told.append):
            await asyncio.sleep(0)

    async def cancel() -> None:
        task = asyncio.create_task(work())
        while len(told) < 20:
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        # An asynchronous generator that is left is closed by the loop, soon.
        while len(told) < len(taken):
            await asyncio.sleep(0)

    asyncio.run(cancel())
    assert sorted(outcome.number for outcome in told) == taken
    assert len(crowd.stored) == len(taken)
