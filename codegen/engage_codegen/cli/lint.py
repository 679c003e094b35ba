"""The command `lint`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..findings.finding import OutputFormat
from .comparison import exit_code_of, lint_target, strict_option, summarize
from .console import say
from .options import (
    configured,
    load,
)
from .reporting import Found, formatted

if TYPE_CHECKING:
    pass


@click.command("lint")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[PATH]...")
@configured
@formatted
@click.option("--fix", is_flag=True, help="Put right what needs no judgement, in the files.")
@strict_option
@click.option("--rules", "is_listing", is_flag=True, help="List all rules, and do nothing else.")
@click.option("--explain", metavar="CODE", help="Explain a rule, and do nothing else.")
def command(
    paths: tuple[Path, ...],
    form: OutputFormat,
    fix: bool,
    strict: bool,
    is_listing: bool,
    explain: str | None,
    **options: object,
) -> int:
    """Find what is wrong with schemas before anybody depends on them.

    PATHs are schema files and folders of them, taken together as those of one tenant; without any,
    the snapshot. Works offline. Exit code 1 if there are errors.
    """
    if is_listing or explain:
        return _explained(explain)
    configs = load(options)
    all_found = Found(configs, form)
    # Files that are named belong to no target.
    for settings in configs[:1] if paths else configs:
        all_found.shown += all_found.left(lint_target(settings, paths, fix=fix))
    all_found.show()
    say(summarize(all_found.shown))
    return exit_code_of(all_found.shown, strict)


def _explained(code: str | None) -> int:
    from ..lint.verdicts import catalogue

    rows = [row for row in catalogue() if code is None or row[0] == code.upper()]
    if not rows:
        raise click.BadParameter(f"there is no rule {code}; --rules lists them", param_hint="CODE")
    for row, severity, title, about in rows:
        click.echo(f"{row} {severity:7} {title}" + (f"\n\n{about}" if code else ""))
    return 0
