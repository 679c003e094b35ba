"""The precision and the offset of the dates in answers, by the text that each pair predicts."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone

from .reading import Observations, Reading, hidden, observed, unexplained

_PRECISIONS = ("milliseconds", "seconds", "rounded-seconds", "sql-datetime", "ticks")
_OFFSETS = ("Z", "+00:00", "+02:00", "none")
_EAST = timezone(timedelta(hours=2))


def write_date(text: str, precision: str, offset: str) -> str:
    """Return how a platform with this precision and offset writes a date."""
    at = datetime.fromisoformat(text).astimezone(_EAST if offset == "+02:00" else UTC)
    at = at.replace(tzinfo=None)
    if precision == "rounded-seconds":
        at += timedelta(milliseconds=500)
    elif precision == "sql-datetime":
        steps = round(at.microsecond * 300 / 1e6)
        at = at.replace(microsecond=0) + timedelta(milliseconds=round(steps * 1000 / 300))
    if precision in ("seconds", "rounded-seconds"):
        digits = at.isoformat(timespec="seconds")
    elif precision == "ticks":
        digits = f"{at.isoformat(timespec='microseconds')}0"
    else:
        digits = at.isoformat(timespec="milliseconds")
    return digits + ("" if offset == "none" else offset)


def _explanations(observations: Observations, name: str, text: str) -> Iterator[tuple[str, str]]:
    body = observations.exchanges[name].step.body or {}
    sent = str(body.get("createdDate"))
    for precision in _PRECISIONS:
        for offset in _OFFSETS:
            if write_date(sent, precision, offset) == text:
                yield precision, offset


def _read(observations: Observations, place: int) -> Reading:
    name = next(
        (name for name in ("plain", "declared") if f"read-{name}" in observations.exchanges), ""
    )
    if not name:
        return hidden("no interaction could be read")
    text = observations.member(f"read-{name}", "createdDate")
    if not isinstance(text, str):
        return unexplained(f"createdDate is {text!r}, and not a text", f"read-{name}")
    pairs = list(_explanations(observations, name, text))
    if len(pairs) != 1:
        sent = (observations.exchanges[name].step.body or {}).get("createdDate")
        return unexplained(f"createdDate {sent} comes back as {text}", f"read-{name}")
    return observed(pairs[0][place])


def read_precision(observations: Observations) -> Reading:
    """Read the option date-precision."""
    return _read(observations, 0)


def read_offset(observations: Observations) -> Reading:
    """Read the option date-offset."""
    return _read(observations, 1)
