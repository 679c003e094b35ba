"""A platform that stores nothing: it takes interactions, has schemas, and answers after a while.

Prints its port. `GET /arrivals` tells when each request arrived, in seconds of one clock.
"""

import argparse
import asyncio
import json
import re
import ssl
import sys
from pathlib import Path
from typing import cast

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_SCHEMAS = "/interactionschemas"


class Platform:
    """What it knows, and what it was asked."""

    def __init__(self, delay: float, schemas: Path | None) -> None:
        self.delay = delay
        self.arrivals: list[float] = []
        self.schemas: dict[str, bytes] = {}
        for file in sorted(schemas.glob("*.json")) if schemas else ():
            self.schemas[file.stem] = file.read_bytes()

    def answer(self, method: str, path: str) -> bytes:
        if method == "POST":
            return json.dumps({"id": f"{len(self.arrivals):032x}"}).encode()
        if path == "/arrivals":
            return json.dumps(self.arrivals).encode()
        if path.endswith(_SCHEMAS):
            return json.dumps([{"id": it, "displayName": it} for it in self.schemas]).encode()
        return self.schemas[path.rpartition("/")[2]]


class Connection(asyncio.Protocol):
    """HTTP/1.1, one request at a time, and no more of it than clients need."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._received = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, gap, body = self._received.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if not gap or len(body) < (int(length[1]) if length else 0):
            return
        self._received = b""
        method, path, _ = head.partition(b"\r\n")[0].decode().split(" ")
        loop = asyncio.get_running_loop()
        if path == "/arrivals":
            self._send(self._platform.answer(method, path))
            return
        self._platform.arrivals.append(loop.time())
        answer = self._platform.answer(method, path)
        if self._platform.delay:
            loop.call_later(self._platform.delay, self._send, answer)
        else:
            self._send(answer)

    def _send(self, body: bytes) -> None:
        head = f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(f"HTTP/1.1 200 OK\r\n{head}".encode() + body)


async def serve(platform: Platform, certificate: Path | None) -> None:
    context = None
    if certificate is not None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate / "server.pem", certificate / "server.key")
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: Connection(platform), "127.0.0.1", 0, ssl=context, backlog=1000
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--delay", type=float, default=0.0, help="in seconds")
    parser.add_argument("--schemas", type=Path, help="a folder")
    parser.add_argument("--certificate", type=Path, help="a folder; without it there is no TLS")
    arguments = parser.parse_args()
    platform = Platform(arguments.delay, arguments.schemas)
    try:
        asyncio.run(serve(platform, arguments.certificate))
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
