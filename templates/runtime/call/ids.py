"""The ids of contacts and interactions."""

import re

from ..payload.checks import wrong_type
from ..violation import Violation


def check_id(violations: list[Violation], name: str, value: object) -> None:
    """Accept any text that can be one segment of a URL path: ids are opaque."""
    if not isinstance(value, str):
        violations.append(wrong_type(name, "a string", value))
    elif not is_id(value):
        violations.append(Violation(name, "id", "is not a valid id", value))


def is_id(text: str) -> bool:
    """Return True for a text that can be an id."""
    # A segment of dots alone would change the path.
    is_short = bool(text.strip(" .")) and len(text) <= _LONGEST_ID
    return is_short and (text.isascii() or not _SURROGATE.search(text))


_LONGEST_ID = 500
_SURROGATE = re.compile("[\ud800-\udfff]")
