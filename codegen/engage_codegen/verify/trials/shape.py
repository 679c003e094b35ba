"""What the schema of a property determines about its attribute, derived without the generator."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import ceil, floor, inf, isfinite

from ...model.jsonvalues import is_number, normalize
from ...schema.jsontext import Json, JsonObject
from ..cases import IsValid

_TYPES = {"string": "str", "integer": "int", "number": "float", "boolean": "bool"}
_FORMATS: Mapping[str, tuple[str, float, float]] = {
    "date-time": ("datetime", 20, inf),
    "date": ("date", 10, 10),
    "time": ("time", 9, inf),
    "uuid": ("UUID", 36, 36),
}
"""Format -> Python type, and lengths of the shortest and the longest text of its values."""
_MOST_LITERALS = 20


@dataclass(frozen=True, slots=True)
class Shape:
    """The attribute of a property.

    `types` are the members of its annotation, without None and `Unset`: names of types, and listed
    values as ``Literal`` and their JSON.
    """

    types: frozenset[str]
    is_required: bool
    is_nullable: bool

    @property
    def annotation(self) -> frozenset[str]:
        """The members of the annotation of the attribute."""
        more = set[str]()
        if self.is_nullable or not self.is_required:
            more.add("NoneType")
        if self.is_nullable and not self.is_required:
            more.add("Unset")
        return self.types | more

    def omits(self, value: Json) -> bool:
        """Return True if the value stands for an omitted property."""
        return value is None and not self.is_required and not self.is_nullable

    def has_type_of(self, value: Json) -> bool:
        """Return True if the annotation allows values of this type."""
        if value is None:
            return self.is_nullable
        name = type(value).__name__
        names = {text.partition(" ")[0] for text in self.types}
        return name in names or "Literal" in names or (name == "int" and "float" in names)


def derive_shapes(schema: JsonObject, is_valid: IsValid, *, has_contract: bool) -> dict[str, Shape]:
    """Return the shapes of all properties. With a contract, few integers are listed."""
    properties = schema.get("properties")
    required = schema.get("required")
    names = required if isinstance(required, list) else []
    return {
        name: _derive(name, value, is_valid, name in names, has_contract)
        for name, value in (properties if isinstance(properties, dict) else {}).items()
        if isinstance(value, dict)
    }


def _derive(
    name: str, value: JsonObject, is_valid: IsValid, is_required: bool, has_contract: bool
) -> Shape:
    listed = _list_values(value)
    types = _list_types(value)
    if listed is None and has_contract and not types - {"integer", "null"}:
        listed = _list_integers(value, lambda number: is_valid(name, number) is True)
        if listed is not None and "null" in types:
            listed.append(None)
    if listed is None:
        return Shape(_name_types(value, types - {"null"}), is_required, "null" in types)
    values = [normalize(item) for item in listed if is_valid(name, item) is not False]
    is_nullable = None in values
    return Shape(
        _name_values([item for item in values if item is not None]), is_required, is_nullable
    )


def _list_types(value: JsonObject) -> frozenset[str]:
    types = value.get("type", [*_TYPES, "null"])
    return frozenset(str(item) for item in (types if isinstance(types, list) else [types]))


def _list_values(value: JsonObject) -> list[Json] | None:
    if "const" in value:
        return [value["const"]]
    items = value.get("enum")
    return list(items) if isinstance(items, list) else None


def _name_types(value: JsonObject, types: frozenset[str]) -> frozenset[str]:
    if types == frozenset(["string"]) and "pattern" not in value:
        python_type, shortest, longest = _FORMATS.get(str(value.get("format")), ("", 0, 0))
        low, high = value.get("minLength", 0), value.get("maxLength", inf)
        if (
            python_type
            and is_number(low)
            and low <= shortest
            and is_number(high)
            and high >= longest
        ):
            return frozenset([python_type])
    names = types - {"integer"} if "number" in types else types
    return frozenset(_TYPES[name] for name in names if name in _TYPES)


def _name_values(values: list[Json]) -> frozenset[str]:
    """Return the members for listed values. `Literal` has no floats and no large integers."""
    if any(
        is_number(item) and not (isinstance(item, int) and abs(item) < 2**63) for item in values
    ):
        return frozenset("float" if is_number(item) else type(item).__name__ for item in values)
    return frozenset(f"Literal {json.dumps(item)}" for item in values)


def _list_integers(value: JsonObject, is_valid: Callable[[int], bool]) -> list[Json] | None:
    """Return the integers between the bounds that are valid, None if there are too many."""
    lows = [bound for key in ("minimum", "exclusiveMinimum") if is_number(bound := value.get(key))]
    highs = [bound for key in ("maximum", "exclusiveMaximum") if is_number(bound := value.get(key))]
    if not lows or not highs or not isfinite(max(lows) - min(highs)):
        return None
    low, high = ceil(max(lows)), floor(min(highs))
    if high - low >= _MOST_LITERALS + 2:
        return None
    numbers: list[Json] = [number for number in range(low, high + 1) if is_valid(number)]
    return numbers if 0 < len(numbers) <= _MOST_LITERALS else None
