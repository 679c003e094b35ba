"""A tenant that was written by hand, and behaves in ways that no option describes."""

import base64
import json
import threading
import uuid
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

CONTACT = str(uuid.UUID(int=0x1234567890ABCDEF1234567890ABCDEF))
SHORT_NET = base64.urlsafe_b64encode(uuid.UUID(CONTACT).bytes_le).decode().rstrip("=")
TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
}


class Refusal(Exception):
    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status, self.code = status, code


@dataclass
class OddTenant:
    """The state of a tenant. `oddity` names what it does differently; empty for nothing."""

    oddity: str = ""
    base_url: str = ""
    count: int = 0
    schemas: dict[str, Any] = field(default_factory=dict[str, Any])
    interactions: dict[str, Any] = field(default_factory=dict[str, Any])

    def respond(self, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        self.count += 1
        try:
            parts = path.removeprefix("/api/v3/").split("/")
            answer: tuple[int, Any] = self._route(method, parts, query, body)
            return answer
        except Refusal as refusal:
            message: Any = {"errorCode": refusal.code, "message": "no", "messageDetails": {}}
            if self.oddity == "error-body":
                return refusal.status, {"error": {"code": refusal.code}}
            return refusal.status, message

    def _route(self, method: str, parts: list[str], query: dict[str, str], body: Any) -> Any:
        match method, parts:
            case "GET", ["contacts", "id"]:
                self._search(query)
            case "GET", ["interactionschemas"]:
                return 200, [{"id": key, "displayName": "x"} for key in self.schemas]
            case "POST", ["interactionschemas"]:
                return self._create_schema(body)
            case "DELETE", ["interactionschemas", schema_id]:
                return self._delete_schema(schema_id)
            case "POST", ["interactions"]:
                return self._send(body)
            case "GET", ["interactions"]:
                return self._list(query)
            case "GET", ["interactions", interaction_id]:
                if interaction_id not in self.interactions:
                    raise Refusal(404, "InteractionNotFound")
                return 200, self._show(self.interactions[interaction_id])
            case "DELETE", ["interactions", interaction_id]:
                del self.interactions[interaction_id]
                return 200, None
            case _:
                pass
        raise Refusal(404, "NotFound")

    def _search(self, query: dict[str, str]) -> None:
        if query.get("email") == "nobody":
            raise Refusal(406 if self.oddity == "contact-errors" else 400, "InvalidEmailAddress")
        if "mobilePhone" in query:
            raise Refusal(400, "InvalidPhoneNumber")
        raise Refusal(404, "ContactNotFound")

    def _create_schema(self, body: Any) -> tuple[int, Any]:
        if body["id"] in self.schemas:
            raise Refusal(409, "DuplicateSchemaId")
        for declaration in body["jsonSchema"]["properties"].values():
            keywords = {"enum", "minimum", "maximum", "maxLength", "pattern"}
            if keywords & declaration.keys() or declaration["type"] not in TYPES:
                raise Refusal(418 if self.oddity == "validation-status" else 400, "InvalidSchema")
        self.schemas[body["id"]] = body
        return self._created, {"id": body["id"], "self": {"href": "/", "created": "x"}}

    @property
    def _created(self) -> int:
        return 202 if self.oddity == "create-status" else 200

    def _delete_schema(self, schema_id: str) -> tuple[int, Any]:
        if self.schemas.pop(schema_id, None) is None:
            raise Refusal(404, "SchemaNotFound")
        if self.oddity != "delete":
            items = list(self.interactions.items())
            for key in [key for key, item in items if item["schemaId"] == schema_id]:
                del self.interactions[key]
        return (202 if self.oddity == "delete-status" else 200), None

    def _send(self, body: Any) -> tuple[int, Any]:
        is_short = self.oddity == "short-contact-id" and len(body["contactId"]) == 22
        is_net = is_short and body["contactId"] == SHORT_NET
        if body["contactId"] != CONTACT and not is_net:
            raise Refusal(404, "ContactNotFound")
        properties = self.schemas[body["schemaId"]]["jsonSchema"]["properties"]
        if "step" not in body["payload"] and self.oddity != "broken-interaction":
            raise Refusal(400, "InvalidInteraction")
        payload: dict[str, Any] = {}
        for name, value in body["payload"].items():
            declaration = properties.get(name, {"type": "none"})
            is_valid = isinstance(value, TYPES.get(declaration["type"], ()))
            if declaration.get("format") and is_valid:
                is_valid = value[:1].isdecimal()
            if is_valid:
                payload[name] = value
            elif self.oddity == "ill-typed-property" and name in properties:
                payload[name] = 0
        identifier: str = str(uuid.uuid4())
        item = {**body, "id": identifier, "contactId": CONTACT, "payload": payload}
        self.interactions[identifier] = item
        details = {"contactId": CONTACT, "href": "/", "created": self._date(item)}
        return self._created, {"id": identifier, "self": details}

    def _date(self, item: Any) -> Any:
        at = datetime.fromisoformat(item["createdDate"])
        if self.oddity == "date-precision":
            return int(at.timestamp() * 1000)
        return at.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"

    def _show(self, item: Any) -> Any:
        payload = item["payload"]
        if self.oddity == "payload-format":
            payload = {
                key: value.upper() if key == "text" else value for key, value in payload.items()
            }
        return {**item, "createdDate": self._date(item), "payload": payload}

    def _list(self, query: dict[str, str]) -> tuple[int, Any]:
        schema_id = query["schemaId"]
        items = [item for item in self.interactions.values() if item["schemaId"] == schema_id]
        is_oldest_first = self.oddity == "list-order"
        items.sort(key=lambda item: item["createdDate"], reverse=not is_oldest_first)
        start, size = int(query.get("continuation", 0)), 20 if self.oddity == "list" else 50
        page = [self._show(item) for item in items[start : start + size]]
        links = []
        if len(items) > start + size:
            address = f"/api/v3/interactions?continuation={start + size}"
            links = [{"href": address, "method": "GET", "rel": "next"}]
        if self.oddity == "link-format":
            return 200, {"items": page, "paging": {"next": links}}
        return 200, {"items": page, "links": links}


@contextmanager
def odd_tenant(oddity: str = "") -> Generator[OddTenant]:
    """Run a tenant with an oddity."""
    tenant = OddTenant(oddity)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # one packet for each answer

        def _answer(self) -> None:
            address = urlsplit(self.path)
            query = {name: values[-1] for name, values in parse_qs(address.query).items()}
            text = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            body = json.loads(text) if text else None
            status, value = tenant.respond(self.command, address.path, query, body)
            data = b"" if value is None else json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_DELETE = _answer

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Write nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    tenant.base_url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield tenant
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
