"""Round trips: a payload is read into its class and written again."""

import re

from ..model.jsonvalues import is_equal
from ..schema.jsontext import Json, JsonObject
from .answers import ReadResult

_CLOCK = re.compile(r"(.*:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)", re.DOTALL | re.ASCII)

_TIMES = frozenset(["date", "datetime", "time"])


def find_difference(payload: JsonObject, ours: ReadResult) -> tuple[str, str] | None:
    """Return the property that a round trip changes, "" for the whole payload, and how.

    Returns None if the accepted payload survives.
    """
    if ours.fault:
        return "", ours.fault
    written = ours.written
    for name in sorted(payload.keys() | written.keys()):
        if name not in written:
            return name, "is not written"
        if name not in payload:
            return name, f"is written as {written[name]!r}, but was absent"
        kind = ours.types.get(name, "")
        if not is_equal(_normal(payload[name], kind), _normal(written[name], kind)):
            return name, f"is written as {written[name]!r}"
    if ours.again is not None:
        return ours.again.property, f"the written payload cannot be read: {ours.again.text}"
    return None if ours.is_same else ("", "the written payload is read as another instance")


def _normal(text: Json, kind: str) -> Json:
    """Return one spelling for all texts that are the same value of the attribute's type."""
    if isinstance(text, str) and kind == "UUID":
        return text.lower()
    if not isinstance(text, str) or kind not in _TIMES:
        return text
    match = _CLOCK.fullmatch(text.upper())
    if match is None:
        return text
    clock, fraction, offset = match.groups()
    digits = (fraction or "").rstrip("0").rstrip(".")
    return f"{clock}{digits}{'+00:00' if offset in ('Z', '-00:00') else offset}"
