"""Schemas -> model. Pure: the same schemas and renames give the same model."""

from collections.abc import Mapping
from typing import cast

from ..errors import ConfigError, RenderError, SchemaError
from ..names import Identifier, SchemaNames, name_properties, name_schemas, rename_key
from ..schema import Json, JsonObject, Schema, shown
from . import dialect
from .ir import Code, Codec, Field, Import, Package, Record
from .types import Annotation, Shape, annotations

_CODECS = {
    ("string", "str"): Codec(Code("str"), Code("check_string"), Code(""), Code("read_string")),
    ("integer", "int"): Codec(Code("int"), Code("check_integer"), Code(""), Code("read_integer")),
    ("number", "float"): Codec(Code(""), Code("check_number"), Code(""), Code("read_number")),
    ("boolean", "bool"): Codec(Code("bool"), Code("check_boolean"), Code(""), Code("read_boolean")),
    ("string", "datetime"): Codec(
        Code(""),
        Code("check_date_time"),
        Code("encode_date_time"),
        Code("read_date_time"),
        "An aware date and time.",
    ),
}
"""By JSON type and Python type."""

_RUNTIME = ("InvalidPayload", "Json", "Reader", "Violation")


def build(schemas: Mapping[str, Schema], renames: Mapping[str, str]) -> Package:
    """The model of a package.

    Raises one `SchemaError` that names everything that is wrong with the schemas, or a
    `ConfigError` for a rename that names nothing.
    """
    problems = [problem for key in sorted(schemas) for problem in dialect.problems(schemas[key])]
    if problems:
        *others, last = problems
        what = "\n".join([*map(str, others), last.what])
        raise SchemaError(what, where=last.where, fix=last.fix)
    _refuse_unused(renames, schemas)
    names = name_schemas(schemas, renames)
    types = annotations(
        _shape(value) for schema in schemas.values() for value in properties(schema).values()
    )
    return Package(
        tuple(_record(schemas[key], names[key], renames, types) for key in sorted(schemas))
    )


def properties(schema: Schema) -> dict[str, JsonObject]:
    """The properties of a schema of the platform's dialect."""
    return cast("dict[str, JsonObject]", schema.json_schema.get("properties", {}))


def _record(
    schema: Schema,
    names: SchemaNames,
    renames: Mapping[str, str],
    types: Mapping[Shape, Annotation],
) -> Record:
    attributes = name_properties(schema.id, properties(schema), renames)
    required = cast("list[str]", schema.json_schema.get("required", []))
    fields = tuple(
        _field(wire, value, attributes[wire], wire in required, types[_shape(value)])
        for wire, value in properties(schema).items()
    )
    used = [types[_shape(value)] for value in properties(schema).values()]
    return Record(
        schema_id=Code(schema.id),
        names=names,
        title=schema.display_name,
        doc=_sentences(schema.display_name, schema.json_schema.get("description")),
        fields=tuple(sorted(fields, key=lambda field: _order(field, properties(schema)))),
        imports=_imports(fields, used),
    )


def _field(
    wire: str, value: JsonObject, name: Identifier, required: bool, annotation: Annotation
) -> Field:
    codec = _CODECS.get((str(value["type"]), annotation.text))
    if codec is None:
        raise RenderError(
            f"no codec for the type {annotation.text} of {shown(wire)}",
            where="model/build.py",
            fix="report this, with the schema",
        )
    doc = _sentences(
        _first(value.get("displayName"), value.get("title"), wire),
        value.get("description"),
        codec.note,
        "The product that the interaction is about." if wire == "productSku" else "",
        _uses(value),
    )
    return Field(wire, name, annotation.text, codec, required, doc)


def _shape(value: JsonObject) -> Shape:
    return Shape(str(value["type"]), str(value.get("format") or ""))


def _order(field: Field, of: Mapping[str, JsonObject]) -> tuple[bool, bool, int, str]:
    """Required first, then as the contact card shows them, then by name."""
    try:
        rank = int(str(of[field.wire].get("sortOrder")))
    except ValueError:
        return (not field.required, True, 0, field.wire)
    return (not field.required, False, rank, field.wire)


def _sentences(*parts: Json) -> str:
    texts = [" ".join(part.split()) for part in parts if isinstance(part, str)]
    return " ".join(text if text[-1] in ".!?…" else f"{text}." for text in texts if text)


def _first(*texts: Json) -> str:
    return next((text for text in texts if isinstance(text, str) and text.strip()), "")


def _uses(value: JsonObject) -> str:
    uses = {
        "showInContactCard": "shown in the contact card",
        "addToSegmentation": "can be used in segments",
    }
    text = ", ".join(use for flag, use in uses.items() if value.get(flag) in ("true", True))
    return text[:1].upper() + text[1:]


def _imports(fields: tuple[Field, ...], used: list[Annotation]) -> tuple[Import, ...]:
    """What a module imports, whether it is the standard library's or the package's."""
    wanted: dict[str, set[str]] = {
        "collections.abc": {"Mapping"},
        "dataclasses": {"dataclass"},
        "datetime": {"datetime"},
        "typing": {"ClassVar", "Self"},
        "._runtime.async_client": {"AsyncEngageClient"},
        "._runtime.client": {"EngageClient"},
        "._runtime.retry": {"RetryPolicy"},
        "._runtime.results": {"Receipt"},
        "._runtime.payloads": set(_RUNTIME),
    }
    for codec in {field.codec for field in fields}:
        wanted["._runtime.payloads"] |= {codec.check, codec.encode, codec.read} - {""}
    for annotation in used:
        for item in annotation.imports:
            wanted.setdefault(item.module, set()).update(item.names)
    return tuple(
        Import(Code(module), tuple(map(Code, sorted(wanted[module])))) for module in sorted(wanted)
    )


def _refuse_unused(renames: Mapping[str, str], schemas: Mapping[str, Schema]) -> None:
    known = set(schemas)
    for schema in schemas.values():
        known |= {rename_key(schema.id, name) for name in properties(schema)}
    for key in sorted(set(renames) - known):
        import difflib

        near = difflib.get_close_matches(key, sorted(known), n=1)
        raise ConfigError(
            f"the rename of {shown(key)} names no schema or property of the snapshot",
            where="renames",
            fix=f"did you mean {shown(near[0])}?" if near else "take it out",
        )
