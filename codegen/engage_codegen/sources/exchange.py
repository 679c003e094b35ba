"""One request to a tenant and its response, within limits of time and size."""

import asyncio
import re
from dataclasses import dataclass, replace

import httpx

from .connection import TenantConnection
from .network import proxy_variable

MAX_BYTES = 20_000_000
"""What all the answers of one operation may have together. A full tenant has a hundredth of it."""

_NEXT = re.compile(r"""\brel\s*=\s*["']?[^"';,]*\bnext\b""", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Problem:
    """Why there is no complete answer: what happened, and what to do.

    `is_silence` is True if the tenant did not answer, and False for an answer that is unusable.
    """

    message: str
    fix: str = ""
    is_silence: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """A response, as far as it arrived. `status` is 0 if it did not.

    `is_partial` is True if the server says that there is more: a range, or a next page. `problem`
    says why the body is missing, if it is.
    """

    status: int = 0
    content_type: str = "none"
    is_partial: bool = False
    body: bytes = b""
    problem: Problem | None = None

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300


class Limits:
    """The time and the number of bytes that are left for an operation."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.end = asyncio.get_running_loop().time() + seconds
        self._bytes = MAX_BYTES

    def count(self, size: int) -> None:
        """Take bytes off the rest. Raises `_UnusableError` if there are not enough."""
        self._bytes -= size
        if self._bytes < 0:
            raise _UnusableError(f"the response has more than {MAX_BYTES:,} bytes")


class _UnusableError(Exception):
    """The response must not be read any further."""


async def exchange(
    tenant: TenantConnection, http: httpx.AsyncClient, request: httpx.Request, limits: Limits
) -> Reply:
    """Send a request and return what came back. Raises nothing.

    So no exception leads to a frame or a context that holds the key.
    """
    reply = Reply()
    try:
        async with asyncio.timeout_at(limits.end):
            response = await http.send(request, auth=tenant.auth, stream=True)
            try:
                reply = _reply(response)
                return replace(reply, body=await _read(response, limits))
            finally:
                await response.aclose()
    except Exception as error:
        # Whatever a server sends, and whatever httpx makes of it.
        problem = _problem(error, tenant, limits)
    return replace(reply, problem=problem)


def _reply(response: httpx.Response) -> Reply:
    return Reply(
        response.status_code,
        response.headers.get("content-type", "none"),
        response.status_code == 206 or _NEXT.search(response.headers.get("link", "")) is not None,
    )


async def _read(response: httpx.Response, limits: Limits) -> bytes:
    encoding = response.headers.get("content-encoding", "identity")
    if encoding.strip().lower() not in ("identity", ""):
        # A few kilobytes can unpack to gigabytes.
        raise _UnusableError("the response is compressed, although the request did not allow it")
    body = bytearray()
    async for chunk in response.aiter_raw():
        limits.count(len(chunk))
        body += chunk
    return bytes(body)


def _problem(error: Exception, tenant: TenantConnection, limits: Limits) -> Problem:
    if isinstance(error, _UnusableError):
        return Problem(str(error))
    if isinstance(error, TimeoutError):
        return Problem(
            f"the tenant did not answer completely within {limits.seconds:g} seconds",
            "try again later, or allow more seconds with the key `timeout`",
            is_silence=True,
        )
    reason = tenant.quote(str(error) or type(error).__name__, 200)
    if isinstance(error, (httpx.RemoteProtocolError, httpx.DecodingError)):
        return Problem(f"the response is incomplete or not HTTP: {reason}")
    if not isinstance(error, httpx.HTTPError):
        return Problem(f"the response cannot be read: {reason}")
    fix = "check the URL and the network"
    if isinstance(error, httpx.TimeoutException):
        message = f"the tenant sent nothing for {tenant.silence:g} seconds"
        return Problem(message, fix, is_silence=True)
    if not tenant.is_local and (variable := proxy_variable()):
        fix = f"check the URL, the network and the proxy in {variable}"
    if "CERTIFICATE_VERIFY_FAILED" in reason:
        fix = "set SSL_CERT_FILE to the certificates of the authority that your network uses"
    return Problem(f"the tenant cannot be reached: {reason}", fix, is_silence=True)
