"""The command `contract`."""

import os

import click

from ..config import Config
from ..errors import ConfigError, InputError
from ..schema.text import quote, suggest
from ..sources.interface import ApiKey
from .console import print_status, shorten
from .options import complete_ids, config_options, load_configs, run_for_targets

EXAMPLES = ["engage-codegen contract new productReview"]


@click.command("contract")
@click.argument("action", type=click.Choice(["new"]), metavar="new")
@click.argument("schema_id", metavar="ID", shell_complete=complete_ids)
@config_options
def command(action: str, schema_id: str, **options: object) -> int:
    """Write the first version of the contract of a schema.

    A contract says what this project may send of a schema: fewer values than the platform accepts,
    who owns them, and which of them are personal data. The file goes into the folder that
    `contracts` in the configuration names, and is never overwritten. Works offline.
    """
    del action

    def draft(config: Config, _key: ApiKey) -> int:
        return _write_draft(config, schema_id)

    return run_for_targets(load_configs(options), draft)


def _write_draft(config: Config, schema_id: str) -> int:
    from ..contract.draft import draft_contract
    from ..contract.files import contract_path
    from ..filesystem import replace_files
    from ..output.freshness import read_schema_files
    from ..output.snapshot import read_snapshot

    if config.contracts is None:
        raise ConfigError(
            "no folder of contracts is configured",
            where=str(config.file or "no pyproject.toml with a section [tool.engage-codegen]"),
            fix='add contracts = "contracts" to the section',
        )
    schemas = read_schema_files(config.schemas) if config.schemas else read_snapshot(config.output)
    if schema_id not in schemas:
        raise InputError(
            f"there is no schema {quote(schema_id)}",
            where=", ".join(map(str, config.schemas)) or str(config.output),
            fix=suggest(schema_id, sorted(schemas)) or "engage-codegen list prints the ids",
        )
    path = contract_path(config.contracts, schema_id)
    if os.path.lexists(path):
        raise InputError("the contract exists already", where=str(path), fix="edit the file")
    replace_files({path: draft_contract(schemas[schema_id])})
    print_status(f"wrote {shorten(path)}")
    return 0
