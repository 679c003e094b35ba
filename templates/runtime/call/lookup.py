"""Lookups: whether an interaction is stored whose POST was not answered.

Engage has no idempotency key. A stored interaction may be the one that was sent if it has the same
contact and schema, the same createdDate, a payload that is a part of the one sent, and an id that
belongs to no other send.
"""

from collections.abc import Mapping

from ..errors import EngageError, UnreadablePayloadError
from ..payload.types import Json, Payload
from ..results import Stored
from .interaction import EncodedInteraction
from .read import Pages
from .receipts import ReceiptRegistry
from .retry import RetryPolicy
from .steps import Call, Stop, Wait


def look_up(
    interaction: EncodedInteraction, policy: RetryPolicy, receipts: ReceiptRegistry
) -> Call[tuple[str, ...] | None]:
    """Look an interaction up after each delay of the policy, until there are candidates.

    Returns the ids of the candidates, or None if the last lookup failed or there was none.
    """
    result: tuple[str, ...] | None = None
    for seconds in policy.lookup_delays:
        try:
            yield Wait(seconds, "lookup")
        except Stop:
            return None
        try:
            result = yield from find_candidates(interaction, receipts)
        except EngageError:
            result = None
        if result:
            break
    return result


def find_candidates(
    interaction: EncodedInteraction, receipts: ReceiptRegistry
) -> Call[tuple[str, ...]]:
    """Look up once: return the ids of the stored interactions that may be this one.

    Raises the errors of a list.
    """
    pages = Pages(interaction.payload_class, interaction.contact_id, RetryPolicy.never())
    candidates: list[str] = []
    while pages.has_more:
        page = yield from pages.next()
        candidates += [
            stored.id
            for stored in page
            if not receipts.belongs_to_another(interaction, stored.id)
            and _may_be(interaction, stored)
        ]
    return tuple(candidates)


def _may_be(interaction: EncodedInteraction, stored: Stored[Payload]) -> bool:
    """Return True if a stored interaction has the date and a part of the payload."""
    try:
        created = stored.created_date
    except UnreadablePayloadError:
        return False
    # To the millisecond; to the second where Engage returns no more than that.
    unit = 1000 if created.microsecond else 1_000_000
    sent = interaction.created_date
    is_same_time = created.replace(microsecond=0) == sent.replace(microsecond=0) and (
        unit == 1_000_000 or created.microsecond // unit == sent.microsecond // unit
    )
    if not is_same_time or not isinstance(stored.raw, dict):
        return False
    raw = stored.raw
    return all(has_same_value(name, interaction.payload, raw) for name in raw)


def has_same_value(name: str, sent: Mapping[str, Json], stored: Mapping[str, Json]) -> bool:
    """Return True if both payloads have the property with the same JSON value.

    2.0 is the same value as 2, but true is not the same value as 1.
    """
    if name not in sent or name not in stored:
        return False
    left, right = sent[name], stored[name]
    return left == right and isinstance(left, bool) == isinstance(right, bool)
