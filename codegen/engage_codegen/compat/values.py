"""Values that a scalar allows, the simplest first: for samples and for witnesses. Pure."""

import re
from collections.abc import Iterator

from ..model.codecs import is_typed
from ..model.constraints import Scalar, fits, is_in, is_number, whole
from ..schema.jsontext import Json, JsonObject
from .formats import FORMATS, LENGTHS, WRITTEN, is_of, padded
from .patterns import matching
from .ranges import Range, exact

_FEW = 200
_NUMERIC = {"integer", "number"}


def accepts(scalar: Scalar, value: Json) -> bool | None:
    """Whether a value is valid; None where that hangs on a format that is not decided here."""
    if value is None:
        return scalar.nullable
    if scalar.choices:
        is_sure = isinstance(value, str) or value not in scalar.choices
        return value in scalar.choices if is_sure else is_in(value, list(scalar.choices))
    if not fits(value, scalar):
        return False
    if not scalar.format or not isinstance(value, str):
        return True
    return is_of(value, scalar.format)


def values(scalar: Scalar, hints: JsonObject, other: Scalar | None = None) -> Iterator[Json]:
    """Values that generated code can send; `hints` is the property, whose examples are tried too,
    and `other` a scalar at whose limits values are of interest."""
    longest = _longest(scalar, other or scalar)
    for value in _candidates(scalar, hints, other or scalar):
        if isinstance(value, str) and (len(value) > longest or not _is_written(value, scalar)):
            continue
        if accepts(scalar, value):
            yield whole(value)


def _is_written(text: str, scalar: Scalar) -> bool:
    """Whether generated code writes a text that is known to be of the format in this form."""
    return not (is_typed(scalar) and text.endswith("Z"))


def listed(scalar: Scalar, kind: str) -> list[Json] | None:
    """All values of one JSON type, where they are few; None where they are not."""
    if kind == "boolean":
        return [True, False]
    if kind != "string":
        members = Range.of(scalar).members(_FEW)
        return None if members is None else [it for it in members if accepts(scalar, it)]
    shortest, longest = lengths(scalar)
    if longest is None or shortest > longest:
        return None if longest is None else []
    return [it for it in ("",) if accepts(scalar, it)] if longest == 0 else None


def is_empty(scalar: Scalar) -> bool:
    """Whether it is known that there is no value."""
    if scalar.nullable or scalar.choices:
        return False
    return all(listed(scalar, kind) == [] for kind in scalar.types)


def lengths(scalar: Scalar) -> tuple[int, int | None]:
    """No text that generated code can send is shorter or longer."""
    if is_typed(scalar):
        return WRITTEN[scalar.format]
    shortest, longest = LENGTHS.get(scalar.format, (0, None))
    limits = [it for it in (longest, scalar.max_length) if it is not None]
    return max(shortest, scalar.min_length), min(limits, default=None)


def _longest(*scalars: Scalar) -> int:
    """How long a text is tried: some patterns need for a longer one more time than there is."""
    patterns = [scalar.pattern for scalar in scalars if scalar.pattern]
    if any(re.search(r"\)[*+{]", pattern) for pattern in patterns):
        return 20
    return 300 if patterns else 100_000


def _candidates(scalar: Scalar, hints: JsonObject, other: Scalar) -> Iterator[Json]:
    yield from scalar.choices or _free(scalar, hints, other)
    if scalar.nullable:
        yield None


def _free(scalar: Scalar, hints: JsonObject, other: Scalar) -> Iterator[Json]:
    if "string" in scalar.types:
        yield from _texts(scalar, other)
    if _NUMERIC & set(scalar.types):
        yield from _numbers(scalar, other)
    if "boolean" in scalar.types:
        yield from (True, False)
    examples = hints.get("examples")
    yield from examples if isinstance(examples, list) else ()
    yield from [hints["default"]] if "default" in hints else []
    yield from other.choices


def _texts(scalar: Scalar, other: Scalar) -> Iterator[str]:
    yield from FORMATS
    limits = (scalar.min_length, scalar.max_length, other.min_length, other.max_length)
    lengths = {
        length
        for limit in limits
        for length in (() if limit is None else (limit, limit + 1, limit - 1))
        if 0 <= length <= _longest(scalar, other)
    }
    for length in sorted(lengths):
        yield from padded(length)
    if scalar.pattern:
        yield from matching(scalar.pattern, sorted(lengths))
    texts = [it for it in other.choices if isinstance(it, str)]
    yield from (f"{text}a" for text in texts)


def _numbers(scalar: Scalar, other: Scalar) -> Iterator[float]:
    """Of any two steps there are numbers that have only one, among so many in a row."""
    marks = [exact(it) for it in other.choices if is_number(it)]
    theirs = other if _NUMERIC & set(other.types) and not other.choices else scalar
    yield from Range.of(scalar).points(Range.of(theirs), marks)
