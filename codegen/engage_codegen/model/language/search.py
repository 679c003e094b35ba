"""Shortest texts that patterns and lengths allow, or the proof that there are none. Pure."""

from collections.abc import Sequence
from typing import TypeAlias

from .alphabet import Alphabet
from .formula import ALWAYS, Formula
from .machine import Budget, Machine, UndecidedError
from .textset import TextSet

_State: TypeAlias = tuple[Formula, ...]
_Layer: TypeAlias = "dict[_State, tuple[_State, str]]"
"""The states after a number of characters, each with the state and the character before it."""


def find_text(texts: TextSet, budget: Budget) -> str | None:
    """Return a shortest text of a set, or None if the set is empty.

    Raises `UndecidedError` if the budget is too small.
    """
    return _Search(texts, (), budget).find()


def has_texts(texts: TextSet, steps: int) -> bool:
    """Return False if a set is proved to be empty within so many steps."""
    try:
        return find_text(texts, Budget(steps)) is not None
    except UndecidedError:
        return True


def find_difference(texts: TextSet, others: TextSet, budget: Budget) -> str | None:
    """Return a text that only the first set has, or None if the other set has all of its texts.

    Raises `UndecidedError` if the budget is too small.
    """
    if others.shortest > texts.shortest:
        text = find_text(texts.limit(longest=others.shortest - 1), budget)
        if text is not None:
            return text
    if others.longest is not None and (texts.longest is None or texts.longest > others.longest):
        text = find_text(texts.limit(shortest=others.longest + 1), budget)
        if text is not None:
            return text
    patterns = tuple(pattern for pattern in others.patterns if pattern not in texts.patterns)
    return _Search(texts.limit(*others.lengths), patterns, budget).find() if patterns else None


class _Search:
    """A search for a text with all of some patterns, and without one of the `missing` patterns."""

    def __init__(self, texts: TextSet, missing: Sequence[str], budget: Budget) -> None:
        alphabet = Alphabet(*texts.patterns, *missing)
        self._texts, self._budget, self._required = texts, budget, len(texts.patterns)
        self._machines = [
            Machine(pattern, alphabet, budget) for pattern in (*texts.patterns, *missing)
        ]
        atoms = set[str]().union(*(machine.atoms for machine in self._machines))
        self._characters = list(dict.fromkeys(alphabet.classify(sorted(atoms)).values()))

    def find(self) -> str | None:
        if self._texts.lacks_lengths:
            return None
        shortest, longest = self._texts.lengths
        start: _State = tuple(machine.start for machine in self._machines)
        layers: list[_Layer] = [{start: (start, "")}]
        visited: set[_State] = set()
        while layers[-1] and (longest is None or len(layers) - 1 <= longest):
            layer = layers[-1]
            if len(layers) > shortest:
                for state in layer:
                    if self._accepts(state):
                        return _read_back(layers, state)
                visited |= layer.keys()
            layers.append(self._extend(layer, visited))
        return None

    def _extend(self, layer: _Layer, visited: set[_State]) -> _Layer:
        following: _Layer = {}
        for state in layer:
            self._budget.spend(len(self._characters))
            for char in self._characters:
                reached = self._step(state, char)
                if reached and reached not in visited and reached not in following:
                    following[reached] = (state, char)
        return following

    def _step(self, state: _State, char: str) -> _State | None:
        """Return the state after one more character, or None if no longer text is to be found."""
        reached: list[Formula] = []
        for number, machine in enumerate(self._machines):
            part = machine.step(state[number], char)
            if number < self._required and machine.is_dead(part):
                return None
            reached.append(part)
        missing = reached[self._required :]
        is_refused = bool(missing) and all(part == ALWAYS for part in missing)
        return None if is_refused else tuple(reached)

    def _accepts(self, state: _State) -> bool:
        answers = [
            machine.accepts(part) for machine, part in zip(self._machines, state, strict=True)
        ]
        missing = answers[self._required :]
        return all(answers[: self._required]) and not (missing and all(missing))


def _read_back(layers: list[_Layer], state: _State) -> str:
    characters: list[str] = []
    for layer in reversed(layers):
        state, char = layer[state]
        characters.append(char)
    return "".join(reversed(characters))
