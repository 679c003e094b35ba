"""The steps of a delivery: what becomes of an entry, whatever store it is in.

Each row of the table is one step. The store has what the third column says before the request
leaves, and the last two columns after it.

=========  ==========================  ==============  =====================  ====================
state      event                       before          after                  due again
=========  ==========================  ==============  =====================  ====================
waiting    due, schema missing here    --              waiting                retry delay
waiting    due, payload no longer fits --              rejected               --
waiting    POST: receipt               sending, posts  deleted, receipt kept  --
waiting    POST: not sent, 401, 429    sending, posts  waiting                retry delay
waiting    POST: schema unknown        sending, posts  waiting, then rejected retry delay
waiting    POST: refused               sending, posts  rejected               --
waiting    POST: no answer             sending, posts  sending                first lookup delay
sending    lookup: one match           --              deleted, receipt kept  --
sending    lookup: ambiguous           --              unknown                --
sending    lookup: absent              --              sending                next lookup delay
sending    lookup: failed              --              sending                same lookup delay
sending    last lookup: absent         sending, posts  as after a POST        --
sending    last lookup, second POST    --              unknown                --
sending    POST: refused               --              unknown                --
any        damaged                     --              rejected or unknown    --
any        unexpected exception        --              as it was              delay of the state
=========  ==========================  ==============  =====================  ====================

An entry that was found in a restored copy is ``sending`` without a POST: one lookup, then a POST.
"""

import os
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeAlias, TypeVar

from ..call.interaction import EncodedInteraction
from ..call.lookup import find_candidates
from ..call.retry import RetryPolicy
from ..call.steps import Call
from ..errors import (
    ConfigurationError,
    EngageError,
    InvalidPayloadError,
    NotSentError,
    OutcomeUnknownError,
    ReadError,
    RejectedError,
    UnauthorizedError,
    UnknownSchemaError,
)
from ..registry import GeneratedSchema, generated_schemas
from ..results import Receipt
from .drivers import DeliveryOptions, Driver
from .entry import DAMAGE, DAMAGED, Row
from .errors import AlreadyDeliveringError, OutboxError
from .outcomes import Outcomes, delay_of, encoded_interaction, receipt_of
from .results import Delivery
from .store import Deliveries

_LOOKUP_SECONDS = 60.0
"""The limit of a lookup, which may have to read many pages."""

T = TypeVar("T")
OnReceipt: TypeAlias = Callable[[int, Receipt], object]


class _Halt(Exception):
    """Ends a delivery, because the remaining entries would fail the same way."""

    def __init__(self, cause: EngageError) -> None:
        super().__init__(str(cause))
        self.cause = cause


class DeliveryRun(Outcomes):
    """One delivery. Threads can share it, each with rows of its own.

    With `has_receiver`, the application gets each receipt before its entry is deleted.
    """

    def __init__(
        self, store: Deliveries, driver: Driver, options: DeliveryOptions, *, has_receiver: bool
    ) -> None:
        super().__init__(store, options)
        self._driver = driver
        self._engine = driver.engine
        self._has_receiver = has_receiver
        self._process = os.getpid()
        self.stopped: EngageError | None = None
        """What ended the delivery, because the remaining entries would fail the same way."""

    @property
    def result(self) -> Delivery:
        """The result so far."""
        number = self._counts
        return Delivery(
            number["delivered"],
            number["rejected"],
            number["unknown"],
            self.stopped,
            number["delayed"],
        )

    def take_step(self, row: Row) -> tuple[Row, Receipt] | None:
        """Let an entry take a step. An unexpected exception delays this entry and no other.

        Returns the arguments of `report` if the application has to get a receipt.
        """
        self._current[row.id] = row
        try:
            return self._advance(row)
        except _Halt as halt:
            self.stopped = self.stopped or halt.cause
        except (OutboxError, AlreadyDeliveringError):
            raise
        except Exception as error:
            self._delay_entry(self._current[row.id], error)
        finally:
            del self._current[row.id]
        return None

    def report(self, row: Row, receipt: Receipt, on_receipt: OnReceipt) -> None:
        """Give the application a receipt, which the store has, so that none is ever lost."""
        try:
            on_receipt(row.id, receipt)
        except Exception as error:
            self._delay_entry(row, error)
            return
        if os.getpid() != self._process:
            raise AlreadyDeliveringError(
                "The process was forked in on_receipt. The delivery continues in its parent."
            )
        self._finish(row, receipt)

    def _advance(self, row: Row) -> tuple[Row, Receipt] | None:
        if not row.is_intact:
            self._give_up(row, DAMAGED)
            return None
        if row.interaction_id is not None:
            return self._deliver(row, receipt_of(row, row.interaction_id))
        if self._store.was_delivered(row):
            self._give_up(row, DAMAGED, is_certain=False)
            return None
        return self._advance_intact(row)

    def _advance_intact(self, row: Row) -> tuple[Row, Receipt] | None:
        schema = generated_schemas().get(row.content.schema_id)
        if schema is None:
            message = f"This package was generated without the schema {row.content.schema_id}."
            self._wait_for_schema(row, row, message, is_certain=not row.posts)
            return None
        # Not in the block below: a package without the module is no damage of the entry.
        payload_class = schema.load_payload_class()
        try:
            interaction = encoded_interaction(row, payload_class, self._store.identity)
        except DAMAGE:
            self._give_up(row, DAMAGED)
            return None
        if row.state == "waiting":
            return self._post(row, interaction, schema)
        return self._look_up(row, interaction, schema)

    def _post(
        self, row: Row, interaction: EncodedInteraction, schema: GeneratedSchema
    ) -> tuple[Row, Receipt] | None:
        if row.content.schema_hash != schema.schema_hash:
            try:
                interaction.payload_class.from_payload(interaction.payload)
            except InvalidPayloadError as error:
                self._give_up(row, f"The payload does not fit the current schema {error}")
                return None
        posted_at = row.posted_at or self._now()
        started = replace(row, state="sending", posts=row.posts + 1, step=0, posted_at=posted_at)
        first_lookup = delay_of(self._policy.lookup_delays, 0)
        if not self._update(row, started, first_lookup):
            return None  # It was discarded in the meantime.
        self._options.observer.posted(row.content.schema_id)
        try:
            with self._engine.observe("send", row.content.schema_id):
                call = self._engine.prepare_post(interaction, RetryPolicy.never())
                receipt = self._run(call, started, self._store.exchange_seconds)
        except (NotSentError, UnauthorizedError, ConfigurationError) as error:
            self._return(started, row, error)
            return None
        except UnknownSchemaError as error:
            is_certain = row.posts == 0
            self._wait_for_schema(started, row, str(error), *error.reasons, is_certain=is_certain)
            return None
        except RejectedError as error:
            self._give_up(started, str(error), *error.reasons, is_certain=row.posts == 0)
            return None
        except OutcomeUnknownError as error:
            if self._policy.lookup_delays:
                self._update(started, started, first_lookup, str(error))
            else:
                self._give_up(started, str(error))
            raise _Halt(error) from None
        return self._complete(started, interaction, receipt)

    def _return(self, started: Row, row: Row, error: EngageError) -> None:
        """Undo the start of a POST that was not carried out, and end the delivery.

        If the claim on the entry was lost, it is another delivery's, and this one goes on.
        """
        if self._update(started, replace(row, step=row.step + 1), self._wait(row), str(error)):
            raise _Halt(error) from None

    def _look_up(
        self, row: Row, interaction: EncodedInteraction, schema: GeneratedSchema
    ) -> tuple[Row, Receipt] | None:
        receipts, posted_at = self._engine.receipts, None
        if row.posted_at:
            posted_at = datetime.fromtimestamp(row.posted_at, UTC)
        now = self._options.clock.now
        with receipts.pending(interaction, self._policy):
            try:
                with self._engine.observe("list", row.content.schema_id):
                    call = find_candidates(interaction, posted_at, now, receipts=receipts)
                    listed = self._run(call, None, _LOOKUP_SECONDS)
            except (NotSentError, ReadError, UnauthorizedError, ConfigurationError) as error:
                # A lookup that failed does not count.
                self._update(row, row, self._wait(row), str(error))
                raise _Halt(error) from None
            except UnknownSchemaError as error:
                self._wait_for_schema(row, row, f"The lookup failed: {error}", is_certain=False)
                return None
            except RejectedError as error:
                self._give_up(row, f"The lookup failed: {error}")
                return None
            known_ids = self._store.delivered_ids(row)
            candidates = tuple(stored_id for stored_id in listed.ids if stored_id not in known_ids)
            is_certain = (
                candidates[:1] == listed.matches
                and len(listed.matches) == 1
                and receipts.can_claim(interaction, candidates[0])
            )
        self._options.observer.looked_up(row.content.schema_id, bool(candidates))
        if is_certain and not self._store.is_ambiguous(row):
            return self._complete(row, interaction, receipt_of(row, candidates[0]))
        if candidates:
            ids = ", ".join(candidates)
            self._give_up(row, f"The lookup cannot tell which interaction is this one: {ids}.")
        elif row.posts and row.step + 1 < len(self._policy.lookup_delays):
            later = replace(row, step=row.step + 1)
            self._update(row, later, delay_of(self._policy.lookup_delays, later.step))
        elif not row.posts or (self._policy.resend and row.posts < 2):
            return self._post(row, interaction, schema)
        else:
            message = (
                "Engage did not confirm the interaction, and no lookup found it. Requests: "
                f"{row.posts}."
            )
            self._give_up(row, message)
        return None

    def _run(self, call: Call[T], posted: Row | None, deadline: float | None) -> T:
        settings = self._engine.settings(deadline=deadline, is_urgent=False)
        if posted is not None:
            settings = replace(settings, may_send=lambda: self._store.may_post(posted))
        # An unexpected exception leaves the call open, and its send would count as in progress.
        with closing(call):
            return self._driver.run(call, settings)

    def _complete(
        self, row: Row, interaction: EncodedInteraction, receipt: Receipt
    ) -> tuple[Row, Receipt] | None:
        self._engine.receipts.add(interaction, receipt.id)
        if self._has_receiver:
            recorded = self._store.record_receipt(row, receipt.id)
            if recorded is None:
                return None
            row = self._current[row.id] = recorded
        return self._deliver(row, receipt)

    def _deliver(self, row: Row, receipt: Receipt) -> tuple[Row, Receipt] | None:
        if self._has_receiver:
            return row, receipt
        self._finish(row, receipt)
        return None
