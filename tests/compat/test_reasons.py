"""A change keeps its identity (level, schema, place and reason) as long as its cause does."""

from collections import Counter
from copy import deepcopy
from random import Random

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from engage_codegen.compat import Change, compare
from engage_codegen.model.dialect import find_problems
from engage_codegen.schema.envelope import Dialect, Schema
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
    random_property,
    schema,
    validator,
)

pytestmark = pytest.mark.slow

Identity = tuple[tuple[str, ...], tuple[str, ...]]

PAIRS = settings(deadline=None, derandomize=True, database=None, max_examples=400)
RANDOM = st.randoms(use_true_random=True)
DIALECTS = st.sampled_from(["engage", "json-schema"])
OBJECT_RULES = {"minProperties", "maxProperties", "dependentRequired"}


def levels(changes: list[Change]) -> dict[Identity, str]:
    return {(change.parts, change.reason): change.level for change in changes}


def breaking(ours: JsonDict, theirs: JsonDict) -> dict[Identity, str]:
    """The levels of all changes that affect payloads, by place and reason."""
    changes = compare_bodies(ours, theirs)
    return levels([change for change in changes if change.level != "DOCS"])


def valid_property(random: Random, dialect: Dialect) -> JsonDict:
    while True:
        value = random_property(random, dialect)
        if not any(find_problems(schema(flat({"a": value})), dialect)):
            return value


def is_problematic(body: JsonDict, dialect: Dialect) -> bool:
    return any(find_problems(schema(body), dialect))


@PAIRS
@given(RANDOM, DIALECTS)
def test_two_changes_of_one_schema_never_share_an_identity(
    random: Random, dialect: Dialect
) -> None:
    changes = compare_bodies(*random_pair(random, dialect), dialect)
    identities = Counter((change.level, change.parts, change.reason) for change in changes)
    assert all(count == 1 for count in identities.values()), changes
    assert all(change.reason for change in changes)


@PAIRS
@given(RANDOM, DIALECTS, st.booleans())
def test_a_property_added_to_both_sides_keeps_every_identity(
    random: Random, dialect: Dialect, required: bool
) -> None:
    ours, theirs = random_pair(random, dialect)
    before = levels(compare_bodies(ours, theirs, dialect))
    judged = [not is_problematic(body, dialect) for body in (ours, theirs)]
    value, has_rules = valid_property(random, dialect), bool(OBJECT_RULES & {*ours, *theirs})
    for body in (ours, theirs):
        body["properties"]["0"] = value
        body["required"] = [*body["required"], *(["0"] if required else [])]
    # One more property can leave no valid payload, or the first one.
    assume(judged == [not is_problematic(body, dialect) for body in (ours, theirs)])
    after = levels(compare_bodies(ours, theirs, dialect))
    assert before.keys() == after.keys()
    # Limits of the number of properties can make a payload possible, or impossible.
    if not has_rules and not required:
        assert before == after


@PAIRS
@given(RANDOM, DIALECTS)
def test_texts_that_change_on_one_side_keep_the_identity_of_changes_in_payloads(
    random: Random, dialect: Dialect
) -> None:
    ours, theirs = random_pair(random, dialect)
    assume(not any(is_problematic(body, dialect) for body in (ours, theirs)))
    before = compare_bodies(ours, theirs, dialect)
    for body in (ours, theirs):
        body["title"] = random.choice(["One", "Two"])
        for value in body["properties"].values():
            value["description"] = random.choice(["One", "Two"])
    after = compare_bodies(ours, theirs, dialect)
    payloads = [
        [
            (change.level, change.parts, change.reason)
            for change in changes
            if change.level != "DOCS"
        ]
        for changes in (before, after)
    ]
    assert payloads[0] == payloads[1]


@PAIRS
@given(RANDOM, DIALECTS)
def test_another_schema_changes_no_identity(random: Random, dialect: Dialect) -> None:
    ours, theirs = random_pair(random, dialect)
    sides: list[dict[str, Schema]] = [{"s": schema(ours)}, {"s": schema(theirs)}]
    before = compare(sides[0], sides[1], dialect)
    for side, body in zip(sides, random_pair(random, dialect), strict=True):
        side["t"] = schema(body, id_="t")
    if random.random() < 0.5:
        del random.choice(sides)["t"]
    after = compare(sides[0], sides[1], dialect)
    assert before == [change for change in after if change.schema_id == "s"]


@PAIRS
@given(RANDOM)
def test_other_constraints_are_another_identity(random: Random) -> None:
    ours, first, second = (flat({"a": random_property(random, "json-schema")}) for _ in range(3))
    assume(not any(is_problematic(body, "json-schema") for body in (ours, first, second)))
    is_first, is_second = validator(first), validator(second)
    values = [*CHOICES, *TEXTS, *NUMBERS]
    assume(any(is_first({"a": value}) != is_second({"a": value}) for value in values))
    assert not breaking(ours, first).keys() & breaking(ours, second).keys()
    assert not breaking(first, ours).keys() & breaking(second, ours).keys()


@PAIRS
@given(RANDOM)
def test_another_cause_that_cannot_be_judged_is_another_identity(random: Random) -> None:
    bodies = [flat({"a": LIST, "b": valid_property(random, "json-schema")}) for _ in range(3)]
    ours, first, second = bodies
    assume(first["properties"]["b"] != second["properties"]["b"])
    for value in (*first["properties"].values(), *second["properties"].values()):
        assume("displayName" not in value)
        assume("examples" not in value)
    assume(ours not in (first, second))
    assert not breaking(ours, first).keys() & breaking(ours, second).keys()


def test_every_type_that_replaces_a_string_is_a_change_of_its_own() -> None:
    others: list[JsonDict] = [
        *({"type": name} for name in ("boolean", "integer", "number", "array", "object")),
        *(WHEN, {**TEXT, "format": "date"}, {**TEXT, "maxLength": 5}, {**TEXT, "maxLength": 6}),
        *({**TEXT, "enum": ["a"]}, {**TEXT, "enum": ["a", "b"]}, {**TEXT, "pattern": "^a"}),
        *({"anyOf": [TEXT]}, {"$ref": "#/$defs/a"}, {"type": ["string", "array"]}),
    ]
    identities = Counter(
        identity for other in others for identity in breaking(flat({"a": TEXT}), flat({"a": other}))
    )
    assert len(identities) == len(others)
    assert set(identities.values()) == {1}


def test_the_reason_of_constraints_does_not_depend_on_how_they_are_written() -> None:
    spellings: list[JsonDict] = [
        {"type": "number", "maximum": 3, "enum": [1, 2, 4]},
        {"enum": [2.0, 1.0, 2], "type": "number"},
        {"const": 1, "enum": [1], "type": "number"},
    ]
    reasons = [
        [change.reason for change in compare_bodies(flat({"a": TEXT}), flat({"a": spelling}))]
        for spelling in spellings
    ]
    assert reasons[0] == reasons[1] == [("enum", "", "[1,2]", "type", "string", "number")]
    assert reasons[2] == [("enum", "", "[1]", "type", "string", "number")]


def test_the_reason_of_a_limit_of_whole_payloads_names_no_other_property() -> None:
    ours, theirs = flat({"a": TEXT, "b": TEXT}), flat({"a": TEXT, "b": TEXT}, minProperties=2)
    more, others = deepcopy(ours), deepcopy(theirs)
    for body in (more, others):
        body["properties"] |= {"c": TEXT, "d": WHEN}
    (change,), (other,) = compare_bodies(ours, theirs), compare_bodies(more, others)
    assert change.reason == other.reason == ("minProperties", "0", "2")


def test_the_reason_does_not_hold_the_witness() -> None:
    ours = flat({"a": {**TEXT, "pattern": "^b+$"}, "c": TEXT}, "a")
    examples = deepcopy(ours)
    examples["properties"]["a"]["examples"] = ["bbbb"]
    theirs = flat({"a": {**TEXT, "pattern": "^b+$", "minLength": 3}, "c": TEXT}, "a")
    first, second = compare_bodies(ours, theirs), compare_bodies(examples, theirs)
    assert [change.reason for change in first] == [change.reason for change in second]
    assert [change.reason for change in first] == [("minLength", "", "3")]


@pytest.mark.parametrize("keyword", ["title", "description"])
def test_annotations_inside_the_schema_do_not_touch_what_cannot_be_judged(keyword: str) -> None:
    ours, theirs = flat({"a": LIST, "b": TEXT}), flat({"a": LIST, "b": WHEN})
    before = compare_bodies(ours, theirs)
    theirs["properties"]["b"] = {**WHEN, keyword: "Text"}
    after = compare_bodies(ours, theirs)
    assert [change.reason for change in before] == [change.reason for change in after]
