"""The call that sends: it must neither lose an interaction nor store it twice.

Engage has no idempotency key. After a reply that leaves open whether a POST was carried out, the
call looks the interaction up before anything else.
"""

from collections.abc import Callable
from datetime import datetime

from ..errors import (
    EngageError,
    IgnoredError,
    LookupResult,
    NotSentError,
    OutcomeUnknownError,
    PayloadDroppedError,
    ReadError,
)
from ..payload.types import Json, Payload
from ..results import Receipt, ResponseInfo, Stored
from .ids import is_id
from .interaction import EncodedInteraction
from .lookup import changed_properties, find, look_up
from .read import get
from .receipts import ReceiptRegistry
from .responses import describe_foreign, parse_body, require_success
from .retry import RetryPolicy, retry
from .steps import Call, Reconnect, Reply


def send(
    interaction: EncodedInteraction,
    policy: RetryPolicy,
    receipts: ReceiptRegistry,
    now: Callable[[], datetime],
    *,
    confirm: bool,
    perhaps_sent: bool,
) -> Call[Receipt]:
    """Send an interaction, and return its receipt. With `perhaps_sent`, look it up first.

    Raises `RejectedError`, `NotSentError` or `OutcomeUnknownError`; with `confirm` also
    `PayloadDroppedError` and `ReadError`. An exception that interrupts it, like `CancelledError`,
    gets the createdDate.
    """
    with receipts.pending(interaction, policy):
        receipt: Receipt | None = None
        try:
            if perhaps_sent:
                receipt = yield from _find_earlier(interaction, policy, now)
            if receipt is None:
                doubt = _PERHAPS_SENT if perhaps_sent else ""
                receipt = yield from _post(interaction, policy, receipts, now, doubt)
        except (EngageError, GeneratorExit):
            raise
        except BaseException as error:
            _record_interruption(error, interaction)
            raise
        receipts.add(interaction, receipt.id)
    if confirm:
        yield from _confirm(interaction, receipt, policy)
    return receipt


def _record_interruption(error: BaseException, interaction: EncodedInteraction) -> None:
    """Add the createdDate as the attribute ``created_date`` and in a note."""
    vars(error)["created_date"] = interaction.encoded_date
    error.add_note(
        f"The interaction of the schema {interaction.schema_id} with the createdDate "
        f"{interaction.encoded_date} may be stored. Look it up before you send it again."
    )


_PERHAPS_SENT = "The interaction may have been sent earlier."


def _find_earlier(
    interaction: EncodedInteraction, policy: RetryPolicy, now: Callable[[], datetime]
) -> Call[Receipt | None]:
    """Look for the interaction of an earlier send, whose outcome a failure leaves unknown."""
    try:
        return (yield from find(interaction, policy, now))
    except (NotSentError, ReadError) as error:
        failure = error
    message = f"{_PERHAPS_SENT} The lookup failed, and nothing was sent now: {failure}"
    raise _unknown(interaction, message, None, response=failure.response)


def _post(
    interaction: EncodedInteraction,
    policy: RetryPolicy,
    receipts: ReceiptRegistry,
    now: Callable[[], datetime],
    doubt: str,
) -> Call[Receipt]:
    """Post the interaction. `doubt` says why it may be stored already, if it may."""
    request, posted_at = interaction.request(), now()
    remaining_posts = 2 if policy.resend else 1

    def interpret(reply: Reply) -> Receipt:
        return _receipt(interaction, reply, receipts)

    while True:
        failure: EngageError
        try:
            return (yield from retry(request, interpret, policy, (NotSentError,)))
        except EngageError as error:
            failure = error
        if not isinstance(failure, (OutcomeUnknownError, IgnoredError)):
            if not doubt:
                raise failure
            # The outcome of the resend is known, but the outcome of the first POST is not.
            message = f"{doubt} The resend failed: {failure}"
            raise _unknown(interaction, message, "absent", response=failure.response)
        doubt = str(failure)
        remaining_posts -= 1
        if isinstance(failure, _MixedUpError):
            yield Reconnect()
        candidates = yield from look_up(interaction, posted_at, policy, receipts, now)
        if candidates is None:
            raise _unknown(interaction, doubt, None, response=failure.response)
        if len(candidates.matches) == 1 and receipts.can_claim(interaction, candidates.matches[0]):
            return interaction.receipt(candidates.matches[0])
        if candidates.ids:
            message = f"{doubt} The lookup cannot tell which stored interaction is this one."
            raise _unknown(
                interaction, message, "ambiguous", candidates.ids, response=failure.response
            )
        if isinstance(failure, IgnoredError):
            raise failure
        if not remaining_posts:
            raise _unknown(interaction, doubt, "absent", response=failure.response)


def _unknown(
    interaction: EncodedInteraction,
    message: str,
    lookup: LookupResult,
    candidates: tuple[str, ...] = (),
    *,
    response: ResponseInfo | None,
) -> OutcomeUnknownError:
    error = OutcomeUnknownError(
        message, interaction.encoded_date, lookup=lookup, candidates=candidates
    )
    error.response = response
    return error


def _receipt(interaction: EncodedInteraction, reply: Reply, receipts: ReceiptRegistry) -> Receipt:
    """Return the receipt in the answer to a POST.

    Raises `IgnoredError` for an object without an id, and `OutcomeUnknownError` for anything else
    than the answer that Engage gives to this interaction.
    """
    is_personal = bool(interaction.payload_class.__personal__)
    answer = require_success(reply, interaction.encoded_date, is_personal=is_personal)
    value = parse_body(answer)
    if not isinstance(value, dict):
        raise OutcomeUnknownError(describe_foreign(answer), interaction.encoded_date)
    interaction_id = value.get("id")
    if interaction_id is None or interaction_id is False or interaction_id == "":
        raise IgnoredError(_IGNORED, answer.status)
    text = str(interaction_id) if isinstance(interaction_id, (str, int)) else ""
    if isinstance(interaction_id, bool) or not is_id(text):
        raise OutcomeUnknownError(describe_foreign(answer), interaction.encoded_date)
    if _is_about_another(interaction, value) or receipts.belongs_to_another(interaction, text):
        message = f"Engage answered {answer.status} with the receipt of another interaction."
        raise _MixedUpError(message, interaction.encoded_date)
    return interaction.receipt(text, answer.info)


class _MixedUpError(OutcomeUnknownError):
    """The answer belongs to another request. The next answer on this connection may as well."""


_IGNORED = "Engage did not store the interaction: its answer has no id"


def _is_about_another(interaction: EncodedInteraction, value: dict[str, Json]) -> bool:
    """Return True if the answer names another contact, as one to another request does."""
    link = value.get("self")
    contact_id = link.get("contactId") if isinstance(link, dict) else None
    return (
        isinstance(contact_id, str) and contact_id.casefold() != interaction.contact_id.casefold()
    )


def _confirm(interaction: EncodedInteraction, receipt: Receipt, policy: RetryPolicy) -> Call[None]:
    """Read the interaction back, and compare its payload with the one that was sent."""
    failure = ""
    stored: Stored[Payload] | None = None
    try:
        stored = yield from get(interaction.payload_class, receipt.id, policy)
    except EngageError as error:
        failure = str(error)
    if stored is None:
        message = f"The interaction is stored, but it could not be read back: {failure}"
        raise ReadError(message, receipt)
    raw = stored.raw if isinstance(stored.raw, dict) else {}
    dropped = changed_properties(interaction.payload, raw)
    if dropped:
        raise PayloadDroppedError(receipt, dropped)
