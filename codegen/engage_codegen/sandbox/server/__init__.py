"""Start and stop a sandbox: in the foreground for people, in a thread for tests."""

import asyncio
import signal
import socket
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from engage_codegen.sandbox.app import create_app
from engage_codegen.sandbox.control.faults import Fault
from engage_codegen.sandbox.options import Options
from engage_codegen.sandbox.options.platform_file import NO_PLATFORM_FILE, PlatformFile
from engage_codegen.sandbox.seed import seed_tenant
from engage_codegen.sandbox.server import connections
from engage_codegen.sandbox.server.access import Access, prepare_access
from engage_codegen.sandbox.state import SandboxState
from engage_codegen.sandbox.store.database import Store
from engage_codegen.sandbox.store.tenant import Tenant

_GRACE_SECONDS = 2


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A running sandbox.

    Point the code under test at `base_url`, with `api_key`. `state` has the options, the clock, the
    faults and the request log, which a test can read and change. With TLS, `authority` is the file
    with the certificate that clients must trust.
    """

    base_url: str
    api_key: str
    state: SandboxState
    authority: Path | None = None

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
    allowed_hosts: Sequence[str] = (),
    tls: Path | None = None,
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
        allowed_hosts: The host names, beside `localhost` and `host`, that requests can name.
        tls: A folder with the certificate authority for HTTPS, which is created if it does not
            exist; or None for HTTP.
        on_ready: A function that gets the base URL, such as `http://127.0.0.1:8080`, as soon as
            the sandbox accepts connections.

    Raises:
        InputError: The address, the database file or the folder with the authority cannot be used.
    """
    access = prepare_access(host, port, allowed_hosts, tls)
    with _open(access, database, seed) as (listener, store):
        options = options or Options.model_validate(platform.values)
        state = SandboxState(store, api_key, options, platform=platform)
        for fault in faults:
            state.faults.add(fault)
        server = _Server(state, access, lambda: on_ready(access.build_url(listener)))
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
    allowed_hosts: Sequence[str] = (),
    tls: Path | None = None,
    platform: PlatformFile = NO_PLATFORM_FILE,
) -> Generator[Sandbox, None, None]:
    """Run a sandbox in a thread until the block ends.

    The arguments and errors are those of `serve`; the defaults suit a test: a free port, in memory,
    with the example schemas and contacts.
    """
    access = prepare_access(host, port, allowed_hosts, tls)
    with _open(access, database, seed) as (listener, store):
        options = options or Options.model_validate(platform.values)
        state = SandboxState(store, api_key, options, platform=platform)
        server = _Server(state, access, lambda: None)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        base_url = access.build_url(listener)
        thread.start()
        try:
            # No need to wait: connections queue at the listener until the server accepts them.
            yield Sandbox(base_url, api_key, state, access.authority)
        finally:
            server.should_exit = server.force_exit = True
            thread.join()


class _Server(uvicorn.Server):
    """A silent Uvicorn server that reports when it is ready, and returns when it is stopped."""

    def __init__(self, state: SandboxState, access: Access, on_ready: Callable[[], None]) -> None:
        app = create_app(state, access.names, access.identity.client if access.identity else None)
        super().__init__(
            uvicorn.Config(
                app,
                http=connections.Connection,
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
        self._identity = access.identity
        self._on_ready = on_ready

    async def main_loop(self) -> None:
        # Uvicorn checks ten times a second, which is too slow for tests that wait for the end.
        while not self.should_exit:
            await asyncio.sleep(0.01)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        # Uvicorn's own cannot limit the time for a TLS handshake, and knows no waiting room.
        await self.lifespan.startup()
        waiting_room = connections.WaitingRoom()
        loop = asyncio.get_running_loop()
        self.servers = [
            await loop.create_server(
                lambda: connections.Connection(self.config, self.server_state, {}, waiting_room),
                sock=listener,
                ssl=self._identity.server if self._identity else None,
                ssl_handshake_timeout=connections.REQUEST_SECONDS if self._identity else None,
                backlog=waiting_room.burst,
            )
            for listener in sockets or ()
        ]
        for listener in sockets or ():
            listener.listen(self.config.backlog)  # how many the system lets wait, not the loop
        self.started = True
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
    access: Access, database: Path | None, seed: bool
) -> Generator[tuple[socket.socket, Store], None, None]:
    with access.listen() as listener:
        store = Store(database, seed_tenant if seed else _leave_empty)
        try:
            yield listener, store
        finally:
            store.close()


def _leave_empty(_: Tenant) -> None:
    pass
