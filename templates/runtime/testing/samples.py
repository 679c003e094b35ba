"""Payloads for tests: samples, and strategies for Hypothesis."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from functools import partial
from importlib import import_module
from typing import Any, TypeVar, cast

from ..errors import InvalidPayloadError
from ..payload.types import Json, Payload
from ..registry import generated_schemas, json_schema

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


def sample(payload_class: type[P], **values: object) -> P:
    """Return an instance with a value for each property, always the same.

    Args:
        payload_class: A payload class of this package.
        values: Replacements by attribute name. None omits an optional property.

    Raises:
        InvalidPayloadError: A replacement is invalid, or a required property has a pattern and its
            schema has no example that you could use.
    """
    schema = _load_schema(payload_class)
    names = sorted(schema.properties, key=lambda name: name not in schema.required)
    wire: dict[str, Json] = {}
    for name in names[: schema.most_properties]:
        for value in _candidates(name, schema.properties[name]):
            if _is_accepted(payload_class, name, value):
                wire[name] = value
                break
    return cast(P, replace(cast(Any, payload_class.from_payload(wire)), **values))


def register_strategies(*payload_classes: type[Payload]) -> None:
    """Teach the ``from_type`` of Hypothesis to generate valid payloads.

    Registers the classes, or all payload classes of the package if there are none. Requires
    Hypothesis.
    """
    strategies = import_module("hypothesis.strategies")
    for payload_class in payload_classes or _all_payload_classes():
        schema = _load_schema(payload_class)
        by_name = {
            name: _strategy(strategies, name, keywords).filter(
                partial(_is_accepted, payload_class, name)
            )
            for name, keywords in schema.properties.items()
        }
        required = {name: by_name[name] for name in by_name if name in schema.required}
        optional = {name: by_name[name] for name in by_name if name not in schema.required}
        wire = strategies.fixed_dictionaries(required, optional=optional)
        valid = wire.filter(partial(_is_valid, payload_class))
        strategies.register_type_strategy(payload_class, valid.map(payload_class.from_payload))


@dataclass(frozen=True, slots=True)
class _Schema:
    """The parts of a JSON Schema that samples need. `most_properties` is None without a limit."""

    properties: Mapping[str, Mapping[str, Json]]
    required: frozenset[str]
    most_properties: int | None


def _load_schema(payload_class: type[Payload]) -> _Schema:
    schema = json_schema(payload_class.__schema_id__)
    most = schema.get("maxProperties")
    return _Schema(
        cast(dict[str, dict[str, Json]], schema.get("properties", {})),
        frozenset(cast(list[str], schema.get("required", []))),
        int(most) if isinstance(most, (int, float)) else None,
    )


def _all_payload_classes() -> list[type[Payload]]:
    return [schema.load_payload_class() for schema in generated_schemas().values()]


def _is_accepted(payload_class: type[Payload], name: str, value: Json) -> bool:
    """Return True if the payload class accepts this value for a property."""
    try:
        payload_class.from_payload({name: value})
    except InvalidPayloadError as error:
        return all(violation.property != name for violation in error.violations)
    return True


def _is_valid(payload_class: type[Payload], payload: Mapping[str, Json]) -> bool:
    try:
        payload_class.from_payload(payload)
    except InvalidPayloadError:
        return False
    return True


def _candidates(name: str, keywords: Mapping[str, Json]) -> Iterator[Json]:
    """Yield values that may be valid: those that the schema names, then some near its limits."""
    if "const" in keywords:
        yield keywords["const"]
    for listed in (keywords.get("enum"), keywords.get("examples"), [keywords.get("default")]):
        if isinstance(listed, list):
            yield from (value for value in listed if value is not None)
    yield _FORMATS.get(str(keywords.get("format")), name)
    least, most = keywords.get("minLength", 0), keywords.get("maxLength", len(name))
    if isinstance(least, (int, float)) and isinstance(most, (int, float)):
        yield name[: int(most)].ljust(int(least), "x")
    yield from (7, 7.5, True, 0, 1)
    limits = [keywords.get(key) for key in ("minimum", "maximum", "multipleOf")]
    limits += [keywords.get(f"exclusive{end}") for end in ("Minimum", "Maximum")]
    for limit in limits:
        if isinstance(limit, (int, float)):
            yield from (limit, limit + 1, limit - 1, limit + 0.001, limit - 0.001)


def _strategy(strategies: Any, name: str, keywords: Mapping[str, Json]) -> Any:
    if {"enum", "const"} & keywords.keys():
        return strategies.sampled_from([*_candidates(name, keywords), None])
    json_type = keywords.get("type")
    json_types = json_type if isinstance(json_type, list) else [json_type]
    return strategies.one_of(
        [_strategy_of_type(strategies, json_type, name, keywords) for json_type in json_types]
    )


def _strategy_of_type(
    strategies: Any, json_type: Json, name: str, keywords: Mapping[str, Json]
) -> Any:
    least = keywords.get("minimum", keywords.get("exclusiveMinimum"))
    most = keywords.get("maximum", keywords.get("exclusiveMaximum"))
    match json_type:
        case "null":
            return strategies.none()
        case "boolean":
            return strategies.booleans()
        case "integer" | "number" if "multipleOf" in keywords:
            return strategies.integers(-1000, 1000).map(cast(Any, keywords["multipleOf"]).__mul__)
        case "integer":
            limits = [None if limit is None else int(cast(float, limit)) for limit in (least, most)]
            return strategies.integers(*limits)
        case "number":
            return strategies.floats(least, most, allow_nan=False, allow_infinity=False)
        case _:
            return _text_strategy(strategies, name, keywords)


def _text_strategy(strategies: Any, name: str, keywords: Mapping[str, Json]) -> Any:
    match keywords.get("format"):
        case "date-time":
            offsets = strategies.integers(-23 * 60, 23 * 60).map(_offset)
            return strategies.datetimes(timezones=offsets).map(datetime.isoformat)
        case "date" | "uuid" | "email" as form:
            return getattr(strategies, f"{form}s")().map(str)
        case str(form) if form in _FORMATS:
            return strategies.just(_FORMATS[form])
        case _:
            pass
    if isinstance(keywords.get("pattern"), str):
        try:
            return strategies.from_regex(re.compile(str(keywords["pattern"]), re.ASCII))
        except re.error:
            return strategies.sampled_from(list(_candidates(name, keywords)))
    least, most = keywords.get("minLength", 0), keywords.get("maxLength")
    return strategies.text(min_size=least, max_size=most)


def _offset(minutes: int) -> timezone:
    return timezone(timedelta(minutes=minutes))
