"""The commands that judge schemas and packages: check, lint, diff, verify."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import click

from .. import pipeline, snapshot
from ..errors import API_KEY_VARIABLE
from ..findings import FORMATS, Finding, OutputFormat
from ..schema import UNSAFE_IN_TEXT, escaped
from ..terminal import count, say, short
from .options import base_url, configured, load, user_agent

if TYPE_CHECKING:
    from ..config import Config
    from ..write import Plan

P = ParamSpec("P")
R = TypeVar("R")


def _formatted(command: Callable[P, R]) -> Callable[P, R]:
    return click.option(
        "--output-format",
        "form",
        type=click.Choice(FORMATS),
        default="text",
        show_default=True,
        help="Text for people, JSON for programs, SARIF for dashboards, GitHub's annotations.",
    )(command)


_STRICT = click.option("--strict", is_flag=True, help="Exit with 1 for warnings too.")


@click.command()
@configured
@_formatted
@click.option("--live", is_flag=True, help="Compare with the tenant as well.")
@_STRICT
@base_url
@user_agent
def check(form: OutputFormat, live: bool, strict: bool, **options: object) -> int:
    """Tell whether the package is what generate would make. Writes nothing.

    Errors in its schemas count as well. Works offline, but for --live, which compares the snapshot
    with the tenant. Exit codes: 0 fine, 1 stale or errors, and with --live 3 the tenant differs
    compatibly, 4 it breaks, 5 it could not be reached.
    """
    settings = load(options)
    plan = pipeline.check(settings)
    if plan is not None:
        _tell_stale(plan, settings, form)
        return 1
    folder = settings.output / snapshot.FOLDER
    found = _linted([folder], settings) if snapshot.files(settings.output) else []
    # Advice belongs to lint.
    found = [it for it in found if it.severity in ("error", *(["warning"] if strict else []))]
    code = _code(found, strict)
    if live:
        from .. import drift

        changes = drift.against_tenant(settings, os.environ.get(API_KEY_VARIABLE, ""))
        found += drift.findings(changes, settings.output)
        code = code or drift.exit_code(changes)
        say(drift.summary(changes))
    _print(found, form)
    say("up to date" if not code else _summary(found))
    return code


def _tell_stale(plan: "Plan", settings: "Config", form: OutputFormat) -> None:
    if form == "text":
        from ..write import show

        for line in show(plan):
            click.echo(UNSAFE_IN_TEXT.sub(escaped, line))
    else:
        reason, fix = "is not what generate would make", "engage-codegen generate"
        _print(
            [
                Finding("EG401", "error", "", (), f"{change.path} {reason}", fix)
                for change in plan.changes
            ],
            form,
        )
    say(
        f"stale: {count(len(plan.changes), 'file')} in {short(settings.output)}\n"
        "  fix: engage-codegen generate"
    )


def _linted(paths: Sequence[Path], settings: "Config", *, fix: bool = False) -> list[Finding]:
    from ..lint import lint as linted

    return linted(paths, settings.dialect, settings.renames, fix=fix)


def _code(found: Sequence[Finding], strict: bool) -> int:
    worst = {finding.severity for finding in found}
    return int("error" in worst or (strict and "warning" in worst))


def _print(found: Sequence[Finding], form: OutputFormat) -> None:
    if not found and form in ("text", "github"):
        return
    from ..lint.verdicts import catalogue
    from ..report import report

    rules = [(code, title, about) for code, _, title, about in catalogue()]
    click.echo(report(found, form, rules), nl=False)


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
@_formatted
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
    settings = load(options)
    found = _linted(paths or [settings.output / snapshot.FOLDER], settings, fix=fix)
    _print(found, form)
    say(_summary(found))
    return _code(found, strict)


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
@_formatted
@base_url
@user_agent
def diff(ours: str, theirs: str, form: OutputFormat, **options: object) -> int:
    """Tell whether code generated from A still fits B, and if not, why.

    A and B are: snapshot (A's default), live (B's default: the tenant), git:REVISION (the snapshot
    of a commit), a file or folder of schemas, or a generated package. Exit codes: 0 no difference,
    3 compatible ones, 4 breaking ones, 1 undecided ones, 5 the tenant could not be reached.
    """
    from .. import drift

    settings = load(options)
    key = os.environ.get(API_KEY_VARIABLE, "")
    one, other = (drift.schemas_of(side, settings, key) for side in (ours, theirs))
    changes = drift.compare(one, other, settings.dialect)
    _print(drift.findings(changes, settings.output), form)
    say(drift.summary(changes))
    return drift.exit_code(changes)


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

    found = verified(load(options))
    for line in found.lines():
        print(line)
    say(found.verdict)
    return 0 if found.is_sound else 1
