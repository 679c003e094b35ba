"""The options that many commands have, and the configuration that they make."""

import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import ParamSpec, TypeVar, cast

import click

from .. import config
from ..errors import API_KEY_VARIABLE, CodegenError, InputError
from ..sources.interface import ApiKey
from .console import Talk, say, short

P = ParamSpec("P")
R = TypeVar("R")


def configured(command: Callable[P, R]) -> Callable[P, R]:
    """The options of every command that reads the configuration."""
    options = [
        click.option("--config", "config_file", type=click.Path(path_type=Path, dir_okay=False),
                     metavar="FILE", help="Read this file instead of the nearest pyproject.toml."),
        click.option("--output", metavar="FOLDER", help="The package folder itself."),
        click.option("--schemas", multiple=True, metavar="PATH",
                     help="Schema files or folders as the source instead of a tenant."),
        click.option("--rename", multiple=True, metavar="ID=NAME",
                     help="Call a schema, or a property (ID#/PROPERTY), NAME in Python."),
        click.option("--target", "targets", multiple=True, metavar="NAME",
                     help="Only this target of the configuration."),
    ]  # fmt: skip
    command = mannered(command)
    for option in reversed(options):
        command = option(command)
    return command


def mannered(command: Callable[P, R]) -> Callable[P, R]:
    """The options of every command that says something."""
    options = [
        click.option("-q", "--quiet", is_flag=True, expose_value=False, callback=_talk(0),
                     help="Say nothing but errors."),
        click.option("-v", "--verbose", is_flag=True, expose_value=False, callback=_talk(2),
                     help="Say more: the settings, and every file."),
        click.option("--debug", is_flag=True, expose_value=False, help="Show tracebacks."),
    ]  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


def _talk(level: int) -> Callable[[click.Context, click.Parameter, bool], None]:
    def chosen(_context: click.Context, _parameter: click.Parameter, is_given: bool) -> None:
        if is_given:
            Talk.level = level

    return chosen


def of_tenant(command: Callable[P, R]) -> Callable[P, R]:
    """The options of every command that asks a tenant."""
    options = [
        click.option("--base-url", metavar="URL", help="The tenant, like https://acme.voyado.com."),
        click.option("--api-version", type=click.Choice(["v2", "v3"]), help="v3 by default."),
        click.option(
            "--user-agent", metavar="NAME/VERSION", help="Your integration, for the vendor."
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def load(options: Mapping[str, object]) -> tuple[config.Config, ...]:
    """The configuration of each target, with the options that were given as its flags."""
    flags = {
        key: options[name]
        for key in config.KEYS
        if options.get(name := key.replace("-", "_")) not in (None, ())
    }
    renames = cast("tuple[str, ...]", options.get("rename", ()))
    file = options.get("config_file")
    loaded = config.load(
        file=file if isinstance(file, Path) else None,
        environ=os.environ,
        flags=flags,
        renames=dict(map(_rename, renames)),
        folder=current_folder(),
        targets=cast("tuple[str, ...]", options.get("targets", ())),
    )
    for one in loaded:
        source = ", ".join(map(short, one.schemas)) or one.base_url or "no source"
        where = short(one.file) if one.file else "no configuration file"
        say(f"{where}: {f'target {one.name}, ' if one.name else ''}{source}"
            f" -> {short(one.output)}, dialect {one.dialect}", 2)  # fmt: skip
    return loaded


def keys(tenants: Mapping[str, str]) -> dict[str, ApiKey]:
    """The key of each tenant, name -> URL. One with a name has a variable of its own; only a single
    tenant falls back to the variable without a name, so that no tenant sees the key of another."""
    single = len(set(tenants.values())) == 1
    urls: dict[str, set[str]] = {}
    for name, url in tenants.items():
        urls.setdefault(_variable(name), set()).add(url)
    found: dict[str, ApiKey] = {}
    for name in tenants:
        own = _variable(name)
        variable = API_KEY_VARIABLE if single and not os.environ.get(own) else own
        if len(urls[own]) > 1:
            found[name] = ApiKey("", own, "two tenants would get their keys from one variable")
        else:
            found[name] = ApiKey(os.environ.get(variable, ""), variable)
    return found


def _variable(tenant: str) -> str:
    suffix = re.sub(r"[^A-Z0-9]", "_", tenant.upper())
    return f"{API_KEY_VARIABLE}_{suffix}" if tenant else API_KEY_VARIABLE


def each(configs: Sequence[config.Config], verb: Callable[[config.Config, ApiKey], int]) -> int:
    """Do it for every target, and give the worst exit code: what goes wrong for one does not keep
    the others from their turn."""
    known = keys({it.name: it.base_url for it in configs})
    if any(it.shares_tenant for it in configs):
        problem = (
            "--base-url or ENGAGE_BASE_URL would send the keys of several targets to one tenant"
        )
        known = {name: ApiKey("", "base-url", problem) for name in known}
    if len(configs) == 1:
        return verb(configs[0], known[configs[0].name])
    codes: list[int] = []
    for one in configs:
        say(f"{one.name}:")
        try:
            codes.append(verb(one, known[one.name]))
        except CodegenError as error:
            say(f"error: {error}", 0)
            codes.append(error.exit_code)
    return worst(codes)


def tell_unread(files: Sequence[str]) -> None:
    """The files of a source tree that were passed over."""
    for file in files:
        say(f"{file} is no Python that can be read, and was passed over")


_WORST = (0, 3, 5, 1, 4, 2)


def worst(codes: Iterable[int]) -> int:
    """What counts most: what could not be run at all, then what breaks, then findings, then a
    tenant that gave no answer."""
    return max(codes, key=_WORST.index, default=0)


def known_ids(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """The ids of the snapshots, for a shell that completes."""
    from ..output import snapshot

    try:
        return [
            schema_id
            for one in load({})
            for schema_id in snapshot.files(one.output)
            if schema_id.startswith(incomplete)
        ]
    except CodegenError:
        return []


def current_folder() -> Path:
    """Raises `InputError` if it was deleted meanwhile."""
    try:
        return Path.cwd()
    except FileNotFoundError:
        raise InputError(
            "the current folder does not exist any more", where=".", fix="change to another"
        ) from None


def _rename(text: str) -> tuple[str, str]:
    key, equals, name = text.rpartition("=")
    if not equals:
        raise click.BadParameter(f"{text!r} is not ID=NAME", param_hint="--rename")
    return key, name
