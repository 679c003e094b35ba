"""What an outbox tells about its entries and its deliveries."""

from dataclasses import dataclass
from datetime import datetime

from ..errors import EngageError


@dataclass(frozen=True, slots=True)
class Status:
    """The number of entries in each state.

    `oldest` is when the oldest entry in the states `waiting` and `sending` was put, or None.
    `missing` is above 0 if the disk has damaged the file so that entries disappeared.
    `age_seconds` is how long ago that was, or 0.
    `waiting_for_schema` is the part of `waiting` whose schema the tenant, or the package of the
    delivery, does not have.
    """

    waiting: int
    sending: int
    unknown: int
    rejected: int
    oldest: datetime | None
    missing: int = 0
    waiting_for_schema: int = 0
    age_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Delivery:
    """The result of one `Outbox.deliver`.

    The number of entries that it delivered, and of those that became `rejected` or `unknown`.
    `stopped` is the error that ended it before all due entries were processed: Engage could not be
    reached, did not answer, answered 429 or refused the key, or something else than Engage
    answered. `delayed` is the number of entries that are tried again later because of an unexpected
    exception, for instance one that `on_receipt` raised; it is logged.
    """

    delivered: int
    rejected: int
    unknown: int
    stopped: EngageError | None
    delayed: int = 0
