"""Whatever a tenant sends, a request ends in time, within bounds, and with an error of ours."""

import gzip
import json
import time
import zlib
from collections.abc import Callable, Iterator

import pytest

from engage_codegen.errors import (
    CodegenError,
    MalformedResponseError,
    SourceError,
    UnauthorizedError,
    UnreachableError,
)
from engage_codegen.schema.envelope import from_envelope
from engage_codegen.schema.jsontext import loads
from engage_codegen.sources import exchange
from engage_codegen.sources.interface import ApiKey, ignore_progress
from engage_codegen.sources.tenant import TenantSource
from engage_codegen.sources.tenant_admin import TenantAdmin
from tests.support.runtime.raw_server import Respond, response, speaking
from tests.support.tenants import PATH, envelope

pytestmark = pytest.mark.slow

KEY = 'the+secret/key"1&2'
SCHEMA = from_envelope(loads(json.dumps(envelope("visit"))), "here")
LIST = json.dumps([{"id": "visit"}]).encode()

Verb = Callable[[str, float], object]


def read(base_url: str, timeout: float) -> object:
    source = TenantSource(
        base_url, key=ApiKey(KEY), user_agent="a/1", api_version="v3", timeout=timeout
    )
    return source.fetch((), ignore_progress)


def create(base_url: str, timeout: float) -> None:
    admin(base_url, timeout).create(SCHEMA)


def delete(base_url: str, timeout: float) -> None:
    admin(base_url, timeout).delete("visit")


def admin(base_url: str, timeout: float) -> TenantAdmin:
    return TenantAdmin(
        base_url, key=ApiKey(KEY), user_agent="a/1", api_version="v3", timeout=timeout
    )


def failure(verb: Verb, respond: Respond, timeout: float = 60) -> CodegenError:
    """Return the error of a verb. It never shows the key, a line feed or a control character."""
    with speaking(respond) as server, pytest.raises(CodegenError) as caught:
        verb(server.base_url, timeout)
    error = caught.value
    for text in (error.message, error.where, error.fix):
        assert text.isprintable(), text
        assert KEY not in text
    assert error.__cause__ is None
    assert error.__context__ is None
    return error


def always(*pieces: bytes) -> Respond:
    return lambda request: iter(pieces)


def drip(*pieces: bytes, then: bytes) -> Respond:
    """Send the pieces, and then the last one again and again, a hundred times a second."""

    def respond(request: bytes) -> Iterator[bytes]:
        yield from pieces
        while True:
            time.sleep(0.01)
            yield then

    return respond


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
ENDLESS: dict[str, Respond] = {
    "silence": drip(then=b""),
    "status line": drip(b"HTTP/1.1 200 ", then=b"O"),
    "header": drip(HEAD, then=b"X-A: b\r\n"),
    "header value": drip(HEAD + b"X-A: ", then=b"a"),
    "1xx": drip(then=b"HTTP/1.1 102 Processing\r\n\r\n"),
    "early hints": drip(then=b"HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n"),
    "body": drip(HEAD + b"Content-Length: 9000000\r\n\r\n[", then=b" "),
    "chunks": drip(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", then=b"1\r\n \r\n"),
    "until close": drip(HEAD + b"\r\n[", then=b" "),
    "trailers": drip(HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", then=b"X: y\r\n"),
}


@pytest.mark.parametrize("name", ENDLESS)
@pytest.mark.parametrize("verb", [read, create, delete])
def test_an_answer_that_does_not_end_is_left_in_time(verb: Verb, name: str) -> None:
    error = failure(verb, ENDLESS[name], timeout=0.5)
    assert isinstance(error, UnreachableError)
    # Which of the two limits comes first is a matter of milliseconds.
    assert "0.5 seconds" in error.message
    if verb is not read:
        assert "may have been " in error.message
        assert "run push again" in error.fix


def test_the_time_is_that_of_all_requests_together() -> None:
    """Each schema is quick enough by itself."""
    listed = json.dumps([{"id": f"s{number}"} for number in range(900)]).encode()

    def respond(request: bytes) -> Iterator[bytes]:
        name = request.split(b" ")[1].rpartition(b"/")[2].decode()
        time.sleep(0.02)
        yield response(
            listed if name == "interactionschemas" else json.dumps(envelope(name)).encode()
        )

    error = failure(read, respond, timeout=1)
    assert error.message == "the tenant did not answer completely within 1 seconds"
    assert "`timeout`" in error.fix


@pytest.mark.parametrize("name", ["body", "chunks", "until close"])
@pytest.mark.parametrize("verb", [read, create, delete])
def test_a_status_that_arrived_counts_though_its_body_does_not_end(verb: Verb, name: str) -> None:
    (first, *_), then = list_pieces(name)
    pieces = drip(first.replace(b"200 OK", b"401 Unauthorized"), then=then)
    assert isinstance(failure(verb, pieces, timeout=0.3), UnauthorizedError)


def list_pieces(name: str) -> tuple[list[bytes], bytes]:
    return {
        "body": ([HEAD + b"Content-Length: 9000000\r\n\r\n["], b" "),
        "chunks": ([HEAD + b"Transfer-Encoding: chunked\r\n\r\n"], b"1\r\n \r\n"),
        "until close": ([HEAD + b"\r\n["], b" "),
    }[name]


def deflate(data: bytes) -> bytes:
    return zlib.compress(data)


BOMB = gzip.compress(b"[" + b" " * 30_000_000)
ENCODED = {
    "gzip": (b"gzip", BOMB),
    "gzip twice": (b"gzip, gzip", gzip.compress(BOMB)),
    "gzip twice, in two headers": (b"gzip\r\nContent-Encoding: gzip", gzip.compress(BOMB)),
    "capitals": (b"GZip", BOMB),
    "x-gzip": (b"x-gzip", BOMB),
    "deflate": (b"deflate", deflate(b" " * 30_000_000)),
    "br": (b"br", b"\x0b\x02\x80[]\x03"),
    "zstd": (b"zstd", b"(\xb5/\xfd"),
    "identity and gzip": (b"identity, gzip", BOMB),
    "unknown": (b"nonsense", b"[]"),
}


@pytest.mark.parametrize("name", ENCODED)
@pytest.mark.parametrize("verb", [read, create, delete])
def test_a_compressed_answer_is_not_unpacked(verb: Verb, name: str) -> None:
    encoding, body = ENCODED[name]
    error = failure(verb, always(response(body, "200 OK", b"Content-Encoding: " + encoding)))
    assert isinstance(error, SourceError)
    assert "the response is compressed" in error.message


@pytest.mark.parametrize("verb", [read, create, delete])
def test_no_compressed_answer_is_requested(verb: Verb) -> None:
    with speaking(always(response(b"[]"))) as server:
        verb(server.base_url, 60)
    (request,) = server.requests
    assert request.lower().count(b"\r\naccept-encoding: identity\r\n") == 1


@pytest.mark.parametrize("encoding", [b"identity", b"", b"Identity "])
def test_an_answer_that_says_that_it_is_not_compressed_is_read(encoding: bytes) -> None:
    header = b"Content-Encoding: " + encoding
    with speaking(always(response(b"[]", "200 OK", header))) as server:
        assert read(server.base_url, 60) == {}


@pytest.mark.parametrize("verb", [read, create, delete])
def test_a_body_without_end_is_left_at_the_limit(verb: Verb) -> None:
    def respond(request: bytes) -> Iterator[bytes]:
        yield HEAD + b"\r\n"
        while True:
            yield b" " * 65_536

    with speaking(respond) as server, pytest.raises(SourceError, match="20,000,000 bytes"):
        verb(server.base_url, 60)
    assert server.sent < 40_000_000


def test_the_limit_is_that_of_all_answers_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "MAX_BYTES", 1000)
    listed = json.dumps([{"id": f"s{number}"} for number in range(9)]).encode()

    def respond(request: bytes) -> Iterator[bytes]:
        name = request.split(b" ")[1].rpartition(b"/")[2].decode()
        yield response(
            listed if name == "interactionschemas" else json.dumps(envelope(name)).encode()
        )

    error = failure(read, respond)
    assert error.message == "the response has more than 1,000 bytes"


def test_a_list_with_more_schemas_than_any_tenant_has_is_refused() -> None:
    listed = json.dumps([{"id": f"s{number}"} for number in range(1001)]).encode()
    assert "more than 1,000 schemas" in failure(read, always(response(listed))).message


@pytest.mark.parametrize(
    "headers",
    [
        [b'Link: </api/v3/interactionschemas?page=2>; rel="next"'],
        [b"link: <?page=2>;rel=Next"],
        [b'Link: <?page=0>; rel="prev", <?page=2>; rel="last next"'],
        [b"Link: <?page=0>; rel=first", b"Link: <?page=2>; title=x; rel = next"],
    ],
)
def test_a_part_of_a_list_is_not_taken_for_all_of_it(headers: list[bytes]) -> None:
    error = failure(read, always(response(LIST, "200 OK", *headers)))
    assert "only a part" in error.message
    assert "only a part" in failure(read, always(response(LIST, "206 Partial Content"))).message


@pytest.mark.parametrize(
    "body",
    [
        b'{"items": [{"id": "visit"}], "links": [{"rel": "next", "href": "?continuation=x"}]}',
        b'{"items": [{"id": "visit"}], "links": {"Next": "?Continuation=x"}}',
        b'{"data": [], "page": 1, "pages": 2}',
    ],
)
def test_a_list_in_pages_is_not_read_as_its_first_page(body: bytes) -> None:
    error = failure(read, always(response(body)))
    assert "not a JSON array" in error.message


@pytest.mark.parametrize(
    "header", [b"Link: </next>; rel=self", b'Link: </a>; rel="prev"; title="next"', b"Link: x"]
)
def test_a_link_elsewhere_does_not_matter(header: bytes) -> None:
    with speaking(always(response(b"[]", "200 OK", header))) as server:
        assert read(server.base_url, 60) == {}


LOCATIONS = [
    *(b"mailto:x", b"http://[", b"http://a:b:c/", b"//", b"http://\xff\xfe/", b"https://xn--a/"),
    *(b"", b"\t", b"javascript:alert(1)", b"http://" + b"a" * 70_000, b"?" + b"x" * 20_000),
    b"http://user:password@acme.com/",
]


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 T", "308 P"])
@pytest.mark.parametrize("location", LOCATIONS, ids=lambda location: repr(location[:20]))
@pytest.mark.parametrize("verb", [read, create, delete])
def test_a_redirect_is_an_answer_of_that_status(verb: Verb, location: bytes, status: str) -> None:
    error = failure(verb, always(response(b"{}", status, b"Location: " + location)))
    assert isinstance(error, MalformedResponseError)
    assert f"status {status[:3]}" in error.message


RETRY_AFTER = [
    *(b"Fri, 31 Dec 99999 23:59:59 GMT", b"Mon, 01 Jan 0000 00:00:00 GMT", b"-1", b"1e999"),
    *(b"Fri, 31 Dec 9999 23:59:59 -9959", b"Mon, 01 Jan 0001 00:00:00 +9999", b"9" * 5000),
    *("\u0663".encode(), b"nan", b"", b" ", b"0x10", b"Sun, 06 Nov 1994 08:49:37 +999999999"),
    *(b"1,2", b"\xff", b"Sun Nov  6 08:49:37 1994"),
]


@pytest.mark.parametrize("status", ["200 OK", "302 Found", "429 Too Many", "503 Unavailable"])
@pytest.mark.parametrize("value", RETRY_AFTER, ids=lambda value: repr(value[:32]))
@pytest.mark.parametrize("verb", [read, create])
def test_an_odd_retry_after_changes_nothing(verb: Verb, value: bytes, status: str) -> None:
    error = failure(verb, always(response(b"<p>", status, b"Retry-After: " + value)))
    assert isinstance(error, SourceError)
    assert ("not valid JSON" if verb is read else "not JSON") in error.message or (
        f"status {status[:3]}" in error.message
    )


GARBAGE = {
    "nothing": b"",
    "no HTTP": b"SSH-2.0-OpenSSH_9.6\r\n",
    "HTTP/0.9": b"<html>",
    "TLS": b"\x15\x03\x01\x00\x02\x02F",
    "HTTP/2": b"\x00\x00\x12\x04\x00\x00\x00\x00\x00",
    "status": b"HTTP/1.1 2000 OK\r\n\r\n",
    "unicode status": "HTTP/1.1 \u0662\u0660\u0660 OK\r\n\r\n".encode(),
    "header": b"HTTP/1.1 200 OK\r\nno header\r\n\r\n",
    "header with the key": b'HTTP/1.1 200 OK\r\n\x1b[31mthe+secret/key"1&2\r\n\r\n',
    "huge header": b"HTTP/1.1 200 OK\r\nX: " + b"a" * 200_000 + b"\r\n\r\n",
    "chunk": HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n[]\r\n0\r\n\r\n",
    "cut chunk": HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n[]",
    "cut body": HEAD + b"Content-Length: 9\r\n\r\n[]",
    "two lengths": HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n[]",
    "negative length": HEAD + b"Content-Length: -1\r\n\r\n[]",
    "huge length": HEAD + b"Content-Length: " + b"9" * 19 + b"\r\n\r\n[]",
    "two framings": HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "switch": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    "teapot": b"HTTP/1.1 999 \x1b]0;x\x07\r\nContent-Length: 0\r\n\r\n",
    "not UTF-8": response(b"[\xff]"),
    "other charset": response("[\u00e5]".encode("utf-16"), kind=b"application/json"),
    "content type": response(b"<p>", kind=b'the+secret/key"1&2 \xe2\x80\xae \xff'),
}  # fmt: skip


@pytest.mark.parametrize("name", GARBAGE)
@pytest.mark.parametrize("verb", [read, create, delete])
def test_garbage_is_an_error_of_ours(verb: Verb, name: str) -> None:
    error = failure(verb, always(GARBAGE[name]), timeout=20)
    assert isinstance(error, SourceError)
    assert len(error.message) < 500


def test_cookies_are_not_kept() -> None:
    """One that cannot be sent back would break every later request."""

    def respond(request: bytes) -> Iterator[bytes]:
        name = request.split(b" ")[1].rpartition(b"/")[2].decode()
        yield response(
            LIST if name == "interactionschemas" else json.dumps(envelope(name)).encode(),
            "200 OK",
            b"Set-Cookie: a=\xff; Path=/",
            b"Set-Cookie: b=c; Expires=Fri, 31 Dec 99999 23:59:59 GMT; Max-Age=1e999",
        )

    with speaking(respond) as server:
        read(server.base_url, 60)
    assert len(server.requests) == 2
    assert not any(b"cookie" in request.lower() for request in server.requests)
    assert server.requests[0].startswith(f"GET {PATH} ".encode())


@pytest.mark.parametrize("body", [b"<html>Login</html>", b"\xff", b"[", b"OK"])
@pytest.mark.parametrize("verb", [create, delete])
def test_a_page_is_not_taken_for_a_success(verb: Verb, body: bytes) -> None:
    error = failure(verb, always(response(body)))
    assert isinstance(error, UnreachableError)
    assert "may have been " in error.message


@pytest.mark.parametrize("status", ["500 Error", "502 Bad Gateway", "504 Timeout"])
@pytest.mark.parametrize("verb", [create, delete])
def test_an_error_of_a_server_does_not_say_that_nothing_happened(verb: Verb, status: str) -> None:
    error = failure(verb, always(response(b"<p>", status)))
    assert isinstance(error, UnreachableError)
    assert f"may have been {verb.__name__}d: the tenant answered with status" in error.message


def test_a_page_that_is_missing_is_not_a_schema_that_is_gone() -> None:
    with speaking(always(response(b'{"errorCode": "X"}', "404 Not Found"))) as server:
        delete(server.base_url, 60)
    error = failure(delete, always(response(b"<p>", "404 Not Found")))
    assert "did not delete the schema visit (status 404)" in error.message


@pytest.mark.parametrize("status", ["200 OK", "201 Created", "204 No Content"])
@pytest.mark.parametrize("verb", [create, delete])
def test_a_success_needs_no_body(verb: Verb, status: str) -> None:
    with speaking(always(f"HTTP/1.1 {status}\r\nConnection: close\r\n\r\n".encode())) as server:
        verb(server.base_url, 60)
