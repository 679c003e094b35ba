"""The client for threads. It differs from the one for asyncio in the await alone: what is asked is
in `sending` and `calls`, what a reply means in `judge`."""

import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from datetime import datetime
from types import TracebackType
from typing import Self, TypeVar

import httpx

from .call import read as calls
from .call.responses import Call, Reply, Request, Stop
from .call.retry import RetryPolicy
from .engine import NOTHING, Engine
from .payload.checks import Payload
from .results import Receipt, Stored, by_date
from .transport.clock import SYSTEM, Clock
from .transport.http import Connection, Content, check_open, failure, from_environment
from .transport.observer import Observer
from .transport.rate_limiter import DEFAULT_RATE

T = TypeVar("T")
P = TypeVar("P", bound=Payload)


class ThreadEngine(Engine):
    """Carries calls out, for threads."""

    def __init__(
        self,
        connection: Connection,
        rate: int,
        retry: RetryPolicy | None,
        observer: Observer | None,
        clock: Clock,
        http: httpx.Client | None,
    ) -> None:
        super().__init__(connection, rate, retry, observer, clock)
        self._owned = http is None
        self._http = http or connection.open(httpx.Client)

    def close(self) -> None:
        if self._owned:
            self._http.close()

    def check_open(self) -> None:
        """Raise `Misconfigured` if the connection is closed."""
        check_open(self._http)

    def run(self, call: Call[T], stop: threading.Event | None = None) -> T:
        """Drive a call to its end; with `stop` set, to the end that is nearest."""
        try:
            step = next(call)
            while True:
                if isinstance(step, Request):
                    step = call.send(self._ask(step))
                elif stop is not None and stop.is_set():
                    step = call.throw(Stop())
                else:
                    self.clock.sleep(step.seconds, stop)
                    self.observer.waited(step.reason, step.seconds)
                    step = call.send(NOTHING)
        except StopIteration as end:
            result: T = end.value
            return result

    def _ask(self, request: Request) -> Reply:
        self.check_open()
        start = self.clock.monotonic()
        self.pace.wait()
        departure = self.clock.monotonic()
        if departure - start >= 0.001:
            self.observer.waited("pace", departure - start)
        return self.replied(request, self._exchange(request), departure)

    def _exchange(self, request: Request) -> Reply:
        prepared = self.connection.request(self._http, request)
        content = Content()
        try:
            response = self._http.send(
                prepared, auth=self.connection.auth, follow_redirects=False, stream=True
            )
            with closing(response):
                for chunk in response.iter_bytes():
                    content.add(chunk)
        except httpx.HTTPStatusError as error:  # a hook of the client that was given raised it
            return self.connection.answer(error.response, b"")
        except httpx.HTTPError as error:
            return failure(error)
        return self.connection.answer(response, content.all())


class EngageClient:
    """A connection to a tenant, for threads. Make it once and keep it: connecting is dear.

    `base_url` is like ``https://acme.voyado.com``, `user_agent` names your integration and its
    version, like ``AcmePOS/1.5``. `rate` is how many requests a second may go out with this key
    from this process; where several processes share the key, divide the allowance of 50 among
    them. `retry` is what all methods do when something fails. `http` is a client of your own, which
    stays yours to close. Raises `Misconfigured`.
    """

    def __init__(
        self,
        base_url: str,
        *,
        api_key: str,
        user_agent: str,
        api_version: str = "v3",
        rate: int = DEFAULT_RATE,
        retry: RetryPolicy | None = None,
        observer: Observer | None = None,
        clock: Clock = SYSTEM,
        http: httpx.Client | None = None,
    ) -> None:
        connection = Connection(base_url, api_key, user_agent, api_version)
        del api_key
        self._connection = connection
        # For the other parts of the runtime; completion shows what is for applications.
        self.__engine__ = ThreadEngine(connection, rate, retry, observer, clock, http)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._connection!r})"

    @classmethod
    def from_env(
        cls,
        *,
        rate: int = DEFAULT_RATE,
        retry: RetryPolicy | None = None,
        observer: Observer | None = None,
        http: httpx.Client | None = None,
    ) -> Self:
        """From ``ENGAGE_BASE_URL``, ``ENGAGE_API_KEY``, ``ENGAGE_USER_AGENT`` and, if it is set,
        ``ENGAGE_API_VERSION``. Raises `Misconfigured`."""
        return cls(**from_environment(), rate=rate, retry=retry, observer=observer, http=http)

    def send(
        self,
        contact_id: str,
        payload: Payload,
        *,
        created_date: datetime | None = None,
        confirm: bool = False,
        retry: RetryPolicy | None = None,
    ) -> Receipt:
        """Store an interaction.

        `created_date` is when it happened, aware; now, if it is left out. `confirm` reads it back
        and raises `PayloadDropped` if the platform did not keep all of it. Raises `NotSent`,
        `Rejected` or `OutcomeUnknown`.
        """
        engine = self.__engine__
        with engine.observed("send", payload.__schema_id__):
            return engine.run(engine.sending(contact_id, payload, created_date, confirm, retry))

    def get(
        self, kind: type[P], interaction_id: str, *, retry: RetryPolicy | None = None
    ) -> Stored[P]:
        """One interaction by its id. Raises `UnknownInteraction`, `ReadFailed`."""
        with self.__engine__.observed("get", kind.__schema_id__):
            return self.__engine__.run(
                calls.get(kind, interaction_id, retry or self.__engine__.retry)
            )

    def list(
        self, kind: type[P], contact_id: str, *, retry: RetryPolicy | None = None
    ) -> Iterator[Stored[P]]:
        """All interactions of one kind of one contact, over all pages, in no promised order.

        Raises `UnknownContact`, `UnknownSchema`, `ReadFailed`.
        """
        pages = calls.Pages(kind, contact_id, retry or self.__engine__.retry)
        while pages.has_more:
            with self.__engine__.observed("list", kind.__schema_id__):
                items = self.__engine__.run(pages.next())
            yield from items

    def interactions(
        self, contact_id: str, kinds: Iterable[type[Payload]], *, retry: RetryPolicy | None = None
    ) -> Sequence[Stored[Payload]]:
        """All interactions of several kinds of one contact, oldest first; those whose date cannot
        be read come last."""
        found = [it for kind in kinds for it in self.list(kind, contact_id, retry=retry)]
        return sorted(found, key=by_date)

    def delete(self, interaction_id: str, *, retry: RetryPolicy | None = None) -> None:
        """Delete an interaction for good. Raises `UnknownInteraction`, `OutcomeUnknown`."""
        with self.__engine__.observed("delete", ""):
            self.__engine__.run(calls.delete(interaction_id, retry or self.__engine__.retry))

    def close(self) -> None:
        """Close the connection, unless it came from outside."""
        self.__engine__.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
