"""Processes that share a rate limiter never exceed the rate together, whatever happens to them."""

import asyncio
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing

import psycopg
import pytest

from engage_interactions import NotSentError
from engage_interactions.favourite import Favourite, send_favourite
from engage_interactions.postgres import PostgresRateLimiter, create_tables
from tests.support.postgres import running_cluster
from tests.support.processes import exit_code_of, fork
from tests.support.runtime.clients import threads
from tests.support.runtime.http_library import httpx
from tests.support.runtime.platform import CONTACT

pytestmark = [
    *(pytest.mark.slow, pytest.mark.postgres),
    pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning"),
]

RATE = 200
RECORD_SLOTS = """
CREATE TABLE slots (at timestamptz NOT NULL);
CREATE FUNCTION record_slot() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.next <> OLD.next THEN INSERT INTO slots VALUES (NEW.next); END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER record_slot AFTER UPDATE ON engage_rates FOR EACH ROW EXECUTE FUNCTION record_slot();
"""
needs_fork = pytest.mark.skipif(sys.platform == "win32", reason="needs fork")


def execute(url: str, query: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(query.encode())


def slots(url: str) -> list[float]:
    with psycopg.connect(url) as connection:
        query = "SELECT extract(epoch FROM at)::float8 FROM slots ORDER BY at"
        return [at for (at,) in connection.execute(query).fetchall()]


@needs_fork
def test_several_processes_get_departures_that_are_far_enough_apart(database: str) -> None:
    execute(database, RECORD_SLOTS)
    limiter = PostgresRateLimiter(database, rate=RATE)

    def act() -> None:
        assert all(limiter.acquire(is_urgent=number % 2 == 0) for number in range(40))

    assert limiter.acquire()
    assert [exit_code_of(child) for child in [fork(act) for _ in range(3)]] == [0] * 3
    assert limiter.acquire()
    times = slots(database)
    assert len(times) >= 122
    pairs = zip(times, times[RATE // 8 :], strict=False)
    assert min(later - earlier for earlier, later in pairs) > 1 / 8


def acquire_in_thread(
    limiter: PostgresRateLimiter, order: list[str], name: str, *, is_urgent: bool
) -> threading.Thread:
    def act() -> None:
        assert limiter.acquire(is_urgent=is_urgent)
        order.append(name)

    count = limiter.queue_length
    thread = threading.Thread(target=act)
    thread.start()
    while limiter.queue_length == count and thread.is_alive():
        time.sleep(0.001)
    return thread


def hold(url: str, seconds: float) -> None:
    execute(url, f"UPDATE engage_rates SET hold_until = now() + interval '{seconds} seconds'")


def test_urgent_requests_depart_before_others(database: str) -> None:
    limiter = PostgresRateLimiter(database, rate=10)
    assert limiter.acquire()
    for seconds in (1, 4, 16, 64):
        order: list[str] = []
        hold(database, seconds)
        waiting = [
            acquire_in_thread(limiter, order, name, is_urgent=name == "urgent")
            for name in ("bulk", "backlog", "urgent")
        ]
        is_complete = limiter.queue_length == 3 and not order
        for thread in waiting:
            thread.join()
        if is_complete:
            break
    assert order == ["urgent", "bulk", "backlog"]


def test_a_429_slows_all_processes_down(database: str) -> None:
    limiter = PostgresRateLimiter(database, rate=RATE)
    other = PostgresRateLimiter(database, rate=RATE)
    assert other.acquire()
    answers = [httpx.Response(429, headers={"Retry-After": "3600"})]
    with (
        threads(lambda request: answers.pop(), rate_limiter=limiter) as client,
        pytest.raises(NotSentError),
    ):
        send_favourite(client, CONTACT, Favourite(product_sku="coat"))
    query = (
        "SELECT hold_until > now() + interval '50 seconds' AND slow_until > hold_until "
        "FROM engage_rates"
    )
    row: tuple[object, ...] | None = None
    with psycopg.connect(database, autocommit=True) as connection:
        for _ in range(3000):
            row = connection.execute(query).fetchone()
            if row is not None and row[0]:
                break
            time.sleep(0.1)
    assert row == (True,)
    assert not other.acquire(0.05)
    assert not limiter.acquire(0.05)
    assert other.queue_length == limiter.queue_length == 0


def test_a_process_without_the_database_sends_its_share() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    url = f"postgresql://engage@127.0.0.1:{port}/none"
    limiter = PostgresRateLimiter(url, rate=50, fallback_rate=20.0)
    start = time.monotonic()
    assert all(limiter.acquire() for _ in range(11))
    assert time.monotonic() - start > 10 / 20


def test_requests_depart_before_during_and_after_the_end_of_the_database() -> None:
    with running_cluster(fsync="off") as cluster, cluster.database() as url:
        create_tables(url)
        limiter = PostgresRateLimiter(url, rate=50, fallback_rate=25.0)
        other = PostgresRateLimiter(url, rate=50, fallback_rate=25.0)
        assert limiter.acquire()
        assert other.acquire()
        cluster.stop()
        assert limiter.acquire()
        assert limiter.acquire()
        cluster.start()
        assert other.acquire(), "its connection was cut, and the database is there again"
        assert other.acquire(), "others may still send their share"
        with psycopg.connect(url) as connection:
            query = "SELECT hold_until > pg_postmaster_start_time() FROM engage_rates"
            assert connection.execute(query).fetchone() == (True,)


def test_a_canceled_request_gives_its_turn_to_another(database: str) -> None:
    limiter = PostgresRateLimiter(database, rate=10)
    assert limiter.acquire()
    hold(database, 1)

    async def act() -> None:
        canceled = asyncio.create_task(limiter.acquire_async())
        other = asyncio.create_task(limiter.acquire_async())
        while limiter.queue_length < 2 and not canceled.done():
            await asyncio.sleep(0.001)
        canceled.cancel()
        await asyncio.wait([canceled])
        assert await other

    asyncio.run(act())
    assert limiter.queue_length == 0


def test_a_request_that_cannot_depart_in_time_leaves_the_queue(database: str) -> None:
    limiter = PostgresRateLimiter(database, rate=10)
    assert limiter.acquire()
    hold(database, 3600)

    async def act() -> None:
        assert not await limiter.acquire_async(0.01)

    asyncio.run(act())
    assert not limiter.acquire(0.01)
    assert limiter.queue_length == 0


@needs_fork
def test_a_forked_process_asks_for_itself(database: str) -> None:
    limiter = PostgresRateLimiter(database, rate=RATE)
    assert limiter.acquire()
    child: Callable[[], object] = lambda: limiter.acquire() or sys.exit("no departure")  # noqa: E731
    assert exit_code_of(fork(child)) == 0
    assert limiter.acquire()


def test_tables_that_are_created_anew_do_not_stop_anybody(database: str) -> None:
    limiter = PostgresRateLimiter(database, rate=RATE)
    assert limiter.acquire()
    execute(database, "DELETE FROM engage_rates")
    assert limiter.acquire(300)
