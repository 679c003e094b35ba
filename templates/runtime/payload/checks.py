"""Checks of values: each appends a `Violation` for a value that breaks its rule.

The rules are those of JSON Schema, as Engage applies them: a bool is not a number, NaN and the
infinities are not JSON, and a date-time follows RFC 3339 and has an offset.
"""

from datetime import UTC, datetime, timedelta
from math import isfinite

from ..violation import Violation

_MINUTE = timedelta(minutes=1)


def check_string(violations: list[Violation], name: str, value: object) -> None:
    """Accept a str, also of a subclass such as a StrEnum."""
    if not isinstance(value, str):
        violations.append(wrong_type(name, "a string", value))


def check_integer(violations: list[Violation], name: str, value: object) -> None:
    """Accept an int that is not a bool."""
    if not isinstance(value, int) or isinstance(value, bool):
        violations.append(wrong_type(name, "an integer", value))


def check_number(violations: list[Violation], name: str, value: object) -> None:
    """Accept a finite float, or an int that is not a bool."""
    if type(value) is float and isfinite(value):
        return
    if not isinstance(value, (float, int)) or isinstance(value, bool):
        violations.append(wrong_type(name, "a number", value))
    elif isinstance(value, float) and not isfinite(value):
        violations.append(Violation(name, "finite", "must be finite", value))


def check_boolean(violations: list[Violation], name: str, value: object) -> None:
    """Accept True and False, and no other value that is truthy or falsy."""
    if not isinstance(value, bool):
        violations.append(wrong_type(name, "a boolean", value))


def check_date_time(violations: list[Violation], name: str, value: object) -> None:
    """Accept an aware datetime whose offset is a whole number of minutes, as in RFC 3339."""
    if type(value) is datetime and value.tzinfo is UTC:
        return
    if not isinstance(value, datetime):
        violations.append(wrong_type(name, "a datetime", value))
        return
    offset = value.utcoffset()
    if offset is None:
        message = "must have a time zone, because Engage requires an offset"
        violations.append(Violation(name, "time-zone", message, value))
    elif offset % _MINUTE:
        message = "has an offset with seconds, which RFC 3339 does not support"
        violations.append(Violation(name, "offset-seconds", message, value))


def wrong_type(name: str, expected: str, value: object) -> Violation:
    """Return the violation of a value that has another type than the expected one."""
    return Violation(name, "type", wrong_type_message(expected, value), value)


def wrong_type_message(expected: str, value: object) -> str:
    """Name the expected type and the type of the value: ``must be a string, not int``."""
    return f"must be {expected}, not {'null' if value is None else type(value).__name__}"
