"""The numbers that constraints allow, exactly: two ends and a step. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import ceil, floor, lcm

from ..model.constraints import Constraints


@dataclass(frozen=True, slots=True)
class NumberRange:
    """The multiples of `step`, or all numbers, from `low` to `high`.

    An end that is None is infinite, and an open end is excluded. With a step, both ends are
    multiples of it and included.
    """

    low: Fraction | None
    high: Fraction | None
    is_low_open: bool
    is_high_open: bool
    step: Fraction | None

    @classmethod
    def of(cls, constraints: Constraints) -> "NumberRange":
        """Return the range of constraints that allow numbers."""
        low, is_low_open = _end(constraints.minimum, constraints.exclusive_minimum, 1)
        high, is_high_open = _end(constraints.maximum, constraints.exclusive_maximum, -1)
        step = _step(constraints)
        if step is None:
            return cls(low, high, is_low_open, is_high_open, None)
        if low is not None:
            low = (floor(low / step) + 1 if is_low_open else ceil(low / step)) * step
        if high is not None:
            high = (ceil(high / step) - 1 if is_high_open else floor(high / step)) * step
        return cls(low, high, False, False, step)

    @property
    def is_empty(self) -> bool:
        """True if no number is in the range."""
        if self.low is None or self.high is None:
            return False
        is_open = self.is_low_open or self.is_high_open
        return self.low > self.high or (self.low == self.high and is_open)

    def members(self, limit: int) -> list[float] | None:
        """Return every number in the range, or None if there are more than `limit`."""
        if self.is_empty:
            return []
        if self.low is None or self.high is None:
            return None
        if self.low == self.high:
            return list(to_json_numbers(self.low))
        if self.step is None or (self.high - self.low) / self.step >= limit:
            return None
        count = int((self.high - self.low) / self.step) + 1
        steps = (self.low + index * self.step for index in range(count))
        return [number for fraction in steps for number in to_json_numbers(fraction)]

    def is_within(self, other: "NumberRange") -> bool:
        """Return True if the other range has all numbers of this one, which has more than one."""
        return (
            _is_inside(self.low, self.is_low_open, other.low, other.is_low_open, 1)
            and _is_inside(self.high, self.is_high_open, other.high, other.is_high_open, -1)
            and (other.step is None or (self.step is not None and not self.step % other.step))
        )

    def boundary_numbers(self, other: "NumberRange", marks: list[Fraction]) -> Iterator[float]:
        """Yield numbers near zero, the ends of both ranges and the marks, inside or outside."""
        ends = (self.low, self.high, other.low, other.high)
        points = dict.fromkeys([Fraction(0), *(end for end in ends if end is not None), *marks])
        for point in points:
            yield from self._around(point, other)
        for first, second in pairwise(sorted(points)):
            yield from to_json_numbers((first + second) / 2)
            yield from to_json_numbers(first + (second - first) / 3)

    def _around(self, point: Fraction, other: "NumberRange") -> Iterator[float]:
        if self.step is not None:
            for steps in (0, 1, -1, 2, -2):
                yield from to_json_numbers((floor(point / self.step) + steps) * self.step)
            return
        for distance in map(Fraction, ("0", "1", "-1", "1/2", "1/1000")):
            yield from to_json_numbers(point + distance)
            yield from to_json_numbers(point - distance)
        if other.step is not None:
            for half in (Fraction(1, 2), Fraction(-1, 2)):
                yield from to_json_numbers((floor(point / other.step) + half) * other.step)


def to_fraction(number: float) -> Fraction:
    """Return the number that the decimal digits of a JSON number denote."""
    return Fraction(number) if isinstance(number, int) else Fraction(repr(number))


def to_json_numbers(number: Fraction) -> Iterator[float]:
    """Yield the JSON number, or the float next to it, unless it is too large for a float."""
    if number.denominator == 1:
        yield int(number)
        return
    try:
        yield float(number)
    except OverflowError:
        return


def _step(constraints: Constraints) -> Fraction | None:
    steps = [] if constraints.multiple_of is None else [to_fraction(constraints.multiple_of)]
    steps += [] if "number" in constraints.types else [Fraction(1)]
    if not steps:
        return None
    return steps[0] if len(steps) == 1 else _common_multiple(*steps)


def _end(
    inclusive: float | None, exclusive: float | None, sign: int
) -> tuple[Fraction | None, bool]:
    """Return the stricter of two limits at one end, and whether it is open.

    `sign` is 1 for the lower end and -1 for the upper end.
    """
    limits = [] if inclusive is None else [(sign * to_fraction(inclusive), False)]
    limits += [] if exclusive is None else [(sign * to_fraction(exclusive), True)]
    if not limits:
        return None, False
    limit, is_open = max(limits)
    return sign * limit, is_open


def _is_inside(
    ours: Fraction | None, is_open: bool, theirs: Fraction | None, is_theirs_open: bool, sign: int
) -> bool:
    if theirs is None:
        return True
    if ours is None:
        return False
    return sign * ours > sign * theirs or (ours == theirs and (is_open or not is_theirs_open))


def _common_multiple(first: Fraction, second: Fraction) -> Fraction:
    """Return the least common multiple of two positive fractions."""
    numerator = lcm(first.numerator * second.denominator, second.numerator * first.denominator)
    return Fraction(numerator, first.denominator * second.denominator)
