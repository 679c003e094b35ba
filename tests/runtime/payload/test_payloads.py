"""The checks, codecs and the reader of payloads follow JSON Schema and RFC 3339."""

import pickle
from collections import OrderedDict, UserDict
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from enum import IntEnum, StrEnum
from fractions import Fraction
from types import MappingProxyType
from typing import Any, TypeAlias
from uuid import UUID

import jsonschema_rs
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from engage_interactions._runtime.errors import EngageError, InvalidPayloadError
from engage_interactions._runtime.payload import (
    Json,
    Reader,
    check_boolean,
    check_date_time,
    check_integer,
    check_number,
    check_string,
    encode_date_time,
    read_boolean,
    read_date_time,
    read_integer,
    read_number,
    read_string,
)
from engage_interactions._runtime.violation import InvalidValueError, Violation, ViolationCode

Check: TypeAlias = Callable[[list[Violation], str, object], object]
Read: TypeAlias = Callable[[Json], object]

HUGE = 10**400
MOMENT = datetime(2024, 2, 29, 12, 30, 15, 250000, UTC)
modest = settings(deadline=None, max_examples=150)
thorough = settings(deadline=None, max_examples=500)


class Color(StrEnum):
    RED = "red"


class Size(IntEnum):
    SMALL = 1


class Weight(float):
    pass


class Moment(datetime):
    """A datetime with an `isoformat` of its own, as some libraries have."""

    def isoformat(self, *args: Any, **kwargs: Any) -> str:
        return "yesterday"


class Nowhere(tzinfo):
    """A time zone without an offset: a datetime in it is naive."""

    def utcoffset(self, moment: datetime | None, /) -> None:
        return None

    dst = tzname = utcoffset


def offset(**parts: float) -> timezone:
    return timezone(timedelta(**parts))


def read_failure(read: Read, value: Json) -> InvalidValueError:
    with pytest.raises(InvalidValueError, match=r"^(must|has|is) .") as caught:
        read(value)
    return caught.value


def violations(check: Check, value: object) -> list[Violation]:
    found: list[Violation] = []
    check(found, "price", value)
    return found


ACCEPTED: dict[Check, list[object]] = {
    check_string: ["", "å\n", Color.RED, UUID(int=5), "\ud83d\ude00"],
    check_integer: [0, -1, HUGE, Size.SMALL, Decimal(1), Decimal("-2.00")],
    check_number: [
        *(0, -0.0, 1.5, 1e308, HUGE, Size.SMALL, Weight(2.5)),
        *map(Decimal, ["1.5", "0.1", "-0", "1E+400", "99999999999999999999", "5e-324"]),
    ],
    check_boolean: [True, False],
    check_date_time: [
        *(datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)),
        *(MOMENT, Moment(2024, 1, 1, tzinfo=UTC)),
        *(MOMENT.replace(tzinfo=offset(minutes=minutes)) for minutes in (345, -1439, 1439)),
    ],
}

REFUSED: dict[Check, list[object]] = {
    check_string: [
        b"x",
        bytearray(b"x"),
        1,
        True,
        ["x"],
        None,
        "a\ud83d",
        "\ude00b",
    ],
    check_integer: [
        *(True, False, 1.0, 1.5, "1", None, float("nan"), [1]),
        *map(Decimal, ["1.5", "NaN", "sNaN", "Infinity", "1E+999999999", "1E-999999999"]),
    ],
    check_number: [
        *(True, False, "1.5", None, 1j, Fraction(1, 2), [1.5], UUID(int=5)),
        *map(Decimal, ["NaN", "sNaN", "-Infinity", "1E+999999999", "1E-999999999", "1e-400"]),
        *(Decimal("0.1000000000000000000000001"), Decimal(1) / 3, Decimal("1E+4999")),
        *(kind(text) for kind in (float, Weight) for text in ("nan", "inf", "-inf")),
    ],
    check_boolean: [0, 1, 1.0, "true", "", None, Size.SMALL],
    check_date_time: [
        *(MOMENT.isoformat(), date(2024, 1, 1), 1700000000, None, True),
        *(Moment(2024, 1, 1), MOMENT.replace(tzinfo=None), MOMENT.replace(tzinfo=Nowhere())),
        *(MOMENT.replace(tzinfo=offset(seconds=seconds)) for seconds in (1172, -1172, 1, 60.5)),
    ],
}


@pytest.mark.parametrize(("check", "value"), [(c, v) for c in ACCEPTED for v in ACCEPTED[c]])
def test_a_check_accepts_every_value_of_its_type(check: Check, value: object) -> None:
    assert violations(check, value) == []


@pytest.mark.parametrize(("check", "value"), [(c, v) for c in REFUSED for v in REFUSED[c]])
def test_a_check_reports_one_violation_with_the_refused_value(check: Check, value: object) -> None:
    (violation,) = violations(check, value)
    assert violation.property == "price"
    assert violation.value is value
    assert violation.message.startswith(("must ", "has "))


@pytest.mark.parametrize(
    ("check", "value", "code", "words"),
    [
        (check_string, None, "type", "not null"),
        (check_integer, True, "type", "not bool"),
        (check_number, float("nan"), "finite", "finite"),
        (check_date_time, "2024-01-01", "type", "not str"),
        (check_date_time, datetime(2024, 1, 1), "time-zone", "time zone"),
        (
            check_date_time,
            MOMENT.replace(tzinfo=offset(seconds=30)),
            "offset-seconds",
            "offset with seconds",
        ),
    ],
)
def test_a_check_reports_the_code_and_a_message(
    check: Check, value: object, code: ViolationCode, words: str
) -> None:
    (violation,) = violations(check, value)
    assert violation.code == code
    assert words in violation.message


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2024, 1, 1, tzinfo=UTC), "2024-01-01T00:00:00+00:00"),
        (datetime(1, 1, 1, 0, 0, 0, 1, UTC), "0001-01-01T00:00:00.000001+00:00"),
        (datetime(2024, 1, 1, tzinfo=offset(hours=-3, minutes=-30)), "2024-01-01T00:00:00-03:30"),
        (Moment(2024, 1, 1, 9, tzinfo=offset(hours=1)), "2024-01-01T09:00:00+01:00"),
    ],
)
def test_a_datetime_is_encoded_with_its_own_offset(moment: datetime, text: str) -> None:
    assert encode_date_time(moment) == text


minutes = st.integers(-1439, 1439).map(lambda count: offset(minutes=count))
seconds = st.integers(-86399, 86399).map(lambda count: offset(seconds=count))


@given(st.datetimes(timezones=st.none() | minutes | seconds))
@modest
def test_a_datetime_is_accepted_if_and_only_if_its_text_is_a_valid_date_time(
    moment: datetime,
) -> None:
    valid = DATE_TIME.is_valid(datetime.isoformat(moment))
    assert valid == (not violations(check_date_time, moment))
    if valid:
        back = read_date_time(encode_date_time(moment))
        assert back - moment == timedelta(0)
        assert back.utcoffset() == moment.utcoffset()


@pytest.mark.parametrize("value", [True, False, 2.5, "2", None, [2], float("nan"), float("inf")])
def test_a_value_that_is_not_an_integer_is_refused_with_the_code_type(value: Json) -> None:
    assert read_failure(read_integer, value).code == "type"


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
    ("text", "code"),
    [
        *[(f"2016-12-31T{time}", "leap-second") for time in ("23:59:60Z", "15:59:60.5-08:00")],
        (date_time(".1234567"), "precision"),
        (date_time("." + "0" * 30 + "1"), "precision"),
        *[(f"{day}T00:00:00Z", "format") for day in ("2024-02-30", "2023-02-29", "2024-13-01")],
        *[(f"{day}T00:00:00Z", "format") for day in ("2024-00-10",)],
        ("0000-01-01T00:00:00Z", "year-zero"),
    ],
)
def test_a_date_time_that_python_cannot_represent_is_refused_with_its_own_code(
    text: str, code: ViolationCode
) -> None:
    assert read_failure(read_date_time, text).code == code


LONG = date_time(".25", "+01:00")
INVALID_DATE_TIMES = [
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


@pytest.mark.parametrize("text", INVALID_DATE_TIMES)
def test_a_text_that_is_not_an_rfc_3339_date_time_is_refused(text: str) -> None:
    failure = read_failure(read_date_time, text)
    assert failure.code == "format"
    assert "RFC 3339" in failure.message


@pytest.mark.parametrize("value", [None, True, 1700000000, 1.5, [date_time()], {}])
def test_a_date_time_must_be_a_string(value: Json) -> None:
    failure = read_failure(read_date_time, value)
    assert failure.code == "type"
    assert "must be a date-time string" in failure.message


def schema(**rules: str) -> Any:
    return jsonschema_rs.validator_for(dict[str, Any](rules), validate_formats=True)


# The pattern is there because jsonschema-rs 0.60 takes any of *+,-./ for a digit.
DIGITS = "^[0-9]{4}-[0-9]{2}-[0-9]{2}.[0-9]{2}:[0-9]{2}:[0-9]{2}.*([Zz]|[0-9]{2}:[0-9]{2})$"
DATE_TIME = schema(type="string", format="date-time", pattern=DIGITS)
TYPES: dict[Read, Any] = {
    read_string: schema(type="string"),
    read_integer: schema(type="integer"),
    read_number: schema(type="number"),
    read_boolean: schema(type="boolean"),
}

near_date_times = st.from_regex(
    r"\A[0-9]{4}-[01][0-9]-[0-3][0-9][Tt][012][0-9]:[0-6][0-9]:([0-5][0-9]|60)"
    r"(\.[0-9]{0,9}0{0,3})?([Zz]|[+-][0-2][0-9]:[0-6][0-9])?\Z"
)


@st.composite
def damaged_date_times(draw: st.DrawFn) -> str:
    """Replace one slice of a valid date-time by any text."""
    text = draw(st.sampled_from([date_time(), date_time(".25", "+01:00"), date_time(zone="z")]))
    start = draw(st.integers(0, len(text)))
    end = min(len(text), start + draw(st.integers(0, 2)))
    middle = draw(st.text(max_size=2) | st.text("0123456789TtZz:+-. \n", max_size=2))
    return text[:start] + middle + text[end:]


@given(st.one_of(near_date_times, damaged_date_times(), st.text()))
@example("0000-02-29T00:00:00Z")
@example("2016-12-31T23:59:60Z")
@thorough
def test_read_date_time_agrees_with_an_independent_validator(text: str) -> None:
    try:
        read_date_time(text)
    except InvalidValueError as error:
        by_design = (
            (text[17:19] == "60" and error.code == "leap-second")
            or (text[26:27].isdigit() and error.code == "precision")
            or (text.startswith("0000") and error.code == "year-zero")
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
def test_readers_agree_with_an_independent_validator(read: Read, value: Json) -> None:
    try:
        result = read(value)
    except InvalidValueError:
        assert not TYPES[read].is_valid(value)
    else:
        assert TYPES[read].is_valid(value)
        assert result == value or Decimal(repr(result)) == Decimal(repr(value))
        assert type(result) is (int if read is read_integer else type(value))


def read_gift(payload: Mapping[str, Json]) -> tuple[object, ...]:
    """Read and check a payload as a generated ``from_payload`` does."""
    with Reader("gift", payload, {"note", "price", "weight"}) as read:
        note = read.required("note", read_string)
        weight = read.required("weight", read_number)
        price = read.optional("price", read_integer)
        found: list[Violation] = []
        check_string(found, "note", note)
        check_number(found, "weight", weight)
        if found:
            raise InvalidPayloadError("gift", found)
        return note, weight, price


def refusal_of(payload: Mapping[str, Json]) -> InvalidPayloadError:
    with pytest.raises(InvalidPayloadError) as caught:
        read_gift(payload)
    return caught.value


def test_a_reader_returns_values_and_none_for_omitted_properties() -> None:
    assert read_gift({"note": "x", "weight": 2, "price": 2.0}) == ("x", 2, 2)
    assert read_gift({"note": "", "weight": 0}) == ("", 0, None)


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ({}, {"note": ("required", ""), "weight": ("required", "")}),
        ({"note": "x", "weight": 1, "price": None}, {"price": ("type", "not null")}),
        ({"note": None, "weight": 1}, {"note": ("type", "not null")}),
        ({"note": "x", "weight": float("nan")}, {"weight": ("finite", "")}),
        ({"note": "x", "weight": 1, "Note": "y"}, {"Note": ("undeclared", "")}),
        (
            {"weight": True, "price": "1", "": 0, "é": None},
            {
                **{"note": ("required", ""), "weight": ("type", "not bool")},
                **{"price": ("type", "not str"), "": ("undeclared", ""), "é": ("undeclared", "")},
            },
        ),
    ],
)
def test_one_error_has_one_violation_for_each_invalid_property(
    payload: dict[str, Json], expected: dict[str, tuple[ViolationCode, str]]
) -> None:
    error = refusal_of(payload)
    assert sorted(violation.property for violation in error.violations) == sorted(expected)
    for violation in error.violations:
        code, words = expected[violation.property]
        assert violation.code == code
        assert words in violation.message
        assert violation.value is payload.get(violation.property)
        assert str(violation) in str(error)


def test_violations_of_the_instance_join_those_of_the_reader() -> None:
    violations = [Violation("note", "maxLength", "is long"), Violation("z", "type", "again")]
    own = InvalidPayloadError("gift", violations)
    with pytest.raises(InvalidPayloadError) as caught, Reader("gift", {"z": 1}, {"note"}):
        raise own
    assert [(found.property, found.code) for found in caught.value.violations] == [
        ("z", "undeclared"),
        ("note", "maxLength"),
    ]


@pytest.mark.parametrize("payload", [{}, {"note": 5}])
def test_a_rule_about_the_whole_payload_is_not_reported_beside_an_unread_property(
    payload: dict[str, Json],
) -> None:
    violation = Violation("payload", "minProperties", "must have at least 2 properties, not 1")

    def read_note() -> None:
        with Reader("gift", payload, {"note"}) as read:
            read.required("note", read_string)
            raise InvalidPayloadError("gift", [violation])

    with pytest.raises(InvalidPayloadError) as caught:
        read_note()
    assert [found.property for found in caught.value.violations] == ["note"]


def test_a_reader_accepts_none_as_the_value_of_a_required_property() -> None:
    with Reader("gift", {"note": None}, {"note"}) as read:
        assert read.required("note", lambda value: value) is None


@pytest.mark.parametrize("foreign", [KeyError("x"), ValueError("x"), KeyboardInterrupt()])
def test_a_reader_does_not_swallow_other_exceptions(foreign: BaseException) -> None:
    with pytest.raises(type(foreign)) as caught, Reader("gift", {"z": 1}, {"note"}):
        raise foreign
    assert caught.value is foreign


def test_a_reader_does_not_swallow_other_exceptions_of_a_read_function() -> None:
    def broken(value: Json) -> str:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), Reader("gift", {"note": "x"}, {"note"}) as read:
        read.required("note", broken)


def test_an_invalid_payload_error_shows_no_value_and_can_be_pickled() -> None:
    error = refusal_of({"note": ["anna@example.com"], "anna": "anna@example.com"})
    assert isinstance(error, EngageError)
    assert "anna@example.com" not in f"{error} {error!r} {error.violations!r}"
    copy = pickle.loads(pickle.dumps(error))
    assert (str(copy), copy.violations) == (str(error), error.violations)


@pytest.mark.parametrize("mapping", [MappingProxyType, OrderedDict, UserDict])
def test_any_mapping_can_be_read(mapping: Callable[[dict[str, Json]], Mapping[str, Json]]) -> None:
    with Reader("kind", mapping({"name": "a"}), frozenset(["name"])) as read:
        assert read.required("name", read_string) == "a"


@pytest.mark.parametrize("odd", [[("name", "a")], "name", None, 1])
def test_a_payload_that_is_not_a_mapping_is_refused(odd: Any) -> None:
    with pytest.raises(InvalidPayloadError), Reader("kind", odd, frozenset(["name"])):
        pass
