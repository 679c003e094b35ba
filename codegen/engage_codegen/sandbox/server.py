"""Start and stop a sandbox: in the foreground for people, in a thread for tests."""

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
from engage_codegen.sandbox.options.platform_file import NO_PLATFORM_FILE, PlatformFile
from engage_codegen.sandbox.seed import seed_tenant
from engage_codegen.sandbox.state import SandboxState
from engage_codegen.sandbox.store.database import Store
from engage_codegen.sandbox.store.tenant import Tenant

_GRACE_SECONDS = 2


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A running sandbox.

    Point the code under test at `base_url`, with `api_key`. `state` has the options, the clock, the
    faults and the request log, which a test can read and change.
    """

    base_url: str
    api_key: str
    state: SandboxState

    @property
    def store(self) -> Store:
        """The database with the schemas, contacts and interactions."""
        return self.state.store


def serve(
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    database: Path | None,
    api_key: str = "sandbox-key",
    seed: bool = True,
    options: Options | None = None,
    platform: PlatformFile = NO_PLATFORM_FILE,
    faults: Sequence[Fault] = (),
    on_ready: Callable[[str], None],
) -> None:
    """Run a sandbox in the foreground until Ctrl-C or SIGTERM, then return.

    Args:
        host: The address to listen on.
        port: The port to listen on; 0 picks a free one.
        database: The SQLite file that holds the state, or None to keep it in memory.
        api_key: A key that the API accepts.
        seed: Whether a new database gets the example schemas and contacts.
        options: The answers to the open questions about the platform; by default the observed
            ones.
        platform: What was observed in a tenant.
        faults: The faults to start with.
        on_ready: A function that gets the base URL, such as `http://127.0.0.1:8080`, as soon as
            the sandbox accepts connections.

    Raises:
        InputError: The address or the database file cannot be used.
    """
    with _open(host, port, database, seed) as (listener, store):
        options = options or Options.model_validate(platform.values)
        state = SandboxState(store, api_key, options, platform=platform)
        for fault in faults:
            state.faults.add(fault)
        server = _Server(state, lambda: on_ready(_build_url(listener)))
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
    platform: PlatformFile = NO_PLATFORM_FILE,
) -> Generator[Sandbox, None, None]:
    """Run a sandbox in a thread until the block ends.

    The arguments and errors are those of `serve`; the defaults suit a test: a free port, in memory,
    with the example schemas and contacts.
    """
    with _open(host, port, database, seed) as (listener, store):
        options = options or Options.model_validate(platform.values)
        state = SandboxState(store, api_key, options, platform=platform)
        server = _Server(state, lambda: None)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        base_url = _build_url(listener)
        thread.start()
        try:
            # No need to wait: connections queue at the listener until the server accepts them.
            yield Sandbox(base_url, api_key, state)
        finally:
            server.should_exit = server.force_exit = True
            thread.join()


class _Protocol(H11Protocol):
    """An HTTP protocol that passes the connection to each request, so that a fault can close it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}


class _Server(uvicorn.Server):
    """A silent Uvicorn server that reports when it is ready, and returns when it is stopped."""

    def __init__(self, state: SandboxState, on_ready: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                create_app(state),
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
        # Uvicorn checks ten times a second, which is too slow for tests that wait for the end.
        while not self.should_exit:
            await asyncio.sleep(0.01)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_ready()

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        # Uvicorn raises the signal again after the shutdown and so kills the process before the
        # store is closed.
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
def _open(
    host: str, port: int, database: Path | None, seed: bool
) -> Generator[tuple[socket.socket, Store], None, None]:
    with _listen(host, port) as listener:
        store = Store(database, seed_tenant if seed else _leave_empty)
        try:
            yield listener, store
        finally:
            store.close()


def _leave_empty(_: Tenant) -> None:
    pass


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Unless the protocol is named, asyncio leaves Nagle's algorithm on: 40 ms for each response.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":  # on Windows this option lets two servers share a port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen()
    except (OSError, OverflowError) as error:
        listener.close()
        raise InputError(
            f"The sandbox cannot listen on this address. {error}",
            where=f"{host}:{port}",
            fix="Choose another port with --port, or pass --port 0 to use a free one.",
        ) from error
    return listener


def _build_url(listener: socket.socket) -> str:
    host, port, *_ = listener.getsockname()
    return (
        f"http://[{host}]:{port}" if listener.family == socket.AF_INET6 else f"http://{host}:{port}"
    )
