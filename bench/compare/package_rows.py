"""The generated package: what importing it costs, and what a send costs beside httpx alone."""

import statistics
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from pathlib import Path

from . import inputs
from .environments import python
from .measure import Broken, Command, alternate, middle, told, told_often
from .rows import Group, Measured, Options, Row
from .serving import SCRIPTS, certificate, most_in_a_second, serving

_HTTPX = "import {http}"
_PACKAGE = f"import {{http}}, {inputs.PACKAGE}"
_USED = """
import {http}
from engage_interactions import EngageClient
from engage_interactions.review import Review, send_review
"""
_HEAVY = ("asyncio", "sqlite3", "concurrent.futures")
_PERIOD, _ALLOWANCE = 1.01, 50
_ANSWER_AFTER = 0.08


_package = cache(inputs.package)


def _client(
    http: str,
    *arguments: str | Path,
    count: int = 15,
    environment: dict[str, str] | None = None,
) -> Command:
    """A program that can import a package of so many schemas, and its HTTP library."""
    folder = _package(count, http)
    return Command(
        [python(http), *arguments], folder, {"PYTHONPATH": str(folder), **(environment or {})}
    )


def _imports(options: Options) -> Iterator[Measured]:
    rounds = options.often(41)
    texts = ((15, "pass"), (15, _HTTPX), (15, _PACKAGE), (200, _PACKAGE), (15, _USED))
    http = options.http
    commands = [_client(http, "-c", text.format(http=http), count=count) for count, text in texts]
    runs = alternate(commands, rounds)
    bare, httpx, *ours = runs
    for name, took in zip(("import-15", "import-200", "import-used"), ours, strict=True):
        # Round by round: what is added is less than the machine's moods.
        pairs = zip(took, httpx, strict=True)
        added = statistics.median(it.cpu - without.cpu for it, without in pairs)
        more = {"ms with httpx": middle(took) * 1000, "ms of httpx": middle(httpx) * 1000}
        yield Measured(name, added * 1000, middle(bare) * 1000, rounds=rounds, more=more)


_LEAN = f"""
import {{http}}, json, sys
before = {{{{*sys.modules}}}}
{_USED}
print(json.dumps({{{{it: it in sys.modules and it not in before for it in {_HEAVY}}}}}))
"""


def _lean(options: Options) -> Iterator[Measured]:
    """Once is enough: it is either there or not."""
    seen = told(_client(options.http, "-c", _LEAN.format(http=options.http)))
    found = sorted(name for name, is_there in seen.items() if is_there)
    yield Measured("import-lean", len(found), more={"which": ", ".join(found) or "none"})


def _send(options: Options) -> Iterator[Measured]:
    rounds = options.often(9)
    with serving() as server:
        command = _client(
            options.http, SCRIPTS / "send.py", server.base_url, environment=server.environment
        )
        seen = told_often(command, rounds)
    yield Measured("send", seen["ours"] * 1e6, seen["httpx"] * 1e6, rounds=rounds)


_COLD = """
from datetime import UTC, datetime
from engage_interactions import EngageClient
from engage_interactions.review import Review, send_review

review = Review(
    product_sku="7120-38", headline="Warm", text="Kept me warm all winter.", shop="Gothenburg",
    stars=5, recommended=True, price=450.5, reviewed_at=datetime(2026, 3, 1, 12, 30, tzinfo=UTC),
)
with EngageClient("{url}", api_key="bench", user_agent="Bench/1") as engage:
    send_review(engage, "3f0c1a52-7d5e-4b0e-9a64-1c2f5b8e0d01", review)
"""
_COLD_HTTPX = """
import {http}
from datetime import UTC, datetime

payload = dict(
    productSku="7120-38", headline="Warm", text="Kept me warm all winter.", shop="Gothenburg",
    stars=5, recommended=True, price=450.5,
    reviewedAt=datetime(2026, 3, 1, 12, 30, tzinfo=UTC).isoformat(),
)
body = dict(
    contactId="3f0c1a52-7d5e-4b0e-9a64-1c2f5b8e0d01", schemaId="review",
    createdDate=datetime.now(UTC).isoformat(), payload=payload,
)
headers = {{"User-Agent": "Bench/1", "Accept": "application/json", "apikey": "bench"}}
with {http}.Client() as client:
    answer = client.post("{url}/api/v3/interactions", json=body, headers=headers)
    answer.raise_for_status().json()["id"]
"""


def _cold(options: Options) -> Iterator[Measured]:
    rounds = options.often(21)
    with serving() as server:
        commands = [
            _client(
                options.http,
                "-c",
                text.format(url=server.base_url, http=options.http),
                environment=server.environment,
            )
            for text in (_COLD, _COLD_HTTPX)
        ]
        ours, theirs = alternate(commands, rounds)
    clock = {"ms on the clock": middle(ours, "wall") * 1000}
    yield Measured("cold", middle(ours) * 1000, middle(theirs) * 1000, rounds=rounds, more=clock)


def _rate(times: list[float]) -> float:
    """A second, once the first allowance is used up: over whole periods of the pace."""
    return (len(times) - 1 - _ALLOWANCE) / (times[-1] - times[_ALLOWANCE])


def _bulk_once(mode: str, count: int, http: str) -> tuple[float, float, int]:
    """The rate, the share of a core, and the most requests in any second."""
    with serving(delay=_ANSWER_AFTER) as server:
        arguments = (SCRIPTS / "bulk.py", mode, server.base_url, str(count))
        seen = told(_client(http, *arguments, environment=server.environment))
        times = server.arrivals()
    if seen["sent"] != count or len(times) != count:
        raise Broken(f"{seen['sent']:.0f} of {count} were sent, {len(times)} arrived")
    return _rate(times), seen["cpu"] / seen["wall"] * 100, most_in_a_second(times)


def _bulk(options: Options) -> Iterator[Measured]:
    """All at the same time: they wait more than they work."""
    rounds = options.often(9)
    periods = 6 if options.quick else 22
    modes = ("threads", "tasks", "bare")
    once = partial(_bulk_once, count=_ALLOWANCE * periods + 1, http=options.http)
    _package(15, options.http)
    certificate()
    with ThreadPoolExecutor(len(modes)) as pool:
        made = [[*pool.map(once, modes)] for _ in range(rounds)]
    by_mode = dict(zip(modes, zip(*made, strict=True), strict=True))
    floor = {"floor": statistics.median(share for _, share, _ in by_mode.pop("bare"))}
    for mode, runs in by_mode.items():
        rate, share = (statistics.median(it[place] for it in runs) for place in (0, 1))
        most = {"in any second, at most": max(it[2] for it in runs), "a second": rate}
        seconds = {"s measured": (periods - 1) * _PERIOD}
        full = rate / _ALLOWANCE * 100
        yield Measured(f"bulk-{mode}-rate", full, rounds=rounds, more={**most, **seconds})
        yield Measured(f"bulk-{mode}-cpu", share, rounds=rounds, more=floor)


_ALLOWED = "of an allowance of 50 a second"

GROUPS = (
    Group(
        (
            Row("import-15", "importing the package adds, 15 schemas", "`python -c pass`", 0.5),
            Row("import-200", "importing the package adds, 200 schemas", "`python -c pass`", 0.5),
            Row("import-used", "importing a client and a kind of it adds", "`python -c pass`"),
        ),
        _imports,
    ),
    Group(
        (
            Row(
                "import-lean",
                "of asyncio, sqlite3, concurrent.futures, imported by it",
                "",
                0,
                "modules",
            ),
        ),
        _lean,
    ),
    Group(
        (Row("send", "a send over a kept TLS connection", "`httpx.Client.post`", 1.1, "µs"),),
        _send,
    ),
    Group(
        (
            Row("bulk-threads-rate", f"`send_many`, {_ALLOWED}", "", 98, "%", at_least=True),
            Row("bulk-threads-cpu", "`send_many`, of a core", "", 8, "%"),
            Row("bulk-tasks-rate", f"`send_many_async`, {_ALLOWED}", "", 98, "%", at_least=True),
            Row("bulk-tasks-cpu", "`send_many_async`, of a core", "", 8, "%"),
        ),
        _bulk,
    ),
    Group(
        (Row("cold", "a process that sends one over TLS", "the same with httpx", 1.15),),
        _cold,
    ),
)
