"""Fixes that need no judgment. Pure: JSON in, JSON out."""

from collections import Counter

from ..schema.jsontext import Json, JsonObject
from .attributes import ATTRIBUTES, MISPRINT, to_attribute_text


def apply_fixes(value: Json) -> Json:
    """Return the JSON of a schema file with attributes as the platform reads them.

    Corrects the misprint and odd capitals, and writes booleans and whole numbers as strings. Two
    spellings of one attribute stay, because it takes a person to choose one of their values.
    """
    if isinstance(value, list):
        return [apply_fixes(item) for item in value]
    if not isinstance(value, dict):
        return value
    inner = value.get("jsonSchema")
    if isinstance(inner, dict):
        return {**value, "jsonSchema": _fix_schema(inner)}
    return _fix_schema(value)


def _fix_schema(schema: JsonObject) -> JsonObject:
    properties = schema.get("properties")
    if not isinstance(properties, dict):
        return schema
    fixed: JsonObject = {name: _fix_property(value) for name, value in properties.items()}
    return {**schema, "properties": fixed}


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
