"""The table, as text, JSON and a page; the page is made of the JSON alone."""

import json
import os
import platform
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TypeVar, cast

from .environments import PINS, QUICKTYPE
from .rows import TIMES, Measured, Row

T = TypeVar("T")

HELD, MISSED, EXPLAINED, FAILED, TOLD = "yes", "no", "no, explained", "failed", ""


@dataclass(frozen=True, slots=True)
class Line:
    """A row as it came out; `value` is what the goal is about, `limit` the goal."""

    name: str
    what: str
    peer_is: str
    unit: str
    figure: float | None
    peer: float | None
    value: float | None
    goal: str
    limit: float | None
    holds: str
    note: str
    rounds: int
    more: dict[str, float | str] = field(default_factory=dict[str, float | str])

    @property
    def cells(self) -> tuple[str, ...]:
        figure = quote(self.figure, self.unit)
        peer = "" if self.peer is None else f"{self.peer_is}: {quote(self.peer, self.unit)}"
        ratio = f"{quote(self.value)} {TIMES}" if self.peer is not None else ""
        return self.what, figure, peer, ratio, self.goal, self.holds


def line(row: Row, measured: Measured | None, reason: str) -> Line:
    """`reason` is why a goal is missed, or why nothing was measured."""
    if measured is None:
        figures = (None, None, None, row.goal_text, row.goal, FAILED, reason, 0)
        return Line(row.name, row.what, row.peer, row.unit, *figures)
    holds = row.holds(measured.value)
    verdict = {None: TOLD, True: HELD, False: EXPLAINED if reason else MISSED}[holds]
    return Line(
        row.name,
        row.what,
        row.peer,
        row.unit,
        rounded(measured.figure),
        rounded(measured.peer),
        rounded(measured.value),
        row.goal_text,
        row.goal,
        verdict,
        reason if holds is False else "",
        measured.rounds,
        {name: rounded(it) for name, it in measured.more.items()},
    )


def rounded(value: T) -> T:
    """Four digits of a number."""
    return cast(T, float(f"{value:.4g}")) if isinstance(value, float) else value


def quote(value: float | None, unit: str = "") -> str:
    """Three digits are more than such a figure knows."""
    if value is None:
        return ""
    text = f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return f"{text} {unit}".rstrip()


UNEXPLAINED = "there is no explanation yet"
HEAD = ("what", "figure", "peer", "ratio", "goal", "holds")


def table(lines: Sequence[Line]) -> str:
    """For a terminal."""
    cells = [HEAD, *(it.cells for it in lines)]
    widths = [max(len(it[column]) for it in cells) for column in range(len(HEAD))]
    notes = ["", *(f"{'':4}{it.note}" if it.note else "" for it in lines)]
    rows = ["  ".join(map(str.ljust, it, widths)).rstrip() for it in cells]
    return "\n".join(
        part for row, note in zip(rows, notes, strict=True) for part in (row, note) if part
    )


def document(lines: Sequence[Line]) -> str:
    """Everything, as JSON."""
    return json.dumps({"machine": machine(), "rows": [asdict(it) for it in lines]}, indent=2) + "\n"


def lines_of(text: str) -> list[Line]:
    return [Line(**it) for it in json.loads(text)["rows"]]


def machine() -> dict[str, str]:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "processor": f"{_processor()}, {os.cpu_count()} cores",
        "memory": f"{memory:.0f} GiB",
        "system": f"{platform.system()} {platform.release().partition('-')[0]}",
        "Python": platform.python_version(),
        "peers": ", ".join(
            [*dict.fromkeys(it for pins in PINS.values() for it in pins), QUICKTYPE]
        ),
    }


def _processor() -> str:
    cpus = Path("/proc/cpuinfo")
    found = re.search(r"^model name\s*: (.*)$", cpus.read_text() if cpus.exists() else "", re.M)
    return found[1] if found else platform.machine()


def page(text: str) -> str:
    """The page of the documentation, of the JSON."""
    value = cast(Mapping[str, Mapping[str, str]], json.loads(text))
    lines = lines_of(text)
    rows = [_markdown(HEAD), _markdown(["---"] * len(HEAD)), *(_markdown(it.cells) for it in lines)]
    notes = [
        f"- {it.what}{f', beside {it.peer_is}' if it.peer_is else ''}: {it.note or UNEXPLAINED}."
        for it in lines
        if it.holds in (MISSED, EXPLAINED, FAILED)
    ]
    facts = [f"- {name}: {it}" for name, it in value["machine"].items()]
    few = ", ".join(it.what for it in lines if 1 < it.rounds < 9)
    template = (Path(__file__).parent / "page.md").read_text("utf-8")
    return template.format(
        table="\n".join(rows),
        notes="\n".join(notes) or "None.",
        machine="\n".join(facts),
        speed=_speed(lines),
        few=few,
    )


def _markdown(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _speed(lines: Sequence[Line]) -> str:
    """Lines of output a second, ours and the peer's."""
    found: list[str] = []
    for it in lines:
        if "lines a second" in it.more:
            ours, theirs = (
                quote(float(it.more[f"{whose}lines a second"])) for whose in ("", "peer's ")
            )
            found.append(f"- {it.what}: {ours} lines of Python a second, {it.peer_is} {theirs}.")
    return "\n".join(found)
