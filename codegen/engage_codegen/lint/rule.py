"""What a rule is, and how to find the parts of a schema."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from ..findings.finding import Severity
from ..schema.envelope import Schema
from ..schema.jsontext import JsonObject

Hit: TypeAlias = tuple[tuple[str, ...], str, str]
"""Where in the envelope, the reason, the remedy."""
Check: TypeAlias = Callable[[Schema], Iterator[Hit]]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule about a schema; `about` is what `lint --explain` says of it."""

    code: str
    severity: Severity
    title: str
    about: str
    check: Check


RULES: list[Rule] = []
"""All of them, once `attributes` and `rules` are imported."""


def rule(code: str, severity: Severity, title: str, about: str) -> Callable[[Check], Check]:
    """Make a function a rule."""

    def add(check: Check) -> Check:
        RULES.append(Rule(code, severity, title, about, check))
        return check

    return add


def properties(schema: Schema) -> JsonObject:
    """What is under ``properties``, if that is an object."""
    found = schema.json_schema.get("properties")
    return found if isinstance(found, dict) else {}


def each_property(schema: Schema) -> Iterator[tuple[tuple[str, ...], str, JsonObject]]:
    """The properties that are described by an object: place, name, description."""
    for name, value in properties(schema).items():
        if isinstance(value, dict):
            yield ("jsonSchema", "properties", name), name, value


def is_on(value: JsonObject, flag: str) -> bool:
    """Whether a flag of a property is set, as a string or as a boolean."""
    return value.get(flag) in ("true", True)
