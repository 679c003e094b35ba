"""Conversion of values to JSON and back.

The functions that read raise `InvalidValueError` with the rule that the JSON value breaks.
"""

import re
from datetime import datetime
from math import inf

from ..violation import InvalidValueError
from .checks import PRECISION, wrong_type_message
from .types import Json


def encode_date_time(value: datetime) -> str:
    """Return the RFC 3339 text of a datetime, with its own offset."""
    return datetime.isoformat(value)


def read_string(value: Json) -> str:
    """Accept a JSON string."""
    if not isinstance(value, str):
        raise InvalidValueError("type", wrong_type_message("a string", value))
    return value


def read_integer(value: Json) -> int:
    """Accept a JSON integer. In JSON Schema 2.0 is an integer; it becomes 2."""
    if isinstance(value, float) and value % 1 == 0:
        return int(json_number(value))
    if not isinstance(value, int) or isinstance(value, bool):
        raise InvalidValueError("type", wrong_type_message("an integer", value))
    return value


def json_number(value: float) -> float:
    """Return the number that JSON writes for a value.

    In memory a large float is a sum of powers of two. In JSON it is its shortest decimal digits,
    which are another number.
    """
    if isinstance(value, int) or not 2**53 <= abs(value) < inf:
        return value
    from decimal import Decimal

    return int(Decimal(float.__repr__(value)))


def read_number(value: Json) -> float:
    """Accept a JSON number. An int stays an int, so that it is written as it was read."""
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise InvalidValueError("type", wrong_type_message("a number", value))
    return value


def read_boolean(value: Json) -> bool:
    """Accept true and false."""
    if not isinstance(value, bool):
        raise InvalidValueError("type", wrong_type_message("a boolean", value))
    return value


def read_date_time(value: Json) -> datetime:
    """Accept an RFC 3339 date-time with an offset that a datetime can represent."""
    if not isinstance(value, str):
        raise InvalidValueError("type", wrong_type_message("a date-time string", value))
    if _USUAL.fullmatch(value):
        return datetime.fromisoformat(value)
    match = _DATE_TIME.fullmatch(value)
    if not match:
        raise InvalidValueError("format", "is not an RFC 3339 date-time with an offset")
    minute, second, digits, offset = match.groups()
    if second == "60":
        raise InvalidValueError("leap-second", LEAP_SECOND.format("datetime"))
    if digits and digits[6:].strip("0"):
        raise InvalidValueError("precision", PRECISION.format("datetime"))
    if minute.startswith("0000"):
        raise InvalidValueError("year-zero", YEAR_ZERO.format("datetime"))
    text = f"{minute}:{second}.{digits or '0':0<6.6}{offset}"
    try:
        return datetime.fromisoformat(text.upper())
    except ValueError:
        raise InvalidValueError("format", NO_SUCH_DAY) from None


LEAP_SECOND = "is a leap second, which a {} cannot represent"
YEAR_ZERO = "is in the year 0, which a {} cannot represent"
NO_SUCH_DAY = "is not a day of the calendar"

# Every text that matches is a valid date-time, and `fromisoformat` reads it as the same one.
_USUAL = re.compile(
    r"(?:1[6-9]|20)[0-9]{2}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])"
    r"T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{3}(?:[0-9]{3})?)?"
    r"(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
)
_DATE_TIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}[Tt](?:[01][0-9]|2[0-3]):[0-5][0-9]):([0-5][0-9]|60)"
    r"(?:\.([0-9]+))?([Zz]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
)
