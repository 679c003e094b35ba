"""The rows of a bar chart of months, which is a table with a bar in each row."""

from collections.abc import Sequence
from dataclasses import dataclass

_MAX_BARS = 36
_NAMES = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class Bar:
    """A month and its number; `percent` is the length of the bar.

    A row without a bar stands for the months before, which have none.
    """

    label: str
    count: int
    percent: int | None


def build_bars(months: Sequence[tuple[str, int]]) -> list[Bar]:
    """Build the rows for the last 36 months that have a number, and for the gaps between them.

    Months are texts such as `2026-03`, in order.
    """
    months = months[-_MAX_BARS:]
    highest = max((count for _, count in months), default=0) or 1
    bars: list[Bar] = []
    previous: int | None = None
    for month, count in months:
        number = int(month[:4]) * 12 + int(month[5:7]) - 1
        if previous is not None and number > previous + 1:
            bars.append(Bar(_name_gap(previous + 1, number - 1), 0, None))
        bars.append(Bar(_name_month(number), count, max(1, round(100 * count / highest))))
        previous = number
    return bars


def _name_month(number: int) -> str:
    return f"{_NAMES[number % 12]} {number // 12:04}"


def _name_gap(first: int, last: int) -> str:
    name = _name_month(first)
    return name if first == last else f"{name} to {_name_month(last)}"
