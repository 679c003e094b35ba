"""A damaged file leads to no altered request, no endless call and no silent loss.

Of each entry, either the interaction is stored as it was put, or the entry is counted, or a call
raises `OutboxError`.
"""

import itertools
import json
import random
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from engage_interactions.favourite import Favourite
from engage_interactions.outbox import Outbox, OutboxError
from tests.support.runtime.http_library import httpx
from tests.support.runtime.outbox import FaultyPlatform, OutboxRig
from tests.support.runtime.platform import CONTACT
from tests.support.tiers import IS_FULL

pytestmark = pytest.mark.slow

CASES = 1000 if IS_FULL else 16
SECTOR = 512


class EndlessError(BaseException):
    """Ends a call that would never end."""


class LimitedPlatform(FaultyPlatform):
    """A platform that ends the test after too many requests."""

    def answer(self, request: httpx.Request, fault: str) -> httpx.Response:
        if len(self.requests) > 2000:
            raise EndlessError
        return super().answer(request, fault)


@dataclass
class Original:
    """The bytes of an intact file, what each entry sends, and what was stored before."""

    content: bytes
    bodies: set[bytes]
    rig: OutboxRig


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Original:
    """A file with delivered, waiting, sending, rejected and unknown entries."""
    rig = OutboxRig(tmp_path_factory.mktemp("original") / "outbox.db")
    for number in range(60):
        sku = f"sku {number}" * (1 + 200 * (number % 20 == 7))
        rig.outbox.put(f"contact{number % 7}", Favourite(product_sku=sku, brand=f"brand {number}"))
    rig.platform.post_faults = [*["ok"] * 4, *["refused"] * 3, *["ok"] * 4, "timeout after"]
    rig.deliver()
    rig.platform.post_faults = [*["ok"] * 3, "timeout before"]
    rig.deliver()
    rig.outbox.close()
    with Outbox(rig.path) as outbox:
        entries = list(outbox.entries())
    assert Counter(entry.state for entry in entries) == {"waiting": 44, "sending": 2, "rejected": 3}
    bodies = {
        json.dumps(
            {
                "contactId": entry.contact_id,
                "schemaId": entry.schema_id,
                "createdDate": entry.created_date.isoformat(),
                "payload": entry.payload,
            }
        ).encode()
        for entry in entries
    }
    return Original(rig.path.read_bytes(), bodies, rig)


def flip_a_bit(content: bytearray, rng: random.Random) -> None:
    content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)


def flip_bits(content: bytearray, rng: random.Random) -> None:
    for _ in range(rng.randrange(2, 30)):
        flip_a_bit(content, rng)


def zero_a_sector(content: bytearray, rng: random.Random) -> None:
    start = rng.randrange(len(content) // SECTOR) * SECTOR
    content[start : start + SECTOR] = bytes(SECTOR)


def zero_a_page(content: bytearray, rng: random.Random) -> None:
    start = rng.randrange(len(content) // 4096) * 4096
    content[start : start + 4096] = bytes(4096)


def repeat_a_page(content: bytearray, rng: random.Random) -> None:
    source, target = (rng.randrange(len(content) // 4096) * 4096 for _ in range(2))
    content[target : target + 4096] = content[source : source + 4096]


def scribble(content: bytearray, rng: random.Random) -> None:
    start = rng.randrange(len(content))
    part = rng.randbytes(rng.randrange(1, 64))[: len(content) - start]
    content[start : start + len(part)] = part


def cut_off(content: bytearray, rng: random.Random) -> None:
    del content[rng.randrange(len(content)) :]


DAMAGES: list[Callable[[bytearray, random.Random], None]] = [
    *(flip_a_bit, flip_a_bit, flip_bits, zero_a_sector, zero_a_sector, zero_a_page),
    *(repeat_a_page, scribble, cut_off),
]


def damaged_files(original: Original) -> Iterator[tuple[str, bytes]]:
    for number in range(CASES):
        rng = random.Random(number)
        content, damage = bytearray(original.content), rng.choice(DAMAGES)
        damage(content, rng)
        yield f"{damage.__name__} {number}", bytes(content)


def use_file(path: Path, original: Original) -> tuple[LimitedPlatform, int | None]:
    """Deliver from a damaged file. Return the platform, and the number of counted entries.

    The number is None if `OutboxError` was raised.
    """
    rig = OutboxRig.__new__(OutboxRig)
    rig.path, rig.clock, rig.policy = path, original.rig.clock, original.rig.policy
    rig.platform = platform = LimitedPlatform(rig.clock, stored=[*original.rig.platform.stored])
    try:
        rig.start()
    except OutboxError:
        return platform, None
    counted: int | None = 0
    try:
        for wait in (0.0, 5.1, 10.1, 10.1):
            rig.deliver(wait)
    except OutboxError:
        counted = None
    try:
        listed = sum(1 for _ in itertools.islice(rig.outbox.entries(), 5000))
        assert listed < 5000, "the list never ends"
        status = rig.outbox.status()
        total = status.waiting + status.sending + status.unknown + status.rejected
        counted = None if counted is None else total + status.missing
    except OutboxError:
        counted = None
    with suppress(OutboxError):
        rig.outbox.close()
    return platform, counted


def test_a_damaged_file_alters_nothing_and_loses_nothing_silently(
    original: Original, tmp_path: Path
) -> None:
    before = len(original.rig.platform.stored)
    results: Counter[str] = Counter()
    for name, content in damaged_files(original):
        folder = tmp_path / "files"
        folder.mkdir()
        (folder / "outbox.db").write_bytes(content)
        platform, counted = use_file(folder / "outbox.db", original)
        shutil.rmtree(folder)
        posted = Counter(body for method, body in platform.requests if method == "POST")
        assert posted.keys() <= original.bodies, f"{name}: altered data was sent"
        assert all(number == 1 for number in posted.values()), f"{name}: sent twice"
        if counted is not None:
            delivered = len(platform.stored) - before + 1  # One of those in doubt was stored.
            assert delivered + counted >= 49, f"{name}: an entry vanished"
        results["error" if counted is None else "counted"] += 1
    print(results)
    assert results["counted"] > CASES / 3


@pytest.mark.parametrize(
    "column", ["state", "posts", "step", "interaction_id", "posted_at", "progress_check"]
)
@pytest.mark.parametrize("value", ["NULL", "'x'", "x'01'", "2", "-1", "1e300", "'waiting'"])
def test_a_damaged_column_of_the_progress_leads_to_no_request(
    tmp_path: Path, column: str, value: str
) -> None:
    rig = OutboxRig(tmp_path / "outbox.db")
    rig.outbox.put(CONTACT, Favourite(product_sku="x"))
    rig.platform.post_faults = ["timeout before"]
    rig.deliver()
    if (column, value) == ("interaction_id", "NULL"):
        column, value = "progress_check", "progress_check + 1"
    damage(rig.path, f"UPDATE entries SET {column} = {value}")
    for wait in (5.1, 10.1, 1000.0, 1000.0):
        rig.deliver(wait)
    assert rig.platform.posts == 1
    status = rig.outbox.status()
    assert (status.unknown, status.waiting, status.sending) == (1, 0, 0)
    (entry,) = rig.outbox.entries("unknown")
    assert entry.reasons == ("The entry is damaged.",)
    assert rig.outbox.discard(entry.id)
    assert rig.outbox.status().missing == 0
    rig.outbox.close()


@pytest.mark.parametrize("due", ["NULL", "'x'", "1e300", "x'ff'", "-1e300"])
def test_a_damaged_due_date_delays_nothing_for_ever(tmp_path: Path, due: str) -> None:
    rig = OutboxRig(tmp_path / "outbox.db")
    rig.outbox.put(CONTACT, Favourite(product_sku="x"))
    damage(rig.path, f"UPDATE entries SET due = {due}")
    assert rig.deliver().delivered == 1
    rig.outbox.close()


@pytest.mark.parametrize("post_faults", [[], ["timeout after"]])
def test_a_copy_of_a_delivered_entry_is_not_sent_again(
    tmp_path: Path, post_faults: list[str]
) -> None:
    rig = OutboxRig(tmp_path / "outbox.db")
    rig.outbox.put(CONTACT, Favourite(product_sku="x"))
    rig.platform.post_faults = post_faults
    if post_faults:
        rig.deliver()
    with closing(sqlite3.connect(rig.path, isolation_level=None)) as db:
        row = db.execute("SELECT * FROM entries").fetchone()
        assert rig.deliver(5.1).delivered == 1
        db.execute(f"INSERT INTO entries VALUES ({', '.join('?' * len(row))})", row)
    for _ in range(4):
        assert rig.deliver(1000.0).delivered == 0
    assert rig.platform.posts == 1
    assert rig.states == ["unknown"]
    rig.outbox.close()


def test_an_entry_that_disappeared_is_missing_in_the_status(tmp_path: Path) -> None:
    rig = OutboxRig(tmp_path / "outbox.db")
    for _ in range(5):
        rig.outbox.put(CONTACT, Favourite(product_sku="x"))
    rig.platform.post_faults = ["refused"]
    rig.deliver()
    assert rig.outbox.discard(1)
    rig.outbox.put(CONTACT, Favourite(product_sku="x"))
    rig.outbox.put(CONTACT, Favourite(product_sku="x"))
    assert rig.outbox.status().missing == 0
    damage(rig.path, "DELETE FROM entries WHERE id = 6")
    assert (rig.outbox.status().waiting, rig.outbox.status().missing) == (1, 1)
    rig.outbox.close()


def test_a_changed_definition_of_a_table_is_damage(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    Outbox(path).close()
    content = path.read_bytes()
    path.write_bytes(content.replace(b"DEFAULT 'waiting'", b"DEFAULT 'waitinf'"))
    with pytest.raises(OutboxError, match="damaged"):
        Outbox(path)


def damage(path: Path, statement: str) -> None:
    """Execute a statement, without the constraints of the table."""
    definition = change_definition(path, lambda sql: sql.replace(" NOT NULL", ""))
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute(statement)
    change_definition(path, lambda sql: definition)


def change_definition(path: Path, change: Callable[[str], str]) -> str:
    query = "SELECT sql FROM sqlite_master WHERE name = 'entries'"
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA writable_schema = ON")
        (before,) = db.execute(query).fetchone()
        update = "UPDATE sqlite_master SET sql = ? WHERE name = 'entries'"
        db.execute(update, (change(before),))
    return str(before)
