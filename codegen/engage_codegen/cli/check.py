"""The command `check`."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .. import __version__, pipeline
from ..config import Config
from ..errors import Location, SourceError
from ..output.lockfile import FOLDER, LOCKFILE_PATH
from ..sources.interface import ApiKey
from .comparison import report_changes
from .console import count, print_status, shorten
from .options import (
    config_options,
    load_configs,
    run_for_targets,
    strict_option,
    tenant_options,
    usage_option,
    worst_exit_code,
)
from .reporting import FindingReport, exit_code_of, reports_findings, summarize
from .tenants import announce_tenants

if TYPE_CHECKING:
    from ..findings.finding import Finding
    from ..output.plan import Change

EXAMPLES = [
    "engage-codegen check",
    "engage-codegen check --live --usage src --output-format github",
]

_LINT_CODES = ("EG1", "EG2")


@click.command("check")
@config_options
@click.option("--live", is_flag=True, help="Compare with the tenant as well.")
@click.option(
    "--probe",
    "with_probe",
    is_flag=True,
    help="With --live: ask the tenant again how it behaves, as `probe` does.",
)
@click.option("--contact", default="", metavar="ID", help="The test contact for --probe.")
@click.option("--email", default="", metavar="ADDRESS", help="Its e-mail address instead.")
@usage_option
@strict_option
@tenant_options
@reports_findings
def command(
    report: FindingReport,
    live: bool,
    with_probe: bool,
    contact: str,
    email: str,
    usage: tuple[Path, ...],
    strict: bool,
    **options: object,
) -> int:
    """Check that the package is what generate would write. Writes nothing.

    Renders the package from its schemas and compares every file, also the lock file. Errors in the
    schemas and files that Python would import unexpectedly count as well. Works offline, except
    for --live, which compares the snapshot with the tenant, and --probe, which also compares how
    the tenant behaves with engage-platform.toml. Exit codes: 0 current, 1 findings, and with
    --live 3 the tenant differs compatibly, 4 it breaks, 5 it could not be reached.
    """
    if usage and not live:
        raise click.UsageError("--usage shows what --live finds: add --live")
    if with_probe and not (live and bool(contact) != bool(email)):
        raise click.UsageError("--probe needs --live, and a test contact: --contact or --email")
    configs = load_configs(options)
    report.use_waivers(configs)
    if live:
        announce_tenants(configs, report)

    def check_target(config: Config, key: ApiKey) -> int:
        codes = [_check_package(report, config, strict), _check_schemas(report, config, strict)]
        if live:
            codes.append(_check_tenant(report, config, key, usage))
        if with_probe:
            codes.append(_check_platform(report, config, key, contact, email))
        return worst_exit_code(codes)

    code = run_for_targets(configs, check_target, report)
    if not options.get("targets"):
        findings = report.add_waiver_findings()
        code = worst_exit_code([code, exit_code_of(findings, strict=strict)])
    if not code:
        print_status("up to date")
    elif report.findings:
        print_status(summarize(report.findings))
    return code


def _check_package(report: FindingReport, config: Config, strict: bool) -> int:
    from ..output.plan import diff_lines

    result = pipeline.check(config)
    findings = [
        *_find_differences(result, config),
        *_find_surroundings(result, config),
        *_find_own_files(result, config),
    ]
    remaining = report.apply_waivers(findings, ("EG4",))
    report.findings += remaining
    if _is_missing(result, config):
        print_status(f"missing: {shorten(config.output)}")
    elif result.is_stale and not result.other_version:
        report.print_diff(list(diff_lines(result.plan)))
        files = count(len(result.plan.changes), "file")
        print_status(f"stale: {files} in {shorten(config.output)}")
    return exit_code_of(remaining, strict=strict)


def _find_differences(result: pipeline.CheckResult, config: Config) -> "Iterator[Finding]":
    from ..findings.finding import Finding, display_path
    from ..output.plan import describe_conflict

    if not result.is_stale:
        return
    if _is_missing(result, config):
        message, fix = "the package does not exist", "engage-codegen generate"
        location = Location(display_path(config.output), "", 1, 1)
        yield Finding("EG401", "", (), ("missing",), message, fix, location, config.name)
        return
    if result.other_version:
        yield _version_finding(result.other_version, config)
        return
    conflicts = {conflict.path: conflict for conflict in result.plan.conflicts}
    command = "engage-codegen generate" + (" --force" if result.requires_force else "")
    for change in result.plan.changes:
        location = Location(display_path(config.output / change.path), "", 1, 1)
        code, message, fix = "EG401", _describe_change(change), command
        if change.path in conflicts:
            conflict = describe_conflict(config.output, conflicts[change.path])
            code, message, fix = "EG405", conflict.message, conflict.fix
        yield Finding(code, "", (), (change.path,), message, fix, location, config.name)


def _is_missing(result: pipeline.CheckResult, config: Config) -> bool:
    """Return True if no file of the package exists beside the snapshot."""
    return not (config.output / "__init__.py").exists() and all(
        change.old is None or change.path.startswith(f"{FOLDER}/") for change in result.plan.changes
    )


def _describe_change(change: "Change") -> str:
    if change.old is None:
        return "the file is missing"
    if change.new is None:
        return "generate would delete the file, because its schema is gone"
    return "the file is not what generate would write"


def _version_finding(version: str, config: Config) -> "Finding":
    from ..findings.finding import Finding, display_path
    from ..output.plan import describe_other_version

    message, fix = describe_other_version(version, is_pinned=bool(config.required_version))
    location = Location(display_path(config.output / LOCKFILE_PATH), "", 1, 1)
    return Finding("EG404", "", (), (version, __version__), message, fix, location, config.name)


def _find_surroundings(result: pipeline.CheckResult, config: Config) -> "Iterator[Finding]":
    from ..findings.finding import Finding, display_path

    for file in result.unexpected:
        location = Location(display_path(config.output / file.path), "", 1, 1)
        reason = (file.kind, file.path)
        yield Finding("EG407", "", (), reason, file.message, file.fix, location, config.name)
    if result.is_ignored:
        message = "git ignores the package, so it is not checked in"
        fix = "remove the ignore rule, or add an exception for the package"
        location = Location(display_path(config.output), "", 1, 1)
        yield Finding("EG408", "", (), (), message, fix, location, config.name)


def _find_own_files(result: pipeline.CheckResult, config: Config) -> "Iterator[Finding]":
    """Yield a note for each template of the project, which names the files that it made."""
    from ..findings.finding import Finding, display_path

    folder = config.templates or config.output
    for template, paths in sorted(result.own_files.items()):
        message = f"the template {template} of the project made {', '.join(sorted(paths))}"
        location = Location(display_path(folder / template), "", 1, 1)
        fix = "engage-codegen verify proves these files"
        yield Finding("EG410", "", (), (template,), message, fix, location, config.name)


def _check_schemas(report: FindingReport, config: Config, strict: bool) -> int:
    from ..lint import lint
    from ..lint.creation import CREATION_CODES
    from ..output.snapshot import snapshot_files

    findings = []
    if snapshot_files(config.output):
        findings = lint([config.output / FOLDER], config.dialect, config.renames)
    # Notes belong to `lint`. Warnings count only with --strict, and so does what the platform
    # refuses in a new schema, because the tenant may have this one already.
    remaining = [
        finding
        for finding in report.apply_waivers(findings, _LINT_CODES)
        if finding.severity in (("error", "warning") if strict else ("error",))
        and (strict or finding.code not in CREATION_CODES)
    ]
    report.findings += remaining
    return exit_code_of(remaining, strict=strict)


def _check_platform(
    report: FindingReport, config: Config, key: ApiKey, contact: str, email: str
) -> int:
    from .probe import ProbeRequest, check_platform

    try:
        return check_platform(report, config, key, ProbeRequest(contact, email))
    except SourceError as error:
        report.add_error(error, config)
        return error.exit_code


def _check_tenant(
    report: FindingReport, config: Config, key: ApiKey, usage: tuple[Path, ...]
) -> int:
    from ..inspection import sides

    try:
        comparison = sides.compare_sides(sides.SNAPSHOT, sides.LIVE, config, key)
    except SourceError as error:
        # The findings of the offline checks are reported all the same.
        report.add_error(error, config)
        return error.exit_code
    situation = sides.situation_of(sides.LIVE, config)
    return report_changes(report, comparison, config, config.output, situation, usage)
