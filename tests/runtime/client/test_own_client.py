"""Clients with their own connection: names, headers, cookies, hooks and closing."""

import asyncio
import json
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from engage_interactions import AsyncEngageClient, ConfigurationError, EngageClient, RejectedError
from engage_interactions.product_review import ProductReview
from engage_interactions.testing import AsyncRecordingClient, RecordingClient, sample
from tests.support.runtime.http_library import httpx

pytestmark = pytest.mark.slow

CONTACT = "3f0c1a52-7d5e"
METHODS = (
    *("check_schemas", "delete", "find", "find_contact", "from_env", "get", "interactions", "list"),
    *("schemas", "send"),
)
RECORDING = {
    *("sends", "clock", "fail_next", "drop_properties", "add_contact"),
    *("payloads", "assert_sent", "assert_nothing_sent"),
}


def public_names(client_class: type[object], client: object) -> set[str]:
    """Return the public names of a client class and of an instance."""
    return {name for name in {*dir(client_class), *vars(client)} if not name.startswith("_")}


def test_a_client_has_no_other_public_names_than_those_for_applications() -> None:
    url = "https://acme.voyado.com"
    with EngageClient(url, api_key="key", user_agent="Shop/1") as client:
        assert public_names(EngageClient, client) == {*METHODS, "close"}
    tasks = AsyncEngageClient(url, api_key="key", user_agent="Shop/1")
    assert public_names(AsyncEngageClient, tasks) == {*METHODS, "aclose"}
    asyncio.run(tasks.aclose())
    assert public_names(RecordingClient, RecordingClient()) == {*METHODS, *RECORDING, "close"}
    recording = AsyncRecordingClient()
    assert public_names(AsyncRecordingClient, recording) == {*METHODS, *RECORDING, "aclose"}


@dataclass
class Listener:
    """A server that records the headers of every request."""

    url: str = ""
    requests: list[tuple[str, list[tuple[str, str]]]] = field(default_factory=list)


@contextmanager
def listening() -> Generator[Listener]:
    listener = Listener()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", "0")))
            headers = sorted((name.lower(), value) for name, value in self.headers.items())
            listener.requests.append((self.command, headers))
            payload = sample(ProductReview).to_payload()
            date = "2026-03-01T12:30:15Z"
            number = f"i{len(listener.requests)}"
            known = {"id": number, "contactId": CONTACT, "schemaId": "productReview"}
            body = json.dumps({**known, "createdDate": date, "payload": payload}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_DELETE = _answer

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    listener.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield listener
    finally:
        server.shutdown()
        server.server_close()


def threads(url: str, http: httpx.Client | None = None) -> None:
    with EngageClient(url, api_key="k3y", user_agent="Shop/1", http=http) as client:
        for _ in range(2):
            client.send(CONTACT, sample(ProductReview))
            client.get(ProductReview, "i1")
            client.delete("i1")


def threads_with_callers_client(url: str) -> None:
    with httpx.Client(headers={"Accept": "text/html", "User-Agent": "theirs"}) as http:
        threads(url, http)


def tasks(url: str, http: httpx.AsyncClient | None = None) -> None:
    async def run() -> None:
        client = AsyncEngageClient(url, api_key="k3y", user_agent="Shop/1", http=http)
        for _ in range(2):
            await client.send(CONTACT, sample(ProductReview))
            await client.get(ProductReview, "i1")
            await client.delete("i1")
        await (http or client).aclose()

    asyncio.run(run())


def tasks_with_callers_client(url: str) -> None:
    http = httpx.AsyncClient(headers={"Accept": "text/html", "User-Agent": "theirs"})
    tasks(url, http)


@pytest.mark.parametrize(
    "use", [threads, threads_with_callers_client, tasks, tasks_with_callers_client]
)
def test_every_request_has_each_header_once_also_with_a_client_of_the_caller(
    use: Callable[[str], None],
) -> None:
    with listening() as listener:
        use(listener.url)
    own = {"user-agent": "Shop/1", "accept": "application/json", "apikey": "k3y"}
    own["accept-encoding"] = "identity"
    usual = {"connection", "host"}
    assert [method for method, _ in listener.requests] == ["POST", "GET", "DELETE"] * 2
    for method, headers in listener.requests:
        body = {"content-type": "application/json"} if method == "POST" else {}
        sized = {"content-length"} if method == "POST" else set[str]()
        assert [name for name, _ in headers] == sorted({*own, *usual, *body, *sized})
        assert (own | body).items() <= dict(headers).items()


def refused(request: httpx.Request) -> httpx.Response:
    return httpx.Response(400, json={"errorCode": "SchemaNotFound"})


def test_an_event_hook_that_raises_for_a_status_does_not_hide_the_rejection() -> None:
    def check(response: httpx.Response) -> None:
        response.raise_for_status()

    async def check_async(response: httpx.Response) -> None:
        response.raise_for_status()

    async def send_async() -> None:
        hooks = {"response": [check_async]}
        transport = httpx.MockTransport(refused)
        async with httpx.AsyncClient(transport=transport, event_hooks=hooks) as http:
            client = AsyncEngageClient("https://a.se", api_key="k", user_agent="S/1", http=http)
            await client.send(CONTACT, sample(ProductReview))

    with httpx.Client(
        transport=httpx.MockTransport(refused), event_hooks={"response": [check]}
    ) as http:
        client = EngageClient("https://a.se", api_key="k", user_agent="S/1", http=http)
        with pytest.raises(RejectedError) as caught:
            client.send(CONTACT, sample(ProductReview))
    assert caught.value.status == 400
    with pytest.raises(RejectedError):
        asyncio.run(send_async())


def test_a_closed_client_raises_a_configuration_error() -> None:
    async def send_async() -> None:
        client = AsyncEngageClient("https://a.se", api_key="k", user_agent="S/1")
        await client.aclose()
        await client.send(CONTACT, sample(ProductReview))

    client = EngageClient("https://a.se", api_key="k", user_agent="S/1")
    client.close()
    with pytest.raises(ConfigurationError, match="closed"):
        client.send(CONTACT, sample(ProductReview))
    with pytest.raises(ConfigurationError, match="closed"):
        asyncio.run(send_async())


class Attempts(list[str]):
    """An observer that is falsy while it is empty."""

    def attempted(self, method: str, route: str, status: int | None, seconds: float) -> None:
        self.append(method)

    def waited(self, reason: str, seconds: float) -> None:
        pass

    def finished(self, operation: str, schema_id: str, outcome: str, seconds: float) -> None:
        pass


def test_an_observer_that_is_falsy_is_used() -> None:
    observer = Attempts()
    transport = httpx.MockTransport(refused)
    with httpx.Client(transport=transport) as http:
        client = EngageClient(
            "https://a.se", api_key="k", user_agent="S/1", http=http, observer=observer
        )
        with pytest.raises(RejectedError):
            client.send(CONTACT, sample(ProductReview))
    assert observer == ["POST"]


def test_all_spellings_of_a_host_share_one_rate_limiter() -> None:
    urls = ["https://a.se", "https://A.se/", "https://a.se:443"]
    clients = [EngageClient(url, api_key="k", user_agent="S/1") for url in urls]
    assert len({id(client.__engine__.limiter) for client in clients}) == 1
    for client in clients:
        client.close()
