"""What can go wrong, and what to do about it.

EngageError
  Misconfigured          a setting of the client cannot work: correct it
  InvalidPayload         the payload breaks its schema: correct the values
  NotSent                the platform did not take it: safe to send again
    RateLimited            it answered 429: wait, then send again
  Rejected               the platform refused it: sending the same again is pointless
    NotAuthorised          the key is wrong, revoked or bound to other addresses
    UnknownContact         there is no such contact
    UnknownSchema          the tenant has no such schema
    UnknownInteraction     there is no such interaction
    Ignored                answered as a success but without an id: not stored
  OutcomeUnknown         sent, but unanswered: look before you send again
  ReadFailed             a look-up got no usable answer: nothing was changed, try again
  UnreadablePayload      a stored interaction that does not fit the schema that you have
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .results import Receipt


class EngageError(Exception):
    """The base of all errors of this package."""


class Misconfigured(EngageError, ValueError):
    """A setting of the client is missing or cannot work. Nothing was sent."""


@dataclass(frozen=True, slots=True)
class Violation:
    """One rule that one property breaks, or, if it `is_about_the_whole`, the payload. `property` is
    the name on the wire; `value` is personal data and therefore in no message."""

    property: str
    rule: str
    value: object = field(default=None, repr=False)
    is_about_the_whole: bool = field(default=False, repr=False)

    def __str__(self) -> str:
        return f"{self.property}: {self.rule}"


class InvalidPayload(EngageError, ValueError):
    """The payload breaks its schema. Nothing was sent.

    `violations` has all of them, not only the first.
    """

    def __init__(self, kind: str, violations: Sequence[Violation]) -> None:
        self.kind = kind
        self.violations = tuple(violations)
        super().__init__(kind, self.violations)

    def __str__(self) -> str:
        return f"{self.kind}: {'; '.join(map(str, self.violations))}"


class NotSent(EngageError):
    """The platform certainly did not take it. Sending it again makes no duplicate."""


class RateLimited(NotSent):
    """The platform answered 429, still after the policy's patience. Wait, then send again.

    `retry_after` is how many seconds it asked for, if it did.
    """

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Rejected(EngageError):
    """The platform refused it and stored nothing.

    `status` is the HTTP status, `reasons` is what the platform said beyond its message; it may
    quote the payload, and is therefore not part of this error's text.
    """

    def __init__(self, message: str, status: int, reasons: Sequence[str] = ()) -> None:
        super().__init__(message, status)
        self.message = message
        self.status = status
        self.reasons = tuple(reasons)

    def __str__(self) -> str:
        return f"{self.message} (status {self.status})"


class NotAuthorised(Rejected):
    """The key is wrong, revoked, or bound to other IP addresses."""


class UnknownContact(Rejected):
    """The tenant has no contact with this id."""


class UnknownSchema(Rejected):
    """The tenant has no interaction schema with this id: it was deleted, or this is another
    tenant than the one that the package was generated from."""


class UnknownInteraction(Rejected):
    """The tenant has no interaction with this id."""


class Ignored(Rejected):
    """The platform answered as if all were well, but without an id: it did not store it.

    It does that with an interaction that breaks the rules of the schema, as the tenant has it now.
    """


class OutcomeUnknown(EngageError):
    """It was sent, and no answer tells what became of it: a time-out, a broken connection, an
    error of the server. It may be stored; sending it again may make a duplicate.

    `seen` says what a look for it found: None, that there was none or that it failed; False, that
    it was not there (yet); True, that it found what may be it, but cannot tell. Look again later:
    `created_date` is the one that was sent, and no two sends of one client have the same unless
    you chose it. For a delete it is None; that is safe to repeat.
    """

    def __init__(
        self, message: str, created_date: str | None = None, *, seen: bool | None = None
    ) -> None:
        super().__init__(message)
        self.created_date = created_date
        self.seen = seen


class PayloadDropped(EngageError):
    """The platform stored the interaction, but without some of its properties.

    The tenant has another schema than the one that the package was generated from: generate it
    again. `receipt` is that of the interaction, `properties` are the names on the wire.
    """

    def __init__(self, receipt: "Receipt", properties: Sequence[str]) -> None:
        super().__init__(receipt, properties)
        self.receipt = receipt
        self.properties = tuple(properties)

    def __str__(self) -> str:
        return f"interaction {self.receipt.id} was stored without {', '.join(self.properties)}"


class ReadFailed(EngageError):
    """A look-up got no usable answer. Nothing was changed; try again.

    `receipt` is there when it was the confirmation of a send that failed: the interaction is
    stored.
    """

    def __init__(self, message: str, receipt: "Receipt | None" = None) -> None:
        super().__init__(message)
        self.receipt = receipt


class UnreadablePayload(EngageError):
    """A stored interaction does not fit the schema that this package was generated from.

    It may be older than the schema, or somebody else wrote it. The raw payload is still there.
    """
