"""Contracts of schemas: each one is proved to allow less than its schema, or refused."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import cast

from ..compat import compare_schemas
from ..compat.changes import Change, format_value
from ..config import locate_key
from ..errors import Location, SchemaError, SchemaProblem
from ..model.dialect import find_problems
from ..schema.contract import Contract
from ..schema.envelope import Dialect, Schema
from ..schema.jsontext import JsonObject
from ..schema.text import quote, suggest


def apply_contracts(
    schemas: Mapping[str, Schema], contracts: Mapping[str, Contract], dialect: Dialect
) -> dict[str, Schema]:
    """Return the schemas, each with its contract or without one.

    Raises `SchemaError` with every problem of the contracts.
    """
    applied = {key: replace(schema, contract=contracts.get(key)) for key, schema in schemas.items()}
    problems = list(contract_problems(applied, contracts, dialect))
    if problems:
        raise SchemaError(problems)
    return applied


def contract_problems(
    schemas: Mapping[str, Schema], contracts: Mapping[str, Contract], dialect: Dialect
) -> Iterator[SchemaProblem]:
    """Yield why contracts do not fit their schemas, in the order of ids.

    A schema with problems of its own is not compared, because they are reported already.
    """
    for schema_id, contract in sorted(contracts.items()):
        schema = schemas.get(schema_id)
        if schema is None:
            yield _unknown_schema(contract, schemas)
        elif not any(find_problems(schema, dialect)):
            yield from _unknown_properties(contract, schema)
            yield from _proof_problems(replace(schema, contract=contract))


def _proof_problems(schema: Schema) -> Iterator[SchemaProblem]:
    contract = cast(Contract, schema.contract)
    narrowed = schema.narrowed
    problems = list(find_problems(narrowed, "json-schema"))
    for problem in problems:
        location = _locate(contract, problem.parts)
        yield problem._replace(origin=contract.origin, location=location)
    if problems:
        return
    original = replace(schema, contract=None)
    for change in compare_schemas(narrowed, original, "json-schema"):
        if change.level == "BREAKING":
            yield _not_narrower(contract, change)
        elif change.level == "UNKNOWN":
            yield _problem(
                contract,
                "EG604",
                change.parts,
                ("undecided",),
                "whether the schema accepts everything that the contract allows is undecided",
                "simplify the keywords of the contract: an enum is always decided",
            )


def _not_narrower(contract: Contract, change: Change) -> SchemaProblem:
    name = change.parts[-1] if change.parts else ""
    witness = change.witness or {}
    example = f": the schema refuses {format_value(witness[name])}" if name in witness else ""
    return _problem(
        contract,
        "EG603",
        change.parts,
        ("wider",),
        f"the contract allows more than the schema{example}",
        "a contract can only narrow: correct its keywords",
    )


def _unknown_schema(contract: Contract, schemas: Mapping[str, Schema]) -> SchemaProblem:
    near = suggest(contract.schema_id, sorted(schemas))
    fix = near or "delete the contract, or pull the schema"
    message = "there is no schema with this id, so its contract has no effect"
    return _problem(contract, "EG601", (), (), message, fix)


def _unknown_properties(contract: Contract, schema: Schema) -> Iterator[SchemaProblem]:
    declared = cast("dict[str, JsonObject]", schema.json_schema.get("properties", {}))
    for name in sorted(contract.properties.keys() - declared.keys()):
        yield _problem(
            contract,
            "EG602",
            ("jsonSchema", "properties", name),
            (),
            f"the schema has no property {quote(name)}",
            suggest(name, sorted(declared)) or "remove it from the contract",
        )


def _problem(
    contract: Contract,
    code: str,
    parts: tuple[str, ...],
    reason: tuple[str, ...],
    message: str,
    fix: str,
) -> SchemaProblem:
    location = _locate(contract, parts)
    return SchemaProblem(
        code, contract.schema_id, parts, reason, message, fix, contract.origin, location
    )


def _locate(contract: Contract, parts: tuple[str, ...]) -> Location:
    """Return the line in the file of a contract for a place in its schema."""
    path = Path(contract.origin) if contract.origin else None
    if parts[:2] != ("jsonSchema", "properties") or len(parts) < 3:
        return Location(contract.origin, "", 1, 1) if path else Location()
    name, *keyword = parts[2:]
    rule = contract.properties.get(name)
    if keyword and rule and keyword[0] in rule.keywords:
        return locate_key(path, f"properties.{name}", keyword[0])
    return locate_key(path, "properties", name)
