"""The schema of a property -> values to try, both valid and invalid. Pure.

Each list starts with the values that are most likely valid.
"""

import json
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from typing import TypeAlias

from ..model.jsonvalues import is_number
from ..schema.jsontext import Json, JsonObject
from .lookalikes import LOOKALIKES

Matching: TypeAlias = Callable[[str, int, int | None], Sequence[str]]
"""Pattern, minimal and maximal length -> strings that probably match."""

_MAX_LENGTH = 20_000
_BOUNDS = ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum")

_NUMBERS: tuple[Json, ...] = (
    1, 0, -1, 2, 1.0, 0.0, -0.0, 1.5, -1.5, 0.1, 19.99, 1e-7, 1e16, 2**31, 2**53, 2**53 + 1,
    2**64, -(2**64), 10**30, 1e308, 5e-324, 10**400,
)  # fmt: skip
_STRINGS: tuple[Json, ...] = (
    "a", "abc", "Kim", "", " ", "a b", "0", "1", "1.0", "true", "null", "x" * 300, "\u00e9",
    "e\u0301", "\U0001f600", "\U0001f600\U0001f600", "\U0001f468\u200d\U0001f469", "\x00", "\n",
    "a\n", "\u2028", "\u202e", "\u0661", "{}", '"', "\\", "'", "\ufeff", "\x85", "</script>",
)  # fmt: skip
_OTHERS: tuple[Json, ...] = (True, False, None, [], {}, ["a"], [1], {"a": 1}, [None])


def list_candidates(value: JsonObject, matching: Matching) -> list[Json]:
    """Return every value to try for a property, without duplicates."""
    return remove_duplicates(
        [
            *_listed(value),
            *_formatted(value),
            *_patterned(value, matching),
            *_sized(value),
            *_bounded(value),
            *_STRINGS,
            *_NUMBERS,
            *_OTHERS,
        ]
    )


def remove_duplicates(values: Iterable[Json]) -> list[Json]:
    """Return the values without duplicates. 1, 1.0 and true differ, because their texts do."""
    return list({json.dumps(value, sort_keys=True): value for value in values}.values())


def _listed(value: JsonObject) -> Iterator[Json]:
    """Yield listed values, examples, the default, and values that are nearly the same."""
    items = [*_items(value.get("enum")), *_items(value.get("examples"))]
    items += [value[keyword] for keyword in ("const", "default") if keyword in value]
    yield from items
    for item in items:
        yield from _near(item)


def _items(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


def _near(item: Json) -> Iterator[Json]:
    if isinstance(item, str):
        yield from _mutate(item)
        yield from _unquote(item)
    elif isinstance(item, bool):
        yield from (not item, int(item), str(item).lower(), str(item))
    elif is_number(item):
        yield from (str(item), item + 1, item - 1, -item, item == 1, *_as_float(item))
        yield from ([int(item)] if item == int(item) else [])
    elif item is None:
        yield from ("null", "None", "", 0, False)


def _unquote(text: str) -> Iterator[Json]:
    """Yield the value of a text without its quotes."""
    try:
        value: Json = json.loads(text, parse_constant=str)
    except (ValueError, RecursionError):
        return
    if isinstance(value, (bool, int)) or (isinstance(value, float) and math.isfinite(value)):
        yield value


def _mutate(text: str) -> Iterator[str]:
    yield from (text + "\n", "\n" + text, text + " ", " " + text, text + "\0", text + "\u2028")
    yield from (text.upper(), text.lower(), text.swapcase(), text[1:], text[:-1], text[::-1])
    yield from (text + text[-1:], text[:1] + text, text + "\U0001f600", "\u00e9" + text[1:])
    yield from (text[:1] + end + text[2:] for end in "\r\u2028\u2029")
    yield from (
        text[:1] + "\n" + text[1:],
        text.translate(_OTHER_DIGITS),
        text.translate(_HOMOGLYPHS),
    )


_OTHER_DIGITS = {ord("0") + digit: 0x660 + digit for digit in range(10)}
_HOMOGLYPHS = str.maketrans(
    {"s": "\u017f", "k": "\u212a", "a": "\u0430", " ": "\u00a0", "-": "\u2010"}
)
"""ASCII letters -> letters that look the same, or have the same case folding."""


def _formatted(value: JsonObject) -> Iterator[Json]:
    strings = LOOKALIKES.get(str(value.get("format")), ())
    yield from strings
    for text in strings[:2]:
        yield from _mutate(text)


def _patterned(value: JsonObject, matching: Matching) -> Iterator[Json]:
    pattern = value.get("pattern")
    if isinstance(pattern, str):
        low, high = _length(value, "minLength") or 0, _length(value, "maxLength")
        strings = matching(pattern, low, high)
        yield from strings
        for text in strings[:6]:
            yield from _mutate(text)


def _sized(value: JsonObject) -> Iterator[Json]:
    """Yield strings near the length limits, of characters with one UTF-16 unit or two."""
    for keyword in ("minLength", "maxLength"):
        limit = _length(value, keyword)
        if limit is not None:
            for length in (limit, limit + 1, limit - 1):
                for character in ("x", "\U0001f600", "e\u0301"[-1]):
                    yield character * max(0, min(length, _MAX_LENGTH))
            yield "e\u0301" * min(limit, _MAX_LENGTH)


def _length(value: JsonObject, keyword: str) -> int | None:
    limit = value.get(keyword)
    return int(limit) if is_number(limit) else None


def _bounded(value: JsonObject) -> Iterator[Json]:
    bounds = [bound for bound in map(value.get, _BOUNDS) if is_number(bound)]
    step = value.get("multipleOf")
    if is_number(step) and step > 0:
        yield from _multiples(Fraction(repr(step)), bounds)
    for bound in bounds:
        yield from (bound, bound + 1, bound - 1)
        for number in _as_float(bound):
            around = (0.5, -0.5, math.ulp(number), -math.ulp(number))
            yield from (number, *(number + step for step in around))
    if len(bounds) > 1:
        yield from _as_float(Fraction(repr(bounds[0])) / 2 + Fraction(repr(bounds[1])) / 2)


def _multiples(step: Fraction, bounds: Sequence[float]) -> Iterator[Json]:
    """Yield multiples near each bound and far from all bounds, and numbers between multiples."""
    starts = [math.ceil(Fraction(repr(bound)) / step) for bound in bounds] or [0]
    for start in dict.fromkeys(starts):
        for factor in (start + 1, start, start - 1, start + 2, start - 2, start + 7):
            yield from _number(factor * step)
    for factor in (1, -1, 3, 19, 1999, 10**9 + 7):
        yield from _number(factor * step)
        yield from _number(factor * step + step / 2)
        yield from _number(factor * step + step / 1000)


def _number(exact: Fraction) -> Iterator[Json]:
    """Yield the number if it is an integer, and the float next to it."""
    if exact.denominator == 1:
        yield int(exact)
    yield from _as_float(exact)


def _as_float(number: float | Fraction) -> Iterator[float]:
    try:
        result = float(number)
    except OverflowError:
        return
    if math.isfinite(result):
        yield result
