"""Puts in the transactions of applications: the connections of their libraries."""

import re
from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import Protocol, cast

from ..errors import ConfigurationError
from ..outbox.errors import OutboxError
from ..outbox.store import Draft
from .driver import Parameters
from .failures import convert_application_errors
from .puts import put_statement, read_put
from .tables import Tables


class _Result(Protocol):
    def fetchone(self) -> object: ...


class _AsyncResult(Protocol):
    def fetchone(self) -> Awaitable[object]: ...


class _Cursor(Protocol):
    def execute(self, query: str, params: Parameters) -> _Result: ...


class _AsyncCursor(Protocol):
    def execute(self, query: str, params: Parameters) -> Awaitable[_AsyncResult]: ...


class _Rows(Protocol):
    tuple_row: object


class _Psycopg(Protocol):
    rows: _Rows

    def Cursor(self, connection: object, *, row_factory: object) -> _Cursor: ...

    def AsyncCursor(self, connection: object, *, row_factory: object) -> _AsyncCursor: ...


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
_NOT_ASYNC = "The connection is not one for asyncio. Call put instead. Nothing was put."

_PSYCOPG = {("psycopg", "Connection")}
_SQLALCHEMY = {
    ("sqlalchemy", "Connection"),
    ("sqlalchemy", "Session"),
    ("sqlalchemy", "scoped_session"),
}
_DJANGO = {("django", "BaseDatabaseWrapper"), ("django", "ConnectionProxy")}
_ASYNC_PSYCOPG = {("psycopg", "AsyncConnection")}
_ASYNC_SQLALCHEMY = {("sqlalchemy", "AsyncConnection"), ("sqlalchemy", "AsyncSession")}
_ASYNC_SCOPED = {("sqlalchemy", "async_scoped_session")}


def put_with(tables: Tables, connection: object, draft: Draft) -> int:
    """Put an interaction in the transaction of an application, and return the id of its entry.

    Raises `OutboxError` for a connection in autocommit mode, and for tables that cannot be used;
    `ConfigurationError` for a connection that is not supported; and `KeyConflictError`. Other
    errors of the database are those of the library, which the application may retry by.
    """
    query, values = put_statement(tables, draft)
    with convert_application_errors(tables):
        row = _run(connection, query, values)
    return read_put(tables, row)


def _run(connection: object, query: str, values: Parameters) -> object:
    names = _libraries(connection)
    if names & _PSYCOPG:
        _check_transaction(connection)
        psycopg = _psycopg()
        cursor = psycopg.Cursor(connection, row_factory=psycopg.rows.tuple_row)
        return cursor.execute(query, values).fetchone()
    if names & _SQLALCHEMY:
        return _put_with_sqlalchemy(cast(_SqlAlchemy, connection), query, values)
    if names & _DJANGO:
        return _put_with_django(cast(_Django, connection), query, values)
    if names & (_ASYNC_PSYCOPG | _ASYNC_SQLALCHEMY | _ASYNC_SCOPED):
        raise ConfigurationError(_ASYNC)
    raise _unsupported(connection)


async def put_with_async(tables: Tables, connection: object, draft: Draft) -> int:
    """Do what `put_with` does with a connection or session for asyncio."""
    query, values = put_statement(tables, draft)
    with convert_application_errors(tables):
        row = await _run_async(connection, query, values)
    return read_put(tables, row)


async def _run_async(connection: object, query: str, values: Parameters) -> object:
    names = _libraries(connection)
    if names & _ASYNC_PSYCOPG:
        _check_transaction(connection)
        psycopg = _psycopg()
        cursor = psycopg.AsyncCursor(connection, row_factory=psycopg.rows.tuple_row)
        return await (await cursor.execute(query, values)).fetchone()
    if names & _ASYNC_SQLALCHEMY:

        def put(inner: object) -> object:
            return _put_with_sqlalchemy(cast(_SqlAlchemy, inner), query, values)

        return await cast(_AsyncSqlAlchemy, connection).run_sync(put)
    if names & _ASYNC_SCOPED:
        return await _run_async(cast(Callable[[], object], connection)(), query, values)
    if names & (_PSYCOPG | _SQLALCHEMY | _DJANGO):
        raise ConfigurationError(_NOT_ASYNC)
    raise _unsupported(connection)


def _libraries(connection: object) -> set[tuple[str, str]]:
    """Return the top-level module and the name of each class of a connection."""
    return {(base.__module__.partition(".")[0], base.__name__) for base in type(connection).__mro__}


def _psycopg() -> _Psycopg:
    """Return psycopg, which a connection is of. Its own cursors return rows of any type."""
    return cast(_Psycopg, import_module("psycopg"))


def _check_transaction(connection: object) -> None:
    """Raise `OutboxError` for a connection of psycopg in autocommit mode, without a transaction."""
    info: object = getattr(connection, "info", None)
    status: object = getattr(info, "transaction_status", None)
    if getattr(connection, "autocommit", False) and getattr(status, "name", "") == "IDLE":
        raise OutboxError(_NOT_IN_TRANSACTION)


def _put_with_sqlalchemy(session: _SqlAlchemy, query: str, values: Parameters) -> object:
    connection = session
    if not _libraries(session) & {("sqlalchemy", "Connection")}:
        # That of a session flushes nothing, whose errors would be taken for those of the put.
        connection = cast(_SqlAlchemy, session.connection())
    dialect: object = getattr(connection, "dialect", None)
    if getattr(dialect, "name", "") != "postgresql":
        raise ConfigurationError(
            "The connection of SQLAlchemy is not one to PostgreSQL. Nothing was put."
        )
    dbapi: object = getattr(getattr(connection, "connection", None), "dbapi_connection", None)
    if getattr(dbapi, "autocommit", False) is True:
        raise OutboxError(_NOT_IN_TRANSACTION)
    text = cast(Callable[[str], object], import_module("sqlalchemy").text)
    return connection.execute(text(_named(query)), values).fetchone()


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
