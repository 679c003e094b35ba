"""Sends from threads, tasks and forked workers, and the promises that their outcomes keep.

As a program, this module sends from forked workers: it reads an `Assignment` as JSON from standard
input and writes the outcomes to standard output. A process that has threads must not fork, and so
not the process of the tests.
"""

import asyncio
import inspect
import json
import os
import signal
import subprocess
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, ExitStack
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any, Literal, TypeAlias

from engage_interactions import (
    AsyncEngageClient,
    ConfigurationError,
    EngageClient,
    EngageError,
    NotSentError,
    OutcomeUnknownError,
    ReadError,
    Receipt,
    RejectedError,
    RetryPolicy,
    Stored,
)
from engage_interactions.favourite import Favourite
from tests.support.paths import ROOT
from tests.support.runtime.http_library import GENERATED, httpx
from tests.support.runtime.raw.platform import Item, RawPlatform

Mode: TypeAlias = Literal["threads", "tasks", "workers", "workers with tasks"]
MODES: tuple[Mode, ...] = ("threads", "tasks", "workers", "workers with tasks")

CONCURRENCY = 8
WORKERS = 4
TIMEOUT = 5.0
"""The timeout of each request, in seconds."""

LONGEST_RUN_SECONDS = 240.0
"""Workers that are not done after this time are killed."""

MARGIN = 10
"""A send may take this many times as long as its deadline: the machine may be busy."""

_POLICY = RetryPolicy(retry_delays=(0.01, 0.02), lookup_delays=(0.02, 0.05, 0.1))
_POLICIES = (_POLICY, replace(_POLICY, resend=True))
"""The policies of the sends with even and with odd numbers."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """Sends with the numbers from 0 to `count`, each of which has `deadline` seconds."""

    url: str
    mode: Mode
    count: int
    deadline: float

    def contact(self, number: int) -> str:
        """Return the contact of a send. Three sends share one."""
        return f"contact-{number // 3}"

    def worker(self, number: int) -> int:
        """Return the worker of a send. The first worker is the parent of the others."""
        return 0 if number < CONCURRENCY else (number - CONCURRENCY) % WORKERS


Kind: TypeAlias = Literal["receipt", "unknown", "not sent", "rejected", "misused", "ours", "raw"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a send returned or raised, and what is wrong with the list that was read after it."""

    number: int
    kind: Kind
    text: str
    seconds: float
    receipt_id: str = ""
    read_fault: str = ""


_KINDS: tuple[tuple[type[object], Kind], ...] = (
    (Receipt, "receipt"),
    (OutcomeUnknownError, "unknown"),
    (NotSentError, "not sent"),
    (RejectedError, "rejected"),
    (ConfigurationError, "misused"),
    (EngageError, "ours"),
    (object, "raw"),
)


def describe(number: int, start: float, result: Receipt | Exception) -> Outcome:
    """Describe what a send that began at `start` returned or raised."""
    kind: Kind = next(kind for class_, kind in _KINDS if isinstance(result, class_))
    receipt_id = result.id if isinstance(result, Receipt) else ""
    return Outcome(number, kind, repr(result), time.monotonic() - start, receipt_id)


def accepted(function: Callable[..., object], **arguments: object) -> dict[str, Any]:
    """Return the arguments that a function has parameters for."""
    parameters = inspect.signature(function).parameters
    return {name: value for name, value in arguments.items() if name in parameters}


def client_settings(assignment: Assignment, client_class: type[object]) -> dict[str, Any]:
    """Return the arguments of a client that opens its own connections."""
    settings = {"base_url": assignment.url, "api_key": "k", "user_agent": "tests/1", "rate": 10**6}
    times = accepted(client_class, deadline=assignment.deadline, timeout=TIMEOUT)
    return {**settings, **times}


def send(client: EngageClient, assignment: Assignment, number: int) -> Outcome:
    """Send an interaction, and read some contacts afterwards."""
    start, contact = time.monotonic(), assignment.contact(number)
    try:
        payload = Favourite(product_sku=str(number))
        receipt = client.send(contact, payload, retry=_POLICIES[number % 2])
        outcome = describe(number, start, receipt)
    except Exception as error:
        outcome = describe(number, start, error)
    if number % 4:
        return outcome
    try:
        return replace(outcome, read_fault=find_foreign(contact, client.list(Favourite, contact)))
    except Exception as error:
        return replace(outcome, read_fault=describe_read_error(error))


async def send_async(client: AsyncEngageClient, assignment: Assignment, number: int) -> Outcome:
    """Do the same in a task."""
    start, contact = time.monotonic(), assignment.contact(number)
    try:
        payload = Favourite(product_sku=str(number))
        receipt = await client.send(contact, payload, retry=_POLICIES[number % 2])
        outcome = describe(number, start, receipt)
    except Exception as error:
        outcome = describe(number, start, error)
    if number % 4:
        return outcome
    try:
        items = [item async for item in client.list(Favourite, contact)]
        return replace(outcome, read_fault=find_foreign(contact, items))
    except Exception as error:
        return replace(outcome, read_fault=describe_read_error(error))


def find_foreign(contact: str, items: Iterable[Stored[Favourite]]) -> str:
    """Name the interactions of other contacts in a list."""
    return ", ".join(item.id for item in items if item.contact_id != contact)


def describe_read_error(error: Exception) -> str:
    """Describe an error that a read must not raise. It may raise `ReadError`."""
    allowed = (ReadError, NotSentError, ConfigurationError)
    return "" if isinstance(error, allowed) else repr(error)


def run(assignment: Assignment) -> list[Outcome]:
    """Make all sends of an assignment."""
    match assignment.mode:
        case "threads":
            return send_from_threads(assignment)
        case "tasks":
            return asyncio.run(send_from_tasks(assignment))
        case _:
            return send_from_workers(assignment)


def send_from_threads(assignment: Assignment) -> list[Outcome]:
    """Send with one client, from several threads."""
    settings = client_settings(assignment, EngageClient)
    with ExitStack() as stack:
        if "timeout" not in settings:
            trust = assignment.url.startswith("https:")
            settings["http"] = stack.enter_context(httpx.Client(timeout=TIMEOUT, trust_env=trust))
        client = stack.enter_context(EngageClient(**settings))
        pool = stack.enter_context(ThreadPoolExecutor(CONCURRENCY))
        return [*pool.map(partial(send, client, assignment), range(assignment.count))]


async def send_from_tasks(assignment: Assignment) -> list[Outcome]:
    """Send with one client, from several tasks."""
    settings = client_settings(assignment, AsyncEngageClient)
    async with AsyncExitStack() as stack:
        if "timeout" not in settings:
            trust = assignment.url.startswith("https:")
            http = httpx.AsyncClient(timeout=TIMEOUT, trust_env=trust)
            settings["http"] = await stack.enter_async_context(http)
        client = await stack.enter_async_context(AsyncEngageClient(**settings))
        return await _gather(client, assignment, range(assignment.count))


async def _gather(
    client: AsyncEngageClient, assignment: Assignment, numbers: Iterable[int]
) -> list[Outcome]:
    turn = asyncio.Semaphore(CONCURRENCY)

    async def send_in_turn(number: int) -> Outcome:
        async with turn:
            return await send_async(client, assignment, number)

    return [*await asyncio.gather(*map(send_in_turn, numbers))]


def send_from_workers(assignment: Assignment) -> list[Outcome]:
    """Send with one client that was used before the process forked, from all its processes."""
    process = subprocess.Popen(
        [sys.executable, "-m", __name__],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(GENERATED), str(ROOT)])},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    with process:
        try:
            output, _ = process.communicate(json.dumps(asdict(assignment)), LONGEST_RUN_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise AssertionError("the workers hang") from None
    assert process.returncode == 0
    return [Outcome(**outcome) for outcome in json.loads(output)]


def _open_client(assignment: Assignment) -> Callable[[Iterable[int]], list[Outcome]]:
    """Open a client, and return a function that sends numbers with it.

    It starts no thread. A process that forks while a thread of OpenSSL ends hangs later.
    """
    if assignment.mode == "workers":
        client = EngageClient(**client_settings(assignment, EngageClient))
        return lambda numbers: [send(client, assignment, number) for number in numbers]
    async_client = AsyncEngageClient(**client_settings(assignment, AsyncEngageClient))
    return lambda numbers: asyncio.run(_gather(async_client, assignment, numbers))


def main() -> None:
    """Use a client, fork, and use it in every process."""
    assignment = Assignment(**json.load(sys.stdin))
    first, others = range(CONCURRENCY), range(CONCURRENCY, assignment.count)
    send_all = _open_client(assignment)
    parts: list[list[int]] = [
        [number for number in others if assignment.worker(number) == worker]
        for worker in range(WORKERS)
    ]
    outcomes = send_all(first)
    pipes = [_fork(partial(send_all, part)) for part in parts[1:]]
    outcomes += send_all(parts[0])
    for pipe in pipes:
        with os.fdopen(pipe) as file:
            outcomes += [Outcome(**outcome) for outcome in json.load(file)]
    json.dump([asdict(outcome) for outcome in outcomes], sys.stdout)


def _fork(act: Callable[[], list[Outcome]]) -> int:
    """Run `act` in a child, and return the pipe that gets its outcomes."""
    reader, writer = os.pipe()
    if os.fork():
        os.close(writer)
        return reader
    try:
        with os.fdopen(writer, "w") as file:
            json.dump([asdict(outcome) for outcome in act()], file)
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(0)


def find_broken_promises(
    assignment: Assignment, outcomes: Sequence[Outcome], platform: RawPlatform
) -> list[str]:
    """Compare what the callers were told with what the platform has, and return the differences."""
    stored = platform.stored
    copies: dict[int, list[Item]] = {}
    for item in stored:
        copies.setdefault(int(item["payload"]["productSku"]), []).append(item)
    broken = [
        f"send {outcome.number}: {promise}"
        for outcome in outcomes
        for promise in _check(assignment, outcome, copies.get(outcome.number, []))
    ]
    broken += [f"a garbled request: {reason}" for reason in platform.garbled]
    broken += _find_shared_connections(assignment, platform)
    if sorted(outcome.number for outcome in outcomes) != [*range(assignment.count)]:
        broken.append("not every send has exactly one outcome")
    receipts = [outcome.receipt_id for outcome in outcomes if outcome.receipt_id]
    shared = [receipt_id for receipt_id, count in Counter(receipts).items() if count > 1]
    if shared:
        broken.append(f"several sends have the same receipt: {shared}")
    unknown = {outcome.number for outcome in outcomes if outcome.kind == "unknown"}
    if len(stored) != len(receipts) + len(unknown & copies.keys()):
        broken.append(
            f"{len(stored)} are stored, but there are {len(receipts)} receipts and "
            f"{len(unknown & copies.keys())} unknown outcomes that are stored"
        )
    return broken


def _find_shared_connections(assignment: Assignment, platform: RawPlatform) -> list[str]:
    """Name the connections that several workers used."""
    if not assignment.mode.startswith("workers"):
        return []
    users: dict[int, set[int]] = {}
    for request in platform.requests:
        if request.method == "POST":
            number = int(request.read_json()["payload"]["productSku"])
            users.setdefault(request.connection, set()).add(assignment.worker(number))
    return [
        f"the workers {sorted(workers)} used one connection"
        for workers in users.values()
        if len(workers) > 1
    ]


def _check(assignment: Assignment, outcome: Outcome, copies: Sequence[Item]) -> Iterator[str]:
    if len(copies) > 1:
        yield f"a duplicate; {outcome.text}"
    place = (assignment.contact(outcome.number), Favourite.__schema_id__)
    own = [item["id"] for item in copies if (item["contactId"], item["schemaId"]) == place]
    if outcome.receipt_id and outcome.receipt_id not in own:
        yield f"a wrong receipt; {outcome.text}"
    if copies and outcome.kind not in ("receipt", "unknown"):
        yield f"stored, but {outcome.text}"
    if outcome.kind in ("ours", "raw"):
        yield f"an unexpected exception: {outcome.text}"
    if outcome.kind == "misused" and assignment.mode != "workers with tasks":
        yield f"the client refuses to work: {outcome.text}"
    if outcome.seconds > assignment.deadline * MARGIN:
        yield f"took {outcome.seconds:.0f} s of {assignment.deadline:.0f} s"
    if outcome.read_fault:
        yield f"a read afterwards: {outcome.read_fault}"


if __name__ == "__main__":
    main()
