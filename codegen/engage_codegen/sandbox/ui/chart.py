"""A small bar chart, as SVG."""

from collections.abc import Sequence

from markupsafe import Markup, escape

_WIDTH, _HEIGHT, _GAP = 640, 120, 2
_MOST = 36


def bars(rows: Sequence[tuple[str, int]], what: str) -> Markup:
    """One bar for each label, the last 36 of them; the numbers are in its text for screen readers
    and in the titles."""
    rows = rows[-_MOST:]
    highest = max((count for _, count in rows), default=0) or 1
    step = _WIDTH / max(len(rows), 1)
    parts = [
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
    ).format(w=_WIDTH, h=_HEIGHT, l=escape(f"{what}: {summary}"), b=Markup("").join(parts))
