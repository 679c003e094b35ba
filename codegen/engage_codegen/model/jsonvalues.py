"""JSON values as JSON Schema compares them: 2.0 is 2, true is not 1, and digits count."""

import json
from collections.abc import Iterable
from typing import TypeGuard

from ..schema.jsontext import Json


def is_number(value: Json) -> TypeGuard[int | float]:
    """Return True for a JSON number. A boolean is not a number."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def normalize(value: Json) -> Json:
    """Return a float without a fraction as an integer, any other value unchanged.

    The decimal digits decide, not the binary value in memory: 1e23 becomes a 1 with 23 zeros.
    """
    if not isinstance(value, float) or value % 1:
        return value
    from decimal import Decimal

    return int(Decimal(repr(value)))


def is_equal(first: Json, second: Json) -> bool:
    """Return True if two scalars are the same JSON value."""
    return normalize(first) == normalize(second) and _is_boolean(first) == _is_boolean(second)


def contains(values: Iterable[Json], value: Json) -> bool:
    """Return True if `values` has the same JSON value."""
    return any(is_equal(value, other) for other in values)


def compact_json(value: Json) -> str:
    """Return one canonical line of ASCII JSON with sorted keys, so that equal texts are equal
    values."""
    return json.dumps(_normalize_all(value), sort_keys=True, separators=(",", ":"))


def _normalize_all(value: Json) -> Json:
    if isinstance(value, dict):
        return {key: _normalize_all(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_normalize_all(item) for item in value]
    return normalize(value)


def _is_boolean(value: Json) -> bool:
    return isinstance(value, bool)
