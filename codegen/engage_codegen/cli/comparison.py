"""What `check` and `diff` share: findings, counted, and compared with a package."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..config import Config
from ..findings.finding import Finding
from ..output import snapshot
from .console import count, say
from .options import (
    tell_unread,
)
from .reporting import Found

if TYPE_CHECKING:
    from ..compat import Change


strict_option = click.option("--strict", is_flag=True, help="Exit with 1 for warnings too.")


usage_option = click.option(
    "--usage",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="Also point at the calls in this source tree that can break.",
)


LINTED, COMPARED = ("EG1", "EG2"), ("EG301", "EG302", "EG303", "EG304")


def report_changes(
    changes: "Sequence[Change]",
    settings: Config,
    package: Path | None,
    all_found: Found,
    usage: tuple[Path, ...],
) -> int:
    """Show what differs from a package, on its lines, and at the calls of its code; without a
    package at those of the target's."""
    from ..inspection import sides as drift

    judged = [
        (replace(finding, tenant=settings.name), change)
        for finding, change in drift.findings(changes, package)
    ]
    left = all_found.left([finding for finding, _ in judged], COMPARED)
    all_found.shown += left
    if usage:
        from ..inspection import call_sites as using

        output = package.absolute() if package else settings.output
        made = snapshot.read_lock(output).made()
        calls = using.find(usage, output, made)
        tell_unread(calls.unread)
        remaining = [(finding, change) for finding, change in judged if finding in left]
        all_found.shown += drift.at_calls(remaining, calls.sites, made)
    say(drift.summary(left, len(judged) - len(left)))
    return drift.exit_code(left)


def lint_target(
    settings: Config, paths: Sequence[Path] = (), *, fix: bool = False
) -> list[Finding]:
    from ..lint import lint as linted

    where = paths or [settings.output / snapshot.FOLDER]
    return linted(where, settings.dialect, settings.renames, fix=fix)


def exit_code_of(found: Sequence[Finding], strict: bool) -> int:
    severities = {finding.severity for finding in found}
    return int("error" in severities or (strict and "warning" in severities))


def summarize(found: Sequence[Finding]) -> str:
    severities = [finding.severity for finding in found]
    told = [
        count(severities.count(word), word)
        for word in ("error", "warning", "note")
        if word in severities
    ]
    return ", ".join(told) or "nothing found"
