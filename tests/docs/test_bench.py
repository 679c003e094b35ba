"""The benchmarks are complete. Times are measured by `make bench` and not asserted here."""

import json
import subprocess
import sys

import pytest

from tests.support.paths import ROOT

sys.path.append(str(ROOT))

from bench.compare import chart, report
from bench.compare.explained import why
from bench.compare.rows import Measured
from bench.run import GROUPS, NAMES

DOCS = ROOT / "docs"
COMMITTED = (DOCS / "benchmarks.json").read_text("utf-8")


def test_the_rows_are_listed_by_name() -> None:
    command = [sys.executable, "bench/run.py", "--list"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == NAMES
    assert len({*NAMES}) == len(NAMES)


def test_the_committed_figures_have_every_row() -> None:
    rows = [(row["name"], row["what"], row["goal"]) for row in json.loads(COMMITTED)["rows"]]
    assert rows == [(row.name, row.what, row.goal_text) for group in GROUPS for row in group.rows]


def test_no_committed_row_failed() -> None:
    for line in report.lines_of(COMMITTED):
        assert line.figure is not None, line.note
        assert (line.holds == report.EXPLAINED) == bool(line.note)


@pytest.mark.parametrize("kind", ["md", "svg"])
def test_the_page_and_the_chart_show_the_committed_figures(kind: str) -> None:
    text = report.page(COMMITTED) if kind == "md" else chart.chart(report.lines_of(COMMITTED))
    assert (DOCS / f"benchmarks.{kind}").read_text("utf-8") == text


@pytest.mark.parametrize(
    ("ratio", "floor", "is_explained"),
    [(3.3, 2.9, True), (3.3, 2.6, False), (6.1, 3.0, False), (3.3, None, False)],
)
def test_a_missed_goal_is_explained_only_by_what_the_run_measured(
    ratio: float, floor: float | None, is_explained: bool
) -> None:
    more = {} if floor is None else {"floor": floor}
    measured = Measured("decode-pydantic", 1.0, ratio=ratio, more=more)
    assert bool(why(measured, 3.0)) == is_explained


def test_a_row_without_an_explanation_stays_unexplained() -> None:
    assert not why(Measured("help", 9.0, more={"floor": 9.0}), 5.0)
