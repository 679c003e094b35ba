"""The first version of a contract, for its owner to fill in."""

import json
import re
from collections.abc import Iterator

from ..model.build import properties_of
from ..model.constraints import Constraints, parse_constraints
from ..schema.envelope import Schema
from ..schema.jsontext import JsonObject
from ..schema.text import escape

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


def draft_contract(schema: Schema) -> str:
    """Return the text of a contract that changes nothing yet. The schema must have no problem."""
    lines = [
        f"# What this project may send of {schema.id}: {_comment(schema.display_name)}",
        'owner = ""',
        'purpose = ""',
        'retention = ""  # such as P2Y, P18M or P90D',
    ]
    for name, value in sorted(properties_of(schema).items()):
        lines += ["", *_property_lines(name, value)]
    return "\n".join([*lines, ""])


def _property_lines(name: str, value: JsonObject) -> Iterator[str]:
    constraints = parse_constraints(value)
    label = value.get("displayName")
    types = " or ".join(constraints.types)
    key = name if _BARE_KEY.fullmatch(name) else json.dumps(name)
    yield f"[properties.{key}]"
    yield f"# {types}: {_comment(label if isinstance(label, str) and label else name)}"
    yield from (f"# {line}" for line in _suggestions(constraints))


def _suggestions(constraints: Constraints) -> Iterator[str]:
    if constraints.choices:
        return
    if "string" in constraints.types:
        if not constraints.format and not constraints.pattern:
            yield 'enum = ["…", "…"]'
            yield "maxLength = 200"
        yield 'personal-data = "none"  # or direct, indirect, free-text'
    if {"integer", "number"} & set(constraints.types):
        yield "minimum = 0"


def _comment(text: str) -> str:
    """Return foreign text that cannot end the comment it stands in."""
    return escape(" ".join(text.split()))
