"""One delivery from an outbox: each entry that is due takes one step."""

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ..call.retry import RetryPolicy
from ..call.send import Letter, matches
from ..client import EngageClient
from ..errors import (
    EngageError,
    InvalidPayload,
    NotAuthorised,
    NotSent,
    OutcomeUnknown,
    ReadFailed,
    Rejected,
)
from ..payload.checks import read_date_time
from ..registry import Origin, origins
from ..results import Receipt
from ..transport.clock import Clock
from .entry import DAMAGE, DAMAGED, Row, State, payload_of
from .file import OutboxFile

# The longest wait that a policy can have: what is due later was put there by another clock.
_LONGEST_WAIT = 86_400.0


@dataclass(frozen=True, slots=True)
class Delivery:
    """What one `deliver` did: how many entries it delivered, and how many became `rejected` or
    `unknown`. `stopped` is why it ended before all that was due had been tried: the platform could
    not be reached, did not answer, had enough (429) or refused the key."""

    delivered: int
    rejected: int
    unknown: int
    stopped: EngageError | None


class _Halt(Exception):
    """The others would fare no better now."""

    def __init__(self, cause: EngageError) -> None:
        super().__init__(str(cause))
        self.cause = cause


class Round:
    """A delivery, of which there is one at a time."""

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
        self._became: Counter[State | None] = Counter()

    def run(self, stop: threading.Event | None) -> Delivery:
        """Until nothing is due, or the platform takes nothing, or `stop`."""
        self._engine.check_open()
        stopped: EngageError | None = None
        last = 0
        while stopped is None and not (stop is not None and stop.is_set()):
            now = self._now()
            row = self._file.due(last, now, now + _LONGEST_WAIT)
            if row is None:
                break
            last = row.id
            try:
                self._step(row)
            except _Halt as halt:
                stopped = halt.cause
        delivered = self._became[None]
        if delivered:
            self._file.forget()
        return Delivery(delivered, self._became["rejected"], self._became["unknown"], stopped)

    def _step(self, row: Row) -> None:
        origin = origins().get(row.schema_id)
        if origin is None:
            self._give_up(row, f"this package has no schema {row.schema_id} any more")
            return
        try:
            letter = self._letter(row, origin)
        except DAMAGE:
            self._give_up(row, DAMAGED)
            return
        if row.state == "waiting":
            self._post(row, letter, origin)
        else:
            self._look(row, letter, origin)

    def _post(self, row: Row, letter: Letter, origin: Origin) -> None:
        if row.schema_hash != origin.schema_hash:
            try:
                letter.kind.from_payload(letter.payload)
            except InvalidPayload as error:
                self._give_up(row, f"put under another version of the schema: {error}")
                return
        begun = replace(row, state="sending", posts=row.posts + 1, step=0)
        first_look = _wait(self._policy.look, 0)
        if not self._move(row, begun, first_look):
            return  # discarded since it was read
        try:
            with self._engine.observed("send", row.schema_id):
                receipt = self._engine.run(self._engine.post(letter, RetryPolicy.never()))
        except (NotSent, NotAuthorised) as error:
            waits = self._policy.again if row.state == "waiting" else self._policy.look
            self._move(begun, replace(row, step=row.step + 1), _wait(waits, row.step), error)
            raise _Halt(error) from None
        except Rejected as error:
            self._give_up(begun, str(error), *error.reasons, is_certain=row.posts == 0)
        except OutcomeUnknown as error:
            if self._policy.look:
                self._move(begun, begun, first_look, error)
            else:
                self._give_up(begun, str(error))
            raise _Halt(error) from None
        else:
            self._delivered(begun, letter, receipt)

    def _look(self, row: Row, letter: Letter, origin: Origin) -> None:
        claims = self._engine.claims
        with claims.under_way(letter):
            try:
                with self._engine.observed("list", row.schema_id):
                    found = self._engine.run(matches(letter, claims))
            except (NotSent, NotAuthorised, ReadFailed) as error:
                self._move(row, row, _wait(self._policy.look, row.step), error)
                raise _Halt(error) from None
            except Rejected as error:
                self._give_up(row, f"looked for in vain: {error}")
                return
            claimed = self._file.claimed(row)
            found = [found_id for found_id in found if found_id not in claimed]
            is_ours = len(found) == 1 and claims.takes(letter, found[0])
        if is_ours and not self._file.has_doubtful_twin(row):
            receipt = Receipt(found[0], row.contact_id, row.schema_id, letter.created_date)
            self._delivered(row, letter, receipt)
        elif found:
            self._give_up(row, f"a look found {len(found)} that may be it")
        elif row.step + 1 < len(self._policy.look):
            later = replace(row, step=row.step + 1)
            self._move(row, later, _wait(self._policy.look, later.step))
        elif self._policy.resend and row.posts < 2:
            self._post(row, letter, origin)
        else:
            self._give_up(row, f"posted {row.posts} times, not answered, and not found")

    def _delivered(self, row: Row, letter: Letter, receipt: Receipt) -> None:
        self._engine.claims.add(letter, receipt.id)
        if self._on_receipt is not None:
            self._on_receipt(row.id, receipt)
        self._file.delivered(row, receipt.id, self._now())
        self._became[None] += 1

    def _give_up(self, row: Row, *reasons: str, is_certain: bool | None = None) -> None:
        """Leave it to a human: as rejected if it certainly is not stored, else as unknown."""
        is_certain = not row.posts if is_certain is None else is_certain
        state: State = "rejected" if is_certain else "unknown"
        if self._file.move(row, replace(row, state=state), due=0.0, reasons=reasons):
            self._became[state] += 1

    def _move(self, row: Row, to: Row, seconds: float, error: EngageError | None = None) -> bool:
        reasons = () if error is None else (str(error),)
        return self._file.move(row, to, due=self._now() + seconds, reasons=reasons)

    def _letter(self, row: Row, origin: Origin) -> Letter:
        """Raises `DAMAGE`."""
        contact_id, schema_id, stamp = row.contact_id, row.schema_id, row.created_date
        created_date = read_date_time(stamp)
        payload = payload_of(row.body, contact_id, schema_id, stamp)
        entry = (self._file.path, row.id)
        kind = origin.kind()
        return Letter(kind, contact_id, schema_id, created_date, stamp, payload, row.body, entry)

    def _now(self) -> float:
        return self._clock.now().timestamp()


def _wait(waits: Sequence[float], step: int) -> float:
    """The last one is repeated."""
    return waits[min(step, len(waits) - 1)] if waits else 0.0
