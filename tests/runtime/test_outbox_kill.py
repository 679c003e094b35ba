"""A till that is killed hundreds of times, in the midst of puts and deliveries, loses nothing and
doubles nothing."""

import itertools
import os
import random
import select
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from engage_codegen.sandbox.options import Options
from engage_codegen.sandbox.server import Sandbox, running
from engage_codegen.sandbox.store.paging import BEFORE_THE_NEWEST
from engage_interactions import EngageClient, RetryPolicy
from engage_interactions.favourite import Favourite
from engage_interactions.outbox import Outbox
from tests.support.clocks import FakeClock

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs fork")

ROUNDS = 250
LONGEST_LIFE = 0.06
CONTACTS = [f"{number:08x}-0000-4000-8000-000000000000" for number in range(500)]
# Before anything is sent again, the sandbox has had four seconds for what a killed process sent.
POLICY = RetryPolicy(retry_delays=(0.05,), lookup_delays=(2.0, 2.0), resend=True)


def nursery(file: Path, base_url: str) -> None:
    """For each line on standard input, a number and seconds, fork a till and kill it then: what
    takes a second of each start, the imports, is done once, in a process without threads."""
    http = httpx.Client(timeout=30, trust_env=False)
    for line in sys.stdin:
        number, seconds = line.split()
        child = os.fork()
        if child == 0:
            work(file, base_url, http, int(number))
        time.sleep(float(seconds))
        os.kill(child, signal.SIGKILL)
        if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != -signal.SIGKILL:
            sys.exit("the till ended by itself")
        print("dead", flush=True)


def connect(base_url: str, http: httpx.Client) -> EngageClient:
    return EngageClient(
        base_url, api_key="sandbox-key", user_agent="Kill/1", rate=1_000_000, http=http
    )


def work(file: Path, base_url: str, http: httpx.Client, number: int) -> None:
    """Put in one thread and deliver in another, for ever; whatever is raised ends the process."""
    try:
        client = connect(base_url, http)
        outbox = Outbox(file, retry=POLICY, durability="unflushed" if number % 2 else "flushed")
        threading.Thread(target=put, args=(outbox, number), daemon=True).start()
        while True:
            outbox.deliver(client)
            time.sleep(0.001)
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(1)


def put(outbox: Outbox, number: int) -> None:
    """Each token is told when it is put, and not before."""
    dice = random.Random(number)
    try:
        for count in itertools.count():
            token = f"{number}.{count}"
            outbox.put(dice.choice(CONTACTS), Favourite(product_sku=token))
            os.write(1, f"{token}\n".encode())
            time.sleep(dice.uniform(0, 0.01))
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(1)


@contextmanager
def nursed(file: Path, base_url: str) -> Generator[subprocess.Popen[bytes]]:
    """A nursery that leaves no process behind."""
    process = subprocess.Popen(
        [sys.executable, __file__, str(file), base_url],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,
        start_new_session=True,
    )
    with process:
        try:
            yield process
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def live(process: subprocess.Popen[bytes], number: int, seconds: float) -> list[str]:
    """The tokens that a till put before it was killed."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{number} {seconds}\n".encode())
    told = b""
    while not told.endswith(b"dead\n"):
        assert select.select([process.stdout], [], [], 60)[0], "the nursery is silent"
        news = os.read(process.stdout.fileno(), 65_536)
        assert news, "the nursery is gone"
        told += news
    return told.decode().split()[:-1]


def stored(sandbox: Sandbox) -> Counter[str]:
    """Token -> how often it is stored."""
    with sandbox.store.transaction() as tenant:
        return Counter(
            str(item.payload["productSku"])
            for contact in CONTACTS
            for item in tenant.list_interactions(
                contact, "favourite", BEFORE_THE_NEWEST, until="9999", limit=1_000_000
            )
        )


@dataclass
class Fates:
    """What became of the POSTs that a kill cut off: tokens that were found in `sending`, since
    when, and of those the ones that were stored by then, and the ones that still were not when the
    sandbox had had a second for them."""

    seen: dict[str, float] = field(default_factory=dict[str, float])
    done: set[str] = field(default_factory=set[str])
    not_done: set[str] = field(default_factory=set[str])

    def note(self, file: Path, sandbox: Sandbox) -> None:
        with Outbox(file) as outbox:
            sending = {str(it.payload["productSku"]) for it in outbox.entries("sending")}
        now, there = time.monotonic(), stored(sandbox)
        self.done |= (sending - self.seen.keys()) & there.keys()
        self.seen |= dict.fromkeys(sending - self.seen.keys(), now)
        self.not_done |= {it for it in sending - there.keys() if self.seen[it] < now - 1}


def wait_until_quiet(sandbox: Sandbox) -> None:
    for _ in range(30):
        before = stored(sandbox)
        time.sleep(1)
        if stored(sandbox) == before:
            return
    pytest.fail("the sandbox is still at work")


def finish(file: Path, base_url: str) -> dict[str, str]:
    """Deliver what is left, a day later. The tokens that are left even then, and their states."""
    clock = FakeClock()
    clock.start = datetime.now(UTC) + timedelta(days=1)
    with httpx.Client(timeout=30, trust_env=False) as http:
        client = connect(base_url, http)
        with Outbox(file, retry=POLICY, clock=clock) as outbox:
            for _ in range(10):
                outbox.deliver(client)
                clock.sleep(3)
            entries = [*outbox.entries()]
    assert all(it.reasons for it in entries)
    return {str(it.payload["productSku"]): it.state for it in entries}


def test_a_till_that_is_killed_at_any_moment_neither_loses_nor_doubles(tmp_path: Path) -> None:
    file, seed = tmp_path / "till.db", random.randrange(2**32)
    print(f"seed {seed}")
    dice, fates, returned = random.Random(seed), Fates(), set[str]()
    with running(options=Options(rate_limit=0)) as sandbox:
        with sandbox.store.transaction() as tenant:
            for contact in CONTACTS:
                tenant.add_contact(contact, "")
        with nursed(file, sandbox.base_url) as process:
            for number in range(ROUNDS):
                returned.update(live(process, number, dice.uniform(0, LONGEST_LIFE)))
                if number % 4 == 0:
                    fates.note(file, sandbox)
        wait_until_quiet(sandbox)
        left = finish(file, sandbox.base_url)
        counts = stored(sandbox)
    print(f"{len(returned)} puts, {len(fates.seen)} cut off; left: {left}")
    print(f"{len(fates.done)} were done, {len(fates.not_done)} were not")
    assert counts.total() == len(counts), "something is stored twice"
    assert returned <= counts.keys() | left.keys(), "something is lost"
    assert set(left.values()) <= {"unknown"}
    assert len(left) < len(returned) / 5
    numbers = Counter(token.split(".")[0] for token in returned)
    begun = returned | {f"{number}.{numbers[str(number)]}" for number in range(ROUNDS)}
    assert counts.keys() <= begun, "nobody put it"
    assert fates.done, "no kill came between the work of the platform and its answer"
    assert fates.not_done, "no kill came before the work of the platform"


if __name__ == "__main__":
    nursery(Path(sys.argv[1]), sys.argv[2])
