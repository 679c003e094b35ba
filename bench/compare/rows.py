"""What a row of the table is."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Unit = Literal["ms", "s", "µs", "MiB", "%", "a second", "modules"]

TIMES = "\N{MULTIPLICATION SIGN}"


@dataclass(frozen=True, slots=True)
class Row:
    """`goal` is for the ratio where there is a peer, for the figure where there is none; without
    one the row is only reported. `what` is ours, `peer` what it is held against."""

    name: str
    what: str
    peer: str = ""
    goal: float | None = None
    unit: Unit = "ms"
    at_least: bool = False

    @property
    def goal_text(self) -> str:
        if self.goal is None:
            return "none"
        sign = "≥" if self.at_least else "≤"
        return f"{sign} {self.goal:g} {TIMES if self.peer else self.unit}"

    def holds(self, value: float) -> bool | None:
        if self.goal is None:
            return None
        return value >= self.goal if self.at_least else value <= self.goal


@dataclass(frozen=True, slots=True)
class Measured:
    """Medians, in the unit of the row. `ratio` where it is not figure / peer; `more` is what else
    was seen, by its name: seconds on the clock, floors, lines a second."""

    row: str
    figure: float
    peer: float | None = None
    ratio: float | None = None
    rounds: int = 1
    more: Mapping[str, float | str] = field(default_factory=dict[str, float | str])

    @property
    def value(self) -> float:
        """What the goal is about."""
        if self.ratio is not None:
            return self.ratio
        return self.figure if self.peer is None else self.figure / self.peer


@dataclass(frozen=True, slots=True)
class Options:
    """How thorough a run is."""

    rounds: int | None = None
    quick: bool = False
    http: str = "httpx"
    """The HTTP library of the generated package, and of what it is measured beside."""

    def often(self, usual: int) -> int:
        if self.quick:
            return min(usual, 3)
        return self.rounds or usual


Measurement: TypeAlias = Callable[[Options], Iterator[Measured]]


@dataclass(frozen=True, slots=True)
class Group:
    """Rows that are measured together."""

    rows: tuple[Row, ...]
    measure: Measurement
