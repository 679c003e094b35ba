"""Measure the processor time of a send, and of a call of httpx with the same bytes."""

import json
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from importlib import import_module

from engage_interactions import EngageClient
from engage_interactions._runtime.transport.http_library import httpx

CONTACT = "3f0c1a52-7d5e-4b0e-9a64-1c2f5b8e0d01"
SENDS, AT_ONCE = 500, 50
DATE = datetime(2026, 3, 1, 12, 30, 15, 250_000, tzinfo=UTC)


def main() -> None:
    base_url = sys.argv[1]
    module = import_module("engage_interactions.review")
    review = module.Review(
        product_sku="7120-38",
        headline="Warm",
        text="Kept me warm all winter.",
        shop="Gothenburg",
        stars=5,
        recommended=True,
        price=450.5,
        reviewed_at=DATE,
    )
    headers = {
        "User-Agent": "Bench/1",
        "Accept": "application/json",
        "Content-Type": "application/json",
        "apikey": "bench",
    }
    url = f"{base_url}/api/v3/interactions"
    body = {
        "contactId": CONTACT,
        "schemaId": "review",
        "createdDate": DATE.isoformat(),
        "payload": review.to_payload(),
    }
    content = json.dumps(body).encode()
    with (
        EngageClient(base_url, api_key="bench", user_agent="Bench/1", rate=1_000_000) as engage,
        httpx.Client(headers=headers) as other,
    ):

        def ours() -> None:
            module.send_review(engage, CONTACT, review)

        def theirs() -> None:
            other.post(url, content=content).raise_for_status()

        durations = {"ours": 0.0, "httpx": 0.0}
        calls: dict[str, Callable[[], None]] = {"ours": ours, "httpx": theirs}
        for part in range(1 + SENDS // AT_ONCE):
            for name, call in calls.items():
                start = time.process_time()
                for _ in range(AT_ONCE):
                    call()
                # The first part opens the connection.
                durations[name] += time.process_time() - start if part else 0.0
    print(json.dumps({name: seconds / SENDS for name, seconds in durations.items()}))


if __name__ == "__main__":
    main()
