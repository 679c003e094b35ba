"""The store of an outbox in PostgreSQL."""

import threading
from collections.abc import Collection, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import cast

from ..outbox.entry import Entry, State, as_entry
from ..outbox.errors import OutboxError
from ..outbox.store import Counts, Draft
from ..transport.forks import reset_in_child
from .connections import Connections, close_quietly
from .deliveries import PostgresDeliveries
from .driver import Connection, Parameters, driver_error
from .puts import put_statement, read_put
from .rows import expand, parse_row

_POLL_SECONDS = 0.5
"""How long a wait for a notification takes until the event that stops it is looked at."""

_MANY = 1_000_000

_PAGE = """
SELECT <columns>, reasons FROM @entries e
WHERE id > %(last)s AND (CAST(%(state)s AS text) IS NULL OR state = %(state)s)
ORDER BY id LIMIT 500
"""
_ENTRY = """
SELECT <columns>, reasons FROM @entries e WHERE id = %(id)s
"""
_COUNTS = """
SELECT
    (SELECT count(*) FROM @entries),
    (SELECT count(*) FROM @entries WHERE state <> 'waiting' AND state = 'sending'),
    (SELECT count(*) FROM @entries WHERE state <> 'waiting' AND state = 'unknown'),
    (SELECT count(*) FROM @entries WHERE state <> 'waiting' AND state = 'rejected'),
    (SELECT extract(epoch FROM put_at)::float8 FROM @entries
        WHERE state IN ('waiting', 'sending') ORDER BY id LIMIT 1),
    (SELECT count(*) FROM @entries WHERE missing_since > 0 AND state = 'waiting')
"""
_REQUEUE = """
WITH before AS (
    SELECT * FROM @entries WHERE id = %(id)s AND state IN ('unknown', 'rejected') FOR UPDATE
), doubt AS (
    INSERT INTO @receipts (pair, created_second, entry_id)
    SELECT pair, created_second, id FROM before WHERE state = 'unknown' AND posts > 0
), key AS (
    UPDATE @keys SET status = 'used', at = NULL WHERE entry_id IN (SELECT id FROM before)
), changed AS (
    UPDATE @entries SET state = 'waiting', due = clock_timestamp(), posts = 0, step = 0,
        interaction_id = NULL, posted_at = 0, missing_since = 0, reasons = '[]'
    WHERE id IN (SELECT id FROM before) RETURNING id
)
SELECT count(*), pg_notify(%(channel)s, '') FROM changed
"""
_DISCARD = """
WITH before AS (
    DELETE FROM @entries WHERE id = %(id)s AND state <> 'sending' RETURNING *
), doubt AS (
    INSERT INTO @receipts (pair, created_second, entry_id)
    SELECT pair, created_second, id FROM before WHERE state = 'unknown' AND posts > 0
), key AS (
    UPDATE @keys SET status = 'discarded', at = clock_timestamp()
    WHERE entry_id IN (SELECT id FROM before)
)
SELECT count(*) FROM before
"""
_DEAD_LETTERS = """
SELECT id FROM @entries WHERE state <> 'waiting' AND state = ANY(%(states)s)
AND (CAST(%(schema_id)s AS text) IS NULL OR schema_id = %(schema_id)s) ORDER BY id
"""
_PURGE = """
WITH gone AS (
    DELETE FROM @entries WHERE contact_id = %(contact_id)s RETURNING id
), receipts AS (
    DELETE FROM @receipts WHERE encode(pair, 'hex') = ANY(%(pairs)s) RETURNING entry_id
), leases AS (
    DELETE FROM @leases WHERE encode(pair, 'hex') = ANY(%(pairs)s)
), keys AS (
    DELETE FROM @keys
    WHERE entry_id IN (SELECT id FROM gone UNION ALL SELECT entry_id FROM receipts)
)
SELECT count(*) FROM gone
"""


class PostgresStore:
    """The entries and the receipts in PostgreSQL. All methods raise `OutboxError`."""

    def __init__(
        self, connections: Connections, lease_seconds: float, keep_seconds: float | None
    ) -> None:
        self._connections = connections
        self._tables = connections.tables
        self._lease_seconds = lease_seconds
        self._keep_seconds = keep_seconds
        self._listener: Connection | None = None
        self._inherited: list[object] = []  # Kept, so that nothing closes the connections.
        reset_in_child(self)

    def reset_after_fork(self) -> None:
        """Leave the connection that waits to the parent: closing it would end its session."""
        self._inherited.append(self._listener)
        self._listener = None

    @property
    def name(self) -> str:
        """The outbox in messages."""
        return self._tables.name

    def put(self, drafts: Sequence[Draft]) -> list[int]:
        """Put all entries or none, and return their ids. Raises `KeyConflictError`."""
        with self._connections.use() as connection, connection.transaction():
            return [
                read_put(
                    self._tables, connection.execute(*put_statement(self._tables, draft)).fetchone()
                )
                for draft in drafts
            ]

    @contextmanager
    def deliveries(self, longest_delay: float) -> Generator[PostgresDeliveries]:
        """Open the database for a delivery. Any number of them can be open."""
        deliveries = PostgresDeliveries(
            self._connections, self._lease_seconds, longest_delay, self._keep_seconds
        )
        deliveries.begin()
        try:
            yield deliveries
        finally:
            with suppress(OutboxError):
                deliveries.end()

    def wait(self, seconds: float, stop: threading.Event | None) -> None:
        """Wait for `seconds`, or until `stop` is set, or something was put by another process."""
        stop = stop or threading.Event()
        was_listening = self._listener is not None
        try:
            if self._listener is None:
                self._connections.check_open()
                self._listener = self._connections.open("engage outbox: waits for puts")
                self._listener.execute(f"LISTEN {self._tables.channel}")
                return  # What was put before is not notified.
            while seconds > 0 and not stop.is_set():
                part = min(seconds, _POLL_SECONDS)
                if any(True for _ in self._listener.notifies(timeout=part, stop_after=1)):
                    self._skip_notifications()
                    return
                seconds -= part
        except (driver_error(), OutboxError):
            self._stop_listening()
            if not was_listening:  # Otherwise something may have been put since it was cut.
                stop.wait(seconds)

    def _skip_notifications(self) -> None:
        """Forget the notifications that came meanwhile: one delivery does for all of them."""
        if self._listener is not None:
            for _ in self._listener.notifies(timeout=0, stop_after=_MANY):
                pass

    def _stop_listening(self) -> None:
        listener, self._listener = self._listener, None
        if listener is not None:
            close_quietly(listener)

    def entries(self, state: State | None) -> Iterator[Entry]:
        """Iterate over the entries in the order of the puts, reading a page at a time."""
        last = 0
        while page := self._query(_PAGE, {"last": last, "state": state}):
            for row in page:
                entry = _parse_entry(row)
                last = entry.id
                yield entry

    def find_entry(self, entry_id: int) -> Entry | None:
        """Return an entry, or None if there is none with this id."""
        rows = self._query(_ENTRY, {"id": entry_id})
        return _parse_entry(rows[0]) if rows else None

    def counts(self) -> Counts:
        """Count the entries."""
        ((total, sending, unknown, rejected, oldest, for_schema),) = cast(
            list[tuple[int, int, int, int, float | None, int]], self._query(_COUNTS, {})
        )
        date = None if oldest is None else datetime.fromtimestamp(oldest, UTC)
        waiting = total - sending - unknown - rejected
        return Counts(waiting, sending, unknown, rejected, date, for_schema)

    def requeue(self, entry_id: int) -> bool:
        """Return a rejected or unknown entry to the state `waiting`."""
        return self._change(_REQUEUE, {"id": entry_id, "channel": self._tables.channel}) > 0

    def dead_letters(self, schema_id: str | None, states: Collection[State]) -> list[int]:
        """Return the ids of the entries in these states, of one schema or of all."""
        rows = self._query(_DEAD_LETTERS, {"states": list(states), "schema_id": schema_id})
        return [cast(int, row[0]) for row in rows]

    def discard(self, entry_id: int) -> bool:
        """Delete an entry that is not in the state `sending`."""
        return self._change(_DISCARD, {"id": entry_id}) > 0

    def purge(self, contact_id: str, pairs: Collection[bytes]) -> int:
        """Delete all entries of a contact, and all receipts of its pairs of contact and schema."""
        texts = [pair.hex() for pair in pairs]
        return self._change(_PURGE, {"contact_id": contact_id, "pairs": texts})

    def check_open(self) -> None:
        """Raise `OutboxError` if the outbox was closed."""
        self._connections.check_open()

    def close(self) -> None:
        """Close the connections."""
        self._stop_listening()
        self._connections.close()

    def _query(self, statement: str, parameters: Parameters) -> list[tuple[object, ...]]:
        with self._connections.use(is_change=False) as connection:
            return connection.execute(self._tables.sql(expand(statement)), parameters).fetchall()

    def _change(self, statement: str, parameters: Parameters) -> int:
        """Make a change, and return the number in the first column."""
        with self._connections.use() as connection:
            row = connection.execute(self._tables.sql(expand(statement)), parameters).fetchone()
        return cast(int, row[0]) if row else 0


def _parse_entry(columns: tuple[object, ...]) -> Entry:
    return as_entry(parse_row(columns[:-1]), cast(str, columns[-1]))
