"""Dates, times of day and UUIDs: their checks, and the way to JSON and back."""

import re
from datetime import date, datetime, time, timedelta
from uuid import UUID

from ..errors import Violation
from .checks import Json, not_a


def check_date(problems: list[Violation], name: str, value: object) -> None:
    """A date that is no datetime: it would lose its time."""
    if not isinstance(value, date) or isinstance(value, datetime):
        problems.append(Violation(name, not_a("a date", value), value))


def encode_date(value: date) -> str:
    return value.isoformat()


def read_date(value: Json) -> date:
    """An RFC 3339 full-date."""
    text = _text(value, "a date string")
    if not _DATE.fullmatch(text):
        raise ValueError("is no RFC 3339 date")
    if text.startswith("0000"):
        raise ValueError("is in the year 0, which a date cannot hold")
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError("is no day of the calendar") from None


def check_time(problems: list[Violation], name: str, value: object) -> None:
    """An aware time with an offset of whole minutes, as RFC 3339 demands."""
    if not isinstance(value, time):
        problems.append(Violation(name, not_a("a time", value), value))
        return
    offset = value.utcoffset()
    if offset is None:
        rule = "has to have a time zone with a fixed offset"
        problems.append(Violation(name, rule, value))
    elif offset % timedelta(minutes=1):
        rule = "has an offset with seconds, which RFC 3339 cannot write"
        problems.append(Violation(name, rule, value))


def encode_time(value: time) -> str:
    return value.isoformat()


def read_time(value: Json) -> time:
    """An RFC 3339 full-time."""
    match = _TIME.fullmatch(_text(value, "a time string"))
    if not match:
        raise ValueError("is no RFC 3339 time with an offset")
    minute, second, digits, offset = match.groups()
    if second == "60":
        raise ValueError("is a leap second, which a time cannot hold")
    if digits and digits[6:].strip("0"):
        raise ValueError("has digits below a microsecond, which a time cannot hold")
    return time.fromisoformat(f"{minute}:{second}.{digits or '0':0<6.6}{offset}".upper())


def check_uuid(problems: list[Violation], name: str, value: object) -> None:
    """A UUID, not its text."""
    if not isinstance(value, UUID):
        problems.append(Violation(name, not_a("a UUID", value), value))


def encode_uuid(value: UUID) -> str:
    return str(value)


def read_uuid(value: Json) -> UUID:
    """RFC 4122's text, with hyphens."""
    text = _text(value, "a UUID string")
    if not _UUID.fullmatch(text):
        raise ValueError("is no UUID")
    return UUID(text)


def _text(value: Json, wanted: str) -> str:
    if not isinstance(value, str):
        raise ValueError(not_a(wanted, value))
    return value


_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME = re.compile(
    r"((?:[01][0-9]|2[0-3]):[0-5][0-9]):([0-5][0-9]|60)"
    r"(?:\.([0-9]+))?([Zz]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
)
_UUID = re.compile(r"[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}")
