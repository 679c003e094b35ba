"""Checks of values: each appends a `Violation` for a value that breaks its rule.

The rules are those of JSON Schema, as Engage applies them: a bool is not a number, NaN and the
infinities are not JSON, and a date-time follows RFC 3339 and has an offset.

A check returns the value as it is stored and sent: an instance of the type itself, so that nothing
that a subclass overrides (``__len__``, ``__eq__``, ``isoformat``, …) counts. It returns an invalid
value unchanged.
"""

import builtins
from datetime import UTC, date, datetime, time, timedelta
from math import isfinite

from ..violation import Violation
from .plain import is_instance, join_surrogates, plain_value

PRECISION = "has digits below a microsecond, which a {} cannot represent"

_MINUTE = timedelta(minutes=1)


def check_string(violations: list[Violation], name: str, value: object) -> object:
    """Accept a str, also of a subclass such as a StrEnum, and a UUID for its text."""
    text = plain_value(value)
    if type(text) is not str:
        violations.append(wrong_type(name, "a string", value))
        return value
    try:
        return join_surrogates(text)
    except UnicodeError:
        violations.append(Violation(name, "json", _LONE_SURROGATE, value))
        return value


def check_integer(violations: list[Violation], name: str, value: object) -> object:
    """Accept an int that is not a bool, and a Decimal that is an integer."""
    number = plain_value(value)
    if type(number) is not int:
        violations.append(wrong_type(name, "an integer", value))
    elif _has_too_many_digits(number):
        violations.append(Violation(name, "json", _DIGITS, value))
    else:
        return number
    return value


def check_number(violations: list[Violation], name: str, value: object) -> object:
    """Accept a finite float, an int that is not a bool, and a Decimal that one of them equals."""
    if type(value) is float and isfinite(value):
        return value
    number = plain_value(value)
    if type(number) is float:
        if isfinite(number):
            return number
        violations.append(Violation(name, "finite", "must be finite", value))
    elif type(number) is int:
        if not _has_too_many_digits(number):
            return number
        violations.append(Violation(name, "json", _DIGITS, value))
    elif type(number).__name__ == "Decimal":
        violations.append(Violation(name, "precision", _DECIMAL, value))
    else:
        violations.append(wrong_type(name, "a number", value))
    return value


def check_boolean(violations: list[Violation], name: str, value: object) -> object:
    """Accept True and False, and no other value that is truthy or falsy."""
    if type(value) is not bool:
        violations.append(wrong_type(name, "a boolean", value))
    return value


def check_date_time(violations: list[Violation], name: str, value: object) -> object:
    """Accept an aware datetime whose offset is a whole number of minutes, as in RFC 3339."""
    if type(value) is datetime and value.tzinfo is UTC:
        return value
    # pandas.NaT is an instance of a subclass of datetime.
    if not is_instance(value, datetime) or type(value).__name__ == "NaTType":
        violations.append(wrong_type(name, "a datetime", value))
        return value
    moment = value if type(value) is datetime else _plain_date_time(value)
    if getattr(value, "nanosecond", 0):
        violations.append(Violation(name, "precision", PRECISION.format("datetime"), value))
    elif value.year != moment.year:
        violations.append(Violation(name, "type", _YEAR, value))
    else:
        check_offset(violations, name, value, moment)
    return moment


def check_offset(
    violations: list[Violation], name: str, value: object, moment: datetime | time
) -> None:
    """Accept an offset that is a whole number of minutes. `moment` is the value itself."""
    offset: timedelta | None = None
    try:
        offset = moment.utcoffset()
    except Exception as error:
        message = f"has a time zone without a valid offset ({type(error).__name__})"
        violations.append(Violation(name, "time-zone", message, value))
        return
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
    return f"must be {expected}, not {'null' if value is None else type_name(value)}"


def type_name(value: object) -> str:
    """Return the name of the type, with its module if Python has a type of that name itself."""
    value_type = type(value)
    name = value_type.__qualname__
    is_own = value_type.__module__ != "builtins" and hasattr(builtins, name)
    return f"{value_type.__module__}.{name}" if is_own else name


def _plain_date_time(value: datetime) -> datetime:
    return datetime.combine(date.fromordinal(date.toordinal(value)), datetime.timetz(value))


def _has_too_many_digits(number: int) -> bool:
    """Return True if Python refuses to write the digits."""
    if number.bit_length() <= 64:
        return False
    try:
        int.__repr__(number)
    except ValueError:
        return True
    return False


_LONE_SURROGATE = "has half a character (a lone surrogate), which JSON cannot represent"
_DIGITS = "has too many digits for JSON"
_DECIMAL = "has more digits than a JSON number can hold exactly"
_YEAR = "has a year that a datetime cannot represent"
