"""Schemas -> model. Pure: the same schemas and renames give the same model in every Python."""

import re
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import cast

from ..errors import ConfigError, SchemaError, SchemaProblem
from ..schema.contract import Contract
from ..schema.envelope import Dialect, Schema
from ..schema.jsontext import JsonObject
from ..schema.names import Identifier, SchemaNames, name_properties, name_schemas, rename_key
from ..schema.text import quote, suggest
from .codecs import FieldType, choose_type, json_types_of
from .constraints import Constraints, list_integers, parse_constraints
from .dialect import find_problems
from .docstrings import (
    NO_CONTRACT,
    NO_PROPERTY_CONTRACT,
    describe_property,
    describe_schema,
)
from .ir import Code, Field, Import, Package, Prose, Record, literal
from .types import Annotation, JsonType, generate_annotations

_PAYLOAD_NAMES = ("InvalidPayloadError", "Json", "Payload", "Reader", "Violation")

_MOST_LITERALS = 20
"""A contract with no more integers than this lists them in a `Literal`."""


def build(
    schemas: Mapping[str, Schema], renames: Mapping[str, str], dialect: Dialect = "engage"
) -> Package:
    """Return the model of a package.

    Raises `SchemaError` with every problem of the schemas, or `ConfigError` for a rename of a
    schema or property that does not exist.
    """
    ids = sorted(schemas)
    problems = [problem for key in ids for problem in find_build_problems(schemas[key], dialect)]
    if problems:
        raise SchemaError(problems)
    _refuse_unused(renames, schemas)
    names = name_schemas(schemas, renames)
    constraints = {key: _constraints(schemas[key]) for key in ids}
    stored = {key: _stored_constraints(schemas[key]) for key in ids}
    annotations = generate_annotations(
        json_type
        for properties in (*constraints.values(), *stored.values())
        for item in properties.values()
        for json_type in json_types_of(item)
    )
    return Package(
        tuple(
            _record(schemas[key], names[key], renames, constraints[key], stored[key], annotations)
            for key in ids
        )
    )


def find_build_problems(schema: Schema, dialect: Dialect) -> Iterator[SchemaProblem]:
    """Yield why a schema cannot become code, and why its contract cannot."""
    problems = list(find_problems(schema, dialect))
    if schema.contract and not problems:
        problems += find_problems(schema.narrowed, "json-schema")
    yield from problems


def _constraints(schema: Schema) -> dict[str, Constraints]:
    """Return what generated code can send, by property."""
    items = {
        wire: parse_constraints(value) for wire, value in properties_of(schema.narrowed).items()
    }
    if schema.contract is None:
        return items
    return {wire: list_integers(item, _MOST_LITERALS) for wire, item in items.items()}


def _stored_constraints(schema: Schema) -> dict[str, Constraints]:
    """Return what the tenant stores, by property; nothing without a contract."""
    if schema.contract is None:
        return {}
    return {wire: parse_constraints(value) for wire, value in properties_of(schema).items()}


def properties_of(schema: Schema) -> dict[str, JsonObject]:
    """Return the properties of a schema without problems: name -> schema of the property."""
    return cast("dict[str, JsonObject]", schema.json_schema.get("properties", {}))


def _record(
    schema: Schema,
    names: SchemaNames,
    renames: Mapping[str, str],
    constraints: Mapping[str, Constraints],
    stored: Mapping[str, Constraints],
    annotations: Mapping[JsonType, Annotation],
) -> Record:
    narrowed, contract = schema.narrowed, schema.contract or NO_CONTRACT
    body, properties = narrowed.json_schema, properties_of(narrowed)
    attributes = name_properties(schema.id, properties, renames)
    required = cast("list[str]", body.get("required", []))
    types = {wire: choose_type(item, annotations) for wire, item in constraints.items()}
    stored_types = {wire: choose_type(item, annotations) for wire, item in stored.items()}
    fields = tuple(
        Field(
            wire=wire,
            name=attributes[wire],
            annotation=types[wire].annotation,
            codec=types[wire].codec,
            required=wire in required,
            nullable=item.nullable,
            doc=describe_property(
                wire,
                attributes[wire],
                properties[wire],
                item,
                types[wire],
                contract.properties.get(wire, NO_PROPERTY_CONTRACT),
            ),
            stored=_stored_field(schema, wire, attributes[wire], stored, stored_types),
            is_personal=_is_personal(contract, wire),
        )
        for wire, item in constraints.items()
    )
    stored_rules = [
        stored_types[field.wire] for field in fields if field.stored and field.stored.codec.rule
    ]
    limits = _limits(body)
    deprecation = "This interaction schema is deprecated." if body.get("deprecated") is True else ""
    return Record(
        schema_id=Code(schema.id),
        names=names,
        title=schema.display_name,
        doc=describe_schema(schema, deprecation),
        fields=tuple(sorted(fields, key=lambda field: _order(field, properties))),
        imports=_imports(
            *(fields, [*types.values(), *stored_rules], limits, deprecation),
            has_contract=schema.contract is not None,
        ),
        annotation_imports=_annotation_imports(types.values()),
        limits=limits,
        deprecation=deprecation,
        owner=contract.owner,
        has_contract=schema.contract is not None,
    )


def _stored_field(
    schema: Schema,
    wire: str,
    name: Identifier,
    constraints: Mapping[str, Constraints],
    types: Mapping[str, FieldType],
) -> Field | None:
    """Return how the stored values of a property are read, or None without a contract."""
    if wire not in constraints:
        return None
    return Field(
        wire=wire,
        name=name,
        annotation=types[wire].annotation,
        codec=types[wire].codec,
        required=wire in cast("list[str]", schema.json_schema.get("required", [])),
        nullable=constraints[wire].nullable,
        doc=Prose(),
        constant_prefix="STORED_",
    )


def _is_personal(contract: Contract, wire: str) -> bool:
    rule = contract.properties.get(wire, NO_PROPERTY_CONTRACT)
    return rule.personal_data not in (None, "none")


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


def _order(field: Field, properties: Mapping[str, JsonObject]) -> tuple[bool, bool, int, str]:
    """Return the sort key: required fields first, then by `sortOrder`, then by name."""
    text = str(properties[field.wire].get("sortOrder"))
    try:
        # Which other digits Python accepts depends on its version.
        rank = int(text) if text.isascii() else None
    except ValueError:
        rank = None
    return (not field.required, rank is None, rank or 0, field.wire)


def _imports(
    fields: tuple[Field, ...],
    types: list[FieldType],
    limits: Code,
    deprecation: str,
    *,
    has_contract: bool,
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
    for read in {field.stored.codec.read for field in fields if field.stored}:
        imports["._runtime.payload"] |= {read.partition(".")[0]} - {""}
    if any(field.nullable and not field.required for field in fields):
        imports["._runtime.payload"] |= {"UNSET", "Unset"}
    if limits:
        imports["._runtime.payload"].add("rules")
    of_contract: set[str] = {"restore_payload"} if has_contract else set()
    if any("either(" in field.stored_read for field in fields):
        of_contract.add("either")
    if any(field.is_personal for field in fields):
        of_contract.add("without_values")
        imports["dataclasses"].add("field")
    if of_contract:
        imports["._runtime.payload.contract"] = of_contract
    if deprecation:
        imports["._runtime.payload.deprecation"] = {"deprecated"}
    for item in (item for type_ in types for item in type_.imports):
        imports.setdefault(item.module, set()).update(item.names)
    return _sort_imports(imports)


def _annotation_imports(types: Iterable[FieldType]) -> tuple[Import, ...]:
    """Return the imports that the annotations of a record need."""
    imports: dict[str, set[str]] = {}
    for type_ in types:
        for item in type_.imports:
            used = {
                name
                for name in item.names
                if re.search(rf"\b{name.rpartition(' ')[2]}\b", type_.annotation)
            }
            if used and not item.is_relative:
                imports.setdefault(item.module, set()).update(used)
    return _sort_imports(imports)


def _sort_imports(imports: Mapping[str, AbstractSet[str]]) -> tuple[Import, ...]:
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
        raise ConfigError(
            f"`renames` has {quote(key)}, but no schema or property has that name",
            where="renames",
            fix=suggest(key, sorted(keys)) or "remove the line",
        )
