"""Measure `send_many`: the number of sends, the elapsed time and the processor time."""

import asyncio
import json
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import import_module

from engage_interactions import AsyncEngageClient, EngageClient
from engage_interactions._runtime.transport.http_library import httpx
from engage_interactions.bulk import Item, send_many, send_many_async

PER_SECOND = 49.5
CONTACT = "3f0c1a52-7d5e-4b0e-9a64-1c2f5b8e0d01"


def reviews(count: int) -> Iterator[Item]:
    module = import_module("engage_interactions.review")
    for number in range(count):
        review = module.Review.from_payload(
            {
                "productSku": f"{number}",
                "stars": 5,
                "recommended": True,
                "reviewedAt": "2026-03-01T12:30:15+00:00",
            }
        )
        yield Item(CONTACT, review)


def threads(base_url: str, count: int) -> int:
    with EngageClient(base_url, api_key="threads", user_agent="Bench/1") as engage:
        return send_many(engage, reviews(count)).sent


async def tasks(base_url: str, count: int) -> int:
    async with AsyncEngageClient(base_url, api_key="tasks", user_agent="Bench/1") as engage:
        return (await send_many_async(engage, reviews(count))).sent


async def bare(base_url: str, count: int) -> int:
    """Send with httpx alone, at the same rate and concurrency."""
    headers = {
        "User-Agent": "Bench/1",
        "Accept": "application/json",
        "Content-Type": "application/json",
        "apikey": "bare",
    }
    url = f"{base_url}/api/v3/interactions"
    loop = asyncio.get_running_loop()
    async with httpx.AsyncClient() as client, asyncio.TaskGroup() as group:

        async def post(item: Item) -> None:
            body = {
                "contactId": str(item.contact_id),
                "schemaId": "review",
                "createdDate": datetime.now(UTC).isoformat(),
                "payload": item.payload.to_payload(),
            }
            content = json.dumps(body).encode()
            (await client.post(url, content=content, headers=headers)).raise_for_status()

        start = loop.time()
        for number, item in enumerate(reviews(count)):
            await asyncio.sleep(start + number / PER_SECOND - loop.time())
            group.create_task(post(item))
    return count


MODES = {"tasks": tasks, "bare": bare}


def main() -> None:
    mode, base_url, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    start, cpu = time.monotonic(), time.process_time()
    sent = (
        threads(base_url, count) if mode == "threads" else asyncio.run(MODES[mode](base_url, count))
    )
    usage = {"cpu": time.process_time() - cpu, "wall": time.monotonic() - start}
    print(json.dumps({"sent": sent, **usage}))


if __name__ == "__main__":
    main()
