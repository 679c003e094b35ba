"""Several deliverers share a database: each entry is sent once, in order, whoever is stopped."""

import pickle
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest

from engage_interactions import EngageClient, NotSentError, RetryPolicy
from engage_interactions._runtime.outbox.loop import run_until
from engage_interactions.favourite import Favourite
from engage_interactions.outbox import Delivery, Outbox
from engage_interactions.postgres import PostgresOutbox, create_tables
from tests.support.postgres import Cluster, run_as_owner, running_cluster
from tests.support.processes import exit_code_of, fork
from tests.support.runtime.clients import threads
from tests.support.runtime.clocks import FakeClock
from tests.support.runtime.http_library import httpx
from tests.support.runtime.outbox import FaultyPlatform
from tests.support.runtime.platform import CONTACT

pytestmark = [pytest.mark.slow, pytest.mark.postgres]

POLICY = RetryPolicy(retry_delays=(0.0,), lookup_delays=(0.0, 0.0), resend=True)
LONG = 300.0
"""More seconds than any machine needs."""


@dataclass
class SharedPlatform:
    """A platform for several clients, which notes the requests in flight for each contact."""

    platform: FaultyPlatform = field(default_factory=lambda: FaultyPlatform(FakeClock()))
    in_flight: Counter[str] = field(default_factory=Counter[str])
    most: Counter[str] = field(default_factory=Counter[str])
    lock: threading.Lock = field(default_factory=threading.Lock)
    on_post: Callable[[], object] = lambda: None

    def __call__(self, request: httpx.Request) -> httpx.Response:
        is_post = request.method == "POST"
        contact = "" if not is_post else self.platform.decode(request)["contactId"]
        with self.lock:
            self.in_flight[contact] += 1
            self.most[contact] = max(self.most[contact], self.in_flight[contact])
        if is_post:
            self.on_post()
            time.sleep(0.002)
        try:
            with self.lock:
                return self.platform(request)
        finally:
            with self.lock:
                self.in_flight[contact] -= 1

    @property
    def tokens(self) -> list[str]:
        return [item["payload"]["productSku"] for item in self.platform.stored]

    @property
    def methods(self) -> list[str]:
        return [method for method, _ in self.platform.requests]


def put(outbox: PostgresOutbox | Outbox, token: str, contact: str = CONTACT) -> int:
    return outbox.put(contact, Favourite(product_sku=token))


def in_threads(*acts: Callable[[], object]) -> None:
    workers = [threading.Thread(target=act) for act in acts]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


def fetch(url: str, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url, autocommit=True) as connection:
        return connection.execute(query.encode()).fetchall()


@contextmanager
def running_delivery(
    url: str, platform: SharedPlatform, poll_seconds: float
) -> Generator[tuple[PostgresOutbox, threading.Semaphore]]:
    """Run a delivery in a thread, and yield its outbox, and a semaphore that receipts release."""
    with (
        PostgresOutbox(url, retry=POLICY) as outbox,
        threads(platform) as client,
        running_thread(outbox, client, poll_seconds) as receipts,
    ):
        yield outbox, receipts


@contextmanager
def running_thread(
    outbox: PostgresOutbox, client: EngageClient, poll_seconds: float
) -> Generator[threading.Semaphore]:
    stop, receipts = threading.Event(), threading.Semaphore(0)

    def run() -> None:
        outbox.run(
            client,
            stop=stop,
            on_receipt=lambda number, receipt: receipts.release(),
            poll_seconds=poll_seconds,
        )

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield receipts
    finally:
        stop.set()
        thread.join()


LISTENERS = (
    "SELECT pid FROM pg_stat_activity WHERE datname = current_database() "
    "AND application_name LIKE '%waits for puts' AND query LIKE 'LISTEN%'"
)


def wait_for_listener(url: str) -> int:
    for _ in range(3000):
        if rows := fetch(url, LISTENERS):
            return int(str(rows[0][0]))
        time.sleep(0.1)
    pytest.fail("nobody listens")


def test_no_two_requests_for_a_contact_and_schema_are_in_flight_over_all_deliverers(
    database: str,
) -> None:
    platform = SharedPlatform()
    contacts = [f"{number:08x}-0000-4000-8000-000000000000" for number in range(3)]
    with PostgresOutbox(database) as outbox:
        for number in range(30):
            put(outbox, str(number), contacts[number % 3])

    def deliver() -> None:
        with PostgresOutbox(database, retry=POLICY) as own, threads(platform) as client:
            while own.status().waiting:
                own.deliver(client)

    in_threads(*[deliver] * 3)
    assert set(platform.most.values()) == {1}
    for number in range(3):
        ordered = [token for token in platform.tokens if int(token) % 3 == number]
        assert ordered == [str(token) for token in range(number, 30, 3)]


def test_an_entry_that_waits_holds_up_nobody(database: str) -> None:
    slow = RetryPolicy(retry_delays=(3600.0,), lookup_delays=(3600.0,))
    platform = SharedPlatform()
    platform.platform.post_faults = ["timeout after", "429"]
    with PostgresOutbox(database, retry=slow) as outbox, threads(platform) as client:
        for token in ("sending", "waiting", "free"):
            put(outbox, token)
        for _ in range(3):
            outbox.deliver(client, max_in_flight=1)
        assert platform.tokens == ["sending", "free"]
        assert [entry.state for entry in outbox.entries()] == ["sending", "waiting"]


class ExpiringLimiter:
    """Ends all leases before a request departs, as if the process had been stopped."""

    queue_length = 0

    def __init__(self, url: str, then: Callable[[], object] = lambda: None) -> None:
        self.url = url
        self.then = then

    def acquire(self, timeout: float | None = None, *, is_urgent: bool = True) -> bool:
        with psycopg.connect(self.url) as connection:
            connection.execute("UPDATE engage_leases SET until = now() - interval '1 second'")
        self.then()
        return True

    async def acquire_async(self, timeout: float | None = None, *, is_urgent: bool = True) -> bool:
        return self.acquire(timeout, is_urgent=is_urgent)

    def slow_down(self, hold_seconds: float) -> None: ...


@pytest.mark.parametrize("is_taken_over", [True, False])
def test_a_deliverer_that_lost_its_lease_does_not_post(database: str, is_taken_over: bool) -> None:
    platform, late = SharedPlatform(), SharedPlatform()
    with PostgresOutbox(database, retry=POLICY) as outbox, threads(platform) as client:
        put(outbox, "coat")

        def take_over() -> None:
            while is_taken_over and outbox.status().sending:
                outbox.deliver(client)

        limiter = ExpiringLimiter(database, take_over)
        with threads(late, rate_limiter=limiter) as stopped, PostgresOutbox(database) as own:
            delivery = own.deliver(stopped)
        assert delivery.stopped is None, "only this entry is another's"
        assert late.methods == []
        while outbox.status().sending:
            outbox.deliver(client)
        assert platform.tokens == ["coat"]
        assert platform.methods[0] == "GET"


def test_the_stop_ends_a_delivery_after_the_exchange_under_way(database: str) -> None:
    platform, stop = SharedPlatform(), threading.Event()
    platform.on_post = stop.set
    with PostgresOutbox(database, retry=POLICY) as outbox, threads(platform) as client:
        for number in range(9):
            put(outbox, str(number))
        delivery = outbox.deliver(client, stop=stop)
        assert delivery.delivered == len(platform.tokens) == 1
        assert outbox.status().waiting == 8
    assert fetch(database, "SELECT count(*) FROM engage_leases") == [(0,)]


def test_the_leases_of_an_interrupted_delivery_are_given_up(database: str) -> None:
    class Interrupted(BaseException): ...

    def interrupt() -> None:
        raise Interrupted

    platform = SharedPlatform()
    platform.on_post = interrupt
    with PostgresOutbox(database, retry=POLICY) as outbox, threads(platform) as client:
        put(outbox, "coat")
        with pytest.raises(Interrupted):
            outbox.deliver(client, max_in_flight=1)
    assert fetch(database, "SELECT count(*) FROM engage_leases") == [(0,)]


def test_a_put_wakes_a_delivery_that_waits(database: str) -> None:
    platform = SharedPlatform()
    with running_delivery(database, platform, LONG) as (outbox, receipts):
        wait_for_listener(database)
        put(outbox, "first")
        assert receipts.acquire(timeout=LONG)
        (terminated,) = fetch(
            database, f"SELECT pg_terminate_backend({wait_for_listener(database)}, 60000)"
        )
        assert terminated == (True,)
        put(outbox, "second")
        assert receipts.acquire(timeout=LONG)
    assert platform.tokens == ["first", "second"]


def test_a_delivery_without_notifications_polls(database: str) -> None:
    platform = SharedPlatform()
    with running_delivery(database, platform, 0.05) as (outbox, receipts):
        wait_for_listener(database)
        query, values = outbox.insert(CONTACT, Favourite(product_sku="silent"))
        with psycopg.connect(database) as connection:
            connection.execute(query.encode(), {**values, "channel": "elsewhere"})
        assert receipts.acquire(timeout=LONG)


def test_a_delivery_goes_on_after_the_end_and_the_restart_of_the_database() -> None:
    platform = SharedPlatform()
    with running_cluster(fsync="off") as cluster, cluster.database() as url:
        create_tables(url)
        with running_delivery(url, platform, 0.05) as (_, receipts):
            for token in ("before", "after"):
                with PostgresOutbox(url) as own:
                    put(own, token)
                while token not in platform.tokens:
                    assert receipts.acquire(timeout=LONG)
                if token == "before":
                    cluster.restart("immediate")
    assert platform.tokens == ["before", "after"]


@pytest.mark.skipif(sys.platform == "win32", reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_process_has_connections_of_its_own(database: str) -> None:
    platform = SharedPlatform()
    with running_delivery(database, platform, LONG) as (outbox, receipts):
        put(outbox, "parent")
        assert receipts.acquire(timeout=LONG)
        listener = wait_for_listener(database)

        def act() -> None:
            assert put(outbox, "child")
            outbox.close()

        assert exit_code_of(fork(act)) == 0
        assert receipts.acquire(timeout=LONG)
        assert wait_for_listener(database) == listener
    assert platform.tokens == ["parent", "child"]


def test_an_outbox_that_is_pickled_uses_the_same_database(database: str) -> None:
    with PostgresOutbox(database) as outbox:
        with pickle.loads(pickle.dumps(outbox)) as copy:
            put(copy, "coat")
        assert outbox.status().waiting == 1


def dump_and_restore(cluster: Cluster, url: str, copy: str) -> None:
    dump = run_as_owner(cluster.programs / "pg_dump", "--no-owner", url).stdout
    restore = [str(cluster.programs / "psql"), "-q", "-v", "ON_ERROR_STOP=1", "-d", copy]
    subprocess.run(restore, input=dump, check=True, stdout=subprocess.DEVNULL)


def check_copy(original: PostgresOutbox | Outbox, copy: PostgresOutbox | Outbox) -> None:
    """Deliver from the original, which had one entry more later, and from its older copy."""
    platform = SharedPlatform()
    with threads(platform) as client:
        original.deliver(client)
        assert platform.tokens == ["coat"]
        assert copy.deliver(client).delivered == 1
        assert platform.tokens == ["coat"]
        assert platform.methods == ["POST", "GET"]
        put(copy, "hat")
        copy.deliver(client)
        assert platform.methods == ["POST", "GET", "POST"]


def test_a_restored_dump_is_looked_up_before_its_first_post(
    cluster: Cluster, database: str
) -> None:
    with PostgresOutbox(database, retry=POLICY) as original, cluster.database() as url:
        put(original, "coat")
        dump_and_restore(cluster, database, url)
        with PostgresOutbox(url, retry=POLICY) as copy:
            check_copy(original, copy)


def test_a_copied_file_is_looked_up_before_its_first_post(tmp_path: Path) -> None:
    with Outbox(tmp_path / "outbox.db", retry=POLICY) as original:
        put(original, "coat")
    shutil.copy(tmp_path / "outbox.db", tmp_path / "copy.db")
    with (
        Outbox(tmp_path / "outbox.db", retry=POLICY) as original,
        Outbox(tmp_path / "copy.db", retry=POLICY) as copy,
    ):
        check_copy(original, copy)


def test_a_promoted_standby_is_looked_up_before_its_first_post(tmp_path: Path) -> None:
    with running_cluster(fsync="off") as primary, primary.database() as url:
        create_tables(url)
        with PostgresOutbox(url, retry=POLICY) as original:
            put(original, "coat")
            folder = primary.folder.parent / "standby"
            run_as_owner(
                *(primary.programs / "pg_basebackup", "-D", folder, "-d", url),
                *("--write-recovery-conf", "--checkpoint=fast", "--no-sync"),
            )
            standby = Cluster(primary.programs, folder, primary.port + 1)
            standby.start()
            try:
                standby.control("promote")
                copy_url = url.replace(f":{primary.port}/", f":{standby.port}/")
                with PostgresOutbox(copy_url, retry=POLICY) as copy:
                    check_copy(original, copy)
            finally:
                standby.stop()


def test_run_makes_short_pauses_while_some_entries_are_delivered() -> None:
    pauses: list[float] = []

    class Stop(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            pauses.append(timeout or 0.0)
            return False

    stop = Stop()
    error = NotSentError("Engage cannot be reached.")
    deliveries = [Delivery(count, 0, 0, error) for count in (3, 5, 0, 0, 1)]

    def deliver() -> Delivery:
        if len(deliveries) == 1:
            stop.set()
        return deliveries.pop(0)

    run_until(stop, deliver, lambda stop: None, None)
    assert pauses == [0.5, 0.5, 1.0, 2.0, 0.5]
