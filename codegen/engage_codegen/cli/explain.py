"""The command `explain`."""

from pathlib import Path

import click

from ..config import Config
from ..output.snapshot import read_lockfile
from ..sources.interface import ApiKey
from .console import print_line, print_status
from .options import complete_ids, config_options, load_configs, report_unread, run_for_targets

EXAMPLES = ["engage-codegen explain favourite.price --usage src"]


@click.command("explain")
@click.argument("subject", metavar="ID[.PROPERTY]", shell_complete=complete_ids)
@config_options
@click.option(
    "--usage",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="Also list the calls in this source tree.",
)
def command(subject: str, usage: tuple[Path, ...], **options: object) -> int:
    """Explain where a schema or property comes from and what became of it.

    Prints where it was pulled from, its name in Python and the reason for it, its rules, its
    attributes on the platform, the smallest payload with it, and with --usage where it is used.
    Works offline.
    """
    from ..inspection.call_sites import find_calls
    from ..inspection.explain import describe, describe_calls, find_subject

    def explain_target(config: Config, _key: ApiKey) -> int:
        target = find_subject(config, subject)
        for label, text in describe(target):
            print_line(f"{label:10} {text}")
        if usage:
            result = find_calls(usage, config.output, read_lockfile(config.output).modules)
            report_unread(result.unread)
            calls = list(describe_calls(target, result.sites))
            for call in calls:
                print_line(f"{'used':10} {call}")
            if not calls:
                print_status("no calls")
        return 0

    return run_for_targets(load_configs(options), explain_target)
