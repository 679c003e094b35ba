"""What the steps of a delivery write to the store when they end."""

import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from ..call.interaction import EncodedInteraction
from ..payload.codecs import read_date_time
from ..payload.types import Payload
from ..results import Receipt
from ..transport.observer import LOGGER
from .drivers import DeliveryOptions
from .entry import Row, State
from .store import Deliveries


class Outcomes:
    """Changes the entries of a delivery, and counts what becomes of them. Threads can share it."""

    def __init__(self, store: Deliveries, options: DeliveryOptions) -> None:
        self._store = store
        self._policy = options.policy
        self._options = options
        self._lock = threading.Lock()
        self._current: dict[int, Row] = {}  # The entries that take a step, as the store has them.
        self._counts: Counter[str] = Counter()

    def _wait_for_schema(self, now: Row, before: Row, *reasons: str, is_certain: bool) -> None:
        """Wait for a schema that is missing: to change one, it is deleted and created again."""
        since = before.missing_since or self._now()
        if self._now() - since >= self._options.schema_wait:
            self._give_up(now, *reasons, is_certain=is_certain)
            return
        later = replace(before, step=before.step + 1, missing_since=since)
        self._update(now, later, self._wait(before), *reasons)

    def _wait(self, row: Row) -> float:
        """Return the delay of an entry whose step did not change anything."""
        is_first = row.state == "waiting"
        delays = self._policy.retry_delays if is_first else self._policy.lookup_delays
        return delay_of(delays, row.step)

    def _finish(self, row: Row, receipt: Receipt) -> None:
        if self._store.record_delivery(row, receipt.id):
            self._count("delivered")
            seconds = max(0.0, self._now() - row.content.put_at)
            self._options.observer.delivered(row.content.schema_id, seconds)

    def _give_up(self, row: Row, *reasons: str, is_certain: bool | None = None) -> None:
        """Make an entry a dead letter: rejected if it certainly is not stored, else unknown."""
        posts = row.posts if row.has_intact_progress else 1
        is_certain = not posts if is_certain is None else is_certain
        state: State = "rejected" if is_certain else "unknown"
        posted_at = row.posted_at if row.has_intact_progress else 0.0
        to = Row(row.id, row.content, state, posts, posted_at=posted_at)
        if self._store.update(row, to, delay=0.0, reasons=reasons):
            self._count(state)

    def _delay_entry(self, row: Row, error: Exception) -> None:
        LOGGER.error(
            "An unexpected exception delays the entry %d of the outbox.", row.id, exc_info=error
        )
        reason = f"An unexpected exception: {type(error).__name__}."
        if row.interaction_id is not None:
            self._store.update(row, row, delay=0.0, reasons=(reason,))
        else:
            is_waiting = row.state == "waiting"
            to = replace(row, step=row.step + 1) if is_waiting else row
            self._store.update(row, to, delay=self._wait(row), reasons=(reason,))
        self._count("delayed")

    def _update(self, row: Row, to: Row, seconds: float, *reasons: str) -> bool:
        is_updated = self._store.update(row, to, delay=seconds, reasons=reasons)
        if is_updated:
            self._current[row.id] = to
        return is_updated

    def _count(self, name: str) -> None:
        with self._lock:
            self._counts[name] += 1

    def _now(self) -> float:
        return self._options.clock.now().timestamp()


def delay_of(delays: Sequence[float], step: int) -> float:
    """Return the delay of a step. The last delay repeats."""
    return delays[min(step, len(delays) - 1)] if delays else 0.0


def encoded_interaction(
    row: Row, payload_class: type[Payload], identity: str
) -> EncodedInteraction:
    """Return the interaction of an entry in the outbox with this identity. Raises `DAMAGE`."""
    content = row.content
    return EncodedInteraction(
        payload_class=payload_class,
        contact_id=content.contact_id,
        schema_id=content.schema_id,
        created_date=read_date_time(content.created_date),
        encoded_date=content.created_date,
        payload=content.payload(),
        body=content.body,
        stored_entry=(identity, row.id),
    )


def receipt_of(row: Row, interaction_id: str) -> Receipt:
    """Return the receipt of a delivered entry."""
    content = row.content
    created_date = read_date_time(content.created_date)
    return Receipt(interaction_id, content.contact_id, content.schema_id, created_date)
