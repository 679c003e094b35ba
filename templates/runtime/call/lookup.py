"""Lookups: whether an interaction is stored whose POST was not answered.

Engage has no idempotency key. A stored interaction is the one that was sent if it has the same
contact and schema, the same createdDate, a payload that means the same as a part of the one sent,
and an id that belongs to no other send. Engage may write all of these in its own way, so an
interaction that is merely near may be the one as well: then the outcome is unknown.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from ..errors import EngageError, OutcomeUnknownError, ReadError, UnreadablePayloadError
from ..payload.codecs import read_date_time
from ..payload.types import Json, Payload
from ..results import Receipt, Stored
from ..violation import InvalidValueError
from .interaction import EncodedInteraction
from .pages import Pages
from .receipts import ReceiptRegistry
from .retry import RetryPolicy
from .steps import Call, Stop, Wait

_MILLISECOND = timedelta(milliseconds=1)
_NEAR = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Candidates:
    """The ids of stored interactions that may be the one that was sent.

    `matches` are equal to it, and `near` ones cannot be told apart from it. Neither belong to
    another send.
    """

    matches: tuple[str, ...] = ()
    near: tuple[str, ...] = ()

    @property
    def ids(self) -> tuple[str, ...]:
        """All ids, the matches first."""
        return self.matches + self.near


def look_up(
    interaction: EncodedInteraction,
    posted_at: datetime,
    policy: RetryPolicy,
    receipts: ReceiptRegistry,
    now: Callable[[], datetime],
) -> Call[Candidates | None]:
    """Look an interaction up after each delay of the policy, until there is a match.

    Returns None if the last lookup failed or there was none.
    """
    candidates: Candidates | None = None
    for seconds in policy.lookup_delays:
        try:
            yield Wait(seconds, "lookup")
        except Stop:
            return None
        try:
            candidates = yield from find_candidates(interaction, posted_at, now, receipts=receipts)
        except EngageError:
            candidates = None
        if candidates is not None and candidates.matches:
            break
    return candidates


def find(
    interaction: EncodedInteraction, policy: RetryPolicy, now: Callable[[], datetime]
) -> Call[Receipt | None]:
    """Look for an interaction that was sent earlier, and return its receipt, or None.

    Raises `OutcomeUnknownError` if several interactions match, or one that cannot be told apart,
    and the errors of a list.
    """
    candidates = yield from find_candidates(interaction, None, now, policy=policy)
    if len(candidates.matches) == 1:
        return interaction.receipt(candidates.matches[0])
    if candidates.ids:
        raise OutcomeUnknownError(
            "The lookup cannot tell which stored interaction is this one.",
            interaction.encoded_date,
            lookup="ambiguous",
            candidates=candidates.ids,
        )
    return None


def find_candidates(
    interaction: EncodedInteraction,
    posted_at: datetime | None,
    now: Callable[[], datetime],
    *,
    receipts: ReceiptRegistry | None = None,
    policy: RetryPolicy | None = None,
) -> Call[Candidates]:
    """Look up once. `posted_at` is the time of the first POST, or None if it is not known.

    Interactions that belong to other sends by `receipts` are none. Raises the errors of a list,
    also if it is not certain that the list is complete.
    """
    pages = Pages(interaction.payload_class, interaction.contact_id, policy or RetryPolicy.never())
    matches: dict[str, str] = {}
    near: dict[str, str] = {}
    while pages.has_more:
        for stored in (yield from pages.next()):
            if receipts is not None and receipts.belongs_to_another(interaction, stored.id):
                continue
            if _is_same(interaction, stored):
                matches[stored.id.casefold()] = stored.id
            elif _is_near(interaction, stored, posted_at, now()):
                near[stored.id.casefold()] = stored.id
    if pages.is_last_full and not matches and not near:
        raise ReadError("The last page is full: more interactions may follow.")
    return Candidates(tuple(matches.values()), tuple(near.values()))


def _is_same(interaction: EncodedInteraction, stored: Stored[Payload]) -> bool:
    created = _created_date(stored)
    return (
        _has_same_subject(interaction, stored)
        and created is not None
        and _has_same_date(interaction.created_date, created, stored.raw_created_date)
        and isinstance(stored.raw, dict)
        and not changed_properties(_declared(interaction, stored.raw), interaction.payload)
    )


def _declared(interaction: EncodedInteraction, raw: Mapping[str, Json]) -> dict[str, Json]:
    """Return the declared properties. Engage may add others at any time."""
    names = interaction.payload_class.__properties__
    return {name: value for name, value in raw.items() if name in names}


def _has_same_subject(interaction: EncodedInteraction, stored: Stored[Payload]) -> bool:
    return (
        stored.contact_id.casefold() == interaction.contact_id.casefold()
        and stored.schema_id.casefold() == interaction.schema_id.casefold()
    )


def _has_same_date(sent: datetime, stored: datetime, text: str) -> bool:
    """Compare to the millisecond, because Engage may round or cut off the rest.

    A date that is coarser than a second identifies nothing, and so does one without an offset.
    """
    is_coarser = sent.microsecond > 0 and stored.microsecond == 0 and "." not in text
    return _has_offset(text) and not is_coarser and abs(stored - sent) < _MILLISECOND


def _is_near(
    interaction: EncodedInteraction,
    stored: Stored[Payload],
    posted_at: datetime | None,
    now: datetime,
) -> bool:
    created = _created_date(stored)
    if created is None or not _has_offset(stored.raw_created_date):
        return True
    is_near_sent = abs(created - interaction.created_date) <= _NEAR
    return is_near_sent or (posted_at is not None and posted_at - _NEAR <= created <= now + _NEAR)


def _created_date(stored: Stored[Payload]) -> datetime | None:
    try:
        return stored.created_date
    except UnreadablePayloadError:
        return None


def _has_offset(text: str) -> bool:
    return text[-1:] in ("Z", "z") or text[-6:-5] in ("+", "-")


def changed_properties(expected: Mapping[str, Json], actual: Mapping[str, Json]) -> tuple[str, ...]:
    """Return the properties of `expected` that `actual` does not have with the same meaning.

    Null is the same as no property.
    """
    return tuple(
        name
        for name, value in expected.items()
        if value is not None and not _means_same(value, actual.get(name))
    )


def _means_same(left: Json, right: Json) -> bool:
    """Compare JSON values: 2.0 and 2, or two texts of one instant, mean the same.

    True does not mean the same as 1.
    """
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if left == right:
        return True
    if not isinstance(left, str) or not isinstance(right, str):
        return False
    instant = _read_instant(left)
    return instant is not None and instant == _read_instant(right)


def _read_instant(text: str) -> datetime | None:
    if not text[:1].isdigit():
        return None
    try:
        return read_date_time(text)
    except InvalidValueError:
        return None
