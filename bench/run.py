"""The tool and what it generates beside their peers: see README.md beside this file."""

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.compare import (
    chart,
    outbox_rows,
    package_rows,
    payload_rows,
    report,
    tool_rows,
    waiting_rows,
)
from bench.compare.environments import ROOT
from bench.compare.explained import why
from bench.compare.rows import Group, Measured, Options

GROUPS: tuple[Group, ...] = (
    *tool_rows.GROUPS,
    *waiting_rows.GROUPS,
    *package_rows.GROUPS,
    *payload_rows.GROUPS,
    *outbox_rows.GROUPS,
)
NAMES = [row.name for group in GROUPS for row in group.rows]


def measure(group: Group, options: Options) -> Iterator[report.Line]:
    """A line for each row, also for one that cannot be measured."""
    found: dict[str, Measured] = {}
    reason = "it was not measured"
    try:
        for one in group.measure(options):
            found[one.row] = one
    except Exception as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
    for row in group.rows:
        measured = found.get(row.name)
        yield report.line(row, measured, reason if measured is None else why(measured, row.goal))


def write(lines: Sequence[report.Line]) -> None:
    text = report.document(lines)
    files = {"json": text, "md": report.page(text), "svg": chart.chart(lines)}
    for kind, made in files.items():
        (ROOT / "docs" / f"benchmarks.{kind}").write_text(made, "utf-8")
    print("wrote docs/benchmarks.json, .md and .svg", file=sys.stderr)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--list", action="store_true", help="the names of all rows")
    parser.add_argument("--only", nargs="+", choices=NAMES, metavar="NAME", default=[])
    parser.add_argument("--rounds", type=int, help="instead of those that each row has")
    parser.add_argument("--quick", action="store_true", help="3 rounds: rough")
    parser.add_argument(
        "--http", choices=("httpx", "httpx2"), default="httpx", help="the library of the package"
    )
    arguments = parser.parse_args()
    if arguments.list:
        print(*NAMES, sep="\n")
        return 0
    if sys.platform == "win32":
        parser.error("what a process used is asked of wait4, which Windows has not")
    options = Options(arguments.rounds, arguments.quick, arguments.http)
    lines: list[report.Line] = []
    for group in GROUPS:
        names = [row.name for row in group.rows]
        if arguments.only and not {*names} & {*arguments.only}:
            continue
        print(f"{', '.join(names)} …", end=" ", file=sys.stderr, flush=True)
        began = time.monotonic()
        made = [*measure(group, options)]
        lines += [it for it in made if not arguments.only or it.name in arguments.only]
        print(f"{time.monotonic() - began:.0f} s", file=sys.stderr)
    print(report.table(lines))
    if not arguments.only and not arguments.quick and arguments.http == "httpx":
        write(lines)
    return 1 if any(it.holds in (report.MISSED, report.FAILED) for it in lines) else 0


if __name__ == "__main__":
    sys.exit(main())
