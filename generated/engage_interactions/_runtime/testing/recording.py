"""For tests of your own code: clients that need no network and note what they were given.

They do all that the real ones do, checks and retries included, against a platform in memory that
knows every contact; waiting takes no time. Not for use outside of tests.
"""

import json
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Self, TypeVar, cast
from urllib.parse import unquote

import httpx

from ..async_client import AsyncEngageClient
from ..call.responses import Call
from ..call.retry import RetryPolicy
from ..call.send import Claims, Letter, send
from ..client import EngageClient
from ..engine import Engine
from ..errors import EngageError
from ..payload.checks import Json, Payload
from ..results import Receipt
from ..transport.http import Settings
from ..transport.observer import Observer
from ..transport.rate_limiter import DEFAULT_RATE

if TYPE_CHECKING:
    import asyncio

P = TypeVar("P", bound=Payload)


@dataclass(frozen=True, slots=True)
class Sent:
    """One send, as your code asked for it, and how it ended: `receipt` is there if it was stored,
    `error` if it raised; both, if an error was scripted for one that is stored."""

    contact_id: str
    payload: Payload
    created_date: datetime
    receipt: Receipt | None
    error: EngageError | None


class ManualClock:
    """Stands still but for what is slept, and for `move`."""

    def __init__(self, now: datetime | None = None) -> None:
        self._lock = threading.Lock()
        self._start = now or datetime.now(UTC)
        self._seconds = 0.0

    def move(self, seconds: float) -> None:
        """Let time go by."""
        with self._lock:
            self._seconds += seconds

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._seconds)

    def monotonic(self) -> float:
        return self._seconds

    def sleep(self, seconds: float, stop: threading.Event | None = None) -> None:
        del stop
        self.move(seconds)

    async def sleep_async(self, seconds: float, stop: "asyncio.Event | None" = None) -> None:
        del stop
        self.move(seconds)


class Recorder:
    """What both recording clients have beside the methods of the real ones.

    `sent` are all sends so far, also those that ended in an error. `clock` is the time that they go
    by; give it to whatever else waits in your tests.
    """

    def _begin(self, clock: ManualClock | None) -> httpx.MockTransport:
        self.sent: list[Sent] = []
        self.clock = clock or ManualClock()
        self._platform = _Platform()
        self._script: deque[tuple[EngageError, bool]] = deque()
        return httpx.MockTransport(self._platform)

    def _record(self, engine: Engine) -> None:
        self._claims = engine.claims
        engine.detour = self._posting

    def script(self, *errors: EngageError, stored: bool = False) -> None:
        """Let the next sends end in these errors, one each; `stored` says whether the platform
        has the interactions nevertheless."""
        self._script.extend((error, stored) for error in errors)

    def drop(self, *properties: str) -> None:
        """From now on let the platform drop these, by their names on the wire."""
        self._platform.dropped.update(properties)

    def payloads(self, kind: type[P]) -> Sequence[P]:
        """The payloads of one kind that were sent."""
        return [item.payload for item in self.sent if isinstance(item.payload, kind)]

    def assert_sent(
        self, payload: Payload, *, contact_id: str | None = None, times: int | None = None
    ) -> None:
        """Raise `AssertionError` if no equal payload was sent, to that contact if one is given, or
        not as many `times`."""
        count = sum(
            item.payload == payload and contact_id in (None, item.contact_id) for item in self.sent
        )
        if count == times or (times is None and count):
            return
        wanted = "never" if times is None else f"{count} times, not {times},"
        to = "" if contact_id is None else f" to {contact_id}"
        raise AssertionError(f"{wanted} sent{to}: {payload!r}; sent was: {self._listed()}")

    def assert_nothing_sent(self) -> None:
        """Raise `AssertionError` if anything was."""
        if self.sent:
            raise AssertionError(f"sent was: {self._listed()}")

    def _listed(self) -> str:
        lines = [f"\n  {item.payload!r} to {item.contact_id}" for item in self.sent]
        return "".join(lines) or "nothing"

    def _posting(
        self, fixed: Letter, policy: RetryPolicy, *, confirm: bool = False
    ) -> Call[Receipt]:
        scripted, is_stored = self._script.popleft() if self._script else (None, False)
        receipt: Receipt | None = None
        raised: EngageError | None = None
        try:
            if scripted is None:
                receipt = yield from send(fixed, policy, self._claims, confirm=confirm)
            elif is_stored:  # its client knows nothing of it: a look may find it
                receipt = yield from send(fixed, policy, Claims(), confirm=False)
            if scripted is not None:
                raise scripted
        except EngageError as error:
            raised = error
        payload = fixed.kind.from_payload(fixed.payload)
        self.sent.append(Sent(fixed.contact_id, payload, fixed.created_date, receipt, raised))
        if raised is not None:
            raise raised
        return cast(Receipt, receipt)


_SETTINGS = Settings(
    base_url="https://engage.example", api_key="key", user_agent="tests/1", api_version="v3"
)


class RecordingClient(Recorder, EngageClient):
    """Stands in for an `EngageClient`."""

    def __init__(
        self,
        *,
        retry: RetryPolicy | None = None,
        observer: Observer | None = None,
        clock: ManualClock | None = None,
    ) -> None:
        http = httpx.Client(transport=self._begin(clock))
        super().__init__(**_SETTINGS, retry=retry, observer=observer, clock=self.clock, http=http)
        self._record(self.__engine__)

    @classmethod
    def from_env(
        cls,
        *,
        rate: int = DEFAULT_RATE,
        retry: RetryPolicy | None = None,
        observer: Observer | None = None,
        http: httpx.Client | None = None,
    ) -> Self:
        """Needs nothing of the environment."""
        del rate, http
        return cls(retry=retry, observer=observer)


class AsyncRecordingClient(Recorder, AsyncEngageClient):
    """Stands in for an `AsyncEngageClient`."""

    def __init__(
        self,
        *,
        retry: RetryPolicy | None = None,
        observer: Observer | None = None,
        clock: ManualClock | None = None,
    ) -> None:
        http = httpx.AsyncClient(transport=self._begin(clock))
        super().__init__(**_SETTINGS, retry=retry, observer=observer, clock=self.clock, http=http)
        self._record(self.__engine__)

    @classmethod
    def from_env(
        cls,
        *,
        rate: int = DEFAULT_RATE,
        retry: RetryPolicy | None = None,
        observer: Observer | None = None,
        http: httpx.AsyncClient | None = None,
    ) -> Self:
        """Needs nothing of the environment."""
        del rate, http
        return cls(retry=retry, observer=observer)


class _Platform:
    """Takes whatever comes, and gives it back."""

    def __init__(self) -> None:
        self.dropped: set[str] = set()
        self._lock = threading.Lock()
        self._stored: dict[str, dict[str, Json]] = {}
        self._count = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        interaction_id = unquote(request.url.raw_path.decode().partition("/interactions/")[2])
        with self._lock:
            if request.method == "POST":
                return self._store(json.loads(request.content))
            if not interaction_id:
                return self._list(request.url.params)
            found = self._stored.get(interaction_id)
            if found is None:
                return httpx.Response(404, json={"errorCode": "InteractionNotFound"})
            if request.method == "DELETE":
                del self._stored[interaction_id]
            return httpx.Response(200, json=found)

    def _store(self, envelope: dict[str, Json]) -> httpx.Response:
        payload = envelope["payload"]
        kept = payload if isinstance(payload, dict) else {}
        kept = {name: value for name, value in kept.items() if name not in self.dropped}
        self._count += 1
        interaction_id = f"interaction-{self._count}"
        self._stored[interaction_id] = {**envelope, "payload": kept, "id": interaction_id}
        return httpx.Response(200, json={"id": interaction_id})

    def _list(self, asked: httpx.QueryParams) -> httpx.Response:
        items = [
            it
            for it in self._stored.values()
            if (it["contactId"], it["schemaId"]) == (asked["contactId"], asked["schemaId"])
        ]
        return httpx.Response(200, json={"items": items, "links": []})
