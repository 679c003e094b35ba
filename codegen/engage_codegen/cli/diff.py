"""The command `diff`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..config import Config
from ..findings.finding import OutputFormat
from ..sources.interface import ApiKey
from .comparison import report_changes, usage_option
from .options import (
    configured,
    each,
    load,
    of_tenant,
)
from .reporting import Found, formatted

if TYPE_CHECKING:
    pass


@click.command("diff")
@click.argument("ours", default="snapshot", metavar="[A]")
@click.argument("theirs", default="live", metavar="[B]")
@configured
@formatted
@usage_option
@of_tenant
def command(
    ours: str, theirs: str, form: OutputFormat, usage: tuple[Path, ...], **options: object
) -> int:
    """Tell whether code generated from A still fits B, and if not, why.

    A and B are: snapshot (A's default), live (B's default: the tenant), git:REVISION (the snapshot
    of a commit), a file or folder of schemas, or a generated package. Exit codes: 0 no difference,
    3 compatible ones, 4 breaking ones, 1 undecided ones, 5 the tenant could not be reached.
    """
    from ..inspection import sides as drift

    configs = load(options)
    all_found = Found(configs, form)

    def one(settings: Config, key: ApiKey) -> int:
        first, second = (drift.schemas_of(side, settings, key) for side in (ours, theirs))
        changes = drift.compare(first, second, settings.dialect)
        return report_changes(changes, settings, drift.package_of(ours, settings), all_found, usage)

    code = each(configs, one)
    all_found.show()
    return code
