"""The constraints of one property: its types, null, listed values and limits.

Source of the rules: JSON Schema draft 2020-12, Validation, sections 6 (assertions) and 7 (formats).
A keyword for strings does not restrict numbers, and a keyword for numbers does not restrict
strings. Keywords for objects and arrays restrict neither.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from ..schema.jsontext import Json, JsonObject
from .jsonvalues import contains, is_number
from .regex import translate

if TYPE_CHECKING:
    from fractions import Fraction

TYPES = ("string", "integer", "number", "boolean")
CHECKED_FORMATS = (
    "date-time date time duration email idn-email hostname idn-hostname ipv4 ipv6 uri "
    "uri-reference iri iri-reference uri-template uuid json-pointer relative-json-pointer"
).split()

TEXT_KEYWORDS: Mapping[str, str] = {
    "min_length": "minLength",
    "max_length": "maxLength",
    "pattern": "pattern",
    "format": "format",
}
NUMERIC_KEYWORDS: Mapping[str, str] = {
    "minimum": "minimum",
    "exclusive_minimum": "exclusiveMinimum",
    "maximum": "maximum",
    "exclusive_maximum": "exclusiveMaximum",
    "multiple_of": "multipleOf",
}
"""Attribute of `Constraints` -> keyword, for the limits of strings and for those of numbers."""

SUPPORTED_KEYWORDS = frozenset(
    ["type", "enum", "const", *TEXT_KEYWORDS.values(), *NUMERIC_KEYWORDS.values()]
)
"""The keywords of a property that generated code checks."""


@dataclass(frozen=True, slots=True)
class Constraints:
    """The values that a property allows.

    `types` are in the order of `TYPES`, and have no ``integer`` beside ``number``; null is
    `nullable`. If the schema lists values, `choices` are those that are valid, and all limits are
    unset. `pattern` is in Python's syntax. `unchecked_format` is a format that only annotates.
    """

    types: tuple[str, ...]
    nullable: bool = False
    choices: tuple[Json, ...] = ()
    min_length: int = 0
    max_length: int | None = None
    pattern: str = ""
    format: str = ""
    unchecked_format: str = ""
    minimum: float | None = None
    exclusive_minimum: float | None = None
    maximum: float | None = None
    exclusive_maximum: float | None = None
    multiple_of: float | None = None

    @property
    def text_limits(self) -> dict[str, int | str]:
        """The limits of strings that are set, by attribute."""
        if "string" not in self.types:
            return {}
        limits: dict[str, int | str] = {}
        limits |= {"min_length": self.min_length} if self.min_length else {}
        limits |= {} if self.max_length is None else {"max_length": self.max_length}
        limits |= {"pattern": self.pattern} if self.pattern else {}
        limits |= {"format": self.format} if self.format else {}
        return limits

    @property
    def numeric_limits(self) -> dict[str, float]:
        """The limits of numbers that are set, by attribute."""
        if not {"integer", "number"} & set(self.types):
            return {}
        limits = ((name, cast("float | None", getattr(self, name))) for name in NUMERIC_KEYWORDS)
        return {name: limit for name, limit in limits if limit is not None}


def parse_constraints(schema: JsonObject) -> Constraints:
    """Return the constraints of a property that has no problem (see `find_property_problems`)."""
    types = _listed_types(schema)
    is_text = "string" in types
    format_ = str(schema.get("format") or "")
    is_checked = is_text and format_ in CHECKED_FORMATS
    limits = Constraints(
        types=tuple(
            name
            for name in TYPES
            if name in types and not (name == "integer" and "number" in types)
        ),
        nullable="null" in types,
        min_length=int(_number(schema, "minLength") or 0),
        max_length=int(_number(schema, "maxLength") or 0) if "maxLength" in schema else None,
        pattern=translate(str(schema["pattern"])) if is_text and "pattern" in schema else "",
        format=format_ if is_checked else "",
        unchecked_format="" if is_checked else format_,
        minimum=_number(schema, "minimum"),
        exclusive_minimum=_number(schema, "exclusiveMinimum"),
        maximum=_number(schema, "maximum"),
        exclusive_maximum=_number(schema, "exclusiveMaximum"),
        multiple_of=_number(schema, "multipleOf"),
    )
    choices = _listed_values(schema)
    return limits if choices is None else _restrict_to(choices, limits)


def is_within_limits(value: Json, constraints: Constraints) -> bool:
    """Return True if a value has one of the types and is within the limits.

    The format and the listed values are not checked.
    """
    if value is None:
        return constraints.nullable
    if not any(_has_type(value, name) for name in constraints.types):
        return False
    if isinstance(value, str):
        return (
            len(value) >= constraints.min_length
            and (constraints.max_length is None or len(value) <= constraints.max_length)
            and re.search(constraints.pattern, value, re.ASCII) is not None
        )
    return not is_number(value) or _is_in_range(value, constraints)


def exact_limits(constraints: Constraints) -> "dict[str, Fraction]":
    """Return the limits of numbers by the decimal digits of the JSON text."""
    from fractions import Fraction

    return {name: Fraction(repr(limit)) for name, limit in constraints.numeric_limits.items()}


def bounds_of(constraints: Constraints) -> "tuple[Fraction | None, Fraction | None]":
    """Return the lowest and the highest limit of numbers, inclusive or not; None without one."""
    limits = exact_limits(constraints)
    lows = [limits[name] for name in ("minimum", "exclusive_minimum") if name in limits]
    highs = [limits[name] for name in ("maximum", "exclusive_maximum") if name in limits]
    return max(lows, default=None), min(highs, default=None)


def list_integers(constraints: Constraints, most: int) -> Constraints:
    """Return the same constraints with a list of values in place of limits, if they allow integers
    alone, and at most `most` of them."""
    from math import ceil, floor

    low, high = bounds_of(constraints)
    if constraints.types != ("integer",) or low is None or high is None or high - low > most + 2:
        return constraints
    values = [
        value for value in range(ceil(low), floor(high) + 1) if is_within_limits(value, constraints)
    ]
    if not 0 < len(values) <= most:
        return constraints
    return Constraints(constraints.types, constraints.nullable, tuple(values))


def _restrict_to(choices: list[Json], limits: Constraints) -> Constraints:
    valid = [choice for choice in choices if is_within_limits(choice, limits)]
    return Constraints(
        types=tuple(name for name in limits.types if any(_has_type(item, name) for item in valid)),
        nullable=any(choice is None for choice in valid),
        choices=tuple(choice for choice in valid if choice is not None),
        unchecked_format=limits.unchecked_format,
    )


def _number(schema: JsonObject, keyword: str) -> float | None:
    number = schema.get(keyword)
    return number if is_number(number) else None


def _listed_types(schema: JsonObject) -> list[Json]:
    """Return the names in `type`; every type if a list of values stands in its place."""
    types = schema.get("type", [*TYPES, "null"])
    return types if isinstance(types, list) else [types]


def _listed_values(schema: JsonObject) -> list[Json] | None:
    """Return the values that `enum` and `const` both allow, or None without either."""
    lists = [cast("list[Json]", schema["enum"])] if "enum" in schema else []
    lists += [[schema["const"]]] if "const" in schema else []
    if not lists:
        return None
    first, *others = lists
    common = [value for value in first if all(contains(other, value) for other in others)]
    return [value for index, value in enumerate(common) if not contains(common[:index], value)]


def _has_type(value: Json, name: str) -> bool:
    if name == "string":
        return isinstance(value, str)
    if name == "boolean":
        return isinstance(value, bool)
    return is_number(value) and (name == "number" or value == int(value))


def _is_in_range(value: float, constraints: Constraints) -> bool:
    """Compare by the decimal digits of the JSON text, not by the binary values in memory."""
    from fractions import Fraction

    number = Fraction(repr(value))
    for name, limit in exact_limits(constraints).items():
        is_valid = {
            "minimum": number >= limit,
            "exclusive_minimum": number > limit,
            "maximum": number <= limit,
            "exclusive_maximum": number < limit,
        }
        if not is_valid.get(name, number % limit == 0 if limit else False):
            return False
    return True
