"""One delivery from an outbox: each entry that is due takes one step."""

import os
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from typing import NoReturn, TypeVar

from ..call.interaction import EncodedInteraction
from ..call.lookup import find_candidates
from ..call.retry import RetryPolicy
from ..call.steps import Call
from ..client import EngageClient
from ..errors import (
    ConfigurationError,
    EngageError,
    InvalidPayloadError,
    NotSentError,
    OutcomeUnknownError,
    ReadError,
    RejectedError,
    UnauthorizedError,
)
from ..payload.codecs import read_date_time
from ..payload.types import Payload
from ..registry import GeneratedSchema, generated_schemas
from ..results import Receipt
from ..transport.clock import Clock
from ..transport.observer import LOGGER
from .entry import DAMAGE, DAMAGED, Row, State
from .errors import AlreadyDeliveringError, OutboxError
from .file import OutboxFile
from .results import Delivery

_LOOKUP_SECONDS = 60.0
"""The limit of a lookup, which may have to read many pages."""

T = TypeVar("T")


class _Halt(Exception):
    """Ends a delivery, because the remaining entries would fail the same way."""

    def __init__(self, cause: EngageError) -> None:
        super().__init__(str(cause))
        self.cause = cause


class DeliveryRun:
    """One delivery. The caller ensures that there is only one at a time."""

    def __init__(
        self,
        file: OutboxFile,
        client: EngageClient,
        policy: RetryPolicy,
        clock: Clock,
        on_receipt: Callable[[int, Receipt], object] | None,
    ) -> None:
        self._file = file
        self._engine = client.__engine__
        self._policy = policy
        self._clock = clock
        self._on_receipt = on_receipt
        self._process = os.getpid()
        self._current: Row | None = None  # The entry that takes a step, as the file has it.
        self._delivered = 0
        self._delayed = 0
        self._dead_letters: Counter[State] = Counter()

    def run(self, stop: threading.Event | None) -> Delivery:
        """Deliver until no entry is due, Engage accepts nothing, or `stop` is set."""
        self._engine.transport.check_usable()
        stopped: EngageError | None = None
        # If an entry is due later than after the longest delay, the clock was set back.
        longest_delay = max(*self._policy.retry_delays, *self._policy.lookup_delays, 0.0, 0.0)
        last = 0
        while stopped is None and not (stop is not None and stop.is_set()):
            now = self._now()
            row = self._file.next_due(last, now, now + longest_delay)
            if row is None:
                break
            last = row.id
            try:
                self._take_step(row)
            except _Halt as halt:
                stopped = halt.cause
        if self._delivered:
            self._file.truncate_log()
        rejected, unknown = self._dead_letters["rejected"], self._dead_letters["unknown"]
        return Delivery(self._delivered, rejected, unknown, stopped, self._delayed)

    def _take_step(self, row: Row) -> None:
        """Let an entry take a step. An unexpected exception delays this entry and no other."""
        self._current = row
        try:
            self._advance(row)
        except (_Halt, OutboxError, AlreadyDeliveringError):
            raise
        except Exception as error:
            LOGGER.exception("An unexpected exception delays the entry %d of the outbox.", row.id)
            self._delay_entry(self._current, f"An unexpected exception: {type(error).__name__}.")

    def _advance(self, row: Row) -> None:
        if not row.is_intact:
            self._give_up(row, DAMAGED)
            return
        if row.interaction_id is not None:
            self._report(row, self._receipt(row, row.interaction_id))
            return
        if self._file.was_delivered(row):
            self._give_up(row, DAMAGED, is_certain=False)
            return
        schema = generated_schemas().get(row.content.schema_id)
        if schema is None:
            message = f"This package was generated without the schema {row.content.schema_id}."
            self._give_up(row, message)
            return
        # Not in the block below: a package without the module is no damage of the entry.
        payload_class = schema.load_payload_class()
        try:
            interaction = self._encoded(row, payload_class)
        except DAMAGE:
            self._give_up(row, DAMAGED)
            return
        if row.state == "waiting":
            self._post(row, interaction, schema)
        else:
            self._look_up(row, interaction, schema)

    def _post(self, row: Row, interaction: EncodedInteraction, schema: GeneratedSchema) -> None:
        if row.content.schema_hash != schema.schema_hash:
            try:
                interaction.payload_class.from_payload(interaction.payload)
            except InvalidPayloadError as error:
                self._give_up(row, f"The payload does not fit the current schema {error}")
                return
        posted_at = row.posted_at or self._now()
        started = replace(row, state="sending", posts=row.posts + 1, step=0, posted_at=posted_at)
        first_lookup = _delay(self._policy.lookup_delays, 0)
        if not self._update(row, started, first_lookup):
            return  # It was discarded in the meantime.
        try:
            with self._engine.observe("send", row.content.schema_id):
                receipt = self._run(self._engine.prepare_post(interaction, RetryPolicy.never()))
        except (NotSentError, UnauthorizedError, ConfigurationError) as error:
            self._return(started, row, error)
        except RejectedError as error:
            self._give_up(started, str(error), *error.reasons, is_certain=row.posts == 0)
        except OutcomeUnknownError as error:
            if self._policy.lookup_delays:
                self._update(started, started, first_lookup, str(error))
            else:
                self._give_up(started, str(error))
            raise _Halt(error) from None
        else:
            self._complete(started, interaction, receipt)

    def _return(self, started: Row, row: Row, error: EngageError) -> NoReturn:
        """Undo the start of a POST that was not carried out, and end the delivery."""
        is_first = row.state == "waiting"
        delays = self._policy.retry_delays if is_first else self._policy.lookup_delays
        next_row = replace(row, step=row.step + 1)
        self._update(started, next_row, _delay(delays, row.step), str(error))
        raise _Halt(error) from None

    def _look_up(self, row: Row, interaction: EncodedInteraction, schema: GeneratedSchema) -> None:
        receipts = self._engine.receipts
        with receipts.pending(interaction, self._policy):
            try:
                with self._engine.observe("list", row.content.schema_id):
                    posted_at = datetime.fromtimestamp(row.posted_at, UTC)
                    call = find_candidates(
                        interaction, posted_at, self._clock.now, receipts=receipts
                    )
                    listed = self._run(call, _LOOKUP_SECONDS)
            except (NotSentError, ReadError, UnauthorizedError, ConfigurationError) as error:
                self._repeat(row, error)
            except RejectedError as error:
                self._give_up(row, f"The lookup failed: {error}")
                return
            known_ids = self._file.delivered_ids(row)
            candidates = tuple(stored_id for stored_id in listed.ids if stored_id not in known_ids)
            is_certain = (
                candidates[:1] == listed.matches
                and len(listed.matches) == 1
                and receipts.can_claim(interaction, candidates[0])
            )
        if is_certain and not self._file.is_ambiguous(row):
            self._complete(row, interaction, self._receipt(row, candidates[0]))
        elif candidates:
            ids = ", ".join(candidates)
            self._give_up(row, f"The lookup cannot tell which interaction is this one: {ids}.")
        elif row.step + 1 < len(self._policy.lookup_delays):
            later = replace(row, step=row.step + 1)
            self._update(row, later, _delay(self._policy.lookup_delays, later.step))
        elif self._policy.resend and row.posts < 2:
            self._post(row, interaction, schema)
        else:
            message = (
                "Engage did not confirm the interaction, and no lookup found it. Requests: "
                f"{row.posts}."
            )
            self._give_up(row, message)

    def _repeat(self, row: Row, error: EngageError) -> NoReturn:
        """Repeat a lookup that failed, which does not count, and end the delivery."""
        self._update(row, row, _delay(self._policy.lookup_delays, row.step), str(error))
        raise _Halt(error) from None

    def _run(self, call: Call[T], deadline: float | None = None) -> T:
        # An unexpected exception leaves the call open, and its send would count as in progress.
        with closing(call):
            return self._engine.run(call, self._engine.settings(deadline=deadline, is_urgent=False))

    def _complete(self, row: Row, interaction: EncodedInteraction, receipt: Receipt) -> None:
        self._engine.receipts.add(interaction, receipt.id)
        if self._on_receipt is None:
            self._finish(row, receipt)
            return
        recorded = self._file.record_receipt(row, receipt.id, self._now())
        if recorded is not None:
            self._current = recorded
            self._report(recorded, receipt)

    def _report(self, row: Row, receipt: Receipt) -> None:
        """Give the application the receipt, which the file has, so that none is ever lost."""
        if self._on_receipt is not None:
            self._on_receipt(row.id, receipt)
            if os.getpid() != self._process:
                raise AlreadyDeliveringError(
                    "The process was forked in on_receipt. The delivery continues in its parent."
                )
        self._finish(row, receipt)

    def _finish(self, row: Row, receipt: Receipt) -> None:
        self._delivered += self._file.record_delivery(row, receipt.id, self._now())

    def _give_up(self, row: Row, *reasons: str, is_certain: bool | None = None) -> None:
        """Make an entry a dead letter: rejected if it certainly is not stored, else unknown."""
        posts = row.posts if row.has_intact_progress else 1
        is_certain = not posts if is_certain is None else is_certain
        state: State = "rejected" if is_certain else "unknown"
        posted_at = row.posted_at if row.has_intact_progress else 0.0
        to = Row(row.id, row.content, state, posts, posted_at=posted_at)
        if self._file.update(row, to, due=0.0, reasons=reasons):
            self._dead_letters[state] += 1

    def _delay_entry(self, row: Row, reason: str) -> None:
        if row.interaction_id is not None:
            self._update(row, row, 0.0, reason)
        elif row.state == "waiting":
            later = replace(row, step=row.step + 1)
            self._update(row, later, _delay(self._policy.retry_delays, row.step), reason)
        else:
            self._update(row, row, _delay(self._policy.lookup_delays, row.step), reason)
        self._delayed += 1

    def _update(self, row: Row, to: Row, seconds: float, *reasons: str) -> bool:
        is_updated = self._file.update(row, to, due=self._now() + seconds, reasons=reasons)
        if is_updated:
            self._current = to
        return is_updated

    def _encoded(self, row: Row, payload_class: type[Payload]) -> EncodedInteraction:
        """Return the interaction of an entry. Raises `DAMAGE`."""
        content = row.content
        return EncodedInteraction(
            payload_class=payload_class,
            contact_id=content.contact_id,
            schema_id=content.schema_id,
            created_date=read_date_time(content.created_date),
            encoded_date=content.created_date,
            payload=content.payload(),
            body=content.body,
            stored_entry=(self._file.identity, row.id),
        )

    def _receipt(self, row: Row, interaction_id: str) -> Receipt:
        content = row.content
        created_date = read_date_time(content.created_date)
        return Receipt(interaction_id, content.contact_id, content.schema_id, created_date)

    def _now(self) -> float:
        return self._clock.now().timestamp()


def _delay(delays: Sequence[float], step: int) -> float:
    """Return the delay of a step. The last delay repeats."""
    return delays[min(step, len(delays) - 1)] if delays else 0.0
