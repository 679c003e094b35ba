"""A sandbox with a database file forgets nothing that it answered, however it ends."""

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

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs fork")

ROUNDS = 25
WRITERS = 4
CONTACTS = ["3f0c1a52-7d5e-4b0e-9a64-1c2f5b8e0d01", "8a7e4c19-2b36-4f5d-8c71-6e90d3a4b502"]
SEED_SCHEMA = "Reuse-Spring-2023"
JSON_SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": {"name": {"type": "string"}, "price": {"type": "number"}},
}
INTERACTIONS, SCHEMAS = "/api/v3/interactions", "/api/v3/interactionschemas"


def nursery() -> None:
    """Serve each database that is named on standard input from a fork, until the fork is killed:
    what takes a second of each start, the imports, is done once, in a process without threads."""
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            threading.Thread(target=end_with_input, daemon=True).start()
            print(os.getpid(), flush=True)
            serve(
                database=Path(line.rstrip("\n")),
                options=Options(rate_limit=0),
                on_ready=lambda url: print(url, flush=True),
            )
            os._exit(1)
        os.waitpid(child, 0)
        print("dead", flush=True)


def end_with_input() -> None:
    """Nothing is left running when the tests are killed."""
    os.read(0, 1)
    os._exit(1)


@dataclass
class Server:
    """Sandboxes on one file, one after the other."""

    process: subprocess.Popen[bytes]
    child: int = 0

    def begin(self, file: Path) -> None:
        if self.child:  # left behind by a test that failed
            self.kill()
        assert self.process.stdin is not None
        self.process.stdin.write(f"{file}\n".encode())
        self.child = int(self.line())

    def line(self) -> str:
        assert self.process.stdout is not None
        assert select.select([self.process.stdout], [], [], 60)[0], "the nursery is silent"
        return self.process.stdout.readline().decode().rstrip("\n")

    def start(self, file: Path) -> str:
        """Host and port."""
        self.begin(file)
        return urlsplit(self.line()).netloc

    def kill(self) -> None:
        os.kill(self.child, signal.SIGKILL)
        while (line := self.line()) != "dead":
            assert line, "the nursery is gone"
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
    """One connection."""

    def __init__(self, address: str) -> None:
        self._connection = http.client.HTTPConnection(address, timeout=60)

    def status(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        headers = {"apikey": "sandbox-key"}
        if body is not None:
            headers["content-type"] = "application/json"
        text = None if body is None else json.dumps(body)
        self._connection.request(method, path, text, headers)
        with self._connection.getresponse() as answer:
            content = answer.read()
        return answer.status, json.loads(content) if content else None

    def ask(self, method: str, path: str, body: object = None) -> Any:
        status, answer = self.status(method, path, body)
        assert status == 200, answer
        return answer

    def items(self, contact: str, schema_id: str) -> Generator[dict[str, Any], None, None]:
        """The whole list, page by page."""
        href = f"{INTERACTIONS}?contactId={contact}&schemaId={schema_id}"
        while href:
            page = self.ask("GET", href)
            yield from page["items"]
            href = page["links"][0]["href"] if page["links"] else ""

    def close(self) -> None:
        self._connection.close()


@dataclass
class Thing:
    """An interaction or a schema, as the client that sent it knows it: the id is that of the
    answer, `is_doomed` is set before it is deleted and `is_gone` when that was answered."""

    body: dict[str, Any]
    id: str | None = None
    is_doomed: bool = False
    is_gone: bool = False


def settle(things: dict[str, Thing], found: Mapping[str, dict[str, Any]]) -> None:
    """What was answered is as it was answered, what was not may be either; nothing else is there.
    What is there from now on is what was found."""
    assert found.keys() <= things.keys(), "nobody sent it"
    for key, thing in [*things.items()]:
        if key not in found:
            assert thing.id is None or thing.is_doomed, f"{thing} is lost"
            del things[key]
            continue
        assert not thing.is_gone, f"{thing} is back"
        assert thing.id in (None, found[key]["id"])
        wrong = {name for name, value in thing.body.items() if found[key][name] != value}
        assert not wrong, f"{found[key]} is not {thing}"
        things[key] = Thing(thing.body, found[key]["id"])


class World:
    """What the clients know. Each thing belongs to one of them."""

    def __init__(self) -> None:
        self.interactions: dict[str, Thing] = {}
        self.schemas: dict[str, Thing] = {}
        self.numbers = itertools.count()
        self.answered = threading.Semaphore(0)
        self.deletable: deque[Thing] = deque()
        self.fates = Counter[bool]()  # whether what was not answered was done

    def send(self, api: Api, schema_id: str) -> None:
        number = next(self.numbers)
        payload = {"name": f"thing {number}", "price": number}
        contact = CONTACTS[number % len(CONTACTS)]
        thing = Thing({"contactId": contact, "schemaId": schema_id, "payload": payload})
        self.interactions[f"thing {number}"] = thing
        thing.id = api.ask("POST", INTERACTIONS, thing.body)["id"]
        self.answered.release()
        if schema_id == SEED_SCHEMA:
            self.deletable.append(thing)

    def delete(self, api: Api, path: str, thing: Thing) -> None:
        thing.is_doomed = True
        api.ask("DELETE", f"{path}/{thing.id}")
        thing.is_gone = True
        self.answered.release()

    def write(self, address: str, dice: random.Random) -> None:
        """Until the server is no more."""
        with closing(Api(address)) as api, suppress(OSError, http.client.HTTPException):
            while True:
                self.send(api, SEED_SCHEMA)
                if dice.random() < 0.4:
                    self.delete(api, INTERACTIONS, self.deletable.popleft())

    def write_schemas(self, address: str, dice: random.Random) -> None:
        """The same with schemas, and with interactions that go when they go."""
        with closing(Api(address)) as api, suppress(OSError, http.client.HTTPException):
            while True:
                while len(alive := [it for it in self.schemas.values() if not it.is_gone]) > 3:
                    self.delete(api, SCHEMAS, dice.choice(alive))
                schema_id = f"schema{next(self.numbers)}"
                body = {"id": schema_id, "displayName": schema_id, "jsonSchema": JSON_SCHEMA}
                thing = self.schemas[schema_id] = Thing(body)
                thing.id = api.ask("POST", SCHEMAS, body)["id"]
                self.answered.release()
                for _ in range(dice.randrange(4)):
                    self.send(api, schema_id)

    def check(self, address: str) -> None:
        with closing(Api(address)) as api:
            schemas = [api.ask("GET", f"{SCHEMAS}/{it['id']}") for it in api.ask("GET", SCHEMAS)]
            ours = {it["id"]: it for it in schemas if it["id"].startswith("schema")}
            assert len(schemas) == len(ours) + 6, "the schemas of the seed"
            settle(self.schemas, ours)
            pairs = itertools.product(CONTACTS, [SEED_SCHEMA, *ours])
            items = [item for contact, schema in pairs for item in api.items(contact, schema)]
            found: dict[str, dict[str, Any]] = {item["payload"]["name"]: item for item in items}
            assert len(items) == len(found), "something is there twice"
            asked = dict(self.interactions)
            for thing in asked.values():
                if thing.body["schemaId"] not in [SEED_SCHEMA, *ours]:
                    thing.is_doomed = thing.is_gone = True
            for key, thing in asked.items():
                if thing.id is None or thing.is_doomed != thing.is_gone:
                    self.fates[(key in found) != thing.is_doomed] += 1
            settle(self.interactions, found)
            for key, thing in asked.items():
                if thing.id is not None:
                    status, item = api.status("GET", f"{INTERACTIONS}/{thing.id}")
                    assert (status, item) == (200, found[key]) if key in found else status == 404
        on_seed = (it for it in self.interactions.values() if it.body["schemaId"] == SEED_SCHEMA)
        self.deletable = deque(on_seed)


def whirl(world: World, server: Server, address: str, dice: random.Random) -> None:
    """Let clients write, and kill the server in the midst of it."""
    world.answered = threading.Semaphore(0)
    with ThreadPoolExecutor(WRITERS + 1) as pool:
        own = [random.Random(dice.random()) for _ in range(WRITERS + 1)]
        clients = [pool.submit(world.write, address, it) for it in own[1:]]
        clients.append(pool.submit(world.write_schemas, address, own[0]))
        try:
            for _ in range(dice.randrange(1, 60)):
                assert world.answered.acquire(timeout=60), "no answers any more"
            time.sleep(dice.uniform(0, 0.01))
        finally:
            server.kill()
    for client in clients:
        client.result()


def test_what_was_answered_survives_any_kill_and_nothing_else_appears(
    server: Server, tmp_path: Path
) -> None:
    file, seed = tmp_path / "tenant.db", random.randrange(2**32)
    print(f"seed {seed}")
    dice, world = random.Random(seed), World()
    for _ in range(ROUNDS):
        address = server.start(file)
        world.check(address)
        whirl(world, server, address, dice)
    address = server.start(file)
    world.check(address)
    with closing(Api(address)) as api:
        arrivals, before = set[str](), 2**62
        while before:
            page = api.ask("GET", f"/_sandbox/arrivals?limit=1000&before={before}")
            arrivals |= {item["interactionId"] for item in page["items"]}
            before = page["before"]
    server.kill()
    assert {thing.id for thing in world.interactions.values()} <= arrivals
    print(f"{next(world.numbers)} writes; not answered, but done: {world.fates}")
    assert world.fates[True], "no kill came between the write and its answer"
    assert world.fates[False], "no kill came before the write"
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []


def test_a_kill_while_a_new_file_is_filled_leaves_one_that_starts(
    server: Server, tmp_path: Path
) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    dice = random.Random(seed)
    for name in ("slow.db", "usual.db"):  # the nursery's imports are behind it then
        began = time.monotonic()
        server.start(tmp_path / name)
        whole = time.monotonic() - began
        server.kill()
    for number in range(12):
        file = tmp_path / f"{number}.db"
        server.begin(file)
        time.sleep(dice.uniform(0, whole))
        server.kill()
        with closing(Api(server.start(file))) as api:
            assert len(api.ask("GET", SCHEMAS)) == len(api.ask("GET", "/_sandbox/contacts")) == 6
        server.kill()


def test_a_restart_changes_nothing_that_a_client_can_see(tmp_path: Path) -> None:
    looks = [SCHEMAS, f"{SCHEMAS}/{SEED_SCHEMA}", "/_sandbox/contacts", "/_sandbox/keys"]
    seen: list[list[Any]] = []
    for is_first in (True, False):
        with (
            running(database=tmp_path / "tenant.db") as sandbox,
            closing(Api(urlsplit(sandbox.base_url).netloc)) as api,
        ):
            if is_first:
                api.status("POST", "/_sandbox/contacts", {"id": "new", "name": "New"})
                api.status("DELETE", f"/_sandbox/contacts/{CONTACTS[1]}")
                api.status("POST", "/_sandbox/keys", {"key": "another"})
                api.ask("DELETE", f"{SCHEMAS}/repair")
                for contact in [CONTACTS[0]] * 60:
                    body = {"contactId": contact, "schemaId": SEED_SCHEMA}
                    api.ask("POST", INTERACTIONS, body | {"payload": {"name": "a", "lost": 1}})
            pages = f"{INTERACTIONS}?contactId={CONTACTS[0]}&schemaId={SEED_SCHEMA}"
            page = api.ask("GET", pages)
            looks.append(page["links"][0]["href"])
            losses = api.ask("GET", "/_sandbox/arrivals?losses=true")
            seen.append([page, losses, *(api.ask("GET", look) for look in looks[:5])])
    assert seen[0] == seen[1]
    assert len(seen[0][-1]["items"]) == 10


if __name__ == "__main__":
    nursery()
