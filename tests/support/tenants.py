"""An HTTP server with the answers of a tenant, which a test chooses."""

import json
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PATH = "/api/v3/interactionschemas"


@dataclass(frozen=True)
class Answer:
    """One HTTP response. Its Content-Length counts `missing` bytes that are never sent."""

    body: bytes
    status: int = 200
    kind: str = "application/json"
    missing: int = 0


@dataclass
class Tenant:
    """A running server: its URL, and the requests so far as path and headers in lower case."""

    base_url: str
    requests: list[tuple[str, Mapping[str, str]]] = field(
        default_factory=list[tuple[str, Mapping[str, str]]]
    )


@contextmanager
def answering(answers: Mapping[str, Answer]) -> Generator[Tenant]:
    """Run a server that has an answer for each path. Other paths get a 404."""
    requests: list[tuple[str, Mapping[str, str]]] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            requests.append((self.path, {k.lower(): v for k, v in self.headers.items()}))
            answer = answers.get(self.path, Answer(b"{}", 404))
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.kind)
            self.send_header("Content-Length", str(len(answer.body) + answer.missing))
            self.end_headers()
            self.wfile.write(answer.body)
            self.close_connection = bool(answer.missing)

        def log_message(self, *args: object, **named: object) -> None:
            """Print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield Tenant(f"http://127.0.0.1:{server.server_port}", requests)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def envelope(schema_id: str, properties: object = None, **more: object) -> dict[str, object]:
    """Return the envelope of a schema. Without `properties` it has one string, `name`."""
    return {
        "id": schema_id,
        "displayName": f"Title of {schema_id}",
        "jsonSchema": {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "properties": {"name": {"type": "string"}} if properties is None else properties,
        }
        | more,
    }


def holding(*schemas: Mapping[str, object]) -> dict[str, Answer]:
    """Return the answers of a tenant that has these schemas."""
    items = [{"id": schema["id"], "displayName": schema["displayName"]} for schema in schemas]
    answers = {PATH: Answer(json.dumps(items).encode())}
    for schema in schemas:
        answers[f"{PATH}/{schema['id']}"] = Answer(json.dumps(schema).encode())
    return answers
