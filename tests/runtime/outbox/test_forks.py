"""An outbox that was opened before a fork loses no put, hangs in no child and damages no file."""

import os
import pickle
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from engage_interactions import Receipt
from engage_interactions._runtime.outbox.base import BaseOutbox
from engage_interactions._runtime.outbox.sqlite import locks
from engage_interactions.favourite import Favourite
from engage_interactions.outbox import AlreadyDeliveringError, Delivery, Outbox
from tests.support.processes import exit_code_of, fork
from tests.support.runtime.http_library import GENERATED
from tests.support.runtime.outbox import OutboxRig
from tests.support.runtime.platform import CONTACT

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="needs fork"),
    pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning"),
]

LIMIT_SECONDS = 60
"""A child that hangs longer than that is ended by a signal."""


@pytest.fixture(params=["locks of descriptors", "other systems"], autouse=True)
def system(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "other systems":

        def lock_nothing(descriptor: int, part: tuple[int, int], *, is_exclusive: bool) -> None:
            return None

        monkeypatch.setattr(locks, "_lock_bytes", lock_nothing)


def fork_with_limit(act: Callable[[], object]) -> int:
    def run() -> None:
        signal.alarm(LIMIT_SECONDS)
        act()

    return fork(run)


def put(outbox: BaseOutbox, token: str) -> int:
    return outbox.put(CONTACT, Favourite(product_sku=token))


def tokens(path: Path) -> set[str]:
    with Outbox(path) as outbox:
        return {str(entry.payload["productSku"]) for entry in outbox.entries()}


def assert_intact(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_puts_of_threads_before_and_after_a_fork_are_all_stored(tmp_path: Path) -> None:
    path, stop = tmp_path / "outbox.db", threading.Event()
    expected: set[str] = set()
    with Outbox(path, durability="unflushed") as outbox:

        def work(number: int) -> None:
            count = 0
            while not stop.is_set():
                put(outbox, f"parent {number}.{count}")
                expected.add(f"parent {number}.{count}")
                count += 1

        def put_twenty(number: int) -> None:
            for count in range(20):
                put(outbox, f"child {number}.{count}")

        threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
        for thread in threads:
            thread.start()
        children: list[int] = []
        for number in range(8):
            children.append(fork_with_limit(partial(put_twenty, number)))
            expected |= {f"child {number}.{count}" for count in range(20)}
        assert [exit_code_of(child) for child in children] == [0] * 8
        stop.set()
        for thread in threads:
            thread.join()
    assert tokens(path) == expected
    assert_intact(path)


BECOME_A_DAEMON = """
import os, sys
sys.path.insert(0, sys.argv[2])
from engage_interactions.favourite import Favourite
from engage_interactions.outbox import Outbox
outbox = Outbox(sys.argv[1])
outbox.put("c", Favourite(product_sku="parent"))
if os.fork():
    {ending}
else:
    sys.stdin.readline()
    for number in range(3):
        outbox.put("c", Favourite(product_sku=f"daemon {{number}}"))
    print("put", flush=True)
    sys.stdin.readline()
    outbox.close()
    print("closed", flush=True)
"""


@pytest.mark.parametrize("ending", ["os._exit(0)", "sys.exit(0)", "outbox.close()"])
def test_a_daemon_keeps_the_outbox_that_its_parent_opened(tmp_path: Path, ending: str) -> None:
    path = tmp_path / "outbox.db"
    script = BECOME_A_DAEMON.format(ending=ending)
    arguments = [sys.executable, "-c", script, str(path), str(GENERATED)]
    expected = {"parent", "daemon 0", "daemon 1", "daemon 2"}
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as daemon:
        assert daemon.stdin is not None
        assert daemon.stdout is not None
        assert daemon.wait() == 0
        assert tokens(path) == {"parent"}
        daemon.stdin.write(b"x\n")
        daemon.stdin.flush()
        assert daemon.stdout.readline() == b"put\n"
        assert tokens(path) == expected
        with Outbox(path) as other:
            put(other, "other")
        daemon.stdin.write(b"x\n")
        daemon.stdin.flush()
        assert daemon.stdout.readline() == b"closed\n"
    assert tokens(path) == expected | {"other"}
    assert_intact(path)


def test_a_child_that_ends_takes_nothing_from_its_parent(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    with Outbox(path) as outbox:
        for number in range(5):
            put(outbox, f"before {number}")
            assert exit_code_of(fork_with_limit(lambda: None)) == 0
            assert exit_code_of(fork_with_limit(outbox.close)) == 0
            assert exit_code_of(fork_with_limit(lambda: list(outbox.entries()))) == 0
            with Outbox(path) as other:
                put(other, f"other {number}")
            put(outbox, f"after {number}")
    assert len(tokens(path)) == 15
    assert_intact(path)


FORK_UNNOTICED = """
import ctypes, os, signal, sys
from engage_interactions._runtime.outbox.sqlite import locks
from engage_interactions.favourite import Favourite
from engage_interactions.outbox import Outbox, OutboxError

path, system, contact_id = sys.argv[1:]
if system == "other systems":
    locks._lock_bytes = lambda descriptor, part, *, is_exclusive: None
with Outbox(path) as outbox:
    outbox.put(contact_id, Favourite(product_sku="before"))
    child = ctypes.PyDLL(None).fork()
    if not child:
        signal.alarm(60)
        code = 1
        try:
            outbox.put(contact_id, Favourite(product_sku="child"))
        except OutboxError as error:
            outbox.close()
            code = 0 if "after the fork" in str(error) else 2
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0
    with Outbox(path) as other:
        other.put(contact_id, Favourite(product_sku="other"))
    outbox.put(contact_id, Favourite(product_sku="after"))
"""


def test_a_fork_that_python_does_not_notice_is_reported(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """In a process of its own: the threads of this one may hold locks that no fork releases."""
    path = tmp_path / "outbox.db"
    system = "other systems" if "other systems" in request.node.name else ""
    program = [sys.executable, "-c", FORK_UNNOTICED, str(path), system, CONTACT]
    environment = {**os.environ, "PYTHONPATH": str(GENERATED)}
    done = subprocess.run(program, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert tokens(path) == {"before", "other", "after"}


def test_a_child_does_not_keep_the_claim_of_its_parent(tmp_path: Path) -> None:
    rig = OutboxRig(tmp_path / "outbox.db")
    rig.outbox.put(CONTACT, Favourite(product_sku="x"))
    hold, told = os.pipe(), os.pipe()

    def deliver() -> None:
        def linger(number: int, receipt: Receipt) -> None:
            def live_on() -> None:
                with pytest.raises(AlreadyDeliveringError):
                    rig.outbox.deliver(rig.client)
                os.write(told[1], b"x")
                os.read(hold[0], 1)

            fork_with_limit(live_on)
            os.read(hold[0], 1)

        rig.deliver(on_receipt=linger)

    parent = fork_with_limit(deliver)
    assert os.read(told[0], 1) == b"x"
    os.kill(parent, signal.SIGKILL)
    exit_code_of(parent)
    reported: list[int] = []
    rig.deliver(on_receipt=lambda number, receipt: reported.append(number))
    assert reported == [1]
    os.write(hold[1], b"x")
    rig.outbox.close()


def test_a_child_that_is_forked_in_on_receipt_does_not_go_on_with_the_delivery(
    tmp_path: Path,
) -> None:
    rig = OutboxRig(tmp_path / "outbox.db")
    for number in range(3):
        put(rig.outbox, str(number))
    parent, children = os.getpid(), list[int]()

    def fork_here(number: int, receipt: Receipt) -> None:
        child = os.fork()
        if child:
            children.append(child)
            assert exit_code_of(child) == 0
        else:
            signal.alarm(LIMIT_SECONDS)

    try:
        delivery = rig.deliver(on_receipt=fork_here)
    except AlreadyDeliveringError:
        os._exit(os.getpid() == parent)
    if os.getpid() != parent:
        os._exit(1)
    assert delivery == Delivery(3, 0, 0, None)
    assert len(children) == rig.platform.posts == 3
    rig.outbox.close()


def test_a_pickled_outbox_opens_the_same_file(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    with Outbox(path) as outbox, pickle.loads(pickle.dumps(outbox)) as other:
        assert put(outbox, "one") == 1
        assert put(other, "two") == 2
    assert tokens(path) == {"one", "two"}
