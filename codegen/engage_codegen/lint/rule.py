"""How a rule is written, and the parts of a schema that rules look at."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from ..schema.envelope import DIALECTS, Dialect, Schema
from ..schema.jsontext import JsonObject


@dataclass(frozen=True, slots=True)
class Violation:
    """One place in a schema that breaks a rule.

    `parts` lead from the envelope to the place; `reason` is what identifies the violation beside
    it, as data.
    """

    parts: tuple[str, ...]
    message: str
    fix: str
    reason: tuple[str, ...] = ()


Check: TypeAlias = Callable[[Schema], Iterator[Violation]]

CHECKS: list[tuple[str, Sequence[Dialect], Check]] = []
"""Code, the dialects that the rule applies to, and check; filled when the modules of rules are
imported."""


def check(code: str, *dialects: Dialect) -> Callable[[Check], Check]:
    """Register a function as a check of a code, in some dialects or in all of them."""

    def register(function: Check) -> Check:
        CHECKS.append((code, dialects or DIALECTS, function))
        return function

    return register


def properties_of(schema: Schema) -> JsonObject:
    """Return the value of ``properties`` if it is an object, and an empty object otherwise."""
    properties = schema.json_schema.get("properties")
    return properties if isinstance(properties, dict) else {}


def iterate_properties(schema: Schema) -> Iterator[tuple[tuple[str, ...], str, JsonObject]]:
    """Yield place, name and schema of each property whose schema is an object."""
    for name, value in properties_of(schema).items():
        if isinstance(value, dict):
            yield ("jsonSchema", "properties", name), name, value


def is_set(value: JsonObject, flag: str) -> bool:
    """Return True if a flag of a property is set, as a string or as a boolean."""
    return value.get(flag) in ("true", True)
