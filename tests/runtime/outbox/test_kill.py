"""Processes that use one outbox are killed again and again, during puts and deliveries.

No interaction is lost, and none is stored twice.
"""

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

import pytest

from engage_codegen.sandbox.options import Options
from engage_codegen.sandbox.server import Sandbox, running
from engage_codegen.sandbox.store.paging import BEFORE_THE_NEWEST
from engage_interactions import EngageClient, RetryPolicy
from engage_interactions.favourite import Favourite
from engage_interactions.outbox import Outbox
from tests.support.runtime.clocks import FakeClock
from tests.support.runtime.http_library import httpx
from tests.support.tiers import IS_FULL

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="needs fork")]

PROCESSES, MOST_PROCESSES = 250 if IS_FULL else 80, 2500
"""The least and the most processes. Luck decides whether a kill comes before or after the work of
the sandbox, so there are more of them until both have happened."""
LONGEST_LIFETIME = 0.06
CONTACTS = [f"{number:08x}-0000-4000-8000-000000000000" for number in range(500)]
# Before a resend, the sandbox has four seconds to carry out what a killed process sent.
POLICY = RetryPolicy(retry_delays=(0.05,), lookup_delays=(2.0, 2.0), resend=True)


def run_parent(file: Path, base_url: str) -> None:
    """Fork a child for each line on standard input, and kill it after the seconds in that line.

    The imports, which take a second, happen only once. The parent has no threads.
    """
    http = httpx.Client(timeout=30, trust_env=False)
    for line in sys.stdin:
        number, seconds = line.split()
        child = os.fork()
        if child == 0:
            work(file, base_url, http, int(number))
        time.sleep(float(seconds))
        os.kill(child, signal.SIGKILL)
        if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != -signal.SIGKILL:
            sys.exit("the child ended by itself")
        print("dead", flush=True)


def connect(base_url: str, http: httpx.Client) -> EngageClient:
    return EngageClient(
        base_url, api_key="sandbox-key", user_agent="Kill/1", rate=1_000_000, http=http
    )


def work(file: Path, base_url: str, http: httpx.Client, number: int) -> None:
    """Put in one thread and deliver in another until the process is killed or something raises."""
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
    """Put interactions with a token each, and print the token after its put returned."""
    rng = random.Random(number)
    try:
        for count in itertools.count():
            token = f"{number}.{count}"
            outbox.put(rng.choice(CONTACTS), Favourite(product_sku=token))
            os.write(1, f"{token}\n".encode())
            time.sleep(rng.uniform(0, 0.01))
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(1)


@contextmanager
def parent_process(file: Path, base_url: str) -> Generator[subprocess.Popen[bytes]]:
    """Run the parent, and kill it with its children at the end of the block."""
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


def run_child(process: subprocess.Popen[bytes], number: int, seconds: float) -> list[str]:
    """Run and kill a child, and return the tokens whose puts returned."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{number} {seconds}\n".encode())
    output = b""
    while not output.endswith(b"dead\n"):
        assert select.select([process.stdout], [], [], 60)[0], "the parent prints nothing"
        chunk = os.read(process.stdout.fileno(), 65_536)
        assert chunk, "the parent has ended"
        output += chunk
    return output.decode().split()[:-1]


def stored(sandbox: Sandbox) -> Counter[str]:
    """Return how often each token is stored."""
    with sandbox.store.transaction() as tenant:
        return Counter(
            str(item.payload["productSku"])
            for contact in CONTACTS
            for item in tenant.list_interactions(
                contact, "favourite", BEFORE_THE_NEWEST, until="9999", limit=1_000_000
            )
        )


@dataclass
class InterruptedPosts:
    """The POSTs that a kill interrupted, by token.

    `sending_since` has the time at which an entry was first seen in the state `sending`. `applied`
    were stored by then. `not_applied` were still not stored a second later.
    """

    sending_since: dict[str, float] = field(default_factory=dict[str, float])
    applied: set[str] = field(default_factory=set[str])
    not_applied: set[str] = field(default_factory=set[str])

    def note(self, file: Path, sandbox: Sandbox) -> None:
        with Outbox(file) as outbox:
            sending = {str(entry.payload["productSku"]) for entry in outbox.entries("sending")}
        now, now_stored = time.monotonic(), stored(sandbox)
        self.applied |= (sending - self.sending_since.keys()) & now_stored.keys()
        self.sending_since |= dict.fromkeys(sending - self.sending_since.keys(), now)
        self.not_applied |= {
            token for token in sending - now_stored.keys() if self.sending_since[token] < now - 1
        }


def wait_until_idle(sandbox: Sandbox) -> None:
    for _ in range(30):
        before = stored(sandbox)
        time.sleep(1)
        if stored(sandbox) == before:
            return
    pytest.fail("the sandbox is still busy")


def deliver_rest(file: Path, base_url: str) -> dict[str, str]:
    """Deliver a day later. Return the tokens of the remaining entries, and their states."""
    clock = FakeClock()
    clock.start = datetime.now(UTC) + timedelta(days=1)
    with httpx.Client(timeout=30, trust_env=False) as http:
        client = connect(base_url, http)
        with Outbox(file, retry=POLICY, clock=clock) as outbox:
            for _ in range(10):
                outbox.deliver(client)
                clock.sleep(3)
            entries = [*outbox.entries()]
    assert all(entry.reasons for entry in entries)
    return {str(entry.payload["productSku"]): entry.state for entry in entries}


def test_processes_that_are_killed_at_any_moment_lose_and_duplicate_nothing(tmp_path: Path) -> None:
    file, seed = tmp_path / "outbox.db", random.randrange(2**32)
    print(f"seed {seed}")
    rng, interrupted, returned = random.Random(seed), InterruptedPosts(), set[str]()
    with running(options=Options(rate_limit=0)) as sandbox:
        with sandbox.store.transaction() as tenant:
            for contact in CONTACTS:
                tenant.add_contact(contact, "")
        with parent_process(file, sandbox.base_url) as process:
            for number in range(MOST_PROCESSES):
                returned.update(run_child(process, number, rng.uniform(0, LONGEST_LIFETIME)))
                if number % 4 == 0:
                    interrupted.note(file, sandbox)
                has_both = interrupted.applied and interrupted.not_applied
                if number + 1 >= PROCESSES and has_both:
                    break
        wait_until_idle(sandbox)
        remaining = deliver_rest(file, sandbox.base_url)
        counts = stored(sandbox)
    print(f"{len(returned)} puts, {len(interrupted.sending_since)} cut off; remaining: {remaining}")
    print(f"{len(interrupted.applied)} were applied, {len(interrupted.not_applied)} were not")
    assert counts.total() == len(counts), "something is stored twice"
    assert returned <= counts.keys() | remaining.keys(), "something is lost"
    assert set(remaining.values()) <= {"unknown"}
    assert len(remaining) < max(len(returned), PROCESSES) / 5  # a slow machine puts little
    numbers = Counter(token.split(".")[0] for token in returned)
    possible = returned | {f"{number}.{numbers[str(number)]}" for number in range(MOST_PROCESSES)}
    assert counts.keys() <= possible, "something is stored that was never put"
    assert interrupted.applied, "no kill came between the sandbox's work and its answer"
    assert interrupted.not_applied, "no kill came before the sandbox's work"


if __name__ == "__main__":
    run_parent(Path(sys.argv[1]), sys.argv[2])
