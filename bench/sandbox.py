"""Measure the sandbox under load, and whether a kill loses answered writes; see README.md."""

import argparse
import asyncio
import gc
import json
import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

from engage_codegen.sandbox.dates import format_date
from engage_codegen.sandbox.seed import seed_tenant
from engage_codegen.sandbox.store.database import Store
from engage_codegen.sandbox.store.paging import BEFORE_THE_FIRST, BEFORE_THE_NEWEST
from engage_codegen.sandbox.store.records import Arrival, Json, JsonObject
from engage_codegen.sandbox.store.tenant import Tenant

STORED = 100_000
RATE = 200
SLOWEST_MS = 250.0
MIX = {"POST": 60, "list": 25, "GET": 10, "DELETE": 5}
CONTACTS = 250
TIMEOUT_SECONDS = 10.0
MAX_CONNECTIONS = 256
API = "/api/v3/interactions"
SEED = 20_230_523

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_TICKS = os.sysconf("SC_CLK_TCK")


class Stock:
    """The data that is stored before the load, and random choices from it."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.dice = random.Random(SEED)  # noqa: S311 - no secrets
        self.contacts = [f"{number:08x}-0000-4000-8000-{number:012x}" for number in range(CONTACTS)]
        self.properties: dict[str, JsonObject] = {}
        self.ids: list[str] = []

    def fill(self, tenant: Tenant) -> None:
        """Add the example data, and interactions of the last two years with their arrivals."""
        seed_tenant(tenant)
        for contact in self.contacts:
            tenant.add_contact(contact, "")
        for schema in tenant.list_schemas():
            self.properties[schema.id] = cast(JsonObject, schema.json_schema["properties"])
        now = datetime.now(UTC)
        for number in range(self.count):
            contact, schema_id = self.choose_place()
            payload = self.build_payload(schema_id)
            date = format_date(now - timedelta(days=730) * (1 - number / self.count))
            new = tenant.add_interaction(contact, schema_id, date, payload, date)
            body = encode_body(contact, schema_id, payload)
            arrival = Arrival(date, "stored", body, interaction_id=new, stored_payload=payload)
            tenant.record_arrival(arrival)
            self.ids.append(new)

    def choose_place(self) -> tuple[str, str]:
        """Choose a contact and a schema; some contacts are chosen thirty times as often."""
        contact = self.contacts[int(CONTACTS * self.dice.random() ** 2)]
        return contact, self.dice.choice([*self.properties])

    def build_payload(self, schema_id: str) -> JsonObject:
        return {
            name: self._build_value(name, cast(JsonObject, declaration))
            for name, declaration in self.properties[schema_id].items()
        }

    def _build_value(self, name: str, declaration: JsonObject) -> Json:
        if declaration.get("format") == "date-time":
            return "2023-05-23T11:13:42+02:00"
        number = self.dice.randrange(100_000)
        values: dict[str, Json] = {"number": number / 100, "integer": number, "boolean": True}
        return values.get(str(declaration["type"]), f"{name} {number}")


def encode_body(contact: str, schema_id: str, payload: JsonObject) -> bytes:
    body = {"contactId": contact, "schemaId": schema_id, "payload": payload}
    return json.dumps(body).encode()


@dataclass(frozen=True, slots=True)
class Request:
    kind: str
    method: str
    path: str
    body: bytes = b""
    expected: JsonObject | None = None

    def __bytes__(self) -> bytes:
        content = f"content-type: application/json\r\ncontent-length: {len(self.body)}\r\n"
        head = f"{self.method} {self.path} HTTP/1.1\r\nhost: a\r\napikey: sandbox-key\r\n"
        return f"{head}{content if self.body else ''}\r\n".encode() + self.body


@dataclass
class Load:
    """The next requests, and the answers so far.

    An id is either read or deleted, never both, so that every request should succeed.
    """

    stock: Stock
    posted: dict[str, JsonObject] = field(default_factory=dict[str, JsonObject])
    deleted: set[str] = field(default_factory=set[str])
    in_doubt: set[str] = field(default_factory=set[str])
    nexts: deque[str] = field(default_factory=lambda: deque[str](maxlen=100))

    def __post_init__(self) -> None:
        self.doomed = deque(self.stock.ids[::10])
        self.readable = [key for number, key in enumerate(self.stock.ids) if number % 10]

    def choose_request(self) -> Request:
        dice = self.stock.dice
        (kind,) = dice.choices([*MIX], [*MIX.values()])
        if kind == "list":
            follow = self.nexts and dice.random() < 0.4
            return Request(kind, "GET", self.nexts.popleft() if follow else self._first_page())
        if kind == "GET":
            return Request(kind, "GET", f"{API}/{dice.choice(self.readable)}")
        if kind == "DELETE":
            return Request(kind, "DELETE", f"{API}/{self.doomed.popleft()}")
        contact, schema_id = self.stock.choose_place()
        payload = self.stock.build_payload(schema_id)
        dropped: JsonObject = {"undeclared": 1} if dice.random() < 0.05 else {}
        body = encode_body(contact, schema_id, payload | dropped)
        return Request(kind, "POST", API, body, payload)

    def _first_page(self) -> str:
        contact, schema_id = self.stock.choose_place()
        return f"{API}?contactId={contact}&schemaId={schema_id}"

    def record_answer(self, request: Request, status: int, body: bytes) -> None:
        if request.kind == "DELETE":
            (self.deleted if status == 200 else self.in_doubt).add(request.path[len(API) + 1 :])
        elif status == 200 and request.expected is not None:
            new: str = json.loads(body)["id"]
            self.posted[new] = request.expected
            if self.stock.dice.random() < 0.1:
                self.doomed.appendleft(new)
            else:
                self.readable.append(new)
        elif status == 200 and request.kind == "list":
            self.nexts += [link["href"] for link in json.loads(body)["links"]]


class Connection(asyncio.Protocol):
    """HTTP/1.1 with one request at a time, limited to the features that the sandbox uses."""

    def __init__(self) -> None:
        self._received = b""
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None
        self._transport: asyncio.Transport | None = None
        self.used = time.monotonic()

    @property
    def is_fresh(self) -> bool:
        """Return False if the server may close the connection: it does after 5 idle seconds."""
        is_open = self._transport is not None and not self._transport.is_closing()
        return is_open and time.monotonic() - self.used < 4

    async def send(self, request: Request) -> tuple[int, bytes]:
        """Return status and body. Raises `OSError`, also if the answer does not come in time."""
        if self._transport is None:
            raise ConnectionError
        self._received = b""
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(bytes(request))
        async with asyncio.timeout(TIMEOUT_SECONDS):
            return await self._answer

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, gap, body = self._received.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        is_whole = gap and len(body) >= (int(length[1]) if length else 0)
        if is_whole and self._answer is not None and not self._answer.done():
            self.used = time.monotonic()
            self._answer.set_result((int(head[9:12]), body))

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(exc or ConnectionError())


class Client:
    """A client that opens as many connections as it needs at the same time."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._idle: list[Connection] = []
        self._slots = asyncio.Semaphore(MAX_CONNECTIONS)

    async def send(self, request: Request) -> tuple[int, bytes]:
        """Return status and body; the status is 0 if there is no answer."""
        async with self._slots:
            connection: Connection | None = None
            try:
                connection = await self._connection()
                answer = await connection.send(request)
            except OSError:
                if connection is not None:
                    connection.close()
                return 0, b""
            self._idle.append(connection)
            return answer

    async def _connection(self) -> Connection:
        while self._idle:
            connection = self._idle.pop()
            if connection.is_fresh:
                return connection
            connection.close()
        loop = asyncio.get_running_loop()
        return (await loop.create_connection(Connection, "127.0.0.1", self._port))[1]

    def close(self) -> None:
        for connection in self._idle:
            connection.close()


@dataclass(frozen=True, slots=True)
class Sample:
    """A request and its times in seconds.

    `late` is the time from when the request was due until it was sent, and `took` until it was
    answered.
    """

    kind: str
    status: int
    due: float
    late: float
    took: float


async def drive(port: int, load: Load, rate: int, seconds: int) -> list[Sample]:
    """Send each request when it is due, whether or not the earlier ones were answered."""
    loop = asyncio.get_running_loop()
    client = Client(port)
    start = loop.time() + 0.2

    async def send(due: float) -> Sample:
        request = load.choose_request()
        late = loop.time() - due
        status, body = await client.send(request)
        took = loop.time() - due
        load.record_answer(request, status, body)
        return Sample(request.kind, status, due - start, late, took)

    tasks: list[asyncio.Task[Sample]] = []
    for number in range(rate * seconds):
        due = start + number / rate
        if (early := due - loop.time()) > 0:
            await asyncio.sleep(early)
        tasks.append(asyncio.create_task(send(due)))
    samples = await asyncio.gather(*tasks)
    client.close()
    return samples


async def find_lost_writes(port: int, load: Load) -> list[str]:
    """Return the ids of answered writes that the server does not have."""
    client = Client(port)
    lost: list[str] = []
    written = [*load.posted, *load.deleted]
    ids = iter([key for key in written if key not in load.in_doubt])

    async def check() -> None:
        for interaction_id in ids:
            status, body = await client.send(Request("check", "GET", f"{API}/{interaction_id}"))
            if interaction_id in load.deleted:
                is_right = status == 404
            else:
                expected = load.posted[interaction_id]
                is_right = status == 200 and json.loads(body)["payload"] == expected
            if not is_right:
                lost.append(interaction_id)

    await asyncio.gather(*(check() for _ in range(4)))
    client.close()
    return lost


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
                began = time.perf_counter()
                os.pwrite(file.fileno(), bytes(4096), 0)
                os.fdatasync(file.fileno())
                self.times.append(time.perf_counter() - began)

    def __enter__(self) -> "Disk":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()


def compute_percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))] * 1000


def show_latencies(samples: list[Sample]) -> None:
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
    began = time.monotonic()
    with serving(database) as (_, port):
        restart = time.monotonic() - began
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
        began = time.perf_counter()
        call()
        took = (time.perf_counter() - began) * 1000
        connection.set_trace_callback(None)
        connection.execute("ROLLBACK")
        print(f"\n{name}: {took:.2f} ms")
        for shape, statement in {
            normalize(statement): statement for statement in statements
        }.items():
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
        ("list_dropped", lambda: tenant.list_dropped(interaction_id)),
        ("list_arrivals", lambda: tenant.list_arrivals(before=latest, limit=101, incomplete=False)),
        (
            "list_arrivals, incomplete",
            lambda: tenant.list_arrivals(before=latest, limit=101, incomplete=True),
        ),
        ("delete_interaction", lambda: tenant.delete_interaction(interaction_id)),
        ("delete_contact", lambda: tenant.delete_contact(contact)),
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
        began = time.monotonic()
        Store(database, stock.fill).close()
        size, took = database.stat().st_size / 2**20, time.monotonic() - began
        print(f"{stock.count} interactions, {size:.0f} MiB, created in {took:.1f} s")
        if arguments.plans:
            show_plans(database, stock)
            return 0
        holds = measure(database, stock, arguments.rate, arguments.seconds)
    print(f"\nThe limits {'are met' if holds else 'ARE NOT MET'}.")
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
