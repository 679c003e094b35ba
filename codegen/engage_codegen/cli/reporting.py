"""The findings of one run of a command: collected for all targets, waived, and printed once."""

import os
import posixpath
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..config import Config
from ..errors import CodegenError, InputError, Location
from ..findings.report import FORMATS, OutputFormat
from .console import count, has_color, print_line, print_status, print_traceback

if TYPE_CHECKING:
    from ..findings.finding import Finding
    from ..findings.report import TenantRow, Verdicts
    from ..schema.jsontext import Json


class FindingReport:
    """The findings of a run, in one of the formats."""

    def __init__(self, output_format: OutputFormat, path_prefix: str | None = None) -> None:
        self.findings: list[Finding] = []
        self.waived = 0
        self.verdicts: Verdicts | None = None
        self.tenants: list[TenantRow] = []
        self.plans: Sequence[Json] | None = None
        self.output_format: OutputFormat = output_format
        self.path_prefix = path_prefix
        self._configs: Sequence[Config] = ()
        self._today = datetime.now(UTC).date()
        self._checked: list[Finding] = []
        self._checked_codes = Counter[str]()

    def use_waivers(self, configs: Sequence[Config]) -> None:
        """Apply the waivers of the configuration, which all targets share."""
        self._configs = configs

    def apply_waivers(
        self, findings: "Sequence[Finding]", checked_codes: Sequence[str] = ()
    ) -> "list[Finding]":
        """Return the findings that no waiver accepts today.

        `checked_codes` are codes, or beginnings of codes, of which these are all the findings of a
        target.
        """
        self._checked += findings
        self._checked_codes.update(checked_codes)
        waivers = self._configs[0].waivers if self._configs else ()
        if not waivers:
            return list(findings)
        from ..findings.waivers import active_fingerprints

        fingerprints = active_fingerprints(waivers, self._today)
        remaining = [finding for finding in findings if finding.fingerprint not in fingerprints]
        self.waived += len(findings) - len(remaining)
        return remaining

    def add_waiver_findings(self) -> "list[Finding]":
        """Report expired and unused waivers, as far as every target was checked for them."""
        if not self._configs or not self._configs[0].waivers:
            return []
        from ..findings.finding import display_path
        from ..findings.waivers import check_waivers

        config = self._configs[0]
        codes = [
            code for code, number in self._checked_codes.items() if number == len(self._configs)
        ]
        file = display_path(config.file) if config.file else ""
        findings = check_waivers(config.waivers, self._checked, codes, self._today, file)
        self.findings += findings
        return findings

    def add_error(self, error: CodegenError, config: Config | None = None) -> None:
        """Report an error that ended a run, or a target, on the line that it is about."""
        from ..findings.finding import findings_of, sort_findings

        print_traceback(error)
        name = config.name if config else ""
        findings = [_place(finding, error, config) for finding in findings_of(error, name)]
        self.findings += sort_findings(_locate(findings, config))

    def print(self) -> None:
        """Print the report to stdout, and how many findings were waived to stderr."""
        if self.waived:
            print_status(f"{count(self.waived, 'finding')} waived")
        has_content = self.findings or (self.tenants and self.output_format == "github")
        if not has_content and self.output_format in ("text", "github"):
            return
        from ..findings.report import render_report

        color = has_color(sys.stdout)
        findings = self.findings
        if self.path_prefix is not None or self.output_format not in ("text", "json"):
            findings = _prefix_paths(findings, self.path_prefix)
        text = render_report(
            findings,
            self.output_format,
            color=color,
            verdicts=self.verdicts,
            tenants=self.tenants,
            plans=self.plans,
        )
        click.echo(text, nl=False, color=color)

    def print_diff(self, lines: Sequence[str]) -> None:
        """Print a diff to stdout, in the text format only."""
        if self.output_format == "text":
            for line in lines:
                print_line(line)


def _place(finding: "Finding", error: CodegenError, config: Config | None) -> "Finding":
    """Return the finding of an error at its file, or at the configuration without one."""
    from ..findings.finding import display_path

    file = finding.location.file
    if file and not file.startswith(("http:", "https:")):
        location = finding.location._replace(file=display_path(Path(file)))
        return replace(finding, location=location)
    if finding.schema_id:
        return replace(finding, location=Location())
    file = display_path(config.file) if config and config.file else ""
    message = f"{finding.message} ({error.where})"
    return replace(
        finding, message=message, location=Location(file, "", 1, 1) if file else Location()
    )


def _locate(findings: "list[Finding]", config: Config | None) -> "list[Finding]":
    """Return findings about schemas with their lines, as far as the files can be read."""
    if not any(finding.schema_id and not finding.location.line for finding in findings):
        return findings
    from ..lint import locate_findings
    from ..output.lockfile import FOLDER

    paths = [] if config is None else [*config.schemas] or [config.output / FOLDER]
    return locate_findings(findings, paths)


def _prefix_paths(findings: "Sequence[Finding]", prefix: str | None) -> "list[Finding]":
    """Return findings with paths from a root, in which `prefix` is the current folder.

    By default, the root is that of the repository, as code hosts expect. Paths outside of the root
    stay as they are.
    """
    try:
        folder = Path.cwd()
    except FileNotFoundError:
        return list(findings)
    prefix = _folder_in_repository(folder) if prefix is None else prefix

    def move(finding: "Finding") -> "Finding":
        file = finding.location.file
        if not file or file.startswith(("http:", "https:")):
            return finding
        relative = Path(os.path.relpath(file, folder)).as_posix()
        path = posixpath.normpath(posixpath.join(prefix, relative))
        if path.startswith("../"):
            return finding
        return replace(finding, location=finding.location._replace(file=path))

    return [move(finding) for finding in findings]


def _folder_in_repository(folder: Path) -> str:
    """Return a folder relative to ``GITHUB_WORKSPACE`` or the nearest folder with ``.git``."""
    workspace = Path(os.environ.get("GITHUB_WORKSPACE") or os.devnull)
    roots = [parent for parent in (folder, *folder.parents) if (parent / ".git").exists()]
    root = workspace if folder.is_relative_to(workspace) else next(iter(roots), folder)
    return folder.relative_to(root).as_posix()


def describe_path_error(error: OSError) -> InputError | None:
    """Return the error for a path that the system refuses; None if `error` names no path."""
    if not isinstance(error.filename, str):
        return None
    return InputError(
        f"the file or folder cannot be used: {error.strerror}",
        where=error.filename,
        fix="check the path and its permissions",
    )


def reports_findings(command: Callable[..., int]) -> Callable[..., int]:
    """Give a command the option ``--output-format`` and a report, which is printed at its end.

    An error that ends the command is a finding in that report.
    """

    @click.option(
        "--output-format",
        type=click.Choice(FORMATS),
        default="text",
        show_default=True,
        help="Text for people, JSON for programs, SARIF for dashboards, annotations of GitHub, "
        "code quality of GitLab, JUnit XML for other CI systems.",
    )
    @click.option(
        "--path-prefix",
        metavar="FOLDER",
        help="Report paths as if the current folder were this folder of the repository.",
    )
    @wraps(command)
    def run(output_format: OutputFormat, path_prefix: str | None, **options: object) -> int:
        report = FindingReport(output_format, path_prefix)
        try:
            code = command(report, **options)
        except CodegenError as error:
            report.add_error(error)
            code = error.exit_code
        except OSError as error:
            problem = describe_path_error(error)
            if problem is None:
                raise
            report.add_error(problem)
            code = problem.exit_code
        report.print()
        return code

    return run


def exit_code_of(findings: "Sequence[Finding]", *, strict: bool) -> int:
    """Return 1 if there is an error, or with `strict` a warning."""
    severities = {finding.severity for finding in findings}
    return int("error" in severities or (strict and "warning" in severities))


def summarize(findings: "Sequence[Finding]") -> str:
    """Return the number of findings of each severity: ``2 errors, 1 note``."""
    severities = [finding.severity for finding in findings]
    counts = [
        count(severities.count(word), word)
        for word in ("error", "warning", "note")
        if word in severities
    ]
    return ", ".join(counts) or "no findings"
