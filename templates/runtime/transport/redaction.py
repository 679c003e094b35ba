"""Secrets kept out of messages, in whatever spelling they come back."""

import html
import re
from bisect import bisect_left
from typing import TypeAlias

MASK = "***"

_ESCAPE = re.compile(
    r"\\(?:u([0-9a-f]{4})|x([0-9a-f]{2})|([!-/:-@\[-`{-~]))"
    r"|%(?:u([0-9a-f]{4})|([0-9a-f]{2}))"
    r"|(&(?:\#x?[0-9a-f]{1,10}|[a-z][a-z0-9]{1,30});)",
    re.IGNORECASE,
)
"""One character as JSON, URLs or HTML spell it: ``\\u002B``, ``\\/``, ``%2B``, ``&#43;``."""

_MAX_ROUNDS = 8
"""How many escapes inside each other are undone. A gateway that quotes a quoted answer has two."""

_Layer: TypeAlias = tuple[list[int], list[int]]


def hide_secret(text: str, secret: str, mask: str = MASK) -> str:
    """Return `text` with a mask for each occurrence of a secret of printable ASCII.

    An occurrence may have any of its characters escaped, and the escapes escaped again. Cut a text
    afterwards, never before: half of a secret is not recognized.
    """
    if not secret:
        return text
    needles = {secret, _unescape_fully(secret)}
    spans: list[tuple[int, int]] = []
    layers: list[_Layer] = []
    decoded = text
    for _ in range(_MAX_ROUNDS):
        spans += [
            (_original(match.start(), layers), _original(match.end(), layers))
            for needle in needles
            for match in re.finditer(re.escape(needle), decoded)
        ]
        decoded, layer = _unescape(decoded)
        if not layer[0]:
            break
        layers.append(layer)
    return _replace(text, spans, mask)


def hide_secret_in_bytes(body: bytes, secret: str, mask: str = MASK) -> bytes:
    """Do the same for bytes in any encoding that contains ASCII."""
    return hide_secret(body.decode("latin-1"), secret, mask).encode("latin-1")


def _unescape(text: str) -> tuple[str, _Layer]:
    """Replace each escape by its character, once.

    The layer has the offset of each such character in the result, and how much shorter the result
    is before the first, the second, … and after the last of them.
    """
    parts: list[str] = []
    starts: list[int] = []
    shifts = [0]
    position = 0
    for match in _ESCAPE.finditer(text):
        character = _character(match)
        if len(character) == 1:
            parts += text[position : match.start()], character
            starts.append(match.start() - shifts[-1])
            shifts.append(shifts[-1] + len(match.group()) - 1)
            position = match.end()
    return "".join([*parts, text[position:]]), (starts, shifts)


def _character(match: re.Match[str]) -> str:
    json_hex, c_hex, literal, url_hex4, url_hex, entity = match.groups()
    if literal or entity:
        return str(literal or html.unescape(entity))
    return chr(int(json_hex or c_hex or url_hex4 or url_hex, 16))


def _unescape_fully(text: str) -> str:
    for _ in range(_MAX_ROUNDS):
        text, _layer = _unescape(text)
    return text


def _original(offset: int, layers: list[_Layer]) -> int:
    """Return the offset in the original text of an offset in the text behind all layers."""
    for starts, shifts in reversed(layers):
        offset += shifts[bisect_left(starts, offset)]
    return offset


def _replace(text: str, spans: list[tuple[int, int]], mask: str) -> str:
    parts: list[str] = []
    position = 0
    for start, end in sorted(spans):
        if start >= position:
            parts += text[position:start], mask
        position = max(position, end)
    return "".join([*parts, text[position:]])
