"""Measure the sandbox under load, and whether a kill loses answered writes; see README.md."""

import argparse
import asyncio
import gc
import os
import re
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.sandbox_load import MIX, Load, Sample, Stock, drive, find_lost_writes
from engage_codegen.sandbox.dates import format_date
from engage_codegen.sandbox.store.database import Store
from engage_codegen.sandbox.store.paging import BEFORE_THE_FIRST, BEFORE_THE_NEWEST
from engage_codegen.sandbox.store.tenant import Tenant

STORED = 100_000
RATE = 200
SLOWEST_MS = 250.0
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Usage:
    """CPU seconds of the server, of this process, and of the whole machine."""

    server: float
    own: float
    machine: float

    @staticmethod
    def measure(server: int) -> "Usage":
        """Read the usage of the server process, of this one and of the machine."""
        fields = Path(f"/proc/{server}/stat").read_text().rpartition(")")[2].split()
        machine = [
            int(ticks) for ticks in Path("/proc/stat").read_text().split("\n")[0].split()[1:9]
        ]
        busy = sum(machine) - machine[3] - machine[4]  # without idle and iowait
        ticks = int(fields[11]) + int(fields[12])
        return Usage(ticks / _TICKS, time.process_time(), busy / _TICKS)


def read_peak_memory(process: int) -> float:
    """Return the peak memory of a process in MiB."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


@contextmanager
def serving(database: Path) -> Generator[tuple[int, int]]:
    """Run a sandbox; yield its process id and port, and kill it at the end.

    Every write that it answered must be on the disk by then.
    """
    command = "-m engage_codegen sandbox --port 0 --option rate-limit=0 --database".split()
    with database.with_suffix(".log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, *command, str(database)],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    with process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline().strip()
            yield process.pid, int(line.rpartition(":")[2])
        finally:
            process.send_signal(signal.SIGKILL)


class Disk:
    """A thread that measures the disk beside the server: it flushes a page ten times a second."""

    def __init__(self, folder: Path) -> None:
        self.times: list[float] = []
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._probe, args=(folder / "probe",))

    def _probe(self, path: Path) -> None:
        with path.open("wb", buffering=0) as file:
            while not self._end.wait(0.1):
                start = time.perf_counter()
                os.pwrite(file.fileno(), bytes(4096), 0)
                os.fdatasync(file.fileno())
                self.times.append(time.perf_counter() - start)

    def __enter__(self) -> "Disk":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()


def compute_percentile(values: list[float], share: float) -> float:
    """Return the value that this share of the values does not exceed, in milliseconds."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))] * 1000


def show_latencies(samples: list[Sample]) -> None:
    """Print a row of percentiles and statuses for each kind of request."""
    print(f"\n{'':8}{'sent':>7}{'p50 ms':>9}{'p95 ms':>9}{'p99 ms':>9}{'max ms':>9}   by status")
    for kind in [*MIX, "all"]:
        chosen = [sample for sample in samples if kind in (sample.kind, "all")]
        took = [sample.took for sample in chosen]
        cells = "".join(f"{compute_percentile(took, share):9.1f}" for share in (0.5, 0.95, 0.99, 1))
        statuses = Counter(str(sample.status or "none") for sample in chosen)
        counts = ", ".join(f"{status}: {count}" for status, count in sorted(statuses.items()))
        print(f"{kind:8}{len(chosen):7}{cells}   {counts}")


def measure(database: Path, stock: Stock, rate: int, seconds: int) -> bool:
    """Print all measurements; return True if they are within the limits."""
    load = Load(stock)
    gc.freeze()
    with serving(database) as (pid, port), Disk(database.parent) as disk:
        before = Usage.measure(pid)
        samples = asyncio.run(drive(port, load, rate, seconds))
        after = Usage.measure(pid)
        memory = read_peak_memory(pid)
    start = time.monotonic()
    with serving(database) as (_, port):
        restart = time.monotonic() - start
        lost = asyncio.run(find_lost_writes(port, load))
    show_latencies(samples)
    length = max(sample.due + sample.took for sample in samples)
    answered = sum(200 <= sample.status < 300 for sample in samples)
    worst = compute_percentile([sample.took for sample in samples], 1)
    machine = after.machine - before.machine
    server, own = after.server - before.server, after.own - before.own
    slow = sum(sample.took * 1000 > SLOWEST_MS for sample in samples)
    late = compute_percentile([sample.late for sample in samples], 1)
    print(f"\nrate                  {answered / length:.1f} successes a second for {length:.1f} s")
    print(f"over {SLOWEST_MS:.0f} ms           {slow}")
    print(f"server                {server:.1f} s of CPU, {memory:.0f} MiB at its peak")
    print(f"load generator        {own:.1f} s of CPU, {late:.1f} ms late at most")
    print(f"rest of the machine   {machine - server - own:.1f} s of CPU")
    flushes = [compute_percentile(disk.times, share) for share in (0.5, 0.99, 1)]
    print("disk, p50, p99, max   {:.1f}, {:.1f}, {:.1f} ms for a flush".format(*flushes))
    print(f"checked after a kill  {len(load.posted)} POSTs, {len(load.deleted)} DELETEs")
    print(f"ready again after     {restart:.1f} s")
    print(f"lost writes           {len(lost)}")
    kept_up = answered / length >= 0.99 * rate and answered == len(samples)
    return kept_up and worst <= SLOWEST_MS and not lost


def show_plans(database: Path, stock: Stock) -> None:
    """Print the query plans and the time of each method of the tenant."""
    connection = sqlite3.connect(database, isolation_level=None)
    connection.execute("PRAGMA foreign_keys = ON")
    statements: list[str] = []
    for name, call in list_calls(Tenant(connection), stock):
        connection.execute("BEGIN IMMEDIATE")
        connection.set_trace_callback(statements.append)
        start = time.perf_counter()
        call()
        took = (time.perf_counter() - start) * 1000
        connection.set_trace_callback(None)
        connection.execute("ROLLBACK")
        print(f"\n{name}: {took:.2f} ms")
        for shape, statement in {normalize(text): text for text in statements}.items():
            print("   ", shape)
            for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}"):
                print("       ", row[3])
        statements.clear()
    connection.close()


def normalize(statement: str) -> str:
    """Return the statement on one line, without its values."""
    return re.sub(r"\s+", " ", re.sub(r"'[^']*'|\b\d+\b", "?", statement))


def list_calls(tenant: Tenant, stock: Stock) -> Iterable[tuple[str, Callable[[], object]]]:
    """Return a call of each method that reads or deletes interactions or arrivals."""
    contact, schema_id = stock.contacts[0], next(iter(stock.properties))
    now, interaction_id = format_date(datetime.now(UTC)), stock.ids[0]
    latest = 2**62
    pair, newest, first = (contact, schema_id), BEFORE_THE_NEWEST, BEFORE_THE_FIRST[0]
    return [
        ("get_interaction", lambda: tenant.get_interaction(interaction_id)),
        ("list_interactions", lambda: tenant.list_interactions(*pair, newest, now, 51)),
        (
            "list_interactions, none arrived",
            lambda: tenant.list_interactions(*pair, newest, "", 51),
        ),
        ("list_shuffled", lambda: tenant.list_shuffled(*pair, first, now, 51)),
        ("list_shuffled, none arrived", lambda: tenant.list_shuffled(*pair, first, "", 51)),
        ("list_dropped", lambda: tenant.arrivals.list_dropped(interaction_id)),
        ("list_arrivals", lambda: tenant.arrivals.list_all(before=latest, limit=101)),
        (
            "list_arrivals, incomplete",
            lambda: tenant.arrivals.list_incomplete(before=latest, limit=101),
        ),
        ("delete_interaction", lambda: tenant.delete_interaction(interaction_id)),
        ("delete_contact", lambda: tenant.contacts.delete(contact, now, with_interactions=True)),
        ("delete_schema", lambda: tenant.delete_schema(schema_id)),
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--rate", type=int, default=RATE, help="requests per second")
    parser.add_argument("--stored", type=int, default=STORED, help="interactions before the load")
    parser.add_argument("--folder", help="folder of the database (default: a temporary one)")
    parser.add_argument("--plans", action="store_true", help="only print the query plans")
    arguments = parser.parse_args()
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        database = Path(folder) / "tenant.db"
        stock = Stock(arguments.stored)
        start = time.monotonic()
        Store(database, stock.fill).close()
        size, took = database.stat().st_size / 2**20, time.monotonic() - start
        print(f"{stock.count} interactions, {size:.0f} MiB, created in {took:.1f} s")
        if arguments.plans:
            show_plans(database, stock)
            return 0
        holds = measure(database, stock, arguments.rate, arguments.seconds)
    print(f"\nThe limits {'are met' if holds else 'ARE NOT MET'}.")
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
