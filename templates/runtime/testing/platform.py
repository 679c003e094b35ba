"""An Engage in memory, which knows every contact id and stores whatever is sent."""

import json
import threading
from urllib.parse import parse_qs, unquote

from ..call.steps import Answer, Reply, Request
from ..payload.types import Json
from ..registry import snapshot


class MemoryPlatform:
    """Answers requests from a dictionary. `dropped_properties` are discarded from payloads."""

    def __init__(self) -> None:
        self.dropped_properties: set[str] = set()
        self._lock = threading.Lock()
        self._interactions: dict[str, dict[str, Json]] = {}
        self._contacts: list[dict[str, str]] = []
        self._count = 0

    def add_contact(self, contact_id: str, contact_type: str, **values: str | None) -> None:
        """Add a contact. The names of the values are those of the vendor's API."""
        fields = {name: value for name, value in values.items() if value is not None}
        with self._lock:
            self._contacts.append({"id": contact_id, "contactType": contact_type, **fields})

    def answer(self, request: Request) -> Answer:
        """Carry out a request."""
        path, _, query = request.target.partition("?")
        collection, _, item = path.partition("/")
        item_id = unquote(item)
        if collection == "interactionschemas":
            return _describe_schemas(item_id)
        with self._lock:
            if collection == "contacts":
                return self._find_contact(query)
            if request.method == "POST":
                return self._store(json.loads(request.body or b"{}"))
            if not item_id:
                return self._list(query)
            interaction = self._interactions.get(item_id)
            if interaction is None:
                return _json_answer({"errorCode": "InteractionNotFound"}, 404)
            if request.method == "DELETE":
                del self._interactions[item_id]
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

    def _find_contact(self, query: str) -> Answer:
        parameters = {name: values[0] for name, values in parse_qs(query).items()}
        any_value = parameters.pop("any", None)
        ids: list[Json] = [
            contact["id"]
            for contact in self._contacts
            if parameters.items() <= contact.items()
            and (any_value is None or any_value in contact.values())
        ]
        if len(ids) == 1:
            return _json_answer(ids[0])
        if not ids:
            return _json_answer({"errorCode": "ContactNotFound"}, 404)
        details: Json = {"multipleMatchesFound": ids}
        return _json_answer({"errorCode": "MultipleMatches", "messageDetails": details}, 409)

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


def _describe_schemas(schema_id: str) -> Answer:
    """Return the schemas that the package was generated from, or one of them."""
    envelopes = snapshot()
    if not schema_id:
        rows: list[Json] = [
            {"id": envelope["id"], "displayName": envelope["displayName"]}
            for envelope in envelopes.values()
        ]
        return _json_answer(rows)
    if schema_id not in envelopes:
        return _json_answer({"errorCode": "SchemaNotFound"}, 404)
    return _json_answer(envelopes[schema_id])


def _json_answer(value: Json, status: int = 200) -> Answer:
    return Answer(status, json.dumps(value).encode())
