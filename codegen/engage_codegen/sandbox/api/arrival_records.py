"""The records of what became of each POST of an interaction."""

from datetime import datetime

from engage_codegen.sandbox.api.rules import AcceptedInteraction
from engage_codegen.sandbox.dates import format_date
from engage_codegen.sandbox.errors import ApiError
from engage_codegen.sandbox.store.records import Arrival, Violation


def describe_stored(
    accepted: AcceptedInteraction, interaction_id: str, now: datetime, body: bytes
) -> Arrival:
    """Describe an interaction that was stored, perhaps without some of its properties."""
    return Arrival(
        arrived=format_date(now),
        outcome="dropped" if accepted.dropped else "stored",
        body=body,
        interaction_id=interaction_id,
        dropped=accepted.dropped,
        stored_payload=accepted.payload,
    )


def describe_ignored(error: ApiError, now: datetime, body: bytes) -> Arrival:
    """Describe an interaction that was answered with success but not stored."""
    return Arrival(
        arrived=format_date(now),
        outcome="ignored",
        body=body,
        violations=error.violations,
        dropped=error.dropped,
    )


def describe_refused(error: ApiError, now: datetime, body: bytes) -> Arrival:
    """Describe an interaction that was answered with an error.

    An error without violations is recorded with its error code as the rule.
    """
    return Arrival(
        arrived=format_date(now),
        outcome="refused",
        error_code=error.code,
        violations=error.violations or (Violation(error.code, None, error.message),),
        dropped=error.dropped,
        body=body,
    )
