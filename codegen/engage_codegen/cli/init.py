"""The command that sets a repository up: init."""

import difflib
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

import click

from ..config import load
from ..errors import InputError
from ..filesystem import replace_files
from ..integrations import project as projects
from ..integrations.scaffold import EXTRAS, Step, Wanted, plan
from ..sources.interface import ApiKey
from ..sources.tenant import TenantConnection
from .console import is_terminal, print_status
from .options import current_folder, verbosity_options

EXAMPLES = [
    "engage-codegen init --base-url https://acme.voyado.com",
    "engage-codegen init --with vscode --with pre-commit --dry-run",
]


@click.command("init")
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
@verbosity_options
def command(
    base_url: str | None,
    schemas: str | None,
    user_agent: str | None,
    package: str | None,
    output: str | None,
    extras: tuple[str, ...],
    dry_run: bool,
    yes: bool,
) -> int:
    """Set up the tool in the repository of the current folder.

    Adds the section [tool.engage-codegen] to pyproject.toml, what makes the package importable and
    part of a build, and what is picked with --with. Shows each change first. Nothing that is there
    is changed or taken out, and a second time there is nothing to do. On a terminal it asks for
    what is not given.
    """
    _refuse_subfolder(current_folder())
    project = projects.read_project(Path())
    asks = is_terminal(sys.stdin) and not yes
    given = (base_url or "", schemas or "", user_agent or "", package or "", output or "")
    if project.has_section:
        wanted = _configured(given)
    else:
        wanted = _wanted(project, given, asks=asks)
        if asks and not extras:
            extras = tuple(it for it in EXTRAS if click.confirm(f"Set up {it}?", err=True))
    steps = plan(project, wanted, extras)
    if not steps:
        print_status("nothing to do: all of it is there")
        return 0
    for step in steps:
        _show(step)
    changed = [it for it in steps if it.old != it.new]
    if dry_run or not changed:
        return 0
    if asks and not click.confirm("Write this?", default=True, err=True):
        return 0
    replace_files({Path(step.path): step.new for step in changed})
    for step in changed:
        print_status(f"wrote {step.path}")
    key = "" if wanted.schemas else "with the key in ENGAGE_API_KEY: engage-codegen pull, then "
    print_status(f"next, {key}engage-codegen generate; the package needs httpx")
    return 0


def _refuse_subfolder(folder: Path) -> None:
    """A second configuration would hide the first one."""
    if (folder / "pyproject.toml").exists():
        return
    for parent in folder.parents:
        if (parent / "pyproject.toml").exists():
            raise InputError(
                "the project is further up", where=str(parent), fix="run init in that folder"
            )


def _configured(given: tuple[str, ...]) -> Wanted:
    """What an existing section says, of all its targets; what is given beside has to agree."""
    configs = load(file=Path("pyproject.toml"), environ={}, flags={}, folder=Path.cwd())

    def below(path: Path) -> str:
        return Path(os.path.relpath(path)).as_posix()

    first, *others = [
        Wanted(one.base_url, ":".join(map(below, one.schemas)), one.user_agent, below(one.output))
        for one in configs
    ]
    base_url, schemas, user_agent, package, output = given
    asked = (base_url.rstrip("/"), _path(schemas), user_agent, _path(output))
    said = (first.base_url, first.schemas, first.user_agent, first.output)
    for wish, has in zip(asked, said, strict=True):
        if wish and wish != has:
            raise InputError(
                f"the project is set up already, with {has or 'nothing'} for {wish}",
                where="pyproject.toml, [tool.engage-codegen]",
                fix="change it there",
            )
    if package and package != PurePosixPath(first.output).name:
        raise InputError(
            f"the package is {first.output} already", where="pyproject.toml", fix="change it there"
        )
    return replace(first, also=tuple(others))


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
        _path(schemas),
        user_agent or project.user_agent,
        _path(folder),
    )
    if schemas and not Path(schemas).exists():
        raise InputError("no such file or folder", where=schemas, fix="check the path")
    flags = {"user-agent": wanted.user_agent, "output": wanted.output}
    # Both raise for what cannot be.
    load(file=None, environ={}, flags=flags, folder=Path.cwd())
    url = wanted.base_url or "https://acme.voyado.com"
    TenantConnection(url, key=ApiKey("k"), user_agent=wanted.user_agent, api_version="v3")
    return wanted


def _path(text: str) -> str:
    """Below the project's folder, with ``/`` and without ``./``."""
    return PurePosixPath(text.replace("\\", "/")).as_posix() if text else ""


def _show(step: Step) -> None:
    lines: Sequence[str] = []
    if step.old != step.new:
        old, new = (step.old or "").splitlines(), step.new.splitlines()
        source = step.path if step.old is not None else "/dev/null"
        lines = [*difflib.unified_diff(old, new, source, step.path, lineterm="")]
    for line in lines:
        click.echo(line)
    if step.by_hand:
        print_status(f"{step.path}: add by hand:\n{step.by_hand}", 0)
