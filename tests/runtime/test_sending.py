"""Sending against a platform that misbehaves on a script: every send ends in the one outcome that
is true, and nothing is stored twice unless the platform applies a request after the look."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.async_client import AsyncEngageClient
from runtime.call.retry import RetryPolicy
from runtime.client import EngageClient
from runtime.errors import (
    ConfigurationError,
    EngageError,
    IgnoredError,
    InvalidPayloadError,
    NotSentError,
    OutcomeUnknownError,
    PayloadDroppedError,
    RateLimitedError,
    ReadError,
    RejectedError,
)
from runtime.results import Receipt
from tests.support.clocks import FakeClock
from tests.support.platform import CONTACT, Gift, Platform

QUICK = RetryPolicy(retry_delays=(1.0, 2.0), lookup_delays=(5.0,))
PATIENT = RetryPolicy(retry_delays=(1.0, 2.0), lookup_delays=(5.0, 10.0), resend=True)


Send = Callable[..., Any]


def threads(platform: Platform, **more: Any) -> Send:
    http = httpx.Client(transport=httpx.MockTransport(platform))
    client = EngageClient(
        "https://acme.voyado.com",
        api_key="k",
        user_agent="a/1",
        rate=1_000_000,
        clock=platform.clock,
        http=http,
        **more,
    )
    return client.send


def tasks(platform: Platform, **more: Any) -> Send:
    http = httpx.AsyncClient(transport=httpx.MockTransport(platform))
    client = AsyncEngageClient(
        "https://acme.voyado.com",
        api_key="k",
        user_agent="a/1",
        rate=1_000_000,
        clock=platform.clock,
        http=http,
        **more,
    )
    return lambda *arguments, **named: asyncio.run(client.send(*arguments, **named))


both = pytest.mark.parametrize("connect", [threads, tasks])


def send(
    platform: Platform, policy: RetryPolicy, connect: Callable[..., Send] = threads, **more: Any
) -> Receipt | EngageError:
    try:
        receipt: Receipt = connect(platform, retry=policy)(CONTACT, Gift("a", 5), **more)
        return receipt
    except EngageError as error:
        return error


AFTER = ["timeout after", "drop after", "500 after", "html after"]
BEFORE = ["timeout before", "drop before", "500 before"]


@both
@pytest.mark.parametrize("word", AFTER)
@pytest.mark.parametrize("policy", [QUICK, PATIENT])
def test_what_was_done_is_found(
    connect: Callable[..., Send], word: str, policy: RetryPolicy
) -> None:
    platform = Platform(FakeClock(), [word])
    outcome = send(platform, policy, connect)
    assert isinstance(outcome, Receipt)
    assert outcome.id == platform.stored[0]["id"]
    assert platform.sent == 1


@both
@pytest.mark.parametrize("word", BEFORE)
def test_what_was_not_done_is_unknown_to_somebody_who_cannot_wait(
    connect: Callable[..., Send], word: str
) -> None:
    platform = Platform(FakeClock(), [word])
    outcome = send(platform, QUICK, connect)
    assert isinstance(outcome, OutcomeUnknownError)
    assert outcome.lookup == "absent"
    assert (platform.sent, platform.stored) == (1, [])


@both
@pytest.mark.parametrize("word", BEFORE)
def test_what_was_not_done_is_sent_again_as_the_same_bytes_after_the_last_look(
    connect: Callable[..., Send], word: str
) -> None:
    platform = Platform(FakeClock(), [word])
    outcome = send(platform, PATIENT, connect)
    assert isinstance(outcome, Receipt)
    assert [method for method, _ in platform.requests] == ["POST", "GET", "GET", "POST"]
    assert platform.clock.sleeps == [5.0, 10.0]
    assert platform.requests[0] == platform.requests[-1]
    assert len(platform.stored) == 1


@pytest.mark.parametrize("word", BEFORE)
def test_a_second_send_is_the_last(word: str) -> None:
    platform = Platform(FakeClock(), [word] * 9)
    outcome = send(platform, PATIENT)
    assert isinstance(outcome, OutcomeUnknownError)
    assert (platform.sent, outcome.lookup) == (2, "absent")


@pytest.mark.parametrize("policy", [QUICK, PATIENT])
def test_without_a_look_nothing_is_sent_again(policy: RetryPolicy) -> None:
    platform = Platform(FakeClock(), ["timeout before"], looks=["timeout before"] * 99)
    outcome = send(platform, policy)
    assert isinstance(outcome, OutcomeUnknownError)
    assert (platform.sent, outcome.lookup) == (1, None)


def test_only_the_last_look_decides() -> None:
    platform = Platform(FakeClock(), ["timeout before"], looks=["ok", "500 before"])
    outcome = send(platform, PATIENT)
    assert isinstance(outcome, OutcomeUnknownError)
    assert (platform.sent, outcome.lookup) == (1, None)


def test_what_appears_while_we_wait_is_found_by_a_later_look() -> None:
    platform = Platform(FakeClock(), ["late 12"])
    assert isinstance(send(platform, PATIENT), Receipt)
    assert (platform.sent, len(platform.stored)) == (1, 1)


def test_a_request_that_is_applied_after_the_last_look_is_the_only_duplicate() -> None:
    platform = Platform(FakeClock(), ["late 16"])
    assert isinstance(send(platform, PATIENT), Receipt)
    platform.clock.sleep(60)
    platform(httpx.Request("GET", "https://x/api/v3/interactions/none"))
    assert len(platform.stored) == 2


def test_several_that_match_are_no_receipt() -> None:
    platform = Platform(FakeClock(), ["timeout before"])
    twin = {"contactId": CONTACT, "schemaId": "gift", "payload": {"note": "a"}}
    stamp = "2026-03-14T09:26:53.589Z"
    platform.stored = [{**twin, "id": name, "createdDate": stamp} for name in ("x", "y")]
    outcome = send(platform, PATIENT)
    assert isinstance(outcome, OutcomeUnknownError)
    assert (outcome.lookup, platform.sent) == ("ambiguous", 1)
    assert outcome.candidates == ("x", "y")


@pytest.mark.parametrize(
    "change",
    [
        {"createdDate": "2026-03-14T09:26:53.590Z"},
        {"createdDate": "2026-03-14T09:26:54Z"},
        {"createdDate": "nonsense"},
        {"payload": {"note": "b"}},
        {"payload": {"note": "a", "price": True}},
        {"payload": {"note": "a", "more": 1}},
        {"payload": None},
    ],
    ids=str,
)
def test_what_differs_is_not_taken_for_it(change: dict[str, object]) -> None:
    platform = Platform(FakeClock(), ["timeout before"])
    other = {"contactId": CONTACT, "schemaId": "gift", "payload": {"note": "a", "price": 5}}
    platform.stored = [{**other, "id": "x", "createdDate": "2026-03-14T09:26:53.589Z", **change}]
    assert isinstance(send(platform, QUICK), OutcomeUnknownError)


SPELLINGS: list[Callable[[str], str]] = [
    lambda text: text.replace("+00:00", "Z"),
    lambda text: text[:19] + "Z",
    lambda text: text[:23] + "0000+00:00",
    lambda text: text[:19],
]


@pytest.mark.parametrize("precision", SPELLINGS)
def test_the_platform_may_spell_dates_as_it_likes(precision: Callable[[str], str]) -> None:
    platform = Platform(FakeClock(), ["timeout after"], precision=precision)
    assert isinstance(send(platform, QUICK), Receipt)


def test_an_id_that_an_earlier_receipt_has_is_not_found_again() -> None:
    platform = Platform(FakeClock())
    client = threads(platform, retry=QUICK)
    when = platform.clock.now()
    client(CONTACT, Gift("a"), created_date=when)
    platform.script = ["timeout before"]
    with pytest.raises(OutcomeUnknownError):
        client(CONTACT, Gift("a"), created_date=when)


@both
@pytest.mark.parametrize("word", ["never left", "429"])
def test_what_certainly_was_not_done_is_repeated_while_there_is_patience(
    connect: Callable[..., Send], word: str
) -> None:
    platform = Platform(FakeClock(), [word, word])
    assert isinstance(send(platform, QUICK, connect), Receipt)
    assert platform.clock.sleeps[:2] == [1.0, 2.0]
    platform = Platform(FakeClock(), [word] * 3)
    outcome = send(platform, QUICK, connect)
    assert type(outcome) is (RateLimitedError if word == "429" else NotSentError)
    assert (platform.sent, platform.stored) == (3, [])


def test_retry_after_is_honoured_up_to_the_patience() -> None:
    platform = Platform(FakeClock(), ["429 3"])
    assert isinstance(send(platform, QUICK), Receipt)
    assert platform.clock.monotonic() >= 3
    platform = Platform(FakeClock(), ["429 3600"])
    outcome = send(platform, QUICK)
    assert isinstance(outcome, RateLimitedError)
    assert (outcome.retry_after, platform.sent) == (3600.0, 1)


@pytest.mark.parametrize(
    ("word", "kind"), [("ignored before", IgnoredError), ("refused before", RejectedError)]
)
def test_a_refusal_is_final(word: str, kind: type[EngageError]) -> None:
    platform = Platform(FakeClock(), [word])
    assert type(send(platform, PATIENT)) is kind
    assert (platform.sent, platform.clock.sleeps) == (1, [])


@both
def test_confirm_names_what_the_platform_did_not_keep(connect: Callable[..., Send]) -> None:
    platform = Platform(FakeClock(), drops=("price",))
    assert isinstance(send(platform, QUICK, connect), Receipt)
    outcome = send(platform, QUICK, connect, confirm=True)
    assert isinstance(outcome, PayloadDroppedError)
    assert outcome.properties == ("price",)
    assert outcome.receipt.id == platform.stored[-1]["id"]
    assert isinstance(send(Platform(FakeClock()), QUICK, connect, confirm=True), Receipt)


def test_what_cannot_be_confirmed_is_stored_all_the_same() -> None:
    platform = Platform(FakeClock(), looks=["500 before"] * 9)
    outcome = send(platform, QUICK, confirm=True)
    assert isinstance(outcome, ReadError)
    assert outcome.receipt is not None
    assert outcome.receipt.id == platform.stored[0]["id"]


def test_the_reasons_of_a_refusal_are_kept_and_not_shown() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        details = {"reasons": ["price: is \x1b[31mtoo high", {"deeper": ["x"]}]}
        body = {"errorCode": "Bad", "message": "no\x1b[0m", "messageDetails": details}
        return httpx.Response(400, json=body)

    http = httpx.Client(transport=httpx.MockTransport(refuse))
    client = EngageClient("https://a.example", api_key="k", user_agent="a/1", http=http)
    with pytest.raises(RejectedError) as caught:
        client.send(CONTACT, Gift("a"))
    assert caught.value.reasons == ("price: is  [31mtoo high", "x")
    assert str(caught.value) == "Bad: no [0m (status 400)"


@pytest.mark.parametrize("proxy", ["http://127.0.0.1:9", "foo://x", "socks5://x"])
def test_a_proxy_of_the_environment_is_not_for_the_loopback(
    proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, proxy)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with EngageClient("http://127.0.0.1:1", api_key="k", user_agent="a/1") as client:
        assert "k" not in repr(client)
    if proxy != "http://127.0.0.1:9":
        with pytest.raises(ConfigurationError, match="proxy"):
            EngageClient("https://a.example", api_key="k", user_agent="a/1")


@pytest.mark.parametrize("thing", [[], "x", None, 5])
def test_a_payload_that_is_no_object_is_a_violation(thing: Any) -> None:
    with pytest.raises(InvalidPayloadError, match="must be an object"):
        Gift.from_payload(thing)


def test_policies_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="delay"):
        RetryPolicy(retry_delays=(-1.0,))
    with pytest.raises(ValueError, match="delay"):
        RetryPolicy(lookup_delays=(1e9,))
    with pytest.raises(ValueError, match="lookup_delays"):
        RetryPolicy(resend=True)
    assert RetryPolicy.background().lookup_delays == (10.0, 30.0, 60.0, 300.0)


WORDS = st.sampled_from(
    [*AFTER, *BEFORE, "never left", "429", "ok", "ignored before", "refused before"]
)
LOOKS = st.sampled_from(["ok", "ok", "ok", "500 before", "timeout before", "never left", "429"])


@settings(deadline=None, max_examples=300)
@given(
    script=st.lists(st.lists(WORDS, max_size=4), min_size=1, max_size=5),
    looks=st.lists(LOOKS, max_size=12),
    policy=st.sampled_from([QUICK, PATIENT, RetryPolicy.never(), RetryPolicy.background()]),
)
def test_every_send_ends_in_the_outcome_that_is_true(
    script: Sequence[list[str]], looks: list[str], policy: RetryPolicy
) -> None:
    platform = Platform(FakeClock(), looks=list(looks))
    client = threads(platform, retry=policy)
    when = platform.clock.now()
    receipts: list[str] = []
    unknown = 0
    for number, words in enumerate(script):
        platform.script = list(words)
        before = len(platform.stored)
        most, least = 1, 1
        try:
            moment = when + timedelta(milliseconds=number)
            receipts.append(client(CONTACT, Gift("a", number), created_date=moment).id)
        except OutcomeUnknownError as error:
            unknown += 1
            most, least = int(error.lookup is None), 0
        except (NotSentError, RejectedError):
            most, least = 0, 0
        assert least <= len(platform.stored) - before <= most
    ids = [it["id"] for it in platform.stored]
    assert set(receipts) <= set(ids)
    assert len(set(receipts)) == len(receipts), "no receipt twice"
    assert len(ids) <= len(receipts) + unknown, "nothing is stored twice"


@both
def test_dates_increase_by_the_millisecond_even_if_the_clock_goes_back(
    connect: Callable[..., Send],
) -> None:
    platform = Platform(FakeClock())
    client = connect(platform)
    client(CONTACT, Gift("a"))
    platform.clock.start -= timedelta(hours=1)
    client(CONTACT, Gift("a"))
    first, second = (datetime.fromisoformat(it["createdDate"]) for it in platform.stored)
    assert second - first == timedelta(milliseconds=1)


def test_a_second_send_that_never_left_says_nothing_of_the_first() -> None:
    platform = Platform(FakeClock(), ["late 1000", *["never left"] * 9])
    outcome = send(platform, PATIENT)
    assert isinstance(outcome, OutcomeUnknownError)
    assert outcome.lookup == "absent"


@both
def test_an_observer_is_told_everything_and_can_do_no_harm(
    connect: Callable[..., Send], caplog: pytest.LogCaptureFixture
) -> None:
    told: list[object] = []

    class Metrics:
        def attempted(self, *what: object) -> None:
            told.append(("attempted", *what[:3]))
            raise RuntimeError("a bug in the metrics")

        def waited(self, *what: object) -> None:
            told.append(("waited", *what))

        def finished(self, *what: object) -> None:
            told.append(("finished", *what[:3]))

    platform = Platform(FakeClock(), ["never left", "timeout after"])
    send = connect(platform, retry=QUICK, observer=Metrics())
    assert isinstance(send(CONTACT, Gift("a")), Receipt)
    assert told == [
        ("attempted", "POST", "interactions", None),
        ("waited", "retry", 1.0),
        ("attempted", "POST", "interactions", None),
        ("waited", "lookup", 5.0),
        ("attempted", "GET", "interactions", 200),
        ("finished", "send", "gift", "ok"),
    ]
    assert "observer of the client raised" in caplog.text
