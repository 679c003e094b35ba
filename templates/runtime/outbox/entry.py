"""The entries of an outbox, for applications and for the delivery."""

import hashlib
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal, TypeAlias, cast

from ..payload.codecs import read_date_time
from ..payload.types import Json

State: TypeAlias = Literal["waiting", "sending", "unknown", "rejected"]

DAMAGE = (ValueError, LookupError, TypeError, RecursionError)
"""The exceptions that a damaged entry can raise when it is read."""
DAMAGED = "The entry is damaged."
DAMAGED_DATE = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Entry:
    """One interaction in an outbox.

    `created_date` is the date of the interaction in Engage, and `put_at` is when it was put into
    the outbox. `reasons` explain the state. An entry that the disk has damaged has no payload, and
    its dates are 1970-01-01.
    """

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
    """An entry as the delivery sees it.

    `created_second` is the created date in seconds since 1970, rounded down, because Engage may
    return no milliseconds. `posts` is the number of POSTs that were started and may have been
    carried out. `step` counts the failed attempts, or the lookups, of the current state.
    """

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
    def ambiguity_key(self) -> bytes:
        """A hash that is equal for all entries that a lookup may be unable to tell apart."""
        key = json.dumps([self.contact_id, self.schema_id, self.created_second])
        return hashlib.sha256(key.encode()).digest()[:16]


def parse_entry(row: tuple[int, State, str, str, str, bytes, str, str]) -> Entry:
    """Convert a row of the file, which has the attributes of an `Entry` as text."""
    entry_id, state, contact_id, schema_id, created_text, body, put_text, reasons_text = row
    try:
        created_date, put_at = read_date_time(created_text), datetime.fromisoformat(put_text)
        payload = parse_payload(body, contact_id, schema_id, created_text)
        reasons = tuple(cast(list[str], json.loads(reasons_text)))
    except DAMAGE:
        created_date, put_at, payload, reasons = DAMAGED_DATE, DAMAGED_DATE, {}, (DAMAGED,)
    return Entry(entry_id, state, contact_id, schema_id, created_date, payload, put_at, reasons)


def parse_payload(
    body: bytes, contact_id: str, schema_id: str, created_date: str
) -> dict[str, Json]:
    """Return the payload in the body of an entry. Raises `DAMAGE` if the body is another one's."""
    envelope = cast(dict[str, Json], json.loads(body))
    payload = envelope["payload"]
    key = (envelope["contactId"], envelope["schemaId"], envelope["createdDate"])
    if key != (contact_id, schema_id, created_date) or not isinstance(payload, dict):
        raise ValueError
    return payload
