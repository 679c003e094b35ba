"""The command `check`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from .. import pipeline
from ..config import Config
from ..errors import SourceError
from ..findings.finding import OutputFormat
from ..output import snapshot
from ..sources.interface import ApiKey
from .comparison import (
    LINTED,
    exit_code_of,
    lint_target,
    report_changes,
    strict_option,
    summarize,
    usage_option,
)
from .console import say
from .options import (
    configured,
    each,
    load,
    of_tenant,
    worst,
)
from .reporting import Found, formatted

if TYPE_CHECKING:
    pass


@click.command("check")
@configured
@formatted
@click.option("--live", is_flag=True, help="Compare with the tenant as well.")
@usage_option
@strict_option
@of_tenant
def command(
    form: OutputFormat,
    live: bool,
    usage: tuple[Path, ...],
    strict: bool,
    **options: object,
) -> int:
    """Tell whether the package is what generate would make. Writes nothing.

    Errors in its schemas count as well. Works offline, but for --live, which compares the snapshot
    with the tenant. Exit codes: 0 fine, 1 stale or errors, and with --live 3 the tenant differs
    compatibly, 4 it breaks, 5 it could not be reached.
    """
    if usage and not live:
        raise click.UsageError("--usage shows what --live finds: add --live")
    configs = load(options)
    all_found = Found(configs, form)

    def one(settings: Config, key: ApiKey) -> int:
        plan = pipeline.check(settings)
        if plan is not None:
            all_found.stale(plan, settings)
        code = worst([int(plan is not None), offline(settings)])
        return worst([code, _compared(settings, key, all_found, usage)]) if live else code

    def offline(settings: Config) -> int:
        has_schemas = bool(snapshot.files(settings.output))
        found = all_found.left(lint_target(settings) if has_schemas else [], LINTED)
        # Advice belongs to lint.
        found = [it for it in found if it.severity in ("error", *(["warning"] if strict else []))]
        all_found.shown += found
        return exit_code_of(found, strict)

    code = each(configs, one)
    if not options.get("targets"):
        about = all_found.judge_waivers()
        code = worst([code, exit_code_of(about, strict)])
    all_found.show()
    if not code:
        say("up to date")
    elif all_found.shown:
        say(summarize(all_found.shown))
    return code


def _compared(settings: Config, key: ApiKey, all_found: Found, usage: tuple[Path, ...]) -> int:
    """The snapshot against the tenant; what was found offline is shown even if that is away."""
    from ..inspection import sides as drift

    try:
        changes = drift.against_tenant(settings, key)
    except SourceError as error:
        say(f"error: {error}", 0)
        return error.exit_code
    return report_changes(changes, settings, settings.output, all_found, usage)
