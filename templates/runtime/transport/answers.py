"""The conversion of responses and exceptions of the HTTP library to replies."""

import re
import zlib
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from ..call.foreign_text import printable_line
from ..call.steps import Answer, Failure
from .connection import ApiKey
from .headers import headers_for_support
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
        encodings = [v for n, v in response.headers.raw if n.lower() == b"content-encoding"]
        encoding = b", ".join(encodings).strip().lower().decode("latin-1")
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
    headers = headers_for_support(response.headers.raw)
    if response.is_success:
        return Answer(response.status_code, content, None, headers, _elapsed_seconds(response))
    headers = {name: key.hide_in_text(value) for name, value in headers.items()}
    retry_after = _parse_retry_after(response.headers.get("retry-after"))
    body = key.hide_in(content)
    return Answer(response.status_code, body, retry_after, headers, _elapsed_seconds(response))


def _elapsed_seconds(response: httpx.Response) -> float:
    """Return the duration of a request, or 0.0 if a client of the caller did not measure it."""
    try:
        return response.elapsed.total_seconds()
    except RuntimeError:
        return 0.0


def make_failure(error: Exception, key: ApiKey, *, is_prepared: bool = True) -> Failure:
    """Convert an exception. `is_prepared` is False if no request existed yet.

    Keeps the reason, and not the exception: the frames of its traceback hold the key.
    """
    name = type(error).__name__
    text = printable_line(key.hide_in_text(str(error)))[:500]
    if not text or not isinstance(error, httpx.HTTPError):
        text = f"{name}: {text}" if text else name
    return Failure(text, may_have_arrived=is_prepared and not isinstance(error, _NOT_SENT))


def _parse_retry_after(header: str | None) -> float | None:
    """Return the seconds of a Retry-After header, which has a number or a date."""
    if header is None:
        return None
    if re.fullmatch("[0-9]{1,9}", header):
        return float(header)
    try:
        moment = parsedate_to_datetime(header)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return max(0.0, (moment - datetime.now(UTC)).total_seconds())
    except Exception:  # The parser raises anything for a date that is none.
        return None
