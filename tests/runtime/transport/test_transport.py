"""Requests to a server on raw bytes, and what the environment and the process do to a client."""

import asyncio
import gc
import gzip
import inspect
import itertools
import json
import logging
import os
import pickle
import threading
import zlib
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import certifi
import pytest

from engage_codegen.schema import redaction as redaction_of_tool
from engage_interactions import (
    AsyncEngageClient,
    ConfigurationError,
    EngageClient,
    EngageError,
    NotSentError,
    OutcomeUnknownError,
    ReadError,
    Receipt,
    RetryPolicy,
)
from engage_interactions._runtime.transport import answers, deadline, redaction
from engage_interactions.favourite import Favourite
from tests.support.runtime.http_library import httpx
from tests.support.runtime.raw_server import RawServer, response, speaking

CONTACT = "3f0c1a52-7d5e"
GIFT = Favourite(product_sku="8810")
RECEIPT = response(b'{"id": "i1"}')
KEY = "k3y+/="


@pytest.fixture(autouse=True, scope="module")
def short_collections() -> Generator[None]:
    """Spare the objects of other modules from garbage collections.

    A collection of all of them takes longer than the deadlines in this module.
    """
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


def threads(server: RawServer, **more: Any) -> EngageClient:
    settings: dict[str, Any] = {"retry": RetryPolicy.never(), "rate": 1_000_000, **more}
    return EngageClient(server.base_url, api_key=KEY, user_agent="Shop/1", **settings)


def tasks(server: RawServer, **more: Any) -> AsyncEngageClient:
    settings: dict[str, Any] = {"retry": RetryPolicy.never(), "rate": 1_000_000, **more}
    return AsyncEngageClient(server.base_url, api_key=KEY, user_agent="Shop/1", **settings)


Connect = Callable[..., Any]
both = pytest.mark.parametrize("connect", [threads, tasks])


def send(client: Any, **more: Any) -> Receipt | EngageError:
    async def run_async() -> Receipt:
        async with client:
            receipt: Receipt = await client.send(CONTACT, GIFT, **more)
            return receipt

    try:
        if isinstance(client, AsyncEngageClient):
            return asyncio.run(run_async())
        with client:
            receipt: Receipt = client.send(CONTACT, GIFT, **more)
            return receipt
    except EngageError as error:
        return error


def answering(*pieces: bytes) -> Callable[[bytes], Iterator[bytes]]:
    return lambda request: iter(pieces)


def dripping(head: bytes, drip: bytes) -> Callable[[bytes], Iterator[bytes]]:
    """Send a drip every 20 ms without end."""

    def respond(request: bytes) -> Iterator[bytes]:
        yield head
        pause = threading.Event()
        while not pause.wait(0.02):
            yield drip

    return respond


DRIPS = {
    "header": (b"HTTP/1.1 200 OK\r\nX-Drip: ", b"x"),
    "headers": (b"HTTP/1.1 200 OK\r\n", b"X-Drip: x\r\n"),
    "body": (b"HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n", b" "),
    "chunks": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    "informational": (b"", b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"),
    "silence": (b"", b""),
}


@both
@pytest.mark.parametrize("limit", ["timeout", "deadline", "client's deadline", "own client"])
@pytest.mark.parametrize("drip", DRIPS)
def test_a_server_that_answers_without_end_does_not_hold_a_call(
    connect: Connect, limit: str, drip: str
) -> None:
    with speaking(dripping(*DRIPS[drip])) as server:
        if limit == "own client":
            http = httpx.Client() if connect is threads else httpx.AsyncClient()
            outcome = send(connect(server, http=http), deadline=0.3)
        elif limit == "deadline":
            outcome = send(connect(server), deadline=0.3)
        else:
            outcome = send(connect(server, **{limit.removeprefix("client's "): 0.3}))
    assert isinstance(outcome, OutcomeUnknownError)
    assert (outcome.lookup, len(server.requests)) == (None, 1)


@both
def test_a_list_whose_pages_never_end_is_a_read_error(connect: Connect) -> None:
    numbers = itertools.count()

    def respond(request: bytes) -> Iterator[bytes]:
        link = {"rel": "next", "href": f"/x?continuation={next(numbers)}"}
        yield response(json.dumps({"items": [], "links": [link]}).encode())

    async def read_async(client: AsyncEngageClient) -> None:
        async for _ in client.list(Favourite, CONTACT):
            pass

    with speaking(respond) as server:
        client = connect(server)
        with pytest.raises(ReadError, match="no new item"):
            asyncio.run(read_async(client)) if connect is tasks else list(
                client.list(Favourite, CONTACT)
            )
    assert len(server.requests) < 20


@both
@pytest.mark.parametrize("wait", ["rate limit", "retry", "lookup"])
def test_no_wait_goes_beyond_the_deadline(connect: Connect, wait: str) -> None:
    answer = response(status="500 X") if wait == "lookup" else response(status="429 X")
    policy = RetryPolicy(retry_delays=(3600.0,), lookup_delays=(3600.0,))
    with speaking(answering(answer)) as server:
        client = connect(server, rate=1, retry=policy, deadline=0.3)
        if wait == "rate limit":
            client.__engine__.limiter.slow_down(3600.0)
        outcome = send(client)
    expected = OutcomeUnknownError if wait == "lookup" else NotSentError
    assert isinstance(outcome, expected)
    assert len(server.requests) == (wait != "rate limit")


@pytest.mark.parametrize("name", ["timeout", "deadline"])
@pytest.mark.parametrize("seconds", [0, -1.0, float("inf"), float("nan")])
def test_a_limit_that_cannot_work_is_refused(name: str, seconds: float) -> None:
    settings: dict[str, Any] = {name: seconds}
    with pytest.raises(ConfigurationError, match=name):
        EngageClient("https://acme.voyado.com", api_key="k", user_agent="a/1", **settings)


def packed(body: bytes, layers: int = 1) -> bytes:
    for _ in range(layers):
        body = gzip.compress(body)
    return body


ENCODINGS = {
    "gzip": (packed(b'{"id": "i1"}'), b"gzip", None),
    "x-gzip": (packed(b'{"id": "i1"}'), b"X-GZip", None),
    "deflate": (zlib.compress(b'{"id": "i1"}'), b"deflate", None),
    "identity": (b'{"id": "i1"}', b"identity", None),
    "bomb": (packed(b" " * 100_000), b"gzip", "more than 10000 bytes"),
    "two layers": (packed(b'{"id": "i1"}', 2), b"gzip, gzip", "encoding gzip, gzip"),
    "brotli": (b"x", b"br", "encoding br"),
    "cut": (packed(b'{"id": "i1"}')[:-9], b"gzip", "cut off"),
    "garbage": (b"garbage", b"gzip", "cannot be unpacked"),
    "large": (b" " * 20_000, b"identity", "more than 10000 bytes"),
}


@both
@pytest.mark.parametrize("name", ENCODINGS)
def test_a_packed_answer_is_unpacked_up_to_a_limit(
    connect: Connect, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    body, encoding, reason = ENCODINGS[name]
    monkeypatch.setattr(answers, "LARGEST_BODY", 10_000)
    answer = response(body, "200 OK", b"Content-Encoding: " + encoding)
    with speaking(answering(answer)) as server:
        outcome = send(connect(server))
    assert b"accept-encoding: identity\r\n" in server.requests[0].lower()
    if reason is None:
        assert isinstance(outcome, Receipt)
    else:
        assert isinstance(outcome, OutcomeUnknownError)
        assert reason in str(outcome)


RETRY_AFTER = [
    "Wed, 21 Oct 9999999 07:28:00 GMT",
    "Wed, 21 Oct 2015 07:28:00 +99999999999999",
    "Wed, 99 Oct 2015 07:28:00 GMT",
    "9" * 400,
    "-1",
    "1e9",
    "NaN",
    "\N{ARABIC-INDIC DIGIT ONE}",
    "",
]


@both
@pytest.mark.parametrize("header", RETRY_AFTER)
@pytest.mark.parametrize("status", ["200 OK", "429 X", "503 X"])
def test_an_odd_retry_after_is_as_good_as_none(connect: Connect, header: str, status: str) -> None:
    answer = response(b'{"id": "i1"}', status, b"Retry-After: " + header.encode())
    with speaking(answering(answer)) as server:
        outcome = send(connect(server))
    names = {"200 OK": "Receipt", "429 X": "RateLimitedError", "503 X": "OutcomeUnknownError"}
    assert type(outcome).__name__ == names[status]
    assert getattr(outcome, "retry_after", None) is None


@both
@pytest.mark.parametrize(
    "location",
    ["mailto:x", "http://[::x", "http://x:99999999/", "//", "http://\xff/", "x" * 90_000],
)
def test_a_redirect_to_anywhere_leaves_the_outcome_unknown(connect: Connect, location: str) -> None:
    answer = response(b"", "302 Found", b"Location: " + location.encode("latin-1"))
    with speaking(answering(answer)) as server:
        assert isinstance(send(connect(server)), OutcomeUnknownError)


@both
@pytest.mark.parametrize("cookie", [b"a=\xff", b"a=" + b"b" * 4000, b"a=b; Domain=127.0.0.1"])
def test_no_cookie_is_kept(connect: Connect, cookie: bytes) -> None:
    answer = response(b'{"id": "i1"}', "200 OK", b"Set-Cookie: " + cookie)

    async def send_twice(client: AsyncEngageClient) -> None:
        await client.send(CONTACT, GIFT)
        await client.send("another", GIFT, confirm=False)

    numbers = itertools.count()

    def respond(request: bytes) -> Iterator[bytes]:
        yield answer.replace(b"i1", b"i%d" % next(numbers))

    with speaking(respond) as server:
        client = connect(server)
        if isinstance(client, AsyncEngageClient):
            asyncio.run(send_twice(client))
        else:
            client.send(CONTACT, GIFT)
            client.send(CONTACT, GIFT)
    assert not any(b"\r\ncookie:" in request.lower() for request in server.requests)


@both
@pytest.mark.parametrize("when", ["request", "response"])
@pytest.mark.parametrize("error", [ValueError("x"), RuntimeError(), KeyError("a\nb")])
def test_an_exception_of_a_hook_leaves_the_outcome_unknown(
    connect: Connect, when: str, error: Exception
) -> None:
    def fail(subject: object) -> None:
        raise error

    async def fail_async(subject: object) -> None:
        raise error

    with speaking(answering(RECEIPT)) as server:
        http: httpx.Client | httpx.AsyncClient
        if connect is threads:
            http = httpx.Client(event_hooks={when: [fail]})
        else:
            http = httpx.AsyncClient(event_hooks={when: [fail_async]})
        outcome = send(connect(server, http=http))
    assert isinstance(outcome, OutcomeUnknownError)
    assert type(error).__name__ in str(outcome)
    assert "\n" not in str(outcome)


def test_a_send_in_flight_ends_with_its_receipt_when_the_client_is_closed() -> None:
    has_arrived, may_answer = threading.Event(), threading.Event()

    def respond(request: bytes) -> Iterator[bytes]:
        has_arrived.set()
        may_answer.wait(60)
        yield RECEIPT

    outcomes: list[Receipt | EngageError] = []
    with speaking(respond) as server:
        client = threads(server, timeout=60.0)
        thread = threading.Thread(target=lambda: outcomes.append(client.send(CONTACT, GIFT)))
        thread.start()
        assert has_arrived.wait(60)
        client.close()
        may_answer.set()
        thread.join()
        with pytest.raises(ConfigurationError, match="closed"):
            client.send(CONTACT, GIFT)
    assert isinstance(outcomes[0], Receipt)
    assert len(server.requests) == 1


def test_a_client_that_is_closed_before_the_lookup_leaves_the_outcome_unknown() -> None:
    clients: list[EngageClient] = []

    def respond(request: bytes) -> Iterator[bytes]:
        clients[0].close()
        yield response(status="500 X")

    with speaking(respond) as server:
        clients.append(threads(server, retry=RetryPolicy(lookup_delays=(0.0, 0.0), resend=True)))
        outcome = send(clients[0])
    assert isinstance(outcome, OutcomeUnknownError)
    assert (outcome.lookup, len(server.requests)) == (None, 1)


def test_a_canceled_send_carries_its_created_date() -> None:
    has_arrived = threading.Event()

    def respond(request: bytes) -> Iterator[bytes]:
        has_arrived.set()
        yield from dripping(b"", b"")(request)

    async def cancel(client: AsyncEngageClient) -> asyncio.CancelledError:
        task = asyncio.create_task(client.send(CONTACT, GIFT))
        await asyncio.to_thread(has_arrived.wait, 60)
        task.cancel()
        try:
            await task
        except asyncio.CancelledError as error:
            return error
        raise AssertionError("the send was not canceled")

    with speaking(respond) as server:
        error = asyncio.run(cancel(tasks(server)))
    date = vars(error)["created_date"]
    assert date.encode() in server.requests[0]
    assert date in error.__notes__[0]


def test_another_event_loop_gets_its_own_connections() -> None:
    numbers = itertools.count()

    def respond(request: bytes) -> Iterator[bytes]:
        yield response(b'{"id": "i%d"}' % next(numbers))

    async def send_twice(client: AsyncEngageClient) -> list[str]:
        return [(await client.send(CONTACT, GIFT)).id for _ in range(2)]

    with speaking(respond) as server:
        client = tasks(server)
        ids = [asyncio.run(send_twice(client)) for _ in range(3)]
    assert sorted(itertools.chain(*ids)) == [f"i{number}" for number in range(6)]


def test_a_client_of_another_event_loop_is_refused_before_anything_leaves() -> None:
    with speaking(answering(RECEIPT)) as server:
        client = tasks(server, http=httpx.AsyncClient())
        asyncio.run(client.send(CONTACT, GIFT))
        with pytest.raises(ConfigurationError, match="another event loop"):
            asyncio.run(client.send(CONTACT, GIFT))
    assert len(server.requests) == 1


def test_a_task_without_asyncio_is_refused() -> None:
    with speaking(answering(RECEIPT)) as server:
        call = tasks(server).send(CONTACT, GIFT)
        with pytest.raises(ConfigurationError, match="does not support trio"):
            call.send(None)
    assert not server.requests


@contextmanager
def environment(monkeypatch: pytest.MonkeyPatch, **values: str) -> Generator[None]:
    names = "SSL_CERT_FILE SSL_CERT_DIR SSLKEYLOGFILE HTTPS_PROXY ALL_PROXY NO_PROXY"
    with monkeypatch.context() as patch:
        for name in names.split():
            patch.delenv(name, raising=False)
            patch.delenv(name.lower(), raising=False)
        for name, value in values.items():
            patch.setenv(name, value)
        yield


def create_both() -> None:
    for client_class in (EngageClient, AsyncEngageClient):
        client_class("https://acme.voyado.com", api_key="k", user_agent="a/1")


@pytest.mark.parametrize("content", [None, b"", b"no certificate", b"folder"])
def test_certificates_that_cannot_be_read_are_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "ca.pem"
    if content == b"folder":
        path.mkdir()
    elif content is not None:
        path.write_bytes(content)
    with (
        environment(monkeypatch, SSL_CERT_FILE=str(path)),
        pytest.raises(ConfigurationError, match=r"SSL_CERT_FILE=.*ca\.pem"),
    ):
        create_both()


def test_a_key_log_that_cannot_be_written_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with (
        environment(
            monkeypatch,
            SSLKEYLOGFILE=str(tmp_path / "none" / "log"),
            SSL_CERT_FILE=certifi.where(),  # Otherwise httpx2 writes no log.
        ),
        pytest.raises(ConfigurationError, match="SSLKEYLOGFILE"),
    ):
        create_both()


@pytest.mark.parametrize(
    "proxy", ["http://u:s3cret@[::x", "://u:s3cret@", "ftp://u:s3cret@h", "x:y"]
)
@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "all_proxy"])
def test_an_unusable_proxy_is_refused_without_its_password(
    monkeypatch: pytest.MonkeyPatch, proxy: str, variable: str
) -> None:
    with (
        environment(monkeypatch, **{variable: proxy}),
        pytest.raises(ConfigurationError, match="HTTPS_PROXY") as caught,
    ):
        create_both()
    assert "s3cret" not in f"{caught.value!r}{caught.value.__context__!r}"


@pytest.mark.parametrize("hosts", ["::1", "[::1]", "[::1]:80,fe80::/10", "*", ".voyado.com", "@"])
def test_any_list_of_hosts_without_a_proxy_is_accepted(
    monkeypatch: pytest.MonkeyPatch, hosts: str
) -> None:
    with environment(monkeypatch, HTTPS_PROXY="http://127.0.0.1:9", NO_PROXY=hosts):
        create_both()


@pytest.mark.parametrize("url", ["https://u:s3cret@acme.voyado.com", "http://u:s3cret@localhost"])
def test_credentials_in_the_base_url_are_not_shown(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        EngageClient(url, api_key="k", user_agent="a/1")
    assert "s3cret" not in repr(caught.value)


SPELLINGS = {
    "plain": KEY,
    "json": json.dumps(KEY),
    "escaped slash": KEY.replace("/", "\\/"),
    "unicode": "".join(f"\\u{ord(c):04x}" for c in KEY),
    "upper case": "".join(f"\\u{ord(c):04X}" for c in KEY),
    "some": "k3y\\u002B\\/=",
    "json in json": json.dumps(json.dumps({"key": KEY.replace("/", "\\/")})),
    "url": "k3y%2B%2f%3D",
    "url in url": "k3y%252B%252F%253D",
    "html": "k3y&#43;&#x2F;&#061;",
}


@pytest.mark.parametrize("name", SPELLINGS)
def test_the_key_is_hidden_in_every_spelling(name: str) -> None:
    body = f'{{"message": "bad key <{SPELLINGS[name]}>"}}'
    with speaking(answering(response(body.encode(), "400 X"))) as server:
        outcome = send(threads(server))
    assert "k3y" not in f"{outcome} {outcome!r}"


def test_the_client_hides_the_key_by_the_functions_of_the_tool() -> None:
    names = set(vars(redaction)) & set(vars(redaction_of_tool))
    functions = [name for name in sorted(names) if inspect.isfunction(vars(redaction)[name])]
    assert {"hide_secret", "hide_secret_in_bytes"} <= {*functions}
    for name in functions:
        ours, theirs = (vars(module)[name] for module in (redaction, redaction_of_tool))
        assert inspect.getsource(ours) == inspect.getsource(theirs)


def test_the_library_logs_no_url_of_a_request(caplog: pytest.LogCaptureFixture) -> None:
    item: dict[str, object] = {
        "id": "i1",
        "contactId": CONTACT,
        "schemaId": "favourite",
        "payload": {},
    }
    body = json.dumps({**item, "items": [item]}).encode()
    with speaking(answering(response(body))) as server, caplog.at_level(logging.INFO):
        for http in (None, httpx.Client()):
            client = threads(server, http=http)
            list(client.list(Favourite, CONTACT))
            client.send(CONTACT, GIFT) if http is None else client.delete("i1")
        httpx.get(server.base_url + "/another")
    lines = [record.getMessage() for record in caplog.records if record.name == httpx.__name__]
    assert len(lines) == 1
    assert "/another" in lines[0]


@both
def test_a_client_is_not_pickled(connect: Connect) -> None:
    with speaking(answering(RECEIPT)) as server, pytest.raises(TypeError, match="Create it in"):
        pickle.dumps(connect(server))


forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")


def in_child(action: Callable[[], object]) -> str:
    """Return the repr of the result in a forked process, or the name of its exception."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            text = repr(action())
        except BaseException as error:
            text = f"{type(error).__name__}: {error}"
        os.write(writing, text.encode())
        os._exit(0)
    os.close(writing)
    os.waitpid(child, 0)
    with os.fdopen(reading) as pipe:
        return pipe.read()


def respond_with_new_id(request: bytes) -> Iterator[bytes]:
    yield response(json.dumps({"id": os.urandom(4).hex()}).encode())


@forks
@both
def test_a_client_opens_its_own_connections_after_a_fork(connect: Connect) -> None:
    with speaking(respond_with_new_id) as server:
        client = connect(server)
        engine = client.__engine__

        def send_again() -> str:
            call = client.send(CONTACT, GIFT)
            receipt: Receipt = asyncio.run(call) if connect is tasks else call
            return f"sent {receipt.id}"

        send_again()
        with vars(engine.receipts)["_lock"], vars(engine.limiter)["_lock"]:  # as another thread
            outcome = in_child(send_again)
        assert "sent" in outcome
        inherited = cast(object, vars(engine.transport)["_own"])

        def keeps_inherited() -> bool:
            send_again()
            return bool(vars(engine.transport)["_own"] is inherited)

        assert in_child(keeps_inherited) == "False"
        send_again()
    assert len(server.requests) == 4


@forks
@both
def test_a_client_of_the_parent_is_refused_after_a_fork(connect: Connect) -> None:
    with speaking(answering(RECEIPT)) as server:
        http = httpx.Client() if connect is threads else httpx.AsyncClient()
        client = connect(server, http=http)

        def send_in_child() -> object:
            call = client.send(CONTACT, GIFT)
            return asyncio.run(call) if connect is tasks else call

        outcome = in_child(send_in_child)
    assert outcome.startswith("ConfigurationError")
    assert "another process" in outcome
    assert not server.requests


@forks
def test_receipts_of_the_parent_are_known_in_a_child() -> None:
    with speaking(answering(RECEIPT)) as server:
        client = threads(server)
        client.send(CONTACT, GIFT)
        outcome = in_child(lambda: client.send(CONTACT, GIFT))
    assert outcome.startswith(
        "OutcomeUnknownError: Engage answered 200 with the receipt of another"
    )


def test_a_process_that_was_stopped_beyond_the_deadline_of_a_request_does_not_write_it() -> None:
    class Stream:
        sent = b""

        def write(self, buffer: bytes, timeout: float | None = None) -> None:
            self.sent += buffer

    stream = Stream()
    limited = deadline.LimitedStream(cast(deadline.Stream, stream))
    limited.write(b"in time", deadline.PhaseTimeout.from_now(1.0, 3600.0))
    with pytest.raises(httpx.WriteTimeout):
        limited.write(b"too late", deadline.PhaseTimeout.from_now(1.0, -0.001))
    assert stream.sent == b"in time"
