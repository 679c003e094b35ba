"""The command `pull`."""

import click

from .. import pipeline
from ..config import Config
from ..sources.interface import ApiKey
from .console import count, print_status, show_progress
from .options import (
    complete_ids,
    config_options,
    load_configs,
    run_for_targets,
    tenant_options,
)
from .reporting import FindingReport, reports_findings
from .tenants import announce_tenants

EXAMPLES = ["engage-codegen pull", "engage-codegen pull repair productReview"]


@click.command("pull")
@click.argument("ids", nargs=-1, metavar="[ID]...", shell_complete=complete_ids)
@config_options
@tenant_options
@click.option("--force", is_flag=True, help="Overwrite a snapshot that was edited by hand.")
@reports_findings
def command(report: FindingReport, ids: tuple[str, ...], force: bool, **options: object) -> int:
    """Fetch the schemas of the tenant into the snapshot.

    With IDs, only these are refreshed. Either all of them arrive or nothing changes. The API key
    comes from the environment variable ENGAGE_API_KEY, that of a target from ENGAGE_API_KEY_NAME.
    """

    def pull_target(config: Config, key: ApiKey) -> int:
        source = pipeline.source_of(config, key)
        with show_progress() as progress:
            result = pipeline.pull(config, source, ids, force=force, progress=progress)
        for word, changed in (
            ("added", result.added),
            ("changed", result.changed),
            ("removed", result.removed),
        ):
            for schema_id in changed:
                print_status(f"{word:9}{schema_id}")
        total = len(result.added) + len(result.changed) + len(result.unchanged)
        origin = pipeline.origin_of(config)
        unchanged = len(result.unchanged)
        print_status(f"{count(total, 'schema')} pulled from {origin}, {unchanged} unchanged")
        return 0

    configs = load_configs(options)
    announce_tenants((config for config in configs if not config.schemas), report)
    return run_for_targets(configs, pull_target, report)
