"""A platform that misbehaves on a script, and a payload class for it."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import httpx

from runtime.payload import Json, Reader, read_integer, read_string
from tests.support.clocks import FakeClock

CONTACT = "3f0c1a52-7d5e-4b0e-9a64-1c2f5b8e0d01"


@dataclass(frozen=True)
class Gift:
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
    """Takes the next word of `script` for each POST, and of `looks` for each GET; then all is
    well. `late` work is done at a time of the clock."""

    clock: FakeClock
    script: list[str] = field(default_factory=list[str])
    looks: list[str] = field(default_factory=list[str])
    stored: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    late: list[tuple[float, dict[str, Any]]] = field(
        default_factory=list[tuple[float, dict[str, Any]]]
    )
    drops: tuple[str, ...] = ()
    requests: list[tuple[str, bytes]] = field(default_factory=list[tuple[str, bytes]])
    precision: Callable[[str], str] = str

    def __call__(self, request: httpx.Request) -> httpx.Response:
        now = self.clock.monotonic()
        for due in [entry for entry in self.late if entry[0] <= now]:
            self.late.remove(due)
            self.stored.append(due[1])
        self.requests.append((request.method, request.content))
        words = self.script if request.method == "POST" else self.looks
        word = words.pop(0) if words else "ok"
        return self.answer(request, word)

    def answer(self, request: httpx.Request, word: str) -> httpx.Response:
        if word == "never left":
            raise httpx.ConnectError("refused")
        if word == "429":
            return httpx.Response(429)
        if word.startswith("429 "):
            return httpx.Response(429, headers={"Retry-After": word.split()[1]})
        if word.startswith("late "):
            body = self.take(request)
            self.late.append((self.clock.monotonic() + float(word.split()[1]), body))
            raise httpx.ReadTimeout("late")
        fault, _, when = word.partition(" ")
        response = None if when == "before" else self.work(request)
        match fault:
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

    def take(self, request: httpx.Request) -> dict[str, Any]:
        body: dict[str, Any] = json.loads(request.content)
        body["payload"] = {k: v for k, v in body["payload"].items() if k not in self.drops}
        body["createdDate"] = self.precision(body["createdDate"])
        return {**body, "id": f"i{len(self.stored) + len(self.late)}"}

    def work(self, request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            self.stored.append(self.take(request))
            return httpx.Response(200, json={"id": self.stored[-1]["id"]})
        if request.url.path.endswith("/interactions"):
            start = int(request.url.params.get("continuation", "0"))
            following = {"href": f"/x?continuation={start + 2}", "rel": "next", "method": "GET"}
            links = [following] if start + 2 < len(self.stored) else []
            return httpx.Response(
                200, json={"items": self.stored[start : start + 2], "links": links}
            )
        found = [it for it in self.stored if request.url.path.endswith(f"/{it['id']}")]
        return httpx.Response(200, json=found[0]) if found else httpx.Response(404, json={})

    @property
    def sent(self) -> int:
        return sum(method == "POST" for method, _ in self.requests)
