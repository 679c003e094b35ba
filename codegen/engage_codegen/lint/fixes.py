"""Fixes that need no judgment. Pure: JSON in, JSON out."""

from collections import Counter

from ..model.dialect import JSON_SCHEMA
from ..schema.jsontext import Json, JsonObject
from .attributes import ATTRIBUTES, MISPRINT, to_attribute_text
from .creation import DOCUMENTED_ATTRIBUTES, DOCUMENTED_KEYWORDS


def apply_fixes(value: Json) -> Json:
    """Return the JSON of a schema file as the platform accepts it.

    Adds `$schema`, removes repetitions from `required`, corrects the misprint and odd capitals of
    attributes, and writes booleans and whole numbers as strings. Two spellings of one attribute
    stay, because it takes a person to choose one of their values.
    """
    if isinstance(value, list):
        return [apply_fixes(item) for item in value]
    if not isinstance(value, dict):
        return value
    inner = value.get("jsonSchema")
    if isinstance(inner, dict):
        return {**value, "jsonSchema": _fix_schema(inner)}
    return _fix_schema(value)


def keep_documented(schema: JsonObject) -> JsonObject:
    """Return a JSON Schema with nothing but what the platform documents, and without null.

    What is invalid otherwise stays.
    """
    fixed = _fix_schema(schema)
    result = {key: value for key, value in fixed.items() if key in DOCUMENTED_KEYWORDS}
    properties = result.get("properties")
    if isinstance(properties, dict):
        result["properties"] = {
            name: _keep_documented_attributes(value) for name, value in properties.items()
        }
    return result


def _keep_documented_attributes(value: Json) -> Json:
    if not isinstance(value, dict):
        return value
    return {
        key: attribute
        for key, attribute in value.items()
        if key in DOCUMENTED_ATTRIBUTES and attribute is not None
    }


def _fix_schema(schema: JsonObject) -> JsonObject:
    fixed: JsonObject = {"$schema": JSON_SCHEMA, **schema}
    required, properties = schema.get("required"), schema.get("properties")
    if isinstance(required, list):
        fixed["required"] = _remove_repetitions(required)
    if isinstance(properties, dict):
        fixed["properties"] = {name: _fix_property(value) for name, value in properties.items()}
    return fixed


def _remove_repetitions(required: list[Json]) -> list[Json]:
    """Return the list with each name once. Other values are for a person to correct."""
    return [
        name
        for position, name in enumerate(required)
        if not isinstance(name, str) or name not in required[:position]
    ]


def _fix_property(value: Json) -> Json:
    if not isinstance(value, dict):
        return value
    spellings = {name.lower(): name for name in ATTRIBUTES}
    spellings[MISPRINT.lower()] = "showInContactCard"
    names = {key: spellings.get(key.lower(), key) for key in value}
    counts = Counter(names.values())
    result: JsonObject = {}
    for key, attribute in value.items():
        name = names[key] if counts[names[key]] == 1 else key
        text = to_attribute_text(name, attribute)
        result[name] = attribute if text is None else text
    return result
