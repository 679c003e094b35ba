"""The commands that judge schemas and packages: check, lint, diff, verify."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .. import pipeline, snapshot
from ..config import Config
from ..errors import SourceError
from ..findings import Finding, OutputFormat
from ..sources.interface import ApiKey
from ..terminal import count, say
from .found import Found, formatted
from .options import configured, each, load, no_cache, of_tenant, tell_unread, worst

if TYPE_CHECKING:
    from ..compat import Change

_STRICT = click.option("--strict", is_flag=True, help="Exit with 1 for warnings too.")
_USAGE = click.option(
    "--usage",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="Also point at the calls in this source tree that can break.",
)
_LINTED, _COMPARED = ("EG1", "EG2"), ("EG301", "EG302", "EG303", "EG304")


@click.command()
@configured
@formatted
@no_cache
@click.option("--live", is_flag=True, help="Compare with the tenant as well.")
@_USAGE
@_STRICT
@of_tenant
def check(
    form: OutputFormat,
    no_cache: bool,
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
        plan = pipeline.check(settings, is_anew=no_cache)
        if plan is not None:
            all_found.stale(plan, settings)
        code = worst([int(plan is not None), offline(settings)])
        return worst([code, _compared(settings, key, all_found, usage)]) if live else code

    def offline(settings: Config) -> int:
        has_schemas = bool(snapshot.files(settings.output))
        found = all_found.left(_linted(settings) if has_schemas else [], _LINTED)
        # Advice belongs to lint.
        found = [it for it in found if it.severity in ("error", *(["warning"] if strict else []))]
        all_found.shown += found
        return _code(found, strict)

    code = each(configs, one)
    if not options.get("targets"):
        about = all_found.judge_waivers()
        code = worst([code, _code(about, strict)])
    all_found.show()
    if not code:
        say("up to date")
    elif all_found.shown:
        say(_summary(all_found.shown))
    return code


def _compared(settings: Config, key: ApiKey, all_found: Found, usage: tuple[Path, ...]) -> int:
    """The snapshot against the tenant; what was found offline is shown even if that is away."""
    from .. import drift

    try:
        changes = drift.against_tenant(settings, key)
    except SourceError as error:
        say(f"error: {error}", 0)
        return error.exit_code
    return _drifted(changes, settings, settings.output, all_found, usage)


def _drifted(
    changes: "Sequence[Change]",
    settings: Config,
    package: Path | None,
    all_found: Found,
    usage: tuple[Path, ...],
) -> int:
    """Show what differs from a package, on its lines, and at the calls of its code; without a
    package at those of the target's."""
    from .. import drift

    judged = [
        (replace(finding, tenant=settings.name), change)
        for finding, change in drift.findings(changes, package)
    ]
    left = all_found.left([finding for finding, _ in judged], _COMPARED)
    all_found.shown += left
    if usage:
        from .. import usage as using

        output = package.absolute() if package else settings.output
        made = snapshot.read_lock(output).made()
        calls = using.find(usage, output, made)
        tell_unread(calls.unread)
        remaining = [(finding, change) for finding, change in judged if finding in left]
        all_found.shown += drift.at_calls(remaining, calls.sites, made)
    say(drift.summary(left, len(judged) - len(left)))
    return drift.exit_code(left)


def _linted(settings: Config, paths: Sequence[Path] = (), *, fix: bool = False) -> list[Finding]:
    from ..lint import lint as linted

    where = paths or [settings.output / snapshot.FOLDER]
    return linted(where, settings.dialect, settings.renames, fix=fix)


def _code(found: Sequence[Finding], strict: bool) -> int:
    severities = {finding.severity for finding in found}
    return int("error" in severities or (strict and "warning" in severities))


def _summary(found: Sequence[Finding]) -> str:
    severities = [finding.severity for finding in found]
    told = [
        count(severities.count(word), word)
        for word in ("error", "warning", "note")
        if word in severities
    ]
    return ", ".join(told) or "nothing found"


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[PATH]...")
@configured
@formatted
@click.option("--fix", is_flag=True, help="Put right what needs no judgement, in the files.")
@_STRICT
@click.option("--rules", "is_listing", is_flag=True, help="List all rules, and do nothing else.")
@click.option("--explain", metavar="CODE", help="Explain a rule, and do nothing else.")
def lint(
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
        all_found.shown += all_found.left(_linted(settings, paths, fix=fix))
    all_found.show()
    say(_summary(all_found.shown))
    return _code(all_found.shown, strict)


def _explained(code: str | None) -> int:
    from ..lint.verdicts import catalogue

    rows = [row for row in catalogue() if code is None or row[0] == code.upper()]
    if not rows:
        raise click.BadParameter(f"there is no rule {code}; --rules lists them", param_hint="CODE")
    for row, severity, title, about in rows:
        click.echo(f"{row} {severity:7} {title}" + (f"\n\n{about}" if code else ""))
    return 0


@click.command()
@click.argument("ours", default="snapshot", metavar="[A]")
@click.argument("theirs", default="live", metavar="[B]")
@configured
@formatted
@_USAGE
@of_tenant
def diff(
    ours: str, theirs: str, form: OutputFormat, usage: tuple[Path, ...], **options: object
) -> int:
    """Tell whether code generated from A still fits B, and if not, why.

    A and B are: snapshot (A's default), live (B's default: the tenant), git:REVISION (the snapshot
    of a commit), a file or folder of schemas, or a generated package. Exit codes: 0 no difference,
    3 compatible ones, 4 breaking ones, 1 undecided ones, 5 the tenant could not be reached.
    """
    from .. import drift

    configs = load(options)
    all_found = Found(configs, form)

    def one(settings: Config, key: ApiKey) -> int:
        first, second = (drift.schemas_of(side, settings, key) for side in (ours, theirs))
        changes = drift.compare(first, second, settings.dialect)
        return _drifted(changes, settings, drift.package_of(ours, settings), all_found, usage)

    code = each(configs, one)
    all_found.show()
    return code


@click.command()
@configured
def verify(**options: object) -> int:
    """Compare the package with an independent validator.

    For every schema of the snapshot, payloads that are valid or nearly so are given to the
    generated class and to jsonschema-rs. Exit code 1 if they differ, if a payload does not survive
    reading and writing, if an installed type checker finds an error, or if the package is stale.
    Works offline.
    """
    from ..verify import verify as verified

    def one(settings: Config, _: ApiKey) -> int:
        found = verified(settings)
        for line in found.lines():
            print(line)
        say(found.verdict)
        return 0 if found.is_sound else 1

    return each(load(options), one)
