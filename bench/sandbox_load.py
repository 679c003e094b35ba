"""The load of bench/sandbox.py: the data that is stored before it, and a client that sends it."""

import asyncio
import json
import random
import re
import time
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import cast

from engage_codegen.sandbox.dates import format_date
from engage_codegen.sandbox.seed import seed_tenant
from engage_codegen.sandbox.store.records import Arrival, Json, JsonObject
from engage_codegen.sandbox.store.tenant import Tenant

MIX = {"POST": 60, "list": 25, "GET": 10, "DELETE": 5}
CONTACTS = 250
TIMEOUT_SECONDS = 10.0
MAX_CONNECTIONS = 256
API = "/api/v3/interactions"
SEED = 20_230_523

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


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
            tenant.arrivals.add(arrival)
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
