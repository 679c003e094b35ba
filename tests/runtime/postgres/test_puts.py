"""A put in the transaction of the application exists if that is committed, and not otherwise."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    asynccontextmanager,
    closing,
    contextmanager,
)
from importlib import import_module
from typing import Any

import psycopg
import psycopg.rows
import pytest
import sqlalchemy
from psycopg import AsyncConnection, ClientCursor
from sqlalchemy.ext.asyncio import (
    AsyncSession,
    async_scoped_session,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.orm import Session, scoped_session, sessionmaker
from sqlalchemy.pool import NullPool

from engage_interactions.favourite import Favourite
from engage_interactions.outbox import KeyConflictError
from engage_interactions.postgres import PostgresOutbox
from tests.support.runtime.platform import CONTACT

pytestmark = pytest.mark.postgres

COAT = Favourite(product_sku="8810-42", price=450)
HAT = Favourite(product_sku="7120-38", price=90)


@pytest.fixture
def outbox(database: str) -> Generator[PostgresOutbox]:
    with PostgresOutbox(database) as outbox:
        yield outbox


def skus(outbox: PostgresOutbox) -> list[object]:
    """The products of the entries, which are what the test put."""
    return [entry.payload["productSku"] for entry in outbox.entries() if entry.payload]


def url_of(database: str, driver: str) -> str:
    return database.replace("postgresql://", f"postgresql+{driver}://")


@contextmanager
def psycopg_connection(url: str, **options: Any) -> Generator[psycopg.Connection[Any]]:
    with closing(psycopg.connect(url, **options)) as connection:
        yield connection


@contextmanager
def engine(url: str) -> Generator[sqlalchemy.Engine]:
    engine = sqlalchemy.create_engine(url_of(url, "psycopg"), poolclass=NullPool)
    yield engine
    engine.dispose()


@contextmanager
def sqlalchemy_connection(url: str) -> Generator[sqlalchemy.Connection]:
    with engine(url) as source, source.connect() as connection:
        yield connection


@contextmanager
def sqlalchemy_session(url: str) -> Generator[Session]:
    with engine(url) as source, Session(source) as session:
        yield session


@contextmanager
def sqlalchemy_scoped_session(url: str) -> Generator[scoped_session[Session]]:
    with engine(url) as source:
        session = scoped_session(sessionmaker(source))
        yield session
        session.remove()


CONNECTIONS: dict[str, Callable[[str], AbstractContextManager[Any]]] = {
    "psycopg": psycopg_connection,
    "psycopg with rows as dictionaries": lambda url: psycopg_connection(
        url, row_factory=psycopg.rows.dict_row
    ),
    "psycopg with single values": lambda url: psycopg_connection(
        url, row_factory=psycopg.rows.scalar_row
    ),
    "psycopg with parameters of the client": lambda url: psycopg_connection(
        url, cursor_factory=ClientCursor
    ),
    "psycopg with parameters of PostgreSQL": lambda url: psycopg_connection(
        url, cursor_factory=psycopg.RawCursor
    ),
    "a connection of SQLAlchemy": sqlalchemy_connection,
    "a session of SQLAlchemy": sqlalchemy_session,
    "a scoped session of SQLAlchemy": sqlalchemy_scoped_session,
}


@pytest.fixture(params=CONNECTIONS)
def connection(request: pytest.FixtureRequest, database: str) -> Generator[Any]:
    with CONNECTIONS[request.param](database) as connection:
        yield connection


def test_a_put_is_part_of_the_transaction(outbox: PostgresOutbox, connection: Any) -> None:
    number = outbox.put(CONTACT, COAT, connection=connection)
    assert skus(outbox) == []
    connection.commit()
    (entry,) = outbox.entries()
    assert (entry.id, entry.contact_id, entry.payload) == (number, CONTACT, COAT.to_payload())
    outbox.put(CONTACT, HAT, connection=connection)
    connection.rollback()
    assert skus(outbox) == ["8810-42"]


def test_a_key_is_part_of_the_transaction(outbox: PostgresOutbox, connection: Any) -> None:
    rolled_back = outbox.put(CONTACT, COAT, key="order 7", connection=connection)
    connection.rollback()
    number = outbox.put(CONTACT, HAT, key="order 7", connection=connection)
    assert number != rolled_back
    assert outbox.put(CONTACT, HAT, key="order 7", connection=connection) == number
    with pytest.raises(KeyConflictError) as caught:
        outbox.put(CONTACT, COAT, key="order 7", connection=connection)
    assert caught.value.entry_id == number
    # The conflict is no error of the database, and leaves the transaction usable.
    outbox.put(CONTACT, COAT, key="order 8", connection=connection)
    connection.commit()
    assert skus(outbox) == ["7120-38", "8810-42"]


@asynccontextmanager
async def async_psycopg(url: str, **options: Any) -> AsyncGenerator[Any]:
    connection = await AsyncConnection[Any].connect(url, **options)
    try:
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def async_connection(url: str, driver: str) -> AsyncGenerator[Any]:
    source = create_async_engine(url_of(url, driver), poolclass=NullPool)
    async with source.connect() as connection:
        yield connection
    await source.dispose()


@asynccontextmanager
async def async_session(url: str, driver: str) -> AsyncGenerator[Any]:
    source = create_async_engine(url_of(url, driver), poolclass=NullPool)
    async with AsyncSession(source) as session:
        yield session
    await source.dispose()


@asynccontextmanager
async def async_scoped(url: str) -> AsyncGenerator[Any]:
    source = create_async_engine(url_of(url, "asyncpg"), poolclass=NullPool)
    session = async_scoped_session(async_sessionmaker(source), asyncio.current_task)
    yield session
    await session.remove()
    await source.dispose()


ASYNC_CONNECTIONS: dict[str, Callable[[str], AbstractAsyncContextManager[Any]]] = {
    "psycopg": async_psycopg,
    "psycopg with rows as dictionaries": lambda url: async_psycopg(
        url, row_factory=psycopg.rows.dict_row
    ),
    "a connection of SQLAlchemy over psycopg": lambda url: async_connection(url, "psycopg"),
    "a connection of SQLAlchemy over asyncpg": lambda url: async_connection(url, "asyncpg"),
    "a session of SQLAlchemy over psycopg": lambda url: async_session(url, "psycopg"),
    "a session of SQLAlchemy over asyncpg": lambda url: async_session(url, "asyncpg"),
    "a scoped session of SQLAlchemy": async_scoped,
}


@pytest.mark.parametrize("kind", ASYNC_CONNECTIONS)
def test_a_put_with_asyncio_is_part_of_the_transaction(
    outbox: PostgresOutbox, database: str, kind: str
) -> None:
    async def use() -> None:
        async with ASYNC_CONNECTIONS[kind](database) as connection:
            number = await outbox.put_async(CONTACT, COAT, key=7, connection=connection)
            assert skus(outbox) == []
            await connection.commit()
            assert [entry.id for entry in outbox.entries()] == [number]
            await outbox.put_async(CONTACT, HAT, connection=connection)
            await connection.rollback()
            assert await outbox.put_async(CONTACT, COAT, key=7, connection=connection) == number
            with pytest.raises(KeyConflictError):
                await outbox.put_async(CONTACT, HAT, key=7, connection=connection)
            await outbox.put_async(CONTACT, COAT, connection=connection)
            await connection.commit()

    asyncio.run(use())
    assert skus(outbox) == ["8810-42", "8810-42"]


def test_a_connection_in_autocommit_mode_needs_a_transaction(
    outbox: PostgresOutbox, database: str
) -> None:
    with psycopg_connection(database, autocommit=True) as connection:
        with connection.transaction(force_rollback=True):
            outbox.put(CONTACT, HAT, connection=connection)
        with connection.transaction():
            outbox.put(CONTACT, COAT, connection=connection)
        connection.execute("BEGIN")
        outbox.put(CONTACT, COAT, connection=connection)
        connection.execute("COMMIT")
    assert skus(outbox) == ["8810-42", "8810-42"]


def test_a_savepoint_takes_its_put_along(outbox: PostgresOutbox, database: str) -> None:
    with psycopg.connect(database) as connection:
        outbox.put(CONTACT, COAT, connection=connection)
        with connection.transaction(force_rollback=True):
            outbox.put(CONTACT, HAT, connection=connection)
    with sqlalchemy_session(database) as session:
        outbox.put(CONTACT, COAT, connection=session)
        with session.begin_nested() as savepoint:
            outbox.put(CONTACT, HAT, connection=session)
            savepoint.rollback()
        session.commit()
    assert skus(outbox) == ["8810-42", "8810-42"]


def test_a_put_with_asyncio_and_without_a_connection_commits(outbox: PostgresOutbox) -> None:
    number = asyncio.run(outbox.put_async(CONTACT, COAT, key="a"))
    assert asyncio.run(outbox.put_async(CONTACT, COAT, key="a")) == number
    assert skus(outbox) == ["8810-42"]


def test_other_drivers_run_the_statement_themselves(outbox: PostgresOutbox, database: str) -> None:
    async def run(payload: Favourite) -> tuple[int, bool]:
        statement, values = outbox.insert(CONTACT, payload, key="a")
        names = list(values)
        for number, name in enumerate(names, 1):
            statement = statement.replace(f"%({name})s", f"${number}")
        connection = await import_module("asyncpg").connect(database)
        row = await connection.fetchrow(statement, *(values[name] for name in names))
        await connection.close()
        assert row is not None
        return row[0], row[1]

    number, is_same = asyncio.run(run(COAT))
    assert is_same
    assert asyncio.run(run(COAT)) == (number, True)
    assert asyncio.run(run(HAT)) == (number, False)
    assert [entry.id for entry in outbox.entries()] == [number]


def test_the_observer_hears_of_puts_in_the_transaction_and_not_of_refused_ones(
    database: str,
) -> None:
    class Observer:
        def __init__(self) -> None:
            self.schema_ids: list[str] = []

        def put(self, schema_id: str) -> None:
            self.schema_ids.append(schema_id)

        def posted(self, schema_id: str) -> None: ...
        def looked_up(self, schema_id: str, is_found: bool) -> None: ...
        def delivered(self, schema_id: str, seconds: float) -> None: ...
        def oldest(self, seconds: float) -> None: ...

    observer = Observer()
    with PostgresOutbox(database, observer=observer) as outbox:
        with psycopg.connect(database) as connection:
            outbox.put(CONTACT, COAT, key="a", connection=connection)
            with pytest.raises(KeyConflictError):
                outbox.put(CONTACT, HAT, key="a", connection=connection)
        assert observer.schema_ids == ["favourite"]
