"""The records of what became of each POST of an interaction."""

from datetime import datetime

from engage_codegen.sandbox.api.rules import AcceptedInteraction, ProposedInteraction
from engage_codegen.sandbox.dates import format_date
from engage_codegen.sandbox.errors import ApiError
from engage_codegen.sandbox.store.arrival_facts import read_ids, sum_up
from engage_codegen.sandbox.store.records import Arrival, Violation

MAX_REFUSED_BYTES = 10_000
"""How much is recorded of the body of an interaction that was not stored."""

_MAX_MESSAGE = 1_000


def describe_stored(
    proposed: ProposedInteraction,
    accepted: AcceptedInteraction,
    interaction_id: str,
    now: datetime,
    body: bytes,
) -> Arrival:
    """Describe an interaction that was stored, perhaps without some of its properties."""
    return Arrival(
        arrived=format_date(now),
        outcome="dropped" if accepted.dropped else "stored",
        body=body,
        body_size=len(body),
        schema_id=proposed.schema_id,
        contact_id=proposed.contact_id,
        interaction_id=interaction_id,
        dropped=accepted.dropped,
        cause=sum_up(accepted.dropped, ()),
        stored_payload=accepted.payload,
    )


def describe_ignored(error: ApiError, now: datetime, body: bytes) -> Arrival:
    """Describe an interaction that was answered with success but not stored."""
    return _describe_lost("ignored", None, error.violations, error, now, body)


def describe_refused(error: ApiError, now: datetime, body: bytes) -> Arrival:
    """Describe an interaction that was answered with an error.

    An error without violations is recorded with its error code as the rule.
    """
    violations = error.violations or (Violation(error.code, None, error.message),)
    return _describe_lost("refused", error.code, violations, error, now, body)


def _describe_lost(
    outcome: str,
    code: str | None,
    violations: tuple[Violation, ...],
    error: ApiError,
    now: datetime,
    body: bytes,
) -> Arrival:
    schema_id, contact_id = read_ids(body)
    return Arrival(
        arrived=format_date(now),
        outcome=outcome,
        error_code=code,
        violations=tuple(map(_shorten, violations)),
        dropped=error.dropped,
        cause=sum_up(error.dropped, violations),
        body=body[:MAX_REFUSED_BYTES],
        body_size=len(body),
        schema_id=schema_id,
        contact_id=contact_id,
    )


def _shorten(violation: Violation) -> Violation:
    """Shorten a message, which can quote values of the body."""
    message = violation.message
    if len(message) > _MAX_MESSAGE:
        message = message[:_MAX_MESSAGE] + " …"
    return Violation(violation.rule, violation.pointer, message)
