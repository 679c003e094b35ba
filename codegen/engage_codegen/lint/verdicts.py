"""The findings of all rules about a schema, and about the schemas of a tenant together. Pure."""

from collections.abc import Mapping

from ..errors import SchemaError
from ..findings.finding import Finding, findings_of
from ..model.dialect import find_problems
from ..schema.envelope import Dialect, Schema
from ..schema.names import name_properties, name_schemas
from . import attributes, creation, rules
from .rule import CHECKS, properties_of

__all__ = ["attributes", "creation", "lint_schema", "lint_tenant", "rules"]


def lint_schema(schema: Schema, spoken: Dialect) -> list[Finding]:
    """Return the findings about one schema by itself."""
    findings = [
        Finding(code, schema.id, item.parts, item.reason, item.message, item.fix)
        for code, dialects, check in CHECKS
        if spoken in dialects
        for item in check(schema)
    ]
    findings += [
        Finding(item.code, schema.id, item.parts, item.reason, item.message, item.fix)
        for item in find_problems(schema, spoken)
    ]
    return findings


def lint_tenant(schemas: Mapping[str, Schema], renames: Mapping[str, str]) -> list[Finding]:
    """Return the findings about all schemas of a tenant together, and about their Python names."""
    findings: list[Finding] = []
    if len(schemas) > rules.MAX_SCHEMAS:
        message = f"there are {len(schemas)} schemas, but the platform allows {rules.MAX_SCHEMAS}"
        fix = "delete the files of schemas that are no longer used"
        findings.append(Finding("EG109", sorted(schemas)[-1], (), (), message, fix))
    try:
        name_schemas(schemas, renames)
    except SchemaError as error:
        findings += findings_of(error)
    for schema in schemas.values():
        try:
            name_properties(schema.id, properties_of(schema), renames)
        except SchemaError as error:
            findings += findings_of(error)
    return findings
