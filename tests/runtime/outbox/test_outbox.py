"""An outbox delivers each entry once, at the times of its policy, across restarts."""

import os
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from engage_interactions import (
    Receipt,
    RetryPolicy,
)
from engage_interactions.favourite import Favourite
from engage_interactions.outbox import AlreadyDeliveringError, Delivery, Entry, Outbox, OutboxError
from tests.support.runtime.http_library import GENERATED
from tests.support.runtime.outbox import OutboxRig
from tests.support.runtime.platform import CONTACT

pytestmark = pytest.mark.slow

COAT = Favourite(product_sku="8810-42", price=450)


@pytest.fixture
def rig(tmp_path: Path) -> Generator[OutboxRig]:
    rig = OutboxRig(tmp_path / "outbox.db")
    yield rig
    rig.outbox.close()
    rig.client.close()


def test_a_delivered_interaction_is_stored_unchanged_and_erased_from_the_file(
    rig: OutboxRig,
) -> None:
    bought = datetime(2026, 3, 14, 9, 26, 53, 589793, tzinfo=UTC)
    number = rig.outbox.put(CONTACT, COAT, created_date=bought)
    assert rig.only_entry == Entry(
        number, "waiting", CONTACT, "favourite", bought, COAT.to_payload(), rig.clock.start, ()
    )
    rig.restart()
    assert rig.deliver() == Delivery(1, 0, 0, None)
    (stored,) = rig.platform.stored
    assert stored["payload"] == COAT.to_payload()
    assert stored["createdDate"] == bought.isoformat()
    assert not list(rig.outbox.entries())
    for file in rig.path.parent.iterdir():
        assert b"8810-42" not in file.read_bytes(), f"{file.name} still contains personal data"


@pytest.mark.parametrize("change", ["deliver", "discard"])
def test_deleted_entries_are_erased_whatever_the_default_of_sqlite_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    connect = sqlite3.connect

    def connect_without_secure_delete(*arguments: Any, **options: Any) -> sqlite3.Connection:
        db: sqlite3.Connection = connect(*arguments, **options)
        assert db.execute("PRAGMA secure_delete = OFF").fetchone() == (0,)
        return db

    monkeypatch.setattr(sqlite3, "connect", connect_without_secure_delete)
    rig = OutboxRig(tmp_path / "outbox.db")
    numbers = [
        rig.outbox.put(CONTACT, replace(COAT, product_sku="8810-42" * 50)) for _ in range(20)
    ]
    rig.restart()
    if change == "deliver":
        assert rig.deliver().delivered == 20
    else:
        assert all(rig.outbox.discard(number) for number in numbers)
    rig.outbox.close()
    rig.client.close()
    for file in tmp_path.iterdir():
        assert b"8810-42" not in file.read_bytes(), f"{file.name} still contains personal data"


def test_a_reader_of_the_file_blocks_neither_puts_nor_deliveries(rig: OutboxRig) -> None:
    numbers = [rig.outbox.put(CONTACT, COAT) for _ in range(2)]
    with closing(sqlite3.connect(rig.path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM entries").fetchall()
        rig.outbox.put(CONTACT, COAT)

        def work() -> None:
            rig.outbox.discard(numbers[0])
            rig.deliver()
            rig.outbox.put(CONTACT, COAT)

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        thread.join(20)
        assert not thread.is_alive()


def test_an_unanswered_post_becomes_unknown_if_the_policy_has_no_lookups(tmp_path: Path) -> None:
    rig = OutboxRig(tmp_path / "outbox.db", policy=RetryPolicy.never())
    rig.outbox.put(CONTACT, COAT)
    rig.platform.post_faults = ["timeout after"]
    assert rig.deliver().unknown == 1
    rig.outbox.close()


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
def test_a_damaged_entry_does_not_block_the_others(rig: OutboxRig, damage: str) -> None:
    rig.outbox.put(CONTACT, COAT)
    rig.outbox.put(CONTACT, COAT)
    with closing(sqlite3.connect(rig.path, isolation_level=None)) as db:
        db.execute(f"UPDATE entries SET {damage} WHERE id = 1")
    first, second = rig.outbox.entries()
    assert (first.payload, first.reasons) == ({}, ("The entry is damaged.",))
    assert second.payload == COAT.to_payload()
    assert rig.deliver() == Delivery(1, 1, 0, None)
    assert rig.only_entry == replace(first, state="rejected")
    assert rig.outbox.discard(first.id)


def test_the_status_is_readable_if_a_date_is_damaged(rig: OutboxRig) -> None:
    rig.outbox.put(CONTACT, COAT)
    with closing(sqlite3.connect(rig.path, isolation_level=None)) as db:
        db.execute("UPDATE entries SET put_at = 'x'")
    assert rig.outbox.status().oldest == rig.only_entry.put_at == datetime(1970, 1, 1, tzinfo=UTC)


def test_an_entry_that_is_put_during_a_delivery_is_delivered_by_it(rig: OutboxRig) -> None:
    rig.outbox.put(CONTACT, COAT)
    with Outbox(rig.path) as other:
        put = [other]
        rig.deliver(on_receipt=lambda number, _: put and put.pop().put(CONTACT, COAT))
    assert len(rig.platform.stored) == 2


def test_a_second_delivery_in_the_same_process_raises(rig: OutboxRig) -> None:
    rig.outbox.put(CONTACT, COAT)

    def again(number: int, receipt: Receipt) -> None:
        for _ in range(2):  # the first attempt must not release the lock of the delivery
            with Outbox(rig.path) as other, pytest.raises(AlreadyDeliveringError):
                other.deliver(rig.client)

    assert rig.deliver(on_receipt=again).delivered == 1


DELIVER_AND_HANG = """
import sys
sys.path.insert(0, sys.argv[2])
from engage_interactions import EngageClient
from engage_interactions._runtime.transport.http_library import httpx
from engage_interactions.outbox import Outbox
def hang(request):
    print("sending", flush=True)
    sys.stdin.read()
http = httpx.Client(transport=httpx.MockTransport(hang))
client = EngageClient("https://acme.voyado.com", api_key="k", user_agent="a/1", http=http)
Outbox(sys.argv[1]).deliver(client)
"""


def test_a_killed_process_releases_the_lock_of_the_delivery(rig: OutboxRig) -> None:
    rig.outbox.put(CONTACT, COAT)
    generated = str(GENERATED)
    arguments = [sys.executable, "-c", DELIVER_AND_HANG, str(rig.path), generated]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"sending\n"
        with pytest.raises(AlreadyDeliveringError):
            rig.deliver()
        other.kill()
    assert rig.deliver(0.0).stopped is None
    assert rig.states == ["sending"], "a lookup comes first"


@pytest.mark.skipif(os.name != "posix", reason="modes of files are POSIX's")
def test_only_the_owner_can_read_the_files(rig: OutboxRig) -> None:
    rig.outbox.put(CONTACT, COAT)
    modes: dict[str, int] = {}

    def note_modes(number: int, receipt: Receipt) -> None:
        for file in rig.path.parent.iterdir():
            modes[file.name] = stat.S_IMODE(file.stat().st_mode)

    rig.deliver(on_receipt=note_modes)
    assert set(modes) >= {"outbox.db", "outbox.db-wal"}
    assert set(modes.values()) == {0o600}
    rig.path.chmod(0o644)
    rig.restart()
    assert stat.S_IMODE(rig.path.stat().st_mode) == 0o600


def test_a_file_that_is_not_an_outbox_is_refused_and_not_changed(tmp_path: Path) -> None:
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


PUT_UNTIL_FULL = """
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
def test_a_full_disk_loses_no_entry(tmp_path: Path) -> None:
    generated = str(GENERATED)
    arguments = [sys.executable, "-c", PUT_UNTIL_FULL, str(tmp_path / "outbox.db"), generated]
    count = int(subprocess.check_output(arguments))
    with Outbox(tmp_path / "outbox.db") as outbox:
        assert len(list(outbox.entries())) == count > 10


@pytest.mark.parametrize(("durability", "level"), [("flushed", 2), ("unflushed", 1)])
def test_a_put_is_flushed_unless_durability_is_unflushed(
    tmp_path: Path, durability: Any, level: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    connections: list[sqlite3.Connection] = []
    connect = sqlite3.connect

    def note(*arguments: Any, **more: Any) -> sqlite3.Connection:
        connections.append(connect(*arguments, **more))
        return connections[-1]

    monkeypatch.setattr(sqlite3, "connect", note)
    with Outbox(tmp_path / "outbox.db", durability=durability):
        assert connections[0].execute("PRAGMA synchronous").fetchone() == (level,)
        assert connections[0].execute("PRAGMA journal_mode").fetchone() == ("wal",)


OPEN_AND_PUT = """
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


def test_processes_can_create_the_same_file_at_the_same_time(tmp_path: Path) -> None:
    generated = str(GENERATED)
    for number in range(3):
        path = tmp_path / f"{number}.db"
        arguments = [sys.executable, "-c", OPEN_AND_PUT, str(path), generated]
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
