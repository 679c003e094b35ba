"""The rows in the file of an outbox: other versions of the package read them, and never rewrite
them."""

import json
import re
import sqlite3
from collections.abc import Callable, Generator
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from engage_interactions._runtime.outbox.base import BaseOutbox
from engage_interactions._runtime.outbox.entry import progress_check
from engage_interactions.favourite import Favourite
from engage_interactions.outbox import Delivery, Entry, OutboxError, Status
from tests.support.runtime.outbox import OutboxRig, PowerCut
from tests.support.runtime.platform import CONTACT

COAT = Favourite(product_sku="8810-42", price=450)
BOUGHT = datetime(2026, 3, 14, 9, 26, 53, 589793, timezone(timedelta(hours=1)))
SECOND = 1773476813
PUT_AT = 1773480413.589
BODY = (
    b'{"contactId": "3f0c1a52-7d5e-4b0e-9a64-1c2f5b8e0d01", "schemaId": "favourite", '
    b'"createdDate": "2026-03-14T09:26:53.589793+01:00", '
    b'"payload": {"productSku": "8810-42", "price": 450}}'
)
CONTENT = "contact_id, schema_id, created_date, created_second, put_at, body"
PROGRESS = "state, due, posts, step, interaction_id, posted_at, progress_check, reasons"


@pytest.fixture
def rig(tmp_path: Path) -> Generator[OutboxRig]:
    rig = OutboxRig(tmp_path / "outbox.db")
    yield rig
    rig.outbox.close()
    rig.client.close()


def rows(rig: OutboxRig, columns: str, table: str = "entries") -> list[Any]:
    with closing(sqlite3.connect(rig.path)) as db:
        return db.execute(f"SELECT {columns} FROM {table} ORDER BY rowid").fetchall()


def change(rig: OutboxRig, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(rig.path)) as db:
        db.execute(statement, values)
        db.commit()


def test_an_entry_has_the_columns_and_the_checksum_of_its_content(rig: OutboxRig) -> None:
    rig.outbox.put(CONTACT, COAT, created_date=BOUGHT)
    assert rows(rig, CONTENT) == [
        (CONTACT, "favourite", BOUGHT.isoformat(), SECOND, PUT_AT, BODY),
    ]
    assert rows(rig, PROGRESS) == [("waiting", 0.0, 0, 0, None, 0.0, 1850868138, "[]")]


def test_a_row_that_another_version_wrote_is_read_and_delivered(rig: OutboxRig) -> None:
    rig.outbox.put(CONTACT, COAT, created_date=BOUGHT)
    # The checksum of these columns with this hash of the schema, as every version computes it.
    query = "UPDATE entries SET schema_hash = ?, content_check = ?"
    change(rig, query, "0123abcd", 3252577145)
    assert rig.only_entry == Entry(
        1, "waiting", CONTACT, "favourite", BOUGHT, COAT.to_payload(), rig.clock.start, ()
    )
    assert rig.deliver() == Delivery(1, 0, 0, None)


@pytest.mark.parametrize(
    ("second", "moment"),
    [
        (0, datetime(1970, 1, 1, 0, 0, 0, 999999, UTC)),
        (-1, datetime(1969, 12, 31, 23, 59, 59, 1, UTC)),
        (-1, datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)),
        (1, datetime(1970, 1, 1, 1, 0, 1, 1, timezone(timedelta(hours=1)))),
        (SECOND, BOUGHT),
    ],
)
def test_the_second_of_a_date_is_rounded_down(
    rig: OutboxRig, second: int, moment: datetime
) -> None:
    rig.outbox.put(CONTACT, COAT, created_date=moment)
    assert rows(rig, "created_second") == [(second,)]


def test_the_progress_has_a_checksum_in_every_state(rig: OutboxRig) -> None:
    rig.outbox.put(CONTACT, COAT, created_date=BOUGHT)
    rig.platform.post_faults = ["timeout before"]
    rig.deliver()
    reasons = '["Engage did not answer: silence."]'
    assert rows(rig, PROGRESS) == [("sending", PUT_AT + 5, 1, 0, None, PUT_AT, 866691183, reasons)]
    rig.deliver(5.0)
    assert rows(rig, PROGRESS) == [("sending", PUT_AT + 15, 1, 1, None, PUT_AT, 2893163505, "[]")]
    rig.deliver(10.0)
    assert rows(rig, PROGRESS) == []
    pair = bytes.fromhex("3f8b4b5b5eb3071f72df1782605f8965")
    assert rows(rig, "*", "receipts") == [(pair, SECOND, "i0", 1, PUT_AT + 15)]


def test_a_receipt_that_the_application_has_not_got_is_in_the_row(rig: OutboxRig) -> None:
    def fail(*_: object) -> None:
        raise ValueError("a bug")

    rig.outbox.put(CONTACT, COAT, created_date=BOUGHT)
    assert rig.deliver(on_receipt=fail) == Delivery(0, 0, 0, None, 1)
    reasons = '["An unexpected exception: ValueError."]'
    assert rows(rig, "state, due, posts, step, interaction_id, posted_at, reasons") == [
        ("sending", 0.0, 1, 0, "i0", PUT_AT, reasons)
    ]
    assert rows(rig, "interaction_id, entry_id, at", "receipts") == [("i0", 1, PUT_AT)]


SILENCE = "Engage did not answer: silence."
REFUSED = "The request was not sent: refused."
UNCONFIRMED = "Engage did not confirm the interaction, and no lookup found it. Requests: 2."


DELIVERIES: list[tuple[list[str], list[str], list[tuple[Any, ...]]]] = [
    # Retries after the retry delays, of which the last one repeats. No request was carried out.
    (
        ["never left"] * 4,
        [],
        [
            (0, "waiting", 1.0, 0, 1, False, [REFUSED]),
            (1, "waiting", 2.0, 0, 2, False, [REFUSED]),
            (2, "waiting", 2.0, 0, 3, False, [REFUSED]),
            (2, "waiting", 2.0, 0, 4, False, [REFUSED]),
        ],
    ),
    (
        ["429", "key"],
        [],
        [
            (0, "waiting", 1.0, 0, 1, False, ["Engage answered 429: too many requests."]),
            # The key of the client is "k".
            (1, "waiting", 2.0, 0, 2, False, ["no such ***ey (status 401)"]),
        ],
    ),
    # A lookup after each lookup delay, then a resend with its lookups.
    (
        ["timeout before", "500 before"],
        [],
        [
            (0, "sending", 5.0, 1, 0, True, [SILENCE]),
            (5, "sending", 10.0, 1, 1, True, []),
            (10, "sending", 5.0, 2, 0, True, ["Engage answered 500."]),
            (5, "sending", 10.0, 2, 1, True, []),
            (10, "unknown", None, 2, 0, True, [UNCONFIRMED]),
        ],
    ),
    # A lookup that fails does not count.
    (
        ["timeout before"],
        ["500 before", "never left", "429"],
        [
            (0, "sending", 5.0, 1, 0, True, [SILENCE]),
            (5, "sending", 5.0, 1, 0, True, ["Engage answered 500."]),
            (5, "sending", 5.0, 1, 0, True, ["Engage did not answer: refused."]),
            (5, "sending", 5.0, 1, 0, True, ["Engage answered 429: too many requests."]),
            (5, "sending", 10.0, 1, 1, True, []),
        ],
    ),
    # A resend that was not sent is repeated after a lookup.
    (
        ["timeout before", "never left"],
        [],
        [
            (0, "sending", 5.0, 1, 0, True, [SILENCE]),
            (5, "sending", 10.0, 1, 1, True, []),
            (10, "sending", 10.0, 1, 2, True, [REFUSED]),
            (10, None, None, 0, 0, True, []),
        ],
    ),
    (["refused before"], [], [(0, "rejected", None, 1, 0, True, ["Bad: no (status 400)"])]),
    (
        ["timeout before", "refused before"],
        [],
        [
            (0, "sending", 5.0, 1, 0, True, [SILENCE]),
            (5, "sending", 10.0, 1, 1, True, []),
            (10, "unknown", None, 2, 0, True, ["Bad: no (status 400)"]),
        ],
    ),
]
"""The faults of the POSTs and of the GETs, and what the row has after each delivery."""


@pytest.mark.parametrize(("posts", "gets", "steps"), DELIVERIES)
def test_each_step_of_a_delivery_is_recorded_with_the_time_of_the_next_one(
    rig: OutboxRig, posts: list[str], gets: list[str], steps: list[tuple[Any, ...]]
) -> None:
    rig.outbox.put(CONTACT, COAT, created_date=BOUGHT)
    rig.platform.post_faults, rig.platform.get_faults = [*posts], [*gets]
    for wait, state, delay, count, step, was_posted, reasons in steps:
        rig.deliver(wait)
        if state is None:
            assert rows(rig, PROGRESS) == []
            continue
        ((*progress, stored_reasons),) = rows(rig, "state, posts, step, posted_at, due, reasons")
        due = 0.0 if delay is None else rig.clock.now().timestamp() + delay
        posted_at = PUT_AT if was_posted else 0.0
        assert progress == [state, count, step, posted_at, pytest.approx(due, rel=0, abs=0.001)]
        assert json.loads(stored_reasons) == reasons
        assert list(rig.only_entry.reasons) == reasons


def set_progress(rig: OutboxRig, entry_id: int, state: Any, posts: int = 0) -> None:
    """Set the progress of an entry, with its checksum."""
    query = "UPDATE entries SET state = ?, posts = ?, progress_check = ? WHERE id = ?"
    change(rig, query, state, posts, progress_check(state, posts, 0, None, 0.0, 0.0), entry_id)


def test_the_status_counts_each_state_and_the_entries_that_are_missing(rig: OutboxRig) -> None:
    states = ["rejected", "unknown", "broken", "waiting", "sending", "waiting", "other", "unknown"]
    for number, state in enumerate(states, 1):
        rig.outbox.put(CONTACT, COAT)
        set_progress(rig, number, state)
        rig.clock.sleep(10.0)
    oldest = rig.clock.start + timedelta(seconds=30)
    assert rig.outbox.status() == Status(2, 1, 4, 1, oldest, 0, 0, 50.0)
    known = {"waiting", "sending", "rejected"}
    assert rig.states == [state if state in known else "unknown" for state in states]
    assert [entry.id for entry in rig.outbox.entries("unknown")] == [2, 3, 7, 8]
    assert [entry.id for entry in rig.outbox.entries("waiting")] == [4, 6]
    change(rig, "DELETE FROM entries WHERE id IN (4, 7)")
    assert rig.outbox.status() == Status(1, 1, 3, 1, oldest + timedelta(seconds=10), 2, 0, 40.0)
    change(rig, "UPDATE outbox SET removed = 2")
    assert rig.outbox.status().missing == 0
    change(rig, "UPDATE outbox SET removed = 3")
    assert rig.outbox.status().missing == 0
    change(rig, "UPDATE outbox SET removed = 1.5")
    with pytest.raises(OutboxError, match=re.escape(str(rig.path))):
        rig.outbox.status()


@pytest.mark.parametrize(
    ("state", "posts", "is_changed", "is_doubtful"),
    [
        ("unknown", 1, True, True),
        ("unknown", 2, True, True),
        ("unknown", 0, True, False),
        ("rejected", 1, True, False),
        ("waiting", 0, False, False),
        ("waiting", 1, False, False),
        ("sending", 1, False, False),
    ],
)
@pytest.mark.parametrize("act", [BaseOutbox.requeue, BaseOutbox.discard])
def test_a_requeued_or_discarded_entry_that_may_be_stored_leaves_a_doubt(
    rig: OutboxRig,
    act: Callable[[BaseOutbox, int], bool],
    state: str,
    posts: int,
    is_changed: bool,
    is_doubtful: bool,
) -> None:
    rig.outbox.put(CONTACT, COAT, created_date=BOUGHT)
    set_progress(rig, 1, state, posts)
    change(rig, "UPDATE entries SET due = 7, step = 0, reasons = '[\"x\"]'")
    rig.clock.sleep(5.0)
    if act is BaseOutbox.discard:
        is_changed = is_changed or state == "waiting"
    assert act(rig.outbox, 1) is is_changed
    assert not act(rig.outbox, 2)
    doubts = [(SECOND, None, 1, PUT_AT + 5)] if is_doubtful else []
    assert rows(rig, "created_second, interaction_id, entry_id, at", "receipts") == doubts
    after = rows(rig, "state, due, posts, step, interaction_id, posted_at, reasons")
    if not is_changed:
        assert after == [(state, 7.0, posts, 0, None, 0.0, '["x"]')]
    elif act is BaseOutbox.requeue:
        assert after == [("waiting", 0.0, 0, 0, None, 0.0, "[]")]
        assert rig.only_entry.reasons == ()
    else:
        assert after == []


@pytest.mark.parametrize("act", [BaseOutbox.requeue, BaseOutbox.discard])
def test_a_damaged_entry_leaves_no_doubt(
    rig: OutboxRig, act: Callable[[BaseOutbox, int], bool]
) -> None:
    rig.outbox.put(CONTACT, COAT, created_date=BOUGHT)
    set_progress(rig, 1, "unknown", 1)
    change(rig, "UPDATE entries SET put_at = 5")
    assert act(rig.outbox, 1)
    assert rows(rig, "*", "receipts") == []


def test_a_receipt_that_a_lookup_found_is_kept_until_the_application_has_it(
    rig: OutboxRig,
) -> None:
    def fail(*_: object) -> None:
        raise ValueError("a bug")

    rig.outbox.put(CONTACT, COAT, created_date=BOUGHT)
    rig.platform.post_faults = ["late 12"]
    for wait in (0.0, 5.0):
        rig.deliver(wait)
    assert rows(rig, "state, posts, step, interaction_id") == [("sending", 1, 1, None)]
    rig.deliver(10.0, on_receipt=fail)
    assert rows(rig, "state, posts, step, interaction_id") == [("sending", 1, 0, "i0")]
    numbers: list[tuple[int, str]] = []
    rig.restart()
    rig.deliver(on_receipt=lambda number, receipt: numbers.append((number, receipt.id)))
    assert numbers == [(1, "i0")]
    assert rows(rig, "*") == []


def test_a_recorded_receipt_is_due_at_once_until_the_application_has_it(
    rig: OutboxRig,
) -> None:
    def end(*_: object) -> None:
        raise PowerCut

    rig.outbox.put(CONTACT, COAT, created_date=BOUGHT)
    rig.platform.post_faults = ["never left", "late 2"]
    for wait in (0.0, 1.0):
        rig.deliver(wait)
    assert rows(rig, "posts, reasons") == [(1, json.dumps(["Engage did not answer: late."]))]
    with pytest.raises(PowerCut):
        rig.deliver(5.0, on_receipt=end)
    assert rows(rig, "state, due, posts, step, interaction_id, reasons") == [
        ("sending", 0.0, 1, 0, "i0", "[]")
    ]
