"""The schemas that this package was generated from, as its folder ``_snapshot`` lists them."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import cast

from .errors import ConfigurationError, InvalidPayloadError
from .payload.types import Json, Payload
from .violation import Violation

_PACKAGE = __name__.partition("._runtime")[0]
_PYINSTALLER = f"PyInstaller: --collect-data {_PACKAGE} --collect-submodules {_PACKAGE}"


@dataclass(frozen=True, slots=True)
class GeneratedSchema:
    """The payload class of a schema, and the hash of the schema that it was generated from."""

    module: str
    class_name: str
    schema_hash: str
    has_contract: bool = False

    def load_payload_class(self) -> type[Payload]:
        """Return the payload class. Imports its module if necessary.

        Raises `ConfigurationError` for a package without the module.
        """
        name = f"{_PACKAGE}.{self.module}"
        try:
            module = import_module(name)
        except ModuleNotFoundError as error:
            if error.name != name:
                raise
            raise ConfigurationError(
                f"The installed package {_PACKAGE} has no module {self.module}. Include all of "
                f"its modules in your distribution. {_PYINSTALLER}"
            ) from None
        return cast(type[Payload], getattr(module, self.class_name))


@cache
def generated_schemas() -> dict[str, GeneratedSchema]:
    """Return the schemas of the lock file by id. Raises `ConfigurationError`."""
    lockfile = cast(dict[str, dict[str, Json]], json.loads(_read_text("codegen.lock.json")))
    schemas: dict[str, GeneratedSchema] = {}
    for key, value in lockfile.items():
        subject, _, schema_id = key.partition(" ")
        generated = value.get("generated")
        if subject == "schema" and isinstance(generated, dict):
            schemas[schema_id] = GeneratedSchema(
                module=str(generated["module"]),
                class_name=str(generated["class_name"]),
                schema_hash=str(generated["schema"]),
                has_contract="contract" in generated,
            )
    return schemas


def payload_classes() -> Mapping[str, type[Payload]]:
    """Return all payload classes of the package by schema id, ordered by id.

    Imports all modules of the package. Raises `ConfigurationError` if the distribution lacks a
    module or the lock file.
    """
    schemas = sorted(generated_schemas().items())
    return {schema_id: schema.load_payload_class() for schema_id, schema in schemas}


def snapshot() -> dict[str, dict[str, Json]]:
    """Return the envelopes of all `generated_schemas` by id. Raises `ConfigurationError`."""
    return {schema_id: _envelope(schema_id) for schema_id in generated_schemas()}


def unknown_schema(schema_id: str) -> InvalidPayloadError:
    """Return the error for a schema that is none of the `generated_schemas`."""
    message = "is not a schema that this package was generated from"
    violation = Violation("schemaId", "unknown-schema", message, schema_id)
    return InvalidPayloadError(schema_id, [violation])


def json_schema(schema_id: str) -> dict[str, Json]:
    """Return the JSON Schema of one of the `generated_schemas`, as its contract narrows it.

    Raises `ConfigurationError`.
    """
    schema = cast(dict[str, Json], _envelope(schema_id)["jsonSchema"])
    if not generated_schemas()[schema_id].has_contract:
        return schema
    name = _file_name(schema_id).removesuffix(".json") + ".contract.json"
    contract = cast(dict[str, dict[str, dict[str, Json]]], _read_json(name))
    rules = contract.get("properties", {})
    properties = cast(dict[str, dict[str, Json]], schema.get("properties", {}))
    required = cast(list[Json], schema.get("required", []))
    required = required + [name for name, rule in rules.items() if rule.get("required") is True]
    for name, rule in rules.items():
        if name in properties:
            keywords = {key: value for key, value in rule.items() if key not in _NO_KEYWORDS}
            properties = properties | {name: properties[name] | keywords}
    return {**schema, "properties": cast(dict[str, Json], properties), "required": required}


_NO_KEYWORDS = frozenset(["required", "personal-data", "deprecated"])
"""What a contract says about a property beside its keywords."""


def _envelope(schema_id: str) -> dict[str, Json]:
    return cast(dict[str, Json], _read_json(_file_name(schema_id)))


def _file_name(schema_id: str) -> str:
    """Return the name of the file of a schema. The devices of Windows have a ``+``."""
    device = re.fullmatch("con|prn|aux|nul|(com|lpt)[1-9]", schema_id, re.IGNORECASE)
    return f"{schema_id}{'+' if device else ''}.json"


def _read_json(name: str) -> object:
    return json.loads(_read_text(name))


def _read_text(name: str) -> str:
    folder: Traversable = files(_PACKAGE) / "_snapshot"
    try:
        return (folder / name).read_text("utf-8")
    except OSError:
        pass
    raise ConfigurationError(
        f"The installed package {_PACKAGE} has no file _snapshot/{name}. "
        f"Include _snapshot/*.json in your distribution as package data. {_PYINSTALLER}"
    )
