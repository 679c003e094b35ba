"""An outbox never returns from a put into a file that nobody will find, and links lead to one file.

The same holds where the disk is full, and where root and another user share a file.
"""

import itertools
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from engage_interactions import EngageClient, Receipt
from engage_interactions._runtime.outbox.base import BaseOutbox
from engage_interactions._runtime.outbox.sqlite import connection, locks
from engage_interactions._runtime.outbox.sqlite.database import Database
from engage_interactions.favourite import Favourite
from engage_interactions.outbox import AlreadyDeliveringError, Outbox, OutboxError
from tests.support.processes import exit_code_of, fork
from tests.support.runtime.http_library import GENERATED, httpx
from tests.support.runtime.outbox import OutboxRig
from tests.support.runtime.platform import CONTACT
from tests.support.tiers import IS_FULL

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="open files cannot be moved there"),
    pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning"),
]

IS_ROOT = sys.platform != "win32" and os.geteuid() == 0
SERVICE = 12345
"""A user id that is not root."""


def put(outbox: BaseOutbox, token: str) -> int:
    return outbox.put(CONTACT, Favourite(product_sku=token))


def tokens(path: Path) -> list[object]:
    with Outbox(path) as outbox:
        return [entry.payload["productSku"] for entry in outbox.entries()]


def answer(request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, json={"id": os.urandom(8).hex()})


def connect() -> EngageClient:
    http = httpx.Client(transport=httpx.MockTransport(answer))
    return EngageClient("https://a.voyado.com", api_key="k", user_agent="a/1", http=http)


@pytest.fixture
def without_locks_of_descriptors(monkeypatch: pytest.MonkeyPatch) -> None:
    def lock_nothing(descriptor: int, part: tuple[int, int], *, is_exclusive: bool) -> None:
        return None

    monkeypatch.setattr(locks, "_lock_bytes", lock_nothing)


def remove_all(path: Path) -> None:
    for file in path.parent.glob("outbox.db*"):
        file.unlink()


def remove_the_database(path: Path) -> None:
    path.unlink()


def move_all(path: Path) -> None:
    (path.parent / "away").mkdir()
    for file in path.parent.glob("outbox.db*"):
        file.rename(path.parent / "away" / file.name)


def move_the_database(path: Path) -> None:
    path.rename(path.parent / "old.db")


def replace_by_a_copy(path: Path) -> None:
    shutil.copy(path, path.parent / "copy.db")
    os.replace(path.parent / "copy.db", path)


def restore_an_older_folder(path: Path) -> None:
    path.parent.rename(path.parent.parent / "current")
    shutil.copytree(path.parent.parent / "current", path.parent)


def remove_the_folder(path: Path) -> None:
    shutil.rmtree(path.parent)


def move_the_folder(path: Path) -> None:
    path.parent.rename(path.parent.parent / "moved")


def move_the_folder_above(path: Path) -> None:
    path.parents[1].rename(path.parents[2] / "moved")


def remove_the_log(path: Path) -> None:
    Path(f"{path}-wal").unlink()


def move_the_log(path: Path) -> None:
    Path(f"{path}-wal").rename(path.parent / "log")


CHANGES: list[Callable[[Path], None]] = [
    *(remove_all, remove_the_database, move_all, move_the_database, replace_by_a_copy),
    *(restore_an_older_folder, remove_the_folder, move_the_folder, move_the_folder_above),
    *(remove_the_log, move_the_log),
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    folder = tmp_path / "above" / "folder"
    folder.mkdir(parents=True)
    return folder / "outbox.db"


@pytest.mark.parametrize("is_settled", [False, True])
@pytest.mark.parametrize("change", CHANGES)
def test_a_put_into_a_file_that_is_no_longer_at_its_path_raises(
    path: Path, change: Callable[[Path], None], is_settled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if is_settled:  # as if nothing in the folder had changed for a while
        monkeypatch.setattr(connection, "_TICK_SECONDS", -3600.0)
        Outbox(path).close()
        time.sleep(0.05)  # longer than a tick of the clock of the file system
    outbox = Outbox(path)
    put(outbox, "before")
    if is_settled:
        time.sleep(0.05)
    change(path)
    with pytest.raises(OutboxError, match="moved, deleted or replaced") as raised:
        put(outbox, "lost")
    is_log = change in (remove_the_log, move_the_log)
    assert raised.value.may_be_stored == is_log
    for moved in path.parents[2].rglob("o*.db"):
        moved.chmod(0o600)
        assert "lost" not in tokens(moved)
    path.parent.mkdir(parents=True, exist_ok=True)
    before = tokens(path)
    put(outbox, "after")
    assert tokens(path) == [*before, "after"]
    outbox.close()
    assert tokens(path) == [*before, "after"]


def test_a_file_that_is_gone_is_not_created_again_by_a_put(path: Path) -> None:
    outbox = Outbox(path)
    put(outbox, "before")
    remove_all(path)
    for _ in range(3):
        with pytest.raises(OutboxError):
            put(outbox, "lost")
    assert not path.exists()


@pytest.mark.parametrize("use", ["status", "entries", "deliver", "requeue", "discard"])
@pytest.mark.parametrize("change", CHANGES[:-2])
def test_every_use_is_of_the_file_at_the_path(
    path: Path, change: Callable[[Path], None], use: str
) -> None:
    outbox = Outbox(path, retry=None)
    number = put(outbox, "before")
    change(path)
    is_gone = not path.exists()
    uses: dict[str, Callable[[], object]] = {
        "status": outbox.status,
        "entries": lambda: list(outbox.entries()),
        "deliver": lambda: outbox.deliver(connect()),
        "requeue": lambda: outbox.requeue(number),
        "discard": lambda: outbox.discard(number),
    }
    try:
        uses[use]()
    except OutboxError:
        assert is_gone or use in ("requeue", "discard")
    else:
        assert not is_gone


def test_a_file_that_is_moved_during_a_transaction_is_noticed(path: Path) -> None:
    database = Database(str(path), "flushed")

    def move_in_a_transaction() -> None:
        with database.writing() as db:
            db.execute("UPDATE outbox SET removed = 1")
            move_all(path)

    with pytest.raises(OutboxError, match="moved") as raised:
        move_in_a_transaction()
    assert raised.value.may_be_stored
    Outbox(path).close()
    with database.reading() as db:
        assert db.execute("SELECT removed FROM outbox").fetchone() == (0,)
    database.close()
    with pytest.raises(OutboxError, match="closed"), database.reading():
        pass


def test_a_signal_handler_that_uses_the_outbox_is_refused(path: Path) -> None:
    database = Database(str(path), "flushed")
    with database.writing() as db:
        with pytest.raises(OutboxError, match="signal handler"):
            database.insert("", (), lambda db, number: True)
        db.execute("UPDATE outbox SET removed = 1")
    database.close()


def test_closing_an_outbox_does_not_touch_the_file_that_replaced_its_own(path: Path) -> None:
    first = Outbox(path)
    put(first, "first")
    remove_all(path)
    second = Outbox(path)
    put(second, "second")
    first.close()
    assert tokens(path) == ["second"]
    put(second, "third")
    second.close()
    assert tokens(path) == ["second", "third"]


def test_a_link_that_leads_elsewhere_is_noticed(path: Path) -> None:
    link, other = path.parent / "link.db", path.parent / "other.db"
    Outbox(other).close()
    link.symlink_to(path)
    path.touch()
    outbox = Outbox(link)
    put(outbox, "one")
    link.unlink()
    link.symlink_to(other)
    with pytest.raises(OutboxError, match="moved"):
        put(outbox, "lost")
    put(outbox, "two")
    outbox.close()
    assert (tokens(path), tokens(other)) == (["one"], ["two"])


JOB = """
import sys
sys.path.insert(0, sys.argv[2])
from engage_interactions.outbox import Outbox
with Outbox(sys.argv[1]) as outbox:
    print(*[entry.payload["productSku"] for entry in outbox.entries()])
"""


def run_job(path: Path) -> list[str]:
    arguments = [sys.executable, "-c", JOB, str(path), str(GENERATED)]
    return subprocess.check_output(arguments, text=True).split()


def copy_the_file(path: Path) -> None:
    shutil.copy(path, path.parent.parent / "backup")


def copy_the_folder(path: Path) -> None:
    shutil.copytree(path.parent, path.parent.parent / "backup", dirs_exist_ok=True)


def read_the_file(path: Path) -> None:
    path.read_bytes()


def query_the_file(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("SELECT count(*) FROM entries").fetchall()


@pytest.mark.slow
@pytest.mark.parametrize("read", [copy_the_file, copy_the_folder, read_the_file, query_the_file])
def test_reading_the_file_in_the_same_process_loses_no_put(
    path: Path, read: Callable[[Path], None]
) -> None:
    put_here: list[str] = []
    rounds = 2 if IS_FULL else 1

    def work() -> None:
        outbox = Outbox(path)
        for number in range(rounds):
            put(outbox, f"before{number}")
            put_here.append(f"before{number}")
            read(path)
            assert run_job(path) == put_here
            put(outbox, f"after{number}")
            put_here.append(f"after{number}")
            assert run_job(path) == put_here
        os._exit(0)  # as if the power was cut

    assert exit_code_of(fork(work)) == 0
    assert run_job(path) == [f"{when}{n}" for n in range(rounds) for when in ("before", "after")]


TRY_TO_LOCK_THE_INDEX = """
import fcntl, sys
with open(sys.argv[1], "r+b") as index:
    fcntl.lockf(index, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, 128)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs locks of descriptors")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_reading_the_index_of_the_log_does_not_let_others_empty_it(path: Path) -> None:
    """SQLite empties the index when it gets this lock, and the process that uses it crashes."""
    index = f"{path}-shm"
    command = [sys.executable, "-c", TRY_TO_LOCK_THE_INDEX, index]
    outbox, other = Outbox(path), Outbox(path)
    for end in (lambda: None, other.close, lambda: put(outbox, "x")):
        end()
        Path(index).read_bytes()
        assert subprocess.run(command, capture_output=True, check=False).returncode == 1
    outbox.close()
    assert not Path(index).exists()


@pytest.mark.usefixtures("without_locks_of_descriptors")
def test_a_lost_lock_is_noticed_where_the_system_has_no_better_ones(path: Path) -> None:
    outbox = Outbox(path)
    put(outbox, "before")
    read_the_file(path)
    run_job(path)
    with pytest.raises(OutboxError):
        put(outbox, "lost")
    # Before Python 3.12, the connection cannot be closed and opened again without damage.
    expected = ["before"]
    with suppress(OutboxError):
        put(outbox, "after")
        expected.append("after")
    assert run_job(path) == expected
    outbox.close()


def make_symbolic_link(path: Path) -> Path:
    link = path.parent / "link.db"
    link.symlink_to(path.name)
    return link


def make_link_to_folder(path: Path) -> Path:
    link = path.parent.parent / "link"
    link.symlink_to(path.parent)
    return link / path.name


LINKS = [make_symbolic_link, make_link_to_folder]


@pytest.mark.parametrize("make_link", LINKS)
def test_there_is_one_delivery_at_a_time_through_all_links(
    path: Path, make_link: Callable[[Path], Path]
) -> None:
    check_links(path, make_link)


@pytest.mark.usefixtures("without_locks_of_descriptors")
@pytest.mark.parametrize("make_link", LINKS)
def test_there_is_one_delivery_at_a_time_on_other_systems_too(
    path: Path, make_link: Callable[[Path], Path]
) -> None:
    Path(f"{path}-delivery").write_bytes(b"garbage" * 1000)
    check_links(path, make_link)


def test_a_file_with_two_names_is_refused(path: Path) -> None:
    outbox = Outbox(path)
    put(outbox, "one")
    link = path.parent / "link.db"
    link.hardlink_to(path)
    with pytest.raises(OutboxError, match="another name"):
        Outbox(link)
    link.unlink()
    put(outbox, "two")
    outbox.close()
    assert tokens(path) == ["one", "two"]


def check_links(path: Path, make_link: Callable[[Path], Path]) -> None:
    rig = OutboxRig(path)
    put(rig.outbox, "one")
    link = make_link(path)

    def deliver_again(number: int, receipt: Receipt) -> None:
        with Outbox(link) as other, pytest.raises(AlreadyDeliveringError):
            other.deliver(rig.client)

    assert rig.deliver(on_receipt=deliver_again).delivered == 1
    rig.outbox.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Generator[Path]:
    """A file system of three megabytes."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=3m", "none", str(disk)]
    if not IS_ROOT or subprocess.run(command, check=False).returncode:
        pytest.skip("cannot mount a file system")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def put_until_full(outbox: Outbox) -> int:
    for count in itertools.count():
        try:
            put(outbox, "x" * 1000)
        except OutboxError as error:
            if "full" in str(error) and not error.may_be_stored:
                return count
            raise
    return 0


def fill(disk: Path) -> None:
    with (disk / "other").open("wb", buffering=0) as other:
        for size in (4096, 1):
            with suppress(OSError):
                while True:
                    other.write(bytes(size))


@pytest.mark.parametrize("is_opened_again", [False, True])
@pytest.mark.parametrize("count", [1, 30])
def test_a_full_disk_stops_no_delivery(small_disk: Path, count: int, is_opened_again: bool) -> None:
    outbox = Outbox(small_disk / "outbox.db")
    for _ in range(count):
        put(outbox, "x" * 2000)
    if is_opened_again:
        outbox.close()
    fill(small_disk)
    if is_opened_again:
        outbox = Outbox(small_disk / "outbox.db")
    put_until_full(outbox)
    waiting = outbox.status().waiting
    assert outbox.deliver(connect()).delivered == waiting >= count
    assert outbox.status().waiting == 0
    put(outbox, "x")
    outbox.close()


@pytest.mark.slow
def test_a_disk_that_is_full_of_entries_stops_no_delivery(small_disk: Path) -> None:
    outbox = Outbox(small_disk / "outbox.db")
    count = put_until_full(outbox)
    assert outbox.deliver(connect()).delivered == count > 100
    put(outbox, "x")
    outbox.close()


class FaultyCursor(sqlite3.Cursor):
    """A cursor of a disk that fails when it is flushed."""

    def execute(self, *arguments: Any) -> "FaultyCursor":
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorcode = sqlite3.SQLITE_IOERR_FSYNC
        raise error


def test_after_a_failed_flush_the_entry_may_be_stored(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    initialize = connection.Connection.__init__

    def initialize_faulty(self: connection.Connection, *arguments: Any, **names: Any) -> None:
        initialize(self, *arguments, **names)
        self.cursor = FaultyCursor(self.db)

    monkeypatch.setattr(connection.Connection, "__init__", initialize_faulty)
    with Outbox(path) as outbox, pytest.raises(OutboxError, match="nevertheless") as raised:
        put(outbox, "x")
    assert raised.value.may_be_stored


needs_root = pytest.mark.skipif(not IS_ROOT, reason="needs root")


def run_as(user: int, act: Callable[[], object]) -> None:
    def run() -> None:
        os.setgid(user)
        os.setuid(user)
        act()

    assert exit_code_of(fork(run)) == 0


@pytest.fixture
def service_path() -> Generator[Path]:
    """The path of an outbox in a folder of a user that is not root."""
    with tempfile.TemporaryDirectory() as folder:
        os.chown(folder, SERVICE, SERVICE)
        yield Path(folder) / "outbox.db"


def put_one(path: Path) -> None:
    with Outbox(path) as outbox:
        put(outbox, "x")


def deliver_all(path: Path) -> None:
    with Outbox(path) as outbox:
        outbox.deliver(connect())
        assert outbox.status().waiting == 0


@needs_root
@pytest.mark.parametrize("first", [put_one, deliver_all])
@pytest.mark.parametrize("has_locks", [True, False])
def test_what_root_creates_belongs_to_the_user_of_the_outbox(
    service_path: Path,
    first: Callable[[Path], None],
    has_locks: bool,
    request: pytest.FixtureRequest,
) -> None:
    if not has_locks:
        request.getfixturevalue("without_locks_of_descriptors")
    deliver_all(service_path.with_name("warm.db"))  # imports what the user may not read
    first(service_path)
    assert {file.stat().st_uid for file in service_path.parent.iterdir()} == {SERVICE}
    run_as(SERVICE, lambda: put_one(service_path))
    deliver_all(service_path)
    run_as(SERVICE, lambda: put_one(service_path))
    run_as(SERVICE, lambda: deliver_all(service_path))


@needs_root
def test_a_user_who_may_not_use_the_file_is_told(service_path: Path) -> None:
    put_one(service_path)
    service_path.parent.chmod(0o755)

    def try_put() -> None:
        with pytest.raises(OutboxError, match="Run as its owner"):
            Outbox(service_path)

    run_as(SERVICE + 1, try_put)
