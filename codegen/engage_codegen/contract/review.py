"""What `lint` says about contracts."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from ..errors import SchemaError
from ..findings.finding import Finding, display_path, findings_of
from ..model.build import properties_of
from ..model.constraints import parse_constraints
from ..model.dialect import find_problems
from ..schema.contract import Contract
from ..schema.envelope import Dialect, Schema
from .proof import contract_problems

_RESERVED = frozenset(["productSku"])


def review_contracts(
    schemas: Mapping[str, Schema], contracts: Mapping[str, Contract], dialect: Dialect
) -> list[Finding]:
    """Return the findings about contracts, and about free text that none of them classifies."""
    problems = list(contract_problems(schemas, contracts, dialect))
    findings = [
        replace(
            finding,
            location=finding.location._replace(file=display_path(Path(finding.location.file))),
        )
        for finding in (findings_of(SchemaError(problems)) if problems else [])
    ]
    for schema_id, schema in sorted(schemas.items() if contracts else ()):
        findings += _unclassified(replace(schema, contract=contracts.get(schema_id)), dialect)
    return findings


def _unclassified(schema: Schema, dialect: Dialect) -> Iterator[Finding]:
    if any(find_problems(schema, dialect)) or any(find_problems(schema.narrowed, "json-schema")):
        return
    rules = (schema.contract or Contract("")).properties
    for name, value in sorted(properties_of(schema.narrowed).items()):
        constraints = parse_constraints(value)
        is_free_text = "string" in constraints.types and not (
            constraints.choices
            or constraints.format
            or constraints.unchecked_format
            or constraints.pattern
        )
        is_classified = name in rules and rules[name].personal_data is not None
        if is_free_text and not is_classified and name not in _RESERVED:
            yield Finding(
                "EG605",
                schema.id,
                ("jsonSchema", "properties", name),
                (),
                "nobody has decided whether this text holds personal data",
                f"set personal-data in the contract {schema.id}.toml",
            )
