"""A delivery from PostgreSQL: leases on contacts and schemas, by the clock of the database."""

import json
import uuid
from collections.abc import Sequence
from dataclasses import replace
from typing import cast

from ..outbox.entry import Row
from .connections import Connections
from .driver import Parameters, Value
from .rows import expand, parse_row

LONGEST_LEASE = 3600.0  # seconds

# The clock of the database was set back.
_BRING_FORWARD = """
WITH leases AS (
    DELETE FROM @leases WHERE until > clock_timestamp() + make_interval(secs => %(longest_lease)s)
)
UPDATE @entries SET due = clock_timestamp() WHERE state IN ('waiting', 'sending')
AND due > (SELECT clock_timestamp() + make_interval(secs => %(longest_delay)s + 1))
"""
# In the order of the claims of others, which lock leases too: another order would be a deadlock.
_RELEASE = """
WITH released AS (
    SELECT pair FROM @leases
    WHERE pair IN (SELECT decode(hex, 'hex') FROM unnest(CAST(%(pairs)s AS text[])) hex)
    AND token = ANY(%(tokens)s) ORDER BY pair FOR UPDATE
)
DELETE FROM @leases WHERE pair IN (SELECT pair FROM released)
"""
_PRUNE = """
WITH keys AS (
    DELETE FROM @keys WHERE key IN (
        SELECT key FROM @keys
        WHERE at < (SELECT clock_timestamp() - make_interval(secs => %(seconds)s)) LIMIT 10000
    )
), leases AS (
    DELETE FROM @leases WHERE until < clock_timestamp() - interval '1 day'
)
DELETE FROM @receipts WHERE at < (SELECT clock_timestamp() - make_interval(secs => %(seconds)s))
"""

# Of the contacts whose entries have been due longest, the oldest entry that is due and whose pair
# of contact and schema has no lease. Rows that another delivery is claiming are skipped. If two
# deliveries choose entries of one pair nevertheless, the primary key of the leases decides.
_CLAIM = """
WITH soonest AS (
    SELECT e.contact_id FROM @entries e
    WHERE <claimable> ORDER BY e.due LIMIT %(limit)s FOR UPDATE OF e SKIP LOCKED
), contacts AS (
    SELECT DISTINCT contact_id FROM soonest
), oldest AS (
    SELECT first.id, first.pair FROM contacts CROSS JOIN LATERAL (
        SELECT e.id, e.pair FROM @entries e
        WHERE e.contact_id = contacts.contact_id AND <claimable> ORDER BY e.id LIMIT 1
    ) first
), leased AS (
    INSERT INTO @leases AS known (pair, entry_id, token, until)
    SELECT pair, id, %(token)s || id,
        clock_timestamp() + make_interval(secs => %(lease)s)
    FROM oldest ORDER BY pair
    ON CONFLICT (pair) DO UPDATE SET
        entry_id = excluded.entry_id, token = excluded.token, until = excluded.until
    WHERE known.until <= clock_timestamp()
    RETURNING entry_id, token
)
SELECT <columns>, leased.token FROM leased JOIN @entries e ON e.id = leased.entry_id ORDER BY e.id
"""
_EXTEND = """
UPDATE @leases SET until = clock_timestamp() + make_interval(secs => %(lease)s)
WHERE pair = %(pair)s AND token = %(token)s AND until > clock_timestamp()
"""
_UPDATE = """
WITH changed AS (<changed>), key AS (
    UPDATE @keys SET status = 'rejected'
    WHERE CAST(%(state)s AS text) = 'rejected' AND entry_id IN (SELECT id FROM changed)
)
SELECT count(*) FROM changed
"""
_RECORD_RECEIPT = """
WITH changed AS (<changed>), receipt AS (
    INSERT INTO @receipts (pair, created_second, interaction_id, entry_id)
    SELECT %(pair)s, %(created_second)s, %(interaction_id)s, id FROM changed
)
SELECT count(*) FROM changed
"""
_RECORD_DELIVERY = """
WITH deleted AS (
    DELETE FROM @entries WHERE <same> RETURNING id
), receipt AS (
    INSERT INTO @receipts (pair, created_second, interaction_id, entry_id)
    SELECT %(pair)s, %(created_second)s, %(new_interaction_id)s, id FROM deleted
    WHERE CAST(%(old_interaction_id)s AS text) IS NULL
), key AS (
    UPDATE @keys SET at = clock_timestamp() WHERE entry_id IN (SELECT id FROM deleted)
), lease AS (
    DELETE FROM @leases WHERE pair = %(pair)s AND token = %(token)s
)
SELECT count(*) FROM deleted
"""
_DELIVERED_IDS = """
SELECT interaction_id FROM @receipts WHERE pair = %(pair)s AND interaction_id IS NOT NULL
"""
_AMBIGUOUS = """
SELECT (SELECT count(*) FROM @entries WHERE posts > 0 AND state <> 'rejected'
    AND interaction_id IS NULL AND pair = %(pair)s AND created_second = %(created_second)s
    AND id <> %(id)s)
+ (SELECT count(*) FROM @receipts WHERE interaction_id IS NULL AND pair = %(pair)s
    AND created_second = %(created_second)s AND entry_id <> %(id)s)
"""


class PostgresDeliveries:
    """The entries in PostgreSQL as one delivery changes them.

    A lease is on a pair of contact and schema. Every claim has a token of its own: a deliverer that
    was stopped for longer than its lease can change nothing with an old one.
    """

    def __init__(
        self,
        connections: Connections,
        lease_seconds: float,
        longest_delay: float,
        keep_seconds: float | None,
    ) -> None:
        self._connections = connections
        self._lease_seconds = lease_seconds
        self._longest_delay = longest_delay
        self._keep_seconds = keep_seconds
        self._stepped: set[int] = set()
        self._finished: set[int] = set()  # Those of `_stepped` that are never due again.
        self._claims: dict[str, str] = {}  # The tokens of the leases, and their pairs.
        self._released: list[str] = []

    @property
    def identity(self) -> str:
        """A text that identifies the outbox."""
        return self._connections.identity

    @property
    def exchange_seconds(self) -> float | None:
        """Half of the lease, which is extended before a POST: an exchange never outlasts it."""
        return self._lease_seconds / 2

    def begin(self) -> None:
        """Forget what is older than receipts are kept, and correct what a clock did."""
        with self._connections.use() as connection:
            tables = self._connections.tables
            limits = {"longest_delay": self._longest_delay, "longest_lease": LONGEST_LEASE}
            connection.execute(tables.sql(expand(_BRING_FORWARD)), limits)
            if self._keep_seconds is not None:
                connection.execute(tables.sql(expand(_PRUNE)), {"seconds": self._keep_seconds})

    def end(self) -> None:
        """Give up all claims, also those of steps that were interrupted."""
        self._give_up(list(self._claims))

    def _give_up(self, tokens: list[str]) -> None:
        if tokens:
            pairs = [self._claims[token] for token in tokens]
            with self._connections.use() as connection:
                connection.execute(
                    self._connections.tables.sql(expand(_RELEASE)),
                    {"tokens": tokens, "pairs": pairs},
                )
            for token in tokens:
                del self._claims[token]

    def claim(self, limit: int) -> Sequence[Row]:
        """Claim entries that are due. Each takes one step in this delivery."""
        if limit <= 0:
            return ()
        released, self._released = self._released, []
        self._give_up(released)
        values: dict[str, Value] = {
            "limit": limit,
            "excluded": sorted(self._stepped),
            "token": f"{uuid.uuid4().hex}-",
            "lease": self._lease_seconds,
        }
        with self._connections.use() as connection:
            statement = self._connections.tables.sql(expand(_CLAIM))
            rows = connection.execute(statement, values).fetchall()
        claimed = [parse_row(row[:-1], cast(str, row[-1])) for row in rows]
        self._stepped.update(row.id for row in claimed)
        self._claims.update((row.lease, row.content.pair().hex()) for row in claimed)
        return claimed

    def release(self, row: Row) -> None:
        """Give up the claim on an entry. That on a delivered entry went with the entry."""
        if row.id in self._finished:
            self._finished.discard(row.id)
            self._stepped.discard(row.id)
        if row.lease in self._claims:
            self._released.append(row.lease)

    def may_post(self, row: Row) -> bool:
        """Return True if the lease still holds, by the clock of the database, and extend it."""
        values: dict[str, Value] = {
            "pair": row.content.pair(),
            "token": row.lease,
            "lease": self._lease_seconds,
        }
        with self._connections.use() as connection:
            statement = self._connections.tables.sql(expand(_EXTEND))
            return connection.execute(statement, values).rowcount == 1

    def update(self, row: Row, to: Row, *, delay: float, reasons: tuple[str, ...]) -> bool:
        """Replace the progress of an entry. Return False if it changed, or the lease was lost."""
        is_updated = self._change(_UPDATE, _progress(row, to, delay, reasons))
        if is_updated and to.state in ("unknown", "rejected"):
            self._finished.add(row.id)
        return is_updated

    def record_receipt(self, row: Row, interaction_id: str) -> Row | None:
        """Record the interaction id of an entry whose receipt the application does not have yet."""
        to = replace(row, step=0, interaction_id=interaction_id)
        values = {**_progress(row, to, 0.0, ()), "created_second": row.content.created_second}
        return to if self._change(_RECORD_RECEIPT, values) else None

    def record_delivery(self, row: Row, interaction_id: str) -> bool:
        """Delete a delivered entry, also without the lease, and keep the interaction id."""
        values: dict[str, Value] = {
            **_same(row),
            "created_second": row.content.created_second,
            "new_interaction_id": interaction_id,
        }
        is_deleted = self._change(_RECORD_DELIVERY, values)
        if is_deleted:
            self._finished.add(row.id)
            self._claims.pop(row.lease, None)
        return is_deleted

    def was_delivered(self, row: Row) -> bool:
        """Return False: PostgreSQL does not bring deleted rows back."""
        del row
        return False

    def delivered_ids(self, row: Row) -> frozenset[str]:
        """Return the interaction ids of delivered entries that a lookup may take for this one."""
        with self._connections.use(is_change=False) as connection:
            statement = self._connections.tables.sql(expand(_DELIVERED_IDS))
            rows = connection.execute(statement, {"pair": row.content.pair()}).fetchall()
        return frozenset(cast(str, interaction_id) for (interaction_id,) in rows)

    def is_ambiguous(self, row: Row) -> bool:
        """Return True if another entry that may be stored may be the one that a lookup finds."""
        values: dict[str, Value] = {
            "pair": row.content.pair(),
            "created_second": row.content.created_second,
            "id": row.id,
        }
        return self._change(_AMBIGUOUS, values)

    def _change(self, statement: str, values: Parameters) -> bool:
        """Run a statement, and return True if the number that it returns is not 0."""
        with self._connections.use() as connection:
            row = connection.execute(
                self._connections.tables.sql(expand(statement)), values
            ).fetchone()
        return row is not None and row[0] != 0


def _same(row: Row) -> dict[str, Value]:
    state, posts, step, interaction_id = row.progress
    return {
        "id": row.id,
        "old_state": state,
        "old_posts": posts,
        "old_step": step,
        "old_interaction_id": interaction_id,
        "pair": row.content.pair(),
        "token": row.lease,
    }


def _progress(row: Row, to: Row, delay: float, reasons: tuple[str, ...]) -> dict[str, Value]:
    return {
        **_same(row),
        "state": to.state,
        "posts": to.posts,
        "step": to.step,
        "interaction_id": to.interaction_id,
        "posted_at": to.posted_at,
        "missing_since": to.missing_since,
        "reasons": json.dumps(reasons),
        "delay": delay,
    }
