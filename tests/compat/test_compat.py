"""`compat` agrees with an independent validator on payloads that are tried one by one."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from itertools import combinations, product
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engage_codegen.compat import LEVELS, Change, Level, compare, sample_payload, worst_level
from engage_codegen.compat.formats import (
    TEXT_FORMATS,
    WIDER_FORMATS,
    pad_texts,
)
from engage_codegen.compat.subset import check_subset, is_provable_subset
from engage_codegen.model.codecs import has_python_type
from engage_codegen.model.constraints import CHECKED_FORMATS, parse_constraints
from engage_codegen.model.dialect import JSON_SCHEMA, find_problems
from engage_codegen.model.language.formats import has_format, is_in, written_texts
from engage_codegen.schema.envelope import Dialect
from engage_codegen.schema.jsontext import Json
from engage_codegen.verify.lookalikes import LOOKALIKES
from engage_interactions._runtime.payload import codecs, values
from tests.support.schemas import (
    CHOICES,
    LIST,
    NUMBERS,
    TEXT,
    TEXTS,
    WHEN,
    JsonDict,
    compare_bodies,
    flat,
    random_pair,
    schema,
    validator,
)

pytestmark = pytest.mark.slow

TYPED: dict[str, Callable[[Json], str]] = {
    "date-time": lambda text: codecs.encode_date_time(codecs.read_date_time(text)),
    "date": lambda text: values.encode_date(values.read_date(text)),
    "time": lambda text: values.encode_time(values.read_time(text)),
    "uuid": lambda text: values.encode_uuid(values.read_uuid(text)),
}


def write(definition: JsonDict, value: Json) -> Json:
    """The value as the generated class writes it."""
    constraints = parse_constraints(definition)
    is_typed = has_python_type(constraints) and value is not None
    return TYPED[constraints.format](value) if is_typed else value


@cache
def writable_values(text: str) -> list[Json]:
    """Values of a property that its generated class can write."""
    definition = json.loads(text)
    is_valid = validator({"properties": {"x": definition}})
    candidates: list[Json] = [*CHOICES, *TEXTS, *NUMBERS, *definition.get("examples", [])]
    result: list[Json] = []
    for value in [*candidates, *LOOKALIKES[parse_constraints(definition).format or "date"]]:
        with suppress(ValueError):  # a leap second
            result += [write(definition, value)] if is_valid({"x": value}) else []
    return result


def enumerate_payloads(body: JsonDict) -> Iterator[JsonDict]:
    """Payloads that generated code can send, those with few properties first: all sets of names,
    and all values of one property with one value of each other."""
    pools = {name: writable_values(json.dumps(item)) for name, item in body["properties"].items()}
    usable, is_valid = [name for name, pool in pools.items() if pool], validator(body)
    for count in range(len(usable) + 1):
        for names in combinations(usable, count):
            base = {name: pools[name][0] for name in names}
            if is_valid(base):
                yield base
                yield from ({**base, name: value} for name in names for value in pools[name])


def check_against_payloads(
    ours: JsonDict, theirs: JsonDict, dialect: Dialect
) -> list[Change] | None:
    """Compare two schemas, and assert that payloads agree; None if they cannot be judged."""
    changes = compare_bodies(ours, theirs, dialect)
    if any([*find_problems(schema(body), dialect)] for body in (ours, theirs)):
        assert ours == theirs or [change.level for change in changes] == ["UNKNOWN"]
        return None
    is_sent, is_accepted = validator(ours), validator(theirs)
    refused = next((item for item in enumerate_payloads(ours) if not is_accepted(item)), None)
    witnesses: list[Any] = [change.witness for change in changes if change.level == "BREAKING"]
    for witness in witnesses:
        assert (is_sent(witness), is_accepted(witness)) == (True, False), witness
        for name, value in witness.items():
            assert write(ours["properties"][name], value) == value
    if refused is not None and not any(change.level == "UNKNOWN" for change in changes):
        assert min(map(len, witnesses)) <= len(refused), refused
    if worst_level(changes) in ("DOCS", None):
        assert all(is_sent(payload) for payload in enumerate_payloads(theirs))
    return changes


@pytest.mark.parametrize(("dialect", "undecided"), [("engage", 0.0), ("json-schema", 0.02)])
def test_payloads_agree_with_the_levels_and_few_changes_are_undecided(
    dialect: Dialect, undecided: float
) -> None:
    levels: Counter[Level | None] = Counter()

    @settings(deadline=None, derandomize=True, database=None, max_examples=1200)
    @given(st.randoms(use_true_random=True))
    def test(random: Random) -> None:
        changes = check_against_payloads(*random_pair(random, dialect), dialect)
        levels.update([] if changes is None else [worst_level(changes)])

    test()
    print(levels)
    assert levels["UNKNOWN"] <= undecided * levels.total()
    assert min(levels[level] for level in (None, "DOCS", "COMPATIBLE", "BREAKING")) > 10


RULES = """[[{"type": "integer"}, {"type": "number"}],
    [{}, {"multipleOf": 2}, {"multipleOf": 3}, {"multipleOf": 0.5}],
    [{}, {"minimum": 0}, {"exclusiveMinimum": 0}, {"minimum": 0.5, "exclusiveMinimum": 0.5}],
    [{}, {"maximum": 3}, {"exclusiveMaximum": 3}],
    [{}, {"minLength": 1}, {"minLength": 3}, {"maxLength": 2}, {"maxLength": 0}]]"""


def test_limits_are_decided_exactly_and_proof_and_witness_agree() -> None:
    types, steps, lows, highs, sizes = json.loads(RULES)
    definitions: list[JsonDict] = [
        {**type_, **step, **low, **high}
        for type_, step, low, high in product(types, steps, lows, highs)
    ]
    definitions += [{**TEXT, **first, **second} for first in sizes for second in sizes]
    definitions += [{"type": ["integer", "null"]}]
    grid: list[Any] = [None, *(number / 4 for number in range(-40, 80))]
    grid += ["a" * length for length in range(9)]
    validators = [validator({"properties": {"x": definition}}) for definition in definitions]
    accepted = [{value for value in grid if is_valid({"x": value})} for is_valid in validators]
    sides = list(zip(map(parse_constraints, definitions), accepted, strict=True))
    for (first, ours), (second, theirs) in product(sides, repeat=2):
        assert is_provable_subset(first, second) == (ours <= theirs), (first, second)
        assert (check_subset(first, second, {}).answer != "no") == (ours <= theirs), (first, second)


def test_the_table_of_formats_is_true() -> None:
    validators = {
        name: validator({"properties": {"x": {"format": name}}}) for name in CHECKED_FORMATS
    }
    texts = [*TEXT_FORMATS, *(text for group in LOOKALIKES.values() for text in group)]
    texts += [text for length in range(1, 90) for text in pad_texts(length)]
    for text in texts:
        formats = {name for name in CHECKED_FORMATS if validators[name]({"x": text})}
        for name in CHECKED_FORMATS:
            assert has_format(text, name) in (None, name in formats), (text, name)
            assert name not in formats or WIDER_FORMATS.get(name, frozenset()) <= formats, text
        is_written = text in TEXT_FORMATS and not text.endswith("Z")
        for name in TYPED.keys() & formats if is_written else ():
            assert TYPED[name](text) == text
            assert is_in(text, written_texts(name))
    for name in CHECKED_FORMATS:
        with_format = [formats for formats in TEXT_FORMATS.values() if name in formats]
        separated = set[str]().union(*(validators.keys() - formats for formats in with_format))
        rest = validators.keys() - separated - WIDER_FORMATS.get(name, frozenset()) - {name}
        assert rest <= ({"iri-reference", "uri-template"} if name == "idn-hostname" else set())


PATTERNED = ({**TEXT, "pattern": text} for text in ("Z$", "^[A-Z]{2}$", "(?<=@)@", "(?<=[0-9])$"))
UTC, CODE, ODD, DIGIT = PATTERNED
CLOCK = "2026-03-14T09:26:53+00:00"
NULL, TWO = {"a": {"type": ["string", "null"]}, "b": {"type": "integer"}}, {"a": {"enum": [2.0]}}
BOTH = {"a": TEXT, "b": TEXT}
PAIR = flat(BOTH, dependentRequired={"a": ["b"]})
EXAMPLES: list[tuple[JsonDict, JsonDict, Level, tuple[str, ...], str, JsonDict | None]] = [
    (
        flat({"a": TEXT}),
        flat({"a": {**TEXT, "title": "A"}}),
        "DOCS",
        ("title", "", '"A"'),
        "'title' differs",
        None,
    ),
    (
        flat({}),
        flat({}, **{"$schema": JSON_SCHEMA}),
        "DOCS",
        ("$schema", "", f'"{JSON_SCHEMA}"'),
        "'$schema' differs",
        None,
    ),
    (flat({}, minProperties=0), flat({}), "DOCS", ("spelling",), "written differently", None),
    (
        flat({}),
        flat({"a": TEXT}),
        "COMPATIBLE",
        ("new",),
        "is new on the other side, and optional",
        None,
    ),
    (
        flat({"a": TEXT}, "a"),
        flat({"a": TEXT}),
        "COMPATIBLE",
        ("required", "true", "false"),
        "is optional on the other side",
        None,
    ),
    (
        flat({"a": WHEN}),
        flat({"a": TEXT}),
        "COMPATIBLE",
        ("format", "date-time", ""),
        "accepts everything that generated code can send",
        None,
    ),
    (
        PAIR,
        flat(BOTH),
        "COMPATIBLE",
        ("dependentRequired", "removed", "b"),
        "requires fewer properties",
        None,
    ),
    (
        flat({"a": TEXT}),
        flat({}),
        "BREAKING",
        ("undeclared",),
        "does not declare it, and silently drops it",
        {"a": "a"},
    ),
    (
        flat({}),
        flat({"a": TEXT}, "a"),
        "BREAKING",
        ("required", "new"),
        "generated code cannot send it",
        {},
    ),
    (
        flat({"a": TEXT}),
        flat({"a": TEXT}, "a"),
        "BREAKING",
        ("required", "false", "true"),
        "generated code can omit it",
        {},
    ),
    (
        flat({"a": TEXT}),
        flat({"a": WHEN}),
        "BREAKING",
        ("format", "", "date-time"),
        '"a" is not valid there',
        {"a": "a"},
    ),
    (
        flat({"a": WHEN}),
        flat({"a": UTC}),
        "BREAKING",
        ("format", "date-time", "", "pattern", "", r"Z\Z"),
        f'"{CLOCK}" is not',
        {"a": CLOCK},
    ),
    (flat({"a": CODE}), flat({}), "BREAKING", ("undeclared",), "does not declare it", {"a": "AA"}),
    (
        flat(TWO),
        flat({"a": TEXT}),
        "BREAKING",
        ("enum", "[2]", "", "type", "number", "string"),
        "2 is not valid",
        {"a": 2},
    ),
    (
        flat(NULL, "b"),
        flat(BOTH, "b"),
        "BREAKING",
        ("type", "null,string", "string"),
        "null is not",
        {"a": None, "b": 0},
    ),
    (
        PAIR,
        flat(BOTH, maxProperties=1),
        "BREAKING",
        ("maxProperties", "", "1"),
        "at most 1",
        {"a": "a", "b": "a"},
    ),
    (
        flat(BOTH),
        flat(BOTH, minProperties=1),
        "BREAKING",
        ("minProperties", "0", "1"),
        "at least 1",
        {},
    ),
    (
        flat(BOTH),
        PAIR,
        "BREAKING",
        ("dependentRequired", "added", "b"),
        "the other side requires 'b'",
        {"a": "a"},
    ),
    (
        flat({"\u202e\n": TEXT}),
        flat({}),
        "BREAKING",
        ("undeclared",),
        "does not declare it",
        {"\u202e\n": "a"},
    ),
    (
        flat({"a": ODD}),
        flat({}),
        "UNKNOWN",
        ("undeclared",),
        "no valid value of 'a' was found; add an example",
        None,
    ),
    (
        flat({"a": WHEN}),
        flat({"a": DIGIT}),
        "UNKNOWN",
        ("format", "date-time", "", "pattern", "", r"(?<=[0-9])\Z"),
        "is undecided",
        None,
    ),
]


@pytest.mark.parametrize(("ours", "theirs", "level", "reason", "text", "witness"), EXAMPLES)
def test_every_change_has_a_level_a_reason_and_a_message(
    ours: JsonDict,
    theirs: JsonDict,
    level: Level,
    reason: tuple[str, ...],
    text: str,
    witness: JsonDict | None,
) -> None:
    changes = compare_bodies(ours, theirs)
    assert worst_level(changes) == level
    change = next(change for change in changes if change.level == level)
    assert change.reason == reason
    assert text in change.message
    assert json.dumps(change.witness) == json.dumps(witness)  # 2, not 2.0
    assert change.message.isprintable()


@pytest.mark.parametrize(
    ("ours", "theirs", "side", "text"),
    [
        (flat({"a": LIST}), flat({}), "ours", "the schema of this side cannot be judged"),
        (flat({}), flat({"a": LIST}), "theirs", "the schema of the other side cannot be judged"),
    ],
)
def test_a_schema_with_a_problem_cannot_be_judged(
    ours: JsonDict, theirs: JsonDict, side: str, text: str
) -> None:
    (change,) = compare_bodies(ours, theirs)
    assert (change.level, change.witness) == ("UNKNOWN", None)
    assert change.reason[:-1] == ("unjudged", side, "EG203", "type", "array")
    assert text in change.message
    assert change.message.isprintable()


def test_a_new_name_is_suggested_for_a_property_that_may_have_been_renamed() -> None:
    label = {**TEXT, "displayName": "One"}
    changes = compare_bodies(
        flat({"a": label, "b": TEXT}), flat({"c": TEXT, "d": label, "e": TEXT})
    )
    assert ["'d' may be its new name" in change.message for change in changes[:2]] == [True, False]
    assert "'\\u202e' may" in compare_bodies(flat({"a": TEXT}), flat({"\u202e": TEXT}))[0].message
    assert "new name" not in compare_bodies(flat({"a": TEXT}), flat({"b": WHEN}))[0].message


def test_new_missing_and_renamed_schemas_are_changes() -> None:
    body = flat({"a": TEXT}, "a")
    ours = {"b": schema(body, id_="b"), "a": schema(flat({"a": LIST}), id_="a")}
    changes = compare(ours, {"c": schema(body, id_="c")}, "engage")
    levels = [(change.schema_id, change.level[0]) for change in changes]
    assert levels == [("a", "B"), ("b", "B"), ("c", "C")]
    assert [change.witness for change in changes] == [None, {"a": "a"}, None]
    assert [change.reason for change in changes] == [
        *(("missing-schema",), ("missing-schema",), ("new-schema",))
    ]
    assert "c has the same properties and may be its new name" in changes[1].message
    assert worst_level(changes) == LEVELS[-1]
    assert worst_level(compare(ours, ours, "engage")) is None
    (change,) = compare({"s": schema(body)}, {"s": schema(body, "T")}, "engage")
    assert (change.level, change.parts) == ("DOCS", ("displayName",))
    assert change.reason == ("displayName", "S", "T")
    assert change.message == "is called 'T' on the other side"


def test_a_sample_is_small_however_many_properties_there_are() -> None:
    dependent = {"p0": ["p1"], "p1": ["p0"], "p2": ["p3", "p4"], "p3": ["p2"], "p4": ["p2"]}
    many = flat({str(number): TEXT for number in range(300)}, minProperties=150)
    assert len(sample_payload(schema(many)) or ()) == 150
    exact = flat(
        dict.fromkeys(dependent, TEXT),
        minProperties=3,
        maxProperties=3,
        dependentRequired=dependent,
    )
    assert sample_payload(schema(exact)) == dict.fromkeys(["p2", "p3", "p4"], "a")
