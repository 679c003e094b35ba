"""Texts that a pattern may match: guesses, for others to check. Pure."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

_POOL = "a0A -_.b1B/:@+,!\"#$%&'()*;<=>?[]^`{|}~9zZ\t\n\u00e9\u4e2d\U0001f600"
_LONGEST = 1_000
_TURNS = 12

_TOKEN = re.compile(
    r"""(?P<look> \(\?<?[=!])
    | (?P<open> \(\?:)
    | (?P<close> \))
    | (?P<bar> \|)
    | (?P<repeat> (?: [*+?] | \{[0-9]+ (?: ,[0-9]*)? \}) \??)
    | (?P<edge> \^ | \\[Zb])
    | (?P<atom> \[ (?: \\. | [^\]\\])+ \] | \\u[0-9a-f]{4} | \\U[0-9a-f]{8} | \\. | .)""",
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class _Repeat:
    node: "_Node"
    low: int
    high: int


_Node: TypeAlias = "str | _Repeat | list[list[_Node]]"
"""The characters that can stand in one place, a repetition, or alternatives of sequences."""


def matching(pattern: str, lengths: Sequence[int]) -> Iterator[str]:
    """Guesses for a pattern as `translate` writes it, the shortest first, then some of about the
    lengths that are asked for."""
    tree = _parse(_TOKEN.finditer(pattern))
    counts = [0, 1, 2, *(max(0, length - less) for length in lengths for less in range(6))]
    for count in dict.fromkeys(counts):
        for turn in range(_TURNS):
            text = _written(tree, turn, count)
            if len(text) <= _LONGEST:
                yield text
    for length in lengths:
        yield from (f"{_written(tree, turn, 0)} ".ljust(length, "a")[:length] for turn in range(3))


def is_trivial(pattern: str) -> bool:
    """Whether it matches the empty text, wherever that stands, and so all texts."""
    kinds = {token.lastgroup for token in _TOKEN.finditer(pattern)}
    return not kinds & {"look", "edge"} and re.search(pattern, "", re.ASCII) is not None


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
    known = {"*": (0, _LONGEST), "+": (1, _LONGEST), "?": (0, 1)}
    if text[0] in known:
        return _Repeat(node, *known[text[0]])
    low, comma, high = text.rstrip("?")[1:-1].partition(",")
    return _Repeat(node, int(low), int(high or _LONGEST) if comma else int(low))


def _characters(atom: str) -> str:
    if len(atom) == 1 and atom != ".":
        return atom
    is_one = re.compile(atom, re.ASCII).fullmatch
    return "".join(filter(is_one, dict.fromkeys(_POOL + atom)))


def _written(node: _Node, turn: int, count: int) -> str:
    """Another turn takes other characters and alternatives; repeated is about `count` times."""
    if isinstance(node, str):
        return node[turn % len(node)] if node else ""
    if isinstance(node, _Repeat):
        return _repeated(node, turn, count)
    branch = node[turn % len(node)]
    return "".join(_written(each, turn + at, count) for at, each in enumerate(branch))


def _repeated(repeat: _Repeat, turn: int, count: int) -> str:
    times = min(max(repeat.low, count), repeat.high, _LONGEST + 1)
    node = repeat.node
    if isinstance(node, str) and node:
        first = turn % len(node)
        return ((node[first:] + node[:first]) * (times // len(node) + 1))[:times]
    piece = _written(node, turn, count)
    return piece * min(times, _LONGEST // max(1, len(piece)) + 1)
