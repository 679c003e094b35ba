"""Schemas as code: the schemas of the project, created in the tenant.

A schema cannot be changed in place. To replace one is to delete it with every interaction stored
under it, which nobody can count or bring back, so nothing is replaced unless it is named.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass

from .errors import InputError, MalformedResponseError, SchemaError
from .lint.rules import MOST_SCHEMAS
from .lint.verdicts import of_schema, of_tenant
from .schema.envelope import Dialect, Schema
from .sources.interface import silently
from .sources.tenant_admin import TenantWriter


@dataclass(frozen=True, slots=True)
class PushPlan:
    """What the tenant is to become: `replace` holds ours and theirs, and needs leave for each;
    `foreign` are schemas that the project does not know, and stay."""

    create: tuple[Schema, ...]
    replace: tuple[tuple[Schema, Schema], ...]
    unchanged: tuple[str, ...]
    foreign: tuple[str, ...]

    @property
    def is_empty(self) -> bool:
        return not self.create and not self.replace


def plan(
    ours: Mapping[str, Schema],
    theirs: Mapping[str, Schema],
    only: Collection[str],
    spoken: Dialect,
    renames: Mapping[str, str],
) -> PushPlan:
    """The plan for all schemas, or for those that are named.

    Raises `InputError` for a name that the project does not have, and `SchemaError` for schemas
    that the platform would refuse, or too many of them.
    """
    missing = sorted(set(only) - set(ours))
    if missing:
        raise InputError(
            f"the project has no schema {missing[0]}",
            where=", ".join(sorted(ours)),
            fix="name one of those",
        )
    wanted = {key: ours[key] for key in sorted(only or ours)}
    _refuse_errors(wanted, spoken, renames)
    after = {*theirs, *wanted}
    if len(after) > MOST_SCHEMAS:
        raise SchemaError(
            f"the tenant would have {len(after)} schemas, and the platform takes {MOST_SCHEMAS}",
            where=", ".join(sorted(after)),
            fix="give up schemas that nobody sends any more",
        )
    both = [key for key in wanted if key in theirs]
    differing = [key for key in both if wanted[key].canonical != theirs[key].canonical]
    return PushPlan(
        create=tuple(schema for key, schema in wanted.items() if key not in theirs),
        replace=tuple((wanted[key], theirs[key]) for key in differing),
        unchanged=tuple(key for key in both if key not in differing),
        foreign=tuple(sorted(set(theirs) - set(ours))),
    )


def _refuse_errors(
    schemas: Mapping[str, Schema], spoken: Dialect, renames: Mapping[str, str]
) -> None:
    found = [it for schema in schemas.values() for it in of_schema(schema, spoken)]
    errors = [it for it in [*found, *of_tenant(schemas, renames)] if it.severity == "error"]
    if errors:
        first = errors[0]
        raise SchemaError(
            f"{first.schema_id}: {first.message} ({first.code})",
            where=first.where,
            fix=f"{first.fix}; engage-codegen lint shows all of it",
        )


def lines(todo: PushPlan, allowed: Collection[str]) -> Iterator[str]:
    """The plan for people."""
    for schema in todo.create:
        yield f"create     {schema.id}"
    for schema, _ in todo.replace:
        if schema.id in allowed:
            yield f"replace    {schema.id}: every interaction stored under it is deleted for good"
        else:
            yield (
                f"differs    {schema.id}: to replace it deletes every interaction stored under it "
                "for good, and the API cannot even count them; the alternative is a new id for "
                f"the new version, else --allow-destroy {schema.id}"
            )
    for schema_id in todo.unchanged:
        yield f"unchanged  {schema_id}"
    for schema_id in todo.foreign:
        yield f"foreign    {schema_id}: not of this project, stays as it is"


def apply(
    todo: PushPlan,
    tenant: TenantWriter,
    allowed: Collection[str],
    done: Callable[[str, str], None],
) -> None:
    """Create what is missing, and replace what was allowed; `done` is told each word and id.

    Safe to repeat and to interrupt: another run plans anew from what the tenant has. Raises
    `SourceError`, and `MalformedResponseError` where the tenant was changed since the plan was made.
    """
    for schema in todo.create:
        tenant.create(schema)
        done("created", schema.id)
    for schema, known in todo.replace:
        if schema.id not in allowed:
            continue
        now = tenant.fetch([schema.id], silently)[schema.id]
        if now.canonical != known.canonical:
            raise MalformedResponseError(
                f"somebody changed the schema {schema.id} since the plan was made",
                where=now.origin,
                fix="look at the plan again: engage-codegen push",
            )
        tenant.delete(schema.id)
        done("deleted", schema.id)
        tenant.create(schema)
        done("created", schema.id)
