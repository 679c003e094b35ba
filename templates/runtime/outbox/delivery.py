"""One delivery from an outbox: each entry that is due takes one step."""

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ..call.interaction import EncodedInteraction
from ..call.lookup import find_candidates
from ..call.retry import RetryPolicy
from ..client import EngageClient
from ..errors import (
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
from .entry import DAMAGE, DAMAGED, Row, State, parse_payload
from .file import OutboxFile

# The longest delay of a policy. If an entry is due later than that, the clock was set back.
_LONGEST_DELAY = 86_400.0
_LOOKUP_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Delivery:
    """The result of one `Outbox.deliver`.

    The number of entries that it delivered, and of those that became `rejected` or `unknown`.
    `stopped` is the error that ended it before all due entries were processed: Engage could not be
    reached, did not answer, answered 429 or refused the key.
    """

    delivered: int
    rejected: int
    unknown: int
    stopped: EngageError | None


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
        self._delivered = 0
        self._dead_letters: Counter[State] = Counter()

    def run(self, stop: threading.Event | None) -> Delivery:
        """Deliver until no entry is due, Engage accepts nothing, or `stop` is set."""
        self._engine.transport.check_usable()
        stopped: EngageError | None = None
        last = 0
        while stopped is None and not (stop is not None and stop.is_set()):
            now = self._now()
            row = self._file.next_due(last, now, now + _LONGEST_DELAY)
            if row is None:
                break
            last = row.id
            try:
                self._take_step(row)
            except _Halt as halt:
                stopped = halt.cause
        if self._delivered:
            self._file.truncate_log()
        dead_letters = self._dead_letters
        return Delivery(self._delivered, dead_letters["rejected"], dead_letters["unknown"], stopped)

    def _take_step(self, row: Row) -> None:
        schema = generated_schemas().get(row.schema_id)
        if schema is None:
            message = f"This package was generated without the schema {row.schema_id}."
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
        if row.schema_hash != schema.schema_hash:
            try:
                interaction.payload_class.from_payload(interaction.payload)
            except InvalidPayloadError as error:
                self._give_up(row, f"The payload does not fit the current schema {error}")
                return
        started = replace(row, state="sending", posts=row.posts + 1, step=0)
        first_lookup = _delay(self._policy.lookup_delays, 0)
        if not self._update(row, started, first_lookup):
            return  # It was discarded in the meantime.
        try:
            with self._engine.observe("send", row.schema_id):
                call = self._engine.prepare_post(interaction, RetryPolicy.never())
                receipt = self._engine.run(call, self._engine.end_of_call(None))
        except (NotSentError, UnauthorizedError) as error:
            is_first = row.state == "waiting"
            delays = self._policy.retry_delays if is_first else self._policy.lookup_delays
            next_row = replace(row, step=row.step + 1)
            self._update(started, next_row, _delay(delays, row.step), error)
            raise _Halt(error) from None
        except RejectedError as error:
            self._give_up(started, str(error), *error.reasons, is_certain=row.posts == 0)
        except OutcomeUnknownError as error:
            if self._policy.lookup_delays:
                self._update(started, started, first_lookup, error)
            else:
                self._give_up(started, str(error))
            raise _Halt(error) from None
        else:
            self._complete(started, interaction, receipt)

    def _look_up(self, row: Row, interaction: EncodedInteraction, schema: GeneratedSchema) -> None:
        receipts = self._engine.receipts
        with receipts.pending(interaction, self._policy):
            try:
                with self._engine.observe("list", row.schema_id):
                    call = find_candidates(
                        interaction, interaction.created_date, receipts, self._clock.now
                    )
                    listed = self._engine.run(call, self._engine.end_of_call(_LOOKUP_SECONDS))
            except (NotSentError, UnauthorizedError, ReadError) as error:
                self._update(row, row, _delay(self._policy.lookup_delays, row.step), error)
                raise _Halt(error) from None
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
            receipt = Receipt(
                candidates[0], row.contact_id, row.schema_id, interaction.created_date
            )
            self._complete(row, interaction, receipt)
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

    def _complete(self, row: Row, interaction: EncodedInteraction, receipt: Receipt) -> None:
        self._engine.receipts.add(interaction, receipt.id)
        if self._on_receipt is not None:
            self._on_receipt(row.id, receipt)
        self._file.record_delivery(row, receipt.id, self._now())
        self._delivered += 1

    def _give_up(self, row: Row, *reasons: str, is_certain: bool | None = None) -> None:
        """Make an entry a dead letter: rejected if it certainly is not stored, else unknown."""
        is_certain = not row.posts if is_certain is None else is_certain
        state: State = "rejected" if is_certain else "unknown"
        if self._file.update(row, replace(row, state=state), due=0.0, reasons=reasons):
            self._dead_letters[state] += 1

    def _update(self, row: Row, to: Row, seconds: float, error: EngageError | None = None) -> bool:
        reasons = () if error is None else (str(error),)
        return self._file.update(row, to, due=self._now() + seconds, reasons=reasons)

    def _encoded(self, row: Row, payload_class: type[Payload]) -> EncodedInteraction:
        """Return the interaction of an entry. Raises `DAMAGE`."""
        created_date = read_date_time(row.created_date)
        payload = parse_payload(row.body, row.contact_id, row.schema_id, row.created_date)
        return EncodedInteraction(
            payload_class=payload_class,
            contact_id=row.contact_id,
            schema_id=row.schema_id,
            created_date=created_date,
            encoded_date=row.created_date,
            payload=payload,
            body=row.body,
            stored_entry=(self._file.path, row.id),
        )

    def _now(self) -> float:
        return self._clock.now().timestamp()


def _delay(delays: Sequence[float], step: int) -> float:
    """Return the delay of a step. The last delay repeats."""
    return delays[min(step, len(delays) - 1)] if delays else 0.0
