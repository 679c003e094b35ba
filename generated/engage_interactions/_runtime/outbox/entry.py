"""What is in an outbox: for people, and for the delivery."""

import hashlib
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal, TypeAlias, cast

from ..payload.checks import Json, read_date_time

State: TypeAlias = Literal["waiting", "sending", "unknown", "rejected"]

DAMAGE = (ValueError, LookupError, TypeError, RecursionError)
"""What reading an entry raises if the disk has damaged it."""
DAMAGED = "the entry is damaged"
UNREADABLE = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Entry:
    """One interaction in the outbox. `created_date` is the one that it has, or will have, in
    Engage; `put_at` is when it came into the outbox; `reasons` say why it is in its state. One that
    the disk has damaged has no payload, and dates of 1970."""

    id: int
    state: State
    contact_id: str
    schema_id: str
    created_date: datetime
    payload: dict[str, Json] = field(repr=False)
    put_at: datetime
    reasons: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Row:
    """An entry as the delivery needs it. `created_second` is since 1970, rounded down: the platform
    may give back no milliseconds. `posts` is how many were begun and may have been carried out,
    `step` how often the present one was tried in vain or looked for."""

    id: int
    contact_id: str
    schema_id: str
    created_date: str
    created_second: int
    schema_hash: str
    body: bytes = field(repr=False)
    state: State
    posts: int
    step: int

    @property
    def twin(self) -> bytes:
        """What it has in common with those that a look might take for it, readable for nobody."""
        what = json.dumps([self.contact_id, self.schema_id, self.created_second])
        return hashlib.sha256(what.encode()).digest()[:16]


def entry_of(row: tuple[int, State, str, str, str, bytes, str, str]) -> Entry:
    """A row of the file: the entry's attributes in their order, as text."""
    number, state, contact_id, schema_id, created_date, body, put_at, reasons = row
    try:
        created, put = read_date_time(created_date), datetime.fromisoformat(put_at)
        payload = payload_of(body, contact_id, schema_id, created_date)
        told = tuple(cast(list[str], json.loads(reasons)))
    except DAMAGE:
        created, put, payload, told = UNREADABLE, UNREADABLE, {}, (DAMAGED,)
    return Entry(number, state, contact_id, schema_id, created, payload, put, told)


def payload_of(body: bytes, contact_id: str, schema_id: str, created_date: str) -> dict[str, Json]:
    """The payload of what will be sent. Raises `DAMAGE` if it is not that of these."""
    envelope = cast(dict[str, Json], json.loads(body))
    payload = envelope["payload"]
    mark = (envelope["contactId"], envelope["schemaId"], envelope["createdDate"])
    if mark != (contact_id, schema_id, created_date) or not isinstance(payload, dict):
        raise ValueError
    return payload
