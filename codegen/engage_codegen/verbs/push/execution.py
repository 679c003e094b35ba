"""Carrying out the plan of a push."""

from contextlib import suppress
from dataclasses import replace

from ...errors import (
    CodegenError,
    MalformedResponseError,
    RefusedSchemaError,
    SchemaError,
    SchemaProblem,
    UnreachableError,
)
from ...lint.fixes import keep_documented
from ...schema.envelope import Schema
from .access import TenantAccess, attempts
from .changes import find_changes
from .failure import FailedStep, Failure, PushError, State
from .plan import PushPlan, Replacement
from .proof import prove, unlisted
from .report import describe_diverging, describe_failure
from .steps import Step, StepReport


def apply_push(plan: PushPlan, tenant: TenantAccess, report: StepReport) -> None:
    """Create the missing schemas, and replace those that are allowed.

    First the tenant has to show that it accepts each replacement, as far as it has a place for
    that. `report` receives each step. Safe to repeat and to interrupt, because another run plans
    from what the tenant has then. Raises `SchemaError` for schemas that the tenant refuses or
    keeps so that replacing them would change nothing, `PushError` if a replacement failed, and
    `SourceError`.
    """
    for schema_id in plan.discarded:
        tenant.admin.delete(schema_id)
        report(Step("discarded", schema_id))
    if plan.has_place_for_proofs:
        _prove_all(plan, tenant, report)
    for schema in plan.create:
        _create(schema, tenant, report)
    for item in plan.replaced:
        _Replacing(item, tenant, report).run()


def _prove_all(plan: PushPlan, tenant: TenantAccess, report: StepReport) -> None:
    problems: list[SchemaProblem] = []
    for item in plan.replaced:
        try:
            stored = prove(item.new, tenant)
        except RefusedSchemaError as error:
            problems += error.problems
            continue
        leaves = find_changes(stored, item.new)
        if {change.parts for change in item.changes} <= {change.parts for change in leaves}:
            problems.append(describe_diverging(item.new, leaves))
        else:
            report(Step("accepted", item.id))
    if problems:
        raise SchemaError(problems)


def _create(schema: Schema, tenant: TenantAccess, report: StepReport) -> None:
    """Create a schema that the tenant does not have, and read it back."""
    try:
        tenant.admin.create(schema)
    except UnreachableError:
        stored = None
        with suppress(CodegenError):
            stored = tenant.source.find(schema.id)
        if stored is None:
            raise
    else:
        stored = _read_back(schema, None, tenant, report)
    _report_created(schema, stored, report)


def _read_back(
    schema: Schema, previous: Schema | None, tenant: TenantAccess, report: StepReport
) -> Schema:
    """Return what the tenant keeps of a schema that it confirmed to have created."""
    try:
        stored = tenant.source.find(schema.id)
    except CodegenError as error:
        report(Step("created", schema.id))
        failure = Failure(schema.id, "read", "created", error, previous=previous)
        raise describe_failure(failure) from None
    if stored is None:
        raise unlisted(schema)
    return stored


def _report_created(schema: Schema, stored: Schema, report: StepReport) -> None:
    report(Step("created", schema.id))
    if changes := find_changes(stored, schema):
        report(Step("differs", schema.id, changes))


class _Replacing:
    """The replacement of one schema. Whatever fails, the tenant ends with a schema if it can."""

    def __init__(self, item: Replacement, tenant: TenantAccess, report: StepReport) -> None:
        self._item = item
        self._new = item.new
        self._tenant = tenant
        self._report = report

    def run(self) -> None:
        """Delete the old schema and create the new one, or the old one again."""
        old = self._read_unchanged()
        try:
            self._delete(old)
            self._report(Step("deleted", old.id))
            self._create(old)
        except CodegenError:
            raise
        except BaseException:
            # Interrupted in between. If the old schema was not deleted, this changes nothing.
            self._restore(old)
            raise

    def _read_unchanged(self) -> Schema:
        old = self._tenant.source.find(self._item.id)
        if old is None or old.canonical != self._item.old.canonical:
            raise MalformedResponseError(
                f"the schema {self._item.id} of the tenant changed since the plan was made",
                where=self._item.old.origin,
                fix="look at the plan again: engage-codegen push",
            )
        return old

    def _delete(self, old: Schema) -> None:
        try:
            self._tenant.admin.delete(old.id)
        except CodegenError as error:
            self._check_deletion(old, error)

    def _check_deletion(self, old: Schema, problem: CodegenError) -> None:
        """Return if the old schema is gone in spite of the answer. Raises `PushError`."""
        try:
            is_there = self._tenant.source.find(old.id) is not None
        except CodegenError:
            if isinstance(problem, UnreachableError):
                raise self._recover("delete", problem, old) from None
            is_there = True
        if is_there:
            raise self._error("delete", "unchanged", problem) from None

    def _create(self, old: Schema) -> None:
        problem: CodegenError | None = None
        stored: Schema | None = None
        try:
            self._tenant.admin.create(self._new)
        except CodegenError as error:
            problem = error
            with suppress(CodegenError):
                stored = self._tenant.source.find(old.id)
        else:
            try:
                stored = _read_back(self._new, old, self._tenant, self._report)
            except MalformedResponseError as error:
                problem = error
        if stored is None:
            raise self._recover("create", problem or unlisted(self._new), old)
        if problem and not find_changes(stored, old):
            raise self._error("create", "unchanged", problem)
        _report_created(self._new, stored, self._report)

    def _recover(self, step: FailedStep, cause: CodegenError, old: Schema) -> PushError:
        """Restore the old schema, and return the error that says whether that worked."""
        state, present = self._restore(old)
        changes = find_changes(old, present) if state == "restored" and present else ()
        failure = Failure(old.id, step, state, cause, previous=old, restored_otherwise=changes)
        return describe_failure(failure)

    def _restore(self, old: Schema) -> tuple[State, Schema | None]:
        """Create the old schema again. Return what the tenant has then, and the schema."""
        state: State = "unknown"
        for _ in attempts():
            created = self._create_again(old)
            try:
                present = self._tenant.source.find(old.id)
            except CodegenError:
                state, present = "unknown", created
            else:
                state = "missing"
            if created:
                self._report(Step("restored", old.id))
            if present:
                is_old = created is not None or not find_changes(present, old)
                return "restored" if is_old else "created", present
        return state, None

    def _create_again(self, old: Schema) -> Schema | None:
        """Return the schema that the tenant confirmed to have created, if it did.

        What a tenant gives out may not be what it takes: it may add attributes of its own.
        """
        for schema in (old, replace(old, json_schema=keep_documented(old.json_schema))):
            try:
                self._tenant.admin.create(schema)
            except RefusedSchemaError:
                continue
            except CodegenError:
                return None
            return schema
        return None

    def _error(self, step: FailedStep, state: State, cause: CodegenError) -> PushError:
        return describe_failure(Failure(self._item.id, step, state, cause))
