"""What is in an outbox: for people, and for the delivery."""

import hashlib
import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, TypeAlias, cast

from .payloads import Json, read_date_time

State: TypeAlias = Literal["waiting", "sending", "unknown", "rejected"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One interaction in the outbox. `created_date` is the one that it has, or will have, in
    Engage; `put_at` is when it came into the outbox; `reasons` say why it is in its state."""

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
    """An entry as the delivery needs it. `created_second` is since 1970: the platform may give back
    no milliseconds. `posts` is how many were begun and may have been carried out, `step` how often
    the present one was tried in vain or looked for."""

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
    payload = cast(dict[str, dict[str, Json]], json.loads(body))["payload"]
    created, put = read_date_time(created_date), datetime.fromisoformat(put_at)
    told = tuple(cast(list[str], json.loads(reasons)))
    return Entry(number, state, contact_id, schema_id, created, payload, put, told)
