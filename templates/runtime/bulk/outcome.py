"""The outcomes of a bulk send."""

from dataclasses import dataclass, field
from typing import TypeVar

from ..call.item import Item, as_item
from ..errors import ConfigurationError, OutcomeUnknownError
from ..payload.plain import plain_value
from ..payload.types import Payload
from ..results import Receipt

E = TypeVar("E")


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of one item: a receipt or an error.

    An error that is not an `EngageError` is an exception of the input, or a bug in the payload
    class. Anything that is not an item has a `ConfigurationError`.
    """

    number: int
    """The index of the item in the input, from 0."""

    source: object = field(repr=False)
    """The item as the input had it."""

    contact_id: str = ""
    """The id of the contact. Empty if the item was never created."""

    payload: Payload | None = field(default=None, repr=False)
    """The payload. None if the item was never created."""

    key: str | int | None = None
    """The key of the item."""

    receipt: Receipt | None = None
    """The receipt of an interaction that was sent."""

    error: Exception | None = None
    """The error of an interaction that was not, or perhaps not."""


@dataclass(frozen=True, slots=True)
class BulkResult:
    """The summary of a bulk send.

    It keeps neither the receipts nor the payloads of the interactions that were sent, so that its
    size does not depend on their number. `on_outcome` receives them.
    """

    sent: int
    """The number of items with a receipt."""

    failed: tuple[Outcome, ...]
    """The outcomes with an error, in the order of the input."""


class Tally:
    """Counts outcomes for a `BulkResult`."""

    def __init__(self) -> None:
        self._sent = 0
        self._failed: list[Outcome] = []

    def add(self, outcome: Outcome) -> None:
        """Count an outcome, and keep it if it has an error."""
        if outcome.error is None:
            self._sent += 1
        else:
            self._failed.append(outcome)

    def result(self) -> BulkResult:
        """Return the summary of all outcomes so far."""
        by_number = sorted(self._failed, key=lambda outcome: outcome.number)
        return BulkResult(self._sent, tuple(by_number))


def sent_outcome(number: int, source: object, item: Item, receipt: Receipt) -> Outcome:
    """Return the outcome of an item with a receipt."""
    return Outcome(number, source, receipt.contact_id, item.payload, item.key, receipt)


def failed_outcome(
    number: int, source: object, error: BaseException, item: Item | None = None
) -> Outcome:
    """Return the outcome of an item without a receipt.

    `item` is what the source stands for, or None if that is not known.
    """
    if not isinstance(error, Exception):
        unknown = OutcomeUnknownError(
            "The send was broken off. The interaction may be stored.",
            vars(error).get("created_date"),
        )
        unknown.__cause__ = error
        error = unknown
    item = item or as_item(source)
    if item is None:
        return Outcome(number, source, error=error)
    contact_id = plain_value(item.contact_id)
    contact_text = contact_id if isinstance(contact_id, str) else ""
    return Outcome(number, source, contact_text, item.payload, item.key, error=error)


def engine_of(client: object, engine_class: type[E], remedy: str) -> E:
    """Return the engine of a client. Raises `ConfigurationError` for a client of another kind."""
    engine: object = getattr(client, "__engine__", None)
    if isinstance(engine, engine_class):
        return engine
    raise ConfigurationError(
        f"The client is of the type {type(client).__name__}. Nothing was sent. {remedy}"
    )


def check_callback(on_outcome: object) -> None:
    """Raise `ConfigurationError` for an `on_outcome` that would never run."""
    import inspect

    if inspect.iscoroutinefunction(on_outcome):
        raise ConfigurationError(
            "on_outcome is an async function, which nothing would await. Nothing was sent. Pass a "
            "plain function."
        )


NEVER_ITERATED = (
    "{name} was called, but nothing iterated over its outcomes, so that nothing was sent. "
    "To send without a loop, call {eager}."
)
"""The warning about a stream that is deleted before it was started."""
