"""The date rules of the API: strict for `format: date-time`, lenient for `createdDate`."""

import re
from datetime import UTC, datetime

# datetime.fromisoformat alone accepts "2023-05-23711:13:42Z", because any character may separate
# the date from the time. `$` alone accepts a trailing newline.
_DATE_TIME = re.compile(
    r"\d{4}-\d\d-\d\d"
    r"(?:[Tt](?:[01]\d|2[0-3]):[0-5]\d:(?P<second>[0-5]\d|60)(?:\.\d+)?"
    r"(?P<offset>[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)?)?",
    re.ASCII,
)
_LAST_MINUTE = 24 * 60 - 1


def is_date_time(text: str) -> bool:
    """Check for an RFC 3339 date-time: an existing day, a time and an offset.

    `2018-11-13T20:20:39+00:00` is valid (documented), `2018-11-13T20:20:39` is not. Year 0 is
    invalid, and so is a leap second outside the last minute of a UTC day.
    """
    match = _DATE_TIME.fullmatch(text)
    if match is None or match["offset"] is None:
        return False
    leap = match["second"] == "60"
    at = _parse_time(text.replace(":60", ":59") if leap else text)
    return at is not None and (not leap or _to_utc_minute(at) == _LAST_MINUTE)


def parse_created_date(text: str) -> tuple[datetime, bool] | None:
    """Parse a `createdDate` into a time in UTC, and whether the text had an offset.

    A text without an offset is read as UTC, and a date without a time as midnight (our guess).
    Returns None if the text is not a date.
    """
    at = _parse_time(text) if _DATE_TIME.fullmatch(text) else None
    if at is None:
        return None
    if at.tzinfo is None:
        return at.replace(tzinfo=UTC), False
    try:
        return at.astimezone(UTC), True
    except OverflowError:  # the offset leads out of the years 1 to 9999
        return None


def to_timestamp(text: str) -> float | None:
    """Convert an RFC 3339 date-time to seconds since 1970; return None for any other text."""
    if not is_date_time(text):
        return None
    at = _parse_time(text.replace(":60", ":59"))
    return None if at is None else at.timestamp() + (":60" in text)


def format_date(at: datetime) -> str:
    """Format a time as `2023-05-23T11:13:42.074Z`: UTC, milliseconds (our guess), sortable."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _parse_time(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text.upper())
    except ValueError:
        return None


def _to_utc_minute(at: datetime) -> int:
    offset = at.utcoffset()
    east = 0 if offset is None else int(offset.total_seconds()) // 60
    return (at.hour * 60 + at.minute - east) % (24 * 60)
