"""Verdicts about strings agree with an independent validator, and plain cases are decided."""

import json
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from engage_codegen.compat.formats import WIDER_FORMATS
from engage_codegen.compat.subset import Verdict, check_subset
from engage_codegen.compat.values import is_sent
from engage_codegen.model.constraints import CHECKED_FORMATS, parse_constraints
from engage_codegen.model.language.formats import format_texts
from engage_codegen.model.language.machine import Budget, UndecidedError
from engage_codegen.model.language.search import find_difference
from engage_codegen.model.language.textset import TextSet
from engage_codegen.model.property_problems import find_property_problems
from engage_codegen.verify.lookalikes import LOOKALIKES
from tests.support.schemas import TEXTS, JsonDict, flat, validator
from tests.support.tiers import IS_FULL, draw

pytestmark = pytest.mark.slow

TABLE = [
    line.split(" | ")
    for line in Path(__file__).with_name("verdict_table.txt").read_text("utf-8").splitlines()
    if not line.startswith("#")
]
CANDIDATES = [
    *TEXTS,
    *(text for group in LOOKALIKES.values() for text in group),
    *("".join(text) for length in range(4) for text in product("aA1.@ \n-\u00e9", repeat=length)),
    *("SE", "SE1", "AB12345678901", "a" * 300, "2026-01-01", "a-b", "a--b", "abc-de", "#12ab9f"),
    *("+46701234567", "123 45", "123\t45", "sale", "a sale b", "wholesale", "test", "testa"),
    *("A1B2C3D4", "ABCDEFGH", "ABCDEFGHIJ12", "a@acme.example", "https://shop.example/a/1"),
]


def read_property(text: str) -> JsonDict:
    """The property of a table, which is a string unless it says something else."""
    definition: JsonDict = json.loads(text)
    has_type = definition.keys() & {"type", "enum", "const"}
    return definition if has_type else {"type": "string", **definition}


def is_valid_by(definition: JsonDict) -> Callable[[Any], bool]:
    is_valid = validator({"properties": {"x": definition}})
    return lambda value: is_valid({"x": value})


def decide(ours: JsonDict, theirs: JsonDict) -> Verdict:
    return check_subset(parse_constraints(ours), parse_constraints(theirs), ours)


def check_verdict(ours: JsonDict, theirs: JsonDict, candidates: list[str]) -> str:
    """Decide a pair, and assert that the validator agrees."""
    verdict = decide(ours, theirs)
    constraints = parse_constraints(ours)
    is_ours, is_theirs = is_valid_by(ours), is_valid_by(theirs)
    if verdict.answer == "no":
        assert is_ours(verdict.witness), (ours, theirs, verdict)
        assert not is_theirs(verdict.witness), (ours, theirs, verdict)
        assert is_sent(verdict.witness, constraints)
    elif verdict.answer == "yes":
        for text in candidates:
            if is_sent(text, constraints) and is_ours(text):
                assert is_theirs(text), (ours, theirs, text)
    return verdict.answer


@pytest.mark.parametrize(("ours", "theirs", "answer"), TABLE)
def test_plain_cases_are_decided_as_the_table_says(ours: str, theirs: str, answer: str) -> None:
    definitions = [read_property(text) for text in (ours, theirs)]
    assert not [problem for item in definitions for problem in find_property_problems(item)]
    choices = [value for item in definitions for value in item.get("enum", [])]
    texts = [value for value in choices if isinstance(value, str)]
    assert check_verdict(definitions[0], definitions[1], [*CANDIDATES, *texts]) == answer


ATOMS = ["a", "b", "A", "0", "-", "[ab]", "[^a]", r"\d", r"\w", r"\S", "[A-Z]", "[a-z0-9]"]
QUANTIFIERS = ["", "", "", "*", "+", "?", "{2}", "{1,2}", "{0,3}", "{2,}"]
CHANGES = ["ab", "ba", "*+", "+*", "?*", "*?", ("2}", "3}"), (r"\d", "[0-9]"), ("$", ""), "Aa"]
SHORT = [
    *("".join(text) for length in range(5) for text in product("aA0-", repeat=length)),
    *("\n", " ", "\u00e9", "a\n", "a b", "\u00e9a", "a@b", "a.b", "b:", "P1D", "::", "::a"),
]
FORMATS = "email hostname uri-reference json-pointer relative-json-pointer duration ipv6".split()


def random_pattern(source: random.Random, depth: int = 2) -> str:
    items: list[str] = []
    for _ in range(source.choice([1, 1, 2, 3])):
        kind = source.random()
        if depth and kind < 0.3:
            branches = [random_pattern(source, depth - 1) for _ in range(source.choice([1, 2]))]
            items.append(f"({'|'.join(branches)}){source.choice(QUANTIFIERS)}")
        elif depth and kind < 0.36:
            look = source.choice(["?=", "?!"])
            items.append(f"({look}{random_pattern(source, depth - 1)})")
        else:
            items.append(source.choice(ATOMS) + source.choice(QUANTIFIERS))
    text = "".join(items)
    if depth == 2:
        return f"{source.choice(['^', '^', ''])}{text}{source.choice(['$', '$', ''])}"
    return text


def random_text_property(source: random.Random) -> JsonDict:
    definition: JsonDict = {"type": "string"}
    if source.random() < 0.1:
        return definition | {"enum": source.sample(SHORT, source.randint(1, 4))}
    if source.random() < 0.75:
        definition["pattern"] = random_pattern(source)
    if source.random() < 0.3:
        definition["minLength"] = source.randint(0, 3)
    if source.random() < 0.3:
        definition["maxLength"] = source.randint(0, 5)
    if source.random() < 0.2:
        definition["format"] = source.choice(FORMATS)
    return definition


def mutate_property(source: random.Random, definition: JsonDict) -> JsonDict:
    """The same property with one keyword changed."""
    other = random_text_property(source)
    pattern = definition.get("pattern")
    if pattern and source.random() < 0.6:
        old, new = source.choice(CHANGES)
        return {**definition, "pattern": pattern.replace(old, new, 1)}
    keyword = source.choice(sorted({*definition, *other} - {"type"}) or ["type"])
    rest = {key: value for key, value in definition.items() if key != keyword}
    return rest | ({keyword: other[keyword]} if keyword in other else {})


@pytest.mark.parametrize("seed", range(50 if IS_FULL else 1))
def test_no_verdict_about_drawn_pairs_is_wrong(seed: int) -> None:
    source = random.Random(seed)
    answers: Counter[str] = Counter()
    while answers.total() < (1_000 if IS_FULL else 250):
        ours = random_text_property(source)
        theirs = (
            mutate_property(source, ours)
            if source.random() < 0.7
            else (random_text_property(source))
        )
        problems = [list(find_property_problems(item)) for item in (ours, theirs)]
        for definition, found in zip((ours, theirs), problems, strict=True):
            if [problem.code for problem in found] == ["EG206"]:
                answers["empty"] += 1
                assert not any(map(is_valid_by(definition), SHORT)), definition
        if not any(problems):
            answers[check_verdict(ours, theirs, SHORT)] += 1
    assert answers["undecided"] <= answers.total() / 100, answers
    assert min(answers[answer] for answer in ("yes", "no", "empty")) > 10


def test_the_witness_is_a_shortest_text_that_a_person_can_read() -> None:
    assert decide({"type": "string"}, {"type": "string", "pattern": "^.*$"}).witness == "\n"
    code = {"type": "string", "pattern": "^[A-Z]{2}[0-9]+$"}
    verdict = decide(code, {**code, "pattern": "^[A-Z]{2}[0-9]{1,10}$"})
    assert verdict.witness == "AA00000000000"


def test_a_question_beyond_the_budget_is_undecided() -> None:
    texts, others = (TextSet((f"[{chars}].{{20}}",)) for chars in ("a", "ab"))
    with pytest.raises(UndecidedError):
        find_difference(texts, others, Budget(1_000))
    behind = {"type": "string", "pattern": "(?<=a)b$"}
    assert decide(behind, {"type": "string", "pattern": "b$"}).answer == "undecided"


@pytest.mark.parametrize(
    ("name", "wider"),
    draw(
        [
            (name, wider)
            for name in CHECKED_FORMATS
            for wider in sorted(WIDER_FORMATS.get(name, ()))
        ],
        8,
    ),
)
def test_wider_formats_are_wider(name: str, wider: str) -> None:
    """Names that are not ASCII are no regular language: the others of them are proved."""
    texts = format_texts(name).inner if "host" in wider else format_texts(name).outer
    if wider != "idn-email":
        assert find_difference(texts[-1], format_texts(wider).inner[-1], Budget(2_000_000)) is None


def test_plain_comparisons_build_no_automaton() -> None:
    text, when = {"type": "string"}, {"type": "string", "format": "date-time"}
    long = {"type": "string", "maxLength": 10}
    pairs = [
        (flat({"a": ours}), flat({"a": theirs}))
        for ours, theirs in product(
            (text, when, long, {**long, "maxLength": 20}, {"enum": ["a", "b"]}), repeat=2
        )
    ]
    script = (
        "import json, sys\n"
        "from engage_codegen.compat import compare\n"
        "from engage_codegen.schema.envelope import Schema\n"
        "for ours, theirs in json.loads(sys.argv[1]):\n"
        "    sides = [{'s': Schema('s', 'S', body, 'x')} for body in (ours, theirs)]\n"
        "    changes = compare(*sides, 'json-schema')\n"
        "    assert not any(change.level == 'UNKNOWN' for change in changes)\n"
        "print('engage_codegen.model.language.machine' in sys.modules)\n"
    )
    command = [sys.executable, "-c", script, json.dumps(pairs)]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stdout == "False\n"
