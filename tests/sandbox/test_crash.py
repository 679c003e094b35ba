"""A sandbox with a database file keeps every write that it answered, however it ends."""

import http.client
import itertools
import json
import os
import random
import select
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from engage_codegen.sandbox.options import Options
from engage_codegen.sandbox.server import running, serve
from tests.sandbox.helpers import CONTACT, DIALECT, INCOMPLETE, INTERACTIONS, SCHEMAS
from tests.support.tiers import IS_FULL

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="needs fork")]

MIN_ROUNDS, MAX_ROUNDS = 25 if IS_FULL else 4, 500
WRITERS = 4
CONTACTS = [CONTACT, "8a7e4c19-2b36-4f5d-8c71-6e90d3a4b502"]
SEED_SCHEMA = "Reuse-Spring-2023"
JSON_SCHEMA = {
    "$schema": DIALECT,
    "type": "object",
    "properties": {"name": {"type": "string"}, "price": {"type": "number"}},
}


def fork_servers() -> None:
    """Read names of databases from standard input, and serve each from a fork until it is killed.

    The imports take a second, so they happen once, in a process without threads.
    """
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            threading.Thread(target=exit_with_input, daemon=True).start()
            print(os.getpid(), flush=True)
            serve(
                database=Path(line.rstrip("\n")),
                options=Options(rate_limit=0),
                on_ready=lambda url: print(url, flush=True),
            )
            os._exit(1)
        os.waitpid(child, 0)
        print("dead", flush=True)


def exit_with_input() -> None:
    """Exit when standard input ends, so that nothing keeps running after the tests are killed."""
    os.read(0, 1)
    os._exit(1)


@dataclass
class Server:
    """A process that starts sandboxes, one after the other."""

    process: subprocess.Popen[bytes]
    child: int = 0

    def fork(self, file: Path) -> None:
        if self.child:  # of a test that failed
            self.kill()
        assert self.process.stdin is not None
        self.process.stdin.write(f"{file}\n".encode())
        self.child = int(self.read_line())

    def read_line(self) -> str:
        assert self.process.stdout is not None
        assert select.select([self.process.stdout], [], [], 60)[0], "the process is silent"
        return self.process.stdout.readline().decode().rstrip("\n")

    def start(self, file: Path) -> str:
        """Start a sandbox and return its host and port."""
        self.fork(file)
        return urlsplit(self.read_line()).netloc

    def kill(self) -> None:
        os.kill(self.child, signal.SIGKILL)
        while (line := self.read_line()) != "dead":
            assert line, "the process has ended"
        self.child = 0


@pytest.fixture(scope="module")
def server() -> Generator[Server, None, None]:
    process = subprocess.Popen(
        [sys.executable, __file__],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,
        start_new_session=True,
    )
    with process:
        try:
            yield Server(process)
        finally:
            os.killpg(process.pid, signal.SIGKILL)


class Api:
    """A connection to the API."""

    def __init__(self, address: str) -> None:
        self._connection = http.client.HTTPConnection(address, timeout=60)

    def request(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        headers = {"apikey": "sandbox-key"}
        if body is not None:
            headers["content-type"] = "application/json"
        text = None if body is None else json.dumps(body)
        self._connection.request(method, path, text, headers)
        with self._connection.getresponse() as answer:
            content = answer.read()
        return answer.status, json.loads(content) if content else None

    def call(self, method: str, path: str, body: object = None) -> Any:
        status, answer = self.request(method, path, body)
        assert status == 200, answer
        return answer

    def items(self, contact: str, schema_id: str) -> Generator[dict[str, Any], None, None]:
        """Yield the whole list, page by page."""
        href = f"{INTERACTIONS}?contactId={contact}&schemaId={schema_id}"
        while href:
            page = self.call("GET", href)
            yield from page["items"]
            href = page["links"][0]["href"] if page["links"] else ""

    def close(self) -> None:
        self._connection.close()


@dataclass
class Thing:
    """An interaction or a schema, as its client knows it.

    `id` is None until the answer arrives. `is_doomed` is set before the thing is deleted, and
    `is_deleted` when the answer to that arrives.
    """

    body: dict[str, Any]
    id: str | None = None
    is_doomed: bool = False
    is_deleted: bool = False


def settle(things: dict[str, Thing], stored: Mapping[str, dict[str, Any]]) -> None:
    """Check that answered writes were done, others perhaps, and that nothing else is stored.

    Afterwards `things` are the stored ones.
    """
    assert stored.keys() <= things.keys(), "something is stored that no client sent"
    for key, thing in [*things.items()]:
        if key not in stored:
            assert thing.id is None or thing.is_doomed, f"{thing} is missing"
            del things[key]
            continue
        assert not thing.is_deleted, f"{thing} is stored although it was deleted"
        assert thing.id in (None, stored[key]["id"])
        wrong = {name for name, value in thing.body.items() if stored[key][name] != value}
        assert not wrong, f"{stored[key]} is not {thing}"
        things[key] = Thing(thing.body, stored[key]["id"])


class World:
    """What the clients know. Each thing belongs to one client."""

    def __init__(self) -> None:
        self.interactions: dict[str, Thing] = {}
        self.schemas: dict[str, Thing] = {}
        self.numbers = itertools.count()
        self.answered = threading.Semaphore(0)
        self.deletable: deque[Thing] = deque()
        self.fates = Counter[bool]()  # of unanswered writes: were they done?

    def send(self, api: Api, schema_id: str) -> None:
        number = next(self.numbers)
        payload = {"name": f"thing {number}", "price": number}
        contact = CONTACTS[number % len(CONTACTS)]
        thing = Thing({"contactId": contact, "schemaId": schema_id, "payload": payload})
        self.interactions[f"thing {number}"] = thing
        thing.id = api.call("POST", INTERACTIONS, thing.body)["id"]
        self.answered.release()
        if schema_id == SEED_SCHEMA:
            self.deletable.append(thing)

    def delete(self, api: Api, path: str, thing: Thing) -> None:
        thing.is_doomed = True
        api.call("DELETE", f"{path}/{thing.id}")
        thing.is_deleted = True
        self.answered.release()

    def write(self, address: str, dice: random.Random) -> None:
        """Write interactions until the server is killed."""
        with closing(Api(address)) as api, suppress(OSError, http.client.HTTPException):
            while True:
                self.send(api, SEED_SCHEMA)
                if dice.random() < 0.4:
                    self.delete(api, INTERACTIONS, self.deletable.popleft())

    def write_schemas(self, address: str, dice: random.Random) -> None:
        """Write schemas and their interactions, and delete them, until the server is killed."""
        with closing(Api(address)) as api, suppress(OSError, http.client.HTTPException):
            while True:
                while len(schemas := self.list_schemas()) > 3:
                    self.delete(api, SCHEMAS, dice.choice(schemas))
                schema_id = f"schema{next(self.numbers)}"
                body = {"id": schema_id, "displayName": schema_id, "jsonSchema": JSON_SCHEMA}
                thing = self.schemas[schema_id] = Thing(body)
                thing.id = api.call("POST", SCHEMAS, body)["id"]
                self.answered.release()
                for _ in range(dice.randrange(4)):
                    self.send(api, schema_id)

    def list_schemas(self) -> list[Thing]:
        return [schema for schema in self.schemas.values() if not schema.is_deleted]

    def check(self, address: str) -> None:
        with closing(Api(address)) as api:
            schemas = [
                api.call("GET", f"{SCHEMAS}/{schema['id']}") for schema in api.call("GET", SCHEMAS)
            ]
            ours = {schema["id"]: schema for schema in schemas if schema["id"].startswith("schema")}
            assert len(schemas) == len(ours) + 6, "an example schema is missing"
            settle(self.schemas, ours)
            pairs = itertools.product(CONTACTS, [SEED_SCHEMA, *ours])
            items = [item for contact, schema in pairs for item in api.items(contact, schema)]
            stored: dict[str, dict[str, Any]] = {item["payload"]["name"]: item for item in items}
            assert len(items) == len(stored), "an interaction is stored twice"
            sent = dict(self.interactions)
            for thing in sent.values():
                if thing.body["schemaId"] not in [SEED_SCHEMA, *ours]:
                    thing.is_doomed = thing.is_deleted = True
            for key, thing in sent.items():
                if thing.id is None or thing.is_doomed != thing.is_deleted:
                    self.fates[(key in stored) != thing.is_doomed] += 1
            settle(self.interactions, stored)
            for key, thing in sent.items():
                if thing.id is not None:
                    status, item = api.request("GET", f"{INTERACTIONS}/{thing.id}")
                    assert (status, item) == (200, stored[key]) if key in stored else status == 404
        on_seed = (
            thing for thing in self.interactions.values() if thing.body["schemaId"] == SEED_SCHEMA
        )
        self.deletable = deque(on_seed)


def write_and_kill(world: World, server: Server, address: str, dice: random.Random) -> None:
    """Let clients write, and kill the server while they do."""
    world.answered = threading.Semaphore(0)
    with ThreadPoolExecutor(WRITERS + 1) as pool:
        client_dice = [random.Random(dice.random()) for _ in range(WRITERS + 1)]
        clients = [pool.submit(world.write, address, own_dice) for own_dice in client_dice[1:]]
        clients.append(pool.submit(world.write_schemas, address, client_dice[0]))
        try:
            for _ in range(dice.randrange(1, 60)):
                assert world.answered.acquire(timeout=60), "the server does not answer"
            time.sleep(dice.uniform(0, 0.01))
        finally:
            server.kill()
    for client in clients:
        client.result()


def test_answered_writes_survive_every_kill_and_no_others_appear(
    server: Server, tmp_path: Path
) -> None:
    file, seed = tmp_path / "tenant.db", random.randrange(2**32)
    print(f"seed {seed}")
    dice, world = random.Random(seed), World()
    for number in range(MAX_ROUNDS):
        address = server.start(file)
        world.check(address)
        # Luck decides whether a kill comes before or after an unanswered write: wait for both.
        if number >= MIN_ROUNDS and world.fates[True] and world.fates[False]:
            break
        write_and_kill(world, server, address, dice)
    else:
        pytest.fail(f"{MAX_ROUNDS} kills did not come both before and after an unanswered write")
    with closing(Api(address)) as api:
        arrivals, before = set[str](), 2**62
        while before:
            page = api.call("GET", f"/_sandbox/arrivals?limit=1000&before={before}")
            arrivals |= {item["interactionId"] for item in page["items"]}
            before = page["before"]
    server.kill()
    assert {thing.id for thing in world.interactions.values()} <= arrivals
    print(f"{next(world.numbers)} writes; unanswered, were they done: {world.fates}")
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []


def test_a_database_can_be_used_after_a_kill_during_its_creation(
    server: Server, tmp_path: Path
) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    dice = random.Random(seed)
    for name in ("slow.db", "usual.db"):  # the second start needs no imports any more
        start = time.monotonic()
        server.start(tmp_path / name)
        whole = time.monotonic() - start
        server.kill()
    for number in range(12 if IS_FULL else 5):
        file = tmp_path / f"{number}.db"
        server.fork(file)
        time.sleep(dice.uniform(0, whole))
        server.kill()
        with closing(Api(server.start(file))) as api:
            assert len(api.call("GET", SCHEMAS)) == len(api.call("GET", "/_sandbox/contacts")) == 6
        server.kill()


def test_clients_see_the_same_data_after_a_restart(tmp_path: Path) -> None:
    paths = [SCHEMAS, f"{SCHEMAS}/{SEED_SCHEMA}", "/_sandbox/contacts", "/_sandbox/keys"]
    views: list[list[Any]] = []
    for is_first in (True, False):
        with (
            running(database=tmp_path / "tenant.db") as sandbox,
            closing(Api(urlsplit(sandbox.base_url).netloc)) as api,
        ):
            if is_first:
                api.request("POST", "/_sandbox/contacts", {"id": "new", "name": "New"})
                api.request("DELETE", f"/_sandbox/contacts/{CONTACTS[1]}")
                api.request("POST", "/_sandbox/keys", {"key": "another"})
                api.call("DELETE", f"{SCHEMAS}/repair")
                for contact in [CONTACTS[0]] * 60:
                    body = {"contactId": contact, "schemaId": SEED_SCHEMA}
                    api.call(
                        "POST", INTERACTIONS, body | {"payload": {"name": "a", "undeclared": 1}}
                    )
            pages = f"{INTERACTIONS}?contactId={CONTACTS[0]}&schemaId={SEED_SCHEMA}"
            page = api.call("GET", pages)
            paths.append(page["links"][0]["href"])
            incomplete = api.call("GET", INCOMPLETE)
            views.append([page, incomplete, *(api.call("GET", path) for path in paths[:5])])
    assert views[0] == views[1]
    assert len(views[0][-1]["items"]) == 10


if __name__ == "__main__":
    fork_servers()
