"""One limit for all reads of an answer together.

The timeouts of the HTTP library limit each read. A server that sends a byte from time to time would
keep a thread for ever. Tasks need none of this: asyncio cancels them.
"""

import time
from typing import Protocol, cast

from .http_library import httpx


class PhaseTimeout(float):
    """The timeout of one read or write in seconds, with the time at which all have to end.

    A connection that was opened before `limit_reads` takes it for a usual timeout.
    """

    ends_at: float
    """In seconds of `time.monotonic`."""

    @classmethod
    def from_now(cls, seconds: float, total_seconds: float) -> "PhaseTimeout":
        """Return a timeout for one read or write, with a limit for all of them."""
        timeout = cls(seconds)
        timeout.ends_at = time.monotonic() + total_seconds
        return timeout


class Stream(Protocol):
    """A connection of the HTTP library."""

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes: ...

    def write(self, buffer: bytes, timeout: float | None = None) -> None: ...

    def start_tls(self, **options: object) -> "Stream": ...


class LimitedStream:
    """A connection that observes the end of a `PhaseTimeout`."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if isinstance(timeout, PhaseTimeout):
            remaining = timeout.ends_at - time.monotonic()
            if remaining <= 0:
                raise httpx.ReadTimeout("the answer was not complete in time")
            timeout = min(float(timeout), remaining)
        return self._stream.read(max_bytes, timeout)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        # A process that was stopped, and goes on after the end, must not send any more.
        if isinstance(timeout, PhaseTimeout) and time.monotonic() >= timeout.ends_at:
            raise httpx.WriteTimeout("the request was not sent in time")
        self._stream.write(buffer, timeout)

    def start_tls(self, **options: object) -> "LimitedStream":
        return LimitedStream(self._stream.start_tls(**options))


class _Backend(Protocol):
    """What opens the connections of the HTTP library."""

    def connect_tcp(self, **options: object) -> Stream: ...


class _LimitedBackend:
    """Opens connections that observe a `PhaseTimeout`."""

    def __init__(self, backend: _Backend) -> None:
        self._backend = backend

    def __getattr__(self, name: str) -> object:
        return getattr(self._backend, name)

    def connect_tcp(self, **options: object) -> LimitedStream:
        return LimitedStream(self._backend.connect_tcp(**options))


def limit_reads(http: httpx.Client) -> None:
    """Make the connections that a client opens from now on observe a `PhaseTimeout`.

    The library has no public way to set its network backend. A transport with other internals
    than those of `httpx.HTTPTransport` keeps limiting each read alone.
    """
    state = vars(http)
    mounted = cast(dict[object, object], state.get("_mounts", {}))
    for transport in (state.get("_transport"), *mounted.values()):
        if not isinstance(transport, httpx.HTTPTransport):
            continue
        pool = cast(object, vars(transport).get("_pool"))
        backend = getattr(pool, "_network_backend", None)
        if backend is not None and not isinstance(backend, _LimitedBackend):
            vars(pool)["_network_backend"] = _LimitedBackend(cast(_Backend, backend))
