"""The automaton of a pattern: in how many ways each of its characters can follow another. Pure.

It is the automaton of Glushkov, with the number of ways on each edge. A backtracking engine tries
all of them. Assertions (`^`, `\\b`) count as if they always held.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

from .language.alphabet import Alphabet
from .language.syntax import Anchor, Atom, Concatenation, Look, Node, Repeat, parse

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
    automaton = Automaton(Alphabet(pattern), bodies)
    automaton.start = automaton.read(parse(pattern))
    return [automaton, *bodies.values()]


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

    alphabet: Alphabet
    bodies: "dict[int, Automaton]"
    """The automata of lookaheads and lookbehinds, which are separate searches, by their offsets. A
    group that is repeated is read several times, and has each of them once."""
    characters: list[frozenset[str]] = field(default_factory=list[frozenset[str]])
    edges: list[Ways] = field(default_factory=list[Ways])
    start: Part = _EMPTY
    edge_count: int = 0
    copy_count: int = 0
    """The number of copies of repeated parts. A part without characters adds no position."""

    def read(self, node: Node) -> Part:
        """Add the positions of a node."""
        match node:
            case Atom(text):
                return self._add_position(text)
            case Anchor():
                return _EMPTY
            case Look(body=body, offset=offset):
                if offset not in self.bodies:
                    automaton = self.bodies[offset] = Automaton(self.alphabet, self.bodies)
                    automaton.start = automaton.read(body)
                return _EMPTY
            case Repeat(item, least, most):
                return self._repeat(lambda: self.read(item), least, most)
            case Concatenation(items):
                return self._concatenate(map(self.read, items))
            case _:
                return self._choose(map(self.read, node.branches))

    def _choose(self, parts: Iterable[Part]) -> Part:
        first, last, is_nullable = Ways(), Ways(), False
        for part in parts:
            add_ways(first, part.first)
            add_ways(last, part.last)
            is_nullable |= part.is_nullable
        return Part(first, last, is_nullable)

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


def add_ways(ways: Ways, more: Ways, factor: int = 1) -> None:
    for position, count in more.items():
        ways[position] = ways.get(position, 0) + count * factor
