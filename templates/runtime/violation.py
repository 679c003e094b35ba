"""Violations of the rules of a schema."""

from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Literal, TypeAlias

from .call.foreign_text import printable_line

ViolationCode: TypeAlias = Literal[
    "type",
    "enum",
    "required",
    "format",
    "pattern",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minProperties",
    "maxProperties",
    "dependentRequired",
    "undeclared",
    "finite",
    "time-zone",
    "offset-seconds",
    "leap-second",
    "precision",
    "year-zero",
    "json",
    "pickle",
    "id",
    "unknown-schema",
]
"""The rule that a value breaks: the keyword of JSON Schema where there is one, and otherwise

- ``undeclared``: the schema does not declare the property, so Engage would discard it.
- ``finite``: the number is NaN or infinite.
- ``time-zone``: the datetime or time has no time zone.
- ``offset-seconds``: the UTC offset has seconds, which RFC 3339 does not support.
- ``leap-second``, ``precision``, ``year-zero``: the text is valid RFC 3339, but Python cannot
  represent it: second 60, digits below a microsecond, or the year 0. ``precision`` is also a
  Decimal that equals no JSON number, and a datetime of another library with nanoseconds.
- ``json``: JSON cannot represent the value: a text with half a character, a number with too many
  digits.
- ``pickle``: the pickle has the values by position, so that they may belong to other properties.
- ``id``: the id of a contact or an interaction cannot be part of a URL.
- ``unknown-schema``: the package was not generated from this schema.
"""

PAYLOAD_CODES: frozenset[ViolationCode] = frozenset(
    ["minProperties", "maxProperties", "dependentRequired"]
)
"""The rules that concern several properties of a payload at once."""


@dataclass(frozen=True, slots=True)
class Violation:
    """One rule that one property breaks.

    `value` is personal data. It is therefore part of no message and no `repr`.
    """

    property: str
    """The wire name of the property, or ``payload`` for a rule about the payload as a whole."""

    code: ViolationCode
    """The rule; see `ViolationCode`."""

    message: str
    """The rule in words, without the property and without the value."""

    value: object = field(default=None, repr=False)
    """The invalid value; None if there is none. A pickle keeps values of standard types only."""

    def __str__(self) -> str:
        return printable_line(f"{self.property}: {self.message}")

    def __reduce__(self) -> tuple[object, ...]:
        return Violation, (self.property, self.code, self.message, _picklable(self.value))


def _picklable(value: object) -> object:
    """Return a value of the standard types, or None for one that a pickle may not be able to hold.

    The pickle of an error must be readable in a process that has other libraries.
    """
    import pickle  # nothing is loaded  # nosec B403

    if type(value) not in _STANDARD_TYPES:
        return None
    try:
        pickle.dumps(value)
    except Exception:
        return None
    return value


_STANDARD_TYPES = frozenset([bool, int, float, str, bytes, list, dict, date, time, datetime])


class InvalidValueError(ValueError):
    """A JSON value breaks a rule. The `Reader` turns it into a `Violation` of a property."""

    def __init__(self, code: ViolationCode, message: str) -> None:
        super().__init__(code, message)
        self.code: ViolationCode = code
        self.message = message

    def __str__(self) -> str:
        return self.message
