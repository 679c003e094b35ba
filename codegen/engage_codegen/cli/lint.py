"""The command `lint`."""

from pathlib import Path

import click

from ..config import Config
from ..errors import CodegenError
from ..findings.finding import Finding, sort_findings
from ..schema.text import quote, suggest
from .console import print_status
from .options import config_options, load_configs, strict_option
from .reporting import FindingReport, exit_code_of, reports_findings, summarize

EXAMPLES = ["engage-codegen lint schemas --fix", "engage-codegen lint --explain EG118"]


def _complete_codes(_context: object, _parameter: object, incomplete: str) -> list[str]:
    from ..findings.codes import rules

    return [code for code in rules() if code.startswith(incomplete.upper())]


@click.command("lint")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[PATH]...")
@config_options
@click.option("--fix", is_flag=True, help="Correct what needs no judgment, in the files.")
@strict_option
@click.option("--rules", "is_listing", is_flag=True, help="List all rules and exit.")
@click.option(
    "--explain", metavar="CODE", shell_complete=_complete_codes, help="Explain a rule and exit."
)
@reports_findings
def command(
    report: FindingReport,
    paths: tuple[Path, ...],
    fix: bool,
    strict: bool,
    is_listing: bool,
    explain: str | None,
    **options: object,
) -> int:
    """Report problems in schemas before anybody depends on them.

    PATHs are schema files and folders of them, taken together as the schemas of one tenant. Without
    PATHs, the configured `schemas` are checked, or the snapshot if there are none. Works offline.
    Exit code 1 if there are errors.
    """
    from ..lint import lint
    from ..output.lockfile import FOLDER

    if is_listing or explain:
        return _print_rules(explain)
    configs = load_configs(options)
    report.use_waivers(configs)
    # Files that are named belong to no target.
    for config in configs[:1] if paths else configs:
        files = paths or config.schemas or [config.output / FOLDER]
        findings = lint(files, config.dialect, config.renames, fix=fix)
        if not paths:
            findings = sort_findings([*findings, *_review_contracts(config)])
        report.findings += report.apply_waivers(findings)
    print_status(summarize(report.findings))
    return exit_code_of(report.findings, strict=strict)


def _review_contracts(config: Config) -> list[Finding]:
    """Return the findings about the contracts of a target, as far as its schemas can be read."""
    from ..contract.files import read_contracts
    from ..contract.review import review_contracts
    from ..lint import locate_findings
    from ..output.freshness import read_schema_files
    from ..output.lockfile import FOLDER
    from ..output.snapshot import read_snapshot

    contracts = read_contracts(config.contracts)
    if not contracts:
        return []
    try:
        schemas = (
            read_schema_files(config.schemas) if config.schemas else read_snapshot(config.output)
        )
    except CodegenError:
        return []  # `lint` reports it
    findings = review_contracts(schemas, contracts, config.dialect)
    return locate_findings(findings, [*config.schemas] or [config.output / FOLDER])


def _print_rules(code: str | None) -> int:
    from ..findings.codes import rules

    rows = [rule for rule in rules().values() if code is None or rule.code == code.upper()]
    if not rows:
        near = suggest(str(code).upper(), rules())
        hint = f"{near} --rules lists all of them".strip()
        raise click.BadParameter(f"unknown rule {quote(str(code))}; {hint}", param_hint="CODE")
    for rule in rows:
        click.echo(f"{rule.code} {rule.severity:7} {rule.title}")
        if code:
            click.echo(f"\n{rule.help}\n\nfix: {rule.remedy}")
            if rule.page:
                click.echo(f"page: engage-codegen docs {rule.page}")
            for label, example in (("fails", rule.fails), ("passes", rule.passes)):
                if example:
                    click.echo(f"\n{label}:\n  " + example.replace("\n", "\n  "))
    return 0
