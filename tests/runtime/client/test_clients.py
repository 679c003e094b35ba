"""Both clients: the requests that they make, and what they make of every answer."""

import asyncio
import gzip
import json
import sys
import traceback
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, ClassVar, Self, TypeAlias
from urllib.parse import quote, unquote, unquote_to_bytes

import pytest

from engage_interactions._runtime import errors
from engage_interactions._runtime.async_client import AsyncEngageClient
from engage_interactions._runtime.call.retry import RetryPolicy
from engage_interactions._runtime.client import EngageClient
from engage_interactions._runtime.errors import (
    ConfigurationError,
    EngageError,
    InvalidPayloadError,
    ReadError,
    UnreadablePayloadError,
)
from engage_interactions._runtime.payload import (
    Json,
    Payload,
    Reader,
    read_date_time,
    read_integer,
    read_string,
)
from engage_interactions._runtime.results import Receipt, Stored
from engage_interactions._runtime.transport import answers
from engage_interactions._runtime.transport.clock import CreatedDates
from tests.support.runtime.clocks import FakeClock
from tests.support.runtime.http_library import httpx

Handler: TypeAlias = Callable[[httpx.Request], httpx.Response]
Connect: TypeAlias = Callable[..., Any]  # Creates either client.

URL, KEY = "https://acme.voyado.com", "k3y-0f-the-ten4nt"
CONTACT, SECRET = "3f0c1a52-7d5e", "anna@example.com"
MOMENT = datetime(2024, 2, 29, 12, 30, 15, 250000, timezone(timedelta(hours=1)))
CREATED_DATE = "2024-02-29T12:30:15.250000+01:00"


@dataclass(frozen=True, slots=True)
class Gift(Payload):
    __schema_id__: ClassVar[str] = "Gift-1"
    __properties__: ClassVar[frozenset[str]] = frozenset({"note", "price"})
    note: str
    price: int

    def to_payload(self) -> dict[str, Json]:
        return {"note": self.note, "price": self.price}

    @classmethod
    def from_payload(cls, payload: Mapping[str, Json]) -> Self:
        with Reader("Gift-1", payload, cls.__properties__) as read:
            return cls(read.required("note", read_string), read.required("price", read_integer))


SINGLE_REQUEST: dict[str, Any] = {"retry": RetryPolicy.never(), "rate": 1_000_000}


def threads(handler: Handler, url: str = URL, version: str = "v3", **http: Any) -> EngageClient:
    own = httpx.Client(transport=httpx.MockTransport(handler), **http)
    return EngageClient(
        url, api_key=KEY, user_agent="Shop/1", api_version=version, http=own, **SINGLE_REQUEST
    )


def tasks(handler: Handler, url: str = URL, version: str = "v3", **http: Any) -> AsyncEngageClient:
    own = httpx.AsyncClient(transport=httpx.MockTransport(handler), **http)
    return AsyncEngageClient(
        url, api_key=KEY, user_agent="Shop/1", api_version=version, http=own, **SINGLE_REQUEST
    )


def run(outcome: Any) -> Any:
    """Return the result of either client as a value, and a list as a whole."""

    async def collect() -> Any:
        return [item async for item in outcome]

    if hasattr(outcome, "__anext__"):
        return asyncio.run(collect())
    if hasattr(outcome, "__await__"):
        return asyncio.run(outcome)
    return list(outcome) if hasattr(outcome, "__next__") else outcome


GIFT = Gift(SECRET, 5)
OPERATIONS: dict[str, Callable[[Any], Any]] = {
    "send": lambda client: run(client.send(CONTACT, GIFT, created_date=MOMENT)),
    "get": lambda client: run(client.get(Gift, "i/1")),
    "list": lambda client: run(client.list(Gift, CONTACT)),
    "delete": lambda client: run(client.delete("i/1")),
}
both = pytest.mark.parametrize("connect", [threads, tasks])
each_operation = pytest.mark.parametrize("operation", OPERATIONS)

ENVELOPE = {"contactId": CONTACT, "schemaId": "Gift-1", "createdDate": CREATED_DATE}
ITEM: dict[str, Any] = {**ENVELOPE, "id": "i1", "payload": {"note": SECRET, "price": 5}}
VALID_ANSWER: dict[str, Any] = {**ITEM, "items": [ITEM]}


def without(name: str) -> dict[str, Any]:
    item = {key: value for key, value in ITEM.items() if key != name}
    return {**item, "items": [item]}


def answering(body: object = b"", status: int = 200) -> Handler:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return lambda request: httpx.Response(status, content=content)


def failing(error: BaseException) -> Handler:
    def fail(request: httpx.Request) -> httpx.Response:
        key_in_this_frame = request.headers["apikey"]
        assert key_in_this_frame == KEY
        raise error

    return fail


class Recorder:
    """Records the requests, and answers with its bodies in turn; the last body repeats."""

    def __init__(self, *bodies: object) -> None:
        self.bodies = bodies or (VALID_ANSWER,)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        assert len(self.requests) < 1000, "the client makes requests without end"
        body = self.bodies[min(len(self.requests), len(self.bodies)) - 1]
        return httpx.Response(200, content=json.dumps(body))


def chain(error: BaseException | None) -> Generator[BaseException, None, None]:
    if error is not None:
        yield error
        yield from chain(error.__cause__)
        yield from chain(error.__context__)


def frames_of(error: BaseException) -> str:
    """Return all that an error reporter could show, with locals and suppressed errors."""
    parts: list[str] = []
    for link in chain(error):
        report = traceback.TracebackException.from_exception(link, capture_locals=True)
        parts += [str(link), repr(link), repr(vars(link)), *report.format()]
    return "".join(parts)


def error_of(client: Any, operation: str) -> EngageError:
    with pytest.raises(EngageError) as caught:
        OPERATIONS[operation](client)
    assert SECRET not in f"{caught.value} {caught.value!r}"
    assert KEY not in f"{frames_of(caught.value)} {client!r} {client} {vars(client)}"
    return caught.value


@each_operation
def test_both_clients_make_exactly_the_request_that_the_vendor_documents(operation: str) -> None:
    method, path, body = {
        "send": ("POST", "interactions", {**ENVELOPE, "payload": ITEM["payload"]}),
        "get": ("GET", "interactions/i%2F1", None),
        "list": ("GET", f"interactions?contactId={CONTACT}&schemaId=Gift-1", None),
        "delete": ("DELETE", "interactions/i%2F1", None),
    }[operation]
    identical: list[object] = []
    for connect in (threads, tasks):
        recorder = Recorder()
        OPERATIONS[operation](connect(recorder, f"{URL}/", "v2", auth=("not", "this")))
        (request,) = recorder.requests
        assert (request.method, str(request.url)) == (method, f"{URL}/api/v2/{path}")
        names = ("apikey", "User-Agent", "Accept", "Authorization", "Content-Type")
        json_type = "application/json"
        expected = [KEY, "Shop/1", json_type, None, json_type if body else None]
        assert [request.headers.get(name) for name in names] == expected
        assert json.loads(request.content or b"null") == body
        identical.append((request.headers.raw, request.content))
    assert identical[0] == identical[1]


@both
@pytest.mark.parametrize(
    "unusual", ["a/b", "50%", "%2e%2e", "a b+c", "å€", "?x=1#y", "a\nb", "../x"]
)
def test_an_interaction_id_with_special_characters_is_sent_unchanged(
    connect: Connect, unusual: str
) -> None:
    recorder = Recorder()
    client = connect(recorder)
    run(client.get(Gift, unusual))
    run(client.delete(unusual))
    for request in recorder.requests:
        *start, last = request.url.raw_path.decode().split("/")
        assert (start, unquote(last)) == (["", "api", "v3", "interactions"], unusual)


@both
@pytest.mark.parametrize("unusual", ["a/b", "50%", "%2e%2e", "a+c", "å€", "?x=1#y", "../x", "a&b"])
def test_a_contact_id_with_special_characters_is_sent_unchanged(
    connect: Connect, unusual: str
) -> None:
    recorder = Recorder()
    client = connect(recorder)
    run(client.list(Gift, unusual))
    run(client.send(unusual, GIFT))
    listed, sent = recorder.requests
    assert dict(listed.url.params) == {"contactId": unusual, "schemaId": "Gift-1"}
    assert json.loads(sent.content)["contactId"] == unusual


@pytest.mark.parametrize("method", ["get", "delete"])
@pytest.mark.parametrize("unusual", ["", ".", "..", "\ud800", "x" * 70_000], ids=ascii)
def test_an_id_that_cannot_be_part_of_a_path_is_refused(method: str, unusual: str) -> None:
    client = threads(Recorder())
    with pytest.raises(EngageError):
        client.get(Gift, unusual) if method == "get" else client.delete(unusual)


@both
@pytest.mark.parametrize("status", [200, 201, 204])
@pytest.mark.parametrize("stored_id", ["i1", 17, 0, 1, 2])
def test_every_successful_answer_with_an_id_is_a_receipt(
    connect: Connect, status: int, stored_id: object
) -> None:
    client = connect(answering({"id": stored_id}, status))
    expected = Receipt(str(stored_id), CONTACT, "Gift-1", MOMENT)
    assert OPERATIONS["send"](client) == expected
    assert OPERATIONS["delete"](connect(answering(b"", status))) is None


BROKEN = [b"<p>", b'{"id":', b"5", b'"i1"', b"[]", b"\xff\xfe\x00", b"[" * 10**5]
UNANSWERED = ("OutcomeUnknownError", "ReadError", "ReadError", "OutcomeUnknownError")
UNUSABLE = ("", "ReadError", "ReadError")
REJECTED = ("RejectedError",) * 4
IDS: list[object] = [None, "", [], {}, 1.5]
ITEMS: list[object] = [None, {}, [1], [None], [[]]]
OUTCOMES = [
    *[(status, b"", UNANSWERED) for status in (302, 400, 404, 405, 407, 409, 410, 413, 421, 422)],
    *[(status, "No contact", ("UnauthorizedError",) * 4) for status in (401, 403)],
    (401, {"message": f"bad key {KEY}"}, ("UnauthorizedError",)),
    *[(status, {"errorCode": "Bad"}, REJECTED) for status in (400, 409, 410, 422)],
    (404, {"errorCode": "ContactNotFound"}, ("UnknownContactError",) * 4),
    (404, {"errorCode": "NoInteraction"}, ("RejectedError", "InteractionNotFoundError") * 2),
    (
        404,
        {"message": "No such interaction schema"},
        ("UnknownSchemaError", "InteractionNotFoundError") * 2,
    ),
    (404, {"message": "No such interaction"}, ("RejectedError", "InteractionNotFoundError") * 2),
    (
        404,
        {"message": "Interaction? Ask your contact"},
        ("UnknownContactError", "InteractionNotFoundError"),
    ),
    (404, {"message": "No such route"}, REJECTED),
    *[(404, {"message": text}, UNANSWERED) for text in (5, None, ["contact"])],
    (429, b"", ("RateLimitedError",) * 4),
    *[(status, b"", UNANSWERED) for status in (408, 500, 502, 503)],
    *[(200, body, UNANSWERED[:3]) for body in BROKEN],
    *[(400, body, UNANSWERED) for body in (*BROKEN, b'{"message":' * 10**5)],
    # Without a policy that looks it up, it is not known whether the interaction is stored.
    *[
        (status, body, UNANSWERED[:1])
        for status in (200, 202, 204)
        for body in (b"", b" ", b"null")
    ],
    *[(201, body, UNANSWERED[:1]) for body in ({}, {"ID": "x"}, *({"id": bad} for bad in IDS))],
    *[(200, {"id": bad}, UNANSWERED[:1]) for bad in (True, False, "..", "x" * 501, "\ud800")],
    *[(200, {"id": "i1", "items": bad, "data": [ITEM]}, UNUSABLE) for bad in ITEMS],
    *[(200, without(key), UNUSABLE) for key in ("id", "contactId", "schemaId")],
]


@both
@pytest.mark.parametrize(("status", "body", "outcomes"), OUTCOMES)
def test_every_other_answer_has_its_error(
    connect: Connect, status: int, body: object, outcomes: tuple[str, ...]
) -> None:
    for operation, name in zip(OPERATIONS, outcomes, strict=False):
        if name:
            error = error_of(connect(answering(body, status)), operation)
            assert type(error) is getattr(errors, name)
            assert getattr(error, "status", status) == status
            is_send = (operation, name) == ("send", "OutcomeUnknownError")
            assert getattr(error, "created_date", None) == (CREATED_DATE if is_send else None)


def subclasses_of(error_class: type[httpx.RequestError]) -> set[type[httpx.RequestError]]:
    return {error_class}.union(*map(subclasses_of, error_class.__subclasses__()))


NOT_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)


@both
@pytest.mark.parametrize("error_class", sorted(subclasses_of(httpx.RequestError), key=repr))
def test_a_failed_request_raises_the_error_that_fits_the_failure(
    connect: Connect, error_class: type[httpx.RequestError]
) -> None:
    writes = "NotSentError" if issubclass(error_class, NOT_SENT) else "OutcomeUnknownError"
    outcomes = (writes, "ReadError", "ReadError", writes)
    for operation, name in zip(OPERATIONS, outcomes, strict=True):
        error = error_of(connect(failing(error_class("the connection broke"))), operation)
        assert type(error) is getattr(errors, name)
        assert "the connection broke" in str(error)
        is_send = (operation, name) == ("send", "OutcomeUnknownError")
        assert getattr(error, "created_date", None) == (CREATED_DATE if is_send else None)


@both
def test_an_answer_above_the_size_limit_is_cut_off(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "LARGEST_BODY", 10_000)
    packed = gzip.compress(b" " * 1_000_000)

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=packed, headers={"Content-Encoding": "gzip"})

    outcomes = ("OutcomeUnknownError", "ReadError", "ReadError", "OutcomeUnknownError")
    for operation, name in zip(OPERATIONS, outcomes, strict=True):
        error = error_of(connect(answer), operation)
        assert type(error) is getattr(errors, name)
        assert "more than 10000 bytes" in str(error)


def test_a_rejection_quotes_the_message_of_the_platform_on_one_line() -> None:
    body = {"errorCode": "Bad", "message": "price\n" + "too high " * 1000}
    shown = str(error_of(threads(answering(body, 422)), "send"))
    assert shown.startswith("Bad: price too high")
    assert len(shown) < 600


SETTINGS = {"ENGAGE_BASE_URL": URL, "ENGAGE_API_KEY": KEY, "ENGAGE_USER_AGENT": "Shop/1"}
BAD_URLS = [
    *"acme.voyado.com //acme.voyado.com https:// https:acme.voyado.com ftp://localhost".split(),
    *"http://acme.voyado.com http://localhost.evil.com http://127.0.0.1.evil.com".split(),
    *"http://localhost@evil.com http://evil.com#@localhost http://evil.com/localhost".split(),
    *"http://evil.com\\@localhost http://xlocalhost http://0.0.0.0 http://[::2] http://[".split(),
    *f"https://u:p@acme.voyado.com {URL}/api {URL}/api/v3/ {URL}?x=1 {URL}#x {URL}/..".split(),
]
ODD_URLS = [*(URL + end for end in ("?", "#", "\n", " ", ":x", ":99999")), f" {URL}"]
ODD_VERSIONS = ["../x", "v3/..", "v3?x", "v3#", "v3\n"]
BAD_HEADERS = [f"{KEY}\n", f"{KEY}\r\nx: y", f"å{KEY}", f" {KEY}", f"{KEY} ", f"{KEY}\t", "\x7f"]
BAD_SETTINGS = [
    *[(name, "", name) for name in SETTINGS],
    *[("ENGAGE_API_KEY", bad, "printable ASCII") for bad in BAD_HEADERS],
    *[("ENGAGE_USER_AGENT", bad, "printable ASCII") for bad in BAD_HEADERS],
    *[("ENGAGE_BASE_URL", bad, "base URL") for bad in BAD_URLS],
    *[("ENGAGE_BASE_URL", bad, "base URL") for bad in ODD_URLS],
    *[("ENGAGE_API_VERSION", bad, "") for bad in ODD_VERSIONS],
]


def misconfigured(patch: pytest.MonkeyPatch, settings: dict[str, str]) -> ConfigurationError:
    for name, value in (SETTINGS | settings).items():
        patch.setenv(name, value)
    with pytest.raises(ConfigurationError):
        AsyncEngageClient.from_env()
    with pytest.raises(ConfigurationError) as caught:
        EngageClient.from_env()
    return caught.value


@pytest.mark.parametrize(("name", "value", "words"), BAD_SETTINGS)
def test_an_invalid_setting_is_named_in_an_error_without_the_key(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str
) -> None:
    error = misconfigured(monkeypatch, {name: value})
    assert words in str(error)
    assert KEY not in f"{error} {error!r}"


@pytest.mark.parametrize("wrong", ["ENGAGE_BASE_URL", "ENGAGE_API_KEY", "ENGAGE_USER_AGENT"])
def test_the_error_for_an_invalid_setting_has_the_key_in_no_frame(
    monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, f"{value}\n" if name == wrong else value)
    value = ""
    with pytest.raises(ConfigurationError) as caught:
        EngageClient.from_env()
    assert KEY not in frames_of(caught.value)


@pytest.mark.parametrize("url", [URL, "https://a.se:8443", "http://localhost", "http://[::1]:80"])
@pytest.mark.parametrize(("version", "used"), [("", "v3"), ("v2", "v2")])
def test_a_client_is_created_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, url: str, version: str, used: str
) -> None:
    for name, value in {**SETTINGS, "ENGAGE_BASE_URL": url, "ENGAGE_API_VERSION": version}.items():
        monkeypatch.setenv(name, value)
    recorder = Recorder()
    with httpx.Client(transport=httpx.MockTransport(recorder)) as http:
        OPERATIONS["get"](EngageClient.from_env(http=http))
    (request,) = recorder.requests
    assert request.url == f"{url}/api/{used}/interactions/i%2F1"
    assert (request.headers["apikey"], request.headers["User-Agent"]) == (KEY, "Shop/1")


@both
@each_operation
@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_the_key_is_not_sent_along_a_redirect(
    connect: Connect, operation: str, status: int
) -> None:
    hosts: list[str] = []

    def redirect(request: httpx.Request) -> httpx.Response:
        hosts.append(request.url.host)
        return httpx.Response(status, headers={"Location": "https://evil.example/"})

    error = error_of(connect(redirect, follow_redirects=True), operation)
    expected = errors.ReadError if operation in ("get", "list") else errors.OutcomeUnknownError
    assert (type(error), hosts) == (expected, ["acme.voyado.com"])
    assert "is not Engage's" in str(error)


def test_a_client_closes_only_connections_that_it_opened_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    closed: list[object] = []

    def close(http: httpx.Client) -> None:
        closed.append(http)

    async def aclose(http: httpx.AsyncClient) -> None:
        closed.append(http)

    async def use(client: AsyncEngageClient) -> None:
        async with client as entered:
            assert entered is client

    monkeypatch.setattr(httpx.Client, "close", close)
    monkeypatch.setattr(httpx.AsyncClient, "aclose", aclose)
    with threads(Recorder()):
        asyncio.run(use(tasks(Recorder())))
    assert closed == []
    with EngageClient(URL, api_key=KEY, user_agent="Shop/1"):
        asyncio.run(use(AsyncEngageClient(URL, api_key=KEY, user_agent="Shop/1")))
    assert [type(http) for http in closed] == [httpx.AsyncClient, httpx.Client]


@both
@pytest.mark.parametrize("zone", [None, timezone(timedelta(seconds=1172))])
def test_one_error_lists_an_invalid_date_and_an_invalid_contact_id(
    connect: Connect, zone: Any
) -> None:
    recorder = Recorder()
    with pytest.raises(InvalidPayloadError) as caught:
        run(connect(recorder).send("", GIFT, created_date=MOMENT.replace(tzinfo=zone)))
    assert [item.property for item in caught.value.violations] == ["createdDate", "contactId"]
    assert not recorder.requests


def dates(recorder: Recorder) -> list[datetime]:
    return [
        read_date_time(json.loads(request.content)["createdDate"]) for request in recorder.requests
    ]


def test_created_dates_are_unique_across_threads() -> None:
    created_dates, interval = CreatedDates(FakeClock()), sys.getswitchinterval()

    def take(count: int) -> list[datetime]:
        return [created_dates.next() for _ in range(count)]

    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            dates_by_thread = list(pool.map(take, [1000] * 8))
    finally:
        sys.setswitchinterval(interval)
    assert all(own == sorted(own) for own in dates_by_thread)
    assert len({date for own in dates_by_thread for date in own}) == 8000


def page(href: str | None, number: int = 0) -> dict[str, object]:
    decoys = [None, {}, {"href": None}, {"href": f"{URL}/x?continuation=z", "rel": ["Prev"]}]
    link = {"href": href, "method": "GET", "rel": ["next", "following", None, "more"][number % 4]}
    return {"items": [{**ITEM, "id": str(number)}], "links": [*decoys, link]}


TOKENS = [text.encode() for text in ("a+b/c==", "a b", "å€", "%2B", "a&b=c#d;?", "\n\0", "..", "1")]


@both
@pytest.mark.parametrize("tokens", [TOKENS, [b"\xff"]])
def test_the_token_of_the_next_page_is_sent_byte_for_byte(
    connect: Connect, tokens: list[bytes]
) -> None:
    hrefs = [f"https://e.se/?x=1&continuation={quote(token, safe='')}&y=" for token in tokens]
    recorder = Recorder(*(page(href, number) for number, href in enumerate([*hrefs, None])))
    stored = OPERATIONS["list"](connect(recorder))
    assert [item.id for item in stored] == [str(number) for number in range(len(tokens) + 1)]
    assert {request.url.host for request in recorder.requests} == {"acme.voyado.com"}
    sent = [request.url.query.partition(b"&continuation=")[2] for request in recorder.requests]
    assert [unquote_to_bytes(token.replace(b"+", b" ")) for token in sent] == [b"", *tokens]


DEAD_ENDS = [
    ["?continuation=a"],
    pytest.param(["?continuation=a", "?continuation=b"] * 500, id="cycle"),
    pytest.param(["https://[x?continuation=a"], id="no URL"),
    pytest.param(["?continuation=" + "a" * 70_000], id="too long"),
]


@both
@pytest.mark.parametrize("hrefs", DEAD_ENDS)
def test_an_unusable_link_to_the_next_page_raises_a_read_error(
    connect: Connect, hrefs: list[str]
) -> None:
    with pytest.raises(ReadError):
        OPERATIONS["list"](connect(Recorder(*map(page, hrefs))))


@both
@pytest.mark.parametrize("links", [None, {}, [], [{"href": "?continuation="}]])
def test_a_list_ends_with_the_page_that_has_no_token(connect: Connect, links: object) -> None:
    recorder = Recorder({**VALID_ANSWER, "links": links})
    assert len(OPERATIONS["list"](connect(recorder))) == len(recorder.requests) == 1


def stored(**changes: object) -> Stored[Gift]:
    return threads(answering({**ITEM, **changes})).get(Gift, "i1")


def test_undeclared_properties_are_only_in_the_raw_payload() -> None:
    raw = {"note": "x", "price": 2.0, "Price": 7, "": None}
    item = stored(payload=raw, new="field", id=17)
    assert (item.payload, item.raw, item.id) == (Gift("x", 2), raw, "17")


def test_a_link_to_the_page_itself_is_not_the_next_page() -> None:
    itself = {"href": f"{URL}/x?continuation=a", "rel": "self"}
    pages = [page("?continuation=a"), {"items": [ITEM], "links": [itself]}]
    assert len(OPERATIONS["list"](threads(Recorder(*pages)))) == 2


def test_a_stored_null_counts_as_an_omitted_property() -> None:
    assert stored(payload={"note": "x", "price": 2, "extra": None}).payload == Gift("x", 2)


@pytest.mark.parametrize("payload", [None, "x", [], 5])
def test_a_missing_payload_is_unreadable(payload: object) -> None:
    item = stored(payload=payload)
    assert item.raw == payload
    with pytest.raises(UnreadablePayloadError, match="has no payload"):
        _ = item.payload


def test_an_interaction_of_another_schema_is_unreadable() -> None:
    with pytest.raises(UnreadablePayloadError, match="another schema: Other"):
        _ = stored(schemaId="Other").payload


@pytest.mark.parametrize("raw", [{"note": SECRET}, {"note": SECRET, "price": SECRET}])
def test_an_unreadable_payload_does_not_stop_a_loop(raw: object) -> None:
    client = threads(answering({"items": [{**ITEM, "id": "i0", "payload": raw}, ITEM]}))
    damaged, good = client.list(Gift, CONTACT)
    with pytest.raises(UnreadablePayloadError, match="price") as caught:
        _ = damaged.payload
    assert SECRET not in f"{caught.value} {caught.value!r} {damaged!r}"
    assert (damaged.raw, good.payload) == (raw, GIFT)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        (CREATED_DATE, MOMENT),
        ("2024-02-29T12:30:15.25", MOMENT.replace(tzinfo=UTC)),
        ("2024-02-29t12:30:15.250z", MOMENT.replace(tzinfo=UTC)),
        ("2024-02-29T12:30:15.2500009", MOMENT.replace(tzinfo=UTC)),
        ("2024-02-29T12:30:15.2500009+01:00", MOMENT),
    ],
)
def test_the_created_date_is_utc_if_it_has_no_offset(text: str, moment: datetime) -> None:
    created = stored(createdDate=text).created_date
    assert (created, created.utcoffset()) == (moment, moment.utcoffset())


@pytest.mark.parametrize("text", ["", "yesterday", "2024-02-30T00:00:00Z", 5, {}, "2024\ud800"])
def test_a_damaged_created_date_is_unreadable(text: object) -> None:
    item = stored(createdDate=text)
    with pytest.raises(UnreadablePayloadError):
        _ = item.created_date
