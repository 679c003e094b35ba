"""Payloads for tests: samples, and strategies for Hypothesis."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from importlib import import_module
from typing import Any, TypeVar, cast

from .payloads import Json, Payload
from .snapshot import json_schema, origins

P = TypeVar("P", bound=Payload)


def sample(kind: type[P], **values: object) -> P:
    """An instance with a value for each property, the same each time; `values` replace some of
    them, by their names in Python, and None leaves one out. Raises `InvalidPayload`."""
    properties, _ = _described(kind)
    wire = {name: _sample(name, rules) for name, rules in properties.items()}
    return cast(P, replace(cast(Any, kind.from_payload(wire)), **values))


def _sample(name: str, rules: Mapping[str, Json]) -> Json:
    if rules.get("format") == "date-time":
        return "2026-03-14T09:26:53+00:00"
    samples: dict[Json, Json] = {"integer": 7, "number": 7.5, "boolean": True}
    return samples.get(rules.get("type"), name)


def register_strategies(*kinds: type[Payload]) -> None:
    """Let Hypothesis's ``from_type`` make every valid payload of these classes; of all classes of
    the package, if none is given. Hypothesis has to be installed."""
    strategies = import_module("hypothesis.strategies")
    for kind in kinds or [origin.kind() for origin in origins().values()]:
        properties, required = _described(kind)
        each = {name: _strategy(strategies, rules) for name, rules in properties.items()}
        wire = strategies.fixed_dictionaries(
            {name: strategy for name, strategy in each.items() if name in required},
            optional={name: strategy for name, strategy in each.items() if name not in required},
        )
        strategies.register_type_strategy(kind, wire.map(kind.from_payload))


def _strategy(strategies: Any, rules: Mapping[str, Json]) -> Any:
    if rules.get("format") == "date-time":
        offsets = strategies.integers(-23 * 60, 23 * 60).map(_offset)
        return strategies.datetimes(timezones=offsets).map(datetime.isoformat)
    match rules.get("type"):
        case "integer":
            return strategies.integers()
        case "number":
            return strategies.floats(allow_nan=False, allow_infinity=False)
        case "boolean":
            return strategies.booleans()
        case _:
            return strategies.text()


def _offset(minutes: int) -> timezone:
    return timezone(timedelta(minutes=minutes))


def _described(kind: type[Payload]) -> tuple[Mapping[str, Mapping[str, Json]], frozenset[str]]:
    """The properties of a payload, and which of them are required."""
    schema = json_schema(kind.__schema_id__)
    properties = cast(dict[str, dict[str, Json]], schema.get("properties", {}))
    return properties, frozenset(cast(list[str], schema.get("required", [])))
