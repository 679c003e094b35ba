"""A plan, its steps and its failure, as lines for people and as JSON. Pure."""

import json
from collections.abc import Iterable, Iterator, Sequence

from ...errors import RefusedSchemaError, SchemaProblem, UnreachableError
from ...schema.envelope import Schema
from ...schema.jsontext import Json, JsonObject, pointer
from .changes import AttributeChange
from .failure import Failure, PushError
from .plan import PushPlan
from .steps import Step

_LIMIT = 60


def describe_plan(plan: PushPlan) -> Iterator[str]:
    """Yield the plan for people, line by line."""
    for schema in plan.create:
        yield f"create     {schema.id}"
    for item in plan.differing:
        if item.is_allowed:
            yield f"replace    {item.id}: deletes every interaction stored under it for good"
        else:
            yield (
                f"differs    {item.id}: replacing it deletes every interaction stored under it "
                "for good, and the API cannot count them. Use a new id for the new version, or "
                f"allow it: --allow-destroy {item.id}"
            )
        yield from describe_changes(item.changes)
    for schema_id in plan.unchanged:
        yield f"unchanged  {schema_id}"
    for schema_id in plan.foreign:
        yield f"foreign    {schema_id}: not part of this project, stays unchanged"
    for schema_id in plan.leftovers:
        action = "delete   " if schema_id in plan.discarded else "leftover "
        yield f"{action}  {schema_id}: the temporary schema of a push that was interrupted"


def describe_changes(changes: Iterable[AttributeChange]) -> Iterator[str]:
    """Yield a line for each attribute: ``~ /displayName: "Repair" -> "Mended"``."""
    for change in changes:
        values = {
            "+": _format_value(change.new),
            "-": _format_value(change.old),
            "~": f"{_format_value(change.old)} -> {_format_value(change.new)}",
        }
        yield f"  {change.sign} {pointer(*change.parts)}: {values[change.sign]}"


_STEPS = {
    "accepted": "the tenant accepts it (tried under a temporary id, which is deleted again)",
    "created": "",
    "deleted": "with every interaction stored under it",
    "discarded": "the temporary schema of a push that was interrupted",
    "restored": "the old schema, without the interactions that were stored under it",
    "differs": "the tenant keeps it differently from the project:",
}


def describe_step(step: Step) -> Iterator[str]:
    """Yield what a step did, for people."""
    text = _STEPS[step.word]
    yield f"{step.word:10} {step.schema_id}" + (f": {text}" if text else "")
    yield from describe_changes(step.changes)


def describe_diverging(schema: Schema, leaves: Sequence[AttributeChange]) -> SchemaProblem:
    """Return the problem of a replacement after which the tenant would differ as it does now.

    `leaves` turn what the tenant keeps of the schema into the schema.
    """
    changes = ", ".join(line.strip() for line in describe_changes(leaves))
    return SchemaProblem(
        "EG510",
        schema.id,
        leaves[0].parts,
        tuple(pointer(*change.parts) for change in leaves),
        "replacing it would delete every interaction stored under it and change nothing, because "
        f"the tenant keeps the new schema differently in the same places ({changes})",
        "write these attributes as the tenant keeps them: engage-codegen pull shows how",
        schema.origin,
    )


def describe_failure(failure: Failure) -> PushError:
    """Return the error of a failure, which says what was lost and what the tenant has now."""
    cause, schema_id = failure.cause, failure.schema_id
    reason = cause.problems[0].message if isinstance(cause, RefusedSchemaError) else cause.message
    message = f"{_describe_state(failure, reason)}{_describe_loss(failure)}"
    fix = cause.fix
    if isinstance(cause, UnreachableError) and "push again" not in fix:
        fix += "; then run push again: it reads the tenant first"
    if failure.leftover:
        message += f". The temporary schema {failure.leftover} is left in the tenant, or may appear"
        fix += ". If it is there, engage-codegen push names it, and the command that deletes it"
    if failure.state in ("missing", "unknown") and failure.previous:
        fix += (
            f". To have the old schema again, save what is printed as {schema_id}.json: "
            f"engage-codegen push {schema_id} --schemas {schema_id}.json --apply"
        )
    return PushError(failure, message, fix)


def _describe_state(failure: Failure, reason: str) -> str:
    schema_id, step = failure.schema_id, failure.step
    if step == "prove":
        return (
            f"{schema_id} was not replaced, because the tenant did not show that it accepts the "
            f"new schema: {reason}. Nothing was lost"
        )
    if failure.state == "unchanged":
        late = isinstance(failure.cause, UnreachableError)
        return (
            f"{schema_id} was not replaced: {reason}. The tenant has the old schema, and nothing "
            f"was lost{', unless the tenant still carries the request out' if late else ''}"
        )
    if failure.state == "created":
        return f"{schema_id} was created, but not as confirmed: {reason}"
    subject = "was not created" if failure.previous is None else "was deleted and not created again"
    if step == "delete":
        subject = "may have been deleted"
    return f"{schema_id} {subject}: {reason}"


def _describe_loss(failure: Failure) -> str:
    schema_id = failure.schema_id
    if failure.previous is None:
        return ""
    interactions = f"Lost: every interaction that was stored under {schema_id}, for good"
    if failure.state == "created":
        return f". {interactions}"
    if failure.state == "restored":
        changes = [line.strip() for line in describe_changes(failure.restored_otherwise)]
        form = f"in another form ({', '.join(changes)})" if changes else "as it was"
        return (
            f". The old schema was created again {form}, so that the tenant accepts new "
            f"interactions. {interactions}"
        )
    if failure.state == "missing":
        return (
            f". The old schema could not be created again, so the tenant has no schema {schema_id} "
            f"and refuses its interactions. {interactions}, and the schema, which is printed"
        )
    return (
        f". Whether the tenant has a schema {schema_id} now is unknown. {interactions}, if it was "
        "deleted. The old schema is printed"
    )


def plan_object(
    plan: PushPlan, target: str, steps: Iterable[Step], failure: Failure | None
) -> Json:
    """Return a plan, what was done of it, and how it failed, as a JSON object."""
    return {
        "target": target or None,
        "create": [schema.id for schema in plan.create],
        "replace": [
            {
                "schema": item.id,
                "allowed": item.is_allowed,
                "changes": _change_objects(item.changes),
            }
            for item in plan.differing
        ],
        "unchanged": list(plan.unchanged),
        "foreign": list(plan.foreign),
        "leftovers": list(plan.leftovers),
        "steps": [
            {
                "step": step.word,
                "schema": step.schema_id,
                "changes": _change_objects(step.changes),
            }
            for step in steps
        ],
        "failure": None if failure is None else _failure_object(failure),
    }


def _failure_object(failure: Failure) -> JsonObject:
    return {
        "schema": failure.schema_id,
        "step": failure.step,
        "state": failure.state,
        "leftover": failure.leftover or None,
        "interactions_lost": failure.previous is not None,
        "previous": failure.previous.envelope if failure.previous else None,
        "restored_otherwise": _change_objects(failure.restored_otherwise),
    }


def _change_objects(changes: Iterable[AttributeChange]) -> list[Json]:
    return [
        {"sign": change.sign, "pointer": pointer(*change.parts)}
        | ({} if change.sign == "+" else {"old": change.old})
        | ({} if change.sign == "-" else {"new": change.new})
        for change in changes
    ]


def _format_value(value: Json) -> str:
    text = json.dumps(value, ensure_ascii=False, sort_keys=True)
    return text if len(text) <= _LIMIT else text[: _LIMIT - 1] + "…"
