"""Positions in a list of interactions, and the opaque tokens that encode them."""

import base64
import re
from typing import TypeAlias

from engage_codegen.sandbox.errors import malformed

PAGE_SIZE = 50  # engage-api: read from generated SDKs

Position: TypeAlias = tuple[str, int]
"""The stored createdDate and the order of arrival: unique, and never reused.

A page starts after a position, not after a number of items, so that a client that is paging sees
each interaction once, even if interactions arrive or disappear in the meantime.
"""

BEFORE_THE_NEWEST: Position = ("9999-12-31T23:59:59.999Z", 2**63 - 1)
"""The start of a list that begins with the newest interaction."""

BEFORE_THE_FIRST: Position = ("", 0)
"""The start of a shuffled list, whose positions consist of an id and 0."""

# In base64 these bytes read "+//+", so a client that does not URL-encode tokens always fails.
_PREFIX = b"\xfb\xff\xfe"
_POSITION = re.compile(r"(\S{24}|\S{36}) (\d{1,18}) *", re.ASCII)


def encode_token(position: Position) -> str:
    """Encode a position as a token: standard base64 with `+`, `/` and `=` in it."""
    raw = _PREFIX + f"{position[0]} {position[1]}".encode()
    if len(raw) % 3 == 0:
        raw += b" "
    return base64.b64encode(raw).decode("ascii")


def decode_token(token: str) -> Position:
    """Decode a token of `encode_token`. Raises `ApiError` (400 MalformedRequest) for any other."""
    try:
        raw = base64.b64decode(token, validate=True)
        match = _POSITION.fullmatch(raw.removeprefix(_PREFIX).decode("ascii"))
    except ValueError:
        match = None
    if match is None:
        message = "continuation is not a token of this API; was it URL-encoded?"
        raise malformed("continuation-token", message)
    return match[1], int(match[2])
