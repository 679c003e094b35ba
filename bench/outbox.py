"""Measure the outbox in a file and in PostgreSQL: puts, rates, delays and processor time.

It needs PostgreSQL, and starts a server of its own. Pass names of measurements to choose some.
"""

import asyncio
import json
import multiprocessing
import resource
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "generated")]

import psycopg  # noqa: E402

from engage_interactions import EngageClient  # noqa: E402
from engage_interactions._runtime.outbox.sqlite.connection import Durability  # noqa: E402
from engage_interactions._runtime.transport.http_library import httpx  # noqa: E402
from engage_interactions.favourite import Favourite, send_favourite  # noqa: E402
from engage_interactions.outbox import Outbox  # noqa: E402
from engage_interactions.postgres import PostgresOutbox, PostgresRateLimiter, create_tables  # noqa: E402
from tests.support.postgres import running_cluster  # noqa: E402

RATE, DELAY, PROCESSES, MANY = 50, 0.2, 6, 1_000_000
FAST = 1_000_000
COAT = Favourite(product_sku="8810-42", price=450)
_MS = 1000
COPIES = """
INSERT INTO engage_entries (contact_id, schema_id, created_date, created_second, schema_hash, pair,
    body)
SELECT copy_id, schema_id, created_date, created_second, schema_hash,
    substring(sha256(convert_to(format('["%%s", "%%s"]', copy_id, schema_id), 'UTF8')) FOR 16),
    convert_to(replace(convert_from(body, 'UTF8'), contact_id, copy_id), 'UTF8')
FROM engage_entries CROSS JOIN LATERAL (
    SELECT md5(n::text)::uuid::text AS copy_id FROM generate_series(1, %s) n
) copies
"""


def contact(number: int) -> str:
    return f"{number:08x}-0000-4000-8000-000000000000"


class Platform:
    """A server that answers each POST after a delay, and notes when it arrived."""

    def __init__(self, delay: float) -> None:
        self._delay = delay
        self._times: list[float] = []

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readuntil(b"\r\n\r\n"):
            arrived = time.monotonic()
            lines = head.decode().lower().split("\r\n")
            lengths = [line.split(":")[1] for line in lines if line.startswith("content-length")]
            await reader.readexactly(int(lengths[0]) if lengths else 0)
            if lines[0].startswith("post"):
                self._times.append(arrived)
                body = json.dumps({"id": f"i{len(self._times)}"}).encode()
                await asyncio.sleep(self._delay)
            else:
                body = json.dumps(self._times).encode()
            start = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n"
            writer.write(start.encode() + body)

    async def serve(self) -> None:
        server = await asyncio.start_server(self.handle, "127.0.0.1", 0, backlog=500)
        print(server.sockets[0].getsockname()[1], flush=True)
        await server.serve_forever()


@contextmanager
def platform(delay: float) -> Generator[str]:
    """Run the platform as a process, and yield its URL."""
    command = [sys.executable, __file__, "--serve", str(delay)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.kill()


def arrivals(url: str) -> list[float]:
    times: list[float] = httpx.get(f"{url}/times", trust_env=False).json()
    return times


def rate_of(times: list[float]) -> float:
    return (len(times) - 1) / (times[-1] - times[0])


def most_in_a_second(times: list[float]) -> int:
    return max(sum(at <= other < at + 1 for other in times) for at in times)


def client(url: str, limiter: PostgresRateLimiter | None = None, rate: int = RATE) -> EngageClient:
    return EngageClient(url, api_key="k", user_agent="Bench/1", rate=rate, rate_limiter=limiter)


def report(name: str, value: float, unit: str, target: str) -> None:
    print(f"{name:58} {value:10.2f} {unit:8} {target}", flush=True)


def in_turn(calls: dict[str, Callable[[int], object]], count: int, parts: int) -> dict[str, float]:
    """Return the median duration of each call in microseconds."""
    durations: dict[str, list[float]] = {name: [] for name in calls}
    for part in range(parts):
        for name, call in calls.items():
            start = time.perf_counter()
            for number in range(count):
                call(number)
            if part:
                durations[name].append((time.perf_counter() - start) / count * 1e6)
    return {name: statistics.median(times) for name, times in durations.items()}


def puts(url: str, _: Path) -> None:
    """A put in the transaction of the caller, and a bare INSERT of the same row."""
    bare = (
        "INSERT INTO engage_entries (contact_id, schema_id, created_date, created_second, "
        "schema_hash, pair, body) VALUES (%(contact_id)s, %(schema_id)s, %(created_date)s, "
        "%(created_second)s, %(schema_hash)s, %(pair)s, %(body)s) RETURNING id"
    )
    with PostgresOutbox(url) as outbox, psycopg.connect(url) as connection:
        values = outbox.insert(contact(1), COAT)[1]

        def transaction(act: Callable[[], object]) -> None:
            act()
            connection.commit()

        medians = in_turn(
            {
                "bare, whole": lambda _: transaction(
                    lambda: connection.execute(bare, values).fetchone()
                ),
                "put, whole": lambda _: transaction(
                    lambda: outbox.put(contact(1), COAT, connection=connection)
                ),
            },
            *(200, 10),
        )
    report("put and commit", medians["put, whole"], "µs", "")
    report("bare INSERT and commit", medians["bare, whole"], "µs", "")
    ratio = medians["put, whole"] / medians["bare, whole"]
    report("put / bare INSERT", ratio, "times", "<= 1.5")


def deliver_until_empty(url: str, base_url: str) -> None:
    limiter = PostgresRateLimiter(url, rate=RATE)
    with client(base_url, limiter) as engage, PostgresOutbox(url) as outbox:
        while outbox.status().waiting:
            outbox.deliver(engage)
            time.sleep(0.01)


def rate(url: str, _: Path) -> None:
    """Six processes with one limiter."""
    with platform(DELAY) as base_url:
        with PostgresOutbox(url) as outbox:
            outbox.put_many((contact(number), COAT) for number in range(RATE * 15))
        context = multiprocessing.get_context("spawn")
        processes = [
            context.Process(target=deliver_until_empty, args=(url, base_url))
            for _ in range(PROCESSES)
        ]
        for process in processes:
            process.start()
        for process in processes:
            process.join()
        times = sorted(arrivals(base_url))
    report(f"departures, {PROCESSES} processes", rate_of(times[RATE:]), "1/s", ">= 45")
    report("the most in any second", most_in_a_second(times), "", "<= 50")


def delay(url: str, _: Path) -> None:
    """From a commit until the request arrives, while `run` waits."""
    committed: list[float] = []
    with platform(0.0) as base_url, client(base_url) as engage, PostgresOutbox(url) as outbox:
        stop = threading.Event()
        thread = threading.Thread(target=outbox.run, args=(engage,), kwargs={"stop": stop})
        thread.start()
        time.sleep(1)
        for number in range(100):
            outbox.put(contact(number), COAT)
            committed.append(time.monotonic())
            time.sleep(0.1)
        stop.set()
        thread.join()
        times = arrivals(base_url)
    delays = [(at - put_at) * _MS for at, put_at in zip(times, committed, strict=True)]
    report("from commit to sent, p50", statistics.median(delays), "ms", "< 100")
    report("from commit to sent, p95", statistics.quantiles(delays, n=20)[-1], "ms", "")


def share(url: str, folder: Path) -> None:
    """The share of the rate that one process uses, at answers of 200 ms."""
    for name, limiter in (
        ("file", None),
        ("PostgreSQL", None),
        ("PostgreSQL, shared limiter", PostgresRateLimiter(url, rate=RATE)),
    ):
        outbox = Outbox(folder / "share.db") if name == "file" else PostgresOutbox(url)
        with platform(DELAY) as base_url, client(base_url, limiter) as engage, outbox:
            outbox.put_many((contact(number), COAT) for number in range(RATE * 10))
            outbox.deliver(engage)
            times = arrivals(base_url)
        report(f"share of the rate, {name}", rate_of(times) / RATE * 100, "%", ">= 95")
        report("the most in any second", most_in_a_second(times), "", "<= 50")


def processor(url: str, folder: Path) -> None:
    """Processor time of this process for each entry, and for each `send`."""
    count = 1000
    with platform(0.0) as base_url, client(base_url, rate=FAST) as engage:

        def send(number: int) -> object:
            return send_favourite(engage, contact(number), COAT)

        for number in range(100):
            send(number)
        start = time.process_time()
        for number in range(count):
            send(number)
        base = (time.process_time() - start) / count
        report("processor time of send", base * 1e6, "µs", "")
        for name, most, target in (
            ("file", None, "<= 1.5"),
            ("file", 1, "<= 1.5"),
            ("file, unflushed", 1, ""),
            ("PostgreSQL", None, "<= 3"),
            ("PostgreSQL", 1, "<= 3"),
        ):
            outbox: Outbox | PostgresOutbox = PostgresOutbox(url)
            if name.startswith("file"):
                durability: Durability = "unflushed" if "unflushed" in name else "flushed"
                outbox = Outbox(folder / f"{name}{most}.db", durability=durability)
            with outbox:
                outbox.put_many((contact(number), COAT) for number in range(count))
                start = time.process_time()
                outbox.deliver(engage, max_in_flight=most)
                ratio = (time.process_time() - start) / count / base
            mode = "in turn" if most else "at once"
            report(f"processor time of an entry / send, {name}, {mode}", ratio, "times", target)


def status_ms(store: Outbox | PostgresOutbox) -> float:
    return in_turn({"status": lambda _: store.status()}, 1, 8)["status"] / _MS


def many(url: str, folder: Path) -> None:
    """The status of a million waiting entries."""
    file = folder / "many.db"
    with Outbox(file) as outbox:
        outbox.put(contact(1), COAT)
    with sqlite3.connect(file) as db:
        columns = [row[1] for row in db.execute("PRAGMA table_info(entries)") if row[1] != "id"]
        names = ", ".join(columns)
        numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
        copies = f"INSERT INTO entries ({names}) SELECT {names} FROM n, entries WHERE id = 1"  # noqa: S608
        db.execute(f"{numbers} {copies}", [MANY - 1])
    db.close()
    with PostgresOutbox(url) as shared:
        shared.put(contact(1), COAT)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(COPIES, [MANY - 1])
        connection.execute("VACUUM ANALYZE engage_entries")
    stores: dict[str, Outbox | PostgresOutbox] = {
        "file": Outbox(file),
        "PostgreSQL": PostgresOutbox(url),
    }
    for name, store in stores.items():
        with store:
            waiting = store.status().waiting
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            report(f"status of {waiting} entries, {name}", status_ms(store), "ms", "< 100")
            with platform(0.0) as base_url, client(base_url, rate=FAST) as engage:
                stop = threading.Event()
                threading.Timer(5, stop.set).start()
                delivered = store.deliver(engage, stop=stop).delivered
            report(f"delivered in 5 s, {name}", delivered, "", "")
            grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
            report(f"growth of the memory, {name}", grown / 1024, "MiB", "flat")


MEASUREMENTS = {"puts": puts, "rate": rate, "delay": delay, "share": share} | {
    "processor": processor,
    "many": many,
}


def main(names: list[str]) -> None:
    with running_cluster(fsync="on") as cluster, tempfile.TemporaryDirectory() as root:
        for name in names or MEASUREMENTS:
            folder = Path(root) / name
            folder.mkdir()
            with cluster.database() as url:
                create_tables(url)
                MEASUREMENTS[name](url, folder)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        asyncio.run(Platform(float(sys.argv[2])).serve())
    else:
        main(sys.argv[1:])
