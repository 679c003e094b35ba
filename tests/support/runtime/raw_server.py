"""A server on raw bytes: it can answer what no HTTP library would send."""

import socket
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

Respond = Callable[[bytes], Iterator[bytes]]
"""Called with a request, head and body. Yields what is sent; nobody is waited for in between."""


@dataclass
class RawServer:
    """A running server: its URL, the requests so far, and how many bytes it sent."""

    base_url: str
    requests: list[bytes] = field(default_factory=list[bytes])
    sent: int = 0


@contextmanager
def speaking(respond: Respond) -> Generator[RawServer]:
    """Run a server that answers one request on each connection, as long as the client listens."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = RawServer(f"http://127.0.0.1:{listener.getsockname()[1]}")
    stopped = threading.Event()
    threads: list[threading.Thread] = []

    def serve(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            request = _read_request(connection)
            if not request:
                return
            server.requests.append(request)
            for piece in respond(request):
                if stopped.is_set():
                    return
                connection.sendall(piece)
                server.sent += len(piece)

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                if stopped.is_set():
                    connection.close()
                    return
                threads.append(threading.Thread(target=serve, args=(connection,)))
                threads[-1].start()

    accepting = threading.Thread(target=accept)
    accepting.start()
    try:
        yield server
    finally:
        stopped.set()
        with suppress(OSError):
            socket.create_connection(listener.getsockname()).close()
        accepting.join()
        listener.close()
        for thread in threads:
            thread.join()


def _read_request(connection: socket.socket) -> bytes:
    """Return a request, or nothing if the client left before it was complete."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65_536)
        if not piece:
            return b""
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    while len(body) < length:
        piece = connection.recv(65_536)
        if not piece:
            return b""
        body += piece
    return head + b"\r\n\r\n" + body


def response(
    body: bytes = b"", status: str = "200 OK", *headers: bytes, kind: bytes = b"application/json"
) -> bytes:
    """Return the bytes of a whole response."""
    lines = [
        b"HTTP/1.1 " + status.encode("latin-1"),
        b"Content-Type: " + kind,
        b"Content-Length: %d" % len(body),
        b"Connection: close",
        *headers,
    ]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body
