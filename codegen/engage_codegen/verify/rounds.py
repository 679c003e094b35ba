"""Round trips: a payload is read into its class and written again."""

import re
from collections.abc import Mapping
from datetime import date, datetime, time
from uuid import UUID

from ..model.jsonvalues import is_equal
from ..schema.jsontext import Json, JsonObject
from .subject import Instance, Subject

_CLOCK = re.compile(r"(.*:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)", re.DOTALL | re.ASCII)


def find_difference(
    payload: JsonObject, instance: Instance, subject: Subject, attributes: Mapping[str, str]
) -> tuple[str, str] | None:
    """Return the property that a round trip changes, "" for the whole payload, and how.

    Returns None if the payload survives.
    """
    try:
        written = instance.to_payload()
    except Exception as error:
        return "", f"to_payload raises {type(error).__name__}: {error}"
    for name in sorted(payload.keys() | written.keys()):
        if name not in written:
            return name, "is not written"
        if name not in payload:
            return name, f"is written as {written[name]!r}, but was absent"
        value: object = getattr(instance, attributes[name])
        if not is_equal(_normal(payload[name], value), _normal(written[name], value)):
            return name, f"is written as {written[name]!r}"
    again = subject.read(written)
    if again.instance is None:
        return again.property, f"the written payload cannot be read: {again.text}"
    return (
        None
        if again.instance == instance
        else ("", "the written payload is read as another instance")
    )


def _normal(text: Json, value: object) -> Json:
    """Return one spelling for all texts that are the same value of the attribute's type."""
    if isinstance(text, str) and isinstance(value, UUID):
        return text.lower()
    if not isinstance(text, str) or not isinstance(value, (date, time, datetime)):
        return text
    match = _CLOCK.fullmatch(text.upper())
    if match is None:
        return text
    clock, fraction, offset = match.groups()
    digits = (fraction or "").rstrip("0").rstrip(".")
    return f"{clock}{digits}{'+00:00' if offset in ('Z', '-00:00') else offset}"
