"""How two forms of one schema differ, attribute by attribute. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from ...lint.attributes import FLAGS, to_attribute_text
from ...model.jsonvalues import compact_json
from ...schema.envelope import Schema
from ...schema.jsontext import Json

Sign: TypeAlias = Literal["+", "-", "~"]
_Parts: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AttributeChange:
    """One attribute that two schemas have differently: added, removed, or with another value.

    `parts` lead from the envelope to the attribute, unescaped. An added attribute has no `old`
    value, and a removed one no `new` value.
    """

    sign: Sign
    parts: _Parts
    old: Json
    new: Json


def find_changes(old: Schema, new: Schema) -> tuple[AttributeChange, ...]:
    """Return what turns one schema into another one. Ids are not compared.

    Different spellings of one meaning are no change: a boolean and its text, a number and its
    digits, null, a flag that is false and a missing attribute, another order of names.
    """
    return tuple(_iterate_changes(dict(_attributes(old)), dict(_attributes(new))))


def _iterate_changes(old: dict[_Parts, Json], new: dict[_Parts, Json]) -> Iterator[AttributeChange]:
    for parts in sorted({*old, *new}):
        before = _meaning(parts, old[parts]) if parts in old else None
        after = _meaning(parts, new[parts]) if parts in new else None
        if before != after:
            sign: Sign = "+" if parts not in old else "-" if parts not in new else "~"
            yield AttributeChange(sign, parts, old.get(parts), new.get(parts))


def _attributes(schema: Schema) -> Iterator[tuple[_Parts, Json]]:
    yield ("displayName",), schema.display_name
    yield from _flatten(("jsonSchema",), schema.json_schema)


def _flatten(parts: _Parts, value: Json) -> Iterator[tuple[_Parts, Json]]:
    """Yield the innermost values of objects. A list is one value."""
    if not isinstance(value, dict) or not value:
        yield parts, value
        return
    for key, child in value.items():
        yield from _flatten((*parts, key), child)


def _meaning(parts: _Parts, value: Json) -> str | None:
    """Return a text that is the same for values with one meaning; None if it is as if missing."""
    if value is None and parts[-1] not in ("const", "default"):
        return None
    if parts == ("jsonSchema", "required"):
        return _meaning_of_set(value)
    if parts == ("jsonSchema", "properties") and value == {}:
        return None
    if parts == ("jsonSchema", "additionalProperties") and value is False:
        return None  # The platform drops undeclared properties in any case.
    if parts[:2] == ("jsonSchema", "properties") and len(parts) == 4:
        return _meaning_of_attribute(parts[3], value)
    return compact_json(value)


def _meaning_of_attribute(name: str, value: Json) -> str | None:
    if name in ("type", "enum"):
        return _meaning_of_set(value if isinstance(value, list) else [value])
    text = to_attribute_text(name, value)
    if text is None and isinstance(value, str):
        text = value.strip().lower() if name in FLAGS else value
    if name in FLAGS and text == "false":
        return None
    return compact_json(value if text is None else text)


def _meaning_of_set(value: Json) -> str | None:
    if not isinstance(value, list):
        return compact_json(value)
    return " ".join(sorted({compact_json(item) for item in value})) or None
