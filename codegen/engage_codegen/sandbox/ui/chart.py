"""A small bar chart in SVG."""

from collections.abc import Sequence

from markupsafe import Markup, escape

_WIDTH, _HEIGHT, _GAP = 640, 120, 2
_MAX_BARS = 36


def draw_bars(rows: Sequence[tuple[str, int]], title: str) -> Markup:
    """Draw a bar for each label and number; only the last 36 are drawn.

    The numbers are in the titles of the bars, and in a label of the chart for screen readers.
    """
    rows = rows[-_MAX_BARS:]
    highest = max((count for _, count in rows), default=0) or 1
    step = _WIDTH / max(len(rows), 1)
    bars = [
        Markup(
            '<rect x="{x:.1f}" y="{y:.1f}" width="{w:.1f}" height="{h:.1f}" rx="2">'
            "<title>{title}</title></rect>"
        ).format(
            x=number * step,
            y=_HEIGHT - _HEIGHT * count / highest,
            w=max(min(step - _GAP, 60), 1),
            h=_HEIGHT * count / highest,
            title=f"{label}: {count}",
        )
        for number, (label, count) in enumerate(rows)
    ]
    summary = ", ".join(f"{label} {count}" for label, count in rows)
    return Markup(
        '<svg class="chart" viewBox="0 0 {w} {h}" role="img" aria-label="{l}">{b}</svg>'
    ).format(w=_WIDTH, h=_HEIGHT, l=escape(f"{title}: {summary}"), b=Markup("").join(bars))
