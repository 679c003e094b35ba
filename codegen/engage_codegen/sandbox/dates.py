"""The two date rules of the API: `format: date-time`, and the more lenient `createdDate`."""

import re
from datetime import UTC, datetime

# datetime.fromisoformat alone would take "2023-05-23711:13:42Z": any character may separate the
# date from the time. `$` alone would take a trailing newline.
_DATE_TIME = re.compile(
    r"\d{4}-\d\d-\d\d"
    r"(?:[Tt](?:[01]\d|2[0-3]):[0-5]\d:(?P<second>[0-5]\d|60)(?:\.\d+)?"
    r"(?P<offset>[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)?)?",
    re.ASCII,
)
_LAST_MINUTE_OF_DAY = 24 * 60 - 1


def is_date_time(text: str) -> bool:
    """An RFC 3339 date-time: an existing day, a time and an offset; year 0 is not accepted.

    `2018-11-13T20:20:39+00:00` is one (engage-api: documented), `2018-11-13T20:20:39` is not.
    A leap second is one only in the last minute of a UTC day.
    """
    match = _DATE_TIME.fullmatch(text)
    if match is None or match["offset"] is None:
        return False
    leap = match["second"] == "60"
    at = _moment(text.replace(":60", ":59") if leap else text)
    return at is not None and (not leap or _minute_of_utc_day(at) == _LAST_MINUTE_OF_DAY)


def parse_created_date(text: str) -> tuple[datetime, bool] | None:
    """The moment in UTC, and whether the text had an offset; None if it is no date at all.

    Without an offset it is read as UTC, and a day without a time as its first moment (our guess).
    """
    at = _moment(text) if _DATE_TIME.fullmatch(text) else None
    if at is None:
        return None
    if at.tzinfo is None:
        return at.replace(tzinfo=UTC), False
    try:
        return at.astimezone(UTC), True
    except OverflowError:  # an offset that leads out of the years 1 to 9999
        return None


def timestamp(text: str) -> float | None:
    """The moment of an RFC 3339 date-time, in seconds since 1970; None for anything else."""
    if not is_date_time(text):
        return None
    at = _moment(text.replace(":60", ":59"))
    return None if at is None else at.timestamp() + (":60" in text)


def wire_date(at: datetime) -> str:
    """`2023-05-23T11:13:42.074Z`: UTC, milliseconds (our guess); sorts as text."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text.upper())
    except ValueError:
        return None


def _minute_of_utc_day(at: datetime) -> int:
    offset = at.utcoffset()
    east = 0 if offset is None else int(offset.total_seconds()) // 60
    return (at.hour * 60 + at.minute - east) % (24 * 60)
