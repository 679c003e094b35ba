"""Whether the sandbox holds its promise: see README.md beside this file."""

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

from engage_codegen.sandbox.dates import wire_date
from engage_codegen.sandbox.seed import plant
from engage_codegen.sandbox.store.database import Store
from engage_codegen.sandbox.store.paging import BEFORE_THE_FIRST, BEFORE_THE_NEWEST
from engage_codegen.sandbox.store.tenant import Arrival, Tenant
from engage_codegen.sandbox.wire import Json, JsonObject

STORED = 100_000
RATE = 200
SLOWEST_MS = 250.0
MIX = {"POST": 60, "list": 25, "GET": 10, "DELETE": 5}
CONTACTS = 250
PATIENCE = 10.0
AT_ONCE = 256
API = "/api/v3/interactions"
SEED = 20_230_523

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_TICKS = os.sysconf("SC_CLK_TCK")


class Stock:
    """What is stored beforehand, and what the load chooses from."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.dice = random.Random(SEED)  # noqa: S311 - no secrets
        self.contacts = [f"{number:08x}-0000-4000-8000-{number:012x}" for number in range(CONTACTS)]
        self.properties: dict[str, JsonObject] = {}
        self.ids: list[str] = []

    def fill(self, tenant: Tenant) -> None:
        """The seed, and interactions over the two years before now, each with its arrival."""
        plant(tenant)
        for contact in self.contacts:
            tenant.add_contact(contact, "")
        for schema in tenant.schemas():
            self.properties[schema.id] = cast(JsonObject, schema.json_schema["properties"])
        now = datetime.now(UTC)
        for number in range(self.count):
            contact, schema_id = self.place()
            payload = self.payload(schema_id)
            date = wire_date(now - timedelta(days=730) * (1 - number / self.count))
            new = tenant.add_interaction(contact, schema_id, date, payload, date)
            body = body_of(contact, schema_id, payload)
            tenant.log_arrival(Arrival(date, "stored", body, interaction_id=new, kept=payload))
            self.ids.append(new)

    def place(self) -> tuple[str, str]:
        """A contact and a schema; some contacts have thirty times as much as others."""
        contact = self.contacts[int(CONTACTS * self.dice.random() ** 2)]
        return contact, self.dice.choice([*self.properties])

    def payload(self, schema_id: str) -> JsonObject:
        return {
            name: self._value(name, cast(JsonObject, declaration))
            for name, declaration in self.properties[schema_id].items()
        }

    def _value(self, name: str, declaration: JsonObject) -> Json:
        if declaration.get("format") == "date-time":
            return "2023-05-23T11:13:42+02:00"
        number = self.dice.randrange(100_000)
        values: dict[str, Json] = {"number": number / 100, "integer": number, "boolean": True}
        return values.get(str(declaration["type"]), f"{name} {number}")


def body_of(contact: str, schema_id: str, payload: JsonObject) -> bytes:
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
    """What is asked for next, and what was answered. An id is either read or deleted, never both,
    so that every request ought to succeed."""

    stock: Stock
    posted: dict[str, JsonObject] = field(default_factory=dict[str, JsonObject])
    deleted: set[str] = field(default_factory=set[str])
    in_doubt: set[str] = field(default_factory=set[str])
    nexts: deque[str] = field(default_factory=lambda: deque[str](maxlen=100))

    def __post_init__(self) -> None:
        self.doomed = deque(self.stock.ids[::10])
        self.readable = [it for number, it in enumerate(self.stock.ids) if number % 10]

    def next(self) -> Request:
        dice = self.stock.dice
        (kind,) = dice.choices([*MIX], [*MIX.values()])
        if kind == "list":
            follow = self.nexts and dice.random() < 0.4
            return Request(kind, "GET", self.nexts.popleft() if follow else self._first_page())
        if kind == "GET":
            return Request(kind, "GET", f"{API}/{dice.choice(self.readable)}")
        if kind == "DELETE":
            return Request(kind, "DELETE", f"{API}/{self.doomed.popleft()}")
        contact, schema_id = self.stock.place()
        payload = self.stock.payload(schema_id)
        lost: JsonObject = {"undeclared": 1} if dice.random() < 0.05 else {}
        body = body_of(contact, schema_id, payload | lost)
        return Request(kind, "POST", API, body, payload)

    def _first_page(self) -> str:
        contact, schema_id = self.stock.place()
        return f"{API}?contactId={contact}&schemaId={schema_id}"

    def learn(self, request: Request, status: int, body: bytes) -> None:
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
    """HTTP/1.1, one request at a time, and no more of it than the sandbox speaks."""

    def __init__(self) -> None:
        self._received = b""
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None
        self._transport: asyncio.Transport | None = None
        self.used = time.monotonic()

    @property
    def is_fresh(self) -> bool:
        """The server closes a connection that was idle for 5 seconds."""
        is_open = self._transport is not None and not self._transport.is_closing()
        return is_open and time.monotonic() - self.used < 4

    async def ask(self, request: Request) -> tuple[int, bytes]:
        """Status and body. Raises `OSError`, also where the answer does not come in time."""
        if self._transport is None:
            raise ConnectionError
        self._received = b""
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(bytes(request))
        async with asyncio.timeout(PATIENCE):
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
    """As many connections as are needed at once."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._idle: list[Connection] = []
        self._room = asyncio.Semaphore(AT_ONCE)

    async def ask(self, request: Request) -> tuple[int, bytes]:
        """Status 0 if there is no answer."""
        async with self._room:
            connection: Connection | None = None
            try:
                connection = await self._connection()
                answer = await connection.ask(request)
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
    """Times in seconds: when the request was due, how late it left, and when it was answered, both
    counted from when it was due."""

    kind: str
    status: int
    due: float
    late: float
    took: float


async def drive(port: int, load: Load, rate: int, seconds: int) -> list[Sample]:
    """Each request leaves when it is due, whatever became of those before it."""
    loop = asyncio.get_running_loop()
    client = Client(port)
    start = loop.time() + 0.2

    async def send(due: float) -> Sample:
        request = load.next()
        late = loop.time() - due
        status, body = await client.ask(request)
        took = loop.time() - due
        load.learn(request, status, body)
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


async def losses(port: int, load: Load) -> list[str]:
    """The writes that were answered, and that the server no longer knows of."""
    client = Client(port)
    lost: list[str] = []
    doubtful = load.in_doubt
    asked = iter([it for it in [*load.posted, *load.deleted] if it not in doubtful])

    async def look() -> None:
        for one in asked:
            status, body = await client.ask(Request("check", "GET", f"{API}/{one}"))
            if one in load.deleted:
                is_right = status == 404
            else:
                is_right = status == 200 and json.loads(body)["payload"] == load.posted[one]
            if not is_right:
                lost.append(one)

    await asyncio.gather(*(look() for _ in range(4)))
    client.close()
    return lost


@dataclass(frozen=True, slots=True)
class Usage:
    """CPU seconds of the server, of this process, and of the whole machine."""

    server: float
    own: float
    machine: float

    @staticmethod
    def of(server: int) -> "Usage":
        fields = Path(f"/proc/{server}/stat").read_text().rpartition(")")[2].split()
        machine = [int(it) for it in Path("/proc/stat").read_text().split("\n")[0].split()[1:9]]
        busy = sum(machine) - machine[3] - machine[4]  # without idle and iowait
        ticks = int(fields[11]) + int(fields[12])
        return Usage(ticks / _TICKS, time.process_time(), busy / _TICKS)


def peak_memory(process: int) -> float:
    """In MiB."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


@contextmanager
def serving(database: Path) -> Generator[tuple[int, int]]:
    """Process id and port of a sandbox, which is killed in the end: what it answered must be on the
    disk by then."""
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
    """How long the disk itself takes, beside the server: a page is flushed ten times a second."""

    def __init__(self, folder: Path) -> None:
        self.took: list[float] = []
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._probe, args=(folder / "probe",))

    def _probe(self, path: Path) -> None:
        with path.open("wb", buffering=0) as file:
            while not self._end.wait(0.1):
                began = time.perf_counter()
                os.pwrite(file.fileno(), bytes(4096), 0)
                os.fdatasync(file.fileno())
                self.took.append(time.perf_counter() - began)

    def __enter__(self) -> "Disk":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))] * 1000


def show_latencies(samples: list[Sample]) -> None:
    print(f"\n{'':8}{'sent':>7}{'p50 ms':>9}{'p95 ms':>9}{'p99 ms':>9}{'max ms':>9}   by status")
    for kind in [*MIX, "all"]:
        of_kind = [it for it in samples if kind in (it.kind, "all")]
        took = [it.took for it in of_kind]
        cells = "".join(f"{percentile(took, share):9.1f}" for share in (0.5, 0.95, 0.99, 1))
        statuses = Counter(str(it.status or "none") for it in of_kind)
        counts = ", ".join(f"{status}: {count}" for status, count in sorted(statuses.items()))
        print(f"{kind:8}{len(of_kind):7}{cells}   {counts}")


def measure(database: Path, stock: Stock, rate: int, seconds: int) -> bool:
    """Whether the promise holds."""
    load = Load(stock)
    gc.freeze()
    with serving(database) as (pid, port), Disk(database.parent) as disk:
        before = Usage.of(pid)
        samples = asyncio.run(drive(port, load, rate, seconds))
        after = Usage.of(pid)
        memory = peak_memory(pid)
    began = time.monotonic()
    with serving(database) as (_, port):
        restart = time.monotonic() - began
        lost = asyncio.run(losses(port, load))
    show_latencies(samples)
    length = max(it.due + it.took for it in samples)
    answered = sum(200 <= it.status < 300 for it in samples)
    worst = percentile([it.took for it in samples], 1)
    machine = after.machine - before.machine
    server, own = after.server - before.server, after.own - before.own
    slow = sum(it.took * 1000 > SLOWEST_MS for it in samples)
    late = percentile([it.late for it in samples], 1)
    print(f"\nrate held             {answered / length:.1f} successes a second for {length:.1f} s")
    print(f"over {SLOWEST_MS:.0f} ms           {slow}")
    print(f"server                {server:.1f} s of CPU, {memory:.0f} MiB at its peak")
    print(f"load generator        {own:.1f} s of CPU, {late:.1f} ms late at most")
    print(f"rest of the machine   {machine - server - own:.1f} s of CPU")
    flushes = [percentile(disk.took, share) for share in (0.5, 0.99, 1)]
    print("disk, p50, p99, max   {:.1f}, {:.1f}, {:.1f} ms for a flush".format(*flushes))
    print(f"checked after a kill  {len(load.posted)} POSTs, {len(load.deleted)} DELETEs")
    print(f"ready again after     {restart:.1f} s")
    print(f"lost writes           {len(lost)}")
    kept_up = answered / length >= 0.99 * rate and answered == len(samples)
    return kept_up and worst <= SLOWEST_MS and not lost


def show_plans(database: Path, stock: Stock) -> None:
    """How SQLite finds what each method of the tenant asks for, and how long that takes."""
    connection = sqlite3.connect(database, isolation_level=None)
    connection.execute("PRAGMA foreign_keys = ON")
    statements: list[str] = []
    for name, call in calls(Tenant(connection), stock):
        connection.execute("BEGIN IMMEDIATE")
        connection.set_trace_callback(statements.append)
        began = time.perf_counter()
        call()
        took = (time.perf_counter() - began) * 1000
        connection.set_trace_callback(None)
        connection.execute("ROLLBACK")
        print(f"\n{name}: {took:.2f} ms")
        for shape, statement in {shape_of(it): it for it in statements}.items():
            print("   ", shape)
            for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}"):
                print("       ", row[3])
        statements.clear()
    connection.close()


def shape_of(statement: str) -> str:
    """The statement in one line and without its values."""
    return re.sub(r"\s+", " ", re.sub(r"'[^']*'|\b\d+\b", "?", statement))


def calls(tenant: Tenant, stock: Stock) -> Iterable[tuple[str, Callable[[], object]]]:
    """All that reads or deletes interactions and arrivals."""
    contact, schema_id = stock.contacts[0], next(iter(stock.properties))
    now, one = wire_date(datetime.now(UTC)), stock.ids[0]
    pair, newest, first = (contact, schema_id), BEFORE_THE_NEWEST, BEFORE_THE_FIRST[0]
    return [
        ("interaction", lambda: tenant.interaction(one)),
        ("interactions", lambda: tenant.interactions(*pair, newest, now, 51)),
        ("interactions, none arrived yet", lambda: tenant.interactions(*pair, newest, "", 51)),
        ("shuffled", lambda: tenant.shuffled(*pair, first, now, 51)),
        ("shuffled, none arrived yet", lambda: tenant.shuffled(*pair, first, "", 51)),
        ("blobs", lambda: tenant.blobs(one)),
        ("arrivals", lambda: tenant.arrivals(before=2**62, limit=101, losses=False)),
        ("arrivals, losses", lambda: tenant.arrivals(before=2**62, limit=101, losses=True)),
        ("delete_interaction", lambda: tenant.delete_interaction(one)),
        ("delete_contact", lambda: tenant.delete_contact(contact)),
        ("delete_schema", lambda: tenant.delete_schema(schema_id)),
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--rate", type=int, default=RATE, help="requests a second")
    parser.add_argument("--stored", type=int, default=STORED, help="interactions beforehand")
    parser.add_argument("--folder", help="where the database is; a temporary one by default")
    parser.add_argument("--plans", action="store_true", help="only explain the queries")
    arguments = parser.parse_args()
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        database = Path(folder) / "tenant.db"
        stock = Stock(arguments.stored)
        began = time.monotonic()
        Store(database, stock.fill).close()
        size, took = database.stat().st_size / 2**20, time.monotonic() - began
        print(f"{stock.count} interactions, {size:.0f} MiB, made in {took:.1f} s")
        if arguments.plans:
            show_plans(database, stock)
            return 0
        holds = measure(database, stock, arguments.rate, arguments.seconds)
    print(f"\nthe promise {'holds' if holds else 'DOES NOT HOLD'}")
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
