"""The automaton of a pattern: in how many ways each of its characters can follow another. Pure.

It is the automaton of Glushkov, with the number of ways on each edge. A backtracking engine tries
all of them. Assertions (`^`, `\\b`) count as if they always held.
"""

import re
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TypeAlias

TOKEN = re.compile(
    r"""(?P<look> \(\?<?[=!])
    | (?P<open> \(\?:)
    | (?P<close> \))
    | (?P<bar> \|)
    | (?P<repeat> (?: [*+?] | \{[0-9]+ (?: ,[0-9]*)? \}) \??)
    | (?P<anchor> \^ | \\[Zb])
    | (?P<atom> \[ (?: \\. | [^\]\\])+ \] | \\u[0-9a-f]{4} | \\U[0-9a-f]{8} | \\. | .)""",
    re.VERBOSE | re.DOTALL,
)
"""The syntax of the patterns that `translate` returns."""

TOO_COMPLEX = "is too complex to prove that it is fast"
_MOST_POSITIONS = 5_000
_MOST_EDGES = 100_000
_MOST_COPIES = 20_000

Position: TypeAlias = int
Ways: TypeAlias = dict[Position, int]
"""Position -> the number of ways that lead there without another position in between."""


def build_automata(pattern: str) -> "list[Automaton]":
    """Return the automaton of a pattern, and those of its lookaheads and lookbehinds.

    `pattern` is in the syntax that `translate` returns. Raises `ValueError` if it is too complex.
    """
    bodies: dict[int, Automaton] = {}
    automaton = Automaton(_Alphabet(pattern), bodies)
    automaton.start = automaton.read(deque(TOKEN.finditer(pattern)))
    return [automaton, *bodies.values()]


class _Alphabet:
    """Characters that stand for all others: each atom of the pattern treats them alike."""

    def __init__(self, pattern: str) -> None:
        points = {0, 0x10FFFF, *map(ord, "\t\n\r !/09:@AZ[`az{_\x7f\x80"), 0x2028, 0xFEFF}
        points |= {ord(char) for char in pattern}
        points |= {
            int(code, 16) for code in re.findall(r"\\[uU]([0-9a-f]{8}|[0-9a-f]{4})", pattern)
        }
        near = {point + step for point in points for step in (-1, 0, 1)}
        self._characters = [chr(point) for point in sorted(near) if 0 <= point <= 0x10FFFF]
        self._known: dict[str, frozenset[str]] = {}

    def matches(self, atom: str) -> frozenset[str]:
        """Return the characters that an atom matches."""
        if atom not in self._known:
            matches = re.compile(atom, re.ASCII).fullmatch
            self._known[atom] = frozenset(filter(matches, self._characters))
        return self._known[atom]


def reading_order(char: str) -> tuple[bool, str]:
    """Sort letters and digits first: a person can read them in a message."""
    return (not (char.isascii() and char.isalnum()), char)


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a pattern: where it can begin and end, and whether it can be empty."""

    first: Ways
    last: Ways
    is_nullable: bool


_EMPTY = Part({}, {}, True)


@dataclass
class Automaton:
    """The automaton of Glushkov, with the number of ways on each edge."""

    alphabet: _Alphabet
    bodies: "dict[int, Automaton]"
    """The automata of lookaheads and lookbehinds, which are separate searches, by their offsets. A
    group that is repeated is read several times, and has each of them once."""
    characters: list[frozenset[str]] = field(default_factory=list[frozenset[str]])
    edges: list[Ways] = field(default_factory=list[Ways])
    start: Part = _EMPTY
    edge_count: int = 0
    copy_count: int = 0
    """The number of copies of repeated parts. A part without characters adds no position."""

    def read(self, tokens: deque[re.Match[str]]) -> Part:
        """Read alternatives until the end of their group."""
        branches: list[list[Callable[[], Part]]] = [[]]
        while tokens:
            token = tokens.popleft()
            match token.lastgroup:
                case "close":
                    break
                case "bar":
                    branches.append([])
                case "open":
                    group = _take_group(tokens)
                    branches[-1].append(partial(self._read_group, group))
                case "look":
                    group = _take_group(tokens)
                    if token.start() not in self.bodies:
                        body = self.bodies[token.start()] = Automaton(self.alphabet, self.bodies)
                        body.start = body.read(deque(group))
                case "repeat":
                    item = branches[-1].pop()
                    counts = _read_counts(token.group())
                    branches[-1].append(partial(self._repeat, item, *counts))
                case "atom":
                    branches[-1].append(partial(self._add_position, token.group()))
                case _:
                    pass
        parts = [self._concatenate(item() for item in branch) for branch in branches]
        first, last = Ways(), Ways()
        for part in parts:
            add_ways(first, part.first)
            add_ways(last, part.last)
        return Part(first, last, any(part.is_nullable for part in parts))

    def _read_group(self, group: list[re.Match[str]]) -> Part:
        return self.read(deque(group))

    def _add_position(self, atom: str) -> Part:
        position = len(self.characters)
        if position >= _MOST_POSITIONS:
            raise ValueError(TOO_COMPLEX)
        self.characters.append(self.alphabet.matches(atom))
        self.edges.append({})
        return Part({position: 1}, {position: 1}, False)

    def _concatenate(self, parts: Iterable[Part]) -> Part:
        whole = _EMPTY
        for part in parts:
            self._connect(whole.last, part.first)
            first, last = dict(whole.first), dict(part.last)
            if whole.is_nullable:
                add_ways(first, part.first)
            if part.is_nullable:
                add_ways(last, whole.last)
            whole = Part(first, last, whole.is_nullable and part.is_nullable)
        return whole

    def _repeat(self, item: Callable[[], Part], least: int, most: int | None) -> Part:
        self.copy_count += max(least, most or 0)
        if self.copy_count > _MOST_COPIES:
            raise ValueError(TOO_COMPLEX)
        parts = [item() for _ in range(least)]
        if most is None:
            loop = parts.pop() if parts else item()
            self._connect(loop.last, loop.first)
            parts.append(Part(loop.first, loop.last, loop.is_nullable or not least))
            return self._concatenate(parts)
        optional = _EMPTY
        for _ in range(most - least):
            whole = self._concatenate((item(), optional))
            optional = Part(whole.first, whole.last, True)
        return self._concatenate((*parts, optional))

    def _connect(self, last: Ways, first: Ways) -> None:
        self.edge_count += len(last) * len(first)
        if self.edge_count > _MOST_EDGES:
            raise ValueError(TOO_COMPLEX)
        for position, ways in last.items():
            add_ways(self.edges[position], first, ways)


def _take_group(tokens: deque[re.Match[str]]) -> list[re.Match[str]]:
    """Take the tokens of a group that was opened, without the parenthesis at its end."""
    group, depth = list[re.Match[str]](), 1
    while depth:
        token = tokens.popleft()
        depth += token.lastgroup in ("look", "open")
        depth -= token.lastgroup == "close"
        group.append(token)
    return group[:-1]


def _read_counts(text: str) -> tuple[int, int | None]:
    counts: Mapping[str, tuple[int, int | None]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}
    if text[0] in counts:
        return counts[text[0]]
    low, comma, high = text.rstrip("?")[1:-1].partition(",")
    return int(low), (int(high) if high else None) if comma else int(low)


def add_ways(ways: Ways, more: Ways, factor: int = 1) -> None:
    for position, count in more.items():
        ways[position] = ways.get(position, 0) + count * factor
