"""JSON as text: strict parsing, one canonical form, pointers, and positions of values."""

import hashlib
import json
import re
from collections.abc import Generator, Iterator, Mapping
from contextlib import suppress
from functools import lru_cache
from json import JSONDecoder
from typing import TypeAlias, cast

from .text import UNSAFE_IN_TEXT, quote

Json: TypeAlias = "None | bool | int | float | str | list[Json] | dict[str, Json]"
JsonObject: TypeAlias = dict[str, Json]

Position: TypeAlias = tuple[int, int]
"""Line and column, both from 1. The column counts characters."""

_MAX_DEPTH = 100
_MAX_DIGITS = 1000
_MAX_VALUES = 200_000


class JsonError(ValueError):
    """The text is not JSON, or not JSON that this tool accepts.

    `line` and `column` count from 1 and are 0 if the parser does not know the place.
    """

    def __init__(self, message: str, line: int = 0, column: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.column = column

    def __str__(self) -> str:
        place = f" (line {self.line}, column {self.column})" if self.line else ""
        return self.message + place


class ExactFloat(float):
    """A number with more digits than a float holds, and its text."""

    def __new__(cls, text: str) -> "ExactFloat":
        number = super().__new__(cls, text)
        number.text = text
        return number

    text: str


class _DuplicateKeyError(Exception):
    def __init__(self, key: str) -> None:
        self.key = key


def loads(text: str, *, exact: bool = False) -> Json:
    """Parse JSON from an untrusted source.

    With `exact`, a number with more digits than a float holds becomes an `ExactFloat`.
    Also refuses what Python's own parser accepts: duplicate keys, NaN and infinities, integers of
    more than 1,000 digits, nesting deeper than 100 levels, and more than 200,000 values. Raises
    `JsonError`.
    """
    _refuse_many(text)
    try:
        value = cast(
            Json,
            json.loads(
                text,
                object_pairs_hook=_parse_object,
                parse_constant=_refuse_constant,
                parse_float=_parse_exact_float if exact else _parse_float,
                parse_int=_parse_int,
            ),
        )
    except json.JSONDecodeError as error:
        raise JsonError(error.msg, error.lineno, error.colno) from None
    except _DuplicateKeyError as error:
        message = f"duplicate key {quote(error.key)} in one object"
        raise JsonError(message, *_find_duplicate(text, error.key)) from None
    except RecursionError:
        raise JsonError("the JSON is nested too deeply") from None
    _refuse_depth(value)
    return value


def canonical_json(value: Json) -> str:
    """Return the canonical text: sorted keys, two spaces, LF, and a newline at the end.

    Non-ASCII characters stay readable, except for those without a glyph.
    """
    text = json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
    # json.dumps escapes the ASCII controls itself; the line breaks of the layout have to stay.
    return "\n".join(UNSAFE_IN_TEXT.sub(_json_escape, line) for line in text.split("\n")) + "\n"


def exact_canonical_json(value: Json) -> str:
    """Return the canonical text with every digit of each `ExactFloat`."""
    numbers: list[str] = []
    text, mark = canonical_json(value), "number "
    while f'"{mark}' in text:
        mark += " "

    def replace_numbers(item: Json) -> Json:
        if isinstance(item, ExactFloat):
            numbers.append(item.text)
            return f"{mark}{len(numbers) - 1}"
        if isinstance(item, dict):
            return {key: replace_numbers(child) for key, child in item.items()}
        return [replace_numbers(child) for child in item] if isinstance(item, list) else item

    marked = canonical_json(replace_numbers(value))
    pattern = re.compile(f'"{mark}([0-9]+)"')
    return pattern.sub(lambda match: numbers[int(match[1])], marked) if numbers else text


def digest(text: str | bytes) -> str:
    """Return the SHA-256 of the text in hexadecimal, with CRLF read as LF.

    A checkout with CRLF line endings has the same digest.
    """
    data = text.encode("utf-8") if isinstance(text, str) else text
    return hashlib.sha256(data.replace(b"\r\n", b"\n")).hexdigest()


def pointer(*parts: str) -> str:
    """Return the JSON pointer (RFC 6901) made of unescaped parts."""
    return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in parts)


@lru_cache(maxsize=2)
def positions(text: str) -> Mapping[tuple[str, ...], Position]:
    """Return the position of every value in a valid JSON text, by the parts of its pointer.

    A value that belongs to a key has the position of the key.
    """
    return dict(_walk_positions(text))


def _find_duplicate(text: str, key: str) -> Position:
    """Return the position of the first key of this name that its object already has.

    The text only has to be valid JSON up to there.
    """
    places = set[tuple[str, ...]]()
    with suppress(RecursionError):
        for parts, position in _walk_positions(text):
            if parts[-1:] == (key,) and parts in places:
                return position
            places.add(parts)
    return (1, 1)


def _walk_positions(text: str) -> Iterator[tuple[tuple[str, ...], Position]]:
    """Yield the parts and the position of every value, in the order of the text."""
    line_ends = [match.end() for match in re.finditer(r"\r\n|\n|\r", text)]
    line, start = 0, 0
    for parts, offset in _walk_document(text):
        while line < len(line_ends) and offset >= line_ends[line]:
            start = line_ends[line]
            line += 1
        yield parts, (line + 1, offset - start + 1)


def nearest_position(
    places: Mapping[tuple[str, ...], Position], parts: tuple[str, ...]
) -> Position:
    """Return the position of a value, or of the innermost value around it that exists."""
    while parts and parts not in places:
        parts = parts[:-1]
    return places.get(parts, (1, 1))


def _json_escape(match: re.Match[str]) -> str:
    units = match.group().encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))


def _parse_object(pairs: list[tuple[str, Json]]) -> JsonObject:
    result: JsonObject = {}
    for key, value in pairs:
        if key in result:
            raise _DuplicateKeyError(key)
        result[key] = value
    return result


_STRING_OR_START = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[{,]', re.DOTALL)


def _refuse_many(text: str) -> None:
    """Raise `JsonError` for many values, before they need a hundred times the memory."""
    if sum(map(text.count, "[{,")) <= _MAX_VALUES:
        return  # strings included
    starts = sum(match[0][0] != '"' for match in _STRING_OR_START.finditer(text))
    if starts > _MAX_VALUES:
        raise JsonError(f"the JSON has more than {_MAX_VALUES:,} values")


def _refuse_depth(value: Json) -> None:
    """Raise `JsonError` for deep nesting. Python's recursion limit differs between versions."""
    level, depth = [value], 0
    while level:
        depth += 1
        if depth > _MAX_DEPTH:
            raise JsonError("the JSON is nested too deeply")
        level = [
            child
            for item in level
            if isinstance(item, (dict, list))
            for child in (item.values() if isinstance(item, dict) else item)
        ]


def _parse_int(text: str) -> int:
    if len(text) > _MAX_DIGITS:
        raise JsonError(f"an integer of {len(text.lstrip('-'))} digits is too large")
    return int(text)


def _refuse_constant(name: str) -> Json:
    raise JsonError(f"{name} is not valid in JSON")


def _parse_float(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise JsonError(f"the number {quote(text, 30)} is too large")
    return value


def _parse_exact_float(text: str) -> float:
    from decimal import Decimal

    value = _parse_float(text)
    return value if Decimal(text) == Decimal(repr(value)) else ExactFloat(text)


_SPACE = re.compile(r"[ \t\n\r]*")
_DECODER = JSONDecoder()
_Values: TypeAlias = Generator[tuple[tuple[str, ...], int], None, int]


def _walk_document(text: str) -> _Values:
    start = _skip_space(text, 0)
    yield (), start
    return (yield from _walk_value(text, start, ()))


def _walk_value(text: str, offset: int, parts: tuple[str, ...]) -> _Values:
    """Yield the values inside a value in text order. Return the offset after it."""
    if text[offset] not in "{[":
        return int(_DECODER.raw_decode(text, offset)[1])
    closing = "}" if text[offset] == "{" else "]"
    count, offset = 0, _skip_space(text, offset + 1)
    while text[offset] != closing:
        key, begin = str(count), offset
        if closing == "}":
            key, offset = _DECODER.raw_decode(text, offset)
            offset = _skip_space(text, _skip_space(text, offset) + 1)
        yield (*parts, key), begin
        offset = _skip_space(text, (yield from _walk_value(text, offset, (*parts, key))))
        offset = _skip_space(text, offset + 1) if text[offset] == "," else offset
        count += 1
    return offset + 1


def _skip_space(text: str, offset: int) -> int:
    match = _SPACE.match(text, offset)
    return match.end() if match else offset
