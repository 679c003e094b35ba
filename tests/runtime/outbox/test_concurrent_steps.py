"""A delivery takes as many steps at once as the rate allows, with threads and with asyncio."""

import asyncio
import threading
from collections import Counter
from collections.abc import Generator
from pathlib import Path

import pytest

from engage_interactions import AsyncEngageClient, ConfigurationError, Receipt, RetryPolicy
from engage_interactions.favourite import Favourite
from engage_interactions.outbox import Delivery, Outbox
from engage_interactions.reuse_spring_2023 import ReuseSpring2023
from tests.support.runtime.http_library import httpx
from tests.support.runtime.outbox import FaultyPlatform, OutboxRig
from tests.support.runtime.platform import CONTACT

COAT = Favourite(product_sku="8810-42")


class Gate(FaultyPlatform):
    """Holds each POST until several are in flight, or all that can be have been."""

    def __init__(self, rig: OutboxRig, needed: int) -> None:
        super().__init__(rig.clock)
        self.needed = needed
        self.in_flight = Counter[tuple[str, str]]()
        self.most_of_one_pair = self.most = 0
        self.is_open = threading.Event()
        self.lock = threading.Lock()

    def answer(self, request: httpx.Request, fault: str) -> httpx.Response:
        if request.method != "POST":
            return super().answer(request, fault)
        item = self.decode(request)
        pair = (str(item["contactId"]), str(item["schemaId"]))
        with self.lock:
            self.in_flight[pair] += 1
            self.most = max(self.most, self.in_flight.total())
            self.most_of_one_pair = max(self.most_of_one_pair, self.in_flight[pair])
            if self.in_flight.total() >= self.needed:
                self.is_open.set()
        assert self.is_open.wait(300)
        with self.lock:
            self.in_flight[pair] -= 1
            return super().answer(request, fault)


@pytest.fixture
def rig(tmp_path: Path) -> Generator[OutboxRig]:
    rig = OutboxRig(tmp_path / "outbox.db")
    yield rig
    rig.close()


def test_steps_of_different_contacts_are_taken_at_once(rig: OutboxRig) -> None:
    for number in range(12):
        rig.outbox.put(f"contact-{number}", COAT)
    rig.platform = Gate(rig, needed=8)
    rig.restart()
    assert rig.outbox.deliver(rig.client) == Delivery(12, 0, 0, None)
    assert rig.platform.most >= 8


def test_no_two_requests_for_one_contact_and_schema_are_in_flight(rig: OutboxRig) -> None:
    for _ in range(4):
        rig.outbox.put(CONTACT, COAT)
    rig.outbox.put(CONTACT, ReuseSpring2023(name="a"))
    gate = rig.platform = Gate(rig, needed=2)
    rig.restart()
    assert rig.outbox.deliver(rig.client) == Delivery(5, 0, 0, None)
    assert (gate.most, gate.most_of_one_pair) == (2, 1)


def test_receipts_are_reported_in_the_calling_thread(rig: OutboxRig) -> None:
    ids = [rig.outbox.put(f"contact-{number}", COAT) for number in range(6)]
    threads: set[threading.Thread] = set()
    reported: list[int] = []

    def note(entry_id: int, receipt: Receipt) -> None:
        del receipt
        threads.add(threading.current_thread())
        reported.append(entry_id)

    assert rig.outbox.deliver(rig.client, on_receipt=note).delivered == 6
    assert threads == {threading.current_thread()}
    assert sorted(reported) == ids


def test_an_exception_that_ends_the_process_ends_the_delivery(rig: OutboxRig) -> None:
    def end(*_: object) -> None:
        raise KeyboardInterrupt

    for number in range(6):
        rig.outbox.put(f"contact-{number}", COAT)
    with pytest.raises(KeyboardInterrupt):
        rig.outbox.deliver(rig.client, on_receipt=end)
    delivery = rig.deliver()
    assert len(rig.platform.stored) == 6
    assert delivery.delivered == 6


def test_an_answer_that_ends_the_delivery_leaves_the_rest_waiting(rig: OutboxRig) -> None:
    for number in range(200):
        rig.outbox.put(f"contact-{number}", COAT)
    rig.platform.post_faults = ["key"] * 200
    delivery = rig.outbox.deliver(rig.client)
    assert delivery.stopped is not None
    assert rig.platform.posts < 200
    assert rig.outbox.status().waiting == 200


def async_client(rig: OutboxRig) -> AsyncEngageClient:
    return AsyncEngageClient(
        "https://acme.voyado.com",
        api_key="k",
        user_agent="a/1",
        rate=1_000_000,
        clock=rig.clock,
        http=httpx.AsyncClient(transport=httpx.MockTransport(rig.platform)),
    )


def test_asyncio_delivers_and_awaits_the_reports(rig: OutboxRig) -> None:
    ids = [rig.outbox.put(f"contact-{number}", COAT) for number in range(6)]
    reported: list[int] = []

    async def note(entry_id: int, receipt: Receipt) -> None:
        del receipt
        await asyncio.sleep(0)
        reported.append(entry_id)

    async def deliver() -> Delivery:
        return await rig.outbox.deliver_async(async_client(rig), on_receipt=note)

    assert asyncio.run(deliver()) == Delivery(6, 0, 0, None)
    assert sorted(reported) == ids


def test_a_canceled_delivery_completes_the_steps_that_have_begun(rig: OutboxRig) -> None:
    for number in range(40):
        rig.outbox.put(f"contact-{number}", COAT)

    async def deliver() -> None:
        task = asyncio.current_task()
        assert task is not None

        async def cancel(*_: object) -> None:
            task.cancel()

        await rig.outbox.deliver_async(async_client(rig), on_receipt=cancel, max_in_flight=2)

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(deliver())
    assert not rig.outbox.status().sending
    assert len(rig.platform.stored) + rig.outbox.status().waiting == 40


def test_a_delivery_with_asyncio_raises_what_fails(rig: OutboxRig) -> None:
    async def deliver() -> Delivery:
        return await rig.outbox.deliver_async(async_client(rig))

    rig.outbox.close()
    with pytest.raises(Exception, match="closed"):
        asyncio.run(deliver())


@pytest.mark.parametrize("most", [0, -1])
def test_a_number_of_steps_that_cannot_work_is_refused(rig: OutboxRig, most: int) -> None:
    with pytest.raises(ConfigurationError, match="at least 1"):
        rig.outbox.deliver(rig.client, max_in_flight=most)


def test_run_goes_on_after_failures_until_it_is_stopped(rig: OutboxRig) -> None:
    for number in range(3):
        rig.outbox.put(f"contact-{number}", COAT)
    stop = threading.Event()
    deliveries: list[Delivery] = []

    def note(delivery: Delivery) -> None:
        deliveries.append(delivery)
        rig.clock.sleep(1.0)
        if sum(delivery.delivered for delivery in deliveries) == 3:
            stop.set()

    rig.outbox.close()
    rig.outbox = Outbox(rig.path, retry=RetryPolicy(retry_delays=(0.0,)), clock=rig.clock)
    rig.platform.post_faults = ["429"]
    rig.outbox.run(rig.client, stop=stop, on_delivery=note, poll_seconds=0.01)
    assert deliveries[0].stopped is not None
    assert len(rig.platform.stored) == 3
