"""The deterministic automaton of a pattern, of which only the visited states are built. Pure.

A state is a formula over places in the pattern: which of them have to match the rest of the text.
So lookaheads and word boundaries need no other kind of automaton.
"""

from dataclasses import dataclass
from typing import TypeAlias

from .alphabet import Alphabet, is_word
from .formula import (
    ALWAYS,
    END,
    NEVER,
    WORD,
    Formula,
    all_of,
    any_of,
    measure,
    negate,
    replace,
)
from .syntax import Alternatives, Anchor, Atom, Concatenation, Look, Node, Repeat, parse

_MOST_PLACES = 10_000
_MOST_NESTED = 60
_MATCH = 0


class UndecidedError(Exception):
    """The budget is spent, or the pattern has a part that no automaton is built for."""


@dataclass(slots=True)
class Budget:
    """The steps that remain. Equal questions take equal steps on every machine."""

    steps: int

    def spend(self, steps: int) -> None:
        """Raise `UndecidedError` if too few steps remain."""
        self.steps -= steps
        if self.steps < 0:
            raise UndecidedError


@dataclass(frozen=True, slots=True)
class _Read:
    characters: frozenset[str]
    following: int


@dataclass(frozen=True, slots=True)
class _Split:
    targets: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Assert:
    """An anchor, or the place of the body of a lookahead."""

    anchor: str
    body: int
    is_negative: bool
    following: int


_Place: TypeAlias = "_Read | _Split | _Assert"


@dataclass(frozen=True, slots=True)
class _Context:
    """What comes before a place in the text."""

    is_start: bool
    is_after_word: bool


class Machine:
    """Decides whether a search for a pattern succeeds in a text that is read once."""

    def __init__(self, pattern: str, alphabet: Alphabet, budget: Budget) -> None:
        self._alphabet, self._budget = alphabet, budget
        self.atoms: set[str] = set()
        self._places: list[_Place] = [_Split(())]
        self._reached: dict[tuple[int, _Context], Formula] = {}
        self._steps: dict[tuple[Formula, str], Formula] = {}
        self._first = self._add_node(parse(pattern), _MATCH)
        self._classes = alphabet.classify(self.atoms)
        self.start = self._reach(self._first, _Context(is_start=True, is_after_word=False))
        contexts = (_Context(is_start=False, is_after_word=is_after) for is_after in (False, True))
        self._can_restart = any(self._reach(self._first, item) != NEVER for item in contexts)

    def step(self, state: Formula, char: str) -> Formula:
        """Return the state after one more character."""
        key = (state, self._classes[char])
        if key not in self._steps:
            self._steps[key] = self._step(*key)
        return self._steps[key]

    def is_dead(self, state: Formula) -> bool:
        """Return True if no longer text can match."""
        return state == NEVER and not self._can_restart

    def accepts(self, state: Formula) -> bool:
        """Return True if the text may end in a state."""
        return replace(state, lambda place: ALWAYS if place == END else NEVER) == ALWAYS

    def _step(self, state: Formula, char: str) -> Formula:
        size, depth = measure(state)
        self._budget.spend(size)
        if depth > _MOST_NESTED:
            raise UndecidedError
        context = _Context(is_start=False, is_after_word=is_word(char))

        def value_of(place: int) -> Formula:
            if place == WORD:
                return ALWAYS if context.is_after_word else NEVER
            part = NEVER if place == END else self._places[place]
            if not isinstance(part, _Read) or char not in part.characters:
                return NEVER
            return self._reach(part.following, context)

        return any_of([replace(state, value_of), self._reach(self._first, context)])

    def _reach(self, place: int, context: _Context) -> Formula:
        key = (place, context)
        if key not in self._reached:
            self._reached[key] = self._follow(place, context, set(), 0)
        return self._reached[key]

    def _follow(self, place: int, context: _Context, passed: set[int], depth: int) -> Formula:
        """Return which places can read the next character, or have to.

        What an outer call has passed is an alternative there, and so adds nothing on a condition.
        """
        if depth > _MOST_NESTED:
            raise UndecidedError
        parts: list[Formula] = []
        pending = [place]
        while pending:
            current = pending.pop()
            if current == _MATCH:
                return ALWAYS
            if current in passed:
                continue
            passed.add(current)
            self._budget.spend(1)
            match self._places[current]:
                case _Read():
                    parts.append(current)
                case _Split(targets):
                    pending += targets
                case _Assert() as part:
                    condition = self._condition(part, context, depth)
                    if condition != NEVER:
                        rest = self._follow(part.following, context, set(passed), depth + 1)
                        parts.append(all_of([condition, rest]))
        return any_of(parts)

    def _condition(self, part: _Assert, context: _Context, depth: int) -> Formula:
        match part.anchor:
            case "^":
                return ALWAYS if context.is_start else NEVER
            case r"\Z":
                return END
            case r"\b":
                return negate(WORD) if context.is_after_word else WORD
            case _:
                body = self._follow(part.body, context, set(), depth + 1)
                return negate(body) if part.is_negative else body

    def _add(self, place: _Place) -> int:
        self._budget.spend(1)
        if len(self._places) >= _MOST_PLACES:
            raise UndecidedError
        self._places.append(place)
        return len(self._places) - 1

    def _add_node(self, node: Node, following: int) -> int:
        """Add the places of a node, and return the first one."""
        match node:
            case Atom(text):
                self.atoms.add(text)
                return self._add(_Read(self._alphabet.matches(text), following))
            case Anchor(text):
                return self._add(_Assert(text, _MATCH, False, following))
            case Look():
                if node.is_behind:
                    raise UndecidedError
                body = self._add_node(node.body, _MATCH)
                return self._add(_Assert("", body, node.is_negative, following))
            case Concatenation(items):
                for item in reversed(items):
                    following = self._add_node(item, following)
                return following
            case Alternatives(branches):
                targets = tuple(self._add_node(branch, following) for branch in branches)
                return targets[0] if len(targets) == 1 else self._add(_Split(targets))
            case Repeat():
                return self._add_repeat(node, following)

    def _add_repeat(self, node: Repeat, following: int) -> int:
        end = following
        if node.most is None:
            following = self._add(_Split(()))
            body = self._add_node(node.item, following)
            self._places[following] = _Split((body, end))
        else:
            for _ in range(node.most - node.least):
                following = self._add(_Split((self._add_node(node.item, following), end)))
        for _ in range(node.least):
            following = self._add_node(node.item, following)
            self._budget.spend(1)
        return following
