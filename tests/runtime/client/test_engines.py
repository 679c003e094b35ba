"""The engines: they drive a call step by step, within its deadline, and report each step."""

import asyncio
import json
import logging
import math
import threading
from collections.abc import Callable, Generator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, TypeAlias

import pytest

from engage_interactions import (
    ConfigurationError,
    NotSentError,
    OutcomeUnknownError,
    Receipt,
    RetryPolicy,
)
from engage_interactions._runtime.call.interaction import EncodedInteraction, encode_interaction
from engage_interactions._runtime.call.receipts import ReceiptRegistry
from engage_interactions._runtime.call.steps import (
    Answer,
    Call,
    Failure,
    Reconnect,
    Reply,
    Request,
    Stop,
    Wait,
)
from engage_interactions._runtime.engine.engine import CallSettings, Engine, Limits
from engage_interactions._runtime.engine.task_engine import TaskEngine
from engage_interactions._runtime.engine.thread_engine import ThreadEngine
from engage_interactions._runtime.transport.connection import Connection
from engage_interactions._runtime.transport.observer import GuardedObserver, LogObserver
from engage_interactions._runtime.transport.rate_limiter import ProcessRateLimiter
from tests.support.runtime.clocks import FakeClock
from tests.support.runtime.platform import CONTACT, Gift

GET = Request("GET", "interactions?contactId=c")
POST = Request("POST", "interactions", b"{}")
OK = Answer(200, b"{}")

Event: TypeAlias = tuple[object, ...]


class Recorder:
    """An observer that records the events."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def attempted(self, *arguments: object) -> None:
        self.events.append(("attempted", *arguments))

    def waited(self, *arguments: object) -> None:
        self.events.append(("waited", *arguments))

    def finished(self, *arguments: object) -> None:
        self.events.append(("finished", *arguments))


class Transport:
    """Answers each request with the next reply, and takes `seconds` for it."""

    def __init__(self, clock: FakeClock, seconds: float = 0.0) -> None:
        self.clock = clock
        self.seconds = seconds
        self.replies: list[Reply | BaseException] = []
        self.requests: list[tuple[Request, float | None]] = []
        self.checks = self.reconnects = 0
        self.is_usable = True

    def check_usable(self) -> None:
        self.checks += 1
        if not self.is_usable:
            raise ConfigurationError("the client is closed")

    def exchange(self, request: Request, timeout: float | None) -> Reply:
        self.requests.append((request, timeout))
        self.clock.sleep(self.seconds)
        reply = self.replies.pop(0) if self.replies else OK
        if isinstance(reply, BaseException):
            raise reply
        return reply

    def reconnect(self) -> None:
        self.reconnects += 1

    def close(self) -> None:
        """Nothing is open."""


class AsyncTransport:
    """The same with asyncio."""

    def __init__(self, transport: Transport) -> None:
        self.check_usable = transport.check_usable
        self.reconnect = transport.reconnect
        self._transport = transport

    async def exchange(self, request: Request, timeout: float | None) -> Reply:
        return self._transport.exchange(request, timeout)

    async def close(self) -> None:
        """Nothing is open."""


class Rig:
    """An engine with a transport, a clock and an observer."""

    def __init__(
        self,
        kind: str = "threads",
        limits: Limits | None = None,
        seconds: float = 0.0,
        retry: RetryPolicy | None = None,
    ) -> None:
        self.clock = FakeClock()
        self.observer = Recorder()
        connection = Connection(f"https://{id(self)}.example", "k", "a/1", "v3")
        options: dict[str, Any] = {
            "limits": limits or Limits(rate=1_000_000),
            "retry": retry,
            "observer": self.observer,
            "clock": self.clock,
        }
        self.engine: Engine
        self._run: Callable[[Call[Any], CallSettings, Any], Any]
        self.transport = Transport(self.clock, seconds)
        if kind == "threads":
            threads = ThreadEngine(connection, self.transport, **options)
            self.engine = threads
            self._run = threads.run
        else:
            tasks = TaskEngine(connection, AsyncTransport(self.transport), **options)
            self.engine = tasks
            self._run = lambda call, settings, stop: asyncio.run(tasks.run(call, settings, stop))

    def settings(self, ends_at: float) -> CallSettings:
        return replace(self.engine.settings(), ends_at=ends_at)

    def run(self, call: Call[Any], ends_at: float, stop: Any = None) -> Any:
        return self._run(call, self.settings(ends_at), stop)


both = pytest.mark.parametrize("kind", ["threads", "tasks"])


def script(*steps: Request | Wait | Reconnect) -> Call[list[object]]:
    """Return a call that yields the steps, and returns their replies and exceptions."""
    replies: list[object] = []
    for step in steps:
        try:
            replies.append((yield step))
        except (Stop, KeyboardInterrupt) as error:
            replies.append(type(error))
    return replies


@both
def test_a_call_gets_the_reply_to_each_request(kind: str) -> None:
    rig = Rig(kind, seconds=0.25)
    not_found, cut = Answer(404, b""), Failure("cut", may_have_arrived=True)
    rig.transport.replies = [OK, not_found, cut]
    by_id = Request("DELETE", "interactions/i1")
    assert rig.run(script(POST, GET, by_id), math.inf) == [OK, not_found, cut]
    assert rig.transport.requests == [(POST, None), (GET, None), (by_id, None)]
    assert rig.transport.checks == 1
    assert rig.observer.events == [
        ("attempted", "POST", "interactions", 200, 0.25),
        ("attempted", "GET", "interactions", 404, 0.25),
        ("attempted", "DELETE", "interactions/{id}", None, 0.25),
    ]


@both
def test_an_unusable_transport_is_refused_before_the_first_step(kind: str) -> None:
    rig = Rig(kind)
    rig.transport.is_usable = False
    call = script(POST)
    with pytest.raises(ConfigurationError, match="closed"):
        rig.run(call, math.inf)
    assert next(call) is POST
    assert rig.observer.events == []


@both
def test_waits_are_slept_and_reported(kind: str) -> None:
    rig = Rig(kind)
    replies = rig.run(script(Wait(2.5, "retry"), GET, Wait(0.5, "lookup"), GET), math.inf)
    assert replies[1::2] == [OK, OK]
    assert all(isinstance(reply, Failure) for reply in replies[::2])
    assert rig.clock.sleeps[:1] == [2.5]
    assert rig.observer.events[0] == ("waited", "retry", 2.5)
    assert rig.observer.events[2] == ("waited", "lookup", 0.5)
    assert rig.clock.monotonic() == 3.0


@both
def test_a_reconnect_is_passed_on_and_answered_with_nothing(kind: str) -> None:
    rig = Rig(kind)
    nothing, reply = rig.run(script(Reconnect(), GET), math.inf)
    assert isinstance(nothing, Failure)
    assert not nothing.may_have_arrived
    assert (reply, rig.transport.reconnects) == (OK, 1)


@both
def test_an_exception_of_the_transport_is_thrown_into_the_call(kind: str) -> None:
    rig = Rig(kind)
    rig.transport.replies = [KeyboardInterrupt()]
    assert rig.run(script(POST, GET), math.inf) == [KeyboardInterrupt, OK]
    rig.transport.replies = [MemoryError()]
    with pytest.raises(MemoryError):
        rig.run(script(POST), math.inf)


@both
@pytest.mark.parametrize(("seconds", "is_stopped"), [(4.75, False), (5.0, True), (5.25, True)])
def test_a_wait_that_leaves_no_time_for_a_request_ends_the_call(
    kind: str, seconds: float, is_stopped: bool
) -> None:
    rig = Rig(kind)
    rig.clock.sleep(100.0)
    outcome, _ = rig.run(script(Wait(seconds, "retry"), Reconnect()), 105.0)
    assert (outcome is Stop) == is_stopped
    assert rig.clock.monotonic() == (100.0 if is_stopped else 100.0 + seconds)
    assert len(rig.observer.events) == (0 if is_stopped else 1)


@both
@pytest.mark.parametrize(("ends_at", "is_sent"), [(99.0, False), (100.0, False), (100.25, True)])
def test_no_request_is_sent_after_the_deadline(kind: str, ends_at: float, is_sent: bool) -> None:
    rig = Rig(kind)
    rig.clock.sleep(100.0)
    (reply,) = rig.run(script(POST), ends_at)
    assert rig.transport.requests == ([(POST, ends_at - 100.0)] if is_sent else [])
    if is_sent:
        assert reply == OK
    else:
        assert isinstance(reply, Failure)
        assert not reply.may_have_arrived
        assert "deadline" in reply.reason
        assert rig.observer.events == []


@both
def test_no_request_waits_for_the_rate_limiter_beyond_the_deadline(kind: str) -> None:
    rig = Rig(kind, Limits(rate=1))
    first, second, third = rig.run(script(GET, GET, GET), 1.5)
    assert (first, second) == (OK, OK)
    assert isinstance(third, Failure)
    assert not third.may_have_arrived
    assert rig.transport.requests == [(GET, 1.5), (GET, 1.5 - 1.01)]
    assert [event for event in rig.observer.events if event[0] == "waited"] == [
        ("waited", "rate limit", 1.01)
    ]


@both
def test_a_stop_ends_the_call_at_its_next_wait(kind: str) -> None:
    rig = Rig(kind)
    stop: Any = threading.Event() if kind == "threads" else asyncio.Event()
    calls = (GET, Wait(1.0, "retry"), GET)
    assert rig.run(script(*calls), math.inf, stop)[1] is not Stop
    stop.set()
    assert rig.run(script(*calls), math.inf, stop) == [OK, Stop, OK]


def test_the_stop_cuts_a_sleep_short(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig()
    stops: list[threading.Event | None] = []

    def sleep(seconds: float, stop: threading.Event | None = None) -> None:
        stops.append(stop)

    monkeypatch.setattr(rig.clock, "sleep", sleep)
    stop = threading.Event()
    rig.run(script(Wait(1.0, "retry")), math.inf, stop)
    assert stops == [stop]


@pytest.mark.parametrize("rate", [0, -1, 0.5])
def test_a_rate_below_one_is_refused(rate: Any) -> None:
    with pytest.raises(ConfigurationError, match=f"rate .* {rate}"):
        Limits(rate=rate).check()
    Limits(rate=1).check()


@pytest.mark.parametrize("name", ["timeout", "deadline"])
@pytest.mark.parametrize("seconds", [0, 0.0, -1.0, math.inf, math.nan])
def test_a_limit_that_cannot_work_is_refused_and_named(name: str, seconds: float) -> None:
    limits: dict[str, Any] = {name: seconds}
    with pytest.raises(ConfigurationError, match=f"{name} .* {seconds}"):
        Limits(**limits).check()
    with pytest.raises(ConfigurationError, match=name):
        Rig(limits=Limits(**limits))
    with pytest.raises(ConfigurationError, match=r"^The deadline must"):
        Rig().engine.settings(deadline=seconds)
    limits[name] = 1e-9
    Limits(**limits).check()


POLICY = RetryPolicy(deadline=7.0)


@pytest.mark.parametrize(
    ("call", "client", "policy", "seconds"),
    [
        (3.0, 5.0, POLICY, 3.0),
        (None, 5.0, POLICY, 5.0),
        (None, None, POLICY, 7.0),
        (None, None, None, 14.0),  # the default policy
        (None, None, RetryPolicy.never(), math.inf),
        (3.0, None, RetryPolicy.never(), 3.0),
        (None, 5.0, RetryPolicy.never(), 5.0),
    ],
)
def test_the_deadline_is_that_of_the_call_the_client_or_the_policy(
    call: float | None, client: float | None, policy: RetryPolicy | None, seconds: float
) -> None:
    rig = Rig(limits=Limits(deadline=client))
    rig.clock.sleep(100.0)
    ends_at = rig.engine.settings(policy, deadline=call).ends_at
    assert ends_at == 100.0 + seconds
    assert rig.engine.remaining(ends_at) == (None if seconds == math.inf else seconds)


@pytest.mark.parametrize(
    ("timeout", "ends_at", "seconds"),
    [
        (None, math.inf, None),
        (3.0, math.inf, 3.0),
        (None, 105.0, 5.0),
        (3.0, 105.0, 3.0),
        (9.0, 105.0, 5.0),
    ],
)
def test_a_request_ends_by_its_timeout_and_by_the_end_of_the_call(
    timeout: float | None, ends_at: float, seconds: float | None
) -> None:
    rig = Rig(limits=Limits(timeout=timeout))
    rig.clock.sleep(100.0)
    assert rig.engine.request_timeout(rig.settings(ends_at)) == seconds


@pytest.mark.parametrize(("seconds", "is_reported"), [(0.0, False), (2**-10, False), (2**-9, True)])
def test_a_wait_for_the_rate_limiter_is_reported_from_a_millisecond_on(
    seconds: float, is_reported: bool
) -> None:
    rig = Rig()
    rig.engine.record_limiter_wait(1.0, 1.0 + seconds)
    expected: list[Event] = [("waited", "rate limit", seconds)] if is_reported else []
    assert rig.observer.events == expected


@pytest.mark.parametrize(
    ("reply", "hold"),
    [
        (Answer(429, b""), 0.0),
        (Answer(429, b"", 0.0), 0.0),
        (Answer(429, b"", 7.0), 7.0),
        (Answer(429, b"", 60.0), 60.0),
        (Answer(429, b"", 60.5), 60.0),
        (Answer(429, b"", 3600.0), 60.0),
        (Answer(503, b"", 7.0), None),
        (Answer(200, b""), None),
        (Failure("cut", may_have_arrived=True), None),
    ],
)
def test_a_429_holds_all_requests_with_the_key_for_a_minute_at_most(
    monkeypatch: pytest.MonkeyPatch, reply: Reply, hold: float | None
) -> None:
    rig = Rig()
    holds: list[float] = []
    monkeypatch.setattr(rig.engine.limiter, "slow_down", holds.append)
    rig.transport.replies = [reply]
    assert rig.run(script(GET), math.inf) == [reply]
    assert holds == ([] if hold is None else [hold])


@pytest.mark.parametrize("error", [None, ValueError("x"), KeyboardInterrupt()])
def test_the_outcome_and_the_duration_of_a_call_are_reported(error: BaseException | None) -> None:
    rig = Rig()
    rig.clock.sleep(100.0)

    def act() -> Generator[None]:
        with rig.engine.observe("send", "gift"):
            rig.clock.sleep(2.5)
            if error is not None:
                raise error
        yield

    if error is None:
        list(act())
    else:
        with pytest.raises(type(error)):
            list(act())
    outcome = "ok" if error is None else type(error).__name__
    assert rig.observer.events == [("finished", "send", "gift", outcome, 2.5)]


def test_the_shortest_wait_that_is_reported_is_a_millisecond() -> None:
    rig = Rig()
    rig.engine.record_limiter_wait(0.0, 0.001)
    assert rig.observer.events == [("waited", "rate limit", 0.001)]


def test_clients_with_one_url_and_key_share_a_limiter() -> None:
    clock = FakeClock()

    def limiter(url: str, key: str) -> ProcessRateLimiter:
        connection = Connection(url, key, "a/1", "v3")
        shared = keep(Engine(connection, Limits(), None, None, clock)).limiter
        assert isinstance(shared, ProcessRateLimiter)
        return shared

    engines: list[Engine] = []

    def keep(engine: Engine) -> Engine:
        engines.append(engine)
        return engine

    first = limiter("https://a.example", "k")
    assert limiter("https://a.example", "k") is first
    assert limiter("https://A.example:443", "k") is first
    assert limiter("https://b.example", "k") is not first
    assert limiter("https://a.example", "another") is not first


@both
def test_an_engine_has_the_policy_of_its_client(kind: str) -> None:
    assert Rig(kind, retry=POLICY).engine.retry is POLICY
    assert Rig(kind).engine.retry == RetryPolicy.interactive()


def test_events_are_logged_by_default_and_an_observer_is_guarded() -> None:
    connection = Connection("https://a.example", "k", "a/1", "v3")
    by_default = Engine(connection, Limits(), None, None, FakeClock())
    assert type(by_default.observer) is LogObserver
    assert by_default.retry == RetryPolicy.interactive()
    assert type(Rig().engine.observer) is GuardedObserver
    assert Engine(connection, Limits(), POLICY, None, FakeClock()).retry is POLICY


def test_the_log_has_each_event_at_its_level(caplog: pytest.LogCaptureFixture) -> None:
    observer = LogObserver()
    with caplog.at_level(logging.DEBUG, "engage_interactions"):
        observer.attempted("POST", "interactions", 200, 0.25)
        observer.attempted("GET", "interactions", None, 1.5)
        observer.waited("rate limit", 0.5)
        observer.waited("retry", 2.0)
        observer.finished("send", "gift", "ok", 2.5)
        observer.finished("delete", "", "ReadError", 0.125)
    assert [(record.levelname, record.message) for record in caplog.records] == [
        ("DEBUG", "POST interactions: 200 after 0.250 s"),
        ("DEBUG", "GET interactions: no answer after 1.500 s"),
        ("DEBUG", "Waited 0.500 s (rate limit)."),
        ("INFO", "Waited 2.000 s (retry)."),
        ("DEBUG", "send of gift: ok after 2.500 s"),
        ("DEBUG", "delete: ReadError after 0.125 s"),
    ]


STORED = Answer(201, b'{"id": "i1"}')
READ = {"contactId": CONTACT, "schemaId": "gift", "createdDate": "", "payload": {"note": "a"}}
FOUND = Answer(200, json.dumps({"id": "i1", **READ}).encode())
BOUGHT = datetime(2025, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC)
ONE_RETRY = RetryPolicy(retry_delays=(0.25,))


@pytest.mark.parametrize("created_date", [None, BOUGHT])
@pytest.mark.parametrize("confirm", [False, True])
def test_a_prepared_send_posts_the_interaction_and_reads_it_back_if_asked(
    created_date: datetime | None, confirm: bool
) -> None:
    rig = Rig()
    rig.transport.replies = [STORED, FOUND]
    call = rig.engine.prepare_send(
        CONTACT, Gift("a"), created_date, rig.engine.retry, confirm=confirm
    )
    date = created_date or rig.clock.start
    assert rig.run(call, math.inf) == Receipt("i1", CONTACT, "gift", date)
    requests = [request for request, _ in rig.transport.requests]
    assert [request.method for request in requests] == (["POST", "GET"] if confirm else ["POST"])
    body = json.loads(requests[0].body or b"")
    assert body == {**READ, "createdDate": date.isoformat()}
    assert rig.engine.receipts.belongs_to_another(
        encode_interaction(CONTACT, Gift("a"), date), "i1"
    )


@pytest.mark.parametrize(
    ("policy", "waits"), [(None, [0.5, 1.0, 2.0]), (ONE_RETRY, [0.25]), (RetryPolicy.never(), [])]
)
def test_a_prepared_send_is_retried_by_its_policy_or_by_that_of_the_client(
    policy: RetryPolicy | None, waits: list[float]
) -> None:
    rig = Rig()
    rig.transport.replies = [Failure("refused", may_have_arrived=False)] * 9
    call = rig.engine.prepare_send(CONTACT, Gift("a"), None, rig.engine.settings(policy).policy)
    with pytest.raises(NotSentError):
        rig.run(call, math.inf)
    assert [event[2] for event in rig.observer.events if event[0] == "waited"] == waits


def test_a_lookup_uses_the_clock_of_the_client() -> None:
    rig = Rig()
    # It was stored long after the clock of the machine, and a second after that of the client.
    rig.clock.start = datetime(2999, 1, 1, tzinfo=UTC)
    near = {**READ, "id": "x", "createdDate": "2999-01-01T00:00:01Z"}
    listed = Answer(200, json.dumps({"items": [near], "links": []}).encode())
    rig.transport.replies = [Failure("cut", may_have_arrived=True), listed]
    call = rig.engine.prepare_send(CONTACT, Gift("a"), BOUGHT, rig.engine.retry)
    with pytest.raises(OutcomeUnknownError) as caught:
        rig.run(call, math.inf)
    assert (caught.value.lookup, caught.value.candidates) == ("ambiguous", ("x",))


@pytest.mark.parametrize("confirm", [False, True])
@pytest.mark.parametrize("policy", [None, ONE_RETRY])
def test_an_intercepted_send_makes_no_request(confirm: bool, policy: RetryPolicy | None) -> None:
    rig = Rig()
    sends: list[tuple[EncodedInteraction, RetryPolicy, bool, bool]] = []
    receipt = Receipt("i1", CONTACT, "gift", BOUGHT)

    def intercept(
        interaction: EncodedInteraction,
        policy: RetryPolicy,
        receipts: ReceiptRegistry,
        now: Callable[[], datetime],
        *,
        confirm: bool,
        perhaps_sent: bool,
    ) -> Call[Receipt]:
        assert receipts is rig.engine.receipts
        assert now() == rig.clock.now()
        sends.append((interaction, policy, confirm, perhaps_sent))
        yield Wait(0.5, "retry")
        return receipt

    rig.engine.intercept = intercept
    used = policy or rig.engine.retry
    call = rig.engine.prepare_send(
        CONTACT, Gift("a"), BOUGHT, used, confirm=confirm, perhaps_sent=not confirm
    )
    assert rig.run(call, math.inf) is receipt
    expected = encode_interaction(CONTACT, Gift("a"), BOUGHT)
    assert sends == [(expected, used, confirm, not confirm)]
    assert rig.transport.requests == []
    rig.run(rig.engine.prepare_post(expected, ONE_RETRY), math.inf)
    assert sends[1:] == [(expected, ONE_RETRY, False, False)]
