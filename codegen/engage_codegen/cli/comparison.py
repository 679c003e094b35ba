"""What `check --live` and `diff` share: reporting how a side differs from a package."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..config import Config
from ..output.snapshot import read_lockfile
from .console import print_lines
from .options import report_unread
from .reporting import FindingReport

if TYPE_CHECKING:
    from ..inspection.sides import Comparison, Situation

COMPARED_CODES = ("EG301", "EG302", "EG303", "EG304")


def report_changes(
    report: FindingReport,
    comparison: "Comparison",
    config: Config,
    package: Path | None,
    situation: "Situation",
    usage: Sequence[Path],
) -> int:
    """Report changes on the lines of a package and at the calls of its code.

    Without a package the calls are those of the target's package. Returns the exit code.
    """
    from ..inspection import sides

    pairs = [
        (replace(finding, tenant=config.name), change)
        for finding, change in sides.findings_of_changes(comparison, package, situation)
    ]
    remaining = report.apply_waivers([finding for finding, _ in pairs], COMPARED_CODES)
    report.findings += remaining
    if usage:
        from ..inspection.call_sites import find_calls

        output = package.absolute() if package else config.output
        modules = read_lockfile(output).modules
        calls = find_calls(usage, output, modules)
        report_unread(calls.unread)
        unwaived = [(finding, change) for finding, change in pairs if finding in remaining]
        report.findings += sides.findings_at_calls(unwaived, calls.sites, modules)
    summary = sides.summarize_changes(remaining, len(pairs) - len(remaining))
    print_lines(summary.split("\n"))
    return sides.exit_code_of(remaining)
