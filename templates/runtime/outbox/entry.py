"""The entries of an outbox, for applications and for the delivery."""

import hashlib
import json
from contextlib import suppress
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
DAMAGED_DATE = datetime(1970, 1, 1, tzinfo=UTC)


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
        """Return a hash of the contact and the schema: a lookup lists the interactions of both."""
        key = json.dumps([self.contact_id, self.schema_id])
        return hashlib.sha256(key.encode()).digest()[:16]

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


def content_check(created_second: int, schema_hash: str, put_at: float, body: bytes) -> int:
    """Return a checksum of the columns that never change. `body` also has the other ones."""
    return crc32(body, crc32(f"{created_second}|{schema_hash}|{put_at}".encode()))


def progress_check(
    state: str, posts: int, step: int, interaction_id: str | None, posted_at: float
) -> int:
    """Return a checksum of the columns that say how far the delivery of an entry is."""
    return crc32(f"{state}|{posts}|{step}|{interaction_id or ''}|{posted_at}".encode())


INITIAL_CHECK = progress_check("waiting", 0, 0, None, 0.0)


@dataclass(frozen=True, slots=True)
class Row:
    """An entry as the delivery sees it.

    `posts` is the number of POSTs that were started and may have been carried out. `step` counts
    the failed attempts, or the lookups, of the current state. `interaction_id` is set from the
    receipt until the application has it. `posted_at` is the time of the first POST, in seconds
    since 1970.
    """

    id: int
    content: Content
    state: State
    posts: int = 0
    step: int = 0
    interaction_id: str | None = None
    posted_at: float = 0.0
    has_intact_content: bool = True
    has_intact_progress: bool = True

    @property
    def progress(self) -> tuple[State, int, int, str | None]:
        """What has to be as it was when a change of the progress is written."""
        return (self.state, self.posts, self.step, self.interaction_id)

    @property
    def is_intact(self) -> bool:
        """True if both checksums are right."""
        return self.has_intact_content and self.has_intact_progress


Columns: TypeAlias = tuple[
    *tuple[int, State, float, int, int, str | None, float, int],
    *tuple[str, str, str, int, str, float, int, str, bytes],
]
"""All columns of an entry in the file. If it is damaged, its values can be of any type."""


def parse_row(columns: Columns) -> Row:
    """Convert a row of the file, and compare it with its checksums."""
    entry_id, state, _, posts, step, interaction_id, posted_at, check, *rest = columns
    *parts, expected_check, _, body = cast(
        tuple[str, str, str, int, str, float, int, str, bytes], rest
    )
    content = Content(*cast(tuple[str, str, str, int, str, float], tuple(parts)), body)
    has_intact_content = False
    with suppress(*DAMAGE):
        has_intact_content = content.check() == expected_check
    has_intact_progress = progress_check(state, posts, step, interaction_id, posted_at) == check
    return Row(
        entry_id,
        content,
        state,
        posts,
        step,
        interaction_id,
        posted_at,
        has_intact_content,
        has_intact_progress,
    )


def parse_entry(columns: Columns) -> Entry:
    """Convert a row of the file to an entry."""
    row = parse_row(columns)
    content = row.content
    try:
        if not row.is_intact:
            raise ValueError
        created_date, payload = read_date_time(content.created_date), content.payload()
        put_at = datetime.fromtimestamp(content.put_at, UTC)
        reasons = tuple(str(reason) for reason in cast(list[str], json.loads(columns[15])))
    except DAMAGE:
        created_date, put_at, payload, reasons = DAMAGED_DATE, DAMAGED_DATE, {}, (DAMAGED,)
    return Entry(
        row.id,
        row.state if row.state in STATES else "unknown",
        str(content.contact_id),
        str(content.schema_id),
        created_date,
        payload,
        put_at,
        reasons,
    )


STATES: tuple[State, ...] = ("waiting", "sending", "unknown", "rejected")
