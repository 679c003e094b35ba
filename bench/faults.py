"""The fault matrix: both clients and two retry policies against a sandbox with faults.

Each row is a set of faults. At the end, the outcome of every send is compared with the interactions
that the sandbox has stored.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TypedDict

from engage_codegen.sandbox.control.faults import Fault, Kind, When
from engage_codegen.sandbox.options import Options
from engage_codegen.sandbox.server import Sandbox, running
from engage_codegen.sandbox.store.paging import BEFORE_THE_NEWEST, PAGE_SIZE
from engage_codegen.sandbox.store.records import StoredInteraction

sys.path.append(str(Path(__file__).parents[1] / "generated"))

from engage_interactions import (
    AsyncEngageClient,
    EngageClient,
    EngageError,
    NotSentError,
    OutcomeUnknownError,
    Receipt,
    RejectedError,
    RetryPolicy,
)
from engage_interactions._runtime.transport.http_library import httpx
from engage_interactions.favourite import Favourite, send_favourite, send_favourite_async

POLICIES = (
    RetryPolicy.interactive(),
    RetryPolicy(retry_delays=(0.01, 0.02), lookup_delays=(0.05, 0.1), resend=True),
)
CONCURRENT_SENDS = 30  # for each client, with both policies together
PAST = "2020-01-01T00:00:00.000Z"
LEAST_TIMEOUT = 1.0
LONGER_THAN_TIMEOUT = 1800.0
SETTLE_SECONDS = 60.0

# Practically no limit. The sandbox counts it down, which shows how many requests a fault hit.
_NO_LIMIT = 1_000_000_000
_BEFORE, _AFTER = When.BEFORE, When.AFTER


def fault(
    kind: Kind,
    when: When = When.BEFORE,
    share: float = 0.3,
    *,
    method: str = "POST",
    status: int = 500,
    seconds: float = 0.0,
) -> Fault:
    return Fault(
        kind=kind,
        when=when,
        share=share,
        method=method,
        status=status,
        seconds=seconds,
        count=_NO_LIMIT,
    )


# Matches the remaining requests, changes nothing, and counts them.
_UNDISTURBED = fault(Kind.SLOW, share=1.0)


def late(share: float) -> tuple[Fault, ...]:
    """Apply late: before the last lookup of the first policy, of the second one, or after all."""
    return tuple(fault(Kind.LATE, share=share, seconds=seconds) for seconds in (0.03, 0.5, 60.0))


MIX = (
    *(fault(kind, when, 0.06) for kind in (Kind.TIMEOUT, Kind.DROP) for when in When),
    *(fault(kind, when, 0.06) for kind in (Kind.STATUS, Kind.HTML) for when in When),
    fault(Kind.STATUS, share=0.1, status=429),
    fault(Kind.SLOW, share=0.06, seconds=0.2),
    fault(Kind.SLOW, _AFTER, 0.06, seconds=LONGER_THAN_TIMEOUT),
    fault(Kind.TRUNCATED, _AFTER, 0.06),
)
READ_FAULTS = (
    fault(Kind.STATUS, share=0.2, method="GET"),
    fault(Kind.STATUS, share=0.1, method="GET", status=429),
    fault(Kind.DROP, share=0.1, method="GET"),
    fault(Kind.HTML, share=0.1, method="GET"),
    fault(Kind.TRUNCATED, _AFTER, 0.1, method="GET"),
    fault(Kind.TIMEOUT, share=0.05, method="GET"),
)
ROWS: dict[str, tuple[Fault, ...]] = {
    "timeout before": (fault(Kind.TIMEOUT),),
    "timeout after": (fault(Kind.TIMEOUT, _AFTER),),
    "drop before": (fault(Kind.DROP),),
    "drop after": (fault(Kind.DROP, _AFTER),),
    "429": (fault(Kind.STATUS, share=0.5, status=429),),
    "500 before": (fault(Kind.STATUS),),
    "500 after": (fault(Kind.STATUS, _AFTER),),
    "slow": (
        fault(Kind.SLOW, share=0.3, seconds=0.2),
        fault(Kind.SLOW, _AFTER, seconds=LONGER_THAN_TIMEOUT),
    ),
    "html before": (fault(Kind.HTML),),
    "html after": (fault(Kind.HTML, _AFTER),),
    "truncated": (fault(Kind.TRUNCATED, _AFTER),),
    "late": late(0.15),
    "refused": (
        fault(Kind.STATUS, status=403),
        fault(Kind.DROP),
        fault(Kind.DROP, _AFTER),
    ),
    "late, refused": (
        fault(Kind.LATE, share=0.5, seconds=60.0),
        fault(Kind.STATUS, share=1.0, status=403),
    ),
    "mix": MIX,
    "mix, blind": MIX + READ_FAULTS,
    "mix and late": MIX + late(0.06),
}


@dataclass(frozen=True, slots=True)
class Job:
    """One send. The jobs use the four pairs of client and policy in turn."""

    number: int

    @property
    def contact(self) -> str:
        # Sends for one contact at one time are near each other, and a lookup cannot settle them.
        return f"{self.number:08x}-0000-4000-8000-000000000000"

    @property
    def has_pages(self) -> bool:
        """Whether a lookup has to read several pages."""
        return self.number % 10 == 0

    @property
    def is_async(self) -> bool:
        return self.number % 2 == 1

    @property
    def policy(self) -> int:
        return self.number // 2 % 2

    @property
    def payload(self) -> Favourite:
        return Favourite(product_sku=str(self.number))


@dataclass(frozen=True, slots=True)
class SendResult:
    """The receipt or the error of a send, and what is stored of it."""

    job: Job
    outcome: Receipt | Exception
    stored: Sequence[StoredInteraction] = ()


class Address(TypedDict):
    base_url: str
    api_key: str
    user_agent: str
    rate: int
    deadline: float


def address(sandbox: Sandbox) -> Address:
    return Address(
        base_url=sandbox.base_url,
        api_key=sandbox.api_key,
        user_agent="Faults/1",
        rate=1_000_000,
        # A busy machine must not cut the lookups off.
        deadline=3600.0,
    )


# The server closes idle connections after 5 seconds, which would look like a fault.
_LIMITS = httpx.Limits(max_connections=None, max_keepalive_connections=None, keepalive_expiry=2)


def send_from_threads(sandbox: Sandbox, jobs: Sequence[Job], timeout: float) -> list[SendResult]:
    with ExitStack() as stack:
        clients: list[EngageClient] = []
        for policy in POLICIES:
            http = httpx.Client(timeout=timeout, limits=_LIMITS, trust_env=False)
            stack.enter_context(http)
            clients.append(EngageClient(**address(sandbox), retry=policy, http=http))

        def send(job: Job) -> SendResult:
            try:
                return SendResult(
                    job, send_favourite(clients[job.policy], job.contact, job.payload)
                )
            except Exception as error:
                return SendResult(job, error)

        pool = stack.enter_context(ThreadPoolExecutor(CONCURRENT_SENDS))
        return list(pool.map(send, jobs))


async def send_from_tasks(
    sandbox: Sandbox, jobs: Sequence[Job], timeout: float
) -> list[SendResult]:
    semaphore = asyncio.Semaphore(CONCURRENT_SENDS)
    async with AsyncExitStack() as stack:
        clients: list[AsyncEngageClient] = []
        for policy in POLICIES:
            http = httpx.AsyncClient(timeout=timeout, limits=_LIMITS, trust_env=False)
            await stack.enter_async_context(http)
            clients.append(AsyncEngageClient(**address(sandbox), retry=policy, http=http))

        async def send(job: Job) -> SendResult:
            async with semaphore:
                try:
                    client = clients[job.policy]
                    return SendResult(
                        job, await send_favourite_async(client, job.contact, job.payload)
                    )
                except Exception as error:
                    return SendResult(job, error)

        return list(await asyncio.gather(*map(send, jobs)))


def send_all(sandbox: Sandbox, jobs: Sequence[Job], timeout: float) -> list[SendResult]:
    """Send from threads and tasks at the same time. Each request has `timeout` seconds."""
    by_tasks = [job for job in jobs if job.is_async]
    by_threads = [job for job in jobs if not job.is_async]
    with ThreadPoolExecutor(1) as pool:
        threads = pool.submit(send_from_threads, sandbox, by_threads, timeout)
        tasks = asyncio.run(send_from_tasks(sandbox, by_tasks, timeout))
        return threads.result() + tasks


@contextmanager
def sandbox_for(jobs: Sequence[Job]) -> Generator[Sandbox]:
    """Run a sandbox with the contacts of some sends."""
    with running(seed=True, options=Options(rate_limit=0)) as sandbox:
        with sandbox.store.transaction() as tenant:
            for job in jobs:
                tenant.add_contact(job.contact, "")
                for _ in range(PAGE_SIZE + 5 if job.has_pages else 0):
                    tenant.add_interaction(job.contact, Favourite.__schema_id__, PAST, {}, PAST)
        yield sandbox


@cache
def client_timeout() -> float:
    """Return seconds that are much longer than an answer without faults takes on this machine.

    An answer that is slower counts as late.
    """
    jobs = [Job(number) for number in range(2 * CONCURRENT_SENDS)]
    with sandbox_for(jobs) as sandbox:
        start = time.monotonic()
        send_all(sandbox, jobs, timeout=300.0)
        return max(LEAST_TIMEOUT, 2 * (time.monotonic() - start))


def affected_requests(sandbox: Sandbox) -> dict[Fault, int]:
    """Return how many requests each fault affected."""
    return {fault: _NO_LIMIT - (left or 0) for fault, left in sandbox.state.faults.list()}


def stores_interaction(fault: Fault) -> bool:
    """Return True if the sandbox stores the interactions of affected requests."""
    is_stored = fault.when is When.AFTER or fault.kind in (Kind.SLOW, Kind.LATE)
    return fault.method == "POST" and is_stored


def read_back(sandbox: Sandbox) -> list[StoredInteraction]:
    """Return everything that is stored, without using the code under test."""
    with sandbox.store.transaction() as tenant:
        schemas = [schema.id for schema in tenant.list_schemas()]
        return [
            item
            for contact in tenant.contacts.list_all()
            for schema in schemas
            for item in tenant.list_interactions(
                contact.id, schema, BEFORE_THE_NEWEST, until="9999", limit=_NO_LIMIT
            )
            if item.payload
        ]


def wait_for_stored(sandbox: Sandbox, expected: int) -> list[StoredInteraction]:
    """Return everything that is stored when the late requests are done."""
    sandbox.state.clock.move(timedelta(hours=1))
    deadline = time.monotonic() + SETTLE_SECONDS
    while True:
        stored = read_back(sandbox)
        if len(stored) >= expected or time.monotonic() > deadline:
            return stored


@dataclass(frozen=True, slots=True)
class Result:
    """The result of a row."""

    name: str
    sent: Sequence[SendResult]
    stored: int
    affected_requests: Mapping[Fault, int]
    seconds: float
    broken: list[str] = field(default_factory=list[str])

    def count(self, kind: type[object]) -> int:
        return sum(isinstance(it.outcome, kind) for it in self.sent)

    @property
    def faults(self) -> int:
        return sum(count for it, count in self.affected_requests.items() if it != _UNDISTURBED)

    @property
    def late(self) -> int:
        return sum(count for it, count in self.affected_requests.items() if it.kind is Kind.LATE)

    @property
    def carried_out(self) -> int:
        return sum(count for it, count in self.affected_requests.items() if stores_interaction(it))

    @property
    def without_lookup(self) -> int:
        outcomes = [it.outcome for it in self.sent]
        return sum(isinstance(it, OutcomeUnknownError) and it.lookup is None for it in outcomes)

    @property
    def absent_but_stored(self) -> int:
        """The number of sends that no lookup found and that are stored nevertheless."""
        outcomes = [it.outcome for it in self.sent if it.stored]
        return sum(isinstance(it, OutcomeUnknownError) and it.lookup == "absent" for it in outcomes)

    @property
    def unknown_but_stored(self) -> int:
        return sum(
            isinstance(it.outcome, OutcomeUnknownError) and bool(it.stored) for it in self.sent
        )

    @property
    def duplicates(self) -> int:
        return sum(len(it.stored) - 1 for it in self.sent if it.stored)


def run(name: str, sends: int) -> Result:
    """Run one row against its own sandbox."""
    jobs = [Job(number) for number in range(sends)]
    timeout = client_timeout()
    with sandbox_for(jobs) as sandbox:
        for fault_ in (*ROWS[name], _UNDISTURBED):
            sandbox.state.faults.add(fault_)
        start = time.monotonic()
        outcomes = send_all(sandbox, jobs, timeout)
        seconds = time.monotonic() - start
        counts = affected_requests(sandbox)
        sandbox.state.faults.clear()
        stored = wait_for_stored(
            sandbox, sum(n for it, n in counts.items() if stores_interaction(it))
        )
    copies: dict[str, list[StoredInteraction]] = {}
    for item in stored:
        copies.setdefault(str(item.payload.get("productSku")), []).append(item)
    sent = [SendResult(it.job, it.outcome, copies.get(str(it.job.number), ())) for it in outcomes]
    result = Result(name, sent, len(stored), counts, seconds)
    result.broken.extend(check_row(result))
    return result


def check_row(result: Result) -> list[str]:
    """Return the promises that the clients broke."""
    is_late = any(it.kind is Kind.LATE for it in ROWS[result.name])
    broken = [
        f"{it.job}: {reason}" for it in result.sent for reason in broken_promises(it, is_late)
    ]
    ids = [it.outcome.id for it in result.sent if isinstance(it.outcome, Receipt)]
    if result.without_lookup and not any(it.method == "GET" for it in ROWS[result.name]):
        broken.append(
            f"{result.without_lookup} are unknown without a lookup, although lookups work"
        )
    if len(set(ids)) < len(ids):
        broken.append(f"{len(ids) - len(set(ids))} receipts share the id of another")
    accounted = len(ids) + result.unknown_but_stored + result.duplicates
    if result.stored != accounted:
        broken.append(f"{result.stored} are stored, {accounted} are accounted for")
    if result.stored != result.carried_out:
        broken.append(f"the sandbox carried out {result.carried_out} and has {result.stored}")
    if result.duplicates + result.absent_but_stored > result.late:
        broken.append(f"more duplicates than {result.late} late requests")
    if not result.faults:
        broken.append("no fault affected any request: the row proves nothing")
    return broken


def broken_promises(sent: SendResult, is_late: bool) -> list[str]:
    """Return the promises that one send broke."""
    outcome, stored = sent.outcome, sent.stored
    broken: list[str] = []
    most = 2 if is_late and POLICIES[sent.job.policy].resend else 1
    if len(stored) > most:
        broken.append(f"stored {len(stored)} times, and ended in {outcome!r}")
    if isinstance(outcome, Receipt):
        own = [it for it in stored if it.id == outcome.id]
        if not own:
            broken.append(f"lost: the receipt {outcome.id} belongs to no stored copy")
        broken += [
            f"stored with another content: {it}" for it in own if not is_as_sent(it, sent.job)
        ]
        dates = [outcome.created_date]
    elif isinstance(outcome, OutcomeUnknownError):
        dates = [datetime.fromisoformat(outcome.created_date or "0001-01-01T00:00Z")]
        if stored and outcome.lookup == "absent" and not is_late:
            broken.append("stored, but the lookup reports it absent")
        if outcome.lookup == "ambiguous" and len(stored) < 2:
            broken.append(f"ambiguous, and stored {len(stored)} times")
    else:
        dates = []
        if not isinstance(outcome, NotSentError | RejectedError):
            of_tree = (
                "in the wrong place" if isinstance(outcome, EngageError) else "not of the tree"
            )
            broken.append(f"{of_tree}: {outcome!r}")
        elif stored:
            broken.append(f"stored, and yet {outcome!r}")
    for item in stored if dates else ():
        if datetime.fromisoformat(item.created_date) != dates[0]:
            broken.append(f"stored with another createdDate: {item}")
    return broken


def is_as_sent(stored: StoredInteraction, job: Job) -> bool:
    is_same_place = (stored.contact_id, stored.schema_id) == (job.contact, Favourite.__schema_id__)
    return is_same_place and stored.payload == job.payload.to_payload()


HEAD = f"""\
{"":16}{"":>7}{"":>9}{"":>9}{"unknown,":>9}{"not":>9}{"":>9}{"":>9}{"dupli-":>9}{"":>9}{"":>9}
{"row":16}{"sends":>7}{"receipts":>9}{"unknown":>9}{"stored":>9}{"sent":>9}{"rejected":>9}\
{"stored":>9}{"cates":>9}{"faults":>9}{"seconds":>9}"""


def format_row(result: Result) -> str:
    counts = (
        result.count(Receipt),
        result.count(OutcomeUnknownError),
        result.unknown_but_stored,
        result.count(NotSentError),
        result.count(RejectedError),
        result.stored,
        result.duplicates,
        result.faults,
    )
    cells = "".join(f"{count:9}" for count in counts)
    return f"{result.name:16}{len(result.sent):7}{cells}{result.seconds:9.1f}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sends", type=int, default=2000, help="in each row")
    parser.add_argument("--row", choices=ROWS, action="append", help="only this one")
    arguments = parser.parse_args()
    print(HEAD)
    broken: list[str] = []
    for name in arguments.row or ROWS:
        result = run(name, arguments.sends)
        print(format_row(result), flush=True)
        broken += [f"{name}: {reason}" for reason in result.broken]
    print("\nDuplicates: the sandbox applied a request after the last lookup.")
    print(
        *broken[:50], f"{len(broken)} promises broken" if broken else "Every promise held", sep="\n"
    )
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
