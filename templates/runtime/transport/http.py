"""HTTP: the exchange of a request for a reply."""

import logging
import threading
from contextlib import aclosing
from contextvars import ContextVar
from typing import TYPE_CHECKING
from weakref import ref

from ..call.steps import Failure, Reply, Request
from ..errors import ConfigurationError
from .answers import Body, make_answer, make_failure
from .connection import Connection, has_connections, require_client
from .deadline import limit_reads
from .forks import reset_in_child
from .http_library import LIBRARY, httpx

if TYPE_CHECKING:
    import asyncio

_CLOSED = "The client is closed. Create another one, or keep it open."
_FORKED = (
    f"The {LIBRARY} client was created in another process, which uses its connections. "
    "Create it, and the client with it, after the fork."
)


class HttpTransport:
    """Exchanges requests for replies, for threads. Closes only a client that it created itself."""

    def __init__(self, connection: Connection, http: httpx.Client | None) -> None:
        connection.check()
        require_client(http, httpx.Client)
        self._connection = connection
        self._given = http
        self._own = connection.open(httpx.Client) if http is None else None
        self._inherited: list[httpx.Client] = []  # Kept, so that nothing closes their connections.
        self._retired: list[httpx.Client] = []
        self._is_closed = self._is_forked = False
        self._in_flight = 0
        self._lock = threading.Lock()
        limit_reads(http or self._client())
        reset_in_child(self)

    def reset_after_fork(self) -> None:
        """Leave the connections to the parent. Closing them would end its TLS sessions."""
        self._lock = threading.Lock()
        self._in_flight = 0
        self._is_forked = True
        if self._own is not None:
            self._inherited.append(self._own)
            self._own = None

    def check_usable(self) -> None:
        """Raise `ConfigurationError` if the transport cannot send."""
        if self._is_closed or (self._given is not None and self._given.is_closed):
            raise ConfigurationError(_CLOSED)
        if self._given is not None and self._is_forked and has_connections(self._given):
            raise ConfigurationError(_FORKED)
        self._client()

    def reconnect(self) -> None:
        """Use new connections from now on, unless they belong to the caller."""
        with self._lock:
            if self._own is not None:
                self._retired.append(self._own)
                self._own = None

    def close(self) -> None:
        """Send no more requests, and close the connections after those in flight."""
        self._is_closed = True
        with self._lock:
            self._close_idle()

    def _close_idle(self) -> None:
        if self._is_closed and not self._in_flight:
            for http in (*self._retired, *([self._own] if self._own else [])):
                http.close()

    def exchange(self, request: Request, timeout: float | None) -> Reply:
        """Send a request and return the reply. `timeout` limits the whole exchange, in seconds."""
        connection, key = self._connection, self._connection.auth
        try:
            http = self._client()
            prepared = connection.request(http, request, timeout)
        except Exception as error:
            return make_failure(error, key, is_prepared=False)
        with self._lock:
            self._in_flight += 1
        try:
            if self._is_closed:
                return Failure(_CLOSED, may_have_arrived=False)
            response = self._send(http, prepared)
            try:
                body = Body(response)
                chunks = [response.content] if response.is_stream_consumed else response.iter_raw()
                for chunk in chunks:
                    body.add(chunk)
            finally:
                response.close()
            return make_answer(response, body.unpack(), key)
        except Exception as error:  # What is known of a request that left is never lost.
            return make_failure(error, key)
        finally:
            with self._lock:
                self._in_flight -= 1
                self._close_idle()

    def _send(self, http: httpx.Client, prepared: httpx.Request) -> httpx.Response:
        token = is_hidden_from_logs.set(True)
        try:
            return http.send(
                prepared, auth=self._connection.auth, follow_redirects=False, stream=True
            )
        except httpx.HTTPStatusError as error:  # from an event hook of the caller's client
            return error.response
        finally:
            is_hidden_from_logs.reset(token)

    def _client(self) -> httpx.Client:
        http = self._given or self._own
        if http is None:
            with self._lock:
                if self._own is None:
                    self._own = self._connection.open(httpx.Client)
                    limit_reads(self._own)
                http = self._own
        return http


class AsyncHttpTransport:
    """Exchanges requests for replies, for tasks. Closes only a client that it created itself.

    The connections of a client belong to an event loop, so every loop gets a client of ours.
    """

    def __init__(self, connection: Connection, http: httpx.AsyncClient | None) -> None:
        connection.check()
        require_client(http, httpx.AsyncClient)
        self._connection = connection
        self._given = http
        self._given_loop: ref[asyncio.AbstractEventLoop] | None = None
        # Opened now, so that a mistake in the environment is reported now.
        self._spare = connection.open(httpx.AsyncClient) if http is None else None
        self._own: dict[asyncio.AbstractEventLoop, httpx.AsyncClient] = {}
        self._inherited: list[object] = []  # Kept, so that nothing closes their connections.
        self._retired: list[tuple[asyncio.AbstractEventLoop, httpx.AsyncClient]] = []
        self._is_closed = self._is_forked = False
        self._in_flight = 0
        reset_in_child(self)

    def reset_after_fork(self) -> None:
        """Leave the connections to the parent. Closing them would end its TLS sessions."""
        self._in_flight = 0
        self._is_forked = True
        self._inherited += [self._own, self._retired]
        self._own, self._retired = {}, []

    def check_usable(self) -> None:
        """Raise `ConfigurationError` if the transport cannot send from the current task."""
        if self._is_closed or (self._given is not None and self._given.is_closed):
            raise ConfigurationError(_CLOSED)
        if self._given is not None and self._is_forked and has_connections(self._given):
            raise ConfigurationError(_FORKED)
        self._client()

    def reconnect(self) -> None:
        """Use new connections from now on, unless they belong to the caller."""
        self._retired += self._own.items()
        self._own = {}

    async def close(self) -> None:
        """Send no more requests, and close the connections after those in flight.

        Those of other event loops close with their loop.
        """
        self._is_closed = True
        await self._close_idle()

    async def _close_idle(self) -> None:
        if self._is_closed and not self._in_flight:
            loop = _running_loop()
            clients = [http for other, http in self._retired if other is loop]
            clients += [http for http in (self._own.pop(loop, None), self._spare) if http]
            self._spare, self._retired = None, []
            for http in clients:
                await http.aclose()

    async def exchange(self, request: Request, timeout: float | None) -> Reply:
        """Send a request and return the reply. `timeout` limits the whole exchange, in seconds."""
        import asyncio

        connection, key = self._connection, self._connection.auth
        try:
            http = self._client()
            prepared = connection.request(http, request, timeout)
        except Exception as error:
            return make_failure(error, key, is_prepared=False)
        self._in_flight += 1
        try:
            if self._is_closed:
                return Failure(_CLOSED, may_have_arrived=False)
            async with asyncio.timeout(timeout):
                response = await self._send(http, prepared)
                body = Body(response)
                async with aclosing(response):
                    if response.is_stream_consumed:
                        body.add(response.content)
                    else:
                        async for chunk in response.aiter_raw():
                            body.add(chunk)
            return make_answer(response, body.unpack(), key)
        except TimeoutError:
            return Failure("the answer was not complete in time", may_have_arrived=True)
        except Exception as error:  # What is known of a request that left is never lost.
            return make_failure(error, key)
        finally:
            self._in_flight -= 1
            await self._close_idle()

    async def _send(self, http: httpx.AsyncClient, prepared: httpx.Request) -> httpx.Response:
        token = is_hidden_from_logs.set(True)
        try:
            return await http.send(
                prepared, auth=self._connection.auth, follow_redirects=False, stream=True
            )
        except httpx.HTTPStatusError as error:  # from an event hook of the caller's client
            return error.response
        finally:
            is_hidden_from_logs.reset(token)

    def _client(self) -> httpx.AsyncClient:
        """Return the client of the current event loop. Raises `ConfigurationError`."""
        loop = _running_loop()
        if self._given is None:
            return self._own.get(loop) or self._open_in(loop)
        if self._given_loop is None:
            self._given_loop = ref(loop)
        elif self._given_loop() is not loop and has_connections(self._given):
            raise ConfigurationError(
                f"The {LIBRARY} client was used in another event loop, which its "
                "connections belong to. Create it, and the client with it, in this event loop."
            )
        return self._given

    def _open_in(self, loop: "asyncio.AbstractEventLoop") -> httpx.AsyncClient:
        for other in list(self._own):
            if other.is_closed():
                del self._own[other]
        own, self._spare = self._spare or self._connection.open(httpx.AsyncClient), None
        self._own[loop] = own
        return own


def _running_loop() -> "asyncio.AbstractEventLoop":
    import asyncio

    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        pass
    raise ConfigurationError(
        "AsyncEngageClient needs a running event loop of asyncio. It does not support trio."
    )


is_hidden_from_logs: ContextVar[bool] = ContextVar("is_hidden_from_logs", default=False)
"""True while the library sends a request. It logs the URL, which has the ids of contacts."""


def _is_logged(record: logging.LogRecord) -> bool:
    del record
    return not is_hidden_from_logs.get()


logging.getLogger(LIBRARY).addFilter(_is_logged)
