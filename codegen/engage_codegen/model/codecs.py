"""Constraints -> type and codec: the functions or the rule of the runtime for a property."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import inf

from ..errors import RenderError
from ..schema.jsontext import Json
from .constraints import Constraints
from .ir import NO_CODE, Code, Codec, Import, literal
from .jsonvalues import normalize
from .types import Annotation, JsonType

_CODECS = {
    ("string", "str"): Codec(
        Code("type({0}) is not str or not {0}.isascii()"),
        Code("check_string"),
        NO_CODE,
        Code("read_string"),
    ),
    ("integer", "int"): Codec(
        Code("type({0}) is not int or {0}.bit_length() > 64"),
        Code("check_integer"),
        NO_CODE,
        Code("read_integer"),
    ),
    ("number", "float"): Codec(
        Code("type({0}) is not float or not isfinite({0})"),
        Code("check_number"),
        NO_CODE,
        Code("read_number"),
    ),
    ("boolean", "bool"): Codec(
        Code("type({0}) is not bool"), Code("check_boolean"), NO_CODE, Code("read_boolean")
    ),
    ("string", "datetime"): Codec(
        Code("type({0}) is not datetime or {0}.tzinfo is not UTC"),
        Code("check_date_time"),
        Code("encode_date_time"),
        Code("read_date_time"),
        "An aware date and time.",
    ),
    ("string", "Date"): Codec(
        NO_CODE, Code("values.check_date"), Code("values.encode_date"), Code("values.read_date")
    ),
    ("string", "Time"): Codec(
        NO_CODE,
        Code("values.check_time"),
        Code("values.encode_time"),
        Code("values.read_time"),
        "A time of day with a fixed offset.",
    ),
    ("string", "UUID"): Codec(
        NO_CODE, Code("values.check_uuid"), Code("values.encode_uuid"), Code("values.read_uuid")
    ),
}
"""JSON type and Python type -> codec, for properties without limits."""

_READABLE_LENGTHS = {"date-time": (20, inf), "date": (10, 10), "time": (9, inf), "uuid": (36, 36)}
"""Format with a Python type -> lengths of the shortest and the longest string that can be read.
A time can end in any number of zeros."""

_RULES = {"string": "Text", "integer": "Integer", "number": "Number", "boolean": "Boolean"}


@dataclass(frozen=True, slots=True)
class FieldType:
    """The type, the codec and the imports of a property in a generated module."""

    annotation: Code
    codec: Codec
    imports: tuple[Import, ...] = ()


def json_types_of(constraints: Constraints) -> Iterator[JsonType]:
    """Yield the JSON types whose Python types make up the type of a property."""
    for name in constraints.types:
        yield JsonType(name, constraints.format if has_python_type(constraints) else "")


def has_python_type(constraints: Constraints) -> bool:
    """Return True if a string becomes a `datetime`, `date`, `time` or `UUID`.

    It stays a string if limits of its length or a pattern could refuse what such a value is
    written as.
    """
    shortest, longest = _READABLE_LENGTHS.get(constraints.format, (0, 0))
    return (
        constraints.format in _READABLE_LENGTHS
        and constraints.types == ("string",)
        and not constraints.choices
        and not constraints.pattern
        and constraints.min_length <= shortest
        and (constraints.max_length is None or constraints.max_length >= longest)
    )


def choose_type(constraints: Constraints, annotations: Mapping[JsonType, Annotation]) -> FieldType:
    """Return type and codec of a property; `annotations` has all of its `json_types_of`."""
    if constraints.choices:
        return _choice_type(constraints)
    parts = [annotations[json_type] for json_type in json_types_of(constraints)]
    annotation = Code(" | ".join(part.text for part in parts))
    first, *others = constraints.types
    if others:
        arguments = ", ".join(f"{name}={_rule(name, constraints)}" for name in constraints.types)
        return _ruled_type(annotation, f"rules.Either[{annotation}]({arguments})", constraints)
    has_limits = constraints.text_limits or constraints.numeric_limits
    if has_limits and not has_python_type(constraints):
        return _ruled_type(annotation, _rule(first, constraints), constraints)
    codec = _CODECS.get((first, annotation))
    if codec is None:
        raise RenderError(
            f"the type {annotation} of a {first} has no codec",
            where="model/codecs.py",
            fix="report this bug, with the schema",
        )
    imports = tuple(item for part in parts for item in part.imports)
    if codec.check.startswith("values."):
        imports += (Import(Code("._runtime.payload"), (Code("values"),)),)
    if first == "number":
        imports += (Import(Code("math"), (Code("isfinite"),)),)
    if annotation == "datetime":
        imports += (Import(Code("datetime"), (Code("UTC"),)),)
    return FieldType(annotation, codec, imports)


def _ruled_type(annotation: Code, rule: str, constraints: Constraints) -> FieldType:
    """Return a type whose codec is a rule, an object that the module creates once."""
    modules = ["rules"] + (["formats"] if "formats." in rule and constraints.format else [])
    imports = (Import(Code("._runtime.payload"), tuple(map(Code, modules))),)
    codec = Codec(NO_CODE, NO_CODE, NO_CODE, NO_CODE, rule=Code(rule))
    return FieldType(annotation, codec, imports)


def _rule(name: str, constraints: Constraints) -> str:
    arguments: dict[str, Code] = {}
    if name == "string":
        for limit, value in constraints.text_limits.items():
            if limit == "format":
                arguments["form"] = Code(f"formats.is_{str(value).replace('-', '_')}")
            else:
                arguments[limit] = scalar_literal(value)
    elif name in ("integer", "number"):
        limits = constraints.numeric_limits
        arguments |= {limit: scalar_literal(value) for limit, value in limits.items()}
    text = ", ".join(f"{key}={value}" for key, value in arguments.items())
    return f"rules.{_RULES[name]}({text})"


def _choice_type(constraints: Constraints) -> FieldType:
    choices = [normalize(value) for value in constraints.choices]
    members = ", ".join(map(scalar_literal, choices))
    if any(map(_is_not_literal, choices)):
        names = {"string": "str", "integer": "float", "number": "float", "boolean": "bool"}
        imports: tuple[Import, ...] = ()
        annotation = Code(" | ".join(dict.fromkeys(names[name] for name in constraints.types)))
    else:
        imports = (Import(Code("typing"), (Code("Literal"),)),)
        annotation = Code(f"Literal[{members}]")
    ruled = _ruled_type(annotation, f"rules.Choice[{annotation}]({members})", constraints)
    return FieldType(annotation, ruled.codec, (*imports, *ruled.imports))


def _is_not_literal(value: Json) -> bool:
    """Return True for floats, which `Literal` excludes, and for integers that mypy cannot hold."""
    return isinstance(value, float) or (isinstance(value, int) and abs(value) >= 2**63)


def scalar_literal(value: Json) -> Code:
    """Return a JSON scalar as a literal of Python."""
    if isinstance(value, str):
        return literal(value)
    if isinstance(value, (bool, int, float)) or value is None:
        return Code(repr(value))
    raise TypeError(f"not a scalar: {value!r}")
