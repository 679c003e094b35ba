"""The items of a bulk send, and what became of them."""

from collections.abc import Sized
from dataclasses import dataclass, field
from typing import TypeAlias, TypeVar, cast

from ..errors import ConfigurationError, OutcomeUnknownError
from ..payload.types import Payload
from ..results import Receipt

E = TypeVar("E")

Item: TypeAlias = tuple[str, Payload]
"""A contact id and a payload of any payload class."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of one item: a receipt or an error.

    `number` is the index of the item in the input, from 0. An error that is not an `EngageError` is
    a bug in the payload class. For an item that is not a pair, the error is a `ConfigurationError`,
    `contact_id` is empty, and `payload` is the item itself.
    """

    number: int
    contact_id: str
    payload: Payload = field(repr=False)
    receipt: Receipt | None = None
    error: Exception | None = None


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


def identify_item(item: object) -> Item:
    """Return the contact id and the payload of an item, or the item itself if it is not a pair."""
    if _is_pair(item):
        contact_id, payload = cast(Item, item)
        return contact_id, payload
    return "", cast(Payload, item)


def check_item(number: int, item: object) -> None:
    """Raise `ConfigurationError` for an item that is not a pair."""
    if _is_pair(item):
        return
    kind = type(item).__name__
    if isinstance(item, (tuple, list)):
        kind += f" of {len(cast(Sized, item))}"
    raise ConfigurationError(
        f"Item {number} is not a pair of a contact id and a payload, but a value of the type "
        f"{kind}. It was not sent. Correct the input."
    )


def _is_pair(item: object) -> bool:
    return isinstance(item, (tuple, list)) and len(cast(Sized, item)) == 2


def failed_outcome(number: int, item: object, error: BaseException) -> Outcome:
    """Return the outcome of an item whose send raised an error."""
    contact_id, payload = identify_item(item)
    if isinstance(error, Exception):
        return Outcome(number, contact_id, payload, error=error)
    unknown = OutcomeUnknownError("The send was broken off. The interaction may be stored.")
    unknown.__cause__ = error
    return Outcome(number, contact_id, payload, error=unknown)


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
