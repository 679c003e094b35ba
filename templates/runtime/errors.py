"""The errors of the package. The type of an error tells you whether the interaction is stored.

EngageError
  ConfigurationError         a wrong argument, setting or use of the client; not stored; correct it
  InvalidPayloadError        the payload breaks its schema; not stored; correct the values
  NotSentError               the request was not carried out; not stored; safe to send again
    RateLimitedError         still 429 after all retries; not stored; wait, then send again
  RejectedError              Engage refused the request; not stored; do not retry
    UnauthorizedError        the API key is wrong, revoked or bound to other IP addresses
    UnknownContactError      the tenant has no such contact
    UnknownSchemaError       the tenant has no such interaction schema
    IgnoredError             Engage answered with success, but did not store the interaction
  OutcomeUnknownError        no answer of Engage; perhaps stored; look it up before you resend
  PayloadDroppedError        stored, but without some properties; generate the package again
  ReadError                  a read failed; nothing was changed; try again
    InteractionNotFoundError the tenant has no such interaction
    ContactNotFoundError     find_contact: the tenant has no such contact
    AmbiguousContactError    find_contact: several contacts match
    UnreadablePayloadError   a stored interaction does not fit its payload class
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, TypeAlias

from .violation import Violation

if TYPE_CHECKING:
    from .results import Receipt, ResponseInfo

LookupResult: TypeAlias = Literal["absent", "ambiguous"] | None
"""What the last lookup after an unanswered send established: ``absent``, the interaction was not
there; ``ambiguous``, interactions were there that may be this one; None, nothing, because the
lookup failed or the retry policy has none."""


class EngageError(Exception):
    """The base class of all errors of this package.

    `response` is the response to the last request of the call, or None if there was none.
    """

    response: "ResponseInfo | None" = None


class ConfigurationError(EngageError, ValueError):
    """An argument, an environment variable or the use of the client is wrong.

    Nothing was sent. Correct it as the message says.
    """


class InvalidPayloadError(EngageError, ValueError):
    """The payload breaks its interaction schema.

    Nothing was sent. Correct the values: `violations` lists all of them, not only the first.
    """

    def __init__(self, schema_id: str, violations: Sequence[Violation]) -> None:
        self.schema_id = schema_id
        self.violations = tuple(violations)
        super().__init__(schema_id, self.violations)

    def __str__(self) -> str:
        return f"{self.schema_id}: {'; '.join(map(str, self.violations))}"


class NotSentError(EngageError):
    """Engage did not carry out the request: it never arrived, or Engage turned it away.

    The interaction is not stored. Sending it again cannot create a duplicate.
    """


class RateLimitedError(NotSentError):
    """Engage answered 429 to the request and to all retries.

    The interaction is not stored. Wait, then send it again. `retry_after` is the number of seconds
    that Engage asked for, or None.
    """

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class RejectedError(EngageError):
    """Engage refused the request.

    The interaction is not stored. Do not retry; the same request will be rejected again. `status`
    is the HTTP status, and `error_code` is Engage's name of the error, or empty. `reasons` are the
    details of the answer; they may quote the payload, so they are not part of the message.
    """

    def __init__(
        self, message: str, status: int, reasons: Sequence[str] = (), error_code: str = ""
    ) -> None:
        super().__init__(message, status)
        self.message = message
        self.status = status
        self.reasons = tuple(reasons)
        self.error_code = error_code

    def __str__(self) -> str:
        return f"{self.message} (status {self.status})"


class UnauthorizedError(RejectedError):
    """The API key is wrong, revoked, or bound to other IP addresses.

    The interaction is not stored. Correct ``ENGAGE_API_KEY``, or the key's settings in Engage.
    """


class UnknownContactError(RejectedError):
    """The tenant has no contact with this id.

    The interaction is not stored. Check that the id is a contact id of this tenant.
    """


class UnknownSchemaError(RejectedError):
    """The tenant has no interaction schema with this id.

    The interaction is not stored. The schema was deleted, or the client is connected to another
    tenant than the one that the package was generated from.
    """


class IgnoredError(RejectedError):
    """Engage answered with success, but without an id, and no lookup found the interaction.

    The interaction is not stored. Engage ignores an interaction that breaks the tenant's current
    schema: generate the package again, then send a payload that is valid.
    """


class OutcomeUnknownError(EngageError):
    """Engage did not answer the request, answered with a server error, or something else answered.

    The interaction may be stored, and sending it again may create a duplicate. Look it up first,
    with ``client.list``. `created_date` is the ``createdDate`` that was sent; no two sends of a
    client share one unless you set it yourself. `lookup` is what the client's own lookup
    established, and `candidates` are the ids of the interactions that may be this one. For a delete
    all three are empty: repeating a delete is safe.
    """

    def __init__(
        self,
        message: str,
        created_date: str | None = None,
        *,
        lookup: LookupResult = None,
        candidates: Sequence[str] = (),
    ) -> None:
        super().__init__(message)
        self.created_date = created_date
        self.lookup: LookupResult = lookup
        self.candidates = tuple(candidates)


class PayloadDroppedError(EngageError):
    """Engage stored the interaction without some of its properties.

    The tenant's schema differs from the one that the package was generated from: generate the
    package again. `receipt` is the receipt of the stored interaction, and `properties` are the wire
    names of the dropped properties.
    """

    def __init__(self, receipt: "Receipt", properties: Sequence[str]) -> None:
        super().__init__(receipt, properties)
        self.receipt = receipt
        self.properties = tuple(properties)

    def __str__(self) -> str:
        return (
            f"Engage stored the interaction {self.receipt.id} "
            f"without these properties: {', '.join(self.properties)}."
        )


class ReadError(EngageError):
    """A read got no usable answer.

    Nothing was changed. Try again. If a send with ``confirm=True`` raised this error, the
    interaction is stored, and `receipt` is its receipt.
    """

    def __init__(self, message: str, receipt: "Receipt | None" = None) -> None:
        super().__init__(message)
        self.receipt = receipt


class InteractionNotFoundError(ReadError):
    """The tenant has no interaction with this id.

    It was deleted, or never stored. `status`, `reasons` and `error_code` are those of the answer,
    as in `RejectedError`.
    """

    def __init__(
        self, message: str, status: int, reasons: Sequence[str] = (), error_code: str = ""
    ) -> None:
        super().__init__(message)
        self.args = (message, status)
        self.message = message
        self.status = status
        self.reasons = tuple(reasons)
        self.error_code = error_code

    def __str__(self) -> str:
        return f"{self.message} (status {self.status})"


class ContactNotFoundError(ReadError):
    """`find_contact` found no contact.

    Engage has none with these values, or it is of another contact type. The message does not
    contain the values, which are personal data.
    """


class AmbiguousContactError(ReadError):
    """`find_contact` found several contacts. `contact_ids` are their ids.

    Pass `contact_type`, usually ``"Member"``, or decide by the ids.
    """

    def __init__(self, message: str, contact_ids: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.contact_ids = tuple(contact_ids)


class UnreadablePayloadError(ReadError):
    """A stored interaction does not fit the payload class that it is read as.

    It may be older than the schema, or another integration may have stored it. `Stored.raw` still
    has the payload.
    """
