"""What becomes of answers and failures of httpx before a call sees them."""

import gzip
import zlib
from datetime import UTC, datetime, timedelta, tzinfo
from email.utils import format_datetime
from typing import Self

import pytest

from engage_interactions import (
    EngageClient,
    RateLimitedError,
    Receipt,
    RejectedError,
    RetryPolicy,
)
from engage_interactions._runtime.errors import EngageError, NotSentError, OutcomeUnknownError
from engage_interactions._runtime.transport import answers
from engage_interactions._runtime.transport.answers import Body
from tests.support.runtime.clocks import FakeClock
from tests.support.runtime.http_library import httpx
from tests.support.runtime.platform import CONTACT, Gift

NOW = datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)
KEY = "k3y-0f-the-ten4nt"


class FixedDate(datetime):
    """A date whose current time is `NOW`."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        return cls.combine(NOW.date(), NOW.time(), tz)


def outcome_of(answer: httpx.Response | Exception) -> Receipt | EngageError:
    """Return the outcome of a send that gets an answer, or a failure."""

    def handle(request: httpx.Request) -> httpx.Response:
        if isinstance(answer, Exception):
            raise answer
        return answer

    with httpx.Client(transport=httpx.MockTransport(handle)) as http:
        client = EngageClient(
            "https://acme.voyado.com",
            api_key=KEY,
            user_agent="a/1",
            retry=RetryPolicy.never(),
            clock=FakeClock(),
            http=http,
        )
        try:
            return client.send(CONTACT, Gift("a"))
        except EngageError as error:
            return error


def error_of(answer: httpx.Response | Exception) -> EngageError:
    outcome = outcome_of(answer)
    assert isinstance(outcome, EngageError)
    return outcome


@pytest.mark.parametrize("status", [200, 201, 299])
def test_a_success_has_its_body_unchanged(status: int) -> None:
    receipt = outcome_of(httpx.Response(status, json={"id": KEY}))
    assert isinstance(receipt, Receipt)
    assert receipt.id == KEY, "an id of the platform, and no echo"


@pytest.mark.parametrize("status", [400, 401, 404, 422])
def test_the_key_is_hidden_in_a_refusal(status: int) -> None:
    error = error_of(httpx.Response(status, json={"errorCode": "Bad", "message": f"no {KEY}!"}))
    assert isinstance(error, RejectedError)
    assert (error.message, error.status) == ("Bad: no ***!", status)


def http_date(seconds: float) -> str:
    return format_datetime(NOW + timedelta(seconds=seconds), usegmt=True)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("0", 0.0),
        ("7", 7.0),
        ("007", 7.0),
        ("999999999", 999_999_999.0),
        ("1000000000", None),
        ("", None),
        ("1.5", None),
        ("-1", None),
        ("+1", None),
        ("1s", None),
        ("soon", None),
        ("Sat, 14 Mar 2026", None),
        (http_date(0), 0.0),
        (http_date(1), 1.0),
        (http_date(90), 90.0),
        (http_date(86_400), 86_400.0),
        (http_date(-1), 0.0),
        (http_date(-86_400), 0.0),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
        ("Sat, 14 Mar 2026 09:27:03 -0000", 10.0),  # a date without a zone is in UTC
        ("Sat, 14 Mar 2026 09:27:03", 10.0),
        ("Sat, 14 Mar 2026 10:27:03 +0100", 10.0),
        ("Saturday, 14-Mar-26 09:27:03 GMT", 10.0),
    ],
)
def test_a_retry_after_is_a_number_of_seconds_or_a_date_and_never_negative(
    monkeypatch: pytest.MonkeyPatch, header: str | None, seconds: float | None
) -> None:
    monkeypatch.setattr(answers, "datetime", FixedDate)
    headers = {} if header is None else {"Retry-After": header}
    error = error_of(httpx.Response(429, headers=headers))
    assert isinstance(error, RateLimitedError)
    assert error.retry_after == seconds
    assert type(error.retry_after) is (float if seconds is not None else type(None))


@pytest.mark.parametrize(
    "failure",
    [
        httpx.ConnectError,
        httpx.ConnectTimeout,
        httpx.PoolTimeout,
        httpx.ProxyError,
        httpx.UnsupportedProtocol,
    ],
)
def test_a_request_without_a_connection_was_not_sent(failure: type[httpx.TransportError]) -> None:
    assert type(error_of(failure("refused"))) is NotSentError


@pytest.mark.parametrize(
    "failure", [httpx.ReadTimeout, httpx.WriteTimeout, httpx.ReadError, httpx.RemoteProtocolError]
)
def test_a_request_that_began_may_have_arrived(failure: type[httpx.TransportError]) -> None:
    assert type(error_of(failure("cut"))) is OutcomeUnknownError


@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        (httpx.ConnectError("refused"), "The request was not sent: refused."),
        (httpx.ConnectError("refused."), "The request was not sent: refused."),
        (httpx.ReadError(".cut..."), "Engage did not answer: .cut."),
        (httpx.ConnectError(""), "The request was not sent: ConnectError."),
        (httpx.ConnectError(f"at {KEY}!"), "The request was not sent: at ***!."),
        (httpx.ConnectError("a\x1b[31m\nb"), "The request was not sent: a [31m b."),
        (httpx.ReadError("cut"), "Engage did not answer: cut."),
        (RuntimeError("a bug"), "Engage did not answer: RuntimeError: a bug."),
        (RuntimeError(), "Engage did not answer: RuntimeError."),
        (RuntimeError("X" * 900), f"Engage did not answer: RuntimeError: {'X' * 500}."),
        (httpx.ReadError("y" * 900), f"Engage did not answer: {'y' * 500}."),
    ],
    ids=repr,
)
def test_the_reason_of_a_failure_is_one_printable_line_without_the_key(
    failure: Exception, reason: str
) -> None:
    assert str(error_of(failure)) == reason


def body_of(content: bytes, encoding: str | None, *, is_consumed: bool = False) -> Body:
    headers = {} if encoding is None else {"Content-Encoding": encoding}
    stream = httpx.ByteStream(b"")
    response = httpx.Response(200, headers=headers, stream=stream)
    if is_consumed:
        response.is_stream_consumed = True
    body = Body(response)
    for start in range(0, len(content), 7):
        body.add(content[start : start + 7])
    return body


TEXT = b'{"id": "i1", "note": "' + b"z" * 64 + b'"}'
PACKED = gzip.compress(TEXT, mtime=0)  # with a time, each run would have other names of tests


@pytest.mark.parametrize(
    ("encoding", "content"),
    [
        (None, TEXT),
        ("", TEXT),
        ("identity", TEXT),
        (" Identity ", TEXT),
        ("gzip", PACKED),
        (" GZip ", PACKED),
        ("x-gzip", PACKED),
        ("deflate", zlib.compress(TEXT)),
    ],
)
def test_a_body_is_unpacked_by_its_encoding(encoding: str | None, content: bytes) -> None:
    assert body_of(content, encoding).unpack() == TEXT


def test_a_body_that_a_hook_has_read_is_not_unpacked_again() -> None:
    assert body_of(TEXT, "gzip", is_consumed=True).unpack() == TEXT


@pytest.mark.parametrize(
    ("encoding", "content", "reason"),
    [
        ("br", TEXT, "has the encoding br"),
        (
            "gzip, gzip",
            gzip.compress(PACKED, mtime=0),
            "has the encoding gzip, gzip",
        ),
        ("gzip", TEXT, "cannot be unpacked"),
        ("gzip", PACKED[:-9], "is cut off"),
        ("deflate", zlib.compress(TEXT)[:-1], "is cut off"),
        ("gzip", b"", "is cut off"),
    ],
)
def test_a_body_that_cannot_be_unpacked_is_an_error(
    encoding: str, content: bytes, reason: str
) -> None:
    with pytest.raises(httpx.DecodingError, match=reason):
        body_of(content, encoding).unpack()


@pytest.mark.parametrize(("size", "is_allowed"), [(62, True), (63, True), (64, False), (65, False)])
def test_the_limit_counts_all_chunks_and_what_is_unpacked(
    monkeypatch: pytest.MonkeyPatch, size: int, is_allowed: bool
) -> None:
    monkeypatch.setattr(answers, "LARGEST_BODY", 63)
    if is_allowed:
        assert body_of(b"z" * size, None).unpack() == b"z" * size
        assert body_of(gzip.compress(b"z" * size), "gzip").unpack() == b"z" * size
    else:
        with pytest.raises(httpx.DecodingError, match="more than 63 bytes"):
            body_of(b"z" * size, None)
        with pytest.raises(httpx.DecodingError, match="more than 63 bytes"):
            body_of(gzip.compress(b"z" * size), "gzip").unpack()


def test_the_limit_is_32_mebibytes() -> None:
    assert answers.LARGEST_BODY == 33_554_432
