"""Patterns that can take exponential or high polynomial time are refused, and no others."""

import random
import re
import sys
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import pytest

from engage_codegen.model.regex import translate

SLOW = [
    *(r"^(a+)+$", r"^(a*)*$", r"^(a|a)*$", r"^(a|aa)+$", r"^(\w+\s?)*$", r"(x+x+)+y"),
    *(r"^([a-zA-Z0-9])(([\-.]|[_]+)?([a-zA-Z0-9]+))*@$", r"^(([a-z])+.)+[A-Z]([a-z])+$"),
    *(r"^(a+){2,6}$", r"\s*\s*\s*\s*x", r"^(.*a){12}$", r"^(a?){30}a{30}$", r"^.*.*.*.*.*$"),
    *(r"^(ab|a|b)*c", r"^((a*)b?)*$", r"^(\d+|\d+\.)*$", r"^(?=(a+)+b)", r"(?!(a|a)*b)c"),
    *(r"^(?:(?:a|b)+,?)+$", r"^(\u00e9+)+$", r"^([^,]+,?)*$", r"^(a+?)+?$", r"^(a{1,9}){1,9}$"),
]
FAST = [
    *(
        r"",
        r"a|b",
        r"^[a-z]+$",
        r"^\d{4}-\d{2}-\d{2}$",
        r"^[A-Z]{2,3}(-[0-9]{1,5})*$",
        r"^.{1,200}$",
    ),
    *(r"^(foo|bar|baz)+$", r".*\.com$", r"^\s*(.*?)\s*$", r"^#([0-9a-f]{3}|[0-9a-f]{6})$"),
    *(r"^[^@\s]+@[^@\s]+\.[a-z]+$", r"^https?://[^\s/$.?#].[^\s]*$", r"^(\w+\s)*\w+$"),
    *(r"^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$", r"^(?!.*\.\.)[a-z.]+$"),
    *(
        r"^(?:(?=a{50})a){200}$",
        r"^([]+)+$",
        r"^(a,)*a$",
        r"^(ab|cd)*$",
        r"^([^,]+,)*$",
        r"^[\w.-]{1,64}$",
        r"^(a|b)*$",
        r"^(?:a?b)*$",
    ),
    "^(" + "|".join(f"word{number}" for number in range(300)) + ")$",
]


def refusal(pattern: str) -> str:
    try:
        translate(pattern)
    except ValueError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("pattern", SLOW)
def test_a_slow_pattern_is_refused_with_a_text_that_shows_it(pattern: str) -> None:
    assert "can take exponential or high polynomial time" in refusal(pattern)


@pytest.mark.parametrize("pattern", FAST)
def test_a_pattern_that_is_fast_on_all_texts_is_accepted(pattern: str) -> None:
    assert refusal(pattern) == ""


@pytest.mark.parametrize(
    "pattern",
    [
        f"^{'(a|b)*' * 1400}$",
        f"^({'|'.join(f'a{n}' for n in range(600))})*$",
        "a{9999}b",
        "((a{0,30}){0,30}){0,30}",
        "(?:(?:(?:){999}){999}){999}",
    ],
)
def test_a_pattern_that_is_too_large_to_analyze_is_refused(pattern: str) -> None:
    assert "exponential" in refusal(pattern) or "too complex" in refusal(pattern)


# An independent count: a matcher that tries every way, as `re` does.

LIMIT = 5_000


class Steps:
    """Counts the characters that a search reads."""

    def __init__(self) -> None:
        self.count = 0

    def read(self) -> None:
        self.count += 1
        if self.count > LIMIT:
            raise OverflowError


Go = Callable[[int], bool]


def match(node: Any, text: str, at: int, go: Go, steps: Steps) -> bool:
    """Match a node at a position and go on, with all ways tried if nothing after it matches."""
    kind, *rest = node
    if kind == "char":
        if at >= len(text):
            return False
        if text[at] not in rest[0]:
            return False
        steps.read()
        return go(at + 1)
    if kind == "sequence":

        def follow(index: int, at: int) -> bool:
            if index == len(rest):
                return go(at)
            return match(rest[index], text, at, lambda end: follow(index + 1, end), steps)

        return follow(0, at)
    if kind == "either":
        return any(match(option, text, at, go, steps) for option in rest)
    least, most, item = rest

    def repeat(count: int, at: int) -> bool:
        def again(end: int) -> bool:
            return (end > at or count < least) and repeat(count + 1, end)

        is_matched = (most is None or count < most) and match(item, text, at, again, steps)
        return is_matched or (count >= least and go(at))

    return repeat(0, at)


def count_steps(node: Any, text: str) -> int:
    """Return the steps of an anchored search that fails at the end of a text."""
    steps = Steps()
    try:
        match(node, text, 0, lambda at: False, steps)
    except OverflowError:
        return LIMIT + 1
    return steps.count


def write(node: Any) -> str:
    kind, *rest = node
    if kind == "char":
        return rest[0] if len(rest[0]) == 1 else f"[{rest[0]}]"
    if kind == "sequence":
        return "".join(map(write, rest))
    if kind == "either":
        return f"(?:{'|'.join(map(write, rest))})"
    least, most, item = rest
    return f"(?:{write(item)}){{{least},{'' if most is None else most}}}"


def draw(chance: random.Random, depth: int) -> Any:
    kind = chance.choice(["char", "char", "sequence", "either", "repeat", "repeat"])
    if kind == "char" or not depth:
        return ("char", chance.choice(["a", "b", "ab", "bc", "c"]))
    if kind == "repeat":
        least = chance.choice([0, 0, 1, 2])
        most = chance.choice([None, None, least + 1, least + 2])
        return ("repeat", least, most, draw(chance, depth - 1))
    return (kind, *(draw(chance, depth - 1) for _ in range(chance.choice([2, 2, 3]))))


def texts(length: int) -> Iterator[str]:
    """Yield texts that repeat each word of up to three letters, also after another letter."""
    for size in range(1, 4):
        for word in product("abc", repeat=size):
            for prefix in ("", "a", "b", "c"):
                yield (prefix + "".join(word) * length)[:length]


def worst(node: Any, length: int) -> int:
    """Return the most steps for a text of this length, or more than `LIMIT`."""
    steps = 0
    for text in texts(length):
        steps = max(steps, count_steps(node, text))
        if steps > LIMIT:
            break
    return steps


def test_no_random_pattern_that_takes_exponential_time_is_accepted() -> None:
    chance = random.Random(7)
    refused = slow = 0
    for _ in range(150):
        node = ("sequence", draw(chance, 3), draw(chance, 2))
        is_refused = refusal(f"^{write(node)}$") != ""
        refused += is_refused
        # A cubic pattern takes fewer steps in a text of this length.
        is_slow = worst(node, 18) > LIMIT
        slow += is_slow
        assert is_refused or not is_slow, write(node)
    assert slow > 10
    assert 150 - refused > 30


def test_a_refused_random_pattern_gets_slower_much_faster_than_its_texts_longer() -> None:
    chance = random.Random(11)
    refused = 0
    while refused < 25:
        node = ("sequence", draw(chance, 3), draw(chance, 2))
        if "exponential" not in refusal(f"^{write(node)}$"):
            continue
        refused += 1
        short, long = worst(node, 9), worst(node, 18)
        assert long > LIMIT or long > 6 * short, write(node)


def test_a_pattern_is_analyzed_whatever_the_limit_of_recursion() -> None:
    limit = sys.getrecursionlimit()
    pattern = f"^{'(?:' * 49}a{')?' * 49}$"
    assert refusal(pattern) == ""
    assert sys.getrecursionlimit() == limit
    assert re.compile(translate(pattern), re.ASCII).search("a")
