"""The options that several commands share, and the configuration that they make."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, TypeVar, cast

import click

from .. import config
from ..config import Config
from ..errors import CodegenError, InputError
from ..schema.redaction import hide_credentials
from ..sources.interface import ApiKey
from .console import Verbosity, print_error, print_status, print_traceback, shorten
from .tenants import api_keys

if TYPE_CHECKING:
    from .reporting import FindingReport

P = ParamSpec("P")
R = TypeVar("R")


def configuration_options(command: Callable[P, R]) -> Callable[P, R]:
    """Add the options of a command that reads the configuration, but no package or schemas."""
    options = [
        click.option("--config", "config_file", type=click.Path(path_type=Path, dir_okay=False),
                     metavar="FILE", help="Read this file instead of the nearest pyproject.toml."),
        click.option("--target", "targets", multiple=True, metavar="NAME",
                     help="Only this target of the configuration."),
    ]  # fmt: skip
    command = verbosity_options(command)
    for option in reversed(options):
        command = option(command)
    return command


def config_options(command: Callable[P, R]) -> Callable[P, R]:
    """Add the options of every command that reads the configuration."""
    options = [
        click.option("--config", "config_file", type=click.Path(path_type=Path, dir_okay=False),
                     metavar="FILE", help="Read this file instead of the nearest pyproject.toml."),
        click.option("--output", metavar="FOLDER", help="The package folder itself."),
        click.option("--schemas", multiple=True, metavar="PATH",
                     help="Schema files or folders as the source instead of a tenant."),
        click.option("--rename", multiple=True, metavar="ID=NAME",
                     help="Use NAME in Python for a schema, or for a property (ID#/PROPERTY)."),
        click.option("--target", "targets", multiple=True, metavar="NAME",
                     help="Only this target of the configuration."),
    ]  # fmt: skip
    command = verbosity_options(command)
    for option in reversed(options):
        command = option(command)
    return command


def verbosity_options(command: Callable[P, R]) -> Callable[P, R]:
    """Add the options of every command that prints its status."""
    options = [
        click.option("-q", "--quiet", is_flag=True, expose_value=False, callback=_set_level(0),
                     help="Print errors only."),
        click.option("-v", "--verbose", is_flag=True, expose_value=False, callback=_set_level(2),
                     help="Also print the settings and every file."),
        click.option("--debug", is_flag=True, expose_value=False, help="Show tracebacks."),
    ]  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


def _set_level(level: int) -> Callable[[click.Context, click.Parameter, bool], None]:
    def set_level(_context: click.Context, _parameter: click.Parameter, is_set: bool) -> None:
        if is_set:
            Verbosity.level = level

    return set_level


def tenant_options(command: Callable[P, R]) -> Callable[P, R]:
    """Add the options of every command that asks a tenant."""
    options = [
        click.option(
            "--base-url", metavar="URL", help="The tenant, such as https://acme.voyado.com."
        ),
        click.option("--api-version", type=click.Choice(["v2", "v3"]), help="Default: v3."),
        click.option(
            "--user-agent", metavar="NAME/VERSION", help="Names your integration for the vendor."
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return command


usage_option = click.option(
    "--usage",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="Also report the calls in this source tree that can break.",
)
strict_option = click.option("--strict", is_flag=True, help="Exit with 1 for warnings too.")


def load_configs(options: Mapping[str, object]) -> tuple[Config, ...]:
    """Return the configuration of each target, with the options of the command line as flags."""
    flags = {
        key: options[name]
        for key in config.KEYS
        if options.get(name := key.replace("-", "_")) not in (None, ())
    }
    renames = cast("tuple[str, ...]", options.get("rename", ()))
    file = options.get("config_file")
    configs = config.load(
        file=file if isinstance(file, Path) else None,
        environ=os.environ,
        flags=flags,
        renames=dict(map(_split_rename, renames)),
        folder=current_folder(),
        targets=cast("tuple[str, ...]", options.get("targets", ())),
    )
    for settings in configs:
        source = ", ".join(map(shorten, settings.schemas))
        source = source or hide_credentials(settings.base_url) or "no source"
        file_name = shorten(settings.file) if settings.file else "no configuration file"
        target = f"target {settings.name}, " if settings.name else ""
        output = f"{shorten(settings.output)}, dialect {settings.dialect}"
        print_status(f"{file_name}: {target}{source} -> {output}", 2)
    return configs


def run_for_targets(
    configs: Sequence[Config],
    verb: Callable[[Config, ApiKey], int],
    report: "FindingReport | None" = None,
) -> int:
    """Run a verb for every target and return the worst exit code.

    An error of one of several targets does not stop the others. It becomes a finding in `report`,
    or is printed.
    """
    keys = api_keys({settings.name: settings for settings in configs})
    if any(settings.shares_tenant for settings in configs):
        problem = (
            "--base-url or ENGAGE_BASE_URL would send the keys of several targets to one tenant"
        )
        keys = {name: ApiKey("", "base-url", problem) for name in keys}
    if len(configs) == 1 and report is None:
        return verb(configs[0], keys[configs[0].name])
    codes: list[int] = []
    for settings in configs:
        if len(configs) > 1:
            print_status(f"{settings.name}:")
        try:
            codes.append(verb(settings, keys[settings.name]))
        except CodegenError as error:
            if report is None:
                print_traceback(error)
                print_error(error)
            else:
                report.add_error(error, settings)
            codes.append(error.exit_code)
    return worst_exit_code(codes)


def report_unread(files: Sequence[str]) -> None:
    """Print the files of a source tree that could not be read."""
    for file in files:
        print_status(f"{file} cannot be read as Python and was skipped")


_BY_SEVERITY = (0, 3, 5, 1, 4, 2)


def worst_exit_code(codes: Iterable[int]) -> int:
    """Return the exit code that matters most: first what could not run at all (2), then what
    breaks (4), then findings (1), then a tenant that did not answer (5)."""
    return max(codes, key=_BY_SEVERITY.index, default=0)


def complete_ids(
    _context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[str]:
    """Return the ids of the snapshots that begin like `incomplete`, for shell completion."""
    from ..output.snapshot import snapshot_files

    try:
        return [
            schema_id
            for settings in load_configs({})
            for schema_id in snapshot_files(settings.output)
            if schema_id.startswith(incomplete)
        ]
    except CodegenError:
        return []


def current_folder() -> Path:
    """Return the current folder. Raises `InputError` if it was deleted meanwhile."""
    try:
        return Path.cwd()
    except FileNotFoundError:
        raise InputError(
            "the current folder no longer exists", where=".", fix="change to another folder"
        ) from None


def _split_rename(text: str) -> tuple[str, str]:
    key, equals, name = text.rpartition("=")
    if not equals:
        raise click.BadParameter(f"{text!r} is not ID=NAME", param_hint="--rename")
    return key, name
