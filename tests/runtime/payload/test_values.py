"""A value is judged and sent by what it is: not by what a subclass of its type says about it."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from typing import Any, TypeAlias
from unittest.mock import Mock
from uuid import UUID

import pytest

from engage_interactions import InvalidPayloadError
from engage_interactions._runtime.payload import (
    Json,
    check_boolean,
    check_date_time,
    check_integer,
    check_number,
    check_string,
    encode_date_time,
    values,
)
from engage_interactions._runtime.payload.rules import Choice, Either, Integer, Number, Text
from engage_interactions._runtime.violation import InvalidValueError, Violation
from engage_interactions.favourite import Favourite
from engage_interactions.friend_referral import FriendReferral
from engage_interactions.repair import Repair

Check: TypeAlias = Callable[[list[Violation], str, object], object]

MOMENT = datetime(2026, 3, 1, 12, 30, 15, 250, UTC)
GRIN = "\U0001f600"
HALVES = "\ud83d\ude00"
"""The two surrogates of `GRIN` as two code points, as JavaScript and some decoders leave them."""


def lies(*_: object, **__: object) -> Any:
    raise AssertionError("a method of a subclass was called")


def subclass(base: type, overrides: str) -> Any:
    """Return a subclass that must not be asked."""
    return type("Subclass", (base,), dict.fromkeys(overrides.split(), lies))


COMPARISONS = "__str__ __repr__ __eq__ __lt__ __mod__"
LyingStr = subclass(str, "__len__ __str__ __repr__ __eq__ __hash__ isascii encode strip")
LyingInt = subclass(int, f"{COMPARISONS} __int__ __index__ bit_length")
LyingFloat = subclass(float, f"{COMPARISONS} __float__ is_integer")
LyingDate = subclass(date, "isoformat toordinal __str__ __repr__ __eq__ replace")
LyingDatetime = subclass(datetime, "isoformat utcoffset timetz toordinal __str__ __eq__ replace")
LyingTime = subclass(time, "isoformat utcoffset __str__ __repr__ __eq__ replace")
LyingUUID = subclass(UUID, "__str__ __repr__")
LyingDecimal = subclass(Decimal, "__str__ __repr__ __eq__ __float__ __int__")


class Color(StrEnum):
    RED = "red"


class OldColor(str, Enum):  # noqa: UP042
    RED = "red"


class Size(IntEnum):
    SMALL = 1


def checked(check: Check, value: object) -> object:
    violations: list[Violation] = []
    result = check(violations, "price", value)
    assert violations == []
    return result


def codes(check: Check, value: object) -> list[str]:
    violations: list[Violation] = []
    check(violations, "price", value)
    assert all(violation.property == "price" for violation in violations)
    return [violation.code for violation in violations]


short = Text(min_length=1, max_length=3, pattern="^.{1,3}$").check
PLAIN: list[tuple[Check, object, object]] = [
    *((check, LyingStr("abc"), "abc") for check in (check_string, short)),
    *((check, Color.RED, "red") for check in (check_string, short, Choice("red").check)),
    *((check, OldColor.RED, "red") for check in (check_string, short, Choice("red").check)),
    *((check, HALVES, GRIN) for check in (check_string, short, Choice("a", GRIN).check)),
    (Choice("abc").check, LyingStr("abc"), "abc"),
    (Text(max_length=1).check, HALVES, GRIN),
    (Text(min_length=2, max_length=2).check, f"é{HALVES}", f"é{GRIN}"),
    (check_string, UUID(int=5), str(UUID(int=5))),
    (check_string, LyingUUID(int=5), str(UUID(int=5))),
    *((check, LyingInt(7), 7) for check in (check_integer, check_number, Choice(1, 7).check)),
    (Integer(minimum=7, maximum=7, multiple_of=7).check, LyingInt(7), 7),
    (check_integer, Size.SMALL, 1),
    (Choice(1, 2).check, 2.0, 2),
    *((check, Decimal("5.00"), 5) for check in (check_integer, check_number, Choice(5).check)),
    *((check, LyingFloat(1.5), 1.5) for check in (check_number, Choice(1.5).check)),
    (Number(minimum=1.5, maximum=1.5, multiple_of=0.5).check, LyingFloat(1.5), 1.5),
    *((check, Decimal("0.1"), 0.1) for check in (check_number, Number(multiple_of=0.1).check)),
    (check_number, LyingDecimal("12345.678"), 12345.678),
    (check_number, Decimal("12345678901234567890123"), 12345678901234567890123),
    (Either(string=Text(), boolean=Text()).check, LyingStr("abc"), "abc"),
    (Either(number=Number()).check, LyingInt(7), 7),
    (Either(integer=Integer(), string=Text()).check, Decimal(7), 7),
    (Either(string=Text(max_length=36), boolean=Text()).check, UUID(int=5), str(UUID(int=5))),
    (values.check_date, LyingDate(2026, 3, 1), date(2026, 3, 1)),
    (
        check_date_time,
        LyingDatetime(2026, 3, 1, 12, tzinfo=UTC),
        datetime(2026, 3, 1, 12, tzinfo=UTC),
    ),
    (values.check_time, LyingTime(12, 30, tzinfo=UTC), time(12, 30, tzinfo=UTC)),
    (values.check_uuid, LyingUUID(int=5), UUID(int=5)),
]


@pytest.mark.parametrize(("check", "value", "expected"), PLAIN, ids=range(len(PLAIN)))
def test_a_check_returns_the_value_as_an_instance_of_its_own_type(
    check: Check, value: object, expected: object
) -> None:
    result = checked(check, value)
    assert type(result) is type(expected)
    assert result == expected


HUGE = 10**5000
NEGATIVE = -HUGE
REFUSED: list[tuple[Check, Callable[[], object], list[str]]] = [
    *((check, lambda: "a\ud83d", ["json"]) for check in (check_string, short)),
    *((check, lambda: "\ude00\ud83d", ["json"]) for check in (check_string, short)),
    (check_string, lambda: f"é{HALVES}\ud83d", ["json"]),
    (check_string, lambda: b"caf\xe9".decode("utf-8", "surrogateescape"), ["json"]),
    (Choice("a").check, lambda: "a\ud83d", ["enum"]),
    *(
        (check, lambda: HUGE, ["json"])
        for check in (
            *(check_integer, check_number, Integer(minimum=0).check, Number(maximum=5).check),
            *(Integer(multiple_of=3).check, Number(multiple_of=0.1).check),
            Either(number=Number(multiple_of=0.5)).check,
        )
    ),
    (Number(multiple_of=0.25).check, lambda: NEGATIVE, ["json"]),
    (Integer(exclusive_maximum=1).check, lambda: LyingInt(HUGE), ["json"]),
    (Choice(1, 0.5).check, lambda: HUGE, ["enum"]),
    *(
        (check, lambda: Decimal("1E+5000"), [code])
        for check, code in [(check_integer, "json"), (check_number, "json")]
    ),
    (check_number, lambda: Decimal("0.1234567890123456789"), ["precision"]),
    (Number(multiple_of=0.5).check, lambda: Decimal("1E+1000000"), ["precision"]),
    (Choice(0.1).check, lambda: Decimal("0.1000000000000000000001"), ["enum"]),
    (check_integer, lambda: Decimal("5.5"), ["type"]),
    (check_number, lambda: Decimal("sNaN"), ["finite"]),
    (Either(number=Number()).check, lambda: Decimal("Infinity"), ["finite"]),
    (Either(number=Number()).check, lambda: Decimal("0.1234567890123456789"), ["type"]),
    (values.check_uuid, lambda: str(UUID(int=5)), ["type"]),
    (check_integer, lambda: UUID(int=5), ["type"]),
    (values.check_date, lambda: LyingDatetime(2026, 3, 1, tzinfo=UTC), ["type"]),
    (values.check_time, lambda: LyingTime(12, 30), ["time-zone"]),
    (check_date_time, lambda: LyingDatetime(2026, 3, 1), ["time-zone"]),
    *(
        (check, lambda claimed=claimed: Mock(spec=claimed), ["type"])
        for check, claimed in [
            *((check_string, str), (check_integer, int), (check_number, float)),
            *((check_boolean, bool), (check_date_time, datetime), (values.check_date, date)),
            *((values.check_time, time), (values.check_uuid, UUID), (short, str)),
        ]
    ),
]


@pytest.mark.parametrize(("check", "make", "expected"), REFUSED, ids=range(len(REFUSED)))
def test_a_check_names_the_rule_that_a_value_breaks(
    check: Check, make: Callable[[], object], expected: list[str]
) -> None:
    assert codes(check, make()) == expected


class NaTType(datetime):
    """As `pandas.NaT`, an instance of a subclass of datetime."""

    nanosecond = float("nan")

    def utcoffset(self) -> Any:
        raise ValueError("NaTType does not support utcoffset")


class NAType:
    """As `pandas.NA`, which has no truth and equals nothing."""

    def __bool__(self) -> bool:
        raise TypeError("boolean value of NA is ambiguous")

    def __eq__(self, other: object) -> Any:
        return self

    __hash__ = object.__hash__


class Timestamp(datetime):
    """As `pandas.Timestamp`: it has nanoseconds, and years that a datetime does not have."""

    nanosecond = 0


class WithNanoseconds(Timestamp):
    nanosecond = 1


FarFuture: Any = type("FarFuture", (Timestamp,), {"year": 20000})


def valid(**arguments: Any) -> Repair:
    needed: Any = {"product_sku": "1", "repair_type": "zipper", "received_at": MOMENT}
    return Repair(**{**needed, **arguments})


NOT_AVAILABLE: Mapping[str, tuple[str, Any, str]] = {
    "NaT": ("receivedAt", NaTType(1, 1, 1), "must be a datetime, not NaTType"),
    "nanoseconds": (
        "receivedAt",
        WithNanoseconds(2026, 3, 1, tzinfo=UTC),
        "has digits below a microsecond, which a datetime cannot represent",
    ),
    "a far year": (
        "receivedAt",
        FarFuture(1970, 3, 1, tzinfo=UTC),
        "has a year that a datetime cannot represent",
    ),
    **{
        f"NA for {name}": (name, NAType(), "must be ")
        for name in ("productSku", "receivedAt", "category", "cost", "underWarranty")
    },
    "NaN": ("cost", LyingFloat("nan"), "must be finite"),
    "NaN for a string": ("category", float("nan"), "must be a string, not float"),
    "half an emoji": ("category", "a\ud83d", "has half a character"),
}


@pytest.mark.parametrize(
    ("name", "value", "words"), NOT_AVAILABLE.values(), ids=list(NOT_AVAILABLE)
)
def test_a_value_that_is_not_available_is_a_named_violation_when_the_payload_is_created(
    name: str, value: Any, words: str
) -> None:
    attribute = "".join(f"_{c.lower()}" if c.isupper() else c for c in name)
    with pytest.raises(InvalidPayloadError) as caught:
        valid(**{attribute: value})
    (violation,) = caught.value.violations
    assert violation.property == name
    assert words in violation.message
    assert violation.value is value


def test_a_timestamp_without_nanoseconds_is_a_datetime() -> None:
    payload = valid(received_at=Timestamp(2026, 3, 1, 12, tzinfo=UTC, fold=1))
    assert type(payload.received_at) is datetime
    assert payload.received_at.fold == 1
    assert payload.to_payload()["receivedAt"] == "2026-03-01T12:00:00+00:00"


SPELLINGS: list[tuple[Any, Any]] = [
    *((HALVES, GRIN), (f"é{HALVES}{HALVES}", f"é{GRIN}{GRIN}"), (Color.RED, "red")),
    *((LyingStr("abc"), "abc"), (UUID(int=5), str(UUID(int=5)))),
    *((Decimal("1.5"), 1.5), (LyingFloat(1.5), 1.5), (LyingInt(7), 7), (Decimal(7), 7)),
]


@pytest.mark.parametrize(("value", "same"), SPELLINGS, ids=range(len(SPELLINGS)))
def test_spellings_of_one_value_are_one_payload(value: Any, same: Any) -> None:
    is_text = isinstance(same, str)
    payload, plain = (
        Favourite(product_sku=spelling if is_text else "1", price=None if is_text else spelling)
        for spelling in (value, same)
    )
    assert payload == plain
    assert hash(payload) == hash(plain)
    wire = payload.to_payload()
    assert json.dumps(wire) == json.dumps(plain.to_payload())
    assert all(type(value) in (str, int, float) for value in wire.values())
    assert Favourite.from_payload(wire) == plain


def test_two_halves_are_read_as_one_character() -> None:
    assert Favourite.from_payload({"productSku": HALVES}).product_sku == GRIN
    assert Choice("a", GRIN).read(HALVES) == GRIN
    with pytest.raises(InvalidValueError):
        Choice("a", GRIN).read("\ude00\ud83d")
    with pytest.raises(InvalidPayloadError, match="productSku: has half a character"):
        Favourite.from_payload({"productSku": "\ud83d"})


def joined(points: int) -> dict[str, Json]:
    return {"referralCode": "1", "friendJoined": True, "rewardPoints": points}


@pytest.mark.parametrize("number", [HUGE, NEGATIVE, 10**4300], ids=["huge", "negative", "limit"])
def test_an_int_with_too_many_digits_is_a_named_violation(number: int) -> None:
    creations: list[Callable[[], object]] = [
        lambda: FriendReferral(referral_code="1", friend_joined=True, reward_points=number),
        lambda: FriendReferral.from_payload(joined(number)),
    ]
    for create in creations:
        with pytest.raises(InvalidPayloadError) as caught:
            create()
        assert str(caught.value) == "friendReferral: rewardPoints: has too many digits for JSON"
    with pytest.raises(InvalidPayloadError, match="price: has too many digits"):
        Favourite(product_sku="1", price=number)


def test_an_int_with_as_many_digits_as_json_can_hold_is_valid() -> None:
    wire = joined(10**4300 - 1)
    assert FriendReferral.from_payload(wire).to_payload() == wire
    json.dumps(wire)


def test_a_boolean_of_another_library_is_named_with_its_module() -> None:
    value: Any = type("bool", (), {"__module__": "numpy"})()
    with pytest.raises(InvalidPayloadError, match=r"must be a boolean, not numpy\.bool"):
        valid(under_warranty=value)


@pytest.mark.parametrize("minutes", [0, 60, -345])
def test_a_datetime_keeps_its_own_zone(minutes: int) -> None:
    zone = timezone(timedelta(minutes=minutes))
    payload = valid(received_at=MOMENT.replace(tzinfo=zone))
    assert payload.received_at.tzinfo is zone
    assert encode_date_time(payload.received_at) == payload.to_payload()["receivedAt"]
