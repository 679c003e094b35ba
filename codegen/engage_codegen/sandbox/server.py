"""Starting and stopping: in the foreground for people, in a thread for tests."""

import asyncio
import os
import signal
import socket
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from engage_codegen.errors import InputError
from engage_codegen.sandbox.app import create_app
from engage_codegen.sandbox.control.faults import Fault
from engage_codegen.sandbox.options import Options
from engage_codegen.sandbox.platform import Platform
from engage_codegen.sandbox.seed import plant
from engage_codegen.sandbox.store.database import Store
from engage_codegen.sandbox.store.tenant import Tenant

_GRACE_SECONDS = 2


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A sandbox that is running; `platform` is for looking behind the API and for faults."""

    base_url: str
    api_key: str
    platform: Platform

    @property
    def store(self) -> Store:
        """What it remembers."""
        return self.platform.store


def serve(
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    database: Path | None,
    api_key: str = "sandbox-key",
    seed: bool = True,
    options: Options | None = None,
    faults: Sequence[Fault] = (),
    on_ready: Callable[[str], None],
) -> None:
    """Run until Ctrl-C or SIGTERM, then return.

    `on_ready` is called with the base URL, such as `http://127.0.0.1:8080`, once connections are
    accepted. Port 0 is a free port, and no database means memory. Only a new database is seeded.
    Raises `InputError` for an address or a database file that cannot be used.
    """
    with _opened(host, port, database, seed) as (listener, store):
        platform = Platform(store, api_key, options or Options())
        for fault in faults:
            platform.faults.add(fault)
        server = _Server(platform, lambda: on_ready(_url(listener)))
        server.run(sockets=[listener])


@contextmanager
def running(
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    database: Path | None = None,
    api_key: str = "sandbox-key",
    seed: bool = True,
    options: Options | None = None,
) -> Generator[Sandbox, None, None]:
    """The same in a thread, for as long as the block lasts."""
    with _opened(host, port, database, seed) as (listener, store):
        platform = Platform(store, api_key, options or Options())
        server = _Server(platform, _nothing)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        base_url = _url(listener)
        thread.start()
        try:
            # Nothing to wait for: until the server takes them, connections queue at the listener.
            yield Sandbox(base_url, api_key, platform)
        finally:
            server.should_exit = server.force_exit = True
            thread.join()


class _Protocol(H11Protocol):
    """Gives each request the connection that it came on, so that a fault can cut it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}


def _nothing() -> None:
    pass


class _Server(uvicorn.Server):
    """Uvicorn that is silent, says when it is ready, and lets its caller return when stopped."""

    def __init__(self, platform: Platform, on_ready: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                create_app(platform),
                http=_Protocol,
                ws="none",
                lifespan="off",
                log_config=None,
                log_level="error",
                access_log=False,
                proxy_headers=False,
                server_header=False,
                date_header=False,
                timeout_graceful_shutdown=_GRACE_SECONDS,
            )
        )
        self._on_ready = on_ready

    async def main_loop(self) -> None:
        # Uvicorn's own looks up ten times a second, which is long for a test that waits for it.
        while not self.should_exit:
            await asyncio.sleep(0.01)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_ready()

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        # Uvicorn's own raises the signal again after the shutdown, and so kills the process
        # before the store is closed.
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        stop = (signal.SIGINT, signal.SIGTERM)
        previous = {number: signal.signal(number, self.handle_exit) for number in stop}
        try:
            yield
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)


@contextmanager
def _opened(
    host: str, port: int, database: Path | None, seed: bool
) -> Generator[tuple[socket.socket, Store], None, None]:
    with _listening(host, port) as listener:
        store = Store(database, plant if seed else _plant_nothing)
        try:
            yield listener, store
        finally:
            store.close()


def _plant_nothing(_: Tenant) -> None:
    pass


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Without the protocol asyncio leaves Nagle's algorithm on, and every answer takes 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":  # elsewhere this option lets two servers share a port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen()
    except (OSError, OverflowError) as error:
        listener.close()
        raise InputError(
            f"The sandbox cannot listen there: {error}",
            where=f"{host}:{port}",
            fix="choose another port, or 0 for any free one",
        ) from error
    return listener


def _url(listener: socket.socket) -> str:
    host, port, *_ = listener.getsockname()
    return (
        f"http://[{host}]:{port}" if listener.family == socket.AF_INET6 else f"http://{host}:{port}"
    )
