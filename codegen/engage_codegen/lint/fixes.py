"""Remedies that need no judgement. Pure: JSON in, JSON out."""

from ..schema.jsontext import Json, JsonObject
from .attributes import ATTRIBUTES, FLAGS, MISPRINT, written


def fixed(value: Json) -> Json:
    """A file's JSON with attributes as the platform reads them: the misprint and odd capitals put
    right, booleans and numbers as strings."""
    if isinstance(value, list):
        return [fixed(item) for item in value]
    if not isinstance(value, dict):
        return value
    inner = value.get("jsonSchema")
    if isinstance(inner, dict):
        return {**value, "jsonSchema": _schema(inner)}
    return _schema(value)


def _schema(schema: JsonObject) -> JsonObject:
    properties = schema.get("properties")
    if not isinstance(properties, dict):
        return schema
    return {**schema, "properties": {name: _property(it) for name, it in properties.items()}}


def _property(value: Json) -> Json:
    if not isinstance(value, dict):
        return value
    named = {it.lower(): it for it in ATTRIBUTES} | {MISPRINT.lower(): "showInContactCard"}
    result: JsonObject = {}
    for key, given in value.items():
        meant = named.get(key.lower(), key)
        meant = key if meant != key and meant in value else meant
        is_text = meant in (*FLAGS, "sortOrder")
        result[meant] = written(given) if is_text and isinstance(given, (int, float)) else given
    return result
