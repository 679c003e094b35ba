"""A chart of how much of its goal each row uses."""

from collections.abc import Sequence
from html import escape

from .report import EXPLAINED, HELD, MISSED, Line

_WIDTH, _LEFT, _STEP, _UNIT = 1040, 530, 20, 220
_MOST = 2.0
_COLOURS = {HELD: "#2e7d32", EXPLAINED: "#b26a00", MISSED: "#c62828"}
_GREY = "#808080"


def chart(lines: Sequence[Line]) -> str:
    """SVG that can be read on a light and on a dark page."""
    shown = [it for it in lines if it.limit is not None]
    height = _STEP * (len(shown) + 2)
    goal = _LEFT + _UNIT
    bars = "".join(_bar(it, _STEP * (at + 1)) for at, it in enumerate(shown))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
        f'font-family="sans-serif" font-size="12" fill="{_GREY}">\n'
        f'<text x="{goal}" y="13" text-anchor="middle">goal</text>\n{bars}'
        f'<path d="M{goal} 18V{height - 8}" stroke="{_GREY}" stroke-dasharray="3 3"/>\n</svg>\n'
    )


def _bar(line: Line, top: int) -> str:
    name = escape(f"{line.what} / {line.peer_is}" if line.peer_is else line.what).replace("`", "")
    label = f'<text x="{_LEFT - 8}" y="{top + 14}" text-anchor="end">{name}</text>\n'
    if line.value is None:
        return f'{label}<text x="{_LEFT}" y="{top + 14}">failed</text>\n'
    share = _share(line)
    width = max(1, round(_UNIT * min(share, _MOST)))
    return (
        f'{label}<rect x="{_LEFT}" y="{top + 4}" width="{width}" height="12" '
        f'fill="{_COLOURS.get(line.holds, _GREY)}"/>\n'
        f'<text x="{_LEFT + width + 6}" y="{top + 14}">{share:.0%}</text>\n'
    )


def _share(line: Line) -> float:
    """Of the goal; 100 % is met exactly, whichever way it points."""
    value, limit = line.value or 0.0, line.limit or 0.0
    if line.goal.startswith("≥"):
        value, limit = limit, value
    return value / limit if limit else 2.0 * bool(value)
