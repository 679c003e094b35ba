"""Processes that put and deliver are killed and stopped, and so is their database.

No interaction is lost. None is stored twice, except those that the platform carries out after the
last lookup, which are counted.
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
from datetime import timedelta
from typing import NoReturn

import psycopg
import pytest

from engage_codegen.sandbox.control.faults import Fault, Kind, When
from engage_codegen.sandbox.options import Options
from engage_codegen.sandbox.server import Sandbox, running
from engage_codegen.sandbox.store.paging import BEFORE_THE_NEWEST
from engage_interactions import EngageClient, RetryPolicy
from engage_interactions.favourite import Favourite
from engage_interactions.outbox import OutboxError
from engage_interactions.postgres import PostgresOutbox, PostgresRateLimiter, create_tables
from tests.support.postgres import Cluster, running_cluster
from tests.support.runtime.http_library import httpx
from tests.support.tiers import IS_FULL

pytestmark = [
    *(pytest.mark.slow, pytest.mark.postgres),
    pytest.mark.skipif(sys.platform == "win32", reason="needs fork"),
]

ENTRIES, KILLS, RESTARTS = (10_000, 240, 12) if IS_FULL else (150, 12, 1)
DELIVERERS = PUTTERS = 4
CONTACTS = [f"{number:08x}-0000-4000-8000-000000000000" for number in range(4000)]
LEASE = timedelta(seconds=2)
STOP_SECONDS = (2.2, 3.5)
"""How long a process is stopped: longer than its lease."""
# Before a resend, there are six seconds for what a stopped process or the platform does late.
POLICY = RetryPolicy(retry_delays=(0.05,), lookup_delays=(2.0, 4.0), resend=True)
AFTER_ALL = 3600.0


def fault(kind: Kind, when: When = When.BEFORE, share: float = 0.003, **options: object) -> Fault:
    values = {
        "kind": kind,
        "when": when,
        "share": share,
        "method": "POST",
        "count": None,
        **options,
    }
    return Fault.model_validate(values)


TOO_LATE = fault(Kind.LATE, seconds=AFTER_ALL, share=0.002, count=1_000_000)
FAULTS = (
    *(fault(kind, when) for kind in (Kind.TIMEOUT, Kind.DROP) for when in When),
    *(fault(kind, when) for kind in (Kind.STATUS, Kind.HTML) for when in When),
    *(fault(Kind.SLOW, seconds=0.3), fault(Kind.SLOW, When.AFTER, seconds=5.0)),
    *(fault(Kind.TRUNCATED, When.AFTER), fault(Kind.STATUS, status=429)),
    *(fault(Kind.LATE, seconds=0.5), TOO_LATE),
    *(fault(Kind.STATUS, method="GET", share=0.05), fault(Kind.DROP, method="GET", share=0.05)),
    fault(Kind.TRUNCATED, When.AFTER, method="GET", share=0.05),
)


def run_parent(url: str, base_url: str, ids: int) -> NoReturn:
    """Fork a child for each line on standard input, and write its process id to `ids`.

    The imports, which take a second, happen only once. The parent has no threads.
    """
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        role, number, start = line.split()
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            work(url, base_url, role, int(number), int(start))
        os.write(ids, str(child).encode())
    sys.exit()


def work(url: str, base_url: str, role: str, number: int, start: int) -> NoReturn:
    try:
        if role == "put":
            put(PostgresOutbox(url), number, start)
        else:
            deliver(url, base_url, number)
    except BaseException:
        traceback.print_exc()
    os.write(1, b"ended\n")
    os._exit(1)


def put(outbox: PostgresOutbox, number: int, start: int) -> None:
    """Put interactions with a token each, and print the token after its put returned.

    Those of the even processes have keys: a put is repeated after errors, and by the next process.
    """
    has_keys = number % 2 == 0
    name = f"k{number % (DELIVERERS + PUTTERS)}" if has_keys else str(number)
    start = start if has_keys else 0
    for count in itertools.count(start):
        token = f"{name}.{count}"
        contact = CONTACTS[hash_of(token) % len(CONTACTS)]
        while True:
            try:
                outbox.put(contact, Favourite(product_sku=token), key=token if has_keys else None)
                os.write(1, f"put {token}\n".encode())
            except OutboxError:  # The database is away. Without a key, perhaps it was put.
                time.sleep(0.1)
                if has_keys:
                    continue
            break
        time.sleep(0.01)


def hash_of(token: str) -> int:
    return random.Random(token).randrange(2**32)


def deliver(url: str, base_url: str, number: int) -> None:
    """Deliver with `run`, with a shared rate limiter or one of the process."""
    limiter = PostgresRateLimiter(url, rate=150, fallback_rate=30) if number % 2 else None
    http = httpx.Client(timeout=30, trust_env=False)
    client = EngageClient(
        *(base_url,),
        api_key="sandbox-key",
        user_agent="Kill/1",
        rate=50,
        rate_limiter=limiter,
        http=http,
    )
    with PostgresOutbox(url, retry=POLICY, lease=LEASE) as outbox:
        outbox.run(client, stop=threading.Event(), poll_seconds=0.2)


@dataclass
class Processes:
    """The processes, which a parent forks, and what they print."""

    parent: subprocess.Popen[bytes]
    ids: int
    returned: set[str] = field(default_factory=set[str])
    counts: Counter[str] = field(default_factory=Counter[str])
    ended: int = 0
    numbers: "itertools.count[int]" = field(default_factory=itertools.count)
    children: dict[int, int] = field(default_factory=dict[int, int])
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def read(self) -> None:
        assert self.parent.stdout is not None
        for line in self.parent.stdout:
            with self._lock:
                match line.decode().split():
                    case ["put", token]:
                        self.counts[token.partition(".")[0]] += token not in self.returned
                        self.returned.add(token)
                    case _:
                        self.ended += 1

    def start(self, slot: int) -> None:
        """Start the process of a slot: the first slots deliver, and the others put."""
        assert self.parent.stdin is not None
        slots = DELIVERERS + PUTTERS
        number = next(self.numbers) * slots + slot
        role = "deliver" if slot < DELIVERERS else "put"
        with self._lock:
            repeated = max(0, self.counts[f"k{slot}"] - 5)
        self.parent.stdin.write(f"{role} {number} {repeated}\n".encode())
        self.parent.stdin.flush()
        assert select.select([self.ids], [], [], 300)[0], "the parent forks nothing"
        self.children[slot] = int(os.read(self.ids, 100))

    def send(self, slot: int, number: signal.Signals) -> None:
        os.kill(self.children[slot], number)

    def end(self, slot: int) -> None:
        self.send(slot, signal.SIGKILL)
        del self.children[slot]


@contextmanager
def processes_of(url: str, base_url: str) -> Generator[Processes]:
    ids, writer = os.pipe()
    parent = subprocess.Popen(
        [sys.executable, __file__, url, base_url, str(writer)],
        pass_fds=[writer],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    os.close(writer)
    with parent:
        processes = Processes(parent, ids)
        threading.Thread(target=processes.read, daemon=True).start()
        try:
            yield processes
        finally:
            os.killpg(parent.pid, signal.SIGKILL)
            os.close(ids)


def disturb(processes: Processes, cluster: Cluster, rng: random.Random) -> Counter[str]:
    """Kill and stop processes, and restart the database, until there are enough entries."""
    counts: Counter[str] = Counter()
    stopped: dict[int, float] = {}
    slots = [*range(DELIVERERS + PUTTERS)]
    for slot in slots:
        processes.start(slot)
    while counts["kills"] < KILLS or len(processes.returned) < ENTRIES:
        assert not processes.ended, "a process ended by itself"
        time.sleep(rng.uniform(0.05, 0.25))
        now = time.monotonic()
        for slot in [slot for slot, until in stopped.items() if until <= now]:
            del stopped[slot]
            processes.send(slot, signal.SIGCONT)
        slot = rng.choice(slots)
        if slot not in stopped and rng.random() < 0.2:
            processes.send(slot, signal.SIGSTOP)
            stopped[slot] = now + rng.uniform(*STOP_SECONDS)
            counts["stops"] += 1
        elif counts["kills"] < KILLS:
            stopped.pop(slot, None)
            processes.end(slot)
            processes.start(slot)
            counts["kills"] += 1
            if counts["kills"] % (KILLS // (RESTARTS + 1)) == 0 and counts["restarts"] < RESTARTS:
                cluster.restart("immediate")
                counts["restarts"] += 1
    for slot in stopped:
        processes.send(slot, signal.SIGCONT)
    return counts


def wait_until_delivered(url: str, processes: Processes) -> Counter[str]:
    """Wait until nothing waits, and return the number of the remaining entries by state."""
    query = "SELECT state, count(*) FROM engage_entries GROUP BY state"
    states: Counter[str] = Counter()
    for _ in range(6000):
        assert not processes.ended, "a process ended by itself"
        with psycopg.connect(url) as connection:
            states = Counter(dict(connection.execute(query).fetchall()))
        if not states["waiting"] + states["sending"]:
            return states
        time.sleep(0.1)
    pytest.fail(f"the delivery does not end: {states}")


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


def count_too_late(sandbox: Sandbox) -> int:
    """Return the number of requests that the platform carries out after all lookups."""
    faults = dict(sandbox.state.faults.list())
    return (TOO_LATE.count or 0) - (faults[TOO_LATE] or 0)


def wait_for_late_ones(sandbox: Sandbox, total: int) -> Counter[str]:
    sandbox.state.clock.move(timedelta(seconds=2 * AFTER_ALL))
    for _ in range(3000):
        counts = stored(sandbox)
        if counts.total() >= total:
            return counts
        time.sleep(0.1)
    pytest.fail("the sandbox does not carry out what is late")


def remaining_tokens(url: str) -> set[str]:
    with PostgresOutbox(url) as outbox:
        return {str(entry.payload["productSku"]) for entry in outbox.entries()}


def test_killed_and_stopped_processes_and_a_restarted_database_lose_and_duplicate_nothing() -> None:
    seed = random.randrange(2**32) if IS_FULL else 21
    print(f"seed {seed}")
    with (
        running_cluster(fsync="on") as cluster,
        cluster.database() as url,
        running(options=Options(rate_limit=0)) as sandbox,
    ):
        create_tables(url)
        with sandbox.store.transaction() as tenant:
            for contact in CONTACTS:
                tenant.add_contact(contact, "")
        for each in FAULTS:
            sandbox.state.faults.add(each)
        with processes_of(url, sandbox.base_url) as processes:
            counts = disturb(processes, cluster, random.Random(seed))
            for slot in range(DELIVERERS, DELIVERERS + PUTTERS):
                processes.end(slot)
            late = count_too_late(sandbox)
            sandbox.state.faults.clear()
            states = wait_until_delivered(url, processes)
            before = stored(sandbox)
            remaining = remaining_tokens(url)
        after = wait_for_late_ones(sandbox, before.total() + late)
    returned = processes.returned
    print(f"{len(returned)} puts, {counts}; stored: {len(before)}; remaining: {states}")
    print(f"carried out after all lookups: {late}; stored twice: {after.total() - len(after)}")
    assert before.total() == len(before), "something is stored twice"
    assert returned <= before.keys() | remaining, "something is lost"
    assert set(states) <= {"unknown"}
    assert len(remaining) <= len(returned) / 20
    assert after.total() - before.total() == late
    if IS_FULL:
        assert counts["kills"] >= 200
        assert len(returned) >= 10_000


if __name__ == "__main__":
    run_parent(sys.argv[1], sys.argv[2], int(sys.argv[3]))
