"""Sending: the one call that must be neither lost nor doubled. No I/O.

The platform has no idempotency key. After a failure that leaves open whether a POST went through,
this looks before anything else: for an interaction of the same contact and schema with the same
createdDate, whose payload is a part of the one sent, and whose id no earlier receipt has claimed.
"""

import json
import threading
from collections import OrderedDict
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from ..errors import (
    EngageError,
    Ignored,
    InvalidPayload,
    NotSent,
    OutcomeUnknown,
    PayloadDropped,
    ReadFailed,
    Rejected,
)
from ..payload.checks import Json, Payload, Violation, check_date_time, encode_date_time
from ..results import Receipt, Stored
from .read import Pages, check_id, get, patiently
from .responses import Call, Reply, Request, Stop, Wait, done, parse
from .retry import RetryPolicy


@dataclass(frozen=True, slots=True)
class Letter:
    """What is sent, fixed once and for all: a second send is the same bytes."""

    kind: type[Payload]
    contact_id: str
    schema_id: str
    created_date: datetime
    stamp: str
    """The createdDate on the wire."""
    payload: Mapping[str, Json] = field(repr=False)
    body: bytes = field(repr=False)
    entry: tuple[str, int] | None = None
    """The file and the entry in it that it is kept in, until its receipt is noted there."""

    @property
    def mark(self) -> tuple[str, str, str]:
        """What a look goes by, but for the payload."""
        return (self.contact_id, self.schema_id, self.stamp)

    def request(self) -> Request:
        """The POST."""
        return Request("POST", "interactions", self.body)


def letter(contact_id: str, payload: Payload, created_date: datetime) -> Letter:
    """Raises `InvalidPayload` for what cannot be sent."""
    schema_id = payload.__schema_id__
    problems: list[Violation] = []
    check_date_time(problems, "createdDate", created_date)
    check_id(problems, "contactId", contact_id)
    if problems:
        raise InvalidPayload(schema_id, problems)
    stamp = encode_date_time(created_date)
    wire = payload.to_payload()
    envelope: dict[str, Json] = {
        "contactId": contact_id,
        "schemaId": schema_id,
        "createdDate": stamp,
        "payload": wire,
    }
    body = b""
    try:
        body = _to_json(envelope).encode()
    except ValueError:
        problems.append(Violation("payload", "has a number that JSON cannot hold"))
    if problems:
        raise InvalidPayload(schema_id, problems)
    return Letter(type(payload), contact_id, schema_id, created_date, stamp, wire, body)


_to_json = json.JSONEncoder(allow_nan=False).encode


class Claims:
    """What this client's sends have, or may get: a look must not take it from them.

    The ids of receipts are the last 10,000; what is looked for is never older than that.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ids: OrderedDict[str, tuple[str, int] | None] = OrderedDict()
        self._under_way: dict[tuple[str, str, str], int] = {}

    @contextmanager
    def under_way(self, letter: Letter) -> Generator[None]:
        """While a letter has no receipt yet."""
        mark, under_way = letter.mark, self._under_way
        with self._lock:
            under_way[mark] = under_way.get(mark, 0) + 1
        try:
            yield
        finally:
            with self._lock:
                if under_way[mark] == 1:
                    del under_way[mark]
                else:
                    under_way[mark] -= 1

    def takes(self, letter: Letter, interaction_id: str) -> bool:
        """Whether what a look found is this letter's: not if another one has it by now, or one is
        under way that a look could not tell from this."""
        with self._lock:
            is_alone = self._under_way[letter.mark] == 1
        return is_alone and not self.is_taken(letter, interaction_id)

    def add(self, letter: Letter, interaction_id: str) -> None:
        with self._lock:
            self._ids[interaction_id] = letter.entry
            if len(self._ids) > 10_000:
                self._ids.popitem(last=False)

    def is_taken(self, letter: Letter, interaction_id: str) -> bool:
        """Whether it is another letter's. One that is kept in a file goes on until its receipt is
        noted, and what it was told before that is its own."""
        with self._lock:
            if interaction_id not in self._ids:
                return False
            owner = self._ids[interaction_id]
            return owner is None or owner != letter.entry


def send(letter: Letter, policy: RetryPolicy, claims: Claims, *, confirm: bool) -> Call[Receipt]:
    """Ends in a receipt, or raises `Rejected`, `NotSent` or `OutcomeUnknown`; with `confirm` also
    `PayloadDropped`."""
    with claims.under_way(letter):
        receipt = yield from _deliver(letter, policy, claims)
        claims.add(letter, receipt.id)
    if confirm:
        yield from _confirm(letter, receipt, policy)
    return receipt


def _deliver(letter: Letter, policy: RetryPolicy, claims: Claims) -> Call[Receipt]:
    sends = 2 if policy.resend else 1
    request = letter.request()

    def judge(reply: Reply) -> Receipt:
        return _receipt(letter, reply)

    earlier = ""
    while True:
        failure: EngageError
        try:
            # Repeated by itself only while it certainly was not carried out.
            return (yield from patiently(request, judge, policy, (NotSent,)))
        except (OutcomeUnknown, NotSent, Rejected) as error:
            failure = error
        if not isinstance(failure, OutcomeUnknown):
            if not earlier:
                raise failure
            # What became of the second send is known; what became of the first is still not.
            raise OutcomeUnknown(f"{earlier}; then {failure}", letter.stamp, seen=False)
        earlier = str(failure)
        sends -= 1
        found, seen = yield from _look(letter, policy, claims)
        if len(found) == 1 and claims.takes(letter, found[0]):
            return Receipt(found[0], letter.contact_id, letter.schema_id, letter.created_date)
        if found:
            message = f"{earlier}; a look found {len(found)} that may be it"
            raise OutcomeUnknown(message, letter.stamp, seen=True)
        if not sends or seen is not False:
            raise OutcomeUnknown(earlier, letter.stamp, seen=seen)


def _receipt(letter: Letter, reply: Reply) -> Receipt:
    answer = done(reply, letter.stamp)
    value = parse(answer)
    if answer.body.strip() in (b"", b"null"):
        raise Ignored("the platform did not store the interaction", answer.status)
    if not isinstance(value, dict):
        message = f"answered {answer.status} with a body that is no JSON object"
        raise OutcomeUnknown(message, letter.stamp)
    stored_id = value.get("id")
    if not isinstance(stored_id, (str, int)) or stored_id is False or stored_id in ("", True):
        raise Ignored("the platform did not store the interaction", answer.status)
    return Receipt(str(stored_id), letter.contact_id, letter.schema_id, letter.created_date)


def _look(
    letter: Letter, policy: RetryPolicy, claims: Claims
) -> Call[tuple[list[str], bool | None]]:
    """The ids found, and whether the last look could be made: False is that it was, and found
    nothing, None that there was none."""
    seen: bool | None = None
    for seconds in policy.look:
        try:
            yield Wait(seconds, "look")
        except Stop:
            return [], None
        found: list[str] = []
        try:
            found = yield from matches(letter, claims)
            seen = False
        except EngageError:
            seen = None
        if found:
            return found, True
    return [], seen


def matches(letter: Letter, claims: Claims) -> Call[list[str]]:
    """One look: the ids of what is stored and may be this letter. Raises what reading does."""
    pages = Pages(letter.kind, letter.contact_id, RetryPolicy.never())
    found: list[str] = []
    while pages.has_more:
        items = yield from pages.next()
        found += [
            it.id for it in items if not claims.is_taken(letter, it.id) and _is_it(letter, it)
        ]
    return found


def _is_it(letter: Letter, stored: Stored[Payload]) -> bool:
    try:
        created = stored.created_date
    except EngageError:
        return False
    # To the millisecond; to the second where the platform gives back no more than that.
    unit = 1000 if created.microsecond else 1_000_000
    sent = letter.created_date
    is_same_time = created.replace(microsecond=0) == sent.replace(microsecond=0) and (
        unit == 1_000_000 or created.microsecond // unit == sent.microsecond // unit
    )
    if not is_same_time or not isinstance(stored.raw, dict):
        return False
    return not [name for name in stored.raw if not _is_kept(name, letter.payload, stored.raw)]


def _is_kept(name: str, sent: Mapping[str, Json], stored: Mapping[str, Json]) -> bool:
    """Whether both have the property with the same JSON value: 2.0 is 2, but true is not 1."""
    if name not in sent or name not in stored:
        return False
    one, other = sent[name], stored[name]
    return one == other and isinstance(one, bool) == isinstance(other, bool)


def _confirm(letter: Letter, receipt: Receipt, policy: RetryPolicy) -> Call[None]:
    failure = ""
    stored: Stored[Payload] | None = None
    try:
        stored = yield from get(letter.kind, receipt.id, policy)
    except EngageError as error:
        failure = str(error)
    if stored is None:
        raise ReadFailed(f"stored, but not confirmed: {failure}", receipt)
    raw = stored.raw if isinstance(stored.raw, dict) else {}
    lost = [name for name in letter.payload if not _is_kept(name, letter.payload, raw)]
    if lost:
        raise PayloadDropped(receipt, lost)
