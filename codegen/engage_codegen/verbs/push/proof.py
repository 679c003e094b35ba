"""The proof that a tenant accepts a schema: it is created under a temporary id, and deleted."""

import secrets
from dataclasses import replace

from ...errors import CodegenError, MalformedResponseError, RefusedSchemaError, UnreachableError
from ...schema.envelope import Schema
from .access import TenantAccess, attempts
from .failure import Failure, PushError
from .plan import PROOF_PREFIX
from .report import describe_failure


def prove(schema: Schema, tenant: TenantAccess) -> Schema:
    """Return what the tenant keeps of a schema.

    The temporary schema is deleted whatever happens, also if the user interrupts. Raises
    `RefusedSchemaError`, and `PushError` if anything else fails, even if only the deletion had to
    be repeated: such a tenant is not one to delete interactions in.
    """
    temporary = replace(schema, id=PROOF_PREFIX + secrets.token_hex(6))
    is_created = False
    try:
        tenant.admin.create(temporary)
        is_created = True
        stored = tenant.source.find(temporary.id)
        if stored is None:
            raise unlisted(temporary)
    except RefusedSchemaError as error:
        _discard(temporary, tenant)
        raise RefusedSchemaError(schema.id, schema.origin, error.status, error.reason) from None
    except CodegenError as error:
        may_exist = is_created or isinstance(error, UnreachableError)
        is_left, _ = _discard(temporary, tenant)
        raise _failure(schema, error, temporary if is_left and may_exist else None) from None
    except BaseException:
        _discard(temporary, tenant)
        raise
    is_left, problem = _discard(temporary, tenant)
    if problem:
        raise _failure(schema, problem, temporary if is_left else None) from None
    return stored


def _discard(temporary: Schema, tenant: TenantAccess) -> tuple[bool, CodegenError | None]:
    """Delete a temporary schema. Return whether it may be left, and the last error on the way."""
    problem: CodegenError | None = None
    for _ in attempts():
        try:
            tenant.admin.delete(temporary.id)
            if tenant.source.find(temporary.id) is None:
                return False, problem
            problem = MalformedResponseError(
                f"the tenant confirmed that it deleted {temporary.id}, but still lists it",
                where=temporary.origin,
                fix="run push again: it reads the tenant first",
            )
        except CodegenError as error:
            problem = error
    return True, problem


def _failure(schema: Schema, cause: CodegenError, leftover: Schema | None) -> PushError:
    failure = Failure(schema.id, "prove", "unchanged", cause, leftover.id if leftover else "")
    return describe_failure(failure)


def unlisted(schema: Schema) -> MalformedResponseError:
    """Return the error for a schema whose creation was confirmed and that does not exist."""
    return MalformedResponseError(
        f"the tenant confirmed that it created {schema.id}, but does not list it",
        where=schema.origin,
        fix="run push again: it reads the tenant first",
    )
