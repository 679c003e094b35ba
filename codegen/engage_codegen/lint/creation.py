"""Rules about what the platform refuses when a schema is created, although it can become code.

A schema that a tenant already has may break them: whoever created it was allowed to.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping

from ..model.dialect import JSON_SCHEMA, VALIDATING_KEYWORDS
from ..schema.envelope import Schema
from ..schema.jsontext import Json
from ..schema.text import quote
from .attributes import ATTRIBUTES, MISPRINT, find_attribute
from .rule import Violation, check, iterate_properties

CREATION_CODES = frozenset(["EG102", "EG119", "EG124", "EG125", "EG126", "EG127"])

DOCUMENTED_KEYWORDS = frozenset(["$schema", "type", "properties", "required"])
DOCUMENTED_ATTRIBUTES = frozenset(["type", "format", *ATTRIBUTES])
"""What the platform documents of a schema, and of a property."""

_ELSEWHERE = VALIDATING_KEYWORDS - {"additionalProperties"}
"""The keywords that the dialect reports, in every place where it does not allow them."""


@check("EG102")
def _check_dialect(schema: Schema) -> Iterator[Violation]:
    if "$schema" not in schema.json_schema:
        message = "the schema does not name its dialect of JSON Schema"
        yield Violation(("jsonSchema",), message, f'add "$schema": "{JSON_SCHEMA}"')


@check("EG124", "engage")
def _check_annotations(schema: Schema) -> Iterator[Violation]:
    yield from _find_undocumented(("jsonSchema",), schema.json_schema, DOCUMENTED_KEYWORDS)
    for parts, _, value in iterate_properties(schema):
        names = [key for key in value if key == MISPRINT or find_attribute(key)]
        yield from _find_undocumented(parts, value, DOCUMENTED_ATTRIBUTES.union(names))


def _find_undocumented(
    parts: tuple[str, ...], value: Mapping[str, Json], documented: Collection[str]
) -> Iterator[Violation]:
    for key in sorted(value.keys() - documented - _ELSEWHERE):
        message = f"the platform does not document {quote(key)}, so expect it to refuse the schema"
        fix = 'remove it; if the tenant accepts it, set dialect = "json-schema"'
        yield Violation((*parts, key), message, fix)


@check("EG125")
def _check_properties(schema: Schema) -> Iterator[Violation]:
    if "properties" not in schema.json_schema:
        message = "the schema declares no properties"
        yield Violation(("jsonSchema",), message, "add `properties`, an object")


@check("EG126")
def _check_repetitions(schema: Schema) -> Iterator[Violation]:
    required = schema.json_schema.get("required")
    listed = required if isinstance(required, list) else []
    counts = Counter(name for name in listed if isinstance(name, str))
    for name, number in counts.items():
        if number > 1:
            message = f"{quote(name)} is {number} times in `required`"
            parts = ("jsonSchema", "required")
            yield Violation(parts, message, "engage-codegen lint --fix", (name,))


@check("EG127")
def _check_null(schema: Schema) -> Iterator[Violation]:
    for parts, _, value in iterate_properties(schema):
        for key in ("format", *ATTRIBUTES):
            if key in value and value[key] is None:
                yield Violation((*parts, key), f"{key} is null", "remove it, or write its value")
