"""An outbox delivers what was put, once, at the times of its policy, across any restart."""

import json
import os
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from engage_interactions import (
    ConfigurationError,
    EngageClient,
    InvalidPayloadError,
    NotSentError,
    OutcomeUnknownError,
    Receipt,
    RetryPolicy,
    UnauthorizedError,
)
from engage_interactions._runtime import registry as snapshot
from engage_interactions._runtime.outbox import delivery as outbox_delivery
from engage_interactions.favourite import Favourite
from engage_interactions.outbox import AlreadyDeliveringError, Delivery, Entry, Outbox, OutboxError
from tests.support.outbox import POLICY, PowerCut, Till
from tests.support.paths import ROOT
from tests.support.platform import CONTACT, Gift

COAT = Favourite(product_sku="8810-42", price=450)


@pytest.fixture
def till(tmp_path: Path) -> Generator[Till]:
    till = Till(tmp_path / "till.db")
    yield till
    till.outbox.close()
    till.client.close()


def test_what_was_put_is_stored_as_it_was_put_and_leaves_no_trace(till: Till) -> None:
    bought = datetime(2026, 3, 14, 9, 26, 53, 589793, tzinfo=UTC)
    number = till.outbox.put(CONTACT, COAT, created_date=bought)
    assert till.only == Entry(
        number, "waiting", CONTACT, "favourite", bought, COAT.to_payload(), till.clock.start, ()
    )
    till.restart()
    assert till.deliver() == Delivery(1, 0, 0, None)
    (stored,) = till.platform.stored
    assert stored["payload"] == COAT.to_payload()
    assert stored["createdDate"] == bought.isoformat()
    assert not list(till.outbox.entries())
    for file in till.path.parent.iterdir():
        assert b"8810-42" not in file.read_bytes(), f"{file.name} still has personal data"


def test_a_put_asks_nobody_and_gives_each_entry_a_date_of_its_own(till: Till) -> None:
    for _ in range(5):
        till.outbox.put(CONTACT, COAT)
    assert till.platform.requests == []
    assert len({entry.created_date for entry in till.outbox.entries()}) == 5


@pytest.mark.parametrize("word", ["timeout after", "500 after", "html after"])
def test_what_was_done_but_not_answered_is_found_when_its_look_is_due(
    till: Till, word: str
) -> None:
    till.outbox.put(CONTACT, COAT)
    till.platform.script = [word]
    assert isinstance(till.deliver().stopped, OutcomeUnknownError)
    assert till.states == ["sending"]
    assert till.deliver(4.9) == Delivery(0, 0, 0, None), "before it is due"
    receipts: list[tuple[int, Receipt]] = []
    told = till.deliver(0.2, on_receipt=lambda number, receipt: receipts.append((number, receipt)))
    assert told.delivered == 1
    assert receipts[0][1].id == till.platform.stored[0]["id"]
    assert till.platform.sent == 1


@pytest.mark.parametrize("word", ["timeout before", "500 before"])
def test_what_was_not_done_is_sent_again_only_after_all_looks(till: Till, word: str) -> None:
    till.outbox.put(CONTACT, COAT)
    till.platform.script = [word]
    till.deliver()
    till.deliver(5.1)
    assert till.platform.sent == 1
    assert till.deliver(10.1).delivered == 1
    first, second = [body for method, body in till.platform.requests if method == "POST"]
    assert first == second
    assert len(till.platform.stored) == 1


@pytest.mark.parametrize(("word", "posts"), [("cut before", 2), ("cut after", 1)])
def test_a_process_that_ends_in_the_midst_of_a_post_is_followed_by_a_look(
    till: Till, word: str, posts: int
) -> None:
    till.outbox.put(CONTACT, COAT)
    till.platform.script = [word]
    with pytest.raises(PowerCut):
        till.deliver()
    till.restart()
    till.deliver()
    assert till.platform.sent == 1, "nothing is sent before it was looked for"
    for wait in (5.1, 10.1):
        till.deliver(wait)
        till.restart()
    assert not till.states
    assert till.platform.sent == posts
    assert len(till.platform.stored) == 1


@pytest.mark.parametrize("restarts", [True, False])
@pytest.mark.parametrize("script", [[], ["timeout after"]])
def test_a_receipt_that_was_not_noted_is_told_again(
    till: Till, script: list[str], restarts: bool
) -> None:
    till.outbox.put(CONTACT, COAT)
    till.platform.script = script

    def fail(number: int, receipt: Receipt) -> None:
        raise PowerCut

    if script:
        till.deliver()
    with pytest.raises(PowerCut):
        till.deliver(5.1, on_receipt=fail)
    if restarts:
        till.restart()
    told: list[int] = []
    for wait in (5.1, 10.1, 10.1):
        till.deliver(wait, on_receipt=lambda number, receipt: told.append(number))
    assert told == [1]
    assert len(till.platform.stored) == 1


def test_a_look_leaves_to_an_entry_what_it_was_told_before(till: Till) -> None:
    till.outbox.put(CONTACT, COAT)
    date = till.only.created_date

    def fail(number: int, receipt: Receipt) -> None:
        raise PowerCut

    with pytest.raises(PowerCut):
        till.deliver(on_receipt=fail)
    till.platform.script = ["timeout before"]
    direct = till.client.send(CONTACT, COAT, created_date=date, retry=POLICY)
    till.platform.script = []
    told: list[str] = []
    till.deliver(10.1, on_receipt=lambda number, receipt: told.append(receipt.id))
    assert len({direct.id, *told}) == len(till.platform.stored) == 2


@pytest.mark.parametrize("year", [1, 1969, 1979, 9999])
def test_no_other_interaction_of_the_same_second_is_taken_for_it(till: Till, year: int) -> None:
    till.platform.precision = to_the_second
    second = datetime(year, 12, 31, 23, 59, 58, tzinfo=UTC)
    till.outbox.put(CONTACT, COAT, created_date=second + timedelta(microseconds=999_999))
    till.outbox.put(CONTACT, Favourite(product_sku=COAT.product_sku), created_date=second)
    till.platform.script = ["timeout before"]
    for wait in (0.0, 1.0, 5.1, 10.1, 10.1):
        till.deliver(wait)
        till.restart()
    assert len(till.platform.stored) == 2


def test_nobody_waits_for_one_who_reads_the_file(till: Till) -> None:
    numbers = [till.outbox.put(CONTACT, COAT) for _ in range(2)]
    with closing(sqlite3.connect(till.path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM entries").fetchall()
        till.outbox.put(CONTACT, COAT)

        def work() -> None:
            till.outbox.discard(numbers[0])
            till.deliver()
            till.outbox.put(CONTACT, COAT)

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        thread.join(20)
        assert not thread.is_alive()


@pytest.mark.parametrize("word", ["refused", "ignored", "contact"])
def test_what_is_refused_is_kept_with_the_reason_and_can_be_queued_again(
    till: Till, word: str
) -> None:
    number = till.outbox.put(CONTACT, COAT)
    till.platform.script = [word]
    assert till.deliver() == Delivery(0, 1, 0, None)
    assert till.only.state == "rejected"
    assert till.only.reasons
    till.deliver(10_000)
    assert till.platform.sent == 1
    assert till.outbox.requeue(number)
    assert not till.outbox.requeue(number)
    assert till.deliver().delivered == 1


def test_an_entry_that_is_refused_does_not_hold_up_the_others(till: Till) -> None:
    for _ in range(3):
        till.outbox.put(CONTACT, COAT)
    till.platform.script = ["refused"]
    assert till.deliver() == Delivery(2, 1, 0, None)


@pytest.mark.parametrize("word", ["never left", "429", "key", "timeout after"])
def test_a_platform_that_takes_nothing_is_not_asked_for_each_entry(till: Till, word: str) -> None:
    for _ in range(3):
        till.outbox.put(CONTACT, COAT)
    till.platform.script = [word] * 3
    stopped = till.deliver().stopped
    assert isinstance(stopped, (NotSentError, UnauthorizedError, OutcomeUnknownError))
    assert till.platform.sent == 1


def test_what_certainly_was_not_sent_waits_longer_each_time_but_for_ever(till: Till) -> None:
    till.outbox.put(CONTACT, COAT)
    till.platform.script = ["never left"] * 4
    for wait in (1.0, 2.0, 2.0):
        assert till.deliver().stopped is not None
        assert till.only.state == "waiting"
        assert till.only.reasons
        assert till.deliver(wait - 0.1).stopped is None
        till.clock.sleep(0.2)
    assert till.deliver().stopped is not None
    assert till.deliver(2.1).delivered == 1


def test_a_refused_key_rejects_nothing(till: Till) -> None:
    till.outbox.put(CONTACT, COAT)
    till.platform.script = ["key"] * 50
    for _ in range(50):
        assert isinstance(till.deliver(3).stopped, UnauthorizedError)
    assert till.states == ["waiting"]
    assert till.deliver(3).delivered == 1


def test_a_look_that_fails_is_repeated_and_counts_for_nothing(till: Till) -> None:
    till.outbox.put(CONTACT, COAT)
    till.platform.script = ["timeout after"]
    till.platform.looks = ["500", "429", "never left", "key", "html"] * 3
    till.deliver()
    for _ in range(15):
        assert till.deliver(10.1).stopped is not None
    assert till.states == ["sending"]
    assert till.deliver(10.1).delivered == 1
    assert till.platform.sent == 1


def test_what_no_look_settles_becomes_unknown_and_is_never_sent_by_itself(till: Till) -> None:
    number = till.outbox.put(CONTACT, COAT)
    till.platform.script = ["timeout before"] * 2
    fates = [till.deliver(wait) for wait in (0.0, 5.1, 10.1, 5.1, 10.1)]
    assert fates[-1] == Delivery(0, 0, 1, None)
    assert till.only.reasons
    till.deliver(10_000)
    assert till.platform.sent == 2
    assert till.outbox.requeue(number)
    assert till.deliver().delivered == 1


def test_a_second_post_that_never_left_is_tried_again_after_a_look(till: Till) -> None:
    till.outbox.put(CONTACT, COAT)
    till.platform.script = ["timeout before", "never left", "429"]
    waits = (0.0, 5.1, 10.1, 10.1, 10.1)
    assert [till.deliver(wait).delivered for wait in waits] == [0, 0, 0, 0, 1]
    assert len(till.platform.stored) == 1


def test_a_second_post_that_is_refused_leaves_the_first_unknown(till: Till) -> None:
    till.outbox.put(CONTACT, COAT)
    till.platform.script = ["timeout before", "refused"]
    for wait in (0.0, 5.1, 10.1):
        till.deliver(wait)
    assert till.states == ["unknown"]


def test_without_looks_an_unanswered_post_is_unknown(tmp_path: Path) -> None:
    till = Till(tmp_path / "till.db", policy=RetryPolicy.never())
    till.outbox.put(CONTACT, COAT)
    till.platform.script = ["timeout after"]
    assert till.deliver().unknown == 1
    till.outbox.close()


def test_a_contact_that_is_gone_when_it_is_looked_for_leaves_it_unknown(till: Till) -> None:
    till.outbox.put(CONTACT, COAT)
    till.platform.script, till.platform.looks = ["timeout after"], ["contact"]
    till.deliver()
    till.deliver(5.1)
    assert till.states == ["unknown"]


def to_the_second(stamp: str) -> str:
    return stamp[:19] + "+00:00"


@pytest.mark.parametrize("first", ["ok", "timeout after"])
@pytest.mark.parametrize("second", ["cut before", "cut after"])
@pytest.mark.parametrize("precision", [str, to_the_second])
def test_equal_entries_never_share_an_interaction(
    till: Till, first: str, second: str, precision: Callable[[str], str]
) -> None:
    till.platform.precision = precision
    for milliseconds in (1, 2):
        moment = till.clock.start.replace(microsecond=milliseconds * 1000)
        till.outbox.put(CONTACT, COAT, created_date=moment)
    till.platform.script = [first, second]
    for _ in range(2):
        try:
            till.deliver()
        except PowerCut:
            break
    for wait in (0.0, 5.1, 10.1, 5.1, 10.1):
        till.restart()
        till.deliver(wait)
    unsettled = sum(state == "unknown" for state in till.states)
    assert len(till.platform.stored) == 2 or unsettled
    assert len(till.platform.stored) <= 2
    if first == "ok":
        assert not unsettled


@contextmanager
def today(**changes: Any) -> Generator[None]:
    """The package as it is after it was generated from a schema that was changed."""
    found = snapshot.generated_schemas()
    saved = dict(found)
    try:
        found["favourite"] = replace(found["favourite"], schema_hash="another", **changes)
        yield
    finally:
        found.clear()
        found.update(saved)


def test_an_entry_of_another_schema_is_sent_if_it_still_fits(till: Till) -> None:
    till.outbox.put(CONTACT, COAT)
    with today():
        assert till.deliver().delivered == 1


def test_an_entry_that_does_not_fit_any_more_is_rejected_with_the_rule(till: Till) -> None:
    till.outbox.put(CONTACT, COAT)
    with today(module="repair", class_name="Repair"):
        assert till.deliver() == Delivery(0, 1, 0, None)
    assert "is required" in till.only.reasons[0]
    assert till.platform.requests == []


def test_an_entry_without_a_schema_is_rejected_or_unknown(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    till.outbox.put(CONTACT, COAT)
    till.outbox.put(CONTACT, COAT)
    till.platform.script = ["timeout after"]
    till.deliver()
    monkeypatch.setattr(outbox_delivery, "generated_schemas", dict[str, snapshot.GeneratedSchema])
    till.deliver(5.1)
    assert till.states == ["unknown", "rejected"]
    assert all(
        "without the schema favourite" in entry.reasons[0] for entry in till.outbox.entries()
    )


def test_what_cannot_be_sent_cannot_be_put(till: Till) -> None:
    with pytest.raises(InvalidPayloadError, match="time zone"):
        till.outbox.put(CONTACT, COAT, created_date=datetime(2026, 1, 1))
    with pytest.raises(InvalidPayloadError, match="schemaId"):
        till.outbox.put(CONTACT, Gift("a"))
    with pytest.raises(InvalidPayloadError, match="contactId"):
        till.outbox.put("..", COAT)
    assert not till.states


@pytest.mark.parametrize(
    "damage",
    [
        "body = '{'",
        "body = x'ff'",
        "body = '[]'",
        "body = '{}'",
        "body = replace(body, '8810', '88\"')",
        "body = replace(body, 'favourite', 'favorites')",
        """body = replace(body, '"payload": {', '"payload": [], "other": {')""",
        "created_date = 'nonsense'",
        "created_date = '2026-03-14T09:26:53+00:00'",
        "contact_id = cast(x'ff' AS TEXT)",
        "contact_id = 'other'",
    ],
)
def test_a_damaged_entry_does_not_hold_up_the_others(till: Till, damage: str) -> None:
    till.outbox.put(CONTACT, COAT)
    till.outbox.put(CONTACT, COAT)
    with closing(sqlite3.connect(till.path, isolation_level=None)) as db:
        db.execute(f"UPDATE entries SET {damage} WHERE id = 1")
    first, second = till.outbox.entries()
    assert (first.payload, first.reasons) == ({}, ("The entry is damaged.",))
    assert second.payload == COAT.to_payload()
    assert till.deliver() == Delivery(1, 1, 0, None)
    assert till.only == replace(first, state="rejected")
    assert till.outbox.discard(first.id)


def test_a_damaged_date_leaves_the_status_readable(till: Till) -> None:
    till.outbox.put(CONTACT, COAT)
    with closing(sqlite3.connect(till.path, isolation_level=None)) as db:
        db.execute("UPDATE entries SET put_at = 'x'")
    assert till.outbox.status().oldest == till.only.put_at == datetime(1970, 1, 1, tzinfo=UTC)


def test_a_closed_client_is_told_before_anything_is_begun(till: Till) -> None:
    till.outbox.put(CONTACT, COAT)
    till.client.close()
    with EngageClient("https://acme.voyado.com", api_key="k", user_agent="a/1") as closed:
        pass
    with pytest.raises(ConfigurationError, match="closed"):
        till.outbox.deliver(closed)
    assert till.states == ["waiting"]


def test_a_clock_that_went_back_holds_nothing_up(till: Till) -> None:
    till.outbox.put(CONTACT, COAT)
    till.platform.script = ["timeout after"]
    till.deliver()
    till.clock.start -= timedelta(days=365)
    assert till.deliver().delivered == 1


def test_the_status_tells_what_to_watch(till: Till) -> None:
    assert till.outbox.status().oldest is None
    for _ in range(4):
        till.outbox.put(CONTACT, COAT)
        till.clock.sleep(60)
    till.platform.script = ["refused", "timeout before"]
    till.deliver()
    status = till.outbox.status()
    assert (status.rejected, status.sending, status.waiting, status.unknown) == (1, 1, 2, 0)
    assert status.oldest == till.clock.start + timedelta(seconds=60)
    assert [entry.id for entry in till.outbox.entries("waiting")] == [3, 4]


def test_only_what_is_not_being_sent_can_be_discarded(till: Till) -> None:
    first, second = till.outbox.put(CONTACT, COAT), till.outbox.put(CONTACT, COAT)
    till.platform.script = ["timeout after"]
    till.deliver()
    assert not till.outbox.discard(first)
    assert till.outbox.discard(second)
    assert not till.outbox.discard(second)
    assert till.states == ["sending"]


def test_an_entry_that_is_discarded_at_the_last_moment_is_not_sent(till: Till) -> None:
    first, second = till.outbox.put(CONTACT, COAT), till.outbox.put(CONTACT, COAT)
    till.deliver(on_receipt=lambda number, _: number == first and till.outbox.discard(second))
    assert till.platform.sent == 1


def test_more_entries_than_fit_a_page_come_in_order(till: Till) -> None:
    numbers = [till.outbox.put(CONTACT, COAT) for _ in range(250)]
    assert [entry.id for entry in till.outbox.entries()] == numbers


def test_a_stop_ends_the_delivery_after_the_step_that_is_under_way(till: Till) -> None:
    stop = threading.Event()
    till.outbox.put(CONTACT, COAT)
    till.outbox.put(CONTACT, COAT)
    assert till.deliver(stop=stop, on_receipt=lambda number, _: stop.set()).delivered == 1
    assert till.states == ["waiting"]


def test_puts_go_on_during_a_delivery_and_are_delivered_by_it(till: Till) -> None:
    till.outbox.put(CONTACT, COAT)
    with Outbox(till.path) as other:
        put = [other]
        till.deliver(on_receipt=lambda number, _: put and put.pop().put(CONTACT, COAT))
    assert len(till.platform.stored) == 2


def test_there_is_one_delivery_at_a_time_in_a_process(till: Till) -> None:
    till.outbox.put(CONTACT, COAT)

    def again(number: int, receipt: Receipt) -> None:
        for _ in range(2):  # the first try must not break the claim of the delivery
            with Outbox(till.path) as other, pytest.raises(AlreadyDeliveringError):
                other.deliver(till.client)

    assert till.deliver(on_receipt=again).delivered == 1


HOLD = """
import sys, httpx
sys.path.insert(0, sys.argv[2])
from engage_interactions import EngageClient
from engage_interactions.outbox import Outbox
def hang(request):
    print("sending", flush=True)
    sys.stdin.read()
http = httpx.Client(transport=httpx.MockTransport(hang))
client = EngageClient("https://acme.voyado.com", api_key="k", user_agent="a/1", http=http)
Outbox(sys.argv[1]).deliver(client)
"""


def test_a_process_that_is_killed_leaves_the_delivery_to_the_next(till: Till) -> None:
    till.outbox.put(CONTACT, COAT)
    generated = str(ROOT / "generated")
    arguments = [sys.executable, "-c", HOLD, str(till.path), generated]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"sending\n"
        with pytest.raises(AlreadyDeliveringError):
            till.deliver()
        other.kill()
    assert till.deliver(0.0).stopped is None
    assert till.states == ["sending"], "it is looked for first"


@pytest.mark.skipif(os.name != "posix", reason="modes of files are POSIX's")
def test_the_files_are_the_owners_alone(till: Till) -> None:
    till.outbox.put(CONTACT, COAT)
    modes: dict[str, int] = {}

    def look(number: int, receipt: Receipt) -> None:
        for file in till.path.parent.iterdir():
            modes[file.name] = stat.S_IMODE(file.stat().st_mode)

    till.deliver(on_receipt=look)
    assert set(modes) >= {"till.db", "till.db-wal", "till.db-delivery"}
    assert set(modes.values()) == {0o600}
    till.path.chmod(0o644)
    till.restart()
    assert stat.S_IMODE(till.path.stat().st_mode) == 0o600


def test_a_file_that_is_no_outbox_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    with sqlite3.connect(other) as db:
        db.execute("CREATE TABLE things (x)")
    db.close()
    (tmp_path / "text").write_text("not a database, but long enough to be one" * 100)
    (tmp_path / "later.db").touch()
    with Outbox(tmp_path / "later.db"):
        pass
    with sqlite3.connect(tmp_path / "later.db") as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    before = {file: file.read_bytes() for file in tmp_path.iterdir()}
    for name in ("other.db", "text", "later.db", "no/folder.db", ""):
        with pytest.raises(OutboxError, match=str(tmp_path)):
            Outbox(tmp_path / name)
    assert {file: file.read_bytes() for file in before} == before


FILL = """
import resource, sys
sys.path.insert(0, sys.argv[2])
from engage_interactions.favourite import Favourite
from engage_interactions.outbox import Outbox, OutboxError
outbox = Outbox(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
done = []
try:
    while True:
        done.append(outbox.put("c", Favourite(product_sku="x" * 1000)))
except OutboxError:
    print(len(done))
"""


@pytest.mark.skipif(os.name != "posix", reason="needs a limit on files")
def test_a_full_disk_loses_nothing_that_was_put(tmp_path: Path) -> None:
    generated = str(ROOT / "generated")
    arguments = [sys.executable, "-c", FILL, str(tmp_path / "till.db"), generated]
    count = int(subprocess.check_output(arguments))
    with Outbox(tmp_path / "till.db") as outbox:
        assert len(list(outbox.entries())) == count > 10


@pytest.mark.parametrize(("durability", "level"), [("flushed", 2), ("unflushed", 1)])
def test_a_put_is_flushed_unless_it_is_told_otherwise(
    tmp_path: Path, durability: Any, level: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[sqlite3.Connection] = []
    connect = sqlite3.connect

    def note(*arguments: Any, **more: Any) -> sqlite3.Connection:
        made.append(connect(*arguments, **more))
        return made[-1]

    monkeypatch.setattr(sqlite3, "connect", note)
    with Outbox(tmp_path / "till.db", durability=durability):
        assert made[0].execute("PRAGMA synchronous").fetchone() == (level,)
        assert made[0].execute("PRAGMA journal_mode").fetchone() == ("wal",)


OPEN = """
import sys
sys.path.insert(0, sys.argv[2])
from engage_interactions.favourite import Favourite
from engage_interactions.outbox import Outbox
print("ready", flush=True)
sys.stdin.readline()
with Outbox(sys.argv[1]) as outbox:
    for _ in range(20):
        outbox.put("c", Favourite(product_sku="x"))
"""


def test_processes_that_open_a_new_file_at_once_all_put(tmp_path: Path) -> None:
    generated = str(ROOT / "generated")
    for number in range(3):
        path = tmp_path / f"{number}.db"
        arguments = [sys.executable, "-c", OPEN, str(path), generated]
        others = [
            subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            for _ in range(4)
        ]
        for other in others:
            assert other.stdout is not None
            other.stdout.readline()
        for other in others:
            other.communicate(b"go\n")
        assert [other.returncode for other in others] == [0] * 4
        with Outbox(path) as outbox:
            assert len(list(outbox.entries())) == 80


def test_the_classes_are_found_by_the_lock_of_the_package() -> None:
    found = snapshot.generated_schemas()["Reuse-Spring-2023"]
    assert found.load_payload_class().__schema_id__ == "Reuse-Spring-2023"
    assert json.dumps(snapshot.json_schema("favourite"))


@pytest.mark.parametrize("precision", [str, to_the_second])
def test_what_was_delivered_before_a_restart_is_not_taken_for_what_was_put_since(
    till: Till, precision: Callable[[str], str]
) -> None:
    till.platform.precision = precision
    day = till.clock.start
    till.outbox.put(CONTACT, COAT, created_date=day)
    assert till.deliver().delivered == 1
    till.restart()
    till.outbox.put(CONTACT, COAT, created_date=day + timedelta(milliseconds=1))
    till.platform.script = ["timeout before"]
    for wait in (0.0, 5.1, 10.1):
        till.deliver(wait)
    assert len(till.platform.stored) == 2
    assert not till.states


def test_a_rejected_twin_leaves_nothing_in_doubt(till: Till) -> None:
    for milliseconds in (1, 2):
        moment = till.clock.start.replace(microsecond=milliseconds * 1000)
        till.outbox.put(CONTACT, COAT, created_date=moment)
    till.platform.script = ["refused before", "timeout after"]
    till.deliver()
    till.deliver(5.1)
    assert till.states == ["rejected"]
