"""Numbers that a scalar allows, exactly: two ends and a step. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import ceil, floor, lcm

from ..model.constraints import Scalar


@dataclass(frozen=True, slots=True)
class Range:
    """The multiples of a step, or all numbers, between two ends. With a step the ends are members
    themselves."""

    low: Fraction | None
    high: Fraction | None
    is_low_open: bool
    is_high_open: bool
    step: Fraction | None

    @classmethod
    def of(cls, scalar: Scalar) -> "Range":
        """Of a scalar with numbers."""
        low, is_low_open = _end(scalar.minimum, scalar.exclusive_minimum, 1)
        high, is_high_open = _end(scalar.maximum, scalar.exclusive_maximum, -1)
        steps = [] if scalar.multiple_of is None else [exact(scalar.multiple_of)]
        steps += [] if "number" in scalar.types else [Fraction(1)]
        if not steps:
            return cls(low, high, is_low_open, is_high_open, None)
        step = steps[0] if len(steps) == 1 else _common(*steps)
        if low is not None:
            low = (floor(low / step) + 1 if is_low_open else ceil(low / step)) * step
        if high is not None:
            high = (ceil(high / step) - 1 if is_high_open else floor(high / step)) * step
        return cls(low, high, False, False, step)

    @property
    def is_empty(self) -> bool:
        """Whether there is no such number."""
        if self.low is None or self.high is None:
            return False
        is_open = self.is_low_open or self.is_high_open
        return self.low > self.high or (self.low == self.high and is_open)

    def members(self, most: int) -> list[float] | None:
        """All of them; None if they are more than that."""
        if self.is_empty:
            return []
        if self.low is None or self.high is None:
            return None
        if self.low == self.high:
            return list(as_json(self.low))
        if self.step is None or (self.high - self.low) / self.step >= most:
            return None
        count = int((self.high - self.low) / self.step)
        return [it for at in range(count + 1) for it in as_json(self.low + at * self.step)]

    def is_within(self, other: "Range") -> bool:
        """Whether all of these numbers, more than one, are among the others."""
        return (
            _is_inside(self.low, self.is_low_open, other.low, other.is_low_open, 1)
            and _is_inside(self.high, self.is_high_open, other.high, other.is_high_open, -1)
            and (other.step is None or (self.step is not None and not self.step % other.step))
        )

    def points(self, other: "Range", marks: list[Fraction]) -> Iterator[float]:
        """Numbers near zero, the ends of both and the marks; those of this range are not all."""
        ends = [it for it in (self.low, self.high, other.low, other.high) if it is not None]
        near = dict.fromkeys([Fraction(0), *ends, *marks])
        for mark in near:
            yield from self._around(mark, other)
        for one, two in pairwise(sorted(near)):
            yield from as_json((one + two) / 2)
            yield from as_json(one + (two - one) / 3)

    def _around(self, mark: Fraction, other: "Range") -> Iterator[float]:
        if self.step is not None:
            for steps in (0, 1, -1, 2, -2):
                yield from as_json((floor(mark / self.step) + steps) * self.step)
            return
        for away in (Fraction(0), Fraction(1), Fraction(-1), Fraction(1, 2), Fraction(1, 1000)):
            yield from as_json(mark + away)
            yield from as_json(mark - away)
        if other.step is not None:
            yield from as_json((floor(mark / other.step) + Fraction(1, 2)) * other.step)
            yield from as_json((floor(mark / other.step) - Fraction(1, 2)) * other.step)


def exact(number: float) -> Fraction:
    """By its decimal digits."""
    return Fraction(number) if isinstance(number, int) else Fraction(repr(number))


def as_json(number: Fraction) -> Iterator[float]:
    """As it stands in JSON, or the float next to it."""
    if number.denominator == 1:
        yield int(number)
        return
    try:
        yield float(number)
    except OverflowError:
        return


def _end(closed: float | None, opened: float | None, sign: int) -> tuple[Fraction | None, bool]:
    """The stricter of two limits at one end, and whether it is open."""
    limits = [(sign * exact(it), False) for it in (closed,) if it is not None]
    limits += [(sign * exact(it), True) for it in (opened,) if it is not None]
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


def _common(one: Fraction, other: Fraction) -> Fraction:
    """The least that is a multiple of both."""
    bottom = one.denominator * other.denominator
    return Fraction(
        lcm(one.numerator * other.denominator, other.numerator * one.denominator), bottom
    )
