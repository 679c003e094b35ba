"""Whatever interrupts a bulk send, every item that was taken from the input is reported."""

import asyncio
import gc
import logging
import operator
import random
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from engage_interactions._runtime.bulk.item import ItemSource
from engage_interactions._runtime.bulk.outcome import BulkResult, Outcome
from engage_interactions._runtime.bulk.send_many import OutcomeStream, send_many, stream_many
from engage_interactions._runtime.bulk.send_many_async import AsyncOutcomeStream, stream_many_async
from engage_interactions._runtime.call.retry import RetryPolicy
from engage_interactions._runtime.client import EngageClient
from engage_interactions._runtime.errors import NotSentError, OutcomeUnknownError
from tests.support.paths import ROOT
from tests.support.runtime.bulk import (
    BusyPlatform,
    gifts,
    send_tasks,
    send_threads,
    stream_tasks,
    stream_threads,
    task_client,
    thread_client,
)
from tests.support.runtime.http_library import httpx
from tests.support.runtime.interruptions import CHECKPOINTS, load_with_checkpoints
from tests.support.runtime.platform import CONTACT, Gift
from tests.support.tiers import IS_FULL

Send = Callable[..., BulkResult]
both = pytest.mark.parametrize("send", [send_threads, send_tasks])
Note = Callable[[Outcome], object]

ITEMS = 5
COPY = load_with_checkpoints()


def send_all(platform: BusyPlatform, items: Iterator[ItemSource], note: Note) -> None:
    COPY("send_many")(thread_client(platform), items, on_outcome=note)


def send_in_a_block(platform: BusyPlatform, items: Iterator[ItemSource], note: Note) -> None:
    with COPY("stream_many")(thread_client(platform), items, on_outcome=note) as outcomes:
        for _ in outcomes:
            pass


def send_in_a_loop(platform: BusyPlatform, items: Iterator[ItemSource], note: Note) -> None:
    for _ in COPY("stream_many")(thread_client(platform), items, on_outcome=note):
        pass


async def send_all_async(platform: BusyPlatform, items: Iterator[ItemSource], note: Note) -> None:
    await COPY("send_many_async")(task_client(platform), items, on_outcome=note)


async def send_in_a_block_async(
    platform: BusyPlatform, items: Iterator[ItemSource], note: Note
) -> None:
    stream = COPY("stream_many_async")
    async with stream(task_client(platform), items, on_outcome=note) as outcomes:
        async for _ in outcomes:
            pass


async def send_in_a_loop_async(
    platform: BusyPlatform, items: Iterator[ItemSource], note: Note
) -> None:
    async for _ in COPY("stream_many_async")(task_client(platform), items, on_outcome=note):
        pass


FORMS: list[Any] = [send_all, send_in_a_block, send_in_a_loop]
ASYNC_FORMS: list[Any] = [send_all_async, send_in_a_block_async, send_in_a_loop_async]


def check(
    send: Callable[[BusyPlatform, Iterator[ItemSource], Note], object],
    *moments: int,
    act: Callable[[], object] | None = None,
) -> bool:
    """Interrupt a bulk send, and check that every item taken was reported, once and truly.

    Returns whether all moments came before it ended.
    """
    platform = BusyPlatform()
    reported: list[Outcome] = []
    items: Iterator[ItemSource] = iter([(CONTACT, Gift("a", number)) for number in range(ITEMS)])
    is_interrupted = False
    with CHECKPOINTS.interrupt_at(*moments, act=act):
        try:
            send(platform, items, reported.append)
        except (KeyboardInterrupt, asyncio.CancelledError):
            is_interrupted = True
        count = ITEMS - operator.length_hint(items)
        if len(reported) < count:
            gc.collect()  # The event loop may keep a stream alive in a cycle.
    assert Counter(outcome.number for outcome in reported) == Counter(range(count)), moments
    receipts = {outcome.receipt.id: outcome.number for outcome in reported if outcome.receipt}
    stored = {item["id"]: item["payload"]["price"] for item in platform.stored}
    unknown = [o.number for o in reported if isinstance(o.error, OutcomeUnknownError)]
    assert receipts.items() <= stored.items()
    assert set(stored.values()) <= {*receipts.values(), *unknown}
    assert is_interrupted or count == ITEMS
    return CHECKPOINTS.are_all_reached


@pytest.fixture
def ignored_by_python(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python prints and drops an exception that is raised while an object is deleted."""
    monkeypatch.setattr(sys, "unraisablehook", list[object]().append)


never_iterated = pytest.mark.filterwarnings(
    "ignore:stream_many:RuntimeWarning", "ignore:coroutine:RuntimeWarning"
)


@pytest.mark.slow
@never_iterated
@pytest.mark.usefixtures("ignored_by_python")
@pytest.mark.parametrize("form", FORMS)
def test_ctrl_c_loses_no_item_at_any_step_also_if_it_is_pressed_twice(form: Any) -> None:
    draw = random.Random(17)
    moment = 1
    while check(form, moment):
        seconds = [draw.randrange(1, 80) for _ in range(8)]
        for second in seconds if IS_FULL else seconds[: not moment % 3]:
            check(form, moment, second)
        moment += 1
    assert moment > 200


@pytest.mark.slow
@never_iterated
@pytest.mark.usefixtures("ignored_by_python")
@pytest.mark.parametrize("form", ASYNC_FORMS)
def test_a_cancellation_and_then_ctrl_c_lose_no_item_at_any_step(
    form: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`asyncio.run` turns the first Ctrl-C into a cancellation, and raises at the second."""
    monkeypatch.setattr(logging.getLogger("asyncio"), "disabled", True)
    acts: list[str] = []
    tasks: list[asyncio.Task[None]] = []

    def interrupt() -> None:
        if acts.pop(0) == "raise":
            raise KeyboardInterrupt
        tasks[0].cancel()

    def run(platform: BusyPlatform, items: Iterator[ItemSource], note: Note) -> None:
        async def main() -> None:
            tasks[:] = [asyncio.create_task(form(platform, items, note))]
            await tasks[0]

        try:
            asyncio.run(main())
        finally:
            tasks.clear()

    def check_with(*moments: int, then: str) -> bool:
        acts[:] = then.split()
        return check(run, *moments, act=interrupt)

    draw = random.Random(17)
    moment = 1
    while check_with(moment, then="cancel"):
        if IS_FULL or not moment % 8:
            second = draw.randrange(1, 60)
            check_with(moment, second, then="cancel cancel")
            check_with(moment, second, then="cancel raise")
            check_with(moment, then="raise")
        moment += 1
    assert moment > 200


@pytest.mark.slow
def test_signals_at_random_moments_lose_no_item() -> None:
    rounds = 400 if IS_FULL else 40
    process = subprocess.run(
        [sys.executable, "-m", "tests.support.runtime.bulk_with_signals", "17", str(rounds)],
        cwd=ROOT,
        env={"PYTHONPATH": ".:generated:codegen"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    assert int(process.stdout) == rounds


def test_ctrl_c_in_a_task_of_the_bulk_send_ends_the_event_loop_and_has_an_outcome() -> None:
    class Interrupted(Gift):
        def to_payload(self) -> Any:
            raise KeyboardInterrupt

    reported: list[Outcome] = []
    with pytest.raises(KeyboardInterrupt):
        send_tasks(BusyPlatform(), [(CONTACT, Interrupted("a"))], on_outcome=reported.append)
    (outcome,) = reported
    assert isinstance(outcome.error, OutcomeUnknownError)
    assert isinstance(outcome.error.__cause__, KeyboardInterrupt)


@both
@pytest.mark.parametrize("error_class", [RuntimeError, SystemExit, KeyboardInterrupt])
def test_an_input_that_raises_stops_the_bulk_send(
    send: Send, error_class: type[BaseException]
) -> None:
    platform = BusyPlatform()
    reported: list[Outcome] = []
    error = error_class("the input")

    def items() -> Iterator[ItemSource]:
        yield from gifts(20)
        raise error

    with pytest.raises(error_class) as raised:
        send(platform, items(), on_outcome=reported.append)
    assert raised.value is error
    assert sorted(outcome.number for outcome in reported) == list(range(20))
    assert len(platform.stored) == len(reported)


@pytest.mark.parametrize("send", [send_threads, send_tasks, stream_threads, stream_tasks])
@pytest.mark.parametrize("error_class", [RuntimeError, SystemExit, KeyboardInterrupt])
def test_on_outcome_that_raises_once_still_receives_all_outcomes(
    send: Callable[..., object], error_class: type[BaseException]
) -> None:
    platform = BusyPlatform()
    taken_numbers: list[int] = []
    reported: list[int] = []
    error = error_class("once")

    def note(outcome: Outcome) -> None:
        reported.append(outcome.number)
        if len(reported) == 10:
            raise error

    with pytest.raises(error_class) as raised:
        send(platform, gifts(60, taken_numbers), on_outcome=note)
    assert raised.value is error
    assert len(platform.stored) == len(taken_numbers) < 60
    # After an interruption, which may have come before it did anything, it is called once more.
    again = [] if error_class is RuntimeError else [reported[9]]
    assert sorted(reported) == sorted([*taken_numbers, *again])


@both
@pytest.mark.parametrize(("error_class", "calls"), [(RuntimeError, 1), (SystemExit, 2)])
def test_on_outcome_that_always_raises_receives_all_outcomes(
    send: Send, error_class: type[BaseException], calls: int
) -> None:
    taken_numbers: list[int] = []
    reported: list[int] = []

    def note(outcome: Outcome) -> None:
        reported.append(outcome.number)
        raise error_class(f"of item {outcome.number}")

    with pytest.raises(error_class) as raised:
        send(BusyPlatform(), gifts(60, taken_numbers), on_outcome=note)
    assert str(raised.value) == f"of item {reported[0]}"
    assert Counter(reported) == Counter(taken_numbers * calls)


def fail_in_the_loop(note: Note) -> None:
    with stream_many(thread_client(BusyPlatform()), gifts(60), on_outcome=note) as outcomes:
        for _ in outcomes:
            _ = 1 / 0


def test_an_exception_of_on_outcome_does_not_replace_that_of_the_loop() -> None:
    def note(outcome: Outcome) -> None:
        if outcome.number:
            raise RuntimeError("later")

    with pytest.raises(ZeroDivisionError) as raised:
        fail_in_the_loop(note)
    assert raised.value.__notes__ == ["After this, on_outcome raised RuntimeError('later')."]


def test_an_interruption_replaces_the_exception_of_the_loop() -> None:
    def note(outcome: Outcome) -> None:
        if outcome.number:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail_in_the_loop(note)


def leave_loop(client: EngageClient, items: Iterator[ItemSource], note: Note) -> None:
    for outcome in stream_many(client, items, on_outcome=note):
        if outcome.number >= 50:
            break


def leave_block(client: EngageClient, items: Iterator[ItemSource], note: Note) -> None:
    with stream_many(client, items, on_outcome=note) as outcomes:
        for outcome in outcomes:
            if outcome.number >= 50:
                break


def close(client: EngageClient, items: Iterator[ItemSource], note: Note) -> None:
    outcomes = stream_many(client, items, on_outcome=note)
    for _ in range(50):
        next(outcomes)
    outcomes.close()
    outcomes.close()
    assert list(outcomes) == []


@pytest.mark.parametrize("leave", [leave_loop, leave_block, close])
def test_leaving_the_loop_reports_every_item_that_was_taken(
    leave: Callable[[EngageClient, Iterator[ItemSource], Note], None],
) -> None:
    platform = BusyPlatform()
    taken_numbers: list[int] = []
    reported: list[Outcome] = []
    leave(thread_client(platform), gifts(500, taken_numbers), reported.append)
    assert sorted(outcome.number for outcome in reported) == taken_numbers
    receipts = {outcome.receipt.id for outcome in reported if outcome.receipt}
    assert receipts == {item["id"] for item in platform.stored}
    assert len(taken_numbers) < 500


@pytest.mark.parametrize("stop", ["stop", "close"])
def test_on_outcome_can_stop_the_bulk_send(stop: str) -> None:
    platform = BusyPlatform()
    taken_numbers: list[int] = []
    reported: list[Outcome] = []

    def note(outcome: Outcome) -> None:
        reported.append(outcome)
        if len(reported) == 10:
            getattr(stream, stop)()

    stream: OutcomeStream = stream_many(
        thread_client(platform), gifts(500, taken_numbers), on_outcome=note
    )
    assert list(stream) == reported
    assert sorted(outcome.number for outcome in reported) == taken_numbers
    assert len(taken_numbers) < 500


def test_on_outcome_can_stop_a_bulk_send_with_tasks() -> None:
    platform = BusyPlatform()
    taken_numbers: list[int] = []
    reported: list[Outcome] = []

    async def work() -> list[Outcome]:
        def note(outcome: Outcome) -> None:
            reported.append(outcome)
            if len(reported) == 10:
                stream.stop()

        stream: AsyncOutcomeStream = stream_many_async(
            task_client(platform), gifts(500, taken_numbers), on_outcome=note
        )
        return [outcome async for outcome in stream]

    assert asyncio.run(work()) == reported
    assert sorted(outcome.number for outcome in reported) == taken_numbers
    assert len(taken_numbers) < 500


def test_an_interruption_cuts_the_waits_of_the_retry_policy_short() -> None:
    platform = BusyPlatform(["timeout before", "429", "timeout before", "429"] * 50)
    reported: list[Outcome] = []
    http = httpx.Client(transport=httpx.MockTransport(platform))
    client = EngageClient("https://c.example", api_key="k", user_agent="a/1", rate=10**6, http=http)
    policy = RetryPolicy(retry_delays=(3600.0,), lookup_delays=(3600.0,))

    def items() -> Iterator[ItemSource]:
        yield from gifts(8)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        send_many(client, items(), retry=policy, on_outcome=reported.append)
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
        async for _ in stream_many_async(
            task_client(platform), gifts(10**6, taken_numbers), on_outcome=reported.append
        ):
            await asyncio.sleep(0)

    async def cancel() -> None:
        task = asyncio.create_task(work())
        while len(reported) < 20:
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        # The event loop finishes an abandoned stream a little later.
        while len(reported) < len(taken_numbers):
            await asyncio.sleep(0)

    asyncio.run(cancel())
    assert sorted(outcome.number for outcome in reported) == taken_numbers
    assert len(platform.stored) == len(taken_numbers)


def test_a_stream_that_is_deleted_in_one_of_its_own_threads_is_finished() -> None:
    """The garbage collector runs in any thread."""
    platform = BusyPlatform()
    reported: list[int] = []
    is_deleted, all_reported = threading.Event(), threading.Event()

    class Collecting(Gift):
        def to_payload(self) -> Any:
            if self.price == 1:
                is_begun.set()
                assert is_released.wait(30)
                gc.collect()
                is_deleted.set()
            return super().to_payload()

    is_begun, is_released = threading.Event(), threading.Event()

    def note(outcome: Outcome) -> None:
        reported.append(outcome.number)
        if outcome.number == 1:
            all_reported.set()

    items = [(CONTACT, Collecting("a", number)) for number in range(2)]
    cycle: list[object] = [stream_many(thread_client(platform), items, on_outcome=note)]
    cycle.append(cycle)
    next(iter(cycle[0]))  # type: ignore[call-overload]
    assert is_begun.wait(30)
    gc.disable()
    try:
        del cycle
        is_released.set()
        assert is_deleted.wait(30)
    finally:
        gc.enable()
    assert all_reported.wait(30)
    assert sorted(reported) == [0, 1]
