"""The plan of a push: what it creates, replaces and leaves alone. Pure."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from ...errors import InputError, SchemaError, SchemaProblem
from ...findings.finding import Finding
from ...lint.rules import MAX_SCHEMAS
from ...lint.verdicts import lint_schema, lint_tenant
from ...schema.envelope import Dialect, Schema
from ...schema.text import quote, suggest
from .changes import AttributeChange, find_changes

PROOF_PREFIX = "engage-codegen-proof-"
"""The beginning of the temporary ids under which a tenant shows that it accepts a schema."""

_PROOF_ID = re.compile(re.escape(PROOF_PREFIX) + "[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Replacement:
    """A schema that differs between project and tenant. `is_allowed` says if it may be replaced."""

    new: Schema
    old: Schema
    changes: tuple[AttributeChange, ...]
    is_allowed: bool

    @property
    def id(self) -> str:
        return self.new.id


@dataclass(frozen=True, slots=True)
class PushPlan:
    """What `push` does to the tenant.

    `foreign` are ids of the tenant that the project does not know, and that stay. `leftovers` are
    ids of temporary schemas that an interrupted push left; those in `discarded` are deleted.
    `free_places` is the number of schemas that the tenant can have more now.
    """

    create: tuple[Schema, ...]
    differing: tuple[Replacement, ...]
    unchanged: tuple[str, ...]
    foreign: tuple[str, ...]
    leftovers: tuple[str, ...]
    discarded: tuple[str, ...]
    free_places: int

    @property
    def replaced(self) -> tuple[Replacement, ...]:
        """The schemas that may be replaced."""
        return tuple(item for item in self.differing if item.is_allowed)

    @property
    def remaining(self) -> tuple[str, ...]:
        """The ids of schemas that differ and may not be replaced."""
        return tuple(item.id for item in self.differing if not item.is_allowed)

    @property
    def destroyed(self) -> tuple[str, ...]:
        """The ids of all schemas that are deleted."""
        return (*(item.id for item in self.replaced), *self.discarded)

    @property
    def has_work(self) -> bool:
        """True if carrying the plan out sends something."""
        return bool(self.create or self.destroyed)

    @property
    def has_place_for_proofs(self) -> bool:
        """True if each replaced schema can be created under a temporary id first."""
        return self.free_places + len(self.discarded) > 0 or not self.replaced


def plan_push(
    project: Mapping[str, Schema],
    tenant: Mapping[str, Schema],
    only: Collection[str],
    allowed: Collection[str],
    dialect: Dialect,
    renames: Mapping[str, str],
) -> PushPlan:
    """Return the plan for all schemas of the project, or for the ids in `only`.

    The ids in `allowed` may be deleted. Raises `InputError` for an id that the project does not
    have or that cannot be deleted, and `SchemaError` for schemas that the platform would refuse,
    and for too many of them.
    """
    if missing := sorted(set(only) - set(project)):
        raise _unknown_id(missing[0], project)
    selected = {key: project[key] for key in sorted(only or project)}
    foreign = sorted(set(tenant) - set(project))
    leftovers = [key for key in foreign if _PROOF_ID.fullmatch(key)]
    _refuse_unusable(allowed, selected, project, tenant, leftovers)
    common = [key for key in selected if key in tenant]
    changes = {key: find_changes(tenant[key], selected[key]) for key in common}
    plan = PushPlan(
        create=tuple(schema for key, schema in selected.items() if key not in tenant),
        differing=tuple(
            Replacement(selected[key], tenant[key], changes[key], key in allowed)
            for key in common
            if changes[key]
        ),
        unchanged=tuple(key for key in common if not changes[key]),
        foreign=tuple(key for key in foreign if key not in leftovers),
        leftovers=tuple(leftovers),
        discarded=tuple(key for key in leftovers if key in allowed),
        free_places=max(MAX_SCHEMAS - len(tenant), 0),
    )
    # The tenant accepted those that it has in the very same form.
    new = [
        schema
        for key, schema in selected.items()
        if key not in tenant or schema.canonical != tenant[key].canonical
    ]
    findings = [finding for schema in new for finding in lint_schema(schema, dialect)]
    _refuse_errors([*findings, *lint_tenant(selected, renames)], selected)
    if plan.create:
        _refuse_too_many({*tenant, *selected} - set(plan.discarded), leftovers)
    return plan


def _unknown_id(schema_id: str, project: Mapping[str, Schema], remark: str = "") -> InputError:
    return InputError(
        f"the project has no schema {quote(schema_id)}{remark}",
        where=", ".join(sorted(project)) or "no schemas",
        fix=suggest(schema_id, project) or "name one of these schemas",
    )


def _refuse_unusable(
    allowed: Collection[str],
    selected: Mapping[str, Schema],
    project: Mapping[str, Schema],
    tenant: Mapping[str, Schema],
    leftovers: Collection[str],
) -> None:
    """Raise `InputError` for an id that this push would not delete in any case."""
    for schema_id in sorted(set(allowed) - set(selected) - set(leftovers)):
        if schema_id in project:
            raise InputError(
                f"--allow-destroy names {schema_id}, which is not one of the schemas to push",
                where=", ".join(selected),
                fix=f"name {schema_id} too, or remove --allow-destroy {schema_id}",
            )
        remark = ", so --allow-destroy has nothing to replace"
        if schema_id in tenant:
            remark += "; push never deletes a schema that the project does not know"
        raise _unknown_id(schema_id, project, remark)


def _refuse_errors(findings: Iterable[Finding], schemas: Mapping[str, Schema]) -> None:
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
        for finding in findings
        if finding.severity == "error" and finding.code != "EG109"
    ]
    if problems:
        raise SchemaError(problems)


def _refuse_too_many(ids: Collection[str], leftovers: Collection[str]) -> None:
    if len(ids) <= MAX_SCHEMAS:
        return
    message = f"the tenant would have {len(ids)} schemas, but the platform allows {MAX_SCHEMAS}"
    fix = "name fewer schemas to push, or delete schemas of the tenant that nobody uses in Engage"
    if remaining := sorted(set(leftovers) & set(ids)):
        fix = (
            "delete the temporary schemas of an interrupted push first: engage-codegen push "
            + " ".join(f"--allow-destroy {key}" for key in remaining)
        )
    raise SchemaError([SchemaProblem("EG109", sorted(ids)[-1], (), (), message, fix)])
