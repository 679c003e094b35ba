"""The verdicts of all rules, about a schema or a tenant. Pure."""

from collections.abc import Callable, Collection, Mapping
from functools import partial

from ..errors import SchemaError
from ..findings.finding import Finding, Severity
from ..model import dialect
from ..schema.envelope import Dialect, Schema
from ..schema.names import name_properties, name_schemas
from . import attributes, rules
from .rule import RULES, properties

__all__ = ["OTHERS", "attributes", "catalogue", "of_schema", "of_tenant", "rules"]

OTHERS: Mapping[str, tuple[Severity, str, str]] = {
    "EG100": ("error", "no schema", "The file is not JSON, or holds no schema."),
    "EG101": (
        "warning",
        "not canonical",
        "Sorted keys, two spaces, LF: so that a diff shows what changed and nothing else.",
    ),
    "EG109": ("error", "too many schemas", "The API enforces 15 an environment."),
    "EG120": (
        "error",
        "names that collide",
        "Two names would be one in Python, or a name would be unreadable there.",
    ),
    "EG201": ("error", "unknown type", "string, number, integer and boolean are the platform's."),
    "EG202": (
        "error",
        "undocumented keyword",
        "A keyword that validates, but that the platform does "
        'not document. With dialect = "json-schema" many more are covered.',
    ),
    "EG203": ("error", "nesting", "The platform takes flat payloads."),
    "EG204": ("error", "unknown format", "date-time is the one that the platform documents."),
    "EG205": (
        "error",
        "untranslatable pattern",
        "Patterns are ECMA-262's, and are checked by Python's re.",
    ),
    "EG206": ("error", "nothing is valid", "No value, or no payload, can be valid."),
    "EG207": ("error", "wrong $schema", "The platform allows draft 2020-12 alone."),
    "EG208": ("error", "no object", "The type of an interaction is always object."),
    "EG301": (
        "error",
        "breaking change",
        "Generated code can send what the other side does not accept.",
    ),
    "EG302": ("error", "undecided change", "Whether it breaks cannot be decided."),
    "EG303": (
        "note",
        "compatible change",
        "The other side accepts all that generated code can send.",
    ),
    "EG304": ("note", "other texts", "Labels or attributes differ; what can be sent does not."),
    "EG401": ("error", "stale output", "A generated file is not what generate would make."),
    "EG402": (
        "warning",
        "expired waiver",
        "The day until which a finding was accepted is over, and the finding counts again.",
    ),
    "EG403": ("warning", "unneeded waiver", "Nothing was found that the waiver is for."),
    "EG213": ("error", "malformed keyword", "A keyword with a value that it cannot have."),
}
"""Codes that are no `rule`: severity, title, explanation. Those from EG201 on are the ones that
generating goes by as well."""


def catalogue() -> list[tuple[str, Severity, str, str]]:
    """Every code with its severity, title and explanation."""
    found: list[tuple[str, Severity, str, str]] = [
        (rule.code, rule.severity, rule.title, rule.about) for rule in RULES
    ]
    found += [(code, *entry) for code, entry in OTHERS.items()]
    return sorted(found)


def of_schema(schema: Schema, spoken: Dialect) -> list[Finding]:
    """What is wrong with one schema, by itself."""
    found = [
        Finding(rule.code, rule.severity, schema.id, *hit)
        for rule in RULES
        for hit in rule.check(schema)
    ]
    for error in dialect.problems(schema, spoken):
        parts = ("jsonSchema", *error.parts)
        found.append(Finding(error.code, "error", schema.id, parts, error.reason, error.fix))
    return found


def errors_in(schemas: Mapping[str, Schema], spoken: Dialect, known: Collection[str] = ()) -> int:
    """How many errors there are in schemas whose names are right, but for those `known` to have
    none."""
    found = [it for key, schema in schemas.items() if key not in known
             for it in of_schema(schema, spoken)]  # fmt: skip
    return sum(it.severity == "error" for it in found) + (len(schemas) > rules.MOST_SCHEMAS)


def of_tenant(schemas: Mapping[str, Schema], renames: Mapping[str, str]) -> list[Finding]:
    """What is wrong with all schemas of a tenant together, and with their names in Python."""
    found: list[Finding] = []
    if len(schemas) > rules.MOST_SCHEMAS:
        last = sorted(schemas)[-1]
        reason = f"there are {len(schemas)} schemas, and the platform takes {rules.MOST_SCHEMAS}"
        fix = "give up a schema that nobody sends any more"
        found.append(Finding("EG109", "error", last, (), reason, fix))
    checks: list[Callable[[], object]] = [partial(name_schemas, schemas, renames)]
    checks += [partial(name_properties, it.id, properties(it), renames) for it in schemas.values()]
    for check in checks:
        try:
            check()
        except SchemaError as error:
            found.append(_named(error, schemas))
    return found


def _named(error: SchemaError, schemas: Mapping[str, Schema]) -> Finding:
    """A name that cannot be, at the schema or the property that it is about."""
    schema_id, _, name = error.where.strip("'").partition("#/")
    name = name.replace("~1", "/").replace("~0", "~")
    known = schemas.get(schema_id)
    parts = ("jsonSchema", "properties", name) if known and name in properties(known) else ("id",)
    return Finding("EG120", "error", schema_id, parts, error.what, error.fix)
