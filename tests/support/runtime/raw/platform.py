"""A platform on raw sockets, whose answers a test writes byte by byte.

It shares nothing with the sandbox: neither code nor a framework, so it can break HTTP in ways that
no framework would. A thread serves each connection.
"""

import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self, TypeAlias
from urllib.parse import parse_qsl, urlsplit
from uuid import uuid4

PAGE_SIZE = 50
LONGEST_FAULT_SECONDS = 20.0
"""A fault that would go on for ever ends after this time, so that no test hangs."""

Item: TypeAlias = dict[str, Any]
"""A stored interaction, as JSON."""


@dataclass(frozen=True, slots=True)
class RawRequest:
    """A request as it arrived. `position` counts the requests on its connection, from 0."""

    method: str
    path: str
    query: Mapping[str, str]
    body: bytes
    connection: int
    position: int

    def read_json(self) -> Any:
        """Parse the body."""
        return json.loads(self.body)

    @property
    def is_list(self) -> bool:
        """True for the list of the interactions of a contact and a schema."""
        return self.method == "GET" and self.path.endswith("/interactions")


Reply: TypeAlias = "Callable[[Exchange], object]"
"""Answers a request, well or badly."""


def render_head(status: int, headers: Mapping[str, object], version: str = "1.1") -> bytes:
    """Return the head of an answer."""
    lines = [f"HTTP/{version} {status} Status", *(f"{k}: {v}" for k, v in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def render_answer(status: int, body: object = b"", headers: Mapping[str, object] = {}) -> bytes:
    """Return an answer; a body that is not bytes is written as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    kind = "text/html" if content.startswith(b"<") else "application/json"
    defaults = {"Content-Type": kind, "Content-Length": len(content)}
    return render_head(status, {**defaults, **headers}) + content


class Exchange:
    """A request, and the connection on which it is answered."""

    def __init__(self, platform: "RawPlatform", connection: socket.socket, request: RawRequest):
        self.platform = platform
        self.request = request
        self.is_open = True
        self.item: Item = {"id": str(uuid4())}
        """The interaction that a complete answer to a POST names, which may not be stored."""
        self._connection = connection

    def store(self) -> Item:
        """Store the interaction of a POST."""
        self.item = {**self.request.read_json(), "id": self.item["id"]}
        with self.platform.lock:
            self.platform.stored.append(self.item)
        return self.item

    def success(self) -> bytes:
        """Return the complete answer to a POST."""
        return render_answer(200, {"id": self.item["id"], "self": {"href": "/", "created": ""}})

    def write(self, data: bytes) -> None:
        self._connection.sendall(data)

    def drip(self, data: bytes, size: int = 1, seconds: float = 0.0) -> None:
        """Write `size` bytes at a time, with pauses."""
        for start in range(0, len(data), size):
            self.write(data[start : start + size])
            if self.wait(seconds):
                return

    def drip_forever(self, data: bytes) -> None:
        """Write the same again and again."""
        for _ in range(int(LONGEST_FAULT_SECONDS / 0.02)):
            self.write(data)
            if self.wait(0.02):
                return

    def wait(self, seconds: float) -> bool:
        """Wait; return True if the platform stops meanwhile."""
        return self.platform.stopping.wait(seconds)

    def close(self) -> None:
        """Close the connection after everything that was written."""
        self.is_open = False

    def reset(self) -> None:
        """Close the connection with a reset."""
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._connection.close()
        self.is_open = False

    def half_close(self) -> None:
        """Say that nothing more will be written, and read until the client closes."""
        self.is_open = False
        self._connection.shutdown(socket.SHUT_WR)
        self._connection.settimeout(LONGEST_FAULT_SECONDS)
        while self._connection.recv(65536):
            pass


def accept(exchange: Exchange) -> None:
    """Store the interaction and answer with its id."""
    exchange.store()
    exchange.write(exchange.success())


def answer_list(exchange: Exchange) -> None:
    """Answer with a page of the list, newest first."""
    platform, query = exchange.request, exchange.request.query
    with exchange.platform.lock:
        items = [
            exchange.platform.present(item)
            for item in reversed(exchange.platform.stored)
            if (item["contactId"], item["schemaId"]) == (query["contactId"], query["schemaId"])
        ]
    start = int(query.get("continuation", "0"))
    end = start + PAGE_SIZE
    href = f"{platform.path}?continuation={end}"
    links = [{"href": href, "method": "GET", "rel": "next"}] if end < len(items) else []
    exchange.write(render_answer(200, {"items": items[start:end], "links": links}))


def answer_get(exchange: Exchange) -> None:
    """Answer with one interaction."""
    interaction_id = exchange.request.path.rpartition("/")[2]
    with exchange.platform.lock:
        items = [item for item in exchange.platform.stored if item["id"] == interaction_id]
    absent = {"errorCode": "InteractionNotFound", "message": "no such interaction"}
    item = exchange.platform.present(items[0]) if items else absent
    exchange.write(render_answer(200 if items else 404, item))


def present_as_stored(item: Item) -> Item:
    """Return an interaction as the platform presents it in an answer."""
    return item


@dataclass
class RawPlatform:
    """A platform that serves the loopback as long as its context is open.

    `post`, `page` and `get` answer requests: a POST, a list and one interaction. `present` changes
    the form of interactions in answers. `hang_up` decides, when the next request begins to arrive
    on a connection that was kept open, whether the connection is closed without reading it.
    """

    post: Reply = accept
    page: Reply = answer_list
    get: Reply = answer_get
    present: Callable[[Item], Item] = present_as_stored
    hang_up: Callable[[int, int], bool] = lambda connection, position: False
    tls: ssl.SSLContext | None = None
    stored: list[Item] = field(default_factory=list[Item])
    requests: list[RawRequest] = field(default_factory=list[RawRequest])
    garbled: list[str] = field(default_factory=list[str])
    """What is wrong with requests that cannot be understood."""

    def __post_init__(self) -> None:
        self.lock = threading.Lock()
        self.stopping = threading.Event()
        self._connections = 0
        self._threads: list[threading.Thread] = []
        self._open: set[socket.socket] = set()

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self._start(self._listen)
        return self

    def __exit__(
        self,
        error_class: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stopping.set()
        # `close` alone does not end `accept` in another thread.
        with socket.create_connection(self._listener.getsockname()):
            pass
        self._threads[0].join()
        self._listener.close()
        with self.lock:
            connections = [*self._open]
        for connection in connections:
            _shut_down(connection)
        for thread in self._threads:
            thread.join()

    @property
    def url(self) -> str:
        """The base URL."""
        scheme = "http" if self.tls is None else "https"
        return f"{scheme}://127.0.0.1:{self._listener.getsockname()[1]}"

    def count(self, method: str) -> int:
        """Return the number of requests with a method."""
        with self.lock:
            return sum(request.method == method for request in self.requests)

    def _start(self, act: Callable[[], object]) -> None:
        thread = threading.Thread(target=act, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _listen(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            if self.stopping.is_set():
                connection.close()
                return
            self._connections += 1
            number = self._connections

            def serve(connection: socket.socket = connection, number: int = number) -> None:
                self._serve(connection, number)

            self._start(serve)

    def _serve(self, plain: socket.socket, number: int) -> None:
        connection = plain
        with self.lock:
            self._open.add(plain)
        try:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.tls is not None:
                connection = self.tls.wrap_socket(plain, server_side=True)
                with self.lock:
                    self._open.remove(plain)
                    self._open.add(connection)
            reader = _Reader(connection)
            position = 0
            while reader.wait_for_data():
                if self.hang_up(number, position):
                    break
                request = reader.read_request(number, position)
                with self.lock:
                    self.requests.append(request)
                exchange = Exchange(self, connection, request)
                self._choose(request)(exchange)
                if not exchange.is_open or self.stopping.is_set():
                    break
                position += 1
        except (OSError, EOFError):  # The client has gone.
            pass
        except ValueError as error:
            with self.lock:
                self.garbled.append(repr(error))
        finally:
            with self.lock:
                self._open -= {plain, connection}
            connection.close()

    def _choose(self, request: RawRequest) -> Reply:
        if request.method == "POST":
            return self.post
        return self.page if request.is_list else self.get


def _shut_down(connection: socket.socket) -> None:
    with suppress(OSError):
        socket.socket.shutdown(connection, socket.SHUT_RDWR)


class _Reader:
    """Reads requests from a connection.

    Raises `EOFError` if the client closes it, and `ValueError` for what is not a request.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._buffer = b""

    def wait_for_data(self) -> bool:
        """Wait until the next request begins to arrive; return False if the client closes."""
        return bool(self._buffer) or self._fill()

    def read_request(self, connection: int, position: int) -> RawRequest:
        head = self._take_until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        method, target, _ = head[0].split(" ")
        headers = {name.lower(): text.strip() for name, _, text in (a.partition(":") for a in head)}
        body = self._take(int(headers.get("content-length", "0")))
        url = urlsplit(target)
        query = dict(parse_qsl(url.query))
        if method == "POST":
            json.loads(body)
        return RawRequest(method, url.path, query, body, connection, position)

    def _fill(self) -> bool:
        data = self._connection.recv(65536)
        self._buffer += data
        return bool(data)

    def _take_until(self, end: bytes) -> bytes:
        while end not in self._buffer:
            if not self._fill():
                raise EOFError
        return self._take(self._buffer.index(end) + len(end))

    def _take(self, size: int) -> bytes:
        while len(self._buffer) < size:
            if not self._fill():
                raise EOFError
        data, self._buffer = self._buffer[:size], self._buffer[size:]
        return data
