"""The statement that puts an interaction, and the connections of applications that can run it."""

import re
from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import Protocol, cast

from ..errors import ConfigurationError
from ..outbox.errors import KeyConflictError, OutboxError
from ..outbox.store import Draft
from .driver import Parameters, Value
from .tables import Tables

_PUT = """
WITH entry AS (
    INSERT INTO @entries (
        contact_id, schema_id, created_date, created_second, schema_hash, pair, body
    ) VALUES (
        CAST(%(contact_id)s AS text), CAST(%(schema_id)s AS text),
        CAST(%(created_date)s AS text), CAST(%(created_second)s AS bigint),
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
        CAST(%(created_date)s AS text), CAST(%(created_second)s AS bigint),
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
    if draft.key is None:
        return tables.sql(_PUT), values
    return tables.sql(_PUT_WITH_KEY), values | {"key": draft.key, "digest": draft.digest}


def read_put(tables: Tables, row: object) -> int:
    """Return the id in the row that a put returned. Raises `KeyConflictError`."""
    entry_id, is_same = cast(tuple[int, bool], tuple(cast(tuple[object, ...], row))[:2])
    if is_same:
        return entry_id
    name = f"{tables.schema}.{tables.prefix}outbox"
    raise KeyConflictError(
        f"{name}: another payload was put with this key, as the entry {entry_id}. Nothing was put.",
        entry_id,
    )


class _Result(Protocol):
    def fetchone(self) -> object: ...


class _Psycopg(Protocol):
    autocommit: bool

    def execute(self, query: str, params: Parameters) -> "_Result": ...


class _AsyncResult(Protocol):
    def fetchone(self) -> Awaitable[object]: ...


class _AsyncPsycopg(Protocol):
    autocommit: bool

    def execute(self, query: str, params: Parameters) -> Awaitable[_AsyncResult]: ...


class _SqlAlchemy(Protocol):
    def execute(self, statement: object, parameters: Parameters) -> _Result: ...

    def connection(self) -> object: ...


class _AsyncSqlAlchemy(Protocol):
    def run_sync(self, function: Callable[[object], object]) -> Awaitable[object]: ...


class _DjangoCursor(Protocol):
    def __enter__(self) -> "_DjangoCursor": ...

    def __exit__(self, *error: object) -> None: ...

    def execute(self, query: str, params: Parameters) -> object: ...

    def fetchone(self) -> object: ...


class _Django(Protocol):
    vendor: str
    in_atomic_block: bool

    def cursor(self) -> _DjangoCursor: ...

    def get_autocommit(self) -> bool: ...


_NOT_IN_TRANSACTION = (
    "The connection is in autocommit mode, and no transaction has begun. Begin one, so that the "
    "interaction is put together with your own changes. Nothing was put."
)
_ASYNC = "The connection is one for asyncio. Await put_async instead. Nothing was put."


_SQLALCHEMY = {
    ("sqlalchemy", "Connection"),
    ("sqlalchemy", "Session"),
    ("sqlalchemy", "scoped_session"),
}


def _libraries(connection: object) -> set[tuple[str, str]]:
    """Return the top-level module and the name of each class of a connection."""
    names = {
        (base.__module__.partition(".")[0], base.__name__) for base in type(connection).__mro__
    }
    if ("django", "ConnectionProxy") in names:
        names.add(("django", "BaseDatabaseWrapper"))
    return names


def put_with(connection: object, query: str, values: Parameters) -> object:
    """Run a put in the transaction of an application, and return its row.

    Raises `OutboxError` for a connection in autocommit mode, and `ConfigurationError` for one that
    is not supported. Errors of the database are those of the library.
    """
    names = _libraries(connection)
    if ("psycopg", "Connection") in names:
        psycopg = cast(_Psycopg, connection)
        if psycopg.autocommit and _is_idle(connection):
            raise OutboxError(_NOT_IN_TRANSACTION)
        return psycopg.execute(query, values).fetchone()
    if names & {
        ("sqlalchemy", "Connection"),
        ("sqlalchemy", "Session"),
        ("sqlalchemy", "scoped_session"),
    }:
        return _put_with_sqlalchemy(cast(_SqlAlchemy, connection), query, values)
    if ("django", "BaseDatabaseWrapper") in names:
        return _put_with_django(cast(_Django, connection), query, values)
    if any("Async" in name for _, name in names):
        raise ConfigurationError(_ASYNC)
    raise _unsupported(connection)


async def put_with_async(connection: object, query: str, values: Parameters) -> object:
    """Do what `put_with` does with a connection or session for asyncio."""
    names = _libraries(connection)
    if ("psycopg", "AsyncConnection") in names:
        psycopg = cast(_AsyncPsycopg, connection)
        if psycopg.autocommit and _is_idle(connection):
            raise OutboxError(_NOT_IN_TRANSACTION)
        return await (await psycopg.execute(query, values)).fetchone()
    if names & {("sqlalchemy", "AsyncConnection"), ("sqlalchemy", "AsyncSession")}:

        def put(inner: object) -> object:
            return _put_with_sqlalchemy(cast(_SqlAlchemy, inner), query, values)

        return await cast(_AsyncSqlAlchemy, connection).run_sync(put)
    if ("sqlalchemy", "async_scoped_session") in names:
        return await put_with_async(cast(Callable[[], object], connection)(), query, values)
    raise _unsupported(connection)


def _is_idle(connection: object) -> bool:
    """Return True for a connection of psycopg without a transaction."""
    info: object = getattr(connection, "info", None)
    status: object = getattr(info, "transaction_status", None)
    return getattr(status, "name", "") == "IDLE"


def _put_with_sqlalchemy(session: _SqlAlchemy, query: str, values: Parameters) -> object:
    inner: object = session
    if not any(name == "Connection" for _, name in _libraries(session)):
        inner = session.connection()
    dialect: object = getattr(inner, "dialect", None)
    if getattr(dialect, "name", "") != "postgresql":
        raise ConfigurationError(
            "The connection of SQLAlchemy is not one to PostgreSQL. Nothing was put."
        )
    dbapi: object = getattr(getattr(inner, "connection", None), "dbapi_connection", None)
    if getattr(dbapi, "autocommit", False) is True:
        raise OutboxError(_NOT_IN_TRANSACTION)
    text = cast(Callable[[str], object], import_module("sqlalchemy").text)
    return session.execute(text(_named(query)), values).fetchone()


def _named(query: str) -> str:
    """Return a statement with parameters like ``:name``."""
    return re.sub(r"%\((\w+)\)s", r":\1", query)


def _put_with_django(connection: _Django, query: str, values: Parameters) -> object:
    if connection.vendor != "postgresql":
        raise ConfigurationError(
            "The connection of Django is not one to PostgreSQL. Nothing was put."
        )
    if not connection.in_atomic_block and connection.get_autocommit():
        raise OutboxError(_NOT_IN_TRANSACTION)
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        return cursor.fetchone()


def _unsupported(connection: object) -> ConfigurationError:
    kind = f"{type(connection).__module__}.{type(connection).__qualname__}"
    return ConfigurationError(
        f"A connection of the type {kind} is not supported. Use one of psycopg 3, SQLAlchemy 2 or "
        "Django, or run what insert returns with it. Nothing was put."
    )
