"""The statement that puts an interaction."""

from typing import cast

from ..outbox.errors import KeyConflictError
from ..outbox.store import Draft
from .driver import Parameters, Value
from .tables import VERSION, Tables

# With every driver, a put into the tables of another version fails, with a message that says so.
_CREATED_SECOND = """(
    SELECT CASE WHEN max(version) = <current> THEN CAST(%(created_second)s AS bigint)
    ELSE CAST(concat('tables of the version ', max(version)) AS bigint) END FROM @outbox
)"""
_PUT = """
WITH entry AS (
    INSERT INTO @entries (
        contact_id, schema_id, created_date, created_second, schema_hash, pair, body
    ) VALUES (
        CAST(%(contact_id)s AS text), CAST(%(schema_id)s AS text),
        CAST(%(created_date)s AS text), <created_second>,
        CAST(%(schema_hash)s AS text), CAST(%(pair)s AS bytea), CAST(%(body)s AS bytea)
    ) RETURNING id
)
SELECT id, true AS is_same, pg_notify(CAST(%(channel)s AS text), '') FROM entry
"""
# A row of another transaction that has not ended is waited for, and a row that this statement
# cannot see yet is returned nevertheless: ON CONFLICT DO UPDATE does both, DO NOTHING neither.
_PUT_WITH_KEY = """
WITH new AS MATERIALIZED (
    SELECT nextval(pg_get_serial_sequence('@entries', 'id')) AS id
), claim AS (
    INSERT INTO @keys AS known (key, entry_id, digest)
    SELECT CAST(%(key)s AS text), new.id, CAST(%(digest)s AS bytea) FROM new
    ON CONFLICT (key) DO UPDATE SET
        entry_id = CASE WHEN (
            known.status = 'discarded'
            OR known.status = 'rejected' AND known.digest <> excluded.digest
        ) THEN excluded.entry_id ELSE known.entry_id END,
        digest = CASE WHEN known.status = 'used' THEN known.digest ELSE excluded.digest END,
        status = CASE WHEN known.status = 'rejected' AND known.digest = excluded.digest
            THEN 'rejected' ELSE 'used' END,
        at = CASE WHEN known.status = 'used' THEN known.at END
    RETURNING key, entry_id, digest
), entry AS (
    INSERT INTO @entries (
        id, contact_id, schema_id, created_date, created_second, schema_hash, pair, body, key
    )
    SELECT new.id, CAST(%(contact_id)s AS text), CAST(%(schema_id)s AS text),
        CAST(%(created_date)s AS text), <created_second>,
        CAST(%(schema_hash)s AS text), CAST(%(pair)s AS bytea), CAST(%(body)s AS bytea), claim.key
    FROM new JOIN claim ON claim.entry_id = new.id
    RETURNING id
), replaced AS (
    DELETE FROM @entries USING entry, claim
    WHERE @entries.key = claim.key AND @entries.id <> entry.id AND @entries.state = 'rejected'
)
SELECT claim.entry_id, claim.digest = CAST(%(digest)s AS bytea) AS is_same,
    CASE WHEN claim.entry_id = new.id THEN pg_notify(CAST(%(channel)s AS text), '') END
FROM claim CROSS JOIN new
"""


def put_statement(tables: Tables, draft: Draft) -> tuple[str, Parameters]:
    """Return the statement that puts an interaction, and its named parameters.

    It returns a row: the id of the entry, and whether the payload is that of the first put with the
    key. The parameters are written like ``%(name)s``.
    """
    interaction = draft.interaction
    values: dict[str, Value] = {
        "contact_id": interaction.contact_id,
        "schema_id": interaction.schema_id,
        "created_date": interaction.encoded_date,
        "created_second": draft.created_second,
        "schema_hash": draft.schema_hash,
        "pair": draft.pair,
        "body": interaction.body,
        "channel": tables.channel,
    }
    statement = _PUT
    if draft.key is not None:
        statement = _PUT_WITH_KEY
        values["key"], values["digest"] = draft.key, draft.digest
    second = _CREATED_SECOND.replace("<current>", str(VERSION))
    return tables.sql(statement.replace("<created_second>", second)), values


def read_put(tables: Tables, row: object) -> int:
    """Return the id in the row that a put returned. Raises `KeyConflictError`."""
    entry_id, is_same = cast(tuple[int, bool], tuple(cast(tuple[object, ...], row))[:2])
    if is_same:
        return entry_id
    raise KeyConflictError.of_entry(tables.name, entry_id)
