"""Automata of patterns and formats agree with `re` and with the checks of generated code."""

import random
import re
from collections.abc import Callable
from itertools import product

import pytest

from engage_codegen.model.constraints import CHECKED_FORMATS
from engage_codegen.model.language.alphabet import Alphabet
from engage_codegen.model.language.formats import format_texts, has_format
from engage_codegen.model.language.machine import Budget, Machine, UndecidedError
from engage_codegen.model.language.search import find_difference, find_text, has_texts
from engage_codegen.model.language.textset import TextSet
from engage_codegen.model.property_problems import find_property_problems
from engage_codegen.model.regex import translate
from engage_codegen.schema.jsontext import JsonObject
from engage_codegen.verify.lookalikes import LOOKALIKES
from engage_interactions._runtime.payload import formats
from tests.support.tiers import IS_FULL

pytestmark = pytest.mark.slow

ATOMS = [
    *("a", "b", "-", ".", "[ab]", "[^a]", r"\w", r"\d", r"\s", r"\S", r"\W", "\n", r"\u00e9"),
    *("^", "$", r"\b", r"\B", "", "[^]", "[]"),
]
QUANTIFIERS = ["*", "+", "?", "{2}", "{1,2}", "{0,1}", "{2,}", "*?"]
TEXTS = ["".join(text) for size in range(5) for text in product("ab-\n\u00e9", repeat=size)]


def random_pattern(source: random.Random, depth: int = 4) -> str:
    kind = source.random()
    if not depth or kind < 0.3:
        return source.choice(ATOMS)
    first = random_pattern(source, depth - 1)
    if kind < 0.7:
        second = random_pattern(source, depth - 1)
        return first + second if kind < 0.55 else f"(?:{first}|{second})"
    if kind < 0.87:
        return f"(?:{first}){source.choice(QUANTIFIERS)}"
    return f"({source.choice(['?=', '?!'])}{first})"


def random_patterns(source: random.Random, count: int) -> list[str]:
    patterns: list[str] = []
    while len(patterns) < count:
        try:
            patterns.append(translate(random_pattern(source)))
        except ValueError:
            continue
    return patterns


def is_match(pattern: str, text: str) -> bool:
    return re.search(pattern, text, re.ASCII) is not None


def is_member(text: str, texts: TextSet) -> bool:
    is_short = texts.longest is None or len(text) <= texts.longest
    is_long = len(text) >= texts.shortest
    return is_short and is_long and all(is_match(pattern, text) for pattern in texts.patterns)


def random_set(source: random.Random, patterns: list[str]) -> TextSet:
    chosen = tuple(source.sample(patterns, source.choice([1, 1, 1, 2])))
    return TextSet(chosen, source.choice([0, 0, 1, 2]), source.choice([None, None, 2, 4]))


def test_automata_agree_with_the_engine_on_all_short_texts() -> None:
    source = random.Random(6)
    patterns = random_patterns(source, 3_000 if IS_FULL else 120)
    for pattern in patterns:
        alphabet = Alphabet(pattern)
        machine = Machine(pattern, alphabet, Budget(100_000))
        for text in source.sample(TEXTS, 60):
            if set(text) <= set(alphabet.characters):
                state = machine.start
                for char in text:
                    state = machine.step(state, char)
                assert machine.accepts(state) == is_match(pattern, text), (pattern, text)
    for _ in range(50_000 if IS_FULL else 300):
        texts, others = random_set(source, patterns), random_set(source, patterns)
        difference = find_difference(texts, others, Budget(1_000_000))
        if difference is None:
            wrong = (item for item in TEXTS if is_member(item, texts))
            assert all(is_member(item, others) for item in wrong), (texts, others)
        else:
            assert is_member(difference, texts), (texts, others, difference)
            assert not is_member(difference, others), (texts, others, difference)


IS_FORMAT: dict[str, Callable[[str], bool]] = {
    name: getattr(formats, f"is_{name.replace('-', '_')}") for name in CHECKED_FORMATS
}
CHARACTERS = 'aZ0159:./@-_~%[]{}"\\#?+,xnPTDMYWSvI \t\n\u00e9\u4e2d\u3002\U0001f600'


def mutate_text(source: random.Random, text: str) -> str:
    for _ in range(source.choice([0, 1, 1, 2])):
        start = source.randint(0, len(text))
        end = start + source.choice([0, 0, 1, 1, 5])
        text = text[:start] + source.choice(["", source.choice(CHARACTERS)]) + text[end:]
    return text


def test_patterns_of_formats_agree_with_the_checks_of_generated_code() -> None:
    source = random.Random(7)
    texts = [text for group in LOOKALIKES.values() for text in group]
    texts += [chr(point) for point in range(0x100)] + [f"a{chr(point)}a" for point in range(0x100)]
    texts += [f"a@{'a.' * 127}a", f"{'a' * 64}@{'a.' * 126}a", f"{'a' * 65}@a", f"{'a.' * 126}a"]
    texts += ["ex\u00e4mple.org", "23:59:60Z", "12:00:60Z", "12:29:60-11:30", "12:29:60-11:31"]
    texts += [mutate_text(source, source.choice(texts)) for _ in range(100_000 if IS_FULL else 900)]
    for text, name in product(texts, CHECKED_FORMATS):
        if not re.search("[\ud800-\udfff]", text):
            assert has_format(text, name) == IS_FORMAT[name](text), (text, name)


@pytest.mark.parametrize("name", CHECKED_FORMATS)
def test_sets_of_a_format_are_sound_and_have_the_lengths_that_they_say(name: str) -> None:
    texts = format_texts(name)
    for inner in texts.inner:
        text = find_text(inner, Budget(100_000))
        assert text is not None
        assert IS_FORMAT[name](text)
        assert len(text) >= inner.shortest
    shortest = min(inner.shortest for inner in texts.inner)
    assert not any(has_texts(texts.outer[-1].limit(0, size), 100_000) for size in range(shortest))
    text = find_text(texts.inner[-1], Budget(100_000))
    assert text is not None
    assert len(text) == shortest


def test_only_two_formats_have_a_gap_and_only_of_one_length() -> None:
    """Otherwise limits of the length of a format would need an automaton to be refused."""
    for name in CHECKED_FORMATS:
        gaps = {"date-time": {21}, "time": {10}}.get(name, set())
        low, high = format_texts(name).outer[-1].lengths
        most = low + (40 if IS_FULL else 4)
        for length in range(low, min(high or most, most) + 1):
            sets = [texts.limit(length, length) for texts in format_texts(name).inner]
            is_missing = all(not has_texts(texts, 200_000) for texts in sets)
            assert is_missing == (length in gaps), (name, length)


EMPTY: list[JsonObject] = [
    {"pattern": "^[0-9]{5}$", "maxLength": 4},
    {"pattern": "^[0-9]{5}$", "minLength": 6},
    {"pattern": "a^"},
    {"pattern": "(?=a)b"},
    {"pattern": "^[]$"},
    {"pattern": r"^\b$"},
    {"pattern": "^(?!a)a"},
    {"pattern": "^[0-9]{5}$", "format": "date"},
    {"pattern": r"^20\d\d-02-30$", "format": "date"},
    {"pattern": "^[^@]*$", "format": "email"},
    {"pattern": " ", "format": "uri"},
    {"pattern": "_", "format": "hostname"},
    {"pattern": "[g-z]", "format": "uuid"},
    {"format": "date-time", "maxLength": 19},
    {"format": "date-time", "minLength": 21, "maxLength": 21},
    {"format": "date", "minLength": 11},
    {"format": "date", "maxLength": 9},
    {"format": "time", "maxLength": 8},
    {"format": "time", "minLength": 10, "maxLength": 10},
    {"format": "duration", "maxLength": 2},
    {"format": "email", "maxLength": 2},
    {"format": "email", "minLength": 319},
    {"format": "idn-email", "maxLength": 2},
    {"format": "hostname", "maxLength": 0},
    {"format": "hostname", "minLength": 254},
    {"format": "idn-hostname", "maxLength": 0},
    {"format": "ipv4", "maxLength": 6},
    {"format": "ipv4", "minLength": 16},
    {"format": "ipv6", "maxLength": 1},
    {"format": "ipv6", "minLength": 46},
    {"format": "uri", "maxLength": 1},
    {"format": "iri", "maxLength": 1},
    {"format": "uuid", "minLength": 37},
    {"format": "uuid", "maxLength": 35},
    {"format": "relative-json-pointer", "maxLength": 0},
    {"type": ["string", "null"], "pattern": "a^"},
    {"type": ["string", "integer"], "pattern": "a^", "minimum": 1.2, "maximum": 1.8},
    {"type": "integer", "minimum": 1.2, "maximum": 1.8},
    {"type": "integer", "multipleOf": 7, "minimum": 1, "maximum": 6},
]
FILLED: list[JsonObject] = [
    {"pattern": "^[0-9]{5}$", "maxLength": 5},
    {"pattern": "^[0-9]{5}$", "minLength": 5},
    {"pattern": "^$"},
    {"pattern": "(?!^)a"},
    {"pattern": r"^(?:|\b)-$"},
    {"pattern": r"^(?:\b|)-$"},
    {"pattern": "(?<=a)b"},
    {"pattern": r"^20\d\d-02-29$", "format": "date"},
    {"format": "date-time", "minLength": 20, "maxLength": 21},
    {"format": "date-time", "minLength": 22, "maxLength": 22},
    {"format": "date", "minLength": 10, "maxLength": 10},
    {"format": "email", "minLength": 254},
    {"format": "hostname", "minLength": 253},
    {"format": "ipv4", "minLength": 15, "maxLength": 15},
    {"format": "ipv6", "minLength": 45},
    {"format": "uri", "minLength": 2000},
    {"format": "uri-reference", "maxLength": 0},
    {"format": "uuid", "minLength": 36},
    {"type": ["string", "integer"], "pattern": "a^", "minimum": 1},
    {"type": "integer", "multipleOf": 7, "minimum": 1, "maximum": 7},
]


@pytest.mark.parametrize("definition", EMPTY)
def test_limits_without_a_value_are_a_problem(definition: JsonObject) -> None:
    problems = list(find_property_problems({"type": "string", **definition}))
    assert [(problem.code, problem.reason) for problem in problems] == [("EG206", ("limits",))]
    subject = "only null" if "null" in str(definition.get("type")) else "no value"
    assert f"so {subject} is valid" in problems[0].message


@pytest.mark.parametrize("definition", FILLED)
def test_limits_with_a_value_are_none(definition: JsonObject) -> None:
    assert not list(find_property_problems({"type": "string", **definition}))


def test_a_search_stops_when_its_steps_are_spent() -> None:
    with pytest.raises(UndecidedError):
        find_text(TextSet(("(?:a|b)*a(?:a|b){30}[^ab]",), 0, None), Budget(100))
    assert has_texts(TextSet(("^a{50}b^",)), 10)
    with pytest.raises(UndecidedError):
        find_text(TextSet((r"(?<=a)b",)), Budget(1_000))
