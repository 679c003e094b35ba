"""What generated code can emit against what the other side accepts.

Source of the rules: the vendor's documentation. An undeclared or ill-typed property is dropped
there without an error, an interaction that breaks its schema is ignored or refused, and a schema
cannot be changed in place. Pure.
"""

from collections.abc import Iterator, Mapping, Sequence

from ..model import dialect
from ..schema.envelope import Dialect, Schema
from ..schema.jsontext import JsonObject
from ..schema.text import quote
from .changes import HARMLESS, LEVELS, Change, Level, differ, differing
from .pair import Pair
from .payloads import Form, Wanted

RECREATE = (
    "to change a schema on the platform is to delete it and create it again, and every "
    "interaction stored under it goes with it"
)


def compare(
    ours: Mapping[str, Schema], theirs: Mapping[str, Schema], spoken: Dialect
) -> list[Change]:
    """Every difference between the schemas that code was generated from and those of the other
    side, by schema and place."""
    found: list[Change] = []
    for schema_id in sorted({*ours, *theirs}):
        one, other = ours.get(schema_id), theirs.get(schema_id)
        if one is None:
            what = "is new there; no generated code knows it yet"
            found.append(Change("COMPATIBLE", schema_id, (), what))
        elif other is None:
            found.append(_missing(one, ours, theirs, spoken))
        elif one.canonical != other.canonical:
            found += _changed(one, other, spoken)
    return found


def worst(changes: Sequence[Change]) -> Level | None:
    """The most harmful level; None if nothing differs."""
    found = {change.level for change in changes}
    return next((level for level in reversed(LEVELS) if level in found), None)


def sample(schema: Schema, having: str | None = None) -> JsonObject | None:
    """A smallest payload, with a property that it has to have, that the generated code of a schema
    of the dialect can send; None if none was found."""
    return Form.of(schema).smallest(Wanted(having=having))


def _missing(
    schema: Schema, ours: Mapping[str, Schema], theirs: Mapping[str, Schema], spoken: Dialect
) -> Change:
    what = "does not exist there: every send is refused"
    alike = [
        other.id
        for other in theirs.values()
        if other.id not in ours and not differing(other.json_schema, schema.json_schema)
    ]
    if alike:
        what += f"; {' or '.join(sorted(alike))} has the same properties and may be its new name"
    is_judged = not any(dialect.problems(schema, spoken))
    return Change("BREAKING", schema.id, (), what, sample(schema) if is_judged else None)


def _changed(ours: Schema, theirs: Schema, spoken: Dialect) -> Iterator[Change]:
    for schema, whose in ((ours, "our schema"), (theirs, "the schema there")):
        for problem in dialect.problems(schema, spoken):
            what = f"{whose} cannot be judged: {problem.message} ({problem.code})"
            yield Change("UNKNOWN", ours.id, problem.parts, what)
            return
    found = [*_texts(ours, theirs), *Pair(ours.id, Form.of(ours), Form.of(theirs)).changes()]
    yield from found
    if not found:
        yield Change("DOCS", ours.id, (), f"texts differ; {HARMLESS}")


_JUDGED = frozenset("properties required minProperties maxProperties dependentRequired".split())


def _texts(ours: Schema, theirs: Schema) -> Iterator[Change]:
    if ours.display_name != theirs.display_name:
        what = f"is {quote(theirs.display_name)} there"
        yield Change("DOCS", ours.id, ("displayName",), what)
    names = differing(ours.json_schema, theirs.json_schema) - _JUDGED
    if names:
        yield Change("DOCS", ours.id, ("jsonSchema",), differ(names))


__all__ = ["LEVELS", "RECREATE", "Change", "Level", "compare", "sample", "worst"]
