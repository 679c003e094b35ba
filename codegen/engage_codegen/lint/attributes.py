"""Rules about the attributes that the platform reads: labels, order, flags."""

import re
from collections.abc import Iterator

from ..schema.envelope import Schema
from ..schema.jsontext import Json
from ..schema.text import quote
from .rule import Hit, each_property, is_on, rule

FLAGS = ("showInContactCard", "addToSegmentation")
ATTRIBUTES = ("displayName", "sortOrder", *FLAGS)
MISPRINT = "showlnContactCard"
"""With a lower-case L, as one page of the vendor's documentation has it."""

_KNOWN = frozenset([*ATTRIBUTES, MISPRINT, "type", "format", "title", "description", "examples"])


@rule(
    "EG111",
    "error",
    "misprinted attribute",
    "One page of the vendor's documentation prints showlnContactCard with a lower-case L. "
    "The property is then not shown.",
)
def _misprint(schema: Schema) -> Iterator[Hit]:
    for parts, _, value in each_property(schema):
        if MISPRINT in value:
            reason = f"{MISPRINT} is a misprint with a lower-case L, which the platform ignores"
            yield (*parts, MISPRINT), reason, "write showInContactCard"


@rule(
    "EG119",
    "warning",
    "attribute that nearly is one",
    "The platform ignores what it does not know, so that a typing error shows nowhere.",
)
def _lookalike(schema: Schema) -> Iterator[Hit]:
    for parts, _, value in each_property(schema):
        for key in sorted(value.keys() - _KNOWN):
            import difflib

            near = difflib.get_close_matches(
                key.lower(), [it.lower() for it in ATTRIBUTES], 1, 0.85
            )
            if near:
                meant = next(it for it in ATTRIBUTES if it.lower() == near[0])
                reason = f"the platform knows no attribute {quote(key)}, but {meant}"
                yield (*parts, key), reason, f"write {meant}"


@rule(
    "EG112",
    "warning",
    "attribute that is no string",
    'All real samples have the strings "true", "false" and "1"; whether the platform '
    "takes others is not documented.",
)
def _no_string(schema: Schema) -> Iterator[Hit]:
    for parts, _, value in each_property(schema):
        for key in (*FLAGS, "sortOrder"):
            given = value.get(key)
            if isinstance(given, (bool, int, float)):
                reason = (
                    f"{key} is {written(given)}, where the platform's own samples have a string"
                )
                yield (*parts, key), reason, f'write "{written(given)}" in quotes'


@rule(
    "EG113",
    "error",
    "attribute with an odd value",
    "The flags are true or false, sortOrder is a whole number.",
)
def _odd_value(schema: Schema) -> Iterator[Hit]:
    for parts, _, value in each_property(schema):
        for key in FLAGS:
            if isinstance(value.get(key), str) and value[key] not in ("true", "false"):
                reason = f"{key} is {quote(str(value[key]))}, which is neither true nor false"
                yield (*parts, key), reason, 'write "true" or "false"'
        order = value.get("sortOrder")
        if isinstance(order, str) and not re.fullmatch(r"-?[0-9]{1,9}", order):
            reason = f"sortOrder is {quote(order)}, which is no whole number"
            yield (*parts, "sortOrder"), reason, 'write a number in quotes, like "1"'


@rule(
    "EG114",
    "warning",
    "no displayName",
    "It is the label in the contact card and in segments.",
)
def _no_display_name(schema: Schema) -> Iterator[Hit]:
    if schema.display_name == schema.id:
        reason = "the schema has no displayName of its own, so users see its id"
        yield ("displayName",), reason, "add a displayName that says what the customer did"
    for parts, name, value in each_property(schema):
        given = value.get("displayName")
        if not isinstance(given, str) or not given.strip():
            reason = f"{quote(name)} has no displayName, so users see its technical name"
            yield (*parts, "displayName"), reason, "add a displayName"


@rule(
    "EG122",
    "note",
    "the same sortOrder twice",
    "Their order in the contact card is then open.",
)
def _same_order(schema: Schema) -> Iterator[Hit]:
    taken: dict[Json, str] = {}
    for parts, name, value in each_property(schema):
        order = str(value.get("sortOrder", ""))
        if order and is_on(value, "showInContactCard"):
            first = taken.setdefault(order, name)
            if first != name:
                reason = f"{quote(name)} has the same sortOrder as {quote(first)}"
                yield (*parts, "sortOrder"), reason, "give each shown property a place of its own"


def written(value: float) -> str:
    """A boolean or number as JSON writes it."""
    return str(value).lower() if isinstance(value, bool) else str(value)
