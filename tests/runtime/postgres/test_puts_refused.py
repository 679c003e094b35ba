"""A put that cannot work is refused with an error that says why, and nothing is put."""

import asyncio
import shutil
import socket
import tempfile
import traceback
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import psycopg
import pytest
import sqlalchemy
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy.pool import NullPool

from engage_interactions import ConfigurationError, InvalidPayloadError
from engage_interactions.favourite import Favourite
from engage_interactions.outbox import OutboxError
from engage_interactions.postgres import PostgresOutbox, create_tables
from tests.support.postgres import Cluster, run_as_owner, wait_until_up
from tests.support.runtime.platform import CONTACT

pytestmark = pytest.mark.postgres

COAT = Favourite(product_sku="8810-42", price=450)


def put_alone(outbox: PostgresOutbox, url: str, key: str | None) -> None:
    outbox.put(CONTACT, COAT, key=key)


def put_with_psycopg(outbox: PostgresOutbox, url: str, key: str | None) -> None:
    with closing(psycopg.connect(url)) as connection:
        outbox.put(CONTACT, COAT, key=key, connection=connection)


def put_with_sqlalchemy(outbox: PostgresOutbox, url: str, key: str | None) -> None:
    engine = sqlalchemy.create_engine(
        url.replace("postgresql:", "postgresql+psycopg:"), poolclass=NullPool
    )
    with Session(engine) as session:
        outbox.put(CONTACT, COAT, key=key, connection=session)


def put_with_asyncio(outbox: PostgresOutbox, url: str, key: str | None) -> None:
    async def put() -> None:
        engine = create_async_engine(
            url.replace("postgresql:", "postgresql+asyncpg:"), poolclass=NullPool
        )
        async with AsyncSession(engine) as session:
            await outbox.put_async(CONTACT, COAT, key=key, connection=session)

    asyncio.run(put())


def put_with_async_psycopg(outbox: PostgresOutbox, url: str, key: str | None) -> None:
    async def put() -> None:
        async with await psycopg.AsyncConnection.connect(url) as connection:
            await outbox.put_async(CONTACT, COAT, key=key, connection=connection)
            await connection.rollback()

    asyncio.run(put())


PUTS = [
    *(put_alone, put_with_psycopg, put_with_sqlalchemy, put_with_asyncio, put_with_async_psycopg)
]


@pytest.fixture(params=PUTS)
def put(request: pytest.FixtureRequest) -> Callable[[str], str]:
    """Puts with and without a key, and returns the message of the error."""

    def refused(url: str) -> str:
        with PostgresOutbox(url) as outbox:
            for key in (None, "order 7"):
                with pytest.raises(OutboxError) as caught:
                    request.param(outbox, url, key)
                assert not caught.value.may_be_stored
                # The errors of SQLAlchemy quote the parameters.
                assert "8810-42" not in "".join(traceback.format_exception(caught.value))
            return str(caught.value)

    return refused


def change(url: str, *statements: str) -> None:
    with closing(psycopg.connect(url, autocommit=True)) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def has_entries(url: str) -> bool:
    with closing(psycopg.connect(url)) as connection:
        (number,) = cast(
            tuple[int],
            connection.execute(
                "SELECT (SELECT count(*) FROM engage_entries) + (SELECT count(*) FROM engage_keys)"
            ).fetchone(),
        )
        return number > 0


def test_a_database_without_tables(cluster: Cluster, put: Callable[[str], str]) -> None:
    with cluster.database() as url:
        assert "create_tables" in put(url)


@pytest.mark.parametrize("version", [0, 2, 77])
def test_tables_of_another_version(database: str, version: int, put: Callable[[str], str]) -> None:
    change(database, f"UPDATE engage_outbox SET version = {version}")
    assert "version" in put(database)
    assert not has_entries(database)


def test_tables_without_a_version(database: str, put: Callable[[str], str]) -> None:
    change(database, "DELETE FROM engage_outbox")
    assert "create_tables" in put(database)
    assert not has_entries(database)


def test_tables_that_got_another_version_since_the_last_put(database: str) -> None:
    with PostgresOutbox(database) as outbox:
        outbox.put(CONTACT, COAT)
        change(database, "UPDATE engage_outbox SET version = 2", "DELETE FROM engage_entries")
        with pytest.raises(OutboxError, match="version"):
            outbox.put(CONTACT, COAT)
    assert not has_entries(database)


def test_other_drivers_fail_in_tables_of_another_version_too(database: str) -> None:
    change(database, "UPDATE engage_outbox SET version = 2")
    with (
        PostgresOutbox(database) as outbox,
        closing(psycopg.connect(database)) as connection,
        pytest.raises(psycopg.DataError, match="tables of the version 2"),
    ):
        connection.execute(*cast(Any, outbox.insert(CONTACT, COAT)))


def test_a_read_only_database(database: str, put: Callable[[str], str]) -> None:
    name = database.rpartition("/")[2]
    change(database, f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    assert "read-only" in put(database)
    assert not has_entries(database)


@contextmanager
def standby(cluster: Cluster) -> Generator[Cluster]:
    """A replica of a server, which follows it."""
    root = Path(tempfile.mkdtemp(prefix="engage-standby-"))
    shutil.chown(root, *2 * [cluster.folder.owner()])
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    replica = Cluster(cluster.programs, root / "data", port)
    try:
        run_as_owner(
            *(cluster.programs / "pg_basebackup", "-D", replica.folder, "-R", "-c", "fast"),
            *("-N", "-d", cluster.url("postgres")),
        )
        replica.start()
        yield replica
        replica.stop()
    finally:
        shutil.rmtree(root, ignore_errors=True)


def test_a_replica(cluster: Cluster) -> None:
    with cluster.database() as url:
        create_tables(url)
        with standby(cluster) as replica:
            copy = replica.url(url.rpartition("/")[2])
            wait_until_up(copy)
            with PostgresOutbox(copy) as outbox:
                for put in PUTS:
                    with pytest.raises(OutboxError, match="read-only"):
                        put(outbox, copy, "order 7")
        assert not has_entries(url)


def test_a_user_without_the_permission(cluster: Cluster, database: str) -> None:
    change(
        database,
        "DROP ROLE IF EXISTS nobody_at_all",
        "CREATE ROLE nobody_at_all LOGIN",
    )
    url = database.replace("engage@", "nobody_at_all@")
    with PostgresOutbox(url) as outbox:
        for put in PUTS:
            with pytest.raises(OutboxError, match=r"GRANT|Grant"):
                put(outbox, url, "order 7")
    assert not has_entries(database)


def test_the_permissions_that_the_message_names_are_enough(database: str) -> None:
    change(
        database,
        "DROP ROLE IF EXISTS shop_worker",
        "CREATE ROLE shop_worker LOGIN",
        "GRANT USAGE ON SCHEMA public TO shop_worker",
        *(
            f"GRANT SELECT, INSERT, UPDATE, DELETE ON engage_{name} TO shop_worker"
            for name in ("outbox", "entries", "leases", "receipts", "keys", "rates")
        ),
        "GRANT USAGE ON SEQUENCE engage_entries_id_seq TO shop_worker",
    )
    url = database.replace("engage@", "shop_worker@")
    with PostgresOutbox(url) as outbox:
        for put in PUTS:
            put(outbox, url, None)
            put(outbox, url, f"order of {put.__name__}")
        outbox.discard(next(outbox.entries()).id)
        assert outbox.purge(CONTACT) == 1
    change(database, "DROP OWNED BY shop_worker", "DROP ROLE shop_worker")


def test_the_message_names_what_is_missing(cluster: Cluster) -> None:
    with cluster.database() as url, PostgresOutbox(url) as outbox:
        for put in PUTS[1:]:
            with pytest.raises(OutboxError, match=r"\(.*engage_.* does not exist\)"):
                put(outbox, url, "order 7")


def test_connections_in_autocommit_mode(database: str) -> None:
    engine = sqlalchemy.create_engine(
        database.replace("postgresql:", "postgresql+psycopg:"),
        poolclass=NullPool,
        isolation_level="AUTOCOMMIT",
    )
    with PostgresOutbox(database) as outbox:
        with (
            closing(psycopg.connect(database, autocommit=True)) as connection,
            pytest.raises(OutboxError, match="autocommit"),
        ):
            outbox.put(CONTACT, COAT, connection=connection)
        for source in (engine.connect(), Session(engine)):
            with source, pytest.raises(OutboxError, match="autocommit"):
                outbox.put(CONTACT, COAT, connection=source)
        usual = sqlalchemy.create_engine(engine.url, poolclass=NullPool)
        with usual.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT")
            with pytest.raises(OutboxError, match="autocommit"):
                outbox.put(CONTACT, COAT, connection=connection)
    assert not has_entries(database)


@pytest.mark.parametrize("driver", ["psycopg", "asyncpg"])
def test_connections_of_asyncio_in_autocommit_mode(database: str, driver: str) -> None:
    async def use(outbox: PostgresOutbox) -> None:
        engine = create_async_engine(
            database.replace("postgresql:", f"postgresql+{driver}:"),
            poolclass=NullPool,
            isolation_level="AUTOCOMMIT",
        )
        async with AsyncSession(engine) as session, engine.connect() as connection:
            for source in (session, connection):
                with pytest.raises(OutboxError, match="autocommit"):
                    await outbox.put_async(CONTACT, COAT, connection=source)
        async with await psycopg.AsyncConnection.connect(database, autocommit=True) as plain:
            with pytest.raises(OutboxError, match="autocommit"):
                await outbox.put_async(CONTACT, COAT, connection=plain)

    with PostgresOutbox(database) as outbox:
        asyncio.run(use(outbox))
    assert not has_entries(database)


class Connection:
    """Like that of a library that is not supported: psycopg2, pg8000."""

    autocommit = False

    def cursor(self) -> None:
        raise AssertionError("used")

    execute = commit = cursor


UNSUPPORTED: list[object] = [
    *(Connection(), SimpleNamespace(execute=print), object(), "postgresql://", 7),
    *(psycopg, sqlalchemy, Session, psycopg.Connection),
]


@pytest.mark.parametrize("connection", UNSUPPORTED, ids=lambda value: type(value).__name__)
def test_connections_that_are_not_supported(database: str, connection: object) -> None:
    with PostgresOutbox(database) as outbox:
        with pytest.raises(ConfigurationError, match="not supported"):
            outbox.put(CONTACT, COAT, connection=connection)
        with pytest.raises(ConfigurationError, match="not supported"):
            asyncio.run(outbox.put_async(CONTACT, COAT, connection=connection))
    assert not has_entries(database)


def test_connections_to_sqlite(database: str) -> None:
    engine = sqlalchemy.create_engine("sqlite://")
    with PostgresOutbox(database) as outbox:
        for source in (engine.connect(), Session(engine)):
            with source, pytest.raises(ConfigurationError, match="PostgreSQL"):
                outbox.put(CONTACT, COAT, connection=source)
    engine.dispose()


def test_connections_of_the_other_kind(database: str) -> None:
    async def use(outbox: PostgresOutbox) -> None:
        engine = create_async_engine(database.replace("postgresql:", "postgresql+psycopg:"))
        async with (
            AsyncSession(engine) as session,
            await psycopg.AsyncConnection.connect(database) as connection,
        ):
            for source in (session, connection):
                with pytest.raises(ConfigurationError, match="put_async"):
                    outbox.put(CONTACT, COAT, connection=source)
            with pytest.raises(ConfigurationError, match="Call put"):
                await outbox.put_async(CONTACT, COAT, connection=session.sync_session)
        with (
            psycopg.connect(database) as plain,
            pytest.raises(ConfigurationError, match="Call put"),
        ):
            await outbox.put_async(CONTACT, COAT, connection=plain)
        await engine.dispose()

    with PostgresOutbox(database) as outbox:
        asyncio.run(use(outbox))
    assert not has_entries(database)


@pytest.mark.parametrize("contact", ["", "a\0b", "\ud800", "anna@example.com", None])
def test_contacts_that_cannot_be_sent(database: str, contact: Any) -> None:
    with PostgresOutbox(database) as outbox, closing(psycopg.connect(database)) as connection:
        for source in (None, connection):
            with pytest.raises(InvalidPayloadError):
                outbox.put(contact, COAT, connection=source)
    assert not has_entries(database)


@pytest.mark.parametrize("text", ["a\0b", "%s :name @entries <created_second>", "\U0001f9e5"])
def test_texts_arrive_as_they_are(database: str, text: str) -> None:
    with PostgresOutbox(database) as outbox:
        coat = Favourite(product_sku=text)
        with psycopg.connect(database) as connection:
            outbox.put(CONTACT, coat, connection=connection)
        (entry,) = outbox.entries()
        assert entry.payload == coat.to_payload()


class Base(DeclarativeBase):
    pass


class Order(Base):
    """An order whose table does not exist."""

    __tablename__ = "orders"
    number: Mapped[int] = mapped_column(primary_key=True)


def test_an_error_of_a_pending_object_is_not_taken_for_one_of_the_put(database: str) -> None:
    engine = sqlalchemy.create_engine(
        database.replace("postgresql:", "postgresql+psycopg:"), poolclass=NullPool
    )
    with PostgresOutbox(database) as outbox, Session(engine) as session:
        session.add(Order(number=1))
        outbox.put(CONTACT, COAT, connection=session)
        with pytest.raises(ProgrammingError, match="orders"):
            session.commit()
    assert not has_entries(database)


def test_other_errors_of_the_database_are_those_of_the_library(database: str) -> None:
    with PostgresOutbox(database) as outbox, closing(psycopg.connect(database)) as connection:
        with pytest.raises(psycopg.errors.DivisionByZero):
            connection.execute("SELECT 1 / 0")
        with pytest.raises(psycopg.errors.InFailedSqlTransaction):
            outbox.put(CONTACT, COAT, connection=connection)
