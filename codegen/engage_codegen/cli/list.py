"""The command `list`."""

import click

from ..config import Config
from ..findings.report.json import dump
from ..inspection.listing import SchemaRow, list_schemas
from ..schema.jsontext import Json, JsonObject
from ..sources.interface import ApiKey
from .console import print_table
from .options import config_options, load_configs, run_for_targets

EXAMPLES = ["engage-codegen list", "engage-codegen list --output-format json"]


@click.command("list")
@config_options
@click.option(
    "--output-format",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Text for people, JSON for programs.",
)
def command(output_format: str, **options: object) -> int:
    """List the schemas of the snapshot.

    JSON is one array for all targets.
    """
    documents: list[Json] = []

    def list_target(config: Config, _key: ApiKey) -> int:
        if output_format == "json":
            documents.extend(_describe(config, row) for row in list_schemas(config))
            return 0
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

    code = run_for_targets(load_configs(options), list_target)
    if output_format == "json" and code == 0:
        click.echo(dump(documents), nl=False)
    return code


def _describe(config: Config, row: SchemaRow) -> JsonObject:
    return {
        "target": config.name or None,
        "id": row.schema.id,
        "title": row.schema.display_name,
        "module": row.names.module,
        "class": row.names.class_name,
        "properties": list(row.properties),
        "required": list(row.required),
    }
