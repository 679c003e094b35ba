"""Single steps of a delivery: lookups with several candidates, damage, bugs, and events."""

import json
import sqlite3
from collections.abc import Generator
from contextlib import AbstractContextManager, closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from engage_interactions import EngageClient, RetryPolicy
from engage_interactions._runtime.call.interaction import encode_interaction
from engage_interactions._runtime.outbox import outcomes as outbox_outcomes
from engage_interactions._runtime.outbox.entry import content_check
from engage_interactions._runtime.outbox.errors import DiskFullError
from engage_interactions._runtime.outbox.sqlite.database import Database
from engage_interactions._runtime.outbox.sqlite.deliveries import FileDeliveries
from engage_interactions._runtime.outbox.sqlite.rows import check_order
from engage_interactions.favourite import Favourite
from engage_interactions.outbox import Delivery, OutboxError
from tests.support.runtime.http_library import httpx
from tests.support.runtime.outbox import OutboxRig, PowerCut
from tests.support.runtime.platform import CONTACT

COAT = Favourite(product_sku="8810-42", price=450)
DAMAGED = "The entry is damaged."


@pytest.fixture
def rig(tmp_path: Path) -> Generator[OutboxRig]:
    rig = OutboxRig(tmp_path / "outbox.db")
    yield rig
    rig.outbox.close()
    rig.client.close()


def rows(rig: OutboxRig, columns: str) -> list[Any]:
    with closing(sqlite3.connect(rig.path)) as db:
        return db.execute(f"SELECT {columns} FROM entries ORDER BY id").fetchall()


def change(rig: OutboxRig, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(rig.path)) as db:
        db.execute(statement, values)
        db.commit()


def similar(rig: OutboxRig, name: str, **changes: object) -> dict[str, object]:
    """Return a stored interaction that is near the first entry, but not equal to it."""
    entry = next(iter(rig.outbox.entries()))
    return {
        "id": name,
        "contactId": CONTACT,
        "schemaId": "favourite",
        "createdDate": entry.created_date.isoformat(),
        "payload": {"productSku": "another"},
        **changes,
    }


def test_one_match_is_certain_whatever_is_near_it(rig: OutboxRig) -> None:
    rig.outbox.put(CONTACT, COAT)
    rig.platform.post_faults = ["timeout before"]
    rig.deliver()
    equal = similar(rig, "x", payload=COAT.to_payload())
    rig.platform.stored = [similar(rig, "n1"), equal, similar(rig, "n2")]
    receipts: list[str] = []
    delivery = rig.deliver(5.0, on_receipt=lambda _, receipt: receipts.append(receipt.id))
    assert (delivery, receipts) == (Delivery(1, 0, 0, None), ["x"])


def test_several_candidates_are_named_in_the_reason(rig: OutboxRig) -> None:
    rig.outbox.put(CONTACT, COAT)
    rig.platform.post_faults = ["timeout before"]
    rig.deliver()
    rig.platform.stored = [similar(rig, "n1"), similar(rig, "n2")]
    assert rig.deliver(5.0) == Delivery(0, 0, 1, None)
    assert rig.only_entry.reasons == (
        "The lookup cannot tell which interaction is this one: n1, n2.",
    )


@pytest.mark.parametrize(("pages", "is_delivered"), [(1, True), (2, True), (3, False)])
def test_a_lookup_of_many_pages_can_take_a_minute(
    rig: OutboxRig, pages: int, is_delivered: bool
) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        """Answer each GET after half a minute. The interaction is on the last page."""
        if request.method == "POST":
            return rig.platform(request)
        rig.clock.sleep(30.0)
        number = int(request.url.params.get("continuation", "1"))
        link = {"rel": "next", "href": f"/x?continuation={number + 1}"}
        is_last = number == pages
        items = rig.platform.stored if is_last else [similar(rig, f"o{number}", contactId="other")]
        for item in items:
            item["createdDate"] = item["createdDate"] if is_last else "2020-01-01T00:00:00Z"
        return httpx.Response(200, json={"items": items, "links": [] if is_last else [link]})

    rig.outbox.put(CONTACT, COAT)
    rig.platform.post_faults = ["timeout after"]
    with httpx.Client(transport=httpx.MockTransport(answer)) as http:
        client = EngageClient(
            "https://steps.example", api_key="k", user_agent="a/1", clock=rig.clock, http=http
        )
        rig.outbox.deliver(client)
        rig.clock.sleep(5.0)
        assert rig.outbox.deliver(client).delivered == is_delivered
    if not is_delivered:
        assert rows(rig, "state, step") == [("sending", 0)]
        assert "deadline" in rig.only_entry.reasons[0]


def test_each_request_of_a_delivery_is_reported_to_the_observer(rig: OutboxRig) -> None:
    events: list[tuple[object, ...]] = []

    class Metrics:
        def attempted(self, *arguments: object, **more: object) -> None:
            """Requests are reported as in a send."""

        waited = attempted

        def finished(self, operation: str, schema_id: str, outcome: str, seconds: float) -> None:
            events.append((operation, schema_id, outcome))

    rig.outbox.put(CONTACT, COAT)
    rig.platform.post_faults = ["timeout after"]
    rig.platform.get_faults = ["500 before"]
    http = httpx.Client(transport=httpx.MockTransport(rig.platform))
    client = EngageClient(
        "https://acme.voyado.com",
        api_key="k",
        user_agent="a/1",
        rate=10**6,
        clock=rig.clock,
        http=http,
        observer=Metrics(),
    )
    for wait in (0.0, 5.0, 5.0):
        rig.clock.sleep(wait)
        rig.outbox.deliver(client)
    assert events == [
        ("send", "favourite", "OutcomeUnknownError"),
        ("list", "favourite", "ReadError"),
        ("list", "favourite", "ok"),
    ]


def test_a_policy_without_delays_is_due_at_once(rig: OutboxRig) -> None:
    rig.policy = RetryPolicy.never()
    rig.restart()
    rig.outbox.put(CONTACT, COAT)
    rig.platform.post_faults = ["never left"]
    rig.deliver()
    assert rows(rig, "state, step, due") == [("waiting", 1, 0.0)]


@pytest.mark.parametrize(
    ("policy", "fault"),
    [
        (RetryPolicy(retry_delays=[100.0], lookup_delays=[5.0]), "never left"),
        (RetryPolicy(retry_delays=[5.0], lookup_delays=[100.0]), "timeout before"),
    ],
)
def test_an_entry_waits_for_its_own_delay(rig: OutboxRig, policy: RetryPolicy, fault: str) -> None:
    rig.policy = policy
    rig.restart()
    rig.outbox.put(CONTACT, COAT)
    rig.platform.post_faults = [fault]
    for wait, requests in [(0.0, 1), (5.0, 1), (90.0, 1), (5.5, 2)]:
        rig.deliver(wait)
        assert len(rig.platform.requests) == requests


def test_an_entry_is_due_at_once_after_the_clock_was_set_back(rig: OutboxRig) -> None:
    rig.policy = RetryPolicy.never()
    rig.restart()
    rig.outbox.put(CONTACT, COAT)
    rig.platform.post_faults = ["never left"]
    rig.deliver()
    rig.clock.start -= timedelta(seconds=0.5)
    assert rig.deliver() == Delivery(1, 0, 0, None)


def test_every_dead_letter_counts(rig: OutboxRig) -> None:
    for _ in range(3):
        rig.outbox.put(CONTACT, COAT)
    change(rig, "UPDATE entries SET state = 'sending', posts = 1 WHERE id > 1")
    rig.outbox.put(CONTACT, COAT)
    rig.platform.post_faults = ["refused before"] * 2
    assert rig.deliver() == Delivery(0, 2, 2, None)


@pytest.mark.parametrize(
    ("damage", "state", "posts", "posted_at"),
    [
        ("posts = 3, posted_at = 9.0", "unknown", 1, 0.0),  # perhaps it was posted
        ("progress_check = 5", "unknown", 1, 0.0),
        ("put_at = 9.0", "rejected", 0, 0.0),  # it certainly was not
    ],
)
def test_a_damaged_entry_becomes_a_dead_letter_without_a_request(
    rig: OutboxRig, damage: str, state: str, posts: int, posted_at: float
) -> None:
    rig.outbox.put(CONTACT, COAT)
    change(rig, f"UPDATE entries SET {damage}")
    rig.deliver()
    assert rig.platform.requests == []
    assert rows(rig, "id, state, due, posts, step, interaction_id, posted_at, reasons") == [
        (1, state, 0.0, posts, 0, None, posted_at, json.dumps([DAMAGED]))
    ]


def test_a_delivered_entry_that_is_there_again_is_not_sent_again(rig: OutboxRig) -> None:
    number = rig.outbox.put(CONTACT, COAT)
    ((*columns,),) = rows(rig, "*")
    assert rig.deliver() == Delivery(1, 0, 0, None)
    change(rig, f"INSERT INTO entries VALUES ({', '.join('?' * len(columns))})", *columns)
    assert rig.deliver() == Delivery(0, 0, 1, None)
    assert rows(rig, "id, state, reasons") == [(number, "unknown", json.dumps([DAMAGED]))]
    assert rig.platform.posts == 1


def test_a_bug_delays_a_waiting_entry_by_the_retry_delays(
    rig: OutboxRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(text: str) -> None:
        raise RuntimeError(text)

    rig.outbox.put(CONTACT, COAT)
    reasons = json.dumps(["An unexpected exception: RuntimeError."])
    with monkeypatch.context() as patch:
        patch.setattr(outbox_outcomes, "read_date_time", fail)
        for wait, delay, step in [(0.0, 1.0, 1), (1.0, 2.0, 2), (2.0, 2.0, 3)]:
            assert rig.deliver(wait) == Delivery(0, 0, 0, None, 1)
            due = rig.clock.now().timestamp() + delay
            ((*progress, stored_due),) = rows(rig, "state, posts, step, reasons, due")
            assert progress == ["waiting", 0, step, reasons]
            assert stored_due == pytest.approx(due, rel=0, abs=0.001)
    assert rig.deliver(2.0) == Delivery(1, 0, 0, None)


def test_a_rejected_entry_has_the_message_and_the_reasons_of_engage(rig: OutboxRig) -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        details = ["the price is too high", {"sku": "unknown"}]
        return httpx.Response(400, json={"message": "no", "messageDetails": details})

    rig.outbox.put(CONTACT, COAT)
    with httpx.Client(transport=httpx.MockTransport(refuse)) as http:
        client = EngageClient(
            "https://refuse.example", api_key="0815", user_agent="a/1", clock=rig.clock, http=http
        )
        assert rig.outbox.deliver(client) == Delivery(0, 1, 0, None)
    assert rig.only_entry.reasons == ("no (status 400)", "the price is too high", "unknown")


def test_an_unanswered_entry_has_the_reason_if_the_policy_has_no_lookups(rig: OutboxRig) -> None:
    rig.policy = RetryPolicy.never()
    rig.restart()
    rig.outbox.put(CONTACT, COAT)
    rig.platform.post_faults = ["timeout before"]
    rig.deliver()
    assert rows(rig, "state") == [("unknown",)]
    assert rig.only_entry.reasons == ("Engage did not answer: silence.",)


def test_an_entry_with_an_impossible_date_is_damaged_although_its_checksum_is_right(
    rig: OutboxRig,
) -> None:
    rig.outbox.put(CONTACT, COAT)
    ((second, schema_hash, put_at, date, body),) = rows(
        rig, "created_second, schema_hash, put_at, created_date, body"
    )
    body = body.replace(date.encode(), b"2026-02-30T09:26:53+00:00")
    query = "UPDATE entries SET created_date = '2026-02-30T09:26:53+00:00', body = ?"
    change(
        rig, f"{query}, content_check = ?", body, content_check(second, schema_hash, put_at, body)
    )
    assert rig.deliver() == Delivery(0, 1, 0, None)
    assert rows(rig, "id, state, reasons") == [(1, "rejected", json.dumps([DAMAGED]))]
    assert rig.platform.requests == []


def test_an_entry_is_removed_although_the_log_cannot_be_emptied(
    rig: OutboxRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(database: Database) -> None:
        raise DiskFullError("no space")

    number = rig.outbox.put(CONTACT, COAT)
    monkeypatch.setattr(Database, "truncate_log", fail)
    assert rig.outbox.discard(number)
    assert rows(rig, "*") == []


def test_an_entry_whose_receipt_was_not_recorded_claims_its_own_interaction(
    rig: OutboxRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    def end(*_: object) -> None:
        raise PowerCut

    rig.outbox.put(CONTACT, COAT)
    with monkeypatch.context() as patch:
        patch.setattr(FileDeliveries, "record_delivery", end)
        with pytest.raises(PowerCut):
            rig.deliver()
    assert rig.deliver(5.0) == Delivery(1, 0, 0, None)
    assert (rig.platform.posts, len(rig.platform.stored)) == (1, 1)


def test_an_entry_claims_nothing_while_an_equal_send_is_in_progress(rig: OutboxRig) -> None:
    rig.outbox.put(CONTACT, COAT)
    rig.platform.post_faults = ["timeout after"]
    rig.deliver()
    equal = encode_interaction(CONTACT, COAT, rig.only_entry.created_date)
    with rig.client.__engine__.receipts.pending(equal, RetryPolicy.never()):
        assert rig.deliver(5.0) == Delivery(0, 0, 1, None)
    assert rig.only_entry.reasons == ("The lookup cannot tell which interaction is this one: i0.",)


def test_a_change_without_space_is_made_with_the_room_of_the_reserve(
    rig: OutboxRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    writing, steps = Database.writing, list[str]()

    def write(database: Database) -> AbstractContextManager[sqlite3.Connection]:
        steps.append("write")
        if steps == ["write"]:
            raise DiskFullError("no space")
        return writing(database)

    def make_room(database: Database) -> None:
        steps.append("make room")

    number = rig.outbox.put(CONTACT, COAT)
    monkeypatch.setattr(Database, "writing", write)
    monkeypatch.setattr(Database, "make_room", make_room)
    assert rig.outbox.discard(number)
    assert rows(rig, "*") == []
    assert steps == ["write", "make room", "write"]


class BrokenDatabase:
    """A database whose index leads to an entry that is not above the last one."""

    path = "broken.db"

    def __init__(self, entry_id: object) -> None:
        self.row = (entry_id, *[None] * 17)

    @contextmanager
    def reading(self) -> Generator["BrokenDatabase"]:
        yield self

    def execute(self, query: str, values: object) -> "BrokenDatabase":
        return self

    def fetchone(self) -> tuple[object, ...]:
        return self.row

    def fetchall(self) -> list[tuple[object, ...]]:
        return [self.row]


@pytest.mark.parametrize("entry_id", [5, 4, 0, -1, "6", None, 6.0])
def test_an_id_that_is_not_above_the_last_one_ends_the_scan(entry_id: object) -> None:
    broken: Any = BrokenDatabase(entry_id)
    deliveries = FileDeliveries(broken, lambda: 0.0, 0.0, None, after=5)
    with pytest.raises(OutboxError, match=r"broken\.db"):
        deliveries.claim(1)


@pytest.mark.parametrize("entry_id", [0, -1, "6", None, 6.0])
def test_an_id_that_is_not_above_the_last_one_ends_an_iteration(entry_id: object) -> None:
    with pytest.raises(OutboxError, match=r"broken\.db"):
        check_order("broken.db", 0, entry_id)


def test_a_receipt_of_an_entry_with_an_unreadable_body_is_not_reported(rig: OutboxRig) -> None:
    def fail(*_: object) -> None:
        raise ValueError("a bug")

    rig.outbox.put(CONTACT, COAT)
    assert rig.deliver(on_receipt=fail).delayed == 1
    change(rig, "UPDATE entries SET body = x'7b'")
    numbers: list[int] = []
    delivery = rig.deliver(on_receipt=lambda number, _: numbers.append(number))
    assert (delivery, numbers) == (Delivery(0, 0, 1, None), [])
    assert rig.only_entry.reasons == (DAMAGED,)
