"""Schemas as code: creating the schemas of a project in a tenant.

A schema cannot be changed in place. Replacing one means deleting it together with every interaction
stored under it, which nobody can count or restore, so a schema is replaced only if it is named.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass

from .errors import InputError, MalformedResponseError, SchemaError, SchemaProblem
from .lint.rules import MAX_SCHEMAS
from .lint.verdicts import lint_schema, lint_tenant
from .schema.envelope import Dialect, Schema
from .sources.interface import ignore_progress
from .sources.tenant import TenantSource
from .sources.tenant_admin import TenantAdmin


@dataclass(frozen=True, slots=True)
class PushPlan:
    """What `push` does to the tenant.

    `replace` has pairs of the project's and the tenant's schema; each needs permission. `foreign`
    are ids of the tenant that the project does not know, and that stay.
    """

    create: tuple[Schema, ...]
    replace: tuple[tuple[Schema, Schema], ...]
    unchanged: tuple[str, ...]
    foreign: tuple[str, ...]

    @property
    def is_empty(self) -> bool:
        return not self.create and not self.replace


def plan_push(
    project: Mapping[str, Schema],
    tenant: Mapping[str, Schema],
    only: Collection[str],
    dialect: Dialect,
    renames: Mapping[str, str],
) -> PushPlan:
    """Return the plan for all schemas of the project, or for the ids in `only`.

    Raises `InputError` for an id that the project does not have, and `SchemaError` for schemas
    that the platform would refuse, and for too many of them.
    """
    missing = sorted(set(only) - set(project))
    if missing:
        raise InputError(
            f"the project has no schema {missing[0]}",
            where=", ".join(sorted(project)),
            fix="name one of these schemas",
        )
    selected = {key: project[key] for key in sorted(only or project)}
    _refuse_errors(selected, dialect, renames)
    _refuse_too_many({*tenant, *selected})
    common = [key for key in selected if key in tenant]
    differing = [key for key in common if selected[key].canonical != tenant[key].canonical]
    return PushPlan(
        create=tuple(schema for key, schema in selected.items() if key not in tenant),
        replace=tuple((selected[key], tenant[key]) for key in differing),
        unchanged=tuple(key for key in common if key not in differing),
        foreign=tuple(sorted(set(tenant) - set(project))),
    )


def describe_plan(plan: PushPlan, allowed: Collection[str]) -> Iterator[str]:
    """Yield the plan for people, line by line. `allowed` are the ids that may be replaced."""
    for schema in plan.create:
        yield f"create     {schema.id}"
    for schema, _ in plan.replace:
        if schema.id in allowed:
            yield f"replace    {schema.id}: deletes every interaction stored under it for good"
        else:
            yield (
                f"differs    {schema.id}: replacing it deletes every interaction stored under it "
                "for good, and the API cannot count them. Use a new id for the new version, or "
                f"allow it: --allow-destroy {schema.id}"
            )
    for schema_id in plan.unchanged:
        yield f"unchanged  {schema_id}"
    for schema_id in plan.foreign:
        yield f"foreign    {schema_id}: not part of this project, stays unchanged"


def apply_push(
    plan: PushPlan,
    source: TenantSource,
    admin: TenantAdmin,
    allowed: Collection[str],
    report: Callable[[str, str], None],
) -> None:
    """Create the missing schemas, and replace those that are `allowed`.

    `report` receives a word ("created", "deleted") and an id after each request. Safe to repeat
    and to interrupt, because another run plans from what the tenant has then. Raises `SourceError`,
    and `MalformedResponseError` if the tenant changed since the plan was made.
    """
    for schema in plan.create:
        admin.create(schema)
        report("created", schema.id)
    for schema, planned in plan.replace:
        if schema.id not in allowed:
            continue
        current = source.fetch([schema.id], ignore_progress)[schema.id]
        if current.canonical != planned.canonical:
            raise MalformedResponseError(
                f"the schema {schema.id} of the tenant changed since the plan was made",
                where=current.origin,
                fix="look at the plan again: engage-codegen push",
            )
        admin.delete(schema.id)
        report("deleted", schema.id)
        admin.create(schema)
        report("created", schema.id)


def _refuse_errors(
    schemas: Mapping[str, Schema], dialect: Dialect, renames: Mapping[str, str]
) -> None:
    findings = [finding for schema in schemas.values() for finding in lint_schema(schema, dialect)]
    problems = [
        SchemaProblem(
            finding.code,
            finding.schema_id,
            finding.parts,
            finding.reason,
            finding.message,
            finding.fix,
            schemas[finding.schema_id].origin if finding.schema_id in schemas else "",
        )
        for finding in [*findings, *lint_tenant(schemas, renames)]
        if finding.severity == "error" and finding.code != "EG109"
    ]
    if problems:
        raise SchemaError(problems)


def _refuse_too_many(ids: Collection[str]) -> None:
    if len(ids) > MAX_SCHEMAS:
        message = f"the tenant would have {len(ids)} schemas, but the platform allows {MAX_SCHEMAS}"
        fix = "delete schemas that are no longer used: engage-codegen push --allow-destroy ID"
        raise SchemaError([SchemaProblem("EG109", sorted(ids)[-1], (), (), message, fix)])
