"""A platform with faults, and a payload class for it."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

from engage_interactions._runtime.payload import (
    Json,
    Payload,
    Reader,
    read_integer,
    read_string,
)
from tests.support.runtime.clocks import FakeClock
from tests.support.runtime.http_library import httpx

CONTACT = "3f0c1a52-7d5e-4b0e-9a64-1c2f5b8e0d01"


@dataclass(frozen=True)
class Gift(Payload):
    note: str
    price: int | None = None
    __schema_id__: ClassVar[str] = "gift"
    __properties__: ClassVar[frozenset[str]] = frozenset({"note", "price"})

    def to_payload(self) -> dict[str, Json]:
        price: dict[str, Json] = {} if self.price is None else {"price": self.price}
        return {"note": self.note, **price}

    @classmethod
    def from_payload(cls, payload: Mapping[str, Json]) -> Self:
        with Reader("gift", payload, cls.__properties__) as read:
            return cls(read.required("note", read_string), read.optional("price", read_integer))


@dataclass
class Platform:
    """A platform in memory that applies the next of `post_faults` to each POST.

    Likewise `get_faults` to each GET. Without faults it works. `late` are requests that it carries
    out at a later time of the clock.
    """

    clock: FakeClock
    post_faults: list[str] = field(default_factory=list[str])
    get_faults: list[str] = field(default_factory=list[str])
    stored: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    late: list[tuple[float, dict[str, Any]]] = field(
        default_factory=list[tuple[float, dict[str, Any]]]
    )
    drops: tuple[str, ...] = ()
    requests: list[tuple[str, bytes]] = field(default_factory=list[tuple[str, bytes]])
    precision: Callable[[str], str] = str

    def __call__(self, request: httpx.Request) -> httpx.Response:
        now = self.clock.monotonic()
        for seconds, item in [*self.late]:
            if seconds <= now:
                self.late.remove((seconds, item))
                self.stored.append(item)
        self.requests.append((request.method, request.content))
        faults = self.post_faults if request.method == "POST" else self.get_faults
        fault = faults.pop(0) if faults else "ok"
        return self.answer(request, fault)

    def answer(self, request: httpx.Request, fault: str) -> httpx.Response:
        if fault == "never left":
            raise httpx.ConnectError("refused")
        if fault == "429":
            return httpx.Response(429)
        if fault.startswith("429 "):
            return httpx.Response(429, headers={"Retry-After": fault.split()[1]})
        if fault.startswith("late "):
            body = self.decode(request)
            self.late.append((self.clock.monotonic() + float(fault.split()[1]), body))
            raise httpx.ReadTimeout("late")
        effect, _, when = fault.partition(" ")
        response = None if when == "before" else self.apply(request)
        match effect:
            case "timeout":
                raise httpx.ReadTimeout("silence")
            case "drop":
                raise httpx.ReadError("cut")
            case "500":
                return httpx.Response(500)
            case "html":
                return httpx.Response(200, text="<p>")
            case "ignored":
                return httpx.Response(200, json={})
            case "refused":
                return httpx.Response(400, json={"errorCode": "Bad", "message": "no"})
            case _:
                pass
        assert response is not None
        return response

    def decode(self, request: httpx.Request) -> dict[str, Any]:
        body: dict[str, Any] = json.loads(request.content)
        body["payload"] = {k: v for k, v in body["payload"].items() if k not in self.drops}
        body["createdDate"] = self.precision(body["createdDate"])
        return {**body, "id": f"i{len(self.stored) + len(self.late)}"}

    def apply(self, request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            self.stored.append(self.decode(request))
            return httpx.Response(200, json={"id": self.stored[-1]["id"]})
        if request.url.path.endswith("/interactions"):
            start = int(request.url.params.get("continuation", "0"))
            following = {"href": f"/x?continuation={start + 2}", "rel": "next", "method": "GET"}
            links = [following] if start + 2 < len(self.stored) else []
            return httpx.Response(
                200, json={"items": self.stored[start : start + 2], "links": links}
            )
        for item in self.stored:
            if request.url.path.endswith(f"/{item['id']}"):
                return httpx.Response(200, json=item)
        return httpx.Response(404, json={})

    @property
    def posts(self) -> int:
        """The number of POSTs."""
        return sum(method == "POST" for method, _ in self.requests)
