"""Texts that a pattern may match. They are guesses, so that callers check them. Pure."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from ..model.automaton import TOKEN

_POOL = "a0A -_.b1B/:@+,!\"#$%&'()*;<=>?[]^`{|}~9zZ\t\n\u00e9\u4e2d\U0001f600"
_MAX_LENGTH = 1_000
_VARIANTS = 12


@dataclass(frozen=True, slots=True)
class _Repeat:
    node: "_Node"
    min_count: int
    max_count: int


_Node: TypeAlias = "str | _Repeat | list[list[_Node]]"
"""The possible characters in one place, a repetition, or alternatives of sequences."""


def guess_matches(pattern: str, lengths: Sequence[int]) -> Iterator[str]:
    """Yield texts that a pattern from `translate` may match: short ones, then some of about the
    given lengths."""
    tree = _parse(TOKEN.finditer(pattern))
    counts = [0, 1, 2, *(max(0, length - less) for length in lengths for less in range(6))]
    for count in dict.fromkeys(counts):
        for variant in range(_VARIANTS):
            text = _write(tree, variant, count)
            if len(text) <= _MAX_LENGTH:
                yield text
    for length in lengths:
        for variant in range(3):
            yield f"{_write(tree, variant, 0)} ".ljust(length, "a")[:length]


def matches_everything(pattern: str) -> bool:
    """Return True if the pattern matches the empty text in any position, and so every text."""
    tokens = {token.lastgroup for token in TOKEN.finditer(pattern)}
    return not tokens & {"look", "anchor"} and re.search(pattern, "", re.ASCII) is not None


def _parse(tokens: Iterator[re.Match[str]]) -> _Node:
    branches: list[list[_Node]] = [[]]
    for token in tokens:
        match token.lastgroup:
            case "close":
                break
            case "bar":
                branches.append([])
            case "open":
                branches[-1].append(_parse(tokens))
            case "look":
                _parse(tokens)
            case "repeat":
                branches[-1].append(_repeat(branches[-1].pop(), token.group()))
            case "atom":
                branches[-1].append(_characters(token.group()))
            case _:
                pass
    return branches


def _repeat(node: _Node, text: str) -> _Repeat:
    counts = {"*": (0, _MAX_LENGTH), "+": (1, _MAX_LENGTH), "?": (0, 1)}
    if text[0] in counts:
        return _Repeat(node, *counts[text[0]])
    low, comma, high = text.rstrip("?")[1:-1].partition(",")
    return _Repeat(node, int(low), int(high or _MAX_LENGTH) if comma else int(low))


def _characters(atom: str) -> str:
    """Return characters of the pool, and of the atom itself, that an atom matches."""
    if len(atom) == 1 and atom != ".":
        return atom
    return "".join(filter(re.compile(atom, re.ASCII).fullmatch, dict.fromkeys(_POOL + atom)))


def _write(node: _Node, variant: int, count: int) -> str:
    """Return a text for a node, with each repetition about `count` times.

    Variants use other characters and alternatives.
    """
    if isinstance(node, str):
        return node[variant % len(node)] if node else ""
    if isinstance(node, _Repeat):
        return _write_repetition(node, variant, count)
    branch = node[variant % len(node)]
    return "".join(_write(item, variant + index, count) for index, item in enumerate(branch))


def _write_repetition(repeat: _Repeat, variant: int, count: int) -> str:
    times = min(max(repeat.min_count, count), repeat.max_count, _MAX_LENGTH + 1)
    node = repeat.node
    if isinstance(node, str) and node:
        first = variant % len(node)
        return ((node[first:] + node[:first]) * (times // len(node) + 1))[:times]
    text = _write(node, variant, count)
    return text * min(times, _MAX_LENGTH // max(1, len(text)) + 1)
