"""The rows of the entries."""

from typing import cast

from ..outbox.entry import Content, Row, State

_COLUMNS = """
e.id, e.contact_id, e.schema_id, e.created_date, e.created_second, e.schema_hash,
extract(epoch FROM e.put_at)::float8, e.body,
e.state, e.posts, e.step, e.interaction_id, e.posted_at, e.missing_since
"""
_SAME = """
id = %(id)s AND state = %(old_state)s AND posts = %(old_posts)s AND step = %(old_step)s
AND interaction_id IS NOT DISTINCT FROM %(old_interaction_id)s
"""
_CHANGED = """
UPDATE @entries SET state = %(state)s, posts = %(posts)s, step = %(step)s,
    interaction_id = %(interaction_id)s, posted_at = %(posted_at)s,
    missing_since = %(missing_since)s, reasons = %(reasons)s,
    due = clock_timestamp() + make_interval(secs => %(delay)s)
WHERE <same> AND EXISTS (
    SELECT FROM @leases
    WHERE pair = %(pair)s AND token = %(token)s AND until > clock_timestamp()
) RETURNING id
"""
# As subqueries, the time is read once, so that an index serves, and the leases are looked up for
# the few rows that are read, and not joined with a million that wait.
_CLAIMABLE = """
e.state IN ('waiting', 'sending') AND e.due <= (SELECT clock_timestamp())
AND e.id <> ALL(CAST(%(excluded)s AS bigint[]))
AND coalesce(
    (SELECT l.until FROM @leases l WHERE l.pair = e.pair), '-infinity'
) <= (SELECT clock_timestamp())
"""
_FRAGMENTS = {
    "<claimable>": _CLAIMABLE,
    "<columns>": _COLUMNS,
    "<changed>": _CHANGED,
    "<same>": _SAME,
}


def expand(statement: str) -> str:
    """Return a statement with the fragments that it names."""
    for name, fragment in _FRAGMENTS.items():
        statement = statement.replace(name, fragment)
    return statement


def parse_row(columns: tuple[object, ...], lease: str = "") -> Row:
    """Convert the ``<columns>`` of an entry, and its lease."""
    entry_id, *content, body = columns[:8]
    state, posts, step, interaction_id, posted_at, missing_since = columns[8:]
    return Row(
        cast(int, entry_id),
        Content(*cast(tuple[str, str, str, int, str, float], tuple(content)), cast(bytes, body)),
        cast(State, state),
        cast(int, posts),
        cast(int, step),
        cast(str | None, interaction_id),
        cast(float, posted_at),
        cast(float, missing_since),
        lease,
    )
