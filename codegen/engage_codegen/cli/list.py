"""The command `list`."""

import click

from .. import pipeline
from ..config import Config
from ..sources.interface import ApiKey
from .console import table
from .options import configured, each, load


@click.command("list")
@configured
def command(**options: object) -> int:
    """List the schemas of the snapshot."""

    def one(settings: Config, _: ApiKey) -> int:
        cells = [
            [
                row.schema.id,
                row.schema.display_name,
                row.names.module,
                row.names.class_name,
                ", ".join(row.properties),
                ", ".join(row.required),
            ]
            for row in pipeline.listing(settings)
        ]
        table(["id", "title", "module", "class", "properties", "required"], cells)
        return 0

    return each(load(options), one)
