"""An Engage in memory, which knows every contact and stores whatever is sent."""

import json
import threading
from urllib.parse import parse_qs, unquote

from ..call.steps import Answer, Reply, Request
from ..payload.types import Json


class MemoryPlatform:
    """Answers requests from a dictionary. `dropped_properties` are discarded from payloads."""

    def __init__(self) -> None:
        self.dropped_properties: set[str] = set()
        self._lock = threading.Lock()
        self._interactions: dict[str, dict[str, Json]] = {}
        self._count = 0

    def answer(self, request: Request) -> Answer:
        """Carry out a request."""
        path, _, query = request.target.partition("?")
        interaction_id = unquote(path.partition("/")[2])
        with self._lock:
            if request.method == "POST":
                return self._store(json.loads(request.body or b"{}"))
            if not interaction_id:
                return self._list(query)
            interaction = self._interactions.get(interaction_id)
            if interaction is None:
                return _json_answer({"errorCode": "InteractionNotFound"}, 404)
            if request.method == "DELETE":
                del self._interactions[interaction_id]
            return _json_answer(interaction)

    def _store(self, envelope: dict[str, Json]) -> Answer:
        sent = envelope["payload"]
        payload: dict[str, Json] = {
            name: value
            for name, value in (sent.items() if isinstance(sent, dict) else ())
            if name not in self.dropped_properties
        }
        self._count += 1
        interaction_id = f"interaction-{self._count}"
        self._interactions[interaction_id] = {**envelope, "payload": payload, "id": interaction_id}
        return _json_answer({"id": interaction_id})

    def _list(self, query: str) -> Answer:
        parameters = parse_qs(query)
        key = (parameters["contactId"][0], parameters["schemaId"][0])
        items: list[Json] = [
            interaction
            for interaction in self._interactions.values()
            if (interaction["contactId"], interaction["schemaId"]) == key
        ]
        return _json_answer({"items": items, "links": []})


class MemoryTransport:
    """Connects a client to a `MemoryPlatform`."""

    def __init__(self, platform: MemoryPlatform) -> None:
        self._platform = platform

    def check_usable(self) -> None:
        """Do nothing: it cannot be closed."""

    def exchange(self, request: Request, timeout: float | None) -> Reply:
        """Return the platform's answer."""
        del timeout
        return self._platform.answer(request)

    def reconnect(self) -> None:
        """Do nothing: there are no connections."""

    def close(self) -> None:
        """Do nothing, so that a test can inspect the client after its ``with`` block."""


class AsyncMemoryTransport:
    """Connects an asynchronous client to a `MemoryPlatform`."""

    def __init__(self, platform: MemoryPlatform) -> None:
        self._platform = platform

    def check_usable(self) -> None:
        """Do nothing: it cannot be closed."""

    async def exchange(self, request: Request, timeout: float | None) -> Reply:
        """Return the platform's answer."""
        del timeout
        return self._platform.answer(request)

    def reconnect(self) -> None:
        """Do nothing: there are no connections."""

    async def close(self) -> None:
        """Do nothing, so that a test can inspect the client after its ``with`` block."""


def _json_answer(value: Json, status: int = 200) -> Answer:
    return Answer(status, json.dumps(value).encode())
