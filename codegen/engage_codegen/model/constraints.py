"""What the schema of one property says, read once: types, null, closed values, limits.

Source of the rules: JSON Schema draft 2020-12, Validation, sections 6 (assertions), 7 (formats).
A keyword for strings says nothing about numbers, and the other way round; keywords for objects and
arrays say nothing about either.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeGuard, cast

from ..schema.jsontext import Json, JsonObject
from ..schema.text import quote
from .regex import translate

TYPES = ("string", "integer", "number", "boolean")
CHECKED_FORMATS = (
    "date-time date time duration email idn-email hostname idn-hostname ipv4 ipv6 uri "
    "uri-reference iri iri-reference uri-template uuid json-pointer relative-json-pointer"
).split()
UNCHECKED_FORMATS = ("regex",)
"""Formats that JSON Schema defines, and that no check of ours covers: refused."""

NESTING = frozenset("$ref $dynamicRef allOf anyOf oneOf not if then else dependentSchemas".split())
"""Keywords that bring in other schemas."""

_TEXT = ("minLength", "maxLength", "pattern", "format")
_NUMERIC = ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum", "multipleOf")
COVERED = frozenset(["type", "enum", "const", *_TEXT, *_NUMERIC])


@dataclass(frozen=True, slots=True)
class Fault:
    """Something in a property that keeps it from becoming code: a code, the keyword that it is
    about, what is wrong and what to do."""

    code: str
    keyword: str
    what: str
    fix: str


@dataclass(frozen=True, slots=True)
class Scalar:
    """The values that a property can have, null apart.

    `types` are in the order of `TYPES`, without integer beside number. `choices` are all values
    that are valid, if the schema lists them; the limits are then spent. `pattern` is Python's.
    `note` is a format that is an annotation.
    """

    types: tuple[str, ...]
    nullable: bool = False
    choices: tuple[Json, ...] = ()
    min_length: int = 0
    max_length: int | None = None
    pattern: str = ""
    format: str = ""
    note: str = ""
    minimum: float | None = None
    exclusive_minimum: float | None = None
    maximum: float | None = None
    exclusive_maximum: float | None = None
    multiple_of: float | None = None

    @property
    def text_limits(self) -> dict[str, int | str]:
        """The limits of a string that there are, by the name of the field."""
        found: dict[str, int | str] = {}
        if "string" in self.types:
            found |= {"min_length": self.min_length} if self.min_length else {}
            found |= {} if self.max_length is None else {"max_length": self.max_length}
            found |= {"pattern": self.pattern} if self.pattern else {}
            found |= {"format": self.format} if self.format else {}
        return found

    @property
    def numeric_limits(self) -> dict[str, float]:
        """The limits of a number that there are, by the name of the field."""
        if not {"integer", "number"} & set(self.types):
            return {}
        names = "minimum exclusive_minimum maximum exclusive_maximum multiple_of".split()
        values = ((name, cast("float | None", getattr(self, name))) for name in names)
        return {name: value for name, value in values if value is not None}


def read(value: JsonObject) -> Scalar:
    """What a property without `faults` says."""
    listed = _types(value)
    choices = _choices(value)
    form = str(value.get("format") or "")
    is_text = "string" in listed
    is_checked = form in CHECKED_FORMATS and is_text
    whole = Scalar(
        types=tuple(
            kind for kind in TYPES if kind in listed and (kind, "number" in listed) != _COVERED_BY
        ),
        nullable="null" in listed,
        min_length=int(_number(value, "minLength") or 0),
        max_length=None if "maxLength" not in value else int(_number(value, "maxLength") or 0),
        pattern=translate(str(value["pattern"])) if is_text and "pattern" in value else "",
        format=form if is_checked else "",
        note="" if is_checked else form,
        minimum=_number(value, "minimum"),
        exclusive_minimum=_number(value, "exclusiveMinimum"),
        maximum=_number(value, "maximum"),
        exclusive_maximum=_number(value, "exclusiveMaximum"),
        multiple_of=_number(value, "multipleOf"),
    )
    if choices is None:
        return whole
    valid = [choice for choice in choices if fits(choice, whole)]
    return Scalar(
        types=tuple(kind for kind in whole.types if any(_is(kind, choice) for choice in valid)),
        nullable=any(choice is None for choice in valid),
        choices=tuple(choice for choice in valid if choice is not None),
        note=whole.note,
    )


_COVERED_BY = ("integer", True)


def faults(value: JsonObject) -> Iterator[Fault]:
    """Everything in a property that the checks do not cover, or that no value can fulfil."""
    found = [*_type_faults(value), *_choice_faults(value), *_limit_faults(value)]
    yield from found
    if found:
        return
    scalar = read(value)
    if not scalar.types:
        what = "allows null alone" if scalar.nullable else "allows no value at all"
        yield Fault("EG206", "enum" if "enum" in value else "type", what, "correct it")
    elif not scalar.choices and _is_empty(scalar):
        yield Fault("EG206", "type", "has limits that no value keeps", "correct the limits")


def _type_faults(value: JsonObject) -> Iterator[Fault]:
    given = value.get("type")
    if given is None and not {"enum", "const"} & value.keys():
        yield Fault("EG201", "type", "has no type", _DESCRIBE)
    elif given is not None:
        listed = given if isinstance(given, list) else [given]
        unknown = [kind for kind in listed if kind not in (*TYPES, "null")]
        if unknown or not listed:
            what = f"has the type {_told(unknown[0] if unknown else given)}"
            nested = any(kind in ("object", "array") for kind in unknown)
            yield Fault("EG203" if nested else "EG201", "type", what, _DESCRIBE)


def _choice_faults(value: JsonObject) -> Iterator[Fault]:
    choices = value.get("enum", [None])
    if not isinstance(choices, list) or not choices:
        yield Fault("EG213", "enum", "has an enum that is no list of values", "list the values")
        return
    for choice in [*choices, value.get("const")]:
        if isinstance(choice, (list, dict)):
            yield Fault("EG203", "enum", "has values that are no scalars", "use scalars")
            return
    if {"enum", "const"} & value.keys() and value.get("format") in CHECKED_FORMATS:
        what = "has a format beside the list of its values"
        yield Fault("EG204", "format", what, "take the format out: the values say it all")


def _limit_faults(value: JsonObject) -> Iterator[Fault]:
    for keyword in ("minLength", "maxLength"):
        number = value.get(keyword, 0)
        if not is_number(number) or number < 0 or number != int(number):
            yield Fault("EG213", keyword, f"has a {keyword} that is no length", "correct it")
    for keyword in _NUMERIC:
        number = value.get(keyword, 1)
        if not is_number(number) or (keyword == "multipleOf" and number <= 0):
            yield Fault("EG213", keyword, f"has a {keyword} of {_told(number)}", "correct it")
    pattern, form = value.get("pattern", ""), value.get("format", "")
    if not isinstance(form, str):
        yield Fault("EG213", "format", "has a format that is no text", "correct it")
    elif form in UNCHECKED_FORMATS:
        yield Fault("EG204", "format", f"has the format {form}, which no check covers", "drop it")
    if not isinstance(pattern, str):
        yield Fault("EG213", "pattern", "has a pattern that is no text", "correct it")
        return
    try:
        translate(pattern)
    except ValueError as error:
        what = f"has a pattern that cannot be checked in Python: it {error}"
        yield Fault("EG205", "pattern", what, "write it in another way, or drop it")


_DESCRIBE = f"give it a type out of {', '.join(TYPES)}"


def is_number(value: Json) -> TypeGuard[int | float]:
    """A JSON number: not a boolean."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _number(value: JsonObject, keyword: str) -> float | None:
    found = value.get(keyword)
    return found if is_number(found) else None


def _types(value: JsonObject) -> list[Json]:
    """The types that a property lists; all, where a list of values stands for them."""
    given = value.get("type", [*TYPES, "null"])
    return given if isinstance(given, list) else [given]


def _choices(value: JsonObject) -> list[Json] | None:
    """The values that are listed; those in both lists, if there are two."""
    lists = [cast("list[Json]", value["enum"])] if "enum" in value else []
    lists += [[value["const"]]] if "const" in value else []
    if not lists:
        return None
    first, *others = lists
    common = [it for it in first if all(is_in(it, other) for other in others)]
    return [it for index, it in enumerate(common) if not is_in(it, common[:index])]


def whole(value: Json) -> Json:
    """2.0 as 2: JSON does not tell them apart. By its digits, so that 1e23 is that number."""
    if not isinstance(value, float) or value % 1:
        return value
    from decimal import Decimal

    return int(Decimal(repr(value)))


def is_same(one: Json, other: Json) -> bool:
    """By the equality of JSON: 2.0 is 2, true is not 1, and 1e+300 is a one with 300 zeros."""
    return whole(one) == whole(other) and _is_bool(one) == _is_bool(other)


def is_in(value: Json, others: list[Json]) -> bool:
    """Whether a list has the same value."""
    return any(is_same(value, other) for other in others)


def _is_bool(value: Json) -> bool:
    return isinstance(value, bool)


def _is(kind: str, value: Json) -> bool:
    if kind == "string":
        return isinstance(value, str)
    if kind == "boolean":
        return isinstance(value, bool)
    return is_number(value) and (kind == "number" or value == int(value))


def fits(value: Json, scalar: Scalar) -> bool:
    """Whether a value is of the types and keeps the limits; format and choices apart."""
    if value is None:
        return scalar.nullable
    if not any(_is(kind, value) for kind in scalar.types):
        return False
    if isinstance(value, str):
        return (
            len(value) >= scalar.min_length
            and (scalar.max_length is None or len(value) <= scalar.max_length)
            and re.search(scalar.pattern, value, re.ASCII) is not None
        )
    return _is_bool(value) or not is_number(value) or _is_in_range(value, scalar)


def _is_in_range(value: float, scalar: Scalar) -> bool:
    """By the digits that JSON has for each number, not by the power of two that it is in memory."""
    from fractions import Fraction

    number = Fraction(repr(value))
    for name, given in scalar.numeric_limits.items():
        limit = Fraction(repr(given))
        is_kept = {
            "minimum": number >= limit,
            "exclusive_minimum": number > limit,
            "maximum": number <= limit,
            "exclusive_maximum": number < limit,
        }
        if not is_kept.get(name, number % limit == 0 if limit else False):
            return False
    return True


def _is_empty(scalar: Scalar) -> bool:
    """Whether the limits contradict each other, so far as that is seen without search."""
    if scalar.types == ("string",):
        return scalar.max_length is not None and scalar.min_length > scalar.max_length
    if not set(scalar.types) <= {"integer", "number"}:
        return False
    lows = [it for it in (scalar.minimum, scalar.exclusive_minimum) if it is not None]
    highs = [it for it in (scalar.maximum, scalar.exclusive_maximum) if it is not None]
    if not lows or not highs:
        return False
    low, high = max(lows), min(highs)
    is_open = low == scalar.exclusive_minimum or high == scalar.exclusive_maximum
    return low > high or (low == high and is_open)


def _told(value: object) -> str:
    return quote(str(value), 40)
