"""The conversion of responses and exceptions of the HTTP library to replies."""

import re
import zlib
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from ..call.foreign_text import printable_line
from ..call.steps import Answer, Failure
from .connection import ApiKey
from .http_library import httpx

LARGEST_BODY = 32 * 2**20
"""The limit of an answer in bytes, unpacked. A page of a list has fifty interactions."""

_NOT_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)


class Body:
    """The body of a response as it arrives, up to a limit."""

    def __init__(self, response: httpx.Response) -> None:
        encoding = response.headers.get("content-encoding", "").strip().lower()
        # An event hook of the caller's client has read, and unpacked, what is consumed.
        self._encoding = "" if response.is_stream_consumed else encoding
        self._chunks: list[bytes] = []
        self._size = 0

    def add(self, chunk: bytes) -> None:
        """Append a chunk as it was sent. Raises `httpx.DecodingError` if the body is too large."""
        self._chunks.append(chunk)
        self._size += len(chunk)
        if self._size > LARGEST_BODY:
            raise httpx.DecodingError(_TOO_LARGE.format(LARGEST_BODY))

    def unpack(self) -> bytes:
        """Return the whole body. Raises `httpx.DecodingError`.

        The client asks for an answer that is not packed. One that is packed nevertheless is
        unpacked if there is one layer, and only up to the limit.
        """
        data = b"".join(self._chunks)
        if self._encoding in ("", "identity"):
            return data
        if self._encoding not in ("gzip", "x-gzip", "deflate"):
            raise httpx.DecodingError(f"the answer has the encoding {self._encoding}")
        unpacker = zlib.decompressobj(_GZIP_OR_ZLIB)
        try:
            data = unpacker.decompress(data, LARGEST_BODY)
        except zlib.error:
            raise httpx.DecodingError("the answer cannot be unpacked") from None
        if not unpacker.eof:
            is_cut = not unpacker.unconsumed_tail
            reason = "the answer is cut off" if is_cut else _TOO_LARGE.format(LARGEST_BODY)
            raise httpx.DecodingError(reason)
        return data


_GZIP_OR_ZLIB = 47
_TOO_LARGE = "the answer has more than {} bytes"


def make_answer(response: httpx.Response, content: bytes, key: ApiKey) -> Answer:
    """Convert a response. Removes a key that an error response echoes."""
    if response.is_success:
        return Answer(response.status_code, content)
    header = response.headers.get("retry-after")
    seconds = None if header is None else _seconds(header)
    return Answer(response.status_code, key.hide_in(content), seconds)


def make_failure(error: Exception, key: ApiKey, *, is_prepared: bool = True) -> Failure:
    """Convert an exception. `is_prepared` is False if no request existed yet.

    Keeps the reason, and not the exception: the frames of its traceback hold the key.
    """
    name = type(error).__name__
    text = printable_line(key.hide_in_text(str(error)))[:500]
    if not text or not isinstance(error, httpx.HTTPError):
        text = f"{name}: {text}" if text else name
    return Failure(text, may_have_arrived=is_prepared and not isinstance(error, _NOT_SENT))


def _seconds(header: str) -> float | None:
    """Return the seconds of a Retry-After header, which has a number or a date."""
    if re.fullmatch("[0-9]{1,9}", header):
        return float(header)
    try:
        moment = parsedate_to_datetime(header)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return max(0.0, (moment - datetime.now(UTC)).total_seconds())
    except Exception:  # The parser raises anything for a date that is none.
        return None
