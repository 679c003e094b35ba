"""The schemas that this package was generated from, as its folder ``_snapshot`` lists them."""

import json
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import cast

from .errors import ConfigurationError
from .payload.types import Json, Payload

_PACKAGE = __name__.partition("._runtime")[0]


@dataclass(frozen=True, slots=True)
class GeneratedSchema:
    """The payload class of a schema, and the hash of the schema that it was generated from."""

    module: str
    class_name: str
    schema_hash: str

    def load_payload_class(self) -> type[Payload]:
        """Return the payload class. Imports its module if necessary."""
        module = import_module(f".{self.module}", _PACKAGE)
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
            names = (str(generated[name]) for name in ("module", "class_name", "schema"))
            schemas[schema_id] = GeneratedSchema(*names)
    return schemas


def json_schema(schema_id: str) -> dict[str, Json]:
    """Return the JSON Schema of one of the `generated_schemas`. Raises `ConfigurationError`."""
    schema = cast(dict[str, dict[str, Json]], json.loads(_read_text(f"{schema_id}.json")))
    return schema["jsonSchema"]


def _read_text(name: str) -> str:
    folder: Traversable = files(_PACKAGE) / "_snapshot"
    try:
        return (folder / name).read_text("utf-8")
    except OSError:
        pass
    raise ConfigurationError(
        f"The installed package {_PACKAGE} has no file _snapshot/{name}. "
        "Include _snapshot/*.json in your distribution as package data."
    )
