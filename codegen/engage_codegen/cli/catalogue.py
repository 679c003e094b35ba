"""The command `catalogue`."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..config import Config, is_in_project, repository_root
from ..errors import InputError
from ..output.snapshot import read_snapshot, require_snapshot
from ..schema.envelope import Schema
from ..schema.text import quote
from ..sources.interface import ApiKey
from .console import count, print_status, shorten
from .options import config_options, current_folder, load_configs, report_unread, run_for_targets

if TYPE_CHECKING:
    from ..verbs.catalogue import Caller, Tenant

EXAMPLES = [
    "engage-codegen catalogue",
    "engage-codegen catalogue --usage src --output-folder build/catalogue",
]


@click.command("catalogue")
@config_options
@click.option(
    "--output-folder",
    default="site",
    show_default=True,
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Write the pages into this folder of the project.",
)
@click.option(
    "--usage",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="Also list the calls in this source tree.",
)
def command(output_folder: Path, usage: tuple[Path, ...], **options: object) -> int:
    """Write a site about the schemas, for people who read no code.

    It has a page for each schema, with its purpose, owner and fields, the rules and the classes of
    personal data in its contract, a sample, its contact card, and with --usage who sends it. The
    pages need no server and no JavaScript. Pages that somebody edited, and other files, are neither
    replaced nor deleted. Works offline.
    """
    from ..verbs.catalogue import render_site, write_site

    configs = load_configs(options)
    site = _locate(output_folder, configs[0])
    tenants: list[Tenant] = []

    def read_target(config: Config, _key: ApiKey) -> int:
        tenants.append(_read_tenant(config, usage))
        return 0

    code = run_for_targets(configs, read_target)
    if code:
        return code
    result = write_site(site.folder, render_site(tenants), site.project)
    for path in result.edited:
        print_status(f"{shorten(path)} is no longer part of the site, but was edited and stays")
    if result.deleted:
        print_status(f"deleted {count(len(result.deleted), 'page')}")
    if result.written:
        print_status(f"wrote {count(len(result.written), 'page')} to {shorten(site.folder)}")
    else:
        print_status(f"{shorten(site.folder)} is up to date")
    return 0


@dataclass(frozen=True, slots=True)
class _Site:
    """The folder of the site and the root of the project that it must be in."""

    folder: Path
    project: Path


def _locate(output_folder: Path, config: Config) -> _Site:
    """Return where the site is. Raises `InputError` for a folder outside of the project."""
    folder = Path(os.path.abspath(output_folder))
    base = config.file.parent if config.file else current_folder()
    if not is_in_project(folder, base):
        raise InputError(
            f"the folder {quote(str(output_folder))} is outside of the project",
            where="--output-folder",
            fix="name a folder of the project, such as site",
        )
    return _Site(folder, repository_root(base) or Path(os.path.realpath(base)))


def _read_tenant(config: Config, usage: tuple[Path, ...]) -> "Tenant":
    from ..findings.finding import display_path
    from ..verbs.catalogue import Tenant, require_valid

    schemas = _read_schemas(config)
    require_valid(schemas, config.dialect)
    sources = tuple(display_path(path) for path in usage)
    callers = _find_callers(config, schemas, usage) if usage else {}
    return Tenant(config.name, schemas, sources, callers)


def _read_schemas(config: Config) -> Mapping[str, Schema]:
    """Return what `generate` would generate from: schemas with their contracts."""
    from ..contract.files import read_contracts
    from ..contract.proof import apply_contracts
    from ..output.freshness import read_schema_files

    schemas = read_schema_files(config.schemas) if config.schemas else read_snapshot(config.output)
    if not schemas:
        require_snapshot(config.output)
    if config.contracts is None:
        return schemas
    return apply_contracts(schemas, read_contracts(config.contracts), config.dialect)


def _find_callers(
    config: Config, schemas: Mapping[str, Schema], usage: tuple[Path, ...]
) -> "dict[str, list[Caller]]":
    """Return the callers of each schema, by file and line.

    The names that they call are those that `generate` would write.
    """
    from ..inspection.call_sites import find_calls
    from ..output.lockfile import GeneratedModule
    from ..schema.names import name_schemas
    from ..verbs.catalogue import Caller

    modules = {
        schema_id: GeneratedModule("", "", names.module, names.class_name, {}, "", "")
        for schema_id, names in name_schemas(schemas, config.renames).items()
    }
    result = find_calls(usage, config.output, modules)
    report_unread(result.unread)
    callers: dict[str, list[Caller]] = {}
    for site in result.sites:
        caller = Caller(site.location.file, site.location.line, site.name)
        callers.setdefault(site.schema_id, []).append(caller)
    for group in callers.values():
        group.sort(key=lambda caller: (caller.file, caller.line))
    return callers
