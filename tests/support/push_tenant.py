"""A tenant on raw bytes that fails at a chosen step of a push, and keeps schemas as it likes."""

import json
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from tests.support.runtime.raw_server import response, speaking
from tests.support.tenants import PATH, envelope

PROOF_PREFIX = "engage-codegen-proof-"

Step = Literal[
    "list", "read", "create-temp", "delete-temp", "delete-old", "create-new", "restore", "create"
]
Envelope = dict[str, Any]


@dataclass
class Fault:
    """What happens instead of an answer, before or after the work is done, to `count` requests.

    `kind` is a status, "drop" (the connection is closed) or "hang" (nothing is sent). With `after`,
    it happens only after a request of that step.
    """

    kind: str
    is_done: bool = False
    count: int = 1
    after: str = ""


def unchanged(schema: Envelope) -> Envelope:
    """Return a schema as it was sent."""
    return schema


def accept(_schema: Envelope) -> bool:
    """Return True for every schema."""
    return True


@dataclass
class PushTenant:
    """The state of a tenant. `old` is the schema that a push replaces."""

    old: Envelope
    base_url: str = ""
    schemas: dict[str, Envelope] = field(default_factory=dict[str, Envelope])
    lost: list[str] = field(default_factory=list[str])
    log: list[str] = field(default_factory=list[str])
    faults: dict[str, Fault] = field(default_factory=dict[str, Fault])
    keep: Callable[[Envelope], Envelope] = unchanged
    accepts: Callable[[Envelope], bool] = accept

    @property
    def temporary(self) -> list[str]:
        """The temporary schemas that are left."""
        return [key for key in self.schemas if key.startswith(PROOF_PREFIX)]

    def respond(self, request: bytes) -> Iterator[bytes]:
        """Answer a request, or do what the fault of its step says."""
        head, _, body = request.partition(b"\r\n\r\n")
        method, path, _ = head.decode().split("\r\n")[0].split(" ")
        schema_id = path.removeprefix(PATH).strip("/")
        step = self._name_step(method, schema_id, body)
        fault = self.faults.get(step)
        is_due = fault is not None and (not fault.after or fault.after in self.log)
        self.log.append(step)
        if fault is None or not is_due or fault.count == 0:
            yield self._work(method, schema_id, body)
            return
        fault.count -= 1
        if fault.is_done:
            self._work(method, schema_id, body)
        if fault.kind == "hang":
            while True:
                time.sleep(0.01)
                yield b""
        elif fault.kind != "drop":
            yield response(b'{"message": "no"}', f"{fault.kind} Fault")

    def _name_step(self, method: str, schema_id: str, body: bytes) -> str:
        if method == "GET":
            return "read" if schema_id else "list"
        if method == "DELETE":
            return "delete-temp" if schema_id.startswith(PROOF_PREFIX) else "delete-old"
        schema = json.loads(body)
        if schema["id"].startswith(PROOF_PREFIX):
            return "create-temp"
        if schema["id"] != self.old["id"]:
            return "create"
        return "restore" if schema["displayName"] == self.old["displayName"] else "create-new"

    def _work(self, method: str, schema_id: str, body: bytes) -> bytes:
        if method == "GET":
            if schema_id in self.schemas:
                return response(json.dumps(self.schemas[schema_id]).encode())
            items = [{"id": key, "displayName": "x"} for key in self.schemas]
            return response(json.dumps(items).encode())
        if method == "DELETE":
            if self.schemas.pop(schema_id, None) is None:
                return response(b"{}", "404 Not Found")
            self.lost.append(schema_id)
            return response(b"{}")
        schema: Envelope = json.loads(body)
        if schema["id"] in self.schemas:
            return response(b'{"message": "exists"}', "409 Conflict")
        if not self.accepts(schema):
            return response(b'{"message": "the schema is invalid"}', "400 Bad Request")
        self.schemas[schema["id"]] = self.keep(json.loads(body))
        return response(b"{}", "201 Created")


@contextmanager
def push_tenant(old: Envelope | None = None) -> Generator[PushTenant]:
    """Run a tenant that has the schema `old`, or a schema `repair`."""
    schema: Envelope = dict(old or envelope("repair"))
    tenant = PushTenant(schema, schemas={schema["id"]: schema})
    with speaking(tenant.respond) as server:
        tenant.base_url = server.base_url
        yield tenant
