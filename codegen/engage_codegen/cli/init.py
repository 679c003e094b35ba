"""The command `init`."""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import click

from ..config import Config, is_in_project, load
from ..errors import InputError
from ..filesystem import replace_files
from ..integrations.pins import plan_pins
from ..integrations.project import Project, read_project, require_supported_python
from ..integrations.requirement import is_local, tool_requirement
from ..integrations.scaffold import (
    EXTRAS,
    FileChange,
    Setup,
    Target,
    needs_requirement,
    plan_files,
)
from ..output.difference import compare_lines
from ..output.git import is_ignored
from ..schema.redaction import hide_credentials
from ..sources.connection import TenantConnection
from ..sources.interface import ApiKey
from .console import Verbosity, is_terminal, print_line, print_lines, print_status
from .options import current_folder, verbosity_options

EXAMPLES = [
    "engage-codegen init --base-url https://acme.voyado.com",
    "engage-codegen init --with vscode --with pre-commit --dry-run",
]
_PACKAGE = "engage_interactions"


@dataclass(frozen=True, slots=True)
class _Flags:
    """The settings of the command line; empty strings if they are not given."""

    base_url: str
    schemas: str
    user_agent: str
    package: str
    output: str


@click.command("init")
@click.option(
    "--base-url", metavar="URL", help="The URL of the tenant.  [default: $ENGAGE_BASE_URL]"
)
@click.option("--schemas", metavar="PATH", help="Schema files as the source instead of a tenant.")
@click.option(
    "--user-agent",
    metavar="NAME/VERSION",
    help="Names your integration for the vendor.  [default: $ENGAGE_USER_AGENT, or the name and "
    "version of the project]",
)
@click.option("--package", metavar="NAME", help="The name of the package.")
@click.option("--output", metavar="FOLDER", help="The package folder itself.")
@click.option(
    "--with",
    "extras",
    multiple=True,
    type=click.Choice(EXTRAS),
    help="Also set this up; may be given several times.",
)
@click.option(
    "--install-from",
    metavar="URL",
    help="Where builds, hooks and CI install engage-codegen from: a URL, or the path of a clone "
    "or a wheel.  [default: where this command was installed from]",
)
@click.option("--dry-run", is_flag=True, help="Show the changes, and write nothing.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask questions.")
@verbosity_options
def command(
    base_url: str | None,
    schemas: str | None,
    user_agent: str | None,
    package: str | None,
    output: str | None,
    extras: tuple[str, ...],
    install_from: str | None,
    dry_run: bool,
    yes: bool,
) -> int:
    """Set up the tool in the repository of the current folder.

    Adds the section [tool.engage-codegen] to pyproject.toml, the settings that make the package
    importable and part of a build, and the extras of --with. Every change is shown first. Nothing
    that exists is changed, except for the pins of an earlier version of this tool, which are moved
    to this version. If nothing is missing, nothing is written. On a terminal it asks for settings
    that are neither given nor known.
    """
    _refuse_subfolder(current_folder())
    project = read_project(Path())
    require_supported_python(project)
    asks = is_terminal(sys.stdin) and not yes
    flags = _Flags(base_url or "", schemas or "", user_agent or "", package or "", output or "")
    if project.section is not None:
        targets = _existing_targets(flags)
    else:
        targets = (_new_target(project, flags, asks=asks),)
        if asks and not extras:
            extras = tuple(name for name in EXTRAS if click.confirm(f"Set up {name}?", err=True))
    requirement = _require_requirement(project, extras, install_from or "", asks=asks)
    setup = Setup(targets, extras, requirement)
    changes = plan_files(project, setup)
    changes = plan_pins(project, changes, requirement, is_explicit=bool(install_from))
    _warn_of_ignored(targets)
    if not changes:
        print_status("nothing to do: everything is set up")
        return 0
    return _write(changes, setup, is_dry_run=dry_run, asks=asks)


def _write(changes: Sequence[FileChange], setup: Setup, *, is_dry_run: bool, asks: bool) -> int:
    """Show the changes, and write them unless the user wants otherwise."""
    for change in changes:
        _show(change, is_answer=is_dry_run or asks)
    written = [change for change in changes if change.is_change]
    if is_dry_run or not written:
        return 0
    if asks and not click.confirm("Write these changes?", default=True, err=True):
        return 0
    replace_files({Path(change.path): change.new for change in written})
    for change in written:
        print_status(f"wrote {change.path}")
    _warn_of_local_pins(written)
    pull = (
        "" if setup.targets[0].schemas else "set ENGAGE_API_KEY and run engage-codegen pull, then "
    )
    needs = " and ".join(setup.http_libraries)
    print_status(f"next: {pull}run engage-codegen generate (the package needs {needs})")
    print_status('for an outbox in PostgreSQL, also add "psycopg[binary]>=3.2" to the dependencies')
    return 0


def _refuse_subfolder(folder: Path) -> None:
    """Refuse a folder below a project, where a second configuration would hide the first one."""
    if (folder / "pyproject.toml").exists():
        return
    for parent in folder.parents:
        if (parent / "pyproject.toml").exists():
            raise InputError(
                "the current folder is inside a project, and a second pyproject.toml would hide "
                "that of the project",
                where=str(parent),
                fix="run init in that folder",
            )


def _existing_targets(flags: _Flags) -> tuple[Target, ...]:
    """Return the targets of the existing section. Raises `InputError` if a flag contradicts it."""
    configs = load(file=Path("pyproject.toml"), environ={}, flags={}, folder=Path.cwd())
    targets = tuple(map(_target_of, configs))
    first = targets[0]
    settings = (
        ("--base-url", flags.base_url.rstrip("/"), first.base_url),
        ("--schemas", _normalize(flags.schemas), ":".join(first.schemas)),
        ("--user-agent", flags.user_agent, first.user_agent),
        ("--output", _normalize(flags.output), first.output),
        ("--package", flags.package, PurePosixPath(first.output).name),
    )
    for name, value, existing in settings:
        if value and value != existing:
            hide = hide_credentials if name == "--base-url" else str
            raise InputError(
                f"the project is already set up with {hide(existing) or 'no value'} for {name}, "
                f"not with {hide(value)}",
                where="pyproject.toml, [tool.engage-codegen]",
                fix="change the value there",
            )
    return targets


def _target_of(config: Config) -> Target:
    def relative(path: Path) -> str:
        return Path(os.path.relpath(path)).as_posix()

    schemas = tuple(map(relative, config.schemas))
    output = relative(config.output)
    inputs = tuple(map(relative, filter(None, (config.contracts, config.templates))))
    return Target(
        *(config.base_url, schemas, config.user_agent, output, config.http, config.name),
        inputs=inputs,
    )


def _new_target(project: Project, flags: _Flags, *, asks: bool) -> Target:
    """Return the settings for a new section, and ask for those that are not known.

    Raises `InputError` and `ConfigError` for settings that cannot work.
    """
    base_url = flags.base_url
    if not flags.schemas:
        base_url = base_url or os.environ.get("ENGAGE_BASE_URL", "")
    if asks and not (base_url or flags.schemas):
        base_url = click.prompt("URL of the tenant", err=True)
    if not (base_url or flags.schemas):
        raise InputError(
            "no source of schemas is given",
            where="--base-url, --schemas and the environment variable ENGAGE_BASE_URL",
            fix="pass the URL of the tenant with --base-url, or schema files with --schemas",
        )
    output = flags.output or _ask_output(project, flags.package, asks=asks)
    user_agent = flags.user_agent or os.environ.get("ENGAGE_USER_AGENT", "") or project.user_agent
    if not user_agent:
        user_agent = project.fallback_user_agent
        if asks:
            user_agent = click.prompt("User agent", default=user_agent, err=True)
    schemas = (_normalize(flags.schemas),) if flags.schemas else ()
    target = Target(base_url.rstrip("/"), schemas, user_agent, _normalize(output))
    _validate(target, flags.schemas)
    return target


def _ask_output(project: Project, package: str, *, asks: bool) -> str:
    if asks and not package:
        package = click.prompt("Name of the package", default=_PACKAGE, err=True)
    folder = (project.home / (package or _PACKAGE)).as_posix()
    return click.prompt("Folder of the package", default=folder, err=True) if asks else folder


def _validate(target: Target, schemas: str) -> None:
    """Raise `InputError` or `ConfigError` for settings that `pull` or `generate` would refuse."""
    if schemas and not Path(schemas).exists():
        raise InputError("no such file or folder", where=schemas, fix="check the path")
    if schemas and not is_in_project(Path(schemas), Path.cwd()):
        raise InputError(
            "the schemas are outside of the repository, where a configuration file cannot name "
            "them",
            where=schemas,
            fix="copy them into the repository, or set ENGAGE_CODEGEN_SCHEMAS instead",
        )
    flags = {"user-agent": target.user_agent, "output": target.output}
    load(file=None, environ={}, flags=flags, folder=Path.cwd())
    url = target.base_url or "https://localhost"
    TenantConnection(url, key=ApiKey("k"), user_agent=target.user_agent, api_version="v3")


def _require_requirement(
    project: Project, extras: Sequence[str], install_from: str, *, asks: bool
) -> str:
    """Return the requirement for the tool. Raises `InputError` if it is needed and unknown."""
    requirement = tool_requirement(install_from)
    if requirement or not needs_requirement(project, extras):
        return requirement
    if asks:
        reference = click.prompt("URL or path to install engage-codegen from", err=True)
        return tool_requirement(reference)
    raise InputError(
        "no package index serves engage-codegen yet, and this installation does not record where "
        "it came from",
        where=f"--with {', '.join(extras)}",
        fix="pass a URL, or the path of a clone or a wheel: --install-from URL",
    )


def _warn_of_ignored(targets: Sequence[Target]) -> None:
    for target in targets:
        if is_ignored(Path.cwd() / target.output):
            print_status(f"warning: git ignores {target.output}, so it will not be checked in")


def _warn_of_local_pins(changes: Sequence[FileChange]) -> None:
    """Warn of new pins on a path of this machine: colleagues and CI do not have it."""
    paths = [
        change.path
        for change in changes
        if any(map(is_local, set(change.new.splitlines()) - set((change.old or "").splitlines())))
    ]
    if paths:
        print_status(
            f"warning: {', '.join(paths)}: engage-codegen is installed from a path of this "
            "machine. To replace it by a URL for other machines: "
            "engage-codegen init --install-from URL"
        )


def _normalize(path: str) -> str:
    """Return a path with ``/``, and without ``./``."""
    return PurePosixPath(path.replace("\\", "/")).as_posix() if path else ""


def _show(change: FileChange, *, is_answer: bool) -> None:
    """Print a change as a diff on stdout. With --quiet only if it is what the user asked for."""
    if change.is_change and (is_answer or Verbosity.level > 0):
        old, new = (change.old or "").splitlines(), change.new.splitlines()
        source = change.path if change.old is not None else "/dev/null"
        for line in compare_lines(old, new, source, change.path):
            print_line(line)
    if change.notes:
        print_lines([f"{change.path}: add by hand:", *change.notes.split("\n")])
