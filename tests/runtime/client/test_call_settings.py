"""The settings of one call, and what receipts and errors keep of its responses."""

import json
import warnings
from datetime import UTC, datetime
from typing import Any

import pytest

from engage_interactions import (
    ConfigurationError,
    EngageClient,
    EngageError,
    IgnoredError,
    NotSentError,
    OutcomeUnknownError,
    RateLimitedError,
    ReadError,
    RejectedError,
    RetryPolicy,
    Stored,
)
from engage_interactions._runtime.payload.deprecation import deprecated
from engage_interactions.favourite import Favourite
from tests.support.runtime.clients import KEY, URL, Handler, answering, both, calling, run
from tests.support.runtime.http_library import httpx

CONTACT = "3f0c1a52-7d5e-4b0e-9a64-1c2f5b8e0d01"
FAVOURITE = Favourite(product_sku="7120-38")
STORED: dict[str, Any] = {
    "id": "i1",
    "contactId": CONTACT,
    "schemaId": "favourite",
    "payload": {},
    "items": [],
}
MOMENT = datetime(2020, 2, 29, 12, tzinfo=UTC)
CALLS: dict[str, dict[str, Any]] = {
    "send": {"contact_id": CONTACT, "payload": FAVOURITE},
    "find": {"contact_id": CONTACT, "payload": FAVOURITE, "created_date": MOMENT},
    "get": {"payload_class": Favourite, "interaction_id": "i1"},
    "list": {"payload_class": Favourite, "contact_id": CONTACT},
    "interactions": {"contact_id": CONTACT, "payload_classes": [Favourite]},
    "delete": {"interaction_id": "i1"},
    "find_contact": {"email": "a@x"},
    "schemas": {},
    "check_schemas": {},
}
each_call = pytest.mark.parametrize("name", CALLS)


def call(client: Any, name: str, **more: Any) -> Any:
    return run(getattr(client, name)(**CALLS[name], **more))


def answer_anything(requests: list[httpx.Request]) -> Handler:
    """Answer each request with something that its call understands."""

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        path = request.url.path.rpartition("/v3/")[2]
        bodies: dict[str, object] = {"contacts/id": CONTACT, "interactionschemas": []}
        return httpx.Response(200, json=bodies.get(path, STORED))

    return answer


@both
@each_call
def test_headers_and_timeout_of_a_call_apply_to_its_requests(connect: Any, name: str) -> None:
    requests: list[httpx.Request] = []
    client = connect(answer_anything(requests))
    headers = {"traceparent": "00-ab-cd-01", "X-Request-Id": "r1"}
    call(client, name, headers=headers, timeout=2.5)
    (request,) = requests
    assert {header: request.headers[header] for header in headers} == headers
    assert request.headers["apikey"] == KEY
    assert request.extensions["timeout"]["write"] == pytest.approx(2.5)
    requests.clear()
    call(connect(answer_anything(requests)), name)
    (request,) = requests
    assert "traceparent" not in request.headers


@both
@each_call
@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"headers": {"apikey": "x"}}, "sets the header apikey itself"),
        ({"headers": {"User-Agent": "x"}}, "sets the header User-Agent itself"),
        ({"headers": {"Content-Type": "x"}}, "sets the header"),
        ({"headers": {"a b": "x"}}, "not the name of a header"),
        ({"headers": {"": "x"}}, "not the name of a header"),
        ({"headers": {5: "x"}}, "not the name of a header"),
        ({"headers": [("x", "y")]}, "must be a mapping, not a list"),
        ({"headers": {"x\r\ny": "x"}}, "not the name of a header"),
        ({"headers": {"x": "a\r\nb: c"}}, "must be printable ASCII"),
        ({"headers": {"x": "å"}}, "must be printable ASCII"),
        ({"headers": {"x": ""}}, "must be printable ASCII"),
        ({"headers": {"x": 5}}, "must be printable ASCII"),
        ({"timeout": 0}, "timeout"),
        ({"timeout": float("nan")}, "timeout"),
        ({"timeout": "5"}, "timeout"),
        ({"deadline": -1}, "deadline"),
        ({"deadline": True}, "deadline"),
    ],
)
def test_a_setting_that_cannot_work_sends_nothing(
    connect: Any, name: str, settings: dict[str, Any], words: str
) -> None:
    requests: list[httpx.Request] = []
    with pytest.raises(ConfigurationError, match=words):
        call(connect(answer_anything(requests)), name, **settings)
    assert not requests


HEADERS = {
    "X-Request-Id": "0HN7",
    "Date": "Sat, 28 Nov 2026 12:00:00 GMT",
    "Set-Cookie": "session=secret",
    "X-Other": "1",
}
KEPT = {"x-request-id": "0HN7", "date": "Sat, 28 Nov 2026 12:00:00 GMT"}


@both
def test_a_receipt_carries_the_response(connect: Any) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(201, json={"id": "i1"}, headers=HEADERS)

    receipt = run(connect(answer).send(CONTACT, FAVOURITE))
    assert (receipt.response.status, receipt.response.headers) == (201, KEPT)
    assert receipt.response.seconds >= 0
    assert "0HN7" not in repr(receipt)


@both
@pytest.mark.parametrize(
    ("status", "body", "error_class"),
    [
        (400, {"errorCode": "Invalid"}, RejectedError),
        (429, {}, RateLimitedError),
        (500, {}, OutcomeUnknownError),
        (404, "<html>", OutcomeUnknownError),
        (200, {}, IgnoredError),
        (202, [], OutcomeUnknownError),
    ],
)
def test_an_error_carries_the_last_response(
    connect: Any, status: int, body: object, error_class: type[EngageError]
) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            return httpx.Response(status, json=body, headers=HEADERS)
        return httpx.Response(200, json={"items": [], "links": []})

    policy = RetryPolicy(lookup_delays=[0])
    with pytest.raises(error_class) as caught:
        run(connect(answer).send(CONTACT, FAVOURITE, retry=policy))
    assert caught.value.response is not None
    assert (caught.value.response.status, caught.value.response.headers) == (status, KEPT)


@both
def test_an_error_without_a_response_has_none(connect: Any) -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    with pytest.raises(NotSentError) as caught:
        run(connect(refuse).send(CONTACT, FAVOURITE))
    assert caught.value.response is None
    with pytest.raises(ReadError) as read:
        run(connect(answering(b"", 502)).get(Favourite, "i1"))
    assert read.value.response is not None
    assert read.value.response.status == 502


@both
def test_a_header_of_a_response_is_safe_to_show(connect: Any) -> None:
    raw = [(b"X-Request-Id", b"a\x1b[31mb\xff" + b"x" * 500), (b"x-trace-id", KEY.encode())]

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(400, json={"errorCode": "Bad"}, headers=raw)

    with pytest.raises(RejectedError) as caught:
        run(connect(answer).send(CONTACT, FAVOURITE))
    assert caught.value.response is not None
    headers = caught.value.response.headers
    assert headers["x-request-id"].isprintable()
    assert len(headers["x-request-id"]) <= 200
    assert KEY not in headers["x-trace-id"]


def test_a_stored_interaction_can_be_created_in_a_test() -> None:
    raw = json.loads('{"productSku": "7120-38", "new": 1}')
    date = "2026-03-01T12:00:00Z"
    stored = Stored("i1", CONTACT, "favourite", raw, date, Favourite)
    assert stored.payload == FAVOURITE
    again = Stored(
        id="i1",
        contact_id=CONTACT,
        schema_id="favourite",
        raw=raw,
        raw_created_date=date,
        payload_class=Favourite,
    )
    assert again == stored


# The rate from the environment.


@pytest.mark.parametrize("value", ["0", "-1", "many", "4.5", "\uff11\uff10", "1e3", "9999999"])
def test_a_rate_in_the_environment_that_cannot_work_is_refused(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    prepare_environment(monkeypatch, value)
    with pytest.raises(ConfigurationError, match="ENGAGE_RATE"):
        EngageClient.from_env()


@pytest.mark.parametrize(
    ("variable", "argument", "expected"),
    [(None, None, 50), ("", None, 50), ("20", None, 20), ("20", 30, 30)],
)
def test_the_rate_is_read_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, variable: str | None, argument: int | None, expected: int
) -> None:
    prepare_environment(monkeypatch, variable)
    with EngageClient.from_env(rate=argument) as client:
        assert client.__engine__.limits.rate == expected


def prepare_environment(monkeypatch: pytest.MonkeyPatch, rate: str | None) -> None:
    settings = {"BASE_URL": URL, "API_KEY": KEY, "USER_AGENT": "Shop/1", "RATE": rate}
    for name, value in settings.items():
        if value is None:
            monkeypatch.delenv(f"ENGAGE_{name}", raising=False)
        else:
            monkeypatch.setenv(f"ENGAGE_{name}", value)


# Senders of a deprecated schema.


def test_a_deprecated_function_warns_at_each_call_where_it_is_called() -> None:
    def add(left: int, right: int) -> int:
        """Add."""
        return left + right

    async def add_async(left: int, right: int) -> int:
        """Add."""
        return left + right

    functions: list[Any] = [deprecated("Use another.")(add), deprecated("Use another.")(add_async)]
    for function in functions:
        assert function.__doc__ == "Add."
        assert vars(function)["__deprecated__"] == "Use another."
        for _ in range(2):
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                assert run(function(1, right=2)) == 3
            (warning,) = caught
            assert warning.category is DeprecationWarning
            assert str(warning.message) == "Use another."
    with pytest.warns(DeprecationWarning, match="another") as recorded:
        functions[0](1, 2)
    assert recorded[0].filename == __file__


def test_calls_with_the_same_requests_are_not_changed_by_the_headers_of_one() -> None:
    requests: list[httpx.Request] = []
    http = httpx.Client(
        transport=httpx.MockTransport(calling(requests, {"id": "i1"})), headers={"X-Team": "crm"}
    )
    client = EngageClient(URL, api_key=KEY, user_agent="Shop/1", http=http)
    client.send(CONTACT, FAVOURITE, headers={"X-Team": "shop"})
    assert requests[0].headers["X-Team"] == "shop"
