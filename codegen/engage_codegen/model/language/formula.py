"""Formulas over conditions that the rest of a text decides. Pure.

The conditions are numbers, and formulas are kept simple, so that equal ones are often the same.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeAlias

NEVER, ALWAYS, END, WORD = -1, -2, -3, -4
"""Conditions: false; true; the text ends here; the next character is part of a word."""


@dataclass(frozen=True, slots=True)
class AnyOf:
    parts: "frozenset[Formula]"


@dataclass(frozen=True, slots=True)
class AllOf:
    parts: "frozenset[Formula]"


@dataclass(frozen=True, slots=True)
class Not:
    part: "Formula"


Formula: TypeAlias = "int | AnyOf | AllOf | Not"


def any_of(formulas: Iterable[Formula]) -> Formula:
    """Return the formula that is true if one of the formulas is."""
    parts = _join(formulas, AnyOf, NEVER)
    if ALWAYS in parts or any(isinstance(part, Not) and part.part in parts for part in parts):
        return ALWAYS
    simple = [part for part in parts if not isinstance(part, AllOf) or part.parts.isdisjoint(parts)]
    if len(simple) < 2:
        return simple[0] if simple else NEVER
    return AnyOf(frozenset(simple))


def all_of(formulas: Iterable[Formula]) -> Formula:
    """Return the formula that is true if all formulas are."""
    parts = _join(formulas, AllOf, ALWAYS)
    if NEVER in parts or any(isinstance(part, Not) and part.part in parts for part in parts):
        return NEVER
    simple = [part for part in parts if not isinstance(part, AnyOf) or part.parts.isdisjoint(parts)]
    if len(simple) < 2:
        return simple[0] if simple else ALWAYS
    return AllOf(frozenset(simple))


def negate(formula: Formula) -> Formula:
    """Return the formula that is true if the other one is false."""
    if isinstance(formula, Not):
        return formula.part
    if isinstance(formula, int) and formula in (NEVER, ALWAYS):
        return NEVER if formula == ALWAYS else ALWAYS
    return Not(formula)


def replace(formula: Formula, value_of: Callable[[int], Formula]) -> Formula:
    """Return the formula with every condition but `NEVER` and `ALWAYS` replaced."""
    if isinstance(formula, int):
        return formula if formula in (NEVER, ALWAYS) else value_of(formula)
    if isinstance(formula, Not):
        return negate(replace(formula.part, value_of))
    parts = [replace(part, value_of) for part in formula.parts]
    return any_of(parts) if isinstance(formula, AnyOf) else all_of(parts)


def measure(formula: Formula) -> tuple[int, int]:
    """Return how many parts a formula has, and how deeply they are nested."""
    if isinstance(formula, int):
        return 1, 1
    parts = [formula.part] if isinstance(formula, Not) else formula.parts
    sizes = [measure(part) for part in parts]
    return 1 + sum(size for size, _ in sizes), 1 + max(depth for _, depth in sizes)


def _join(
    formulas: Iterable[Formula], kind: type[AnyOf] | type[AllOf], neutral: int
) -> set[Formula]:
    parts: set[Formula] = set()
    for formula in formulas:
        if isinstance(formula, (AnyOf, AllOf)) and isinstance(formula, kind):
            parts |= formula.parts
        elif formula != neutral:
            parts.add(formula)
    return parts
