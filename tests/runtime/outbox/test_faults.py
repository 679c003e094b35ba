"""Unexpected answers, exceptions and clocks only delay an entry: none is lost or duplicated."""

import logging
import re
import sqlite3
import threading
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from engage_interactions import EngageClient, EngageError, Receipt, RetryPolicy
from engage_interactions._runtime.call.steps import Reply, Request
from engage_interactions._runtime.engine.engine import Engine
from engage_interactions._runtime.outbox.base import BaseOutbox
from engage_interactions._runtime.outbox.sqlite.database import Database
from engage_interactions._runtime.outbox.sqlite.deliveries import FileDeliveries
from engage_interactions.favourite import Favourite
from engage_interactions.outbox import Delivery, Outbox
from tests.support.paths import ROOT
from tests.support.runtime.http_library import httpx
from tests.support.runtime.outbox import FaultyPlatform, OutboxRig, PowerCut
from tests.support.runtime.platform import CONTACT

COAT = Favourite(product_sku="8810-42", price=450)
DAY = 86_400.0


@pytest.fixture
def rig(tmp_path: Path) -> Generator[OutboxRig]:
    rig = OutboxRig(tmp_path / "outbox.db")
    yield rig
    rig.outbox.close()
    rig.client.close()


def rows(rig: OutboxRig, query: str) -> list[Any]:
    with closing(sqlite3.connect(rig.path)) as db:
        return db.execute(query).fetchall()


class BuggyPlatform(FaultyPlatform):
    """A platform whose answers make the client raise an exception that nobody expects."""

    has_bug = False

    def answer(self, request: httpx.Request, fault: str) -> httpx.Response:
        effect, _, when = fault.partition(" ")
        if effect == "bug":
            if when == "after":
                self.apply(request)
            self.has_bug = True
            return httpx.Response(200)
        if effect == "status":
            return httpx.Response(
                int(when), headers={"location": "https://login.example/"}, text="<html>"
            )
        return super().answer(request, fault)


@pytest.fixture
def buggy(rig: OutboxRig, monkeypatch: pytest.MonkeyPatch) -> OutboxRig:
    platform = rig.platform = BuggyPlatform(rig.clock)
    rig.restart()
    record_exchange = Engine.record_exchange

    def fail(engine: Engine, request: Request, reply: Reply, departure: float) -> Reply:
        if platform.has_bug:
            platform.has_bug = False
            raise OverflowError("a header of the answer")
        return record_exchange(engine, request, reply, departure)

    monkeypatch.setattr(Engine, "record_exchange", fail)
    return rig


@pytest.mark.parametrize(("fault", "posts"), [("bug before", 2), ("bug after", 1)])
def test_an_unexpected_exception_delays_its_entry_and_no_other(
    buggy: OutboxRig, fault: str, posts: int, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        buggy.outbox.put(CONTACT, COAT)
    buggy.platform.post_faults = [fault]
    with caplog.at_level(logging.ERROR):
        assert buggy.deliver() == Delivery(2, 0, 0, None, delayed=1)
    assert "entry 1 " in caplog.text
    assert "OverflowError" in caplog.text
    assert buggy.only_entry.state == "sending", "the POST may have been carried out"
    assert buggy.only_entry.reasons == ("An unexpected exception: OverflowError.",)
    assert buggy.deliver(4.9) == Delivery(0, 0, 0, None)
    for wait in (5.1, 10.1):
        buggy.deliver(wait)
    assert len(buggy.platform.stored) == 3
    assert buggy.platform.posts == 2 + posts
    assert not buggy.states


def test_an_unexpected_exception_in_a_lookup_repeats_the_lookup(buggy: OutboxRig) -> None:
    for _ in range(2):
        buggy.outbox.put(CONTACT, COAT)
    buggy.platform.post_faults = ["timeout after"]
    buggy.platform.get_faults = ["bug before"] * 5
    buggy.deliver()
    assert buggy.deliver(5.1) == Delivery(1, 0, 0, None, delayed=1)
    for _ in range(4):
        assert buggy.deliver(5.1) == Delivery(0, 0, 0, None, delayed=1)
    assert buggy.deliver(5.1).delivered == 1
    assert buggy.platform.posts == 2


def test_an_unexpected_exception_before_the_post_delays_by_the_retry_delays(
    rig: OutboxRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):
        rig.outbox.put(CONTACT, COAT)
    first = next(iter(rig.outbox.entries()))

    def fail(date: str) -> None:
        raise MemoryError(date)

    module = "engage_interactions._runtime.outbox.outcomes.read_date_time"
    monkeypatch.setattr(module, fail)
    assert rig.deliver() == Delivery(0, 0, 0, None, delayed=2)
    monkeypatch.undo()
    assert rig.states == ["waiting"] * 2
    assert next(iter(rig.outbox.entries())).reasons != first.reasons
    assert rig.deliver(0.9) == Delivery(0, 0, 0, None)
    assert rig.deliver(0.2).delivered == 2


@pytest.mark.parametrize("status", [301, 302, 307, 404, 405, 407, 410, 413, 415, 421, 425, 451])
def test_an_answer_of_another_server_ends_the_delivery_and_rejects_nothing(
    buggy: OutboxRig, status: int
) -> None:
    for number in range(3):
        buggy.outbox.put(f"contact-{number}", COAT)
    buggy.platform.post_faults = [f"status {status}"] * 9
    for _ in range(3):
        delivery = buggy.deliver(3.0)
        assert isinstance(delivery.stopped, EngageError)
        assert (delivery.rejected, delivery.unknown) == (0, 0)
    assert buggy.platform.posts == 3
    assert len(buggy.states) == 3
    assert {*buggy.states} <= {"waiting", "sending"}
    buggy.platform.post_faults = ["timeout after"]
    buggy.platform.get_faults = [f"status {status}"] * 9
    buggy.deliver(1000.0)
    for _ in range(9):
        assert buggy.deliver(1000.0).unknown == 0
    for _ in range(12):
        buggy.deliver(1000.0)
    assert len(buggy.platform.stored) == 3
    assert not buggy.states


@pytest.mark.parametrize("exception", [RuntimeError, PowerCut])
@pytest.mark.parametrize("is_restarted", [False, True])
@pytest.mark.parametrize("post_faults", [[], ["timeout after"]])
def test_on_receipt_that_raises_gets_the_same_receipt_in_the_next_delivery(
    rig: OutboxRig,
    exception: type[BaseException],
    is_restarted: bool,
    post_faults: list[str],
) -> None:
    for _ in range(2):
        rig.outbox.put(CONTACT, COAT)
    rig.platform.post_faults = post_faults
    receipts: list[tuple[int, Receipt]] = []

    def fail(number: int, receipt: Receipt) -> None:
        receipts.append((number, receipt))
        if len(receipts) <= 2:
            raise exception

    for wait in (0.0, 5.1, 0.0, 0.0, 0.0):
        try:
            rig.deliver(wait, on_receipt=fail)
        except PowerCut:
            rig.platform.stored.reverse()  # The platform may list them in any order, or none.
        if is_restarted:
            rig.restart()
        rig.platform.get_faults = []
    assert not rig.states
    by_entry = {number: {r for n, r in receipts if n == number} for number in (1, 2)}
    assert all(len(found) == 1 for found in by_entry.values()), "another receipt for the entry"
    assert {found.pop().id for found in by_entry.values()} == {
        item["id"] for item in rig.platform.stored
    }
    assert rig.platform.posts == 2
    assert len(receipts) == 4


def test_a_receipt_that_was_recorded_needs_no_lookup(rig: OutboxRig) -> None:
    rig.outbox.put(CONTACT, COAT)

    def fail(number: int, receipt: Receipt) -> None:
        raise PowerCut

    for _ in range(3):
        with pytest.raises(PowerCut):
            rig.deliver(on_receipt=fail)
        rig.restart()
    assert rig.states == ["sending"]
    assert not rig.outbox.discard(1)
    rig.platform.stored.clear()
    assert rig.deliver() == Delivery(1, 0, 0, None), "also without on_receipt"
    assert len(rig.platform.requests) == 1


@pytest.mark.parametrize("hours", [1, 5, 23, 24 * 365])
@pytest.mark.parametrize("fault", ["never left", "timeout before"])
def test_a_clock_that_is_set_back_delays_nothing_longer_than_the_longest_delay(
    rig: OutboxRig, fault: str, hours: int
) -> None:
    rig.outbox.put(CONTACT, COAT)
    rig.platform.post_faults = [fault]
    rig.deliver()
    rig.clock.start -= timedelta(hours=hours)
    for _ in range(4):
        rig.deliver(10.1)
    assert len(rig.platform.stored) == 1


def test_receipts_are_kept_for_ninety_days(rig: OutboxRig) -> None:
    for _ in range(3):
        rig.outbox.put(CONTACT, COAT)
    rig.deliver()
    rig.clock.sleep(90 * DAY - 1)
    rig.outbox.put("other", COAT)
    rig.deliver()
    assert rows(rig, "SELECT count(*) FROM receipts") == [(4,)]
    rig.clock.sleep(2)
    rig.outbox.put("third", COAT)
    rig.deliver()
    assert rows(rig, "SELECT count(*) FROM receipts") == [(2,)]


def test_a_receipt_from_a_wrong_clock_keeps_no_other(rig: OutboxRig) -> None:
    rig.clock.sleep(3650 * DAY)
    rig.outbox.put(CONTACT, COAT)
    rig.deliver()
    rig.clock.start -= timedelta(days=3650)
    for _ in range(5):
        rig.outbox.put(CONTACT, COAT)
    rig.deliver()
    rig.clock.sleep(91 * DAY)
    rig.outbox.put(CONTACT, COAT)
    rig.deliver()
    assert rows(rig, "SELECT count(*) FROM receipts") == [(2,)]


def to_the_second(stamp: str) -> str:
    return stamp[:19] + "+00:00"


@pytest.mark.parametrize("change", [Outbox.discard, Outbox.requeue])
def test_an_interaction_that_may_be_stored_is_not_attributed_to_another_entry(
    rig: OutboxRig, change: Callable[[BaseOutbox, int], bool]
) -> None:
    """The first entry is stored, but nobody knows its id. The second one is not stored."""
    rig.platform.precision = to_the_second
    rig.policy = RetryPolicy(lookup_delays=(5.0,))
    rig.restart()
    first = rig.outbox.put(CONTACT, COAT)
    rig.platform.post_faults = ["timeout after"]
    rig.platform.get_faults = ["contact"]
    for wait in (0.0, 5.1):
        rig.deliver(wait)
    assert rig.states == ["unknown"]
    moment = next(iter(rig.outbox.entries())).created_date + timedelta(milliseconds=1)
    assert change(rig.outbox, first)
    second = rig.outbox.put(CONTACT, COAT, created_date=moment)
    rig.outbox.discard(first)
    rig.platform.post_faults = ["timeout before"]
    for wait in (0.0, 5.1):
        rig.deliver(wait)
    entries = {entry.id: entry.state for entry in rig.outbox.entries()}
    assert entries[second] == "unknown"


@pytest.mark.parametrize(
    "other", [{"posts": 1}, {"step": 1}, {"state": "sending"}, {"interaction_id": "i1"}]
)
def test_a_transition_compares_everything_that_another_delivery_can_change(
    rig: OutboxRig, other: dict[str, Any]
) -> None:
    rig.outbox.put(CONTACT, COAT)
    database = Database(str(rig.path), "flushed")
    with closing(database):
        file = FileDeliveries(database, lambda: 0.0, 0.0, None)
        (row,) = file.claim(1)
        stale = replace(row, **other)
        assert not file.update(stale, replace(row, state="unknown"), delay=0.0, reasons=())
        assert file.record_receipt(stale, "i2") is None
        assert not file.record_delivery(stale, "i2")
        assert file.delivered_ids(row) == frozenset()
        assert FileDeliveries(database, lambda: 0.0, 0.0, None).claim(1) == [row]
        assert file.record_delivery(row, "i2")


def test_two_deliveries_at_once_post_each_entry_once(rig: OutboxRig) -> None:
    """As if the operating system had given the claim to both."""
    for _ in range(3):
        rig.outbox.put(CONTACT, COAT)
    other = OutboxRig(rig.path, clock=rig.clock)
    other.platform = rig.platform
    other.restart()
    depth = 0

    def lock(descriptor: int, part: tuple[int, int], *, is_exclusive: bool) -> bool:
        return True

    def deliver_in_between(request: httpx.Request) -> httpx.Response:
        nonlocal depth
        depth += 1
        if depth == 1:
            with pytest.MonkeyPatch.context() as patch:
                module = "engage_interactions._runtime.outbox.sqlite.locks._lock_bytes"
                patch.setattr(module, lock)
                other.deliver()
        return rig.platform(request)

    http = httpx.Client(transport=httpx.MockTransport(deliver_in_between))
    client = EngageClient("https://a.voyado.com", api_key="k", user_agent="a/1", http=http)
    rig.outbox.deliver(client)
    for wait in (5.1, 10.1, 1000.0):
        rig.deliver(wait)
    assert len(rig.platform.stored) == rig.platform.posts == 3
    other.outbox.close()


def test_the_loop_in_the_documentation_survives_everything(
    buggy: OutboxRig, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    text = (ROOT / "docs" / "outbox.md").read_text("utf-8")
    (code,) = [
        block
        for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL)
        if "def deliver_until" in block
    ]
    monkeypatch.chdir(buggy.path.parent)
    monkeypatch.setattr(EngageClient, "from_env", lambda: buggy.client)
    monkeypatch.setattr(Outbox, "_clock", buggy.clock, raising=False)
    namespace: dict[str, Any] = {}
    exec(code, namespace)
    with Outbox("engage.db") as outbox:
        for _ in range(10):
            outbox.put(CONTACT, COAT)
        buggy.platform.post_faults = ["bug before", "status 302", "key", "bug after", "html after"]

        class Stop(threading.Event):
            rounds = 0

            def wait(self, timeout: float | None = None) -> bool:
                self.rounds += 1
                if self.rounds == 3:
                    Path("engage.db").rename("away.db")
                if self.rounds == 4:
                    Path("away.db").rename("engage.db")
                if self.rounds == 9:
                    self.set()
                return self.is_set()

        with caplog.at_level(logging.CRITICAL):
            namespace["deliver_until"](Stop())
        status = outbox.status()
        assert len(buggy.platform.stored) + status.waiting + status.sending >= 10
        assert (status.rejected, status.unknown) == (0, 0)
