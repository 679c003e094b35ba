"""An outbox, with a platform and a clock, for tests."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from engage_interactions import (
    EngageClient,
    Receipt,
    RetryPolicy,
)
from engage_interactions._runtime.outbox.base import BaseOutbox
from engage_interactions.outbox import Delivery, Entry, Outbox
from tests.support.runtime.clocks import FakeClock
from tests.support.runtime.http_library import httpx
from tests.support.runtime.platform import Platform

POLICY = RetryPolicy(retry_delays=(1.0, 2.0), lookup_delays=(5.0, 10.0), resend=True)


class PowerCut(BaseException):
    """Simulates the end of the process."""


class FaultyPlatform(Platform):
    """A platform that distinguishes contacts, and can end the process during a request."""

    def answer(self, request: httpx.Request, fault: str) -> httpx.Response:
        if fault == "key":
            return httpx.Response(401, json={"message": "no such key"})
        if fault == "contact":
            return httpx.Response(404, json={"errorCode": "ContactNotFound", "message": "x"})
        if fault.startswith("cut"):
            if fault == "cut after":
                self.apply(request)
            raise PowerCut
        return super().answer(request, fault)

    def apply(self, request: httpx.Request) -> httpx.Response:
        if request.method == "GET" and request.url.path.endswith("/interactions"):
            key = (request.url.params["contactId"], request.url.params["schemaId"])
            items = [item for item in self.stored if (item["contactId"], item["schemaId"]) == key]
            return httpx.Response(200, json={"items": items, "links": []})
        return super().apply(request)


@dataclass
class OutboxRig:
    """An outbox on its file, with a client, a platform and a clock."""

    path: Path
    clock: FakeClock = field(default_factory=FakeClock)
    policy: RetryPolicy = POLICY

    def __post_init__(self) -> None:
        self.platform = FaultyPlatform(self.clock)
        self.start()

    def start(self) -> None:
        """Start as a new process does: only the file remains."""
        self.client = EngageClient(
            "https://acme.voyado.com",
            api_key="k",
            user_agent="a/1",
            rate=1_000_000,
            clock=self.clock,
            http=httpx.Client(transport=httpx.MockTransport(self.platform)),
        )
        self.outbox = self.open()

    def open(self) -> BaseOutbox:
        return Outbox(self.path, retry=self.policy, clock=self.clock)

    def close(self) -> None:
        self.outbox.close()
        self.client.close()

    def restart(self) -> None:
        self.outbox.close()
        self.client.close()
        self.start()

    def deliver(
        self,
        after: float = 0.0,
        stop: threading.Event | None = None,
        on_receipt: Callable[[int, Receipt], object] | None = None,
    ) -> Delivery:
        self.clock.sleep(after)
        return self.outbox.deliver(self.client, stop=stop, on_receipt=on_receipt, max_in_flight=1)

    @property
    def states(self) -> list[str]:
        return [entry.state for entry in self.outbox.entries()]

    @property
    def only_entry(self) -> Entry:
        (entry,) = self.outbox.entries()
        return entry
