"""Places in a list of interactions, and the opaque tokens that stand for them."""

import base64
import re
from typing import TypeAlias

from engage_codegen.sandbox.wire import malformed

PAGE_SIZE = 50  # engage-api: read from generated SDKs

Position: TypeAlias = tuple[str, int]
"""createdDate as the store has it, and the order of arrival: unique, and never reused.

A page starts after a position, not after a number of items, so that interactions which arrive or
disappear while a client is paging neither repeat nor hide another one.
"""

BEFORE_THE_NEWEST: Position = ("9999-12-31T23:59:59.999Z", 2**63 - 1)

# In base64 these bytes read "+//+": every token breaks a client that does not URL-encode it.
_MARK = b"\xfb\xff\xfe"
_PLACE = re.compile(r"(\S{24}|\S{36}) (\d{1,18}) *", re.ASCII)


BEFORE_THE_FIRST: Position = ("", 0)
"""Where a shuffled list begins; its positions are ids, with 0 behind them."""


def token_of(position: Position) -> str:
    """Standard base64 with `+`, `/` and `=` in it; only `position_of` knows what it means."""
    raw = _MARK + f"{position[0]} {position[1]}".encode()
    if len(raw) % 3 == 0:
        raw += b" "
    return base64.b64encode(raw).decode("ascii")


def position_of(token: str) -> Position:
    """Raises `Refusal` (400 MalformedRequest) for anything that `token_of` did not make."""
    try:
        raw = base64.b64decode(token, validate=True)
        place = _PLACE.fullmatch(raw.removeprefix(_MARK).decode("ascii"))
    except ValueError:
        place = None
    if place is None:
        raise malformed("continuation is not a token of this API; was it URL-encoded?")
    return place[1], int(place[2])
