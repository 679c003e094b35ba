"""Payloads for tests: samples, and strategies for Hypothesis."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from functools import partial
from importlib import import_module
from typing import Any, TypeVar, cast

from ..errors import InvalidPayload
from ..payload.checks import Json, Payload
from ..registry import json_schema, origins

P = TypeVar("P", bound=Payload)

_FORMATS: Mapping[str, str] = {
    "date-time": "2026-03-14T09:26:53+00:00",
    "date": "2026-03-14",
    "time": "09:26:53+00:00",
    "duration": "P1DT2H",
    "email": "anna@example.com",
    "idn-email": "anna@example.com",
    "hostname": "shop.example.com",
    "idn-hostname": "shop.example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "https://example.com/coat",
    "uri-reference": "/coat",
    "iri": "https://example.com/coat",
    "iri-reference": "/coat",
    "uri-template": "/coats/{size}",
    "uuid": "3f0c1a52-7d5e-4b0e-9a64-1c2f5b8e0d01",
    "json-pointer": "/coat/0",
    "relative-json-pointer": "1/coat",
}


def sample(kind: type[P], **values: object) -> P:
    """An instance with a value for each property, the same each time; `values` replace some of
    them, by their names in Python, and None leaves one out.

    Raises `InvalidPayload`, also where a required property has a pattern for which the schema has
    no example.
    """
    properties, required, most = _described(kind)
    wire: dict[str, Json] = {}
    for name in sorted(properties, key=lambda name: name not in required)[:most]:
        fitting = (it for it in _candidates(name, properties[name]) if _fits(kind, name, it))
        value = next(fitting, _NOTHING)
        if value is not _NOTHING:
            wire[name] = value
    return cast(P, replace(cast(Any, kind.from_payload(wire)), **values))


_NOTHING: Json = "nothing fits"


def _fits(kind: type[Payload], name: str, value: Json) -> bool:
    """Whether the class takes this value for a property."""
    try:
        kind.from_payload({name: value})
    except InvalidPayload as error:
        return all(violation.property != name for violation in error.violations)
    return True


def _candidates(name: str, rules: Mapping[str, Json]) -> Iterator[Json]:
    """Values that may fit a property: what its schema names, then what its limits suggest."""
    if "const" in rules:
        yield rules["const"]
    for listed in (rules.get("enum"), rules.get("examples"), [rules.get("default")]):
        yield from (it for it in listed if it is not None) if isinstance(listed, list) else ()
    yield _FORMATS.get(str(rules.get("format")), name)
    least, most = rules.get("minLength", 0), rules.get("maxLength", len(name))
    if isinstance(least, (int, float)) and isinstance(most, (int, float)):
        yield name[: int(most)].ljust(int(least), "x")
    yield from (7, 7.5, True, 0, 1)
    limits = [rules.get(key) for key in ("minimum", "maximum", "multipleOf")]
    limits += [rules.get(f"exclusive{end}") for end in ("Minimum", "Maximum")]
    for limit in limits:
        if isinstance(limit, (int, float)):
            yield from (limit, limit + 1, limit - 1, limit + 0.001, limit - 0.001)


def register_strategies(*kinds: type[Payload]) -> None:
    """Let Hypothesis's ``from_type`` make every valid payload of these classes; of all classes of
    the package, if none is given. Hypothesis has to be installed."""
    strategies = import_module("hypothesis.strategies")
    for kind in kinds or [origin.kind() for origin in origins().values()]:
        properties, required, _ = _described(kind)
        each = {
            name: _strategy(strategies, name, rules).filter(partial(_fits, kind, name))
            for name, rules in properties.items()
        }
        wire = strategies.fixed_dictionaries(
            {name: strategy for name, strategy in each.items() if name in required},
            optional={name: strategy for name, strategy in each.items() if name not in required},
        )
        valid = wire.filter(partial(_is_valid, kind))
        strategies.register_type_strategy(kind, valid.map(kind.from_payload))


def _is_valid(kind: type[Payload], made: Mapping[str, Json]) -> bool:
    try:
        kind.from_payload(made)
    except InvalidPayload:
        return False
    return True


def _strategy(strategies: Any, name: str, rules: Mapping[str, Json]) -> Any:
    if {"enum", "const"} & rules.keys():
        return strategies.sampled_from([*_candidates(name, rules), None])
    given = rules.get("type")
    kinds = given if isinstance(given, list) else [given]
    return strategies.one_of([_of_type(strategies, kind, name, rules) for kind in kinds])


def _of_type(strategies: Any, kind: Json, name: str, rules: Mapping[str, Json]) -> Any:
    least, most = (
        next((rules[key] for key in keys if key in rules), None)
        for keys in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum"))
    )
    match kind:
        case "null":
            return strategies.none()
        case "boolean":
            return strategies.booleans()
        case "integer" | "number" if "multipleOf" in rules:
            return strategies.integers(-1000, 1000).map(cast(Any, rules["multipleOf"]).__mul__)
        case "integer":
            whole = [None if it is None else int(cast(float, it)) for it in (least, most)]
            return strategies.integers(*whole)
        case "number":
            return strategies.floats(least, most, allow_nan=False, allow_infinity=False)
        case _:
            return _text(strategies, name, rules)


def _text(strategies: Any, name: str, rules: Mapping[str, Json]) -> Any:
    match rules.get("format"):
        case "date-time":
            offsets = strategies.integers(-23 * 60, 23 * 60).map(_offset)
            return strategies.datetimes(timezones=offsets).map(datetime.isoformat)
        case "date" | "uuid" | "email" as form:
            return getattr(strategies, f"{form}s")().map(str)
        case str(form) if form in _FORMATS:
            return strategies.just(_FORMATS[form])
        case _:
            pass
    if isinstance(rules.get("pattern"), str):
        try:
            return strategies.from_regex(re.compile(str(rules["pattern"]), re.ASCII))
        except re.error:
            return strategies.sampled_from(list(_candidates(name, rules)))
    least, most = rules.get("minLength", 0), rules.get("maxLength")
    return strategies.text(min_size=least, max_size=most)


def _offset(minutes: int) -> timezone:
    return timezone(timedelta(minutes=minutes))


def _described(
    kind: type[Payload],
) -> tuple[Mapping[str, Mapping[str, Json]], frozenset[str], int | None]:
    """The properties of a payload, which of them are required, and how many there may be."""
    schema = json_schema(kind.__schema_id__)
    properties = cast(dict[str, dict[str, Json]], schema.get("properties", {}))
    most = schema.get("maxProperties")
    limit = int(most) if isinstance(most, (int, float)) else None
    return properties, frozenset(cast(list[str], schema.get("required", []))), limit
