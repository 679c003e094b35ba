"""Payloads: their types, checks, and the way to JSON and back.

The rules are those of JSON Schema as the platform applies it: a bool is no number, NaN and the
infinities are no JSON, 2.0 is an integer, a date-time follows RFC 3339 and has an offset.
"""

import re
from collections.abc import Callable, Mapping, Set
from datetime import UTC, datetime, timedelta
from enum import Enum
from math import inf, isfinite
from types import TracebackType
from typing import ClassVar, Final, Protocol, Self, TypeAlias, TypeVar, cast

from ..errors import InvalidPayload, Violation

Json: TypeAlias = "None | bool | int | float | str | list[Json] | dict[str, Json]"

T = TypeVar("T")


class Unset(Enum):
    """Where the schema allows null: None is null, and UNSET leaves the property out."""

    UNSET = "UNSET"

    def __repr__(self) -> str:
        return self.value


UNSET: Final = Unset.UNSET

_MINUTE = timedelta(minutes=1)

__all__ = [
    "UNSET",
    "InvalidPayload",
    "Json",
    "Payload",
    "Reader",
    "Unset",
    "Violation",
    "check_boolean",
    "check_date_time",
    "check_integer",
    "check_number",
    "check_string",
    "encode_date_time",
    "exact",
    "not_a",
    "read_boolean",
    "read_date_time",
    "read_integer",
    "read_number",
    "read_string",
]


class Payload(Protocol):
    """What every generated class has."""

    __schema_id__: ClassVar[str]
    __properties__: ClassVar[frozenset[str]]

    def to_payload(self) -> dict[str, Json]: ...

    @classmethod
    def from_payload(cls, payload: Mapping[str, Json]) -> Self: ...


def check_string(problems: list[Violation], name: str, value: object) -> None:
    """A str, or an instance of a subclass such as a StrEnum."""
    if not isinstance(value, str):
        problems.append(_wrong_type(name, "a string", value))


def check_integer(problems: list[Violation], name: str, value: object) -> None:
    """An int that is no bool."""
    if not isinstance(value, int) or isinstance(value, bool):
        problems.append(_wrong_type(name, "an integer", value))


def check_number(problems: list[Violation], name: str, value: object) -> None:
    """A finite float, or an int that is no bool."""
    if type(value) is float and isfinite(value):
        return
    if not isinstance(value, (float, int)) or isinstance(value, bool):
        problems.append(_wrong_type(name, "a number", value))
    elif isinstance(value, float) and not isfinite(value):
        problems.append(Violation(name, "has to be finite", value))


def check_boolean(problems: list[Violation], name: str, value: object) -> None:
    """True or False, nothing that is merely truthy."""
    if not isinstance(value, bool):
        problems.append(_wrong_type(name, "a boolean", value))


def check_date_time(problems: list[Violation], name: str, value: object) -> None:
    """An aware datetime with an offset of whole minutes: RFC 3339 has no other."""
    if type(value) is datetime and value.tzinfo is UTC:
        return
    if not isinstance(value, datetime):
        problems.append(_wrong_type(name, "a datetime", value))
        return
    offset = value.utcoffset()
    if offset is None:
        rule = "has to have a time zone, because the platform demands an offset"
        problems.append(Violation(name, rule, value))
    elif offset % _MINUTE:
        rule = "has an offset with seconds, which RFC 3339 cannot write"
        problems.append(Violation(name, rule, value))


def encode_date_time(value: datetime) -> str:
    """RFC 3339, in the offset of the value."""
    return datetime.isoformat(value)


def read_string(value: Json) -> str:
    """Raises `ValueError` with the rule that the value breaks, as all readers do."""
    if not isinstance(value, str):
        raise ValueError(not_a("a string", value))
    return value


def read_integer(value: Json) -> int:
    """2.0 is an integer in JSON Schema, and is read as 2."""
    if isinstance(value, float) and value % 1 == 0:
        return int(exact(value))
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(not_a("an integer", value))
    return value


def exact(value: float) -> float:
    """The number that JSON writes for a value: a large float is not the power of two that it is in
    memory, but the digits that stand for it."""
    if isinstance(value, int) or not 2**53 <= abs(value) < inf:
        return value
    from decimal import Decimal

    return int(Decimal(float.__repr__(value)))


def read_number(value: Json) -> float:
    """An int stays one: it is written as it was read."""
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise ValueError(not_a("a number", value))
    return value


def read_boolean(value: Json) -> bool:
    if not isinstance(value, bool):
        raise ValueError(not_a("a boolean", value))
    return value


def read_date_time(value: Json) -> datetime:
    """An RFC 3339 date-time with an offset."""
    if not isinstance(value, str):
        raise ValueError(not_a("a date-time string", value))
    if _USUAL.fullmatch(value):
        return datetime.fromisoformat(value)
    match = _DATE_TIME.fullmatch(value)
    if not match:
        raise ValueError("is no RFC 3339 date-time with an offset")
    minute, second, digits, offset = match.groups()
    if second == "60":
        raise ValueError("is a leap second, which a datetime cannot hold")
    if digits and digits[6:].strip("0"):
        raise ValueError("has digits below a microsecond, which a datetime cannot hold")
    if minute.startswith("0000"):
        raise ValueError("is in the year 0, which a datetime cannot hold")
    text = f"{minute}:{second}.{digits or '0':0<6.6}{offset}"
    try:
        return datetime.fromisoformat(text.upper())
    except ValueError:
        raise ValueError("is no day of the calendar") from None


# Nothing that fits can fail, or be anything else than it says.
_USUAL = re.compile(
    r"(?:1[6-9]|20)[0-9]{2}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])"
    r"T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{3}(?:[0-9]{3})?)?"
    r"(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
)
_DATE_TIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}[Tt](?:[01][0-9]|2[0-3]):[0-5][0-9]):([0-5][0-9]|60)"
    r"(?:\.([0-9]+))?([Zz]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
)


class Reader:
    """Reads the properties of one payload, and raises one `InvalidPayload` for everything that is
    wrong with it at the end of its ``with`` block."""

    def __init__(self, kind: str, payload: Mapping[str, Json], declared: Set[str]) -> None:
        self._kind = kind
        self._payload: Mapping[str, Json] = payload
        self._problems: list[Violation] = []
        if not _is_mapping(payload):
            self._payload = {}
            self._problems.append(Violation("payload", not_a("an object", payload), payload))
        elif not payload.keys() <= declared:
            self._problems += [
                Violation(str(name), "is not declared in the schema", payload[name])
                for name in sorted(payload.keys() - declared, key=str)
            ]

    def required(self, name: str, read: Callable[[Json], T]) -> T:
        """The value of a property that has to be there."""
        if name in self._payload:
            try:
                return read(self._payload[name])
            except ValueError as error:
                self._problems.append(Violation(name, str(error), self._payload[name]))
        else:
            self._problems.append(Violation(name, "is required"))
        # Stands for a value until the block ends in the error that is noted for it.
        return cast(T, None)

    def optional(self, name: str, read: Callable[[Json], T]) -> T | None:
        """The value of a property; None if it is not there."""
        return self.required(name, read) if name in self._payload else None

    def nullable(self, name: str, read: Callable[[Json], T]) -> T | None:
        """The value of a property that has to be there; None if it is null."""
        if name in self._payload and self._payload[name] is None:
            return None
        return self.required(name, read)

    def unsettable(self, name: str, read: Callable[[Json], T]) -> T | None | Unset:
        """The value of a property; None if it is null, UNSET if it is not there."""
        if name not in self._payload:
            return UNSET
        return self.nullable(name, read)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if isinstance(error, InvalidPayload):
            noted = {problem.property for problem in self._problems}
            self._problems += [
                item
                for item in error.violations
                # What could not be read is not there for the rules about the whole.
                if item.property not in noted and not (noted and item.is_about_the_whole)
            ]
        elif error is not None:
            return
        if self._problems:
            raise InvalidPayload(self._kind, self._problems) from None


def _is_mapping(value: object) -> bool:
    """What a queue or a file gave may be anything, whatever its type says."""
    return type(value) is dict or isinstance(value, Mapping)


def _wrong_type(name: str, wanted: str, value: object) -> Violation:
    return Violation(name, not_a(wanted, value), value)


def not_a(wanted: str, value: object) -> str:
    """The rule that a value of another type breaks."""
    return f"has to be {wanted}, not {'null' if value is None else type(value).__name__}"
