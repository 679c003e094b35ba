"""Payloads that people can picture: every property, with examples of the schema. Pure."""

from collections.abc import Iterator

from ...compat.payloads import Condition, PayloadRules
from ...compat.values import accepts
from ...model.constraints import Constraints
from ...model.jsonvalues import normalize
from ...schema.envelope import Schema
from ...schema.jsontext import Json, JsonObject

_TEXT = "Text"
_LONGEST = 200
"""Longer examples of a schema are not tried: a page shows the value, and a pattern reads it."""


def sample_values(rules: PayloadRules) -> JsonObject:
    """Return a valid value of each property, as far as one was found."""
    values: JsonObject = {}
    for name, constraints in rules.constraints.items():
        valid = (
            value
            for value in _candidates(constraints, rules.properties[name])
            if len(str(value)) <= _LONGEST and accepts(constraints, value)
        )
        value = next(valid, None)
        if value is not None:
            values[name] = normalize(value)
        elif name in rules.samples:
            values[name] = rules.samples[name]
    return values


def full_payload(schema: Schema) -> tuple[JsonObject, JsonObject | None]:
    """Return a value of each property, and a payload with as many of them as a payload can have.

    The payload is None if none was found. The schema must have no problem.
    """
    rules = PayloadRules.of(schema)
    values = sample_values(rules)
    if _is_complete(rules, values):
        return values, values
    smallest = rules.smallest(Condition())
    return values, None if smallest is None else {name: values[name] for name in smallest}


def _is_complete(rules: PayloadRules, values: JsonObject) -> bool:
    """Return True if all values together are a payload."""
    needed = {*rules.required, *(name for key in values for name in rules.dependent.get(key, ()))}
    most = len(values) if rules.max_properties is None else rules.max_properties
    return needed <= values.keys() and rules.min_properties <= len(values) <= most


def _candidates(constraints: Constraints, value: JsonObject) -> Iterator[Json]:
    examples = value.get("examples")
    yield from examples if isinstance(examples, list) else ()
    yield value.get("default")
    if "string" in constraints.types:
        yield _TEXT
