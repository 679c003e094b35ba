"""Schemas -> model. Pure: the same schemas and renames give the same model."""

from collections.abc import Iterator, Mapping
from typing import cast

from ..errors import ConfigError, SchemaError
from ..schema.envelope import Dialect, Schema
from ..schema.jsontext import Json, JsonObject
from ..schema.names import SchemaNames, name_properties, name_schemas, rename_key
from ..schema.text import quote
from . import dialect
from .codecs import Kind, kind, scalar_code, shapes
from .constraints import Scalar, read
from .ir import Code, Field, Import, Package, Record, literal
from .types import Annotation, Shape, annotations

_RUNTIME = ("InvalidPayload", "Json", "Reader", "Violation")


def build(
    schemas: Mapping[str, Schema],
    renames: Mapping[str, str],
    spoken: Dialect = "engage",
) -> Package:
    """The model of a package.

    Raises one `SchemaError` that names everything that is wrong with the schemas, or a
    `ConfigError` for a rename that names nothing.
    """
    wanted = sorted(schemas)
    problems = [problem for key in wanted for problem in dialect.problems(schemas[key], spoken)]
    if problems:
        raise SchemaError(problems)
    _refuse_unused(renames, schemas)
    names = name_schemas(schemas, renames)
    scalars = {
        key: {wire: read(value) for wire, value in properties(schemas[key]).items()}
        for key in wanted
    }
    used = {it for each in scalars.values() for scalar in each.values() for it in shapes(scalar)}
    annotated = annotations(used)
    return Package(
        tuple(_record(schemas[key], names[key], renames, scalars[key], annotated) for key in wanted)
    )


def properties(schema: Schema) -> dict[str, JsonObject]:
    """The properties of a schema of the platform's dialect."""
    return cast("dict[str, JsonObject]", schema.json_schema.get("properties", {}))


def _record(
    schema: Schema,
    names: SchemaNames,
    renames: Mapping[str, str],
    scalars: Mapping[str, Scalar],
    types: Mapping[Shape, Annotation],
) -> Record:
    body = schema.json_schema
    attributes = name_properties(schema.id, properties(schema), renames)
    required = cast("list[str]", body.get("required", []))
    kinds = {wire: kind(scalar, types) for wire, scalar in scalars.items()}
    fields = tuple(
        Field(
            wire=wire,
            name=attributes[wire],
            annotation=kinds[wire].annotation,
            codec=kinds[wire].codec,
            required=wire in required,
            nullable=scalar.nullable,
            doc=_doc(wire, properties(schema)[wire], scalar, kinds[wire]),
        )
        for wire, scalar in scalars.items()
    )
    limits = _limits(body)
    deprecation = "this kind of interaction is deprecated" if body.get("deprecated") is True else ""
    return Record(
        schema_id=Code(schema.id),
        names=names,
        title=schema.display_name,
        doc=_sentences(schema.display_name, body.get("description"), deprecation.capitalize()),
        fields=tuple(sorted(fields, key=lambda field: _order(field, properties(schema)))),
        imports=_imports(fields, list(kinds.values()), limits, deprecation),
        limits=limits,
        deprecation=deprecation,
    )


def _limits(body: JsonObject) -> Code:
    """The arguments of the check of a whole payload."""
    found: list[str] = []
    for keyword, name in (("minProperties", "min_properties"), ("maxProperties", "max_properties")):
        number = cast("float | None", body.get(keyword))
        if number is not None and (number or keyword == "maxProperties"):
            found.append(f"{name}={int(number)}")
    dependent = cast("dict[str, list[str]]", body.get("dependentRequired", {}))
    pairs = [
        f"{literal(name)}: ({', '.join(map(literal, sorted(set(others))))},)"
        for name, others in sorted(dependent.items())
        if others
    ]
    if pairs:
        found.append(f"dependent_required={{{', '.join(pairs)}}}")
    return Code(", ".join(found))


def _doc(wire: str, value: JsonObject, scalar: Scalar, of: Kind) -> str:
    return _sentences(
        _first(value.get("displayName"), value.get("title"), wire),
        value.get("description"),
        of.codec.note,
        _limit_sentence(scalar) if of.codec.rule else "",
        f"Format {scalar.note} (not checked)." if scalar.note else "",
        "The product that the interaction is about." if wire == "productSku" else "",
        _uses(value),
        "Deprecated." if value.get("deprecated") is True else "",
        "Read only: the platform sets it." if value.get("readOnly") is True else "",
        "Write only: the platform does not give it back." if value.get("writeOnly") is True else "",
        *_value_sentences(value),
    )


def _limit_sentence(scalar: Scalar) -> str:
    words = {
        "min_length": "length at least {}",
        "max_length": "length at most {}",
        "pattern": "matches a pattern",
        "format": "of the format {}",
        "minimum": "at least {}",
        "exclusive_minimum": "more than {}",
        "maximum": "at most {}",
        "exclusive_maximum": "less than {}",
        "multiple_of": "a multiple of {}",
    }
    limits = {**scalar.text_limits, **scalar.numeric_limits}
    text = ", ".join(words[name].format(value) for name, value in limits.items())
    return text[:1].upper() + text[1:]


def _value_sentences(value: JsonObject) -> Iterator[str]:
    """What the schema's author offers as values."""
    default, examples = value.get("default"), value.get("examples")
    if isinstance(default, (str, int, float)):
        yield f"Left out, it counts as {scalar_code(default)}."
    if isinstance(examples, list):
        shown_ = [scalar_code(it) for it in examples if isinstance(it, (str, int, float))]
        if shown_:
            yield f"For example {', '.join(shown_)}."


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


def _imports(
    fields: tuple[Field, ...], kinds: list[Kind], limits: Code, deprecation: str
) -> tuple[Import, ...]:
    """What a module imports, whether it is the standard library's or the package's."""
    wanted: dict[str, set[str]] = {
        "collections.abc": {"Mapping"},
        "dataclasses": {"dataclass"},
        "datetime": {"datetime"},
        "typing": {"ClassVar", "Self"},
        "._runtime.async_client": {"AsyncEngageClient"},
        "._runtime.client": {"EngageClient"},
        "._runtime.call.retry": {"RetryPolicy"},
        "._runtime.results": {"Receipt"},
        "._runtime.payload.checks": set(_RUNTIME),
    }
    for codec in {field.codec for field in fields}:
        used = {name for name in (codec.check, codec.encode, codec.read) if "." not in name}
        wanted["._runtime.payload.checks"] |= used - {""}
    if any(field.nullable and not field.required for field in fields):
        wanted["._runtime.payload.checks"] |= {"UNSET", "Unset"}
    if limits:
        wanted.setdefault("._runtime.payload", set()).add("rules")
    if deprecation:
        wanted["._runtime.payload.deprecation"] = {"deprecated"}
    for item in (item for each in kinds for item in each.imports):
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
            f"the rename of {quote(key)} names no schema or property of the snapshot",
            where="renames",
            fix=f"did you mean {quote(near[0])}?" if near else "take it out",
        )
