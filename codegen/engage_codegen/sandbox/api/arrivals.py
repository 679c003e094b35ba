"""What is put on record of a POST of an interaction."""

from datetime import datetime

from engage_codegen.sandbox.api.rules import AcceptedInteraction
from engage_codegen.sandbox.dates import wire_date
from engage_codegen.sandbox.store.tenant import Arrival
from engage_codegen.sandbox.wire import Refusal


def stored(
    accepted: AcceptedInteraction, interaction_id: str, now: datetime, body: bytes
) -> Arrival:
    """It was stored, perhaps without some of its properties."""
    return Arrival(
        arrived=wire_date(now),
        outcome="dropped" if accepted.dropped else "stored",
        body=body,
        interaction_id=interaction_id,
        dropped=accepted.dropped,
        kept=accepted.payload,
    )


def ignored(refusal: Refusal, now: datetime, body: bytes) -> Arrival:
    """It was answered with success and not stored."""
    return Arrival(
        arrived=wire_date(now),
        outcome="ignored",
        body=body,
        reasons=refusal.reasons,
        dropped=refusal.dropped,
    )
