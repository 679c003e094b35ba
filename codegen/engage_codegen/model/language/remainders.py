"""Checks of formats for the few texts that no pattern decides. Pure.

They are those of generated code: leap seconds, and names that are not ASCII.
"""

import re
from collections.abc import Callable, Mapping
from unicodedata import bidirectional

_DAY = 24 * 60
_LEAP_SECOND = re.compile(r".*?([0-9]{2}):([0-9]{2}):60.*([+\-])([0-9]{2}):([0-9]{2})", re.DOTALL)
_LONGEST = 4 * 253


def _is_time(text: str) -> bool:
    """A leap second ends a day in UTC. One with Z is decided by the pattern."""
    match = _LEAP_SECOND.fullmatch(text)
    if match is None:
        return False
    hour, minute, sign, offset_hour, offset_minute = match.groups()
    offset = int(offset_hour) * 60 + int(offset_minute)
    local = int(hour) * 60 + int(minute)
    return (local + (offset if sign == "-" else -offset)) % _DAY == _DAY - 1


def _is_host(text: str) -> bool | None:
    return len(text) <= 253 and is_international(text)


def _is_address(text: str) -> bool | None:
    return _is_host(text.rpartition("@")[2])


def _is_international_address(text: str) -> bool | None:
    return is_international(text.rpartition("@")[2])


def is_international(text: str) -> bool | None:
    """Return whether a text is a name by RFC 5891 in its canonical spelling, or None if the library
    for it is missing."""
    if len(text) > _LONGEST:
        return False
    try:
        import idna
    except ImportError:
        return None
    try:
        labels = idna.encode(text, uts46=True, std3_rules=True).decode().split(".")
        names = [idna.ulabel(label) for label in labels]
        is_mixed = any(bidirectional(letter) in {"R", "AL", "AN"} for letter in "".join(names))
        return labels == [idna.alabel(name).decode() for name in names] and all(
            idna.check_bidi(name, check_ltr=is_mixed) for name in names
        )
    except ValueError:
        return False


REMAINDERS: Mapping[str, Callable[[str], bool | None]] = {
    "date-time": _is_time,
    "time": _is_time,
    "hostname": _is_host,
    "idn-hostname": is_international,
    "email": _is_address,
    "idn-email": _is_international_address,
}
"""Format -> the check of a text between the sets of the format."""
