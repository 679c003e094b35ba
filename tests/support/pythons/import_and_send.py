"""Import every module of the generated package, and send with both clients. No warning passes.

    python -W error import_and_send.py

It needs the package and httpx on its path and nothing else, and prints ``done`` at its end.
"""

import asyncio
import importlib
import json
import pickle
import pkgutil
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

import httpx

import engage_interactions
from engage_interactions import (
    AsyncEngageClient,
    ContactNotFoundError,
    EngageClient,
    EngageError,
    IgnoredError,
    Payload,
    RetryPolicy,
    payload_classes,
)
from engage_interactions.outbox import Outbox
from engage_interactions.testing import AsyncRecordingClient, RecordingClient, sample

CONTACT = UUID("3f0c1a52-7d5e-4b0e-9a64-1c2f5b8e0d01")
URL, KEY, AGENT = "https://a.example", "key", "Tests/1"


class Platform:
    """Stores interactions in memory, and ignores the first one."""

    def __init__(self) -> None:
        self.stored: list[dict[str, object]] = []
        self.posts = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/contacts/id"):
            if request.url.params["email"] == "a+b@example.com":
                return httpx.Response(200, json=str(CONTACT))
            return httpx.Response(404, json={"errorCode": "ContactNotFound"})
        if request.method == "GET":
            return httpx.Response(200, json={"items": self.stored, "links": []})
        self.posts += 1
        if self.posts == 1:
            return httpx.Response(200, json={})
        item: dict[str, object] = {**json.loads(request.content), "id": f"i{self.posts}"}
        self.stored.append(item)
        return httpx.Response(200, json={"id": item["id"]})


def import_everything() -> int:
    modules = pkgutil.walk_packages(engage_interactions.__path__, "engage_interactions.")
    return len([importlib.import_module(module.name) for module in modules])


def error_of(function: Callable[[], object]) -> EngageError | None:
    """Return the error that a function raises."""
    try:
        function()
    except EngageError as error:
        return error
    return None


def send_with_threads(payloads: list[Payload]) -> None:
    platform = Platform()
    http = httpx.Client(transport=httpx.MockTransport(platform))
    once = RetryPolicy(lookup_delays=[0])
    with EngageClient(URL, api_key=KEY, user_agent=AGENT, http=http, retry=once) as engage:
        contact_id = engage.find_contact(email="a+b@example.com")
        assert contact_id == str(CONTACT)
        for refused, expected in (
            (lambda: engage.find_contact(email="nobody@example.com"), ContactNotFoundError),
            (lambda: engage.send(contact_id, payloads[0]), IgnoredError),
        ):
            assert type(error_of(refused)) is expected
        for payload in payloads:
            engage.send(CONTACT, payload)
            stored = list(engage.list(type(payload), CONTACT))
            assert stored[-1].payload == payload
    http.close()


async def send_with_tasks(payloads: list[Payload]) -> None:
    platform = Platform()
    platform.posts = 1
    async with (
        httpx.AsyncClient(transport=httpx.MockTransport(platform)) as http,
        AsyncEngageClient(URL, api_key=KEY, user_agent=AGENT, http=http) as engage,
    ):
        contact_id = await engage.find_contact(email="a+b@example.com")
        moment = datetime(2026, 3, 14, tzinfo=UTC)
        for payload in payloads:
            receipt = await engage.send(contact_id, payload, created_date=moment)
            assert (await engage.find(contact_id, payload, moment)) == receipt
        assert len(platform.stored) == len(payloads)


async def record(payloads: list[Payload]) -> None:
    with RecordingClient() as engage:
        for payload in payloads:
            engage.send(CONTACT, payload, confirm=True)
            engage.assert_sent(payload)
        assert engage.check_schemas().is_same
    async with AsyncRecordingClient() as client:
        await client.send(CONTACT, payloads[0])


def put(payloads: list[Payload]) -> None:
    with Outbox("outbox.db") as outbox:
        for payload in payloads:
            outbox.put(CONTACT, payload)
        with RecordingClient() as engage:
            assert outbox.deliver(engage).delivered == len(payloads)


def main() -> None:
    count = import_everything()
    payloads = [sample(payload_class) for payload_class in payload_classes().values()]
    assert payloads == pickle.loads(pickle.dumps(payloads))
    send_with_threads(payloads)
    if sys.platform != "emscripten":  # It has neither file locks nor a disk.
        put(payloads)
    print(f"{sys.version.split()[0]}: {count} modules, {len(payloads)} payload classes")


async def main_async() -> None:
    payloads = [sample(payload_class) for payload_class in payload_classes().values()]
    await send_with_tasks(payloads)
    await record(payloads)
    print("done")


if __name__ == "__main__":
    main()
    asyncio.run(main_async())
