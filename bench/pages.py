"""Measure the response time of the sandbox's pages with much data; see README.md."""

import json
import random
import statistics
import sys
import time
from datetime import UTC, datetime, timedelta

import httpx

from engage_codegen.sandbox.dates import format_date
from engage_codegen.sandbox.server import Sandbox, running
from engage_codegen.sandbox.store.records import JsonObject

CONTACTS = 10_000
INTERACTIONS = 100_000
ROUNDS = 9
SLOWEST_MS = 500.0
BUSY = "00000000-0000-4000-8000-000000000000"
UI = "/_sandbox/ui"
PAGES = {
    "a contact card": f"{UI}/contacts/{BUSY}",
    "a contact card, of one schema": f"{UI}/contacts/{BUSY}?schema=favourite",
    "a segment by number": f"{UI}/segments?schema1=favourite&least1=5",
    "a segment by time": f"{UI}/segments?schema1=favourite&least1=1&days1=30",
    "a segment by value": f"{UI}/segments?schema1=favourite&least1=2"
    "&property1=favourite/category&value1=Boots",
    "a segment of three conditions": f"{UI}/segments?schema1=favourite&least1=3&schema2=repair"
    "&least2=0&most2=0&schema3=favourite&least3=1&days3=90",
    "dropped data": f"{UI}/dropped",
    "a schema": f"{UI}/schemas/favourite",
}


def fill(sandbox: Sandbox) -> None:
    """Add interactions over two years; one busy contact has a hundredth of them."""
    dice = random.Random(20_230_523)  # noqa: S311 - no secrets
    now = datetime.now(UTC)
    with sandbox.store.transaction() as tenant:
        ids = [f"{number:08x}-0000-4000-8000-{number:012x}" for number in range(CONTACTS)]
        for number, contact in enumerate(ids):
            tenant.add_contact(contact, f"Contact {number}")
        for number in range(INTERACTIONS):
            date = format_date(now - timedelta(minutes=dice.randrange(2 * 365 * 24 * 60)))
            contact = BUSY if number % 100 == 0 else dice.choice(ids)
            schema_id = "repair" if number % 10 == 0 else "favourite"
            payload: JsonObject = {
                "productSku": f"7120-{dice.randrange(1000)}",
                "category": dice.choice(["Jackets", "Trousers", "Boots"]),
            }
            tenant.add_interaction(contact, schema_id, date, payload, date)


def main() -> int:
    """Return 1 if a page takes longer than allowed."""
    slowest = 0.0
    with running() as sandbox, httpx.Client(base_url=sandbox.base_url, timeout=60) as web:
        fill(sandbox)
        print(f"{INTERACTIONS} interactions of {CONTACTS} contacts, median of {ROUNDS}, ms")
        for name, path in PAGES.items():
            times: list[float] = []
            for _ in range(ROUNDS):
                start = time.perf_counter()
                answer = web.get(path)
                times.append((time.perf_counter() - start) * 1000)
                if answer.status_code != 200:
                    raise SystemExit(f"{name}: {answer.status_code}\n{answer.text}")
            median = statistics.median(times)
            slowest = max(slowest, median)
            print(f"{name:32} {median:8.1f}   (slowest {max(times):.1f})")
    print(json.dumps({"slowest_ms": slowest, "allowed_ms": SLOWEST_MS}))
    return int(slowest > SLOWEST_MS)


if __name__ == "__main__":
    sys.exit(main())
