"""The command `list`."""

import click

from ..config import Config
from ..inspection.listing import list_schemas
from ..sources.interface import ApiKey
from .console import print_table
from .options import config_options, load_configs, run_for_targets

EXAMPLES = ["engage-codegen list"]


@click.command("list")
@config_options
def command(**options: object) -> int:
    """List the schemas of the snapshot."""

    def list_target(config: Config, _key: ApiKey) -> int:
        cells = [
            [
                row.schema.id,
                row.schema.display_name,
                row.names.module,
                row.names.class_name,
                ", ".join(row.properties),
                ", ".join(row.required),
            ]
            for row in list_schemas(config)
        ]
        print_table(["id", "title", "module", "class", "properties", "required"], cells)
        return 0

    return run_for_targets(load_configs(options), list_target)
