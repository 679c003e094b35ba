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
from ..terminal import say

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
        click.option("--debug", is_flag=True, expose_value=False, help="Show tracebacks."),
    ]  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


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
    return config.load(
        file=file if isinstance(file, Path) else None,
        environ=os.environ,
        flags=flags,
        renames=dict(map(_rename, renames)),
        folder=_current_folder(),
        targets=cast("tuple[str, ...]", options.get("targets", ())),
    )


def keys(tenants: Mapping[str, str]) -> dict[str, ApiKey]:
    """The key of each tenant, name -> URL. One with a name has a variable of its own; only a single
    tenant falls back to the variable without a name, so that no tenant sees the key of another."""
    single = len(set(tenants.values())) == 1
    found: dict[str, ApiKey] = {}
    for name in tenants:
        suffix = re.sub(r"[^A-Z0-9]", "_", name.upper())
        own = f"{API_KEY_VARIABLE}_{suffix}" if name else API_KEY_VARIABLE
        variable = API_KEY_VARIABLE if single and not os.environ.get(own) else own
        found[name] = ApiKey(os.environ.get(variable, ""), variable)
    return found


def each(configs: Sequence[config.Config], verb: Callable[[config.Config, ApiKey], int]) -> int:
    """Do it for every target, and give the worst exit code: what goes wrong for one does not keep
    the others from their turn."""
    known = keys({it.name: it.base_url for it in configs})
    if len(configs) == 1:
        return verb(configs[0], known[configs[0].name])
    codes: list[int] = []
    for one in configs:
        say(f"{one.name}:")
        try:
            codes.append(verb(one, known[one.name]))
        except CodegenError as error:
            say(f"error: {error}")
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


def _current_folder() -> Path:
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
