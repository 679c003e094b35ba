"""Schemas -> model. Pure: the same schemas and renames give the same model in every Python."""

import re
from collections.abc import Iterator, Mapping
from typing import cast

from ..errors import ConfigError, SchemaError
from ..schema.envelope import Dialect, Schema
from ..schema.jsontext import Json, JsonObject
from ..schema.names import SchemaNames, name_properties, name_schemas, rename_key
from ..schema.text import quote
from .codecs import FieldType, choose_type, json_types_of, scalar_literal
from .constraints import Constraints, parse_constraints
from .dialect import find_problems
from .ir import Code, Field, Import, Package, Prose, Record, inline_literal, literal
from .types import Annotation, JsonType, generate_annotations

_PAYLOAD_NAMES = ("InvalidPayloadError", "Json", "Payload", "Reader", "Violation")

_SPACES = re.compile("[\t-\r\x1c- \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+")
"""White space in Unicode. The list is fixed, so that the Unicode version of the running Python does
not change the output."""


def build(
    schemas: Mapping[str, Schema], renames: Mapping[str, str], dialect: Dialect = "engage"
) -> Package:
    """Return the model of a package.

    Raises `SchemaError` with every problem of the schemas, or `ConfigError` for a rename of a
    schema or property that does not exist.
    """
    ids = sorted(schemas)
    problems = [problem for key in ids for problem in find_problems(schemas[key], dialect)]
    if problems:
        raise SchemaError(problems)
    _refuse_unused(renames, schemas)
    names = name_schemas(schemas, renames)
    constraints = {
        key: {wire: parse_constraints(value) for wire, value in properties_of(schemas[key]).items()}
        for key in ids
    }
    annotations = generate_annotations(
        json_type
        for properties in constraints.values()
        for item in properties.values()
        for json_type in json_types_of(item)
    )
    return Package(
        tuple(
            _record(schemas[key], names[key], renames, constraints[key], annotations) for key in ids
        )
    )


def properties_of(schema: Schema) -> dict[str, JsonObject]:
    """Return the properties of a schema without problems: name -> schema of the property."""
    return cast("dict[str, JsonObject]", schema.json_schema.get("properties", {}))


def _record(
    schema: Schema,
    names: SchemaNames,
    renames: Mapping[str, str],
    constraints: Mapping[str, Constraints],
    annotations: Mapping[JsonType, Annotation],
) -> Record:
    body, properties = schema.json_schema, properties_of(schema)
    attributes = name_properties(schema.id, properties, renames)
    required = cast("list[str]", body.get("required", []))
    types = {wire: choose_type(item, annotations) for wire, item in constraints.items()}
    fields = tuple(
        Field(
            wire=wire,
            name=attributes[wire],
            annotation=types[wire].annotation,
            codec=types[wire].codec,
            required=wire in required,
            nullable=item.nullable,
            doc=_doc(wire, attributes[wire], properties[wire], item, types[wire]),
        )
        for wire, item in constraints.items()
    )
    limits = _limits(body)
    deprecation = "This interaction schema is deprecated." if body.get("deprecated") is True else ""
    return Record(
        schema_id=Code(schema.id),
        names=names,
        title=schema.display_name,
        doc=_sentences(schema.display_name, body.get("description"), deprecation),
        fields=tuple(sorted(fields, key=lambda field: _order(field, properties))),
        imports=_imports(fields, list(types.values()), limits, deprecation),
        limits=limits,
        deprecation=deprecation,
    )


def _limits(body: JsonObject) -> Code:
    """Return the arguments that check the payload as a whole."""
    arguments: list[str] = []
    for keyword, name in (("minProperties", "min_properties"), ("maxProperties", "max_properties")):
        number = cast("float | None", body.get(keyword))
        if number is not None and (number or keyword == "maxProperties"):
            arguments.append(f"{name}={int(number)}")
    dependent = cast("dict[str, list[str]]", body.get("dependentRequired", {}))
    pairs = [
        f"{literal(name)}: ({', '.join(map(literal, sorted(set(others))))},)"
        for name, others in sorted(dependent.items())
        if others
    ]
    if pairs:
        arguments.append(f"dependent_required={{{', '.join(pairs)}}}")
    return Code(", ".join(arguments))


def _doc(
    wire: str, name: str, value: JsonObject, constraints: Constraints, type_: FieldType
) -> Prose:
    return _sentences(
        _first(value.get("displayName"), value.get("title"), wire),
        value.get("description"),
        type_.codec.note,
        _limit_sentence(constraints) if type_.codec.rule else "",
        f"Format {constraints.unchecked_format} (not checked)."
        if constraints.unchecked_format
        else "",
        "The product that the interaction is about." if wire == "productSku" else "",
        _uses(value),
        "Deprecated." if value.get("deprecated") is True else "",
        "Read only: Engage sets it." if value.get("readOnly") is True else "",
        "Write only: Engage does not return it." if value.get("writeOnly") is True else "",
        *_value_sentences(value),
        _wire_sentence(wire) if name != wire else "",
    )


def _wire_sentence(wire: str) -> Prose:
    return Prose("Sent as ", inline_literal(wire), ".")


def _limit_sentence(constraints: Constraints) -> str:
    words = {
        "min_length": "length at least {}",
        "max_length": "length at most {}",
        "pattern": "matches the pattern of the schema",
        "format": "in the format {}",
        "minimum": "at least {}",
        "exclusive_minimum": "more than {}",
        "maximum": "at most {}",
        "exclusive_maximum": "less than {}",
        "multiple_of": "a multiple of {}",
    }
    limits = {**constraints.text_limits, **constraints.numeric_limits}
    text = ", ".join(words[name].format(value) for name, value in limits.items())
    return text[:1].upper() + text[1:]


def _value_sentences(value: JsonObject) -> Iterator[str]:
    """Yield sentences about the default and the examples in the schema."""
    default, examples = value.get("default"), value.get("examples")
    if isinstance(default, (str, int, float)):
        yield f"The schema names {scalar_literal(default)} as the default."
    if isinstance(examples, list):
        texts = [scalar_literal(item) for item in examples if isinstance(item, (str, int, float))]
        if texts:
            yield f"For example {', '.join(texts)}."


def _order(field: Field, properties: Mapping[str, JsonObject]) -> tuple[bool, bool, int, str]:
    """Return the sort key: required fields first, then by `sortOrder`, then by name."""
    text = str(properties[field.wire].get("sortOrder"))
    try:
        # Which other digits Python accepts depends on its version.
        rank = int(text) if text.isascii() else None
    except ValueError:
        rank = None
    return (not field.required, rank is None, rank or 0, field.wire)


def _sentences(*parts: Json) -> Prose:
    """Return the texts as sentences on one line, each with a full stop."""
    pieces: list[str] = []
    for part in parts:
        if isinstance(part, Prose):
            sentence = part.pieces
        else:
            text = _SPACES.sub(" ", part).strip(" ") if isinstance(part, str) else ""
            sentence = (text if text[-1] in ".!?…" else f"{text}.",) if text else ()
        pieces += (" " if pieces and sentence else "", *sentence)
    return Prose(*pieces)


def _first(*texts: Json) -> str:
    """Return the first text that is not blank."""
    return next((text for text in texts if isinstance(text, str) and _SPACES.sub("", text)), "")


def _uses(value: JsonObject) -> str:
    """Return where the platform uses the property, as the words of a sentence."""
    uses = {
        "showInContactCard": "shown in the contact card",
        "addToSegmentation": "can be used in segments",
    }
    text = ", ".join(use for flag, use in uses.items() if value.get(flag) in ("true", True))
    return text[:1].upper() + text[1:]


def _imports(
    fields: tuple[Field, ...], types: list[FieldType], limits: Code, deprecation: str
) -> tuple[Import, ...]:
    """Return the imports of a module, from the standard library and from its package."""
    imports: dict[str, set[str]] = {
        "collections.abc": {"Mapping"},
        "dataclasses": {"dataclass"},
        "datetime": {"datetime"},
        "typing": {"ClassVar", "Self"},
        "uuid": {"UUID"},
        "._runtime.payload": set(_PAYLOAD_NAMES),
        "._runtime.public": {"AsyncEngageClient", "EngageClient", "Receipt", "RetryPolicy"},
    }
    for codec in {field.codec for field in fields}:
        used = {name for name in (codec.check, codec.encode, codec.read) if "." not in name}
        imports["._runtime.payload"] |= used - {""}
    if any(field.nullable and not field.required for field in fields):
        imports["._runtime.payload"] |= {"UNSET", "Unset"}
    if limits:
        imports["._runtime.payload"].add("rules")
    if deprecation:
        imports["._runtime.payload.deprecation"] = {"deprecated"}
    for item in (item for type_ in types for item in type_.imports):
        imports.setdefault(item.module, set()).update(item.names)
    return tuple(
        Import(Code(module), tuple(map(Code, sorted(imports[module]))))
        for module in sorted(imports)
    )


def _refuse_unused(renames: Mapping[str, str], schemas: Mapping[str, Schema]) -> None:
    """Raise `ConfigError` for a rename of a schema or property that does not exist."""
    keys = set(schemas)
    for schema in schemas.values():
        keys |= {rename_key(schema.id, name) for name in properties_of(schema)}
    for key in sorted(renames.keys() - keys):
        import difflib

        near = difflib.get_close_matches(key, sorted(keys), n=1)
        raise ConfigError(
            f"`renames` has {quote(key)}, but no schema or property has that name",
            where="renames",
            fix=f"did you mean {quote(near[0])}?" if near else "remove the line",
        )
