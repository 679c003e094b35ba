"""Reasons why the schema of one property cannot become code, in the dialect ``json-schema``."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace

from ..schema.jsontext import Json, JsonObject
from ..schema.text import quote
from .constraints import (
    CHECKED_FORMATS,
    NUMERIC_KEYWORDS,
    TYPES,
    Constraints,
    bounds_of,
    exact_limits,
    parse_constraints,
)
from .jsonvalues import compact_json, is_number
from .regex import translate

UNCHECKED_FORMATS = ("regex",)
"""Formats that JSON Schema defines and that generated code cannot check."""

TYPE_FIX = f"set `type` to one of {', '.join(TYPES)}"


@dataclass(frozen=True, slots=True)
class PropertyProblem:
    """One reason why a property cannot become code.

    `keyword` is the keyword that causes it, and `reason` identifies the problem beside code and
    keyword, as data.
    """

    code: str
    keyword: str
    reason: tuple[str, ...]
    message: str
    fix: str


def find_property_problems(schema: JsonObject) -> Iterator[PropertyProblem]:
    """Yield every keyword that generated code cannot check, then constraints without a value."""
    problems = [*_type_problems(schema), *_choice_problems(schema), *_limit_problems(schema)]
    yield from problems
    if problems:
        return
    constraints = parse_constraints(schema)
    if not constraints.types:
        reason, subject = (
            ("only-null", "only null") if constraints.nullable else ("empty", "no value")
        )
        keyword = next(name for name in ("enum", "const", "type") if name in schema)
        message = f"{subject} is valid for the property"
        yield PropertyProblem("EG206", keyword, (reason,), message, "allow another value")
    elif not constraints.choices and _is_contradictory(constraints):
        subject = "only null" if constraints.nullable else "no value"
        message = f"the limits contradict each other, so {subject} is valid"
        yield PropertyProblem("EG206", "type", ("limits",), message, "correct the limits")


def value_reason(value: Json) -> tuple[str, ...]:
    """Return a JSON value as part of a reason. Different values give different parts."""
    return (value,) if isinstance(value, str) else ("json", compact_json(value))


def quote_json(value: Json) -> str:
    """Return a JSON value for a message: on one line, and cut if it is long."""
    return quote(json.dumps(value, ensure_ascii=False, sort_keys=True), 40)[1:-1]


def malformed(keyword: str, value: Json, expectation: str) -> PropertyProblem:
    """Return the problem of a keyword whose value is not what JSON Schema allows."""
    message = f"`{keyword}` is {quote_json(value)}, but it must be {expectation}"
    reason = ("malformed", keyword, *value_reason(value))
    return PropertyProblem("EG213", keyword, reason, message, f"correct `{keyword}`")


def _type_problems(schema: JsonObject) -> Iterator[PropertyProblem]:
    if "type" not in schema and not {"enum", "const"} & schema.keys():
        message = "the property has no type"
        yield PropertyProblem("EG201", "type", ("type",), message, TYPE_FIX)
    elif "type" in schema:
        value = schema["type"]
        names = value if isinstance(value, list) else [value]
        unknown = [name for name in names if name not in (*TYPES, "null")]
        if unknown or not names:
            is_nested = any(name in ("object", "array") for name in unknown)
            message = f"the type {quote_json(unknown[0] if unknown else value)} is not supported"
            reason = ("type", *value_reason(value))
            yield PropertyProblem(
                "EG203" if is_nested else "EG201", "type", reason, message, TYPE_FIX
            )


def _choice_problems(schema: JsonObject) -> Iterator[PropertyProblem]:
    choices = schema.get("enum", [None])
    if not isinstance(choices, list) or not choices:
        yield malformed("enum", choices, "a list of at least one value")
        return
    for keyword, values in (("enum", choices), ("const", [schema.get("const")])):
        if any(isinstance(value, (list, dict)) for value in values):
            message = f"`{keyword}` contains an object or an array, but payloads are flat"
            fix = "list strings, numbers, booleans or null only"
            yield PropertyProblem("EG203", keyword, ("nested-value",), message, fix)
            return
    if {"enum", "const"} & schema.keys() and schema.get("format") in CHECKED_FORMATS:
        yield PropertyProblem(
            "EG204",
            "format",
            ("format-of-listed-values", str(schema["format"])),
            "the property has a format and also lists its values",
            "remove the format, because the listed values are stricter",
        )


def _limit_problems(schema: JsonObject) -> Iterator[PropertyProblem]:
    required = schema.get("required", [])
    if not isinstance(required, list):
        # Draft 3: validators of draft 2020-12 do not agree on what it means now.
        problem = malformed("required", required, "a list of names, on the schema itself")
        yield replace(problem, fix="name the property in `required` of the schema")
    for keyword in ("minLength", "maxLength"):
        number = schema.get(keyword, 0)
        if not is_count(number):
            yield malformed(keyword, number, "a whole number of at least 0")
    for keyword in NUMERIC_KEYWORDS.values():
        number = schema.get(keyword, 1)
        if not is_number(number):
            yield malformed(keyword, number, "a number")
        elif keyword == "multipleOf" and number <= 0:
            yield malformed(keyword, number, "more than 0")
    for keyword in ("format", "pattern"):
        text = schema.get(keyword, "")
        if not isinstance(text, str):
            yield malformed(keyword, text, "a string")
        elif keyword == "pattern":
            yield from _pattern_problems(text)
        elif text in UNCHECKED_FORMATS:
            message = f"generated code cannot check the format {quote(text)}"
            yield PropertyProblem("EG204", "format", ("format", text), message, "remove the format")


def _pattern_problems(pattern: str) -> Iterator[PropertyProblem]:
    try:
        translate(pattern)
    except ValueError as error:
        message = f"generated code cannot check the pattern: it {error}"
        fix = "write the pattern in another way, or remove it"
        yield PropertyProblem("EG205", "pattern", ("pattern", pattern), message, fix)


def is_count(value: Json) -> bool:
    """Return True for a whole number of at least 0, whether it is written as 2 or as 2.0."""
    return is_number(value) and value >= 0 and value == int(value)


def _is_contradictory(constraints: Constraints) -> bool:
    """Return True if the limits are proved to exclude every value but null."""
    return not any(_has_value(name, constraints) for name in constraints.types)


def _has_value(name: str, constraints: Constraints) -> bool:
    if name == "string":
        return _has_text(constraints)
    return name == "boolean" or _has_number(name, constraints)


_STEPS = 20_000
"""The steps of one proof, about a tenth of a second."""


def _has_text(constraints: Constraints) -> bool:
    """Return False if no string is valid, as far as that is proved."""
    shortest, longest = constraints.min_length, constraints.max_length
    if longest is not None and shortest > longest:
        return False
    if not constraints.pattern and not constraints.format:
        return True
    from .language.texts import outer_texts

    sets = outer_texts(constraints)
    if not constraints.pattern and shortest != longest:
        # No format has a gap of more than one length.
        return not sets[-1].lacks_lengths
    # Where plain comparison decides, no automaton is loaded.
    from .language.search import has_texts

    return all(has_texts(texts, _STEPS) for texts in sets)


def _has_number(name: str, constraints: Constraints) -> bool:
    """Return True if a number, or an integer if that is the type, is within the limits."""
    from fractions import Fraction

    limits = exact_limits(constraints)
    step = limits.get("multiple_of")
    if name == "integer":
        # A multiple of a/b that is an integer is a multiple of a.
        step = Fraction(step.numerator if step else 1)
    low, high = bounds_of(constraints)
    if low is None or high is None:
        return True
    is_low_open = low == limits.get("exclusive_minimum")
    is_high_open = high == limits.get("exclusive_maximum")
    if step is None:
        return low < high or (low == high and not is_low_open and not is_high_open)
    multiple = -(-low // step) * step
    if multiple == low and is_low_open:
        multiple += step
    return multiple < high or (multiple == high and not is_high_open)
