"""Types, rules and durations in the words of people who read no code. Pure."""

import json
import re
from collections.abc import Iterator, Mapping

from ...model.constraints import Constraints
from ...schema.contract import PersonalData
from ...schema.jsontext import Json

_TYPES: Mapping[str, str] = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "yes or no",
}
_FORMATS: Mapping[str, str] = {
    "date-time": "date and time",
    "date": "date",
    "time": "time of day",
    "duration": "duration",
    "email": "e-mail address",
    "idn-email": "e-mail address",
    "hostname": "host name",
    "idn-hostname": "host name",
    "ipv4": "IP address (version 4)",
    "ipv6": "IP address (version 6)",
    "uri": "web address (URI)",
    "iri": "web address (IRI)",
    "uuid": "unique identifier (UUID)",
}
PERSONAL_DATA: Mapping[PersonalData, str] = {
    "direct": "identifies a person",
    "indirect": "identifies a person together with other data",
    "free-text": "free text, which can contain anything about a person",
    "none": "no personal data",
}
NOT_CLASSIFIED = "nobody has decided"

_DURATION = re.compile(r"P(?:([0-9]+)Y)?(?:([0-9]+)M)?(?:([0-9]+)W)?(?:([0-9]+)D)?")


def describe_type(constraints: Constraints) -> str:
    """Return the types of a property: ``whole number``, ``date and time or empty``."""
    words = [
        _describe_format(constraints.format) if name == "string" else _TYPES[name]
        for name in constraints.types
    ]
    return " or ".join([*words, *(["empty (null)"] if constraints.nullable else [])])


def _describe_format(name: str) -> str:
    if not name:
        return _TYPES["string"]
    return _FORMATS.get(name, f"text in the format {name}")


def describe_rules(constraints: Constraints, pattern: str) -> Iterator[str]:
    """Yield the rules for a value. `pattern` is the regular expression as the schema has it."""
    if constraints.choices:
        values = [show_value(value) for value in constraints.choices]
        yield f"always {values[0]}" if len(values) == 1 else f"one of {', '.join(values)}"
    texts, numbers = constraints.text_limits, constraints.numeric_limits
    yield from _describe_range(texts.get("min_length"), texts.get("max_length"), "character")
    if "pattern" in texts:
        yield f"matches the pattern {pattern}"
    yield from _describe_range(numbers.get("minimum"), numbers.get("maximum"))
    if "exclusive_minimum" in numbers:
        yield f"more than {json.dumps(numbers['exclusive_minimum'])}"
    if "exclusive_maximum" in numbers:
        yield f"less than {json.dumps(numbers['exclusive_maximum'])}"
    if "multiple_of" in numbers:
        yield f"a multiple of {json.dumps(numbers['multiple_of'])}"
    if constraints.unchecked_format:
        yield f"in the format {constraints.unchecked_format}, which nobody checks"


def _describe_range(
    low: float | str | None, high: float | str | None, noun: str = ""
) -> Iterator[str]:
    """Yield the words for limits that a value, or the number of its characters, can reach."""

    def amount(limit: float | str) -> str:
        number = json.dumps(limit)
        return " ".join(filter(None, [number, noun and (noun if limit == 1 else f"{noun}s")]))

    if low is not None and high is not None:
        is_exact = low == high
        yield f"exactly {amount(low)}" if is_exact else f"from {json.dumps(low)} to {amount(high)}"
    elif low is not None:
        yield f"at least {amount(low)}"
    elif high is not None:
        yield f"at most {amount(high)}"


def describe_duration(text: str) -> str:
    """Return an ISO 8601 duration in words: ``2 years, 6 months``."""
    match = _DURATION.fullmatch(text)
    if match is None:
        return text
    units = zip(match.groups(), ("year", "month", "week", "day"), strict=True)
    parts = [(int(number), unit) for number, unit in units if number]
    return ", ".join(f"{number} {unit}{'' if number == 1 else 's'}" for number, unit in parts)


def show_value(value: Json) -> str:
    """Return a value for people: text in quotation marks, and yes or no."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"“{value}”" if isinstance(value, str) else json.dumps(value)
