"""The checks of values: which values they accept unchanged, and the violation of any other one."""

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from typing import Any

import pytest

from engage_interactions._runtime.payload.checks import (
    check_boolean,
    check_date_time,
    check_integer,
    check_number,
    check_string,
)
from engage_interactions._runtime.violation import Violation

Check = Callable[[list[Violation], str, object], object]

NOON = datetime(2026, 3, 1, 12, 30, 15, 123456)


class Broken(tzinfo):
    """A time zone that cannot say its offset."""

    def utcoffset(self, moment: datetime | None, /) -> timedelta:
        raise LookupError

    def dst(self, moment: datetime | None, /) -> None:
        return None

    tzname = dst


class Nanoseconds(datetime):
    """A datetime as of another library."""

    nanosecond = 5


class NoNanoseconds(datetime):
    nanosecond = 0


class NaTType(datetime):
    """The missing value of another library."""


class FarAway(datetime):
    """A datetime whose year Python cannot represent."""

    @property
    def year(self) -> Any:
        return 292_277_026_596


class Number:
    """A type whose name no other type has."""


VALID: list[tuple[Check, object]] = [
    *((check_string, text) for text in ("", "a", "é")),
    *((check_integer, number) for number in (0, -1, 2**63, 2**64, 2**65, 10**4000)),
    *((check_number, number) for number in (0, 1.5, -0.0, 1e308, 2**64, 10**4000)),
    *((check_boolean, value) for value in (True, False)),
    (check_date_time, NOON.replace(tzinfo=UTC)),
    *(
        (check_date_time, NOON.replace(tzinfo=timezone(timedelta(minutes=minutes))))
        for minutes in (0, 1, -90, 839)
    ),
]


@pytest.mark.parametrize(("check", "value"), VALID, ids=range(len(VALID)))
def test_a_valid_value_is_returned_as_it_is(check: Check, value: object) -> None:
    violations: list[Violation] = []
    assert check(violations, "price", value) is value
    assert violations == []


def test_a_datetime_of_another_library_becomes_a_plain_one() -> None:
    violations: list[Violation] = []
    value = NoNanoseconds(2026, 3, 1, 12, 30, 15, 123456, timezone(timedelta(hours=1), "CET"))
    moment = check_date_time(violations, "price", value)
    assert type(moment) is datetime
    assert moment == value
    assert moment.tzinfo is value.tzinfo
    assert violations == []


SECONDS = timezone(timedelta(seconds=61))
ZONE, DIGITS = "time-zone", 10**5000
INVALID: list[tuple[Check, object, str, str]] = [
    (check_string, 5, "type", "must be a string, not int"),
    (check_string, None, "type", "must be a string, not null"),
    (check_string, b"a", "type", "must be a string, not bytes"),
    (check_string, "a\ud83d", "json", "half a character"),
    (check_integer, "5", "type", "must be an integer, not str"),
    (check_integer, True, "type", "must be an integer, not bool"),
    (check_integer, None, "type", "must be an integer, not null"),
    (check_integer, 1.5, "type", "must be an integer, not float"),
    (check_integer, Number(), "type", "must be an integer, not Number"),
    (check_integer, DIGITS, "json", "has too many digits for JSON"),
    (check_number, "5", "type", "must be a number, not str"),
    (check_number, False, "type", "must be a number, not bool"),
    (check_number, None, "type", "must be a number, not null"),
    (check_number, math.nan, "finite", "must be finite"),
    (check_number, -math.inf, "finite", "must be finite"),
    (check_number, DIGITS, "json", "has too many digits for JSON"),
    (check_number, Decimal("0.1234567890123456789"), "precision", "more digits than a JSON number"),
    (check_boolean, 1, "type", "must be a boolean, not int"),
    (check_boolean, None, "type", "must be a boolean, not null"),
    (check_boolean, "true", "type", "must be a boolean, not str"),
    (check_date_time, "2026", "type", "must be a datetime, not str"),
    (check_date_time, None, "type", "must be a datetime, not null"),
    (check_date_time, NOON.date(), "type", "must be a datetime, not date"),
    (check_date_time, NaTType(2026, 3, 1), "type", "must be a datetime, not NaTType"),
    (check_date_time, NOON, ZONE, "must have a time zone"),
    (check_date_time, NOON.replace(tzinfo=Broken()), ZONE, "without a valid offset (LookupError)"),
    (check_date_time, NOON.replace(tzinfo=SECONDS), "offset-seconds", "an offset with seconds"),
    (
        check_date_time,
        Nanoseconds(2026, 3, 1, tzinfo=UTC),
        "precision",
        "digits below a microsecond",
    ),
    (check_date_time, FarAway(2026, 3, 1, tzinfo=UTC), "type", "a year that a datetime cannot"),
]


@pytest.mark.parametrize(("check", "value", "code", "words"), INVALID, ids=range(len(INVALID)))
def test_an_invalid_value_has_one_violation_with_the_value_itself(
    check: Check, value: object, code: str, words: str
) -> None:
    violations = [Violation("earlier", "type", "stays")]
    check(violations, "price", value)
    _, violation = violations
    assert (violation.property, violation.code) == ("price", code)
    assert violation.value is value
    assert words in violation.message
    if code == "type" and " not " in words:
        assert violation.message == words


def test_a_type_with_the_name_of_one_of_python_is_named_with_its_module() -> None:
    for name in ("bool", "int", "str"):
        foreign: Any = type(name, (), {"__module__": "numpy"})()
        violations: list[Violation] = []
        check_boolean(violations, "price", foreign)
        assert violations[0].message == f"must be a boolean, not numpy.{name}"
