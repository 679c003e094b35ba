"""Where in a JSON text a value stands: JSON pointer -> line and column."""

import re
from collections.abc import Generator, Mapping
from json import JSONDecoder

Position = tuple[int, int]
"""Line and column, both from 1; the column counts characters."""

_SPACE = re.compile(r"[ \t\n\r]*")
_DECODER = JSONDecoder()


def positions(text: str) -> dict[tuple[str, ...], Position]:
    """The place of every value in a text that is JSON, by the unescaped parts of its pointer: that
    of its key, where it has one."""
    ends = [match.end() for match in re.finditer(r"\r\n|\n|\r", text)]
    found: dict[tuple[str, ...], Position] = {}
    line, start = 0, 0
    for parts, offset in _document(text):
        while line < len(ends) and offset >= ends[line]:
            start = ends[line]
            line += 1
        found[parts] = (line + 1, offset - start + 1)
    return found


def nearest(found: Mapping[tuple[str, ...], Position], parts: tuple[str, ...]) -> Position:
    """The place of a value; of the innermost one around it, where it is not there."""
    while parts and parts not in found:
        parts = parts[:-1]
    return found.get(parts, (1, 1))


_Values = Generator[tuple[tuple[str, ...], int], None, int]


def _document(text: str) -> _Values:
    start = _skip(text, 0)
    yield (), start
    return (yield from _inside(text, start, ()))


def _inside(text: str, at: int, parts: tuple[str, ...]) -> _Values:
    """The values in a value, in the order of the text; returns the offset behind it."""
    if text[at] not in "{[":
        return int(_DECODER.raw_decode(text, at)[1])
    closing = "}" if text[at] == "{" else "]"
    count, at = 0, _skip(text, at + 1)
    while text[at] != closing:
        key, begin = str(count), at
        if closing == "}":
            key, at = _DECODER.raw_decode(text, at)
            at = _skip(text, _skip(text, at) + 1)
        yield (*parts, key), begin
        at = _skip(text, (yield from _inside(text, at, (*parts, key))))
        at = _skip(text, at + 1) if text[at] == "," else at
        count += 1
    return at + 1


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at
