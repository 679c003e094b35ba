"""The checks and readers of the runtime, against the rules of JSON Schema and RFC 3339."""

import pickle
from collections import OrderedDict, UserDict
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from enum import IntEnum, StrEnum
from fractions import Fraction
from types import MappingProxyType
from typing import Any, TypeAlias

import jsonschema_rs
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from runtime.errors import EngageError, InvalidPayload, Violation
from runtime.payload import checks as payloads
from runtime.payload.checks import Json, Reader, encode_date_time, read_date_time

Check: TypeAlias = Callable[[list[Violation], str, object], None]
Read: TypeAlias = Callable[[Json], object]

HUGE = 10**400
MOMENT = datetime(2024, 2, 29, 12, 30, 15, 250000, UTC)
modest = settings(deadline=None, max_examples=150)
thorough = settings(deadline=None, max_examples=500)


class Colour(StrEnum):
    RED = "red"


class Size(IntEnum):
    SMALL = 1


class Weight(float):
    pass


class Moment(datetime):
    """A datetime that writes itself in another way, as those of some libraries do."""

    def isoformat(self, *args: Any, **kwargs: Any) -> str:
        return "yesterday"


class Nowhere(tzinfo):
    """A time zone that knows no offset: a datetime in it is naive."""

    def utcoffset(self, moment: datetime | None, /) -> None:
        return None

    dst = tzname = utcoffset


def offset(**parts: float) -> timezone:
    return timezone(timedelta(**parts))


def rule_of(read: Read, value: Json) -> str:
    with pytest.raises(ValueError, match=r"^(has|is) .") as caught:
        read(value)
    return str(caught.value)


def violations(check: Check, value: object) -> list[Violation]:
    problems: list[Violation] = []
    check(problems, "price", value)
    return problems


ACCEPTED: dict[Check, list[object]] = {
    payloads.check_string: ["", "å\n", Colour.RED],
    payloads.check_integer: [0, -1, HUGE, Size.SMALL],
    payloads.check_number: [0, -0.0, 1.5, 1e308, HUGE, Size.SMALL, Weight(2.5)],
    payloads.check_boolean: [True, False],
    payloads.check_date_time: [
        *(datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)),
        *(MOMENT, Moment(2024, 1, 1, tzinfo=UTC)),
        *(MOMENT.replace(tzinfo=offset(minutes=minutes)) for minutes in (345, -1439, 1439)),
    ],
}

REFUSED: dict[Check, list[object]] = {
    payloads.check_string: [b"x", bytearray(b"x"), 1, True, ["x"], None],
    payloads.check_integer: [True, False, 1.0, 1.5, Decimal(1), "1", None, float("nan"), [1]],
    payloads.check_number: [
        *(True, False, "1.5", None, 1j, Decimal("1.5"), Fraction(1, 2), [1.5]),
        *(kind(text) for kind in (float, Weight) for text in ("nan", "inf", "-inf")),
    ],
    payloads.check_boolean: [0, 1, 1.0, "true", "", None, Size.SMALL],
    payloads.check_date_time: [
        *(MOMENT.isoformat(), date(2024, 1, 1), 1700000000, None, True),
        *(Moment(2024, 1, 1), MOMENT.replace(tzinfo=None), MOMENT.replace(tzinfo=Nowhere())),
        *(MOMENT.replace(tzinfo=offset(seconds=seconds)) for seconds in (1172, -1172, 1, 60.5)),
    ],
}


@pytest.mark.parametrize(("check", "value"), [(c, v) for c in ACCEPTED for v in ACCEPTED[c]])
def test_a_check_notes_nothing_about_a_value_of_its_type(check: Check, value: object) -> None:
    assert violations(check, value) == []


@pytest.mark.parametrize(("check", "value"), [(c, v) for c in REFUSED for v in REFUSED[c]])
def test_a_check_notes_one_violation_that_carries_the_refused_value(
    check: Check, value: object
) -> None:
    (problem,) = violations(check, value)
    assert problem.property == "price"
    assert problem.value is value
    assert problem.rule.startswith("has ")


@pytest.mark.parametrize(
    ("check", "value", "words"),
    [
        (payloads.check_string, None, "not null"),
        (payloads.check_integer, True, "not bool"),
        (payloads.check_number, float("nan"), "finite"),
        (payloads.check_date_time, datetime(2024, 1, 1), "time zone"),
        (
            payloads.check_date_time,
            MOMENT.replace(tzinfo=offset(seconds=30)),
            "offset with seconds",
        ),
    ],
)
def test_a_check_names_what_is_wrong(check: Check, value: object, words: str) -> None:
    assert words in violations(check, value)[0].rule


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2024, 1, 1, tzinfo=UTC), "2024-01-01T00:00:00+00:00"),
        (datetime(1, 1, 1, 0, 0, 0, 1, UTC), "0001-01-01T00:00:00.000001+00:00"),
        (datetime(2024, 1, 1, tzinfo=offset(hours=-3, minutes=-30)), "2024-01-01T00:00:00-03:30"),
        (Moment(2024, 1, 1, 9, tzinfo=offset(hours=1)), "2024-01-01T09:00:00+01:00"),
    ],
)
def test_a_datetime_is_written_in_its_own_offset(moment: datetime, text: str) -> None:
    assert encode_date_time(moment) == text


minutes = st.integers(-1439, 1439).map(lambda count: offset(minutes=count))
seconds = st.integers(-86399, 86399).map(lambda count: offset(seconds=count))


@given(st.datetimes(timezones=st.none() | minutes | seconds))
@modest
def test_a_datetime_passes_its_check_exactly_when_it_survives_as_valid_text(
    moment: datetime,
) -> None:
    valid = DATE_TIME.is_valid(datetime.isoformat(moment))
    assert valid == (not violations(payloads.check_date_time, moment))
    if valid:
        back = read_date_time(encode_date_time(moment))
        assert back - moment == timedelta(0)
        assert back.utcoffset() == moment.utcoffset()


@pytest.mark.parametrize("value", [True, False, 2.5, "2", None, [2], float("nan"), float("inf")])
def test_what_is_no_integer_is_not_read_as_one(value: Json) -> None:
    assert "has to be an integer" in rule_of(payloads.read_integer, value)


def date_time(fraction: str = "", zone: str = "Z") -> str:
    return f"2024-02-29T12:30:15{fraction}{zone}"


@pytest.mark.parametrize("digits", range(1, 10))
def test_a_fraction_of_one_to_nine_digits_is_read_to_the_microsecond(digits: int) -> None:
    fraction = "123456000"[:digits]
    microsecond = int(fraction.ljust(6, "0")[:6])
    assert read_date_time(date_time(f".{fraction}")) == MOMENT.replace(microsecond=microsecond)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        (date_time(".25" + "0" * 40), MOMENT),
        (date_time(".25", "z").replace("T", "t"), MOMENT),
        *[(date_time(".25", zone), MOMENT) for zone in ("+00:00", "-00:00")],
        (date_time(".25", "-23:59"), MOMENT.replace(tzinfo=offset(hours=-23, minutes=-59))),
        ("0001-01-01T00:00:00Z", datetime(1, 1, 1, tzinfo=UTC)),
        ("0001-01-01T00:00:00+14:00", datetime(1, 1, 1, tzinfo=offset(hours=14))),
        ("9999-12-31T23:59:59.999999Z", datetime.max.replace(tzinfo=UTC)),
    ],
)
def test_a_date_time_is_read_to_its_fields_and_offset(text: str, moment: datetime) -> None:
    read = read_date_time(text)
    assert read.replace(tzinfo=None) == moment.replace(tzinfo=None)
    assert read.utcoffset() == moment.utcoffset()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        *[(f"2016-12-31T{time}", "leap second") for time in ("23:59:60Z", "15:59:60.5-08:00")],
        (date_time(".1234567"), "below a microsecond"),
        (date_time("." + "0" * 30 + "1"), "below a microsecond"),
        *[(f"{day}T00:00:00Z", "calendar") for day in ("2024-02-30", "2023-02-29", "2024-13-01")],
        *[(f"{day}T00:00:00Z", "calendar") for day in ("2024-00-10",)],
        ("0000-01-01T00:00:00Z", "year 0"),
    ],
)
def test_what_a_datetime_cannot_hold_is_refused_by_name(text: str, words: str) -> None:
    assert words in rule_of(read_date_time, text)


LONG = date_time(".25", "+01:00")
NO_DATE_TIMES = [
    # Whole texts, zones, fractions and separators.
    *"|now|2024-02-29|12:30:15Z|20240229T123015Z|2024-W09-4T12:30:15Z".split("|"),
    *"2024-02-29T24:00:00Z 2024-02-29T12:60:00Z 2024-02-29T12:30:61Z".split(),
    *"2024-2-29T12:30:15Z 12024-02-29T12:30:15Z -2024-02-29T12:30:15Z".split(),
    *map(date_time, [".", ",5", ". 5", ".-5", ".5.5", ".5e1", ".\u0665", "\u0665"]),
    *(date_time("", zone) for zone in "|+24:00|+23:60|+2|+02|+0200|+02:00:00|+-2:00".split("|")),
    *(date_time("", zone) for zone in ["\u221202:00", "UTC", "ZZ", " Z", "Z ", "Z\n", "\n", "Z\0"]),
    *(date_time().replace("T", mark) for mark in (" ", "_", "", "\u0422")),
    *(LONG[:at] + "\u0662" + LONG[at + 1 :] for at in range(len(LONG))),
    *(" " + date_time(), "\ufeff" + date_time(), date_time(".25", "")),
]


@pytest.mark.parametrize("text", NO_DATE_TIMES)
def test_what_is_no_rfc_3339_date_time_is_refused(text: str) -> None:
    assert "RFC 3339" in rule_of(read_date_time, text)


@pytest.mark.parametrize("value", [None, True, 1700000000, 1.5, [date_time()], {}])
def test_what_is_no_string_is_no_date_time(value: Json) -> None:
    assert "has to be a date-time string" in rule_of(read_date_time, value)


def schema(**rules: str) -> Any:
    return jsonschema_rs.validator_for(dict[str, Any](rules), validate_formats=True)


# The pattern is there because jsonschema-rs 0.60 takes any of *+,-./ for a digit.
DIGITS = "^[0-9]{4}-[0-9]{2}-[0-9]{2}.[0-9]{2}:[0-9]{2}:[0-9]{2}.*([Zz]|[0-9]{2}:[0-9]{2})$"
DATE_TIME = schema(type="string", format="date-time", pattern=DIGITS)
TYPES: dict[Read, Any] = {
    payloads.read_string: schema(type="string"),
    payloads.read_integer: schema(type="integer"),
    payloads.read_number: schema(type="number"),
    payloads.read_boolean: schema(type="boolean"),
}

near_date_times = st.from_regex(
    r"\A[0-9]{4}-[01][0-9]-[0-3][0-9][Tt][012][0-9]:[0-6][0-9]:([0-5][0-9]|60)"
    r"(\.[0-9]{0,9}0{0,3})?([Zz]|[+-][0-2][0-9]:[0-6][0-9])?\Z"
)


@st.composite
def damaged_date_times(draw: st.DrawFn) -> str:
    """A valid one with one slice replaced by whatever comes."""
    text = draw(st.sampled_from([date_time(), date_time(".25", "+01:00"), date_time(zone="z")]))
    start = draw(st.integers(0, len(text)))
    end = min(len(text), start + draw(st.integers(0, 2)))
    middle = draw(st.text(max_size=2) | st.text("0123456789TtZz:+-. \n", max_size=2))
    return text[:start] + middle + text[end:]


@given(st.one_of(near_date_times, damaged_date_times(), st.text()))
@example("0000-02-29T00:00:00Z")
@example("2016-12-31T23:59:60Z")
@thorough
def test_the_verdict_on_a_date_time_is_that_of_the_validator(text: str) -> None:
    try:
        read_date_time(text)
    except ValueError as error:
        by_design = (
            (text[17:19] == "60" and "leap second" in str(error))
            or (text[26:27].isdigit() and "below a microsecond" in str(error))
            or (text.startswith("0000") and "year 0" in str(error))
        )
        assert by_design or not DATE_TIME.is_valid(text)
    else:
        assert DATE_TIME.is_valid(text)


scalars = st.one_of(
    *(st.none(), st.booleans(), st.integers(), st.integers().map(float), st.text()),
    st.floats(allow_nan=False, allow_infinity=False),
)
json_values: st.SearchStrategy[Json] = scalars | st.recursive(
    scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=5
)


@pytest.mark.parametrize("read", list(TYPES))
@given(value=json_values)
@example(value=2.0)
@example(value=1e300)
@example(value=HUGE)
@modest
def test_the_verdict_on_a_value_is_that_of_the_validator(read: Read, value: Json) -> None:
    try:
        result = read(value)
    except ValueError:
        assert not TYPES[read].is_valid(value)
    else:
        assert TYPES[read].is_valid(value)
        assert result == value or Decimal(repr(result)) == Decimal(repr(value))
        assert type(result) is (int if read is payloads.read_integer else type(value))


def read_gift(payload: Mapping[str, Json]) -> tuple[object, ...]:
    """As a generated ``from_payload`` does it, the checks of the new instance included."""
    with Reader("gift", payload, {"note", "price", "weight"}) as read:
        note = read.required("note", payloads.read_string)
        weight = read.required("weight", payloads.read_number)
        price = read.optional("price", payloads.read_integer)
        problems: list[Violation] = []
        payloads.check_string(problems, "note", note)
        payloads.check_number(problems, "weight", weight)
        if problems:
            raise InvalidPayload("gift", problems)
        return note, weight, price


def refusal_of(payload: Mapping[str, Json]) -> InvalidPayload:
    with pytest.raises(InvalidPayload) as caught:
        read_gift(payload)
    return caught.value


def test_a_reader_gives_the_values_and_none_for_the_absent() -> None:
    assert read_gift({"note": "x", "weight": 2, "price": 2.0}) == ("x", 2, 2)
    assert read_gift({"note": "", "weight": 0}) == ("", 0, None)


@pytest.mark.parametrize(
    ("payload", "rules"),
    [
        ({}, {"note": "is required", "weight": "is required"}),
        ({"note": "x", "weight": 1, "price": None}, {"price": "not null"}),
        ({"note": None, "weight": 1}, {"note": "not null"}),
        ({"note": "x", "weight": float("nan")}, {"weight": "finite"}),
        ({"note": "x", "weight": 1, "Note": "y"}, {"Note": "not declared"}),
        (
            {"weight": True, "price": "1", "": 0, "é": None},
            {
                **{"note": "is required", "weight": "not bool", "price": "not str"},
                **{"": "not declared", "é": "not declared"},
            },
        ),
    ],
)
def test_one_error_has_one_violation_for_each_bad_property(
    payload: dict[str, Json], rules: dict[str, str]
) -> None:
    error = refusal_of(payload)
    assert sorted(item.property for item in error.violations) == sorted(rules)
    for item in error.violations:
        assert rules[item.property] in item.rule
        assert item.value is payload.get(item.property)
        assert str(item) in str(error)


def test_a_violation_found_only_by_the_instance_joins_those_of_the_reader() -> None:
    own = InvalidPayload("gift", [Violation("note", "is long"), Violation("z", "again")])
    with pytest.raises(InvalidPayload) as caught, Reader("gift", {"z": 1}, {"note"}):
        raise own
    assert [str(item) for item in caught.value.violations] == [
        "z: is not declared in the schema",
        "note: is long",
    ]


def test_a_required_property_may_be_read_as_none() -> None:
    with Reader("gift", {"note": None}, {"note"}) as read:
        assert read.required("note", lambda value: value) is None


@pytest.mark.parametrize("foreign", [KeyError("x"), ValueError("x"), KeyboardInterrupt()])
def test_a_foreign_exception_passes_through_a_reader(foreign: BaseException) -> None:
    with pytest.raises(type(foreign)) as caught, Reader("gift", {"z": 1}, {"note"}):
        raise foreign
    assert caught.value is foreign


def test_a_foreign_exception_of_a_read_function_passes_through() -> None:
    def broken(value: Json) -> str:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), Reader("gift", {"note": "x"}, {"note"}) as read:
        read.required("note", broken)


def test_a_refusal_shows_no_value_and_survives_pickling() -> None:
    error = refusal_of({"note": ["anna@example.com"], "anna": "anna@example.com"})
    assert isinstance(error, EngageError)
    assert "anna@example.com" not in f"{error} {error!r} {error.violations!r}"
    copy = pickle.loads(pickle.dumps(error))
    assert (str(copy), copy.violations) == (str(error), error.violations)


@pytest.mark.parametrize("mapping", [MappingProxyType, OrderedDict, UserDict])
def test_any_mapping_can_be_read(mapping: Callable[[dict[str, Json]], Mapping[str, Json]]) -> None:
    with Reader("kind", mapping({"name": "a"}), frozenset(["name"])) as read:
        assert read.required("name", payloads.read_string) == "a"


@pytest.mark.parametrize("odd", [[("name", "a")], "name", None, 1])
def test_what_is_no_mapping_is_refused(odd: Any) -> None:
    with pytest.raises(InvalidPayload), Reader("kind", odd, frozenset(["name"])):
        pass
