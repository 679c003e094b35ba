"""The command that sets a repository up: init."""

import difflib
import os
import sys
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import click

from ..config import Config, load
from ..disk import put
from ..errors import InputError
from ..integrations import project as projects
from ..integrations.setup import EXTRAS, Step, Wanted, plan
from ..terminal import is_terminal, say
from .options import mannered


@click.command()
@click.option("--base-url", metavar="URL", help="The tenant, like https://acme.voyado.com.")
@click.option("--schemas", metavar="FOLDER", help="Schema files as the source instead.")
@click.option("--user-agent", metavar="NAME/VERSION", help="Your integration, for the vendor.")
@click.option("--package", metavar="NAME", help="engage_interactions by default.")
@click.option("--output", metavar="FOLDER", help="The package folder itself.")
@click.option(
    "--with",
    "extras",
    multiple=True,
    type=click.Choice(EXTRAS),
    help="Also set this up; may be given several times.",
)
@click.option("--dry-run", is_flag=True, help="Show what would be written, and write nothing.")
@click.option("--yes", "-y", is_flag=True, help="Ask nothing.")
@mannered
def init(
    base_url: str | None,
    schemas: str | None,
    user_agent: str | None,
    package: str | None,
    output: str | None,
    extras: tuple[str, ...],
    dry_run: bool,
    yes: bool,
) -> int:
    """Set the tool up in the repository of the current folder.

    Adds the section [tool.engage-codegen] to pyproject.toml, what makes the package importable and
    part of a build, and what is picked with --with. Shows each change first. Nothing that is there
    is changed or taken out, and a second time there is nothing to do. On a terminal it asks for
    what is not given.
    """
    project = projects.read(Path())
    asks = is_terminal(sys.stdin) and not yes
    if project.has_section:
        wanted = _configured()
    else:
        given = (base_url or "", schemas or "", user_agent or "", package or "", output or "")
        wanted = _wanted(project, given, asks=asks)
        if asks and not extras:
            extras = tuple(it for it in EXTRAS if click.confirm(f"Set up {it}?", err=True))
    steps = plan(project, wanted, extras)
    if not steps:
        say("nothing to do: all of it is there")
        return 0
    for step in steps:
        _show(step)
    changed = [it for it in steps if it.old != it.new]
    if dry_run or not changed:
        return 0
    if asks and not click.confirm("Write this?", default=True, err=True):
        return 0
    for step in changed:
        put(Path(step.path), step.new)
        say(f"wrote {step.path}")
    key = "" if wanted.schemas else "with the key in ENGAGE_API_KEY: engage-codegen pull, then "
    say(f"next, {key}engage-codegen generate")
    return 0


def _configured() -> Wanted:
    """What an existing section says, of its first target."""
    one: Config = load(file=Path("pyproject.toml"), environ={}, flags={}, folder=Path.cwd())[0]

    def below(path: Path) -> str:
        return Path(os.path.relpath(path)).as_posix()

    schemas = below(one.schemas[0]) if one.schemas else ""
    return Wanted(one.base_url, schemas, one.user_agent, below(one.output))


def _wanted(project: projects.Project, given: tuple[str, ...], *, asks: bool) -> Wanted:
    base_url, schemas, user_agent, package, output = given
    if asks and not (base_url or schemas):
        base_url = click.prompt("URL of the tenant", default="https://acme.voyado.com", err=True)
    if not (base_url or schemas):
        raise InputError(
            "there is no source of schemas",
            where="--base-url, --schemas",
            fix="name the tenant: engage-codegen init --base-url https://acme.voyado.com",
        )
    if asks and not package and not output:
        package = click.prompt("Name of the package", default="engage_interactions", err=True)
    folder = output or (project.home / (package or "engage_interactions")).as_posix()
    if asks and not output:
        folder = click.prompt("Folder of the package", default=folder, err=True)
    if asks and not user_agent:
        user_agent = click.prompt("User agent", default=project.user_agent, err=True)
    wanted = Wanted(
        base_url.rstrip("/"),
        schemas.replace("\\", "/").rstrip("/"),
        user_agent or project.user_agent,
        PurePosixPath(folder.replace("\\", "/")).as_posix(),
    )
    flags = {"user-agent": wanted.user_agent, "output": wanted.output}
    load(file=None, environ={}, flags=flags, folder=Path.cwd())  # raises for what cannot be
    return wanted


def _show(step: Step) -> None:
    lines: Sequence[str] = []
    if step.old != step.new:
        old, new = (step.old or "").splitlines(), step.new.splitlines()
        source = step.path if step.old is not None else "/dev/null"
        lines = [*difflib.unified_diff(old, new, source, step.path, lineterm="")]
    for line in lines:
        click.echo(line)
    if step.by_hand:
        say(f"{step.path}: add by hand:\n{step.by_hand}", 0)
