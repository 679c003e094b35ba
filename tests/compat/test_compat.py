"""What `compat` says of two schemas, against payloads tried one by one on another's validator."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from copy import deepcopy
from functools import cache
from itertools import combinations, product
from random import Random
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engage_codegen.compat import LEVELS, Change, Level, compare, sample, worst
from engage_codegen.compat.formats import FORMATS, WIDER, WRITTEN, is_of, padded
from engage_codegen.compat.subset import is_proved, subset
from engage_codegen.model import dialect
from engage_codegen.model.codecs import is_typed
from engage_codegen.model.constraints import CHECKED_FORMATS, read
from engage_codegen.schema.envelope import Dialect, Schema
from engage_codegen.schema.jsontext import Json
from engage_codegen.verify.lookalikes import LOOKALIKES
from runtime.payload import codecs, values

Item = dict[str, Any]

TEXT, WHEN, LIST = {"type": "string"}, {"type": "string", "format": "date-time"}, {"type": "array"}
PATTERNS = r"^[a-z]+$ ^[A-Z]{2}[0-9]{3}$ a ^(a|b1)*$ [0-9] ^\S.*$ ^.{2,4}$ .*".split()
TEXTS = [
    *("", "a", "b", "z", "A", "0", "7", " ", "a b", "\u00e9", "ab", "b1", "b1a", "AB123", "QQ000"),
    *(each * length for length in range(2, 11) for each in ("a", "1", " x")),
]
NUMBERS = [
    *(*range(-12, 25), *(each / 4 for each in range(-41, 43, 2))),
    *(0.1, 0.2, 0.3, -0.1, 1.1, 4.9, 5.001, 99, 100, 2**53, 10**16, 1e300),
]
LIMITS = [*NUMBERS[8:25], *NUMBERS[45:70:3], 0.1, 99.9, 1e16]
CHOICES: list[Json] = ["a", "b", "ab", "", 0, 1, 2.0, 0.5, True, False, None]
TYPED: dict[str, Callable[[Json], str]] = {
    "date-time": lambda it: codecs.encode_date_time(codecs.read_date_time(it)),
    "date": lambda it: values.encode_date(values.read_date(it)),
    "time": lambda it: values.encode_time(values.read_time(it)),
    "uuid": lambda it: values.encode_uuid(values.read_uuid(it)),
}
KEYWORDS: dict[str, dict[str, list[Any]]] = {
    "": {"displayName": ["One", "Two"], "const": CHOICES, "enum": [CHOICES[:3], CHOICES[4:], [2]]},
    "string": {
        "minLength": [0, 1, 2, 3, 5, 10, 26],
        "maxLength": [0, 1, 2, 3, 5, 8, 25, 36, 40],
        "pattern": PATTERNS,
        "format": [*CHECKED_FORMATS, "phone"],
        "examples": [[text] for text in TEXTS],
    },
    "number": {
        **dict.fromkeys("minimum maximum exclusiveMinimum exclusiveMaximum".split(), LIMITS),
        "multipleOf": [1, 2, 3, 4, 0.5, 0.25, 0.1, 1.5],
    },
}


def a_property(random: Random, spoken: Dialect) -> Item:
    kind = random.choice(["string", "string", "integer", "number", "boolean"])
    made: Item = {"type": kind}
    if spoken == "engage":
        made |= random.choice([{}, {"displayName": "One"}, {"displayName": "Two"}])
        return made | random.choice([{}, {"format": "date-time"} if kind == "string" else {}])
    if random.random() < 0.2:
        made["type"] = sorted({kind, *random.sample(["null", "string", "number", "boolean"], 2)})
    known = KEYWORDS[""] | KEYWORDS.get("number" if kind == "integer" else kind, {})
    for keyword in random.sample(sorted(known), random.choice([0, 1, 1, 2, 3])):
        made[keyword] = random.choice(known[keyword])
    for keyword in ("format", "type") if {"enum", "const"} & made.keys() else ():
        made.pop(keyword, None)
    return made


def a_rule(random: Random) -> Item:
    """Something about properties together."""
    keyword = random.choice(["minProperties", "maxProperties", "dependentRequired"])
    needs = {name: random.sample("abcdz", random.randint(0, 2)) for name in "abc"}
    return {keyword: needs if keyword == "dependentRequired" else random.randint(0, 4)}


def a_body(random: Random, spoken: Dialect) -> Item:
    each = {it: a_property(random, spoken) for it in random.sample("abcd", random.randint(0, 4))}
    required = [name for name in each if random.random() < 0.3]
    rule = a_rule(random) if spoken != "engage" and random.random() < 0.3 else {}
    return {"type": "object", "properties": each, "required": required, **rule}


def a_mutant(random: Random, ours: Item, spoken: Dialect) -> Item:
    """The same schema with one thing or two changed."""
    body = deepcopy(ours)
    each: dict[str, Item] = body["properties"]
    for _ in range(random.choice([1, 1, 2])):
        name = random.choice(sorted(each) or ["a"])
        what = random.choice("drop rename add require whole change change change".split())
        if what == "whole" and spoken != "engage":
            body |= a_rule(random)
        elif what == "add" or name not in each:
            each[random.choice("abcde")] = a_property(random, spoken)
        elif what == "require":
            body["required"] = sorted({*body["required"]} ^ {name})
        elif what in ("drop", "rename"):
            gone = each.pop(name)
            if what == "rename":
                each["e"] = gone
                body["required"] = sorted({"e" if it == name else it for it in body["required"]})
        else:
            other = a_property(random, spoken)
            keyword = random.choice(sorted({*each[name], *other}))
            each[name].pop(keyword, None)
            each[name] |= {keyword: other[keyword]} if keyword in other else {}
    body["required"] = [it for it in body["required"] if it in each]
    return body


def a_pair(random: Random, spoken: Dialect) -> tuple[Item, Item]:
    one, other = a_body(random, spoken), a_body(random, spoken)
    return one, other if random.random() < 0.15 else a_mutant(random, one, spoken)


def schema(body: Any, title: str = "S", id_: str = "s") -> Schema:
    return Schema(id_, title, body, "test")


def judge(body: Item) -> Callable[[Json], bool]:
    return jsonschema_rs.validator_for(
        {**body, "additionalProperties": False},
        validate_formats=True,
        email_options=jsonschema_rs.EmailOptions(allow_display_text=False),
    ).is_valid


def written(value: Item, given: Json) -> Json:
    """As the generated class writes it."""
    scalar = read(value)
    return TYPED[scalar.format](given) if is_typed(scalar) and given is not None else given


@cache
def emitted(text: str) -> list[Json]:
    """Values of a property that its generated class can write."""
    value = json.loads(text)
    is_valid = judge({"properties": {"x": value}})
    tried: list[Json] = [*CHOICES, *TEXTS, *NUMBERS, *value.get("examples", [])]
    found: list[Json] = []
    for each in [*tried, *LOOKALIKES[read(value).format or "date"]]:
        with suppress(ValueError):  # a leap second
            found += [written(value, each)] if is_valid({"x": each}) else []
    return found


def enumerated(body: Item) -> Iterator[Item]:
    """Payloads that our code can send: all sets of names, and all values of one with one of each
    other; those with few names first."""
    pools = {name: emitted(json.dumps(value)) for name, value in body["properties"].items()}
    usable, is_valid = [name for name, pool in pools.items() if pool], judge(body)
    for count in range(len(usable) + 1):
        for names in combinations(usable, count):
            base = {name: pools[name][0] for name in names}
            if is_valid(base):
                yield base
                yield from ({**base, name: value} for name in names for value in pools[name])


def between(ours: Item, theirs: Item, spoken: Dialect = "json-schema") -> list[Change]:
    return compare({"s": schema(ours)}, {"s": schema(theirs)}, spoken)


def checked(ours: Item, theirs: Item, spoken: Dialect) -> list[Change] | None:
    """The changes, if payloads that are tried agree with them; None if they cannot be judged."""
    found = between(ours, theirs, spoken)
    if any([*dialect.problems(schema(it), spoken)] for it in (ours, theirs)):
        assert ours == theirs or [change.level for change in found] == ["UNKNOWN"]
        return None
    is_sent, is_accepted = judge(ours), judge(theirs)
    refused = next((it for it in enumerated(ours) if not is_accepted(it)), None)
    breaking: list[Any] = [it.witness for it in found if it.level == "BREAKING"]
    for witness in breaking:
        assert (is_sent(witness), is_accepted(witness)) == (True, False), witness
        assert all(written(ours["properties"][key], it) == it for key, it in witness.items())
    if refused is not None and not any(change.level == "UNKNOWN" for change in found):
        assert min(map(len, breaking)) <= len(refused), refused
    if worst(found) in ("DOCS", None):
        assert all(is_sent(it) for it in enumerated(theirs))
    return found


@pytest.mark.parametrize(("spoken", "unknown"), [("engage", 0.0), ("json-schema", 0.02)])
def test_payloads_agree_and_little_is_unknown(spoken: Dialect, unknown: float) -> None:
    levels: Counter[Level | None] = Counter()

    @settings(deadline=None, derandomize=True, database=None, max_examples=1200)
    @given(st.randoms(use_true_random=True))
    def test(random: Random) -> None:
        found = checked(*a_pair(random, spoken), spoken)
        levels.update([] if found is None else [worst(found)])

    test()
    print(levels)
    assert levels["UNKNOWN"] <= unknown * levels.total()
    assert min(levels[level] for level in (None, "DOCS", "COMPATIBLE", "BREAKING")) > 10


RULES = """[[{"type": "integer"}, {"type": "number"}],
    [{}, {"multipleOf": 2}, {"multipleOf": 3}, {"multipleOf": 0.5}],
    [{}, {"minimum": 0}, {"exclusiveMinimum": 0}, {"minimum": 0.5, "exclusiveMinimum": 0.5}],
    [{}, {"maximum": 3}, {"exclusiveMaximum": 3}],
    [{}, {"minLength": 1}, {"minLength": 3}, {"maxLength": 2}, {"maxLength": 0}]]"""


def test_limits_are_decided_exactly_and_by_proof_and_witness_alike() -> None:
    kinds, steps, lows, highs, sizes = json.loads(RULES)
    numbers = product(kinds, steps, lows, highs)
    each: list[Item] = [{**kind, **step, **low, **high} for kind, step, low, high in numbers]
    each += [{**TEXT, **one, **other} for one in sizes for other in sizes]
    each += [{"type": ["integer", "null"]}]
    grid: list[Any] = [None, *(it / 4 for it in range(-40, 80)), *("a" * it for it in range(9))]
    judges = [judge({"properties": {"x": it}}) for it in each]
    sent = [{it for it in grid if is_valid({"x": it})} for is_valid in judges]
    for (one, ours), (other, theirs) in product(zip(map(read, each), sent, strict=True), repeat=2):
        assert is_proved(one, other) == (ours <= theirs), (one, other)
        assert (subset(one, other, {}).answer == "no") != (ours <= theirs), (one, other)


def test_what_is_said_of_formats_is_true() -> None:
    judges = {name: judge({"properties": {"x": {"format": name}}}) for name in CHECKED_FORMATS}
    texts = [*FORMATS, *(it for each in LOOKALIKES.values() for it in each)]
    texts += [text for length in range(1, 90) for text in padded(length)]
    for text in texts:
        of = {name for name in CHECKED_FORMATS if judges[name]({"x": text})}
        for name in CHECKED_FORMATS:
            assert is_of(text, name) in (None, name in of), (text, name)
            assert name not in of or WIDER.get(name, frozenset()) <= of, (text, name)
        for name in TYPED.keys() & of if text in FORMATS and not text.endswith("Z") else ():
            assert TYPED[name](text) == text
            assert WRITTEN[name][0] <= len(text) <= WRITTEN[name][1]
    for one in CHECKED_FORMATS:
        separated = set[str]().union(*(judges.keys() - it for it in FORMATS.values() if one in it))
        left = judges.keys() - separated - WIDER.get(one, frozenset()) - {one}
        assert left <= ({"iri-reference", "uri-template"} if one == "idn-hostname" else set())


def flat(each: Item, required: str = "", **more: Any) -> Item:
    return {"type": "object", "properties": each, "required": list(required), **more}


PATTERNED = ({**TEXT, "pattern": it} for it in ("Z$", "^[A-Z]{2}$", "^(?=a)b", "[0-9]$"))
UTC, CODE, ODD, DIGIT = PATTERNED
CLOCK = "2026-03-14T09:26:53+00:00"
NULL, TWO = {"a": {"type": ["string", "null"]}, "b": {"type": "integer"}}, {"a": {"enum": [2.0]}}
BOTH = {"a": TEXT, "b": TEXT}
PAIR = flat(BOTH, dependentRequired={"a": ["b"]})
EXAMPLES: list[tuple[Item, Item, Level, str, Item | None]] = [
    (flat({"a": TEXT}), flat({"a": {**TEXT, "title": "A"}}), "DOCS", "'title' differs", None),
    (flat({}), flat({}, **{"$schema": dialect.JSON_SCHEMA}), "DOCS", "'$schema' differs", None),
    (flat({}, minProperties=0), flat({}), "DOCS", "texts differ", None),
    (flat({}), flat({"a": TEXT}), "COMPATIBLE", "is new there, and optional", None),
    (flat({"a": TEXT}, "a"), flat({"a": TEXT}), "COMPATIBLE", "is optional there", None),
    (flat({"a": WHEN}), flat({"a": TEXT}), "COMPATIBLE", "all that our code can send", None),
    (PAIR, flat(BOTH), "COMPATIBLE", "needs less beside it", None),
    (flat({"a": TEXT}), flat({}), "BREAKING", "is not declared there", {"a": "a"}),
    (flat({}), flat({"a": TEXT}, "a"), "BREAKING", "our code cannot send it", {}),
    (flat({"a": TEXT}), flat({"a": TEXT}, "a"), "BREAKING", "optional in our code", {}),
    (flat({"a": TEXT}), flat({"a": WHEN}), "BREAKING", '"a" is not valid', {"a": "a"}),
    (flat({"a": WHEN}), flat({"a": UTC}), "BREAKING", f'"{CLOCK}" is not', {"a": CLOCK}),
    (flat({"a": CODE}), flat({}), "BREAKING", "is not declared", {"a": "AB"}),
    (flat(TWO), flat({"a": TEXT}), "BREAKING", "2 is not valid", {"a": 2}),
    (flat(NULL, "b"), flat(BOTH, "b"), "BREAKING", "null is not", {"a": None, "b": 0}),
    (PAIR, flat(BOTH, maxProperties=1), "BREAKING", "at most 1", {"a": "a", "b": "a"}),
    (flat(BOTH), PAIR, "BREAKING", "needs 'b' beside it", {"a": "a"}),
    (flat({"\u202e\n": TEXT}), flat({}), "BREAKING", "is not", {"\u202e\n": "a"}),
    (flat({"a": ODD}), flat({}), "UNKNOWN", "no value of 'a' was found, an example", None),
    (flat({"a": WHEN}), flat({"a": DIGIT}), "UNKNOWN", "whether all that our code can", None),
    (flat({"a": LIST}), flat({}), "UNKNOWN", "our schema cannot be judged", None),
    (flat({}), flat({"a": LIST}), "UNKNOWN", "the schema there cannot be judged", None),
]


@pytest.mark.parametrize(("ours", "theirs", "level", "said", "witness"), EXAMPLES)
def test_each_kind_of_change_is_named(
    ours: Item, theirs: Item, level: Level, said: str, witness: Item | None
) -> None:
    found = between(ours, theirs)
    assert worst(found) == level
    change = next(it for it in found if it.level == level)
    assert said in change.message
    assert json.dumps(change.witness) == json.dumps(witness)  # 2, not 2.0
    assert change.message.isprintable()


def test_a_property_that_may_have_been_renamed_is_proposed() -> None:
    label = {**TEXT, "displayName": "One"}
    gone = between(flat({"a": label, "b": TEXT}), flat({"c": TEXT, "d": label, "e": TEXT}))
    assert ["'d' may be its new name" in it.message for it in gone[:2]] == [True, False]
    assert "'\\u202e' may" in between(flat({"a": TEXT}), flat({"\u202e": TEXT}))[0].message
    assert "new name" not in between(flat({"a": TEXT}), flat({"b": WHEN}))[0].message


def test_schemas_that_are_new_missing_or_renamed() -> None:
    same = flat({"a": TEXT}, "a")
    ours = {"b": schema(same, id_="b"), "a": schema(flat({"a": LIST}), id_="a")}
    found = compare(ours, {"c": schema(same, id_="c")}, "engage")
    assert [(it.schema_id, it.level[0]) for it in found] == [("a", "B"), ("b", "B"), ("c", "C")]
    assert [it.witness for it in found] == [None, {"a": "a"}, None]
    assert "c has the same properties and may be its new name" in found[1].message
    assert worst(found) == LEVELS[-1]
    assert worst(compare(ours, ours, "engage")) is None
    titled = compare({"s": schema(same)}, {"s": schema(same, "T")}, "engage")
    assert titled == [Change("DOCS", "s", ("displayName",), "is 'T' there")]


def test_samples_are_small_however_many_properties_there_are() -> None:
    of = {"p0": ["p1"], "p1": ["p0"], "p2": ["p3", "p4"], "p3": ["p2"], "p4": ["p2"]}
    many = flat({str(at): TEXT for at in range(300)}, minProperties=150)
    assert len(sample(schema(many)) or ()) == 150
    exact = flat(dict.fromkeys(of, TEXT), minProperties=3, maxProperties=3, dependentRequired=of)
    assert sample(schema(exact)) == dict.fromkeys(["p2", "p3", "p4"], "a")
