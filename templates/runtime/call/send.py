"""The call that sends: it must neither lose an interaction nor store it twice.

Engage has no idempotency key. After a failure that leaves open whether a POST was carried out, the
call looks the interaction up before anything else.
"""

from ..errors import (
    EngageError,
    IgnoredError,
    LookupResult,
    NotSentError,
    OutcomeUnknownError,
    PayloadDroppedError,
    ReadError,
    RejectedError,
)
from ..payload.types import Payload
from ..results import Receipt, Stored
from .interaction import EncodedInteraction
from .lookup import has_same_value, look_up
from .read import get
from .receipts import ReceiptRegistry
from .responses import parse_body, require_success
from .retry import RetryPolicy, retry
from .steps import Call, Reply


def send(
    interaction: EncodedInteraction,
    policy: RetryPolicy,
    receipts: ReceiptRegistry,
    *,
    confirm: bool,
) -> Call[Receipt]:
    """Send an interaction, and return its receipt.

    Raises `RejectedError`, `NotSentError` or `OutcomeUnknownError`; with `confirm` also
    `PayloadDroppedError` and `ReadError`.
    """
    with receipts.pending(interaction):
        receipt = yield from _post(interaction, policy, receipts)
        receipts.add(interaction, receipt.id)
    if confirm:
        yield from _confirm(interaction, receipt, policy)
    return receipt


def _post(
    interaction: EncodedInteraction, policy: RetryPolicy, receipts: ReceiptRegistry
) -> Call[Receipt]:
    remaining_posts = 2 if policy.resend else 1
    request = interaction.request()

    def interpret(reply: Reply) -> Receipt:
        return _receipt(interaction, reply)

    doubt = ""
    while True:
        failure: EngageError
        try:
            # Only a request that Engage certainly did not carry out is retried.
            return (yield from retry(request, interpret, policy, (NotSentError,)))
        except (OutcomeUnknownError, NotSentError, RejectedError) as error:
            failure = error
        if not isinstance(failure, OutcomeUnknownError):
            if not doubt:
                raise failure
            # The outcome of the resend is known, but the outcome of the first POST is not.
            raise _unknown(interaction, f"{doubt} The resend failed: {failure}", "absent")
        doubt = str(failure)
        remaining_posts -= 1
        candidates = yield from look_up(interaction, policy, receipts)
        if candidates is None:
            raise _unknown(interaction, doubt, None)
        if len(candidates) == 1 and receipts.can_claim(interaction, candidates[0]):
            return _new_receipt(interaction, candidates[0])
        if candidates:
            message = f"{doubt} The lookup cannot tell which stored interaction is this one."
            raise _unknown(interaction, message, "ambiguous", candidates)
        if not remaining_posts:
            raise _unknown(interaction, doubt, "absent")


def _unknown(
    interaction: EncodedInteraction,
    message: str,
    lookup: LookupResult,
    candidates: tuple[str, ...] = (),
) -> OutcomeUnknownError:
    return OutcomeUnknownError(
        message, interaction.encoded_date, lookup=lookup, candidates=candidates
    )


def _receipt(interaction: EncodedInteraction, reply: Reply) -> Receipt:
    answer = require_success(reply, interaction.encoded_date)
    value = parse_body(answer)
    if answer.body.strip() in (b"", b"null"):
        raise IgnoredError(_IGNORED, answer.status)
    if not isinstance(value, dict):
        message = f"Engage answered {answer.status} with a body that is not a JSON object."
        raise OutcomeUnknownError(message, interaction.encoded_date)
    interaction_id = value.get("id")
    if (
        not isinstance(interaction_id, (str, int))
        or isinstance(interaction_id, bool)
        or not str(interaction_id)
    ):
        raise IgnoredError(_IGNORED, answer.status)
    return _new_receipt(interaction, str(interaction_id))


_IGNORED = "Engage did not store the interaction: its answer has no id"


def _new_receipt(interaction: EncodedInteraction, interaction_id: str) -> Receipt:
    return Receipt(
        interaction_id, interaction.contact_id, interaction.schema_id, interaction.created_date
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
    sent = interaction.payload
    dropped = [name for name in sent if not has_same_value(name, sent, raw)]
    if dropped:
        raise PayloadDroppedError(receipt, dropped)
