"""The entries of an outbox, for applications and for the delivery."""

import hashlib
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal, TypeAlias, cast
from zlib import crc32

from ..payload.codecs import read_date_time
from ..payload.types import Json

State: TypeAlias = Literal["waiting", "sending", "unknown", "rejected"]

DAMAGE = (
    *(ValueError, LookupError, TypeError, AttributeError),
    *(RecursionError, OverflowError, OSError),
)
"""The exceptions that a damaged entry can raise when it is read."""
DAMAGED = "The entry is damaged."
EPOCH = DAMAGED_DATE = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Entry:
    """One interaction in an outbox.

    `created_date` is the date of the interaction in Engage, and `put_at` is when it was put into
    the outbox. `reasons` explain the state. An entry that the disk has damaged has no payload, and
    its dates are 1970-01-01; if its state is damaged too, the state is `unknown`.
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
class Content:
    """The part of an entry that never changes, as the file has it."""

    contact_id: str
    schema_id: str
    created_date: str
    created_second: int
    """The created date in seconds since 1970, rounded down: Engage may return no more than that."""
    schema_hash: str
    put_at: float
    body: bytes = field(repr=False)

    def check(self) -> int:
        """Return the checksum. Raises `DAMAGE` if the body is not that of these columns."""
        self.payload()
        return content_check(self.created_second, self.schema_hash, self.put_at, self.body)

    def pair(self) -> bytes:
        """Return the pair of this contact and schema. See `pair_of`."""
        return pair_of(self.contact_id, self.schema_id)

    def payload(self) -> dict[str, Json]:
        """Return the payload in the body. Raises `DAMAGE` if the body is another one's."""
        envelope = cast(dict[str, Json], json.loads(self.body))
        payload = envelope["payload"]
        key = (envelope["contactId"], envelope["schemaId"], envelope["createdDate"])
        if key != (self.contact_id, self.schema_id, self.created_date):
            raise ValueError
        if not isinstance(payload, dict):
            raise ValueError
        return payload


def pair_of(contact_id: str, schema_id: str) -> bytes:
    """Return a hash of a contact and a schema: a lookup lists the interactions of both."""
    key = json.dumps([contact_id, schema_id])
    return hashlib.sha256(key.encode()).digest()[:16]


def content_check(created_second: int, schema_hash: str, put_at: float, body: bytes) -> int:
    """Return a checksum of the columns that never change. `body` also has the other ones."""
    return crc32(body, crc32(f"{created_second}|{schema_hash}|{put_at}".encode()))


def progress_check(
    state: str,
    posts: int,
    step: int,
    interaction_id: str | None,
    posted_at: float,
    missing_since: float,
) -> int:
    """Return a checksum of the columns that say how far the delivery of an entry is."""
    columns = (state, posts, step, interaction_id or "", posted_at, missing_since)
    return crc32("|".join(map(str, columns)).encode())


INITIAL_CHECK = progress_check("waiting", 0, 0, None, 0.0, 0.0)
RESTORED_CHECK = progress_check("sending", 0, 0, None, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Row:
    """An entry as the delivery sees it.

    `posts` is the number of POSTs that were started and may have been carried out. `step` counts
    the failed attempts, or the lookups, of the current state. `interaction_id` is set from the
    receipt until the application has it. `posted_at` is the time of the first POST, and
    `missing_since` the time at which its schema was first missing, both in seconds since 1970 or 0.
    `lease` identifies the claim of the delivery on the entry, where a store has claims that expire.
    """

    id: int
    content: Content
    state: State
    posts: int = 0
    step: int = 0
    interaction_id: str | None = None
    posted_at: float = 0.0
    missing_since: float = 0.0
    lease: str = ""
    has_intact_content: bool = True
    has_intact_progress: bool = True

    @property
    def progress(self) -> tuple[State, int, int, str | None]:
        """What has to be as it was when a change of the progress is written."""
        return (self.state, self.posts, self.step, self.interaction_id)

    @property
    def check(self) -> int:
        """The checksum of the progress."""
        return progress_check(*self.progress, self.posted_at, self.missing_since)

    @property
    def is_intact(self) -> bool:
        """True if both checksums are right."""
        return self.has_intact_content and self.has_intact_progress


def as_entry(row: Row, reasons: str) -> Entry:
    """Convert an entry of a store. `reasons` are a JSON array."""
    content = row.content
    try:
        if not row.is_intact:
            raise ValueError
        created_date, payload = read_date_time(content.created_date), content.payload()
        put_at = datetime.fromtimestamp(content.put_at, UTC)
        texts = tuple(str(reason) for reason in cast(list[str], json.loads(reasons)))
    except DAMAGE:
        created_date, put_at, payload, texts = DAMAGED_DATE, DAMAGED_DATE, {}, (DAMAGED,)
    return Entry(
        row.id,
        row.state if row.state in STATES else "unknown",
        str(content.contact_id),
        str(content.schema_id),
        created_date,
        payload,
        put_at,
        texts,
    )


STATES: tuple[State, ...] = ("waiting", "sending", "unknown", "rejected")
