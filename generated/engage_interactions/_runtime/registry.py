"""The schemas that this package was made from, as it carries them in ``_snapshot``."""

import json
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import cast

from .errors import Misconfigured
from .payload.checks import Json, Payload

_PACKAGE = __name__.partition("._runtime")[0]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the class of a schema is, and the hash of the schema that it was made from."""

    module: str
    class_name: str
    schema_hash: str

    def kind(self) -> type[Payload]:
        """The class; its module is imported if it was not yet."""
        module = import_module(f".{self.module}", _PACKAGE)
        return cast(type[Payload], getattr(module, self.class_name))


@cache
def origins() -> dict[str, Origin]:
    """By schema id, as the lock has them. Raises `Misconfigured`."""
    lock = cast(dict[str, dict[str, Json]], json.loads(_text("codegen.lock.json")))
    found: dict[str, Origin] = {}
    for line, value in lock.items():
        subject, _, schema_id = line.partition(" ")
        made = value.get("generated")
        if subject == "schema" and isinstance(made, dict):
            names = (str(made[key]) for key in ("module", "class_name", "schema"))
            found[schema_id] = Origin(*names)
    return found


def json_schema(schema_id: str) -> dict[str, Json]:
    """The JSON Schema of the payloads of one of the `origins`. Raises `Misconfigured`."""
    schema = cast(dict[str, dict[str, Json]], json.loads(_text(f"{schema_id}.json")))
    return schema["jsonSchema"]


def _text(name: str) -> str:
    folder: Traversable = files(_PACKAGE) / "_snapshot"
    try:
        return (folder / name).read_text("utf-8")
    except OSError:
        pass
    raise Misconfigured(
        f"the package {_PACKAGE} is installed without {name} in its folder _snapshot: "
        "its *.json files have to be in the distribution as package data"
    )
