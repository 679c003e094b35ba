"""An outbox on its file, a platform and the time."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from engage_interactions import (
    EngageClient,
    Receipt,
    RetryPolicy,
)
from engage_interactions.outbox import Delivery, Entry, Outbox
from tests.support.clocks import FakeClock
from tests.support.platform import Platform

POLICY = RetryPolicy(retry_delays=(1.0, 2.0), lookup_delays=(5.0, 10.0), resend=True)


class PowerCut(BaseException):
    """The process ends here."""


class Engage(Platform):
    """A platform that knows contacts apart, and can end the process in the midst of a request."""

    def answer(self, request: httpx.Request, word: str) -> httpx.Response:
        if word == "key":
            return httpx.Response(401, json={"message": "no such key"})
        if word == "contact":
            return httpx.Response(404, json={"errorCode": "ContactNotFound", "message": "x"})
        if word.startswith("cut"):
            if word == "cut after":
                self.work(request)
            raise PowerCut
        return super().answer(request, word)

    def work(self, request: httpx.Request) -> httpx.Response:
        if request.method == "GET" and request.url.path.endswith("/interactions"):
            asked = request.url.params
            items = [
                it
                for it in self.stored
                if (it["contactId"], it["schemaId"]) == (asked["contactId"], asked["schemaId"])
            ]
            return httpx.Response(200, json={"items": items, "links": []})
        return super().work(request)


@dataclass
class Till:
    """An outbox on its file, a platform and the time."""

    path: Path
    clock: FakeClock = field(default_factory=FakeClock)
    policy: RetryPolicy = POLICY

    def __post_init__(self) -> None:
        self.platform = Engage(self.clock)
        self.start()

    def start(self) -> None:
        """A new process: nothing is known but what is in the file."""
        self.client = EngageClient(
            "https://acme.voyado.com",
            api_key="k",
            user_agent="a/1",
            rate=1_000_000,
            clock=self.clock,
            http=httpx.Client(transport=httpx.MockTransport(self.platform)),
        )
        self.outbox = Outbox(self.path, retry=self.policy, clock=self.clock)

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
        return self.outbox.deliver(self.client, stop=stop, on_receipt=on_receipt)

    @property
    def states(self) -> list[str]:
        return [entry.state for entry in self.outbox.entries()]

    @property
    def only(self) -> Entry:
        (entry,) = self.outbox.entries()
        return entry
