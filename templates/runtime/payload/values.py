"""Checks of dates, times of day and UUIDs, and their conversion to JSON and back."""

import re
from datetime import date, datetime, time
from uuid import UUID

from ..violation import InvalidValueError, Violation
from .checks import PRECISION, check_offset, wrong_type, wrong_type_message
from .codecs import LEAP_SECOND, NO_SUCH_DAY, YEAR_ZERO
from .plain import is_instance
from .types import Json


def check_date(violations: list[Violation], name: str, value: object) -> object:
    """Accept a date that is not a datetime: a datetime would lose its time."""
    if not is_instance(value, date) or is_instance(value, datetime):
        violations.append(wrong_type(name, "a date", value))
        return value
    return value if type(value) is date else date.fromordinal(date.toordinal(value))


def encode_date(value: date) -> str:
    """Return the RFC 3339 text of a date."""
    return date.isoformat(value)


def read_date(value: Json) -> date:
    """Accept an RFC 3339 full-date."""
    text = _read_text(value, "a date string")
    if not _DATE.fullmatch(text):
        raise InvalidValueError("format", "is not an RFC 3339 date")
    if text.startswith("0000"):
        raise InvalidValueError("year-zero", YEAR_ZERO.format("date"))
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidValueError("format", NO_SUCH_DAY) from None


def check_time(violations: list[Violation], name: str, value: object) -> object:
    """Accept an aware time whose offset is a whole number of minutes, as in RFC 3339."""
    if not is_instance(value, time):
        violations.append(wrong_type(name, "a time", value))
        return value
    moment = value if type(value) is time else datetime.combine(date.min, value).timetz()
    check_offset(violations, name, value, moment)
    return moment


def encode_time(value: time) -> str:
    """Return the RFC 3339 text of a time of day, with its own offset."""
    return time.isoformat(value)


def read_time(value: Json) -> time:
    """Accept an RFC 3339 full-time that a time can represent."""
    match = _TIME.fullmatch(_read_text(value, "a time string"))
    if not match:
        raise InvalidValueError("format", "is not an RFC 3339 time with an offset")
    minute, second, digits, offset = match.groups()
    if second == "60":
        raise InvalidValueError("leap-second", LEAP_SECOND.format("time"))
    if digits and digits[6:].strip("0"):
        raise InvalidValueError("precision", PRECISION.format("time"))
    return time.fromisoformat(f"{minute}:{second}.{digits or '0':0<6.6}{offset}".upper())


def check_uuid(violations: list[Violation], name: str, value: object) -> object:
    """Accept a UUID, and not its text."""
    if not is_instance(value, UUID):
        violations.append(wrong_type(name, "a UUID", value))
        return value
    return value if type(value) is UUID else UUID(UUID.__str__(value))


def encode_uuid(value: UUID) -> str:
    """Return the RFC 4122 text of a UUID."""
    return UUID.__str__(value)


def read_uuid(value: Json) -> UUID:
    """Accept the RFC 4122 text of a UUID, with hyphens."""
    text = _read_text(value, "a UUID string")
    if not _UUID.fullmatch(text):
        raise InvalidValueError("format", "is not a UUID")
    return UUID(text)


def _read_text(value: Json, expected: str) -> str:
    if not isinstance(value, str):
        raise InvalidValueError("type", wrong_type_message(expected, value))
    return value


_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME = re.compile(
    r"((?:[01][0-9]|2[0-3]):[0-5][0-9]):([0-5][0-9]|60)"
    r"(?:\.([0-9]+))?([Zz]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
)
_UUID = re.compile(r"[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}")
