"""The options that many commands have, and the configuration that they make."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import ParamSpec, TypeVar, cast

import click

from .. import config
from ..errors import InputError

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
        click.option("--debug", is_flag=True, expose_value=False, help="Show tracebacks."),
    ]  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


base_url = click.option(
    "--base-url", metavar="URL", help="The tenant, like https://acme.voyado.com."
)
user_agent = click.option(
    "--user-agent", metavar="NAME/VERSION", help="Your integration, for the vendor."
)


def load(options: Mapping[str, object]) -> config.Config:
    """The configuration, with the options that were given as its flags."""
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
    )


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
