"""The schemas of a snapshot, as `list` shows them."""

from dataclasses import dataclass

from ..config import Config
from ..output.snapshot import read_snapshot, require_snapshot
from ..schema.envelope import Schema
from ..schema.names import SchemaNames, name_schemas


@dataclass(frozen=True, slots=True)
class SchemaRow:
    """One schema of the snapshot. `required` and `properties` are wire names."""

    schema: Schema
    names: SchemaNames
    properties: tuple[str, ...]
    required: tuple[str, ...]


def list_schemas(config: Config) -> list[SchemaRow]:
    """Return the schemas of the snapshot, sorted by id. Raises `InputError` and `SchemaError`."""
    schemas = read_snapshot(config.output)
    if not schemas:
        require_snapshot(config.output)
    names = name_schemas(schemas, config.renames)
    return [_row(schema, names[key]) for key, schema in schemas.items()]


def _row(schema: Schema, names: SchemaNames) -> SchemaRow:
    properties, required = (schema.json_schema.get(key) for key in ("properties", "required"))
    return SchemaRow(
        schema,
        names,
        tuple(sorted(properties)) if isinstance(properties, dict) else (),
        tuple(sorted(map(str, required))) if isinstance(required, list) else (),
    )
