"""The command `diff`."""

from pathlib import Path

import click

from ..config import Config
from ..sources.interface import ApiKey
from .comparison import report_changes
from .options import (
    config_options,
    load_configs,
    run_for_targets,
    tenant_options,
    usage_option,
)
from .reporting import FindingReport, reports_findings
from .tenants import announce_tenants

EXAMPLES = ["engage-codegen diff", "engage-codegen diff git:HEAD snapshot"]


@click.command("diff")
@click.argument("ours", default="snapshot", metavar="[A]")
@click.argument("theirs", default="live", metavar="[B]")
@config_options
@usage_option
@tenant_options
@reports_findings
def command(
    report: FindingReport, ours: str, theirs: str, usage: tuple[Path, ...], **options: object
) -> int:
    """Report whether code generated from A still fits B, and why not.

    A and B are each: snapshot (default of A), live (the tenant, default of B), git:REVISION (the
    snapshot of a commit), a file or folder of schemas, or a generated package. Exit codes: 0 no
    difference, 3 compatible, 4 breaking, 1 undecided, 5 the tenant could not be reached.
    """
    from ..inspection import sides

    configs = load_configs(options)
    report.use_waivers(configs)
    if sides.LIVE in (ours, theirs):
        announce_tenants(configs, report)

    def compare_target(config: Config, key: ApiKey) -> int:
        comparison = sides.compare_sides(ours, theirs, config, key)
        package = sides.package_of(ours, config)
        situation = sides.situation_of(theirs, config)
        return report_changes(report, comparison, config, package, situation, usage)

    return run_for_targets(configs, compare_target, report)
