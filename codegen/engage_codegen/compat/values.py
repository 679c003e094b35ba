"""Values that constraints allow, the simplest first, as samples and as witnesses. Pure."""

import re
from collections.abc import Iterator

from ..model.codecs import has_python_type
from ..model.constraints import Constraints, is_within_limits
from ..model.jsonvalues import contains, is_number, normalize
from ..model.language.formats import format_texts, has_format, is_in, written_texts
from ..model.language.textset import TextSet
from ..schema.jsontext import Json, JsonObject
from .formats import TEXT_FORMATS, pad_texts
from .ranges import NumberRange, to_fraction

MAX_LISTED = 200
_NUMERIC_TYPES = {"integer", "number"}


def accepts(constraints: Constraints, value: Json) -> bool | None:
    """Return whether a value is valid, or None if that depends on an undecided format."""
    if value is None:
        return constraints.nullable
    if constraints.choices:
        is_exact = isinstance(value, str) or value not in constraints.choices
        return value in constraints.choices if is_exact else contains(constraints.choices, value)
    if not is_within_limits(value, constraints):
        return False
    if not constraints.format or not isinstance(value, str):
        return True
    return has_format(value, constraints.format)


def is_sent(value: Json, constraints: Constraints) -> bool:
    """Return True if a value is valid, and generated code writes it exactly like this."""
    if isinstance(value, str) and has_python_type(constraints):
        return is_in(value, written_texts(constraints.format))
    return accepts(constraints, value) is True


def generate_values(
    constraints: Constraints, schema: JsonObject, other: Constraints | None = None
) -> Iterator[Json]:
    """Yield values that generated code can send.

    `schema` is the schema of the property, whose examples are tried too. With `other`, values near
    the limits of those constraints are tried as well.
    """
    longest = _max_tried_length(constraints, other or constraints)
    for value in _candidates(constraints, schema, other or constraints):
        if not (isinstance(value, str) and len(value) > longest) and is_sent(value, constraints):
            yield normalize(value)


def list_values(constraints: Constraints, name: str, limit: int = MAX_LISTED) -> list[Json] | None:
    """Return all values of one JSON type if they are no more than `limit`, and None otherwise."""
    if name == "boolean":
        return [True, False]
    if name != "string":
        numbers = NumberRange.of(constraints).members(limit)
        if numbers is None:
            return None
        return [number for number in numbers if accepts(constraints, number)]
    shortest, longest = length_bounds(constraints)
    if longest is None:
        return None
    if shortest > longest:
        return []
    return [text for text in ("",) if accepts(constraints, text)] if longest == 0 else None


def has_no_values(constraints: Constraints) -> bool:
    """Return True if the constraints are known to exclude every value."""
    if constraints.nullable or constraints.choices:
        return False
    return all(list_values(constraints, name) == [] for name in constraints.types)


def length_bounds(constraints: Constraints) -> tuple[int, int | None]:
    """Return lengths that no string of generated code falls below or exceeds."""
    if has_python_type(constraints):
        return written_texts(constraints.format).lengths
    texts = format_texts(constraints.format).outer[-1] if constraints.format else TextSet()
    return texts.limit(constraints.min_length, constraints.max_length).lengths


def _max_tried_length(*constraints: Constraints) -> int:
    """Return the length up to which texts are tried.

    Nested repetitions can take exponential time, so their patterns get short texts only.
    """
    patterns = [item.pattern for item in constraints if item.pattern]
    if any(re.search(r"\)[*+{]", pattern) for pattern in patterns):
        return 20
    return 300 if patterns else 100_000


def _candidates(constraints: Constraints, schema: JsonObject, other: Constraints) -> Iterator[Json]:
    yield from constraints.choices or _unlisted_candidates(constraints, schema, other)
    if constraints.nullable:
        yield None


def _unlisted_candidates(
    constraints: Constraints, schema: JsonObject, other: Constraints
) -> Iterator[Json]:
    if "string" in constraints.types:
        yield from _texts(constraints, other)
    if _NUMERIC_TYPES & set(constraints.types):
        yield from _numbers(constraints, other)
    if "boolean" in constraints.types:
        yield from (True, False)
    examples = schema.get("examples")
    yield from examples if isinstance(examples, list) else ()
    yield from [schema["default"]] if "default" in schema else []
    yield from other.choices


def _texts(constraints: Constraints, other: Constraints) -> Iterator[str]:
    yield from TEXT_FORMATS
    limits = (
        *(constraints.min_length, constraints.max_length),
        *(other.min_length, other.max_length),
    )
    lengths = {
        length
        for limit in limits
        for length in (() if limit is None else (limit, limit + 1, limit - 1))
        if 0 <= length <= _max_tried_length(constraints, other)
    }
    for length in sorted(lengths):
        yield from pad_texts(length)
    yield from (f"{choice}a" for choice in other.choices if isinstance(choice, str))


def _numbers(constraints: Constraints, other: Constraints) -> Iterator[float]:
    """Yield numbers near the limits: enough in a row to have one that only one of two steps has."""
    marks = [to_fraction(choice) for choice in other.choices if is_number(choice)]
    theirs = other if _NUMERIC_TYPES & set(other.types) and not other.choices else constraints
    yield from NumberRange.of(constraints).boundary_numbers(NumberRange.of(theirs), marks)
