"""Scalar -> type and codec: which function or rule of the runtime checks, writes and reads it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import inf

from ..errors import RenderError
from ..schema.jsontext import Json
from .constraints import Scalar, whole
from .ir import NO_CODE, Code, Codec, Import, literal
from .types import Annotation, Shape

_PLAIN = {
    ("string", "str"): Codec(Code("str"), Code("check_string"), NO_CODE, Code("read_string")),
    ("integer", "int"): Codec(Code("int"), Code("check_integer"), NO_CODE, Code("read_integer")),
    ("number", "float"): Codec(NO_CODE, Code("check_number"), NO_CODE, Code("read_number")),
    ("boolean", "bool"): Codec(Code("bool"), Code("check_boolean"), NO_CODE, Code("read_boolean")),
    ("string", "datetime"): Codec(
        NO_CODE,
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
"""By JSON type and Python type."""

_LENGTHS = {"date-time": (20, inf), "date": (10, 10), "time": (9, inf), "uuid": (36, 36)}
"""The formats that have a Python type; the shortest and the longest text that is read as one: there
may be any number of zeros behind the second."""

_RULES = {"string": "Text", "integer": "Integer", "number": "Number", "boolean": "Boolean"}


@dataclass(frozen=True, slots=True)
class Kind:
    """What a module has to know of the values of a property."""

    annotation: Code
    codec: Codec
    imports: tuple[Import, ...] = ()


def shapes(scalar: Scalar) -> Iterator[Shape]:
    """The shapes whose Python types make up that of a scalar."""
    for kind in scalar.types:
        yield Shape(kind, scalar.format if is_typed(scalar) else "")


def is_typed(scalar: Scalar) -> bool:
    """Whether a value is more than its text in Python: not where limits of the text have to be kept
    by what is read and by what is written alike."""
    shortest, longest = _LENGTHS.get(scalar.format, (0, 0))
    return (
        scalar.format in _LENGTHS
        and scalar.types == ("string",)
        and not scalar.choices
        and not scalar.pattern
        and scalar.min_length <= shortest
        and (scalar.max_length is None or scalar.max_length >= longest)
    )


def kind(scalar: Scalar, types: Mapping[Shape, Annotation]) -> Kind:
    """`types` has all `shapes`."""
    if scalar.choices:
        return _choice(scalar)
    found = [types[shape] for shape in shapes(scalar)]
    annotation = Code(" | ".join(item.text for item in found))
    imports = tuple(item for each in found for item in each.imports)
    limits = {**scalar.text_limits, **scalar.numeric_limits}
    first, *others = scalar.types
    if others:
        arguments = ", ".join(f"{name}={_rule(name, scalar)}" for name in scalar.types)
        return _ruled(annotation, f"rules.Either[{annotation}]({arguments})", scalar)
    if limits and not is_typed(scalar):
        return _ruled(annotation, _rule(first, scalar), scalar)
    codec = _PLAIN.get((first, annotation))
    if codec is None:
        raise RenderError(
            f"no codec for the type {annotation}",
            where="model/codecs.py",
            fix="report this, with the schema",
        )
    if codec.check.startswith("values."):
        imports += (Import(Code("._runtime.payload"), (Code("values"),)),)
    return Kind(annotation, codec, imports)


def _ruled(annotation: Code, rule: str, scalar: Scalar) -> Kind:
    used = ["rules"] + (["formats"] if "formats." in rule and scalar.format else [])
    imports = (Import(Code("._runtime.payload"), tuple(map(Code, used))),)
    return Kind(annotation, Codec(NO_CODE, NO_CODE, NO_CODE, NO_CODE, rule=Code(rule)), imports)


def _rule(name: str, scalar: Scalar) -> str:
    limits: dict[str, Code] = {}
    if name == "string":
        for key, value in scalar.text_limits.items():
            is_form = key == "format"
            text = f"formats.is_{str(value).replace('-', '_')}" if is_form else scalar_code(value)
            limits["form" if is_form else key] = Code(text)
    elif name in ("integer", "number"):
        limits |= {key: scalar_code(value) for key, value in scalar.numeric_limits.items()}
    arguments = ", ".join(f"{key}={value}" for key, value in limits.items())
    return f"rules.{_RULES[name]}({arguments})"


def _choice(scalar: Scalar) -> Kind:
    members = ", ".join(scalar_code(whole(value)) for value in scalar.choices)
    is_closed = not any(
        isinstance(it, float) or (isinstance(it, int) and abs(it) >= 2**63)
        for it in map(whole, scalar.choices)
    )
    if is_closed:
        imports = [Import(Code("typing"), (Code("Literal"),))]
        annotation = Code(f"Literal[{members}]")
    else:
        # Literal knows no floats, and mypy none of the largest ints.
        names = {"string": "str", "integer": "float", "number": "float", "boolean": "bool"}
        imports = []
        annotation = Code(" | ".join(dict.fromkeys(names[name] for name in scalar.types)))
    made = _ruled(annotation, f"rules.Choice[{annotation}]({members})", scalar)
    return Kind(annotation, made.codec, (*imports, *made.imports))


def scalar_code(value: Json) -> Code:
    """A JSON scalar as a literal of Python."""
    if isinstance(value, str):
        return literal(value)
    if isinstance(value, (bool, int, float)) or value is None:
        return Code(repr(value))
    raise TypeError(f"no scalar: {value!r}")
