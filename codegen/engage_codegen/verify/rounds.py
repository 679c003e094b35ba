"""Whether a payload comes back from its class as what it was."""

import re
from collections.abc import Mapping
from datetime import date, datetime, time
from uuid import UUID

from ..model.constraints import is_same
from ..schema.jsontext import Json, JsonObject
from .subject import Instance, Subject

_CLOCK = re.compile(r"(.*:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)", re.DOTALL | re.ASCII)


def difference(
    payload: JsonObject, instance: Instance, subject: Subject, attributes: Mapping[str, str]
) -> tuple[str, str] | None:
    """The property and how it differs after a round trip; "" stands for the whole payload."""
    try:
        written = instance.to_payload()
    except Exception as error:
        return "", f"to_payload raises {type(error).__name__}: {error}"
    for name in sorted(payload.keys() | written.keys()):
        if name not in written:
            return name, "is not written"
        if name not in payload:
            return name, f"is written as {written[name]!r}, and was not there"
        value: object = getattr(instance, attributes[name])
        if not is_same(_normal(payload[name], value), _normal(written[name], value)):
            return name, f"is written as {written[name]!r}"
    again = subject.read(written)
    if again.instance is None:
        return again.property, f"what is written cannot be read: {again.text}"
    return None if again.instance == instance else ("", "what is written is read as another")


def _normal(text: Json, value: object) -> Json:
    """One spelling for all that mean the same, by the type of the attribute."""
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
