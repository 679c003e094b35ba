"""Sends to a platform with faults.

The outcome of every send is true, and nothing is stored twice unless the platform applies a request
after the last lookup.
"""

import asyncio
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engage_interactions._runtime.async_client import AsyncEngageClient
from engage_interactions._runtime.call.retry import RetryPolicy
from engage_interactions._runtime.client import EngageClient
from engage_interactions._runtime.errors import (
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
from engage_interactions._runtime.results import Receipt
from tests.support.runtime.clocks import FakeClock
from tests.support.runtime.http_library import httpx
from tests.support.runtime.platform import CONTACT, Gift, Platform

INTERACTIVE = RetryPolicy(retry_delays=(1.0, 2.0), lookup_delays=(5.0,))
BACKGROUND = RetryPolicy(retry_delays=(1.0, 2.0), lookup_delays=(5.0, 10.0), resend=True)


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
    outcome: Receipt | EngageError
    try:
        outcome = connect(platform, retry=policy)(CONTACT, Gift("a", 5), **more)
    except EngageError as error:
        outcome = error
    assert "None" not in str(outcome), "a message without a value"
    return outcome


APPLIED = ["timeout after", "drop after", "500 after", "html after"]
NOT_APPLIED = ["timeout before", "drop before", "500 before"]


@both
@pytest.mark.parametrize("fault", APPLIED)
@pytest.mark.parametrize("policy", [INTERACTIVE, BACKGROUND])
def test_a_lookup_finds_an_unanswered_interaction_that_was_stored(
    connect: Callable[..., Send], fault: str, policy: RetryPolicy
) -> None:
    platform = Platform(FakeClock(), [fault])
    outcome = send(platform, policy, connect)
    assert isinstance(outcome, Receipt)
    assert outcome.id == platform.stored[0]["id"]
    assert platform.posts == 1


@both
@pytest.mark.parametrize("fault", NOT_APPLIED)
def test_a_policy_without_resend_reports_an_interaction_that_no_lookup_found(
    connect: Callable[..., Send], fault: str
) -> None:
    platform = Platform(FakeClock(), [fault])
    outcome = send(platform, INTERACTIVE, connect)
    assert isinstance(outcome, OutcomeUnknownError)
    assert outcome.lookup == "absent"
    assert (platform.posts, platform.stored) == (1, [])


@both
@pytest.mark.parametrize("fault", NOT_APPLIED)
def test_a_resend_uses_the_same_bytes_after_the_last_lookup(
    connect: Callable[..., Send], fault: str
) -> None:
    platform = Platform(FakeClock(), [fault])
    outcome = send(platform, BACKGROUND, connect)
    assert isinstance(outcome, Receipt)
    assert [method for method, _ in platform.requests] == ["POST", "GET", "GET", "POST"]
    assert platform.clock.sleeps == [5.0, 10.0]
    assert platform.requests[0] == platform.requests[-1]
    assert len(platform.stored) == 1


@pytest.mark.parametrize("fault", NOT_APPLIED)
def test_there_is_at_most_one_resend(fault: str) -> None:
    platform = Platform(FakeClock(), [fault] * 9)
    outcome = send(platform, BACKGROUND)
    assert isinstance(outcome, OutcomeUnknownError)
    assert (platform.posts, outcome.lookup) == (2, "absent")


@pytest.mark.parametrize("policy", [INTERACTIVE, BACKGROUND])
def test_nothing_is_resent_while_lookups_fail(policy: RetryPolicy) -> None:
    platform = Platform(FakeClock(), ["timeout before"], get_faults=["timeout before"] * 99)
    outcome = send(platform, policy)
    assert isinstance(outcome, OutcomeUnknownError)
    assert (platform.posts, outcome.lookup) == (1, None)


def test_nothing_is_resent_if_the_last_lookup_fails() -> None:
    platform = Platform(FakeClock(), ["timeout before"], get_faults=["ok", "500 before"])
    outcome = send(platform, BACKGROUND)
    assert isinstance(outcome, OutcomeUnknownError)
    assert (platform.posts, outcome.lookup) == (1, None)


def test_a_later_lookup_finds_an_interaction_that_is_stored_late() -> None:
    platform = Platform(FakeClock(), ["late 12"])
    assert isinstance(send(platform, BACKGROUND), Receipt)
    assert (platform.posts, len(platform.stored)) == (1, 1)


def test_a_duplicate_needs_a_request_that_is_applied_after_the_last_lookup() -> None:
    platform = Platform(FakeClock(), ["late 16"])
    assert isinstance(send(platform, BACKGROUND), Receipt)
    platform.clock.sleep(60)
    platform(httpx.Request("GET", "https://x/api/v3/interactions/none"))
    assert len(platform.stored) == 2


def test_several_matching_interactions_are_ambiguous() -> None:
    platform = Platform(FakeClock(), ["timeout before"])
    match = {"contactId": CONTACT, "schemaId": "gift", "payload": {"note": "a"}}
    stamp = "2026-03-14T09:26:53.589Z"
    platform.stored = [{**match, "id": name, "createdDate": stamp} for name in ("x", "y")]
    outcome = send(platform, BACKGROUND)
    assert isinstance(outcome, OutcomeUnknownError)
    assert (outcome.lookup, platform.posts) == ("ambiguous", 1)
    assert outcome.candidates == ("x", "y")


@pytest.mark.parametrize(
    "change",
    [
        {"createdDate": "2026-03-14T09:26:53.590Z"},
        {"createdDate": "2026-03-14T09:26:51.589Z"},
        {"createdDate": "2026-03-14T09:26:54Z"},
        {"createdDate": "2026-03-14T09:26:53Z"},
        {"createdDate": "2026-03-14T09:26:53.589"},
        {"createdDate": "nonsense"},
        {"createdDate": None},
        {"contactId": "another"},
        {"payload": {"note": "b"}},
        {"payload": {"note": "a", "price": True}},
        {"payload": {"note": "a", "price": "5"}},
        {"payload": {"note": " a"}},
        {"payload": None},
        {"payload": "{}"},
    ],
    ids=str,
)
def test_an_interaction_that_is_near_but_not_equal_is_never_sent_again(
    change: dict[str, object],
) -> None:
    platform = Platform(FakeClock(), ["timeout before"])
    stored = {"contactId": CONTACT, "schemaId": "gift", "payload": {"note": "a", "price": 5}}
    platform.stored = [{**stored, "id": "x", "createdDate": "2026-03-14T09:26:53.589Z", **change}]
    outcome = send(platform, BACKGROUND)
    assert isinstance(outcome, OutcomeUnknownError)
    assert (outcome.lookup, outcome.candidates, platform.posts) == ("ambiguous", ("x",), 1)


def test_an_interaction_between_the_post_and_the_lookup_may_be_the_one() -> None:
    platform = Platform(FakeClock(), ["timeout before"])
    stored = {"contactId": CONTACT, "schemaId": "gift", "payload": {"note": "a", "price": 5}}
    platform.stored = [{**stored, "id": "x", "createdDate": "2026-03-14T09:26:58Z"}]
    outcome = send(platform, INTERACTIVE, created_date=datetime(2020, 1, 1, tzinfo=UTC))
    assert isinstance(outcome, OutcomeUnknownError)
    assert (outcome.lookup, outcome.candidates) == ("ambiguous", ("x",))


@pytest.mark.parametrize(
    "date", ["2026-03-14T09:26:51.588Z", "2026-03-14T09:27:11Z", "2020-01-01T00:00:00Z"]
)
def test_an_interaction_that_is_not_near_is_another(date: str) -> None:
    platform = Platform(FakeClock(), ["timeout before"])
    stored = {"contactId": CONTACT, "schemaId": "gift", "payload": {"note": "a", "price": 5}}
    platform.stored = [{**stored, "id": "x", "createdDate": date}]
    assert isinstance(send(platform, BACKGROUND), Receipt)
    assert len(platform.stored) == 2


@pytest.mark.parametrize(
    "payload",
    [
        {"price": 5.0, "note": "a"},
        {"note": "a"},
        {},
        {"note": "a", "price": 5, "undeclared": 1},
        {"note": "a", "price": None, "undeclared": None},
    ],
    ids=str,
)
def test_a_lookup_compares_payloads_by_their_meaning(payload: dict[str, object]) -> None:
    platform = Platform(FakeClock(), ["timeout before"])
    stored = {"contactId": CONTACT.upper(), "schemaId": "gift", "payload": payload}
    platform.stored = [{**stored, "id": "x", "createdDate": "2026-03-14T10:26:53.5890004+01:00"}]
    outcome = send(platform, INTERACTIVE)
    assert isinstance(outcome, Receipt)
    assert outcome.id == "x"


SPELLINGS: list[Callable[[str], str]] = [
    lambda text: text.replace("+00:00", "Z"),
    lambda text: text[:23] + "0000+00:00",
    lambda text: text[:23] + "z",
]


@pytest.mark.parametrize("precision", SPELLINGS)
def test_a_lookup_accepts_every_spelling_of_the_date(precision: Callable[[str], str]) -> None:
    platform = Platform(FakeClock(), ["timeout after"], precision=precision)
    assert isinstance(send(platform, INTERACTIVE), Receipt)


ROUNDED: list[Callable[[str], str]] = [lambda text: text[:19] + "Z", lambda text: text[:19]]


@pytest.mark.parametrize("precision", ROUNDED)
def test_a_rounded_date_does_not_identify_an_interaction(precision: Callable[[str], str]) -> None:
    platform = Platform(FakeClock(), ["timeout after"], precision=precision)
    outcome = send(platform, BACKGROUND)
    assert isinstance(outcome, OutcomeUnknownError)
    assert (outcome.lookup, platform.posts) == ("ambiguous", 1)


def test_a_lookup_ignores_the_interaction_of_an_earlier_receipt() -> None:
    platform = Platform(FakeClock())
    client = threads(platform, retry=INTERACTIVE)
    when = platform.clock.now()
    client(CONTACT, Gift("a"), created_date=when)
    platform.post_faults = ["timeout before"]
    with pytest.raises(OutcomeUnknownError):
        client(CONTACT, Gift("a"), created_date=when)


@both
@pytest.mark.parametrize("fault", ["never left", "429"])
def test_a_request_that_was_not_carried_out_is_retried_after_each_delay(
    connect: Callable[..., Send], fault: str
) -> None:
    platform = Platform(FakeClock(), [fault, fault])
    assert isinstance(send(platform, INTERACTIVE, connect), Receipt)
    assert platform.clock.sleeps[:2] == [1.0, 2.0]
    platform = Platform(FakeClock(), [fault] * 3)
    outcome = send(platform, INTERACTIVE, connect)
    assert type(outcome) is (RateLimitedError if fault == "429" else NotSentError)
    assert (platform.posts, platform.stored) == (3, [])


def test_retry_after_is_honored_up_to_the_sum_of_the_retry_delays() -> None:
    platform = Platform(FakeClock(), ["429 3"])
    assert isinstance(send(platform, INTERACTIVE), Receipt)
    assert platform.clock.monotonic() >= 3
    platform = Platform(FakeClock(), ["429 3600"])
    outcome = send(platform, INTERACTIVE)
    assert isinstance(outcome, RateLimitedError)
    assert (outcome.retry_after, platform.posts) == (3600.0, 1)


@pytest.mark.parametrize(
    ("fault", "error_class"),
    [("ignored before", IgnoredError), ("refused before", RejectedError)],
)
def test_a_rejected_send_is_not_retried(fault: str, error_class: type[EngageError]) -> None:
    platform = Platform(FakeClock(), [fault])
    assert type(send(platform, BACKGROUND)) is error_class
    lookups = [5.0, 10.0] if error_class is IgnoredError else []
    assert (platform.posts, platform.clock.sleeps) == (1, lookups)


@both
def test_confirm_raises_with_the_names_of_dropped_properties(connect: Callable[..., Send]) -> None:
    platform = Platform(FakeClock(), drops=("price",))
    assert isinstance(send(platform, INTERACTIVE, connect), Receipt)
    outcome = send(platform, INTERACTIVE, connect, confirm=True)
    assert isinstance(outcome, PayloadDroppedError)
    assert outcome.properties == ("price",)
    assert outcome.receipt.id == platform.stored[-1]["id"]
    assert isinstance(send(Platform(FakeClock()), INTERACTIVE, connect, confirm=True), Receipt)


def test_an_unconfirmed_interaction_has_a_receipt_in_the_error() -> None:
    platform = Platform(FakeClock(), get_faults=["500 before"] * 9)
    outcome = send(platform, INTERACTIVE, confirm=True)
    assert isinstance(outcome, ReadError)
    assert outcome.receipt is not None
    assert outcome.receipt.id == platform.stored[0]["id"]


@pytest.mark.parametrize(
    ("raw", "dropped"),
    [
        ({"note": "a", "price": 5}, ()),
        ({"note": "a", "price": 5.0, "more": 1}, ()),
        ({"note": "a"}, ("price",)),
        ({}, ("note", "price")),
        (None, ("note", "price")),
        ([], ("note", "price")),
        ("{}", ("note", "price")),
    ],
)
def test_confirm_compares_whatever_was_stored(raw: object, dropped: tuple[str, ...]) -> None:
    class ChangingPlatform(Platform):
        def answer(self, request: httpx.Request, fault: str) -> httpx.Response:
            response = super().answer(request, fault)
            self.stored[-1]["payload"] = raw
            return response

    platform = ChangingPlatform(FakeClock())
    outcome = send(platform, RetryPolicy.never(), confirm=True)
    if dropped:
        assert isinstance(outcome, PayloadDroppedError)
        assert outcome.properties == dropped
    else:
        assert isinstance(outcome, Receipt)


def test_an_unconfirmed_interaction_says_why_it_could_not_be_read() -> None:
    outcome = send(
        Platform(FakeClock(), get_faults=["500 before"]), RetryPolicy.never(), confirm=True
    )
    assert isinstance(outcome, ReadError)
    assert "Engage answered 500." in str(outcome)


@both
@pytest.mark.parametrize(
    ("link", "is_ours"),
    [
        ({"contactId": CONTACT}, True),
        ({"contactId": CONTACT.upper()}, True),
        ({"contactId": None}, True),
        ({"contactId": 5}, True),
        ({}, True),
        (None, True),
        ("another", True),
        ({"contactId": "another"}, False),
        ({"contactId": ""}, False),
    ],
)
def test_an_answer_about_another_contact_is_no_receipt(
    connect: Callable[..., Send], link: object, is_ours: bool
) -> None:
    class MixedUpPlatform(Platform):
        def apply(self, request: httpx.Request) -> httpx.Response:
            response = super().apply(request)
            if request.method == "POST":
                return httpx.Response(201, json={**response.json(), "self": link})
            return response

    outcome = send(MixedUpPlatform(FakeClock()), RetryPolicy.never(), connect)
    assert isinstance(outcome, Receipt if is_ours else OutcomeUnknownError)
    assert isinstance(send(MixedUpPlatform(FakeClock()), INTERACTIVE, connect), Receipt)


@pytest.mark.parametrize("stored_id", [None, False, "", "missing"])
def test_an_answer_without_an_id_means_that_the_interaction_was_ignored(stored_id: object) -> None:
    body = {} if stored_id == "missing" else {"id": stored_id}
    outcome = send(AnsweringPlatform(body), INTERACTIVE)
    assert isinstance(outcome, IgnoredError)
    assert outcome.status == 201


UNUSABLE_IDS: list[object] = [True, [], {}, 1.5, "..", " ", "x" * 501, "\ud800"]
UNUSABLE_BODIES: list[object] = [None, [], 5, "i1", *({"id": bad} for bad in UNUSABLE_IDS)]


@pytest.mark.parametrize("body", UNUSABLE_BODIES, ids=repr)
def test_any_other_answer_leaves_the_outcome_unknown(body: object) -> None:
    outcome = send(AnsweringPlatform(body), INTERACTIVE)
    assert isinstance(outcome, OutcomeUnknownError)
    assert outcome.lookup == "absent"
    assert str(outcome).startswith("The answer with the status 201 is not Engage's.")
    assert outcome.created_date == "2026-03-14T09:26:53.589000+00:00"


class AnsweringPlatform(Platform):
    """A platform that stores nothing, and answers each POST with a body."""

    def __init__(self, body: object) -> None:
        super().__init__(FakeClock())
        self.body = body

    def apply(self, request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            content = json.dumps(self.body).encode()
            return httpx.Response(201, content=content)
        return super().apply(request)


def test_the_receipt_of_another_send_is_no_receipt() -> None:
    platform = Platform(FakeClock())
    client = threads(platform, retry=INTERACTIVE)
    receipt = client(CONTACT, Gift("a"))
    platform.stored.clear()  # The next interaction gets the same id.
    with pytest.raises(
        OutcomeUnknownError, match="Engage answered 200 with the receipt of another"
    ):
        client(CONTACT, Gift("b"))
    assert platform.stored[0]["id"] == receipt.id


def test_an_id_is_remembered_as_long_as_the_policy_of_a_send_may_need_it() -> None:
    platform = Platform(FakeClock())
    client = threads(platform, retry=RetryPolicy(lookup_delays=(3600.0,)))
    when = platform.clock.now()
    client(CONTACT, Gift("a"), created_date=when)
    platform.clock.sleep(3000.0)
    client(CONTACT, Gift("another"))
    platform.post_faults = ["timeout before"]
    with pytest.raises(OutcomeUnknownError) as caught:
        client(CONTACT, Gift("a"), created_date=when)
    assert caught.value.lookup == "absent"


@pytest.mark.parametrize("error_class", [KeyboardInterrupt, SystemExit, asyncio.CancelledError])
def test_an_interrupted_send_carries_the_date_and_the_schema(
    error_class: type[BaseException],
) -> None:
    def interrupt(request: httpx.Request) -> httpx.Response:
        raise error_class

    http = httpx.Client(transport=httpx.MockTransport(interrupt))
    client = EngageClient("https://a.example", api_key="k", user_agent="a/1", http=http)
    with pytest.raises(error_class) as caught:
        client.send(CONTACT, Gift("a"), created_date=datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC))
    assert vars(caught.value)["created_date"] == "2026-03-14T09:26:53+00:00"
    (note,) = caught.value.__notes__
    assert "gift" in note
    assert "2026-03-14T09:26:53+00:00" in note


def test_the_reasons_of_a_rejection_are_data_and_not_part_of_the_message() -> None:
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


def rejection(body: dict[str, Any], status: int = 400) -> RejectedError:
    """Return the error of a send that Engage refuses with this body."""
    answer = httpx.Response(status, json=body)
    http = httpx.Client(transport=httpx.MockTransport(lambda request: answer))
    client = EngageClient("https://a.example", api_key="k", user_agent="a/1", http=http)
    with pytest.raises(RejectedError) as caught:
        client.send(CONTACT, Gift("a"))
    return caught.value


@pytest.mark.parametrize(
    ("details", "reasons"),
    [
        (None, []),
        (5, []),
        ("a", ["a"]),
        (["a", ["b", ["c"]], "d"], ["a", "d", "b", "c"]),
        ({"x": ["a", "b"], "y": "c", "z": {"w": "d"}}, ["c", "a", "b", "d"]),
        ([None, True, 5, "a"], ["a"]),
        (["a"] * 49, ["a"] * 49),
        (["a"] * 50, ["a"] * 50),
        (["a"] * 51, ["a"] * 50),
        (["a" * 501, "b" * 500], ["a" * 500, "b" * 500]),
    ],
)
def test_the_reasons_are_the_first_fifty_texts_in_whatever_structure(
    details: object, reasons: list[str]
) -> None:
    assert rejection({"message": "no", "messageDetails": details}).reasons == tuple(reasons)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"errorCode": "Bad", "message": "no"}, "Bad: no"),
        ({"errorCode": "Bad"}, "Bad"),
        ({"errorCode": "Bad", "message": 5}, "Bad"),
        ({"errorCode": ["Bad"], "message": "no"}, "no"),
        ({"errorCode": "", "message": ""}, "Engage refused the request"),
        ({"message": "m" * 500}, "m" * 500),
        ({"message": "m" * 501}, "m" * 500),
        ({"errorCode": "c" * 9, "message": "m" * 500}, f"{'c' * 9}: {'m' * 489}"),
    ],
    ids=str,
)
def test_the_message_of_a_rejection_is_the_code_and_the_text(
    body: dict[str, Any], message: str
) -> None:
    error = rejection(body)
    assert (error.message, error.status) == (message, 400)
    assert str(error) == f"{message} (status 400)"


@pytest.mark.parametrize("proxy", ["http://127.0.0.1:9", "foo://x", "socks5://x"])
def test_a_client_for_the_loopback_ignores_the_proxy_of_the_environment(
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


@pytest.mark.parametrize("payload", [[], "x", None, 5])
def test_a_payload_that_is_not_an_object_is_invalid(payload: Any) -> None:
    with pytest.raises(InvalidPayloadError, match="must be an object"):
        Gift.from_payload(payload)


def test_a_retry_policy_refuses_invalid_delays_and_a_resend_without_lookups() -> None:
    with pytest.raises(ValueError, match="delay"):
        RetryPolicy(retry_delays=(-1.0,))
    with pytest.raises(ValueError, match="delay"):
        RetryPolicy(lookup_delays=(1e9,))
    with pytest.raises(ValueError, match="lookup_delays"):
        RetryPolicy(resend=True)
    assert RetryPolicy.background().lookup_delays == (10.0, 30.0, 60.0, 300.0)


POST_FAULTS = st.sampled_from(
    [*APPLIED, *NOT_APPLIED, "never left", "429", "ok", "ignored before", "refused before"]
)
GET_FAULTS = st.sampled_from(
    ["ok", "ok", "ok", "500 before", "timeout before", "never left", "429"]
)


@settings(deadline=None, max_examples=300)
@given(
    sends=st.lists(st.lists(POST_FAULTS, max_size=4), min_size=1, max_size=5),
    get_faults=st.lists(GET_FAULTS, max_size=12),
    policy=st.sampled_from(
        [INTERACTIVE, BACKGROUND, RetryPolicy.never(), RetryPolicy.background()]
    ),
)
def test_the_outcome_of_every_send_is_true(
    sends: Sequence[list[str]], get_faults: list[str], policy: RetryPolicy
) -> None:
    platform = Platform(FakeClock(), get_faults=list(get_faults))
    client = threads(platform, retry=policy)
    when = platform.clock.now()
    receipts: list[str] = []
    unknown = 0
    for number, faults in enumerate(sends):
        platform.post_faults = list(faults)
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
    ids = [item["id"] for item in platform.stored]
    assert set(receipts) <= set(ids)
    assert len(set(receipts)) == len(receipts), "no receipt twice"
    assert len(ids) <= len(receipts) + unknown, "nothing is stored twice"


@both
@pytest.mark.parametrize(
    ("seconds", "difference"),
    [(0.0, 0.001), (30.0, 0.001), (59.0, 0.001), (61.0, -61.0), (7e8, -7e8)],
)
def test_created_dates_increase_unless_the_clock_is_set_back_far(
    connect: Callable[..., Send], seconds: float, difference: float
) -> None:
    platform = Platform(FakeClock())
    client = connect(platform)
    client(CONTACT, Gift("a"))
    platform.clock.start -= timedelta(seconds=seconds)
    client(CONTACT, Gift("a"))
    first, second = (datetime.fromisoformat(item["createdDate"]) for item in platform.stored)
    assert (second - first).total_seconds() == difference


def test_no_created_date_is_a_whole_second() -> None:
    platform = Platform(FakeClock())
    client = threads(platform)
    platform.clock.start = platform.clock.start.replace(microsecond=998_000)
    for _ in range(4):
        client(CONTACT, Gift("a"))
    dates = [datetime.fromisoformat(item["createdDate"]) for item in platform.stored]
    assert [date.microsecond // 1000 for date in dates] == [998, 999, 1, 2]


def test_a_resend_that_was_not_sent_leaves_the_outcome_unknown() -> None:
    platform = Platform(FakeClock(), ["late 1000", *["never left"] * 9])
    outcome = send(platform, BACKGROUND)
    assert isinstance(outcome, OutcomeUnknownError)
    assert outcome.lookup == "absent"


@both
def test_an_observer_receives_every_event_and_its_exceptions_are_logged(
    connect: Callable[..., Send], caplog: pytest.LogCaptureFixture
) -> None:
    events: list[object] = []

    class Metrics:
        def attempted(self, *arguments: object) -> None:
            events.append(("attempted", *arguments[:3]))
            raise RuntimeError("a bug in attempted")

        def waited(self, *arguments: object) -> None:
            events.append(("waited", *arguments))
            raise RuntimeError("a bug in waited")

        def finished(self, *arguments: object) -> None:
            events.append(("finished", *arguments[:3]))
            raise RuntimeError("a bug in finished")

    platform = Platform(FakeClock(), ["never left", "timeout after"])
    send_gift = connect(platform, retry=INTERACTIVE, observer=Metrics())
    assert isinstance(send_gift(CONTACT, Gift("a")), Receipt)
    assert events == [
        ("attempted", "POST", "interactions", None),
        ("waited", "retry", 1.0),
        ("attempted", "POST", "interactions", None),
        ("waited", "lookup", 5.0),
        ("attempted", "GET", "interactions", 200),
        ("finished", "send", "gift", "ok"),
    ]
    assert caplog.text.count("observer of the client raised") == len(events)
    for name in ("attempted", "waited", "finished"):
        assert f"a bug in {name}" in caplog.text
