"""Connections that cannot be held: limits for clients that send or read too slowly, or not at all.

Uvicorn only limits the idle time between two requests. These limits follow real time, and end as
soon as a request is complete, so that faults can keep a connection open for as long as they want.
"""

import asyncio
import sys

import h11
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

REQUEST_SECONDS = 10.0
"""The time for the handshake, and for a whole request from its first byte to its last."""

STALLED_SECONDS = 30.0
"""The time for which a client may leave a response unread."""

_MAX_WAITING = 500
_MAX_BURST = 100
_UNFINISHED = (h11.IDLE, h11.SEND_BODY)
_TIMEOUT_RESPONSE = (
    b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
)


class WaitingRoom:
    """The connections on which the server waits for a request or the rest of one, oldest first.

    A new connection beyond the limit closes the oldest, so that no number of slow clients can use
    up the file descriptors of the process. `burst` is the number of connections to accept at once,
    before the oldest are closed.
    """

    def __init__(self) -> None:
        descriptors = _count_descriptors()
        self.limit = min(_MAX_WAITING, descriptors // 4)
        self.burst = max(1, min(_MAX_BURST, descriptors // 16))
        self._connections: dict[Connection, None] = {}

    def add(self, connection: "Connection") -> None:
        """Add a connection, and close the oldest one if there are too many."""
        self._connections[connection] = None
        if len(self._connections) > self.limit:
            oldest = next(iter(self._connections))
            self.remove(oldest)
            oldest.transport.abort()

    def remove(self, connection: "Connection") -> None:
        """Remove a connection, if it is there."""
        self._connections.pop(connection, None)


def _count_descriptors() -> int:
    if sys.platform == "win32":
        return 4 * _MAX_WAITING
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 4 * _MAX_WAITING if soft == resource.RLIM_INFINITY else soft


class Connection(H11Protocol):
    """An HTTP connection with time limits.

    It passes its transport to each request, so that a fault can close it.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, object],
        waiting_room: WaitingRoom,
    ) -> None:
        super().__init__(config, server_state, app_state)
        self._waiting_room = waiting_room
        self._request_timer: asyncio.TimerHandle | None = None
        self._stall_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}
        self._waiting_room.add(self)
        self._watch_request()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch_request()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if not self.transport.is_closing():
            self._waiting_room.add(self)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._stall_timer = self.loop.call_later(STALLED_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        _cancel(self._stall_timer)
        self._stall_timer = None

    def connection_lost(self, exc: Exception | None) -> None:
        self._waiting_room.remove(self)
        _cancel(self._request_timer)
        self._request_timer = None
        _cancel(self._stall_timer)
        self._stall_timer = None
        super().connection_lost(exc)

    def _watch_request(self) -> None:
        """Start the timer with the first byte of a request, and stop it with the last."""
        if self.conn.their_state not in _UNFINISHED:
            self._waiting_room.remove(self)
            _cancel(self._request_timer)
            self._request_timer = None
        elif self._request_timer is None:
            self._request_timer = self.loop.call_later(REQUEST_SECONDS, self._time_out)

    def _time_out(self) -> None:
        self._request_timer = None
        is_unanswered = self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE)
        if is_unanswered and not self.transport.is_closing():
            self.transport.write(_TIMEOUT_RESPONSE)
        self.transport.close()
        # A client that does not read either would keep a closing connection open.
        self._stall_timer = self.loop.call_later(STALLED_SECONDS, self.transport.abort)


def _cancel(timer: asyncio.TimerHandle | None) -> None:
    if timer is not None:
        timer.cancel()
