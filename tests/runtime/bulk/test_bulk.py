"""A bulk send reports one outcome for every item, and keeps few requests in flight."""

import asyncio
import os
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from queue import SimpleQueue
from typing import Any
from uuid import UUID

import pytest

from engage_interactions._runtime.async_client import AsyncEngageClient
from engage_interactions._runtime.bulk import threads as bulk_threads
from engage_interactions._runtime.bulk.item import ItemSource
from engage_interactions._runtime.bulk.outcome import BulkResult, Outcome
from engage_interactions._runtime.bulk.send_many import send_many, stream_many
from engage_interactions._runtime.bulk.send_many_async import send_many_async, stream_many_async
from engage_interactions._runtime.call.item import Item
from engage_interactions._runtime.call.retry import RetryPolicy
from engage_interactions._runtime.engine.window import Window
from engage_interactions._runtime.errors import (
    ConfigurationError,
    InvalidPayloadError,
    NotSentError,
    OutcomeUnknownError,
    RejectedError,
)
from engage_interactions._runtime.transport.rate_limiter import ProcessRateLimiter
from tests.support.processes import exit_code_of, fork
from tests.support.runtime.bulk import (
    BusyPlatform,
    gifts,
    send_tasks,
    send_threads,
    stream_tasks,
    stream_threads,
    task_client,
    thread_client,
    wait_or_fail,
)
from tests.support.runtime.clocks import FakeClock
from tests.support.runtime.http_library import httpx
from tests.support.runtime.platform import CONTACT, Gift

ONCE = RetryPolicy.never()
MOMENT = datetime(2020, 2, 29, 12, 0, tzinfo=UTC)
Stream = Callable[..., list[Outcome]]
Send = Callable[..., BulkResult]
both = pytest.mark.parametrize("stream", [stream_threads, stream_tasks])
both_eager = pytest.mark.parametrize("send", [send_threads, send_tasks])


@both_eager
def test_a_call_sends_everything_and_returns_a_summary(send: Send) -> None:
    platform = BusyPlatform(["ok", "refused before", "timeout before", "never left", "ok"])
    reported: list[Outcome] = []
    result = send(platform, gifts(5), retry=ONCE, on_outcome=reported.append)
    assert result.sent == len(platform.stored) == 2
    assert len(reported) == 5
    errors = [outcome for outcome in reported if outcome.error]
    assert list(result.failed) == sorted(errors, key=lambda outcome: outcome.number)
    assert [type(outcome.error) for outcome in errors].count(RejectedError) == 1


@both_eager
def test_failed_outcomes_have_the_order_of_the_input(send: Send) -> None:
    result = send(BusyPlatform(["refused before"] * 50), gifts(50), retry=ONCE)
    assert result.sent == 0
    assert [outcome.number for outcome in result.failed] == list(range(50))


@both
def test_every_item_has_one_outcome_and_is_stored_once(stream: Stream) -> None:
    platform = BusyPlatform()
    reported: list[Outcome] = []
    outcomes = stream(platform, gifts(300), on_outcome=reported.append)
    assert reported == outcomes
    assert sorted(outcome.number for outcome in outcomes) == list(range(300))
    by_id = {item["id"]: item["payload"] for item in platform.stored}
    assert len(by_id) == 300
    for outcome in outcomes:
        assert outcome.receipt is not None
        assert by_id[outcome.receipt.id] == {"note": "a", "price": outcome.number}


@both
def test_an_empty_input_has_no_outcomes(stream: Stream) -> None:
    assert stream(BusyPlatform(), gifts(0)) == []


@both
def test_every_error_belongs_to_its_item(stream: Stream) -> None:
    faults = ["ok", "refused before", "timeout before", "never left", "ok"]
    outcomes = stream(BusyPlatform(faults), gifts(5), retry=ONCE)
    kinds = sorted(type(outcome.error or outcome.receipt).__name__ for outcome in outcomes)
    assert kinds == sorted(
        [kind.__name__ for kind in (RejectedError, OutcomeUnknownError, NotSentError)]
        + ["Receipt", "Receipt"]
    )


@both
def test_an_item_that_cannot_be_sent_does_not_stop_the_others(stream: Stream) -> None:
    class Broken(Gift):
        def to_payload(self) -> Any:
            raise RuntimeError("a bug in the payload class")

    items: list[ItemSource] = [(CONTACT, Gift("a")), ("", Gift("b")), (CONTACT, Broken("c"))]
    outcomes = sorted(stream(BusyPlatform(), iter(items)), key=lambda outcome: outcome.number)
    assert outcomes[0].receipt is not None
    assert type(outcomes[1].error) is InvalidPayloadError
    assert type(outcomes[2].error) is InvalidPayloadError
    assert type(outcomes[2].error.__cause__) is RuntimeError


NO_PAIRS: list[Any] = [None, "ab", (), (CONTACT,), (CONTACT, Gift("a"), 1), {"a": 1, "b": 2}, 7]


@both_eager
@pytest.mark.parametrize("bad", NO_PAIRS, ids=repr)
def test_an_item_that_is_not_a_pair_has_an_outcome_that_names_its_index(
    send: Send, bad: Any
) -> None:
    items: list[Any] = [(CONTACT, Gift("a")), bad, [CONTACT, Gift("b")]]
    platform = BusyPlatform()
    result = send(platform, items)
    assert (result.sent, len(platform.stored)) == (2, 2)
    (outcome,) = result.failed
    assert type(outcome.error) is ConfigurationError
    assert "Item 1 " in str(outcome.error)
    assert (outcome.number, outcome.contact_id) == (1, "")
    assert outcome.source is bad
    assert outcome.payload is None


@both_eager
def test_an_item_carries_a_date_and_a_key(send: Send) -> None:
    outcomes: list[Outcome] = []
    items: list[ItemSource] = [
        Item(CONTACT, Gift("a"), created_date=MOMENT, key="row 1"),
        Item(UUID(CONTACT), Gift("b"), key=2),
        Item("anna@example.com", Gift("c"), key="row 3"),
        (UUID(CONTACT), Gift("d")),
    ]
    platform = BusyPlatform()
    result = send(platform, items, on_outcome=outcomes.append)
    outcomes.sort(key=lambda outcome: outcome.number)
    assert [outcome.key for outcome in outcomes] == ["row 1", 2, "row 3", None]
    ids = [CONTACT, CONTACT, "anna@example.com", CONTACT]
    assert [outcome.contact_id for outcome in outcomes] == ids
    assert [outcome.number for outcome in result.failed] == [2]
    dates = {item["payload"]["note"]: item["createdDate"] for item in platform.stored}
    assert dates["a"] == MOMENT.isoformat()
    assert dates["b"] != dates["a"]
    receipt = outcomes[0].receipt
    assert receipt is not None
    assert receipt.created_date == MOMENT


@both_eager
def test_a_callable_and_an_exception_are_accounted_for(send: Send) -> None:
    """A payload that cannot be created ends no bulk send."""
    refusal = LookupError("the row has no contact")

    def invalid() -> ItemSource:
        raise refusal

    sources: list[Any] = [
        lambda: (CONTACT, Gift("a")),
        lambda: Item(CONTACT, Gift("b"), key="b"),
        invalid,
        refusal,
        InvalidPayloadError("gift", []),
        lambda: "no item",
        lambda: refusal,
        Gift,
        (CONTACT, Gift("c")),
    ]
    platform = BusyPlatform()
    outcomes: list[Outcome] = []
    result = send(platform, sources, on_outcome=outcomes.append)
    assert sorted(item["payload"]["note"] for item in platform.stored) == ["a", "b", "c"]
    assert (result.sent, len(outcomes)) == (3, len(sources))
    errors = {outcome.number: outcome.error for outcome in result.failed}
    assert errors[2] is errors[3] is refusal
    assert type(errors[4]) is InvalidPayloadError
    assert type(errors[5]) is type(errors[6]) is ConfigurationError
    assert "Item 5 " in str(errors[5])
    assert type(errors[7]) is TypeError
    for outcome in outcomes:
        assert outcome.source is sources[outcome.number]
    assert [outcome.key for outcome in outcomes if outcome.number == 1] == ["b"]


@both_eager
def test_the_options_of_a_send_apply_to_every_item(send: Send) -> None:
    requests: list[Any] = []

    class Platform(BusyPlatform):
        def __call__(self, request: Any) -> Any:
            requests.append(request)
            return super().__call__(request)

    items: list[ItemSource] = [(CONTACT, Gift("a")), (CONTACT, Gift("b"))]
    send(Platform(), items, headers={"traceparent": "00-ab"}, timeout=7.0, deadline=9.0)
    assert {request.headers["traceparent"] for request in requests} == {"00-ab"}
    requests.clear()
    mistakes: list[dict[str, Any]] = [
        {"deadline": -1},
        {"timeout": 0},
        {"headers": {"apikey": "x"}},
    ]
    for mistake in mistakes:
        with pytest.raises(ConfigurationError, match=next(iter(mistake))):
            send(Platform(), items, **mistake)
    assert not requests


@pytest.mark.parametrize("error_class", [SystemExit, KeyboardInterrupt, GeneratorExit])
def test_a_payload_that_ends_the_thread_has_an_outcome(error_class: type[BaseException]) -> None:
    class Broken(Gift):
        def to_payload(self) -> Any:
            raise error_class

    result = send_threads(BusyPlatform(), [(CONTACT, Broken("a")), (CONTACT, Gift("b"))])
    assert result.sent == 1
    assert type(result.failed[0].error) is OutcomeUnknownError
    assert isinstance(result.failed[0].error.__cause__, error_class)


def test_a_client_of_the_other_kind_is_refused() -> None:
    platform = BusyPlatform()
    clients: tuple[Any, Any] = thread_client(platform), task_client(platform)
    with pytest.raises(ConfigurationError, match=r"AsyncEngageClient.*send_many_async\."):
        send_many(clients[1], gifts(1))
    with pytest.raises(ConfigurationError, match=r"EngageClient.*send_many\."):
        asyncio.run(send_many_async(clients[0], gifts(1)))
    with pytest.raises(ConfigurationError, match="type object"):
        stream_many(object(), gifts(1))  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]


@both_eager
def test_an_async_function_that_nobody_would_await_is_refused(send: Send) -> None:
    async def note(outcome: Outcome) -> None:
        raise AssertionError

    platform = BusyPlatform()
    with pytest.raises(ConfigurationError, match="async function"):
        send(platform, gifts(1), on_outcome=note)
    assert not platform.posts


@both
def test_an_item_is_taken_only_when_it_is_about_to_be_sent(stream: Stream) -> None:
    taken_numbers: list[int] = []
    done: list[Outcome] = []
    in_progress: list[int] = []

    def note(outcome: Outcome) -> None:
        done.append(outcome)
        in_progress.append(len(taken_numbers) - len(done))

    stream(BusyPlatform(), gifts(500, taken_numbers), on_outcome=note)
    assert len(taken_numbers) == len(done) == 500
    assert max(in_progress) <= 64


def test_items_are_taken_and_outcomes_reported_in_the_calling_thread() -> None:
    threads: set[threading.Thread] = set()

    def items() -> Any:
        for item in gifts(20):
            threads.add(threading.current_thread())
            yield item

    def note(outcome: Outcome) -> None:
        threads.add(threading.current_thread())

    assert send_threads(BusyPlatform(), items(), on_outcome=note).sent == 20
    assert threads == {threading.current_thread()}


@both
def test_a_low_rate_limit_keeps_few_requests_in_flight(stream: Stream) -> None:
    platform = BusyPlatform()
    stream(platform, gifts(120), rate=10)
    assert platform.most_in_flight <= 4
    assert platform.clock.monotonic() >= 11


def test_slow_answers_lead_to_more_and_more_requests_in_flight() -> None:
    """No request is answered before ten are in flight."""
    platform = BusyPlatform()
    platform.gate = threading.Event()
    platform.is_full = lambda in_flight: in_flight == 10
    assert send_threads(platform, gifts(100)).sent == 100


def test_slow_answers_lead_to_more_and_more_tasks_in_flight() -> None:
    """No request is answered before ten are in flight."""
    platform = BusyPlatform()

    async def send() -> BulkResult:
        in_flight, are_many = 0, asyncio.Event()

        async def answer(request: httpx.Request) -> httpx.Response:
            nonlocal in_flight
            in_flight += 1
            if in_flight == 10:
                are_many.set()
            await asyncio.wait_for(are_many.wait(), 30)
            return platform(request)

        http = httpx.AsyncClient(transport=httpx.MockTransport(answer))
        client = AsyncEngageClient(
            "https://b.example", api_key="k", user_agent="a/1", rate=10**6, http=http
        )
        return await send_many_async(client, gifts(20))

    assert asyncio.run(send()).sent == 20


class Queue(ProcessRateLimiter):
    """A limiter for which so many requests wait as the test says."""

    waiting = 0

    @property
    def queue_length(self) -> int:
        return self.waiting


@pytest.mark.parametrize(
    ("waiting", "running", "slots"),
    [
        (0, [0, 0, 0], [2, 2, 2]),  # not used up: no more are needed
        (0, [1, 2, 3, 4], [2, 2, 2, 2]),  # used up, and nothing waits for the limiter: grow
        (1, [1, 2, 3, 4], [2, 2, 2, 2]),
        (0, [*range(1, 62), 62, 63, 64, 64], [*[2] * 62, 1, 0, 0]),
        (2, [1, 1, 1], [1, 1, 1]),  # stay
        (3, [0, 0, 0], [1, 1, 1]),  # shrink, but never to nothing
        (3, [2, 2], [0, 0]),
    ],
)
def test_the_window_grows_while_nothing_waits_and_shrinks_while_several_wait(
    waiting: int, running: Sequence[int], slots: Sequence[int]
) -> None:
    limiter = Queue(50, FakeClock())
    limiter.waiting = waiting
    window = Window(limiter)
    assert [window.free_slots(count) for count in running] == slots


def test_the_window_grows_and_shrinks_by_one() -> None:
    limiter = Queue(50, FakeClock())
    window = Window(limiter)
    assert [window.free_slots(count) for count in (1, 2, 3)] == [2, 2, 2]
    limiter.waiting = 3
    assert [window.free_slots(0) for _ in range(5)] == [4, 3, 2, 1, 1]
    limiter.waiting = 1
    assert [window.free_slots(count) for count in (0, 1, 2)] == [2, 2, 2]


def test_a_stream_looks_twenty_times_a_second_whether_it_can_send_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    timeouts: set[float | None] = set()

    class RecordingQueue(SimpleQueue[Any]):
        def get(self, block: bool = True, timeout: float | None = None) -> Any:
            timeouts.add(timeout)
            return super().get(block, timeout)

    monkeypatch.setattr(bulk_threads, "SimpleQueue", RecordingQueue)
    assert len(stream_threads(BusyPlatform(), gifts(3))) == 3
    assert timeouts == {None, 0.05}


def test_sends_that_wait_for_a_retry_do_not_hold_the_others_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The window grows again and again while the first sends wait, also if none finishes."""
    everything_else = threading.Event()

    class WaitingClock(FakeClock):
        def sleep(self, seconds: float, stop: threading.Event | None = None) -> None:
            wait_or_fail(everything_else)

    class Waiting(BusyPlatform):
        def __init__(self) -> None:
            super().__init__(["429"] * 8)
            self.clock = WaitingClock()

        def __call__(self, request: Any) -> Any:
            response = super().__call__(request)
            if len(self.stored) == 12:
                everything_else.set()
            return response

    platform = Waiting()
    client = thread_client(platform)
    monkeypatch.setattr(client.__engine__.limiter, "slow_down", print)
    assert send_many(client, gifts(20), retry=RetryPolicy(retry_delays=(1,))).sent == 20


def test_a_machine_without_more_threads_sends_with_those_that_it_has(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    start, started = threading.Thread.start, list[threading.Thread]()

    def start_few(thread: threading.Thread) -> None:
        if len(started) == limit:
            raise RuntimeError("can't start new thread")
        started.append(thread)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", start_few)
    limit = 3
    assert send_threads(BusyPlatform(), gifts(20)).sent == 20
    limit = 1
    started.clear()
    assert send_threads(BusyPlatform(), gifts(20)).sent == 20
    limit = 0
    started.clear()
    taken_numbers: list[int] = []
    with pytest.raises(RuntimeError, match="new thread"):
        send_threads(BusyPlatform(), gifts(20, taken_numbers))
    assert taken_numbers == []


def test_the_threads_end_with_the_bulk_send() -> None:
    before = set(threading.enumerate())
    send_threads(BusyPlatform(), gifts(100))
    for thread in set(threading.enumerate()) - before:
        thread.join(30)
        assert not thread.is_alive()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
# A worker of pytest-xdist has another thread, which is what the warning is about.
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_child_can_send_but_does_not_continue_the_stream_of_its_parent() -> None:
    platform = BusyPlatform()
    parents_stream = stream_many(thread_client(platform), gifts(50))
    next(parents_stream)

    def child() -> None:
        with pytest.raises(ConfigurationError, match="process"):
            next(parents_stream)
        parents_stream.close()
        here = BusyPlatform()
        assert send_threads(here, gifts(20)).sent == len(here.stored) == 20

    assert exit_code_of(fork(child)) == 0
    assert len(list(parents_stream)) == 49


def test_a_stream_that_was_never_started_warns_when_it_is_deleted() -> None:
    platform = BusyPlatform()
    with pytest.warns(RuntimeWarning, match=r"stream_many was called.*call send_many\.") as caught:
        stream_many(thread_client(platform), gifts(5))
    assert (len(caught), caught[0].filename) == (1, __file__)
    with pytest.warns(RuntimeWarning, match="stream_many_async was called.*send_many_async"):
        stream_many_async(task_client(platform), gifts(5))
    with stream_many(thread_client(platform), gifts(5)) as stream:
        pass
    with pytest.warns(RuntimeWarning, match="stream_many was called"):
        del stream
    assert not platform.posts


def test_a_stream_that_was_closed_on_purpose_does_not_warn() -> None:
    platform = BusyPlatform()
    stream = stream_many(thread_client(platform), gifts(5))
    stream.close()
    assert list(stream) == []
    with pytest.raises(ZeroDivisionError), stream_many(thread_client(platform), gifts(5)):
        _ = 1 / 0

    async def close() -> None:
        later = stream_many_async(task_client(platform), gifts(5))
        await later.aclose()
        assert [outcome async for outcome in later] == []

    asyncio.run(close())
    assert not platform.posts
