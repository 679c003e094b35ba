"""The command `outbox-sql`."""

import os
import sys
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from typing import Protocol, cast

import click

from ..errors import ConfigError
from ..render.resources import templates_folder

EXAMPLES = [
    "engage-codegen outbox-sql",
    "engage-codegen outbox-sql --schema outbox --prefix shop_ --drop",
]
_RUNTIME = "_engage_codegen_runtime"


class _Tables(Protocol):
    def definition(self) -> str: ...

    def removal(self) -> str: ...


class _Errors(Protocol):
    ConfigurationError: type[Exception]


class _Module(Protocol):
    def Tables(self, schema: str, prefix: str) -> _Tables: ...


@click.command("outbox-sql")
@click.option(
    "--schema",
    default="public",
    show_default=True,
    metavar="NAME",
    help="The schema of the database that the tables are in.",
)
@click.option(
    "--prefix",
    default="engage_",
    show_default=True,
    metavar="TEXT",
    help="The beginning of the names of the tables.",
)
@click.option("--drop", is_flag=True, help="Print the SQL that drops the tables instead.")
def command(schema: str, prefix: str, drop: bool) -> None:
    """Print the SQL that creates the tables of an outbox in PostgreSQL.

    It is for migrations. It creates what create_tables of the package creates, for PostgreSQL 15
    and later, and contains no percent signs and no semicolons within statements. The SQL of --drop
    also deletes all entries that wait. Works offline.
    """
    module = cast(_Module, _import_runtime("postgres.tables"))
    errors = cast(_Errors, _import_runtime("errors"))
    try:
        tables = module.Tables(schema, prefix)
    except errors.ConfigurationError as error:
        fix = "choose other names, such as --schema public --prefix engage_"
        raise ConfigError(str(error), where="--schema, --prefix", fix=fix) from None
    click.echo(tables.removal() if drop else tables.definition(), nl=False)


def _import_runtime(name: str) -> object:
    """Import a module of the runtime from the templates, which need not be in a package."""
    if _RUNTIME not in sys.modules:
        folder = os.path.join(templates_folder(), "runtime")
        init = os.path.join(folder, "__init__.py")
        spec = spec_from_file_location(_RUNTIME, init, submodule_search_locations=[folder])
        if spec is None:
            raise ImportError(init)
        sys.modules[_RUNTIME] = module_from_spec(spec)
    return import_module(f"{_RUNTIME}.{name}")
