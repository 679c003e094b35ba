"""What generated code can send, compared with what the other side accepts. Pure.

The two sides are any two sets of schemas: this side, which code was generated from, and the other
side, such as a tenant, schema files, a git revision or another package.

Source of the rules: the vendor's documentation. The platform silently drops a property that is
undeclared or has the wrong type, it ignores or refuses an interaction that breaks its schema, and a
schema cannot be changed in place.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from ..model.dialect import find_problems
from ..schema.envelope import Dialect, Schema
from ..schema.jsontext import JsonObject
from ..schema.text import quote
from .changes import LEVELS, Change, Level, describe_harmless, differing_keys
from .comparison import SchemaComparison
from .payloads import Condition, PayloadRules
from .reasons import keywords_reason, unjudged_reason

RECREATE_WARNING = (
    "the platform cannot change a schema in place: it has to be deleted and created again, which "
    "deletes every interaction stored under it"
)


def compare(
    ours: Mapping[str, Schema], theirs: Mapping[str, Schema], dialect: Dialect
) -> list[Change]:
    """Return every difference between two sides, by schema and place.

    `ours` are the schemas that code was generated from, in `dialect`.
    """
    changes: list[Change] = []
    for schema_id in sorted({*ours, *theirs}):
        schema, other = ours.get(schema_id), theirs.get(schema_id)
        if schema is None:
            message = "exists on the other side only, so no generated code sends it"
            changes.append(Change("COMPATIBLE", schema_id, (), ("new-schema",), message))
        elif other is None:
            changes.append(_missing(schema, ours, theirs, dialect))
        else:
            changes += compare_schemas(schema, other, dialect)
    return changes


def compare_schemas(ours: Schema, theirs: Schema, dialect: Dialect) -> Iterator[Change]:
    """Yield every difference between two schemas with the same id.

    Each side obeys its contract. A tenant has none: what it accepts is judged by what our contract
    lets through, but its other differences are those from our schema without the contract, which
    differs from the tenant on purpose.
    """
    emitted: Dialect = "json-schema" if ours.contract or theirs.contract else dialect
    if ours.contract is None or theirs.contract is not None:
        yield from _changes(ours.narrowed, theirs.narrowed, emitted)
        return
    changes = list(_changes(ours, theirs, dialect))
    if any(change.reason[:1] == ("unjudged",) for change in changes):
        yield from changes
        return
    harmful = {
        change.parts: change
        for change in _changes(ours.narrowed, theirs, emitted)
        if change.level in ("BREAKING", "UNKNOWN")
    }
    for change in changes:
        if change.parts not in harmful:
            yield _ruled_out(change)
    yield from harmful.values()


def _ruled_out(change: Change) -> Change:
    """Return a change as it is with a contract that never lets it break a payload."""
    if change.level in ("DOCS", "COMPATIBLE"):
        return change
    message = f"{change.message}; the contract rules it out"
    return replace(change, level="COMPATIBLE", message=message, witness=None)


def worst_level(changes: Sequence[Change]) -> Level | None:
    """Return the most harmful level, or None without a change."""
    levels = {change.level for change in changes}
    return next((level for level in reversed(LEVELS) if level in levels), None)


def sample_payload(schema: Schema, having: str | None = None) -> JsonObject | None:
    """Return a smallest payload that generated code can send, or None if none was found.

    With `having`, the payload has that property. The schema must have no problem.
    """
    return PayloadRules.of(schema).smallest(Condition(having=having))


def _missing(
    schema: Schema, ours: Mapping[str, Schema], theirs: Mapping[str, Schema], dialect: Dialect
) -> Change:
    message = "does not exist on the other side, so every send is refused"
    similar = [
        other.id
        for other in theirs.values()
        if other.id not in ours and not differing_keys(other.json_schema, schema.json_schema)
    ]
    if similar:
        names = " or ".join(sorted(similar))
        message += f"; {names} has the same properties and may be its new name"
    is_judged = not any(find_problems(schema, dialect))
    witness = sample_payload(schema.narrowed) if is_judged else None
    return Change("BREAKING", schema.id, (), ("missing-schema",), message, witness)


def _changes(ours: Schema, theirs: Schema, dialect: Dialect) -> Iterator[Change]:
    if ours.canonical == theirs.canonical:
        return
    unjudged = _unjudged(ours, theirs, dialect)
    if unjudged is not None:
        yield unjudged
        return
    comparison = SchemaComparison(ours.id, PayloadRules.of(ours), PayloadRules.of(theirs))
    changes = [*_annotation_changes(ours, theirs), *comparison.changes()]
    yield from changes
    if not changes:
        message = "the schemas are written differently, without an effect on payloads"
        yield Change("DOCS", ours.id, (), ("spelling",), message)


def _unjudged(ours: Schema, theirs: Schema, dialect: Dialect) -> Change | None:
    """Return the change for a schema that cannot be compared, or None if it can."""
    for schema, name, side in ((ours, "ours", "this side"), (theirs, "theirs", "the other side")):
        for problem in find_problems(schema, dialect):
            cause = (name, problem.code, *problem.reason)
            reason = unjudged_reason(cause, ours.json_schema, theirs.json_schema)
            message = f"the schema of {side} cannot be judged: {problem.message} ({problem.code})"
            return Change("UNKNOWN", ours.id, problem.parts, reason, message)
    return None


_COMPARED = frozenset("properties required minProperties maxProperties dependentRequired".split())
"""The keywords of a schema that `SchemaComparison` compares; the rest has no effect on payloads."""


def _annotation_changes(ours: Schema, theirs: Schema) -> Iterator[Change]:
    if ours.display_name != theirs.display_name:
        message = f"is called {quote(theirs.display_name)} on the other side"
        title_reason = ("displayName", ours.display_name, theirs.display_name)
        yield Change("DOCS", ours.id, ("displayName",), title_reason, message)
    keys = differing_keys(ours.json_schema, theirs.json_schema) - _COMPARED
    if keys:
        reason = keywords_reason(ours.json_schema, theirs.json_schema, keys)
        yield Change("DOCS", ours.id, ("jsonSchema",), reason, describe_harmless(keys))


__all__ = [
    "LEVELS",
    "RECREATE_WARNING",
    "Change",
    "Level",
    "compare",
    "compare_schemas",
    "sample_payload",
    "worst_level",
]
