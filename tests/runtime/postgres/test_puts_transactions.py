"""Of many transactions with an order and a put each, exactly the committed ones arrive."""

import asyncio
import json
import random
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
import sqlalchemy
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session

from engage_interactions import EngageClient
from engage_interactions.favourite import Favourite
from engage_interactions.postgres import PostgresOutbox
from tests.support.postgres import Cluster
from tests.support.runtime.clocks import FakeClock
from tests.support.runtime.django_project import DjangoProject
from tests.support.runtime.http_library import httpx
from tests.support.runtime.outbox import FaultyPlatform
from tests.support.runtime.platform import CONTACT
from tests.support.tiers import IS_FULL

pytestmark = [pytest.mark.postgres, pytest.mark.slow]

TRANSACTIONS = 1000 if IS_FULL else 100
ROLLED_BACK = {*random.Random(7).sample(range(TRANSACTIONS), TRANSACTIONS // 5)}
"""The numbers of the transactions that are rolled back, in one of three ways."""
COMMITTED = [number for number in range(TRANSACTIONS) if number not in ROLLED_BACK]
INSERT = "INSERT INTO orders VALUES ({})"


class RefusedError(Exception):
    """Ends a transaction."""


def interaction(number: int) -> Favourite:
    return Favourite(product_sku="8810-42", price=number)


def with_psycopg(outbox: PostgresOutbox, database: str) -> None:
    connection = psycopg.connect(database)
    for number in range(TRANSACTIONS):
        connection.execute(INSERT.format(number).encode())
        outbox.put(CONTACT, interaction(number), key=number, connection=connection)
        if number not in ROLLED_BACK:
            connection.commit()
        elif number % 3 == 0:
            connection.rollback()
        elif number % 3 == 1:
            connection.close()
            connection = psycopg.connect(database)
        else:
            with suppress(psycopg.errors.SyntaxError):
                connection.execute("no SQL")
            connection.commit()  # which PostgreSQL makes a rollback of
    connection.close()


def with_sqlalchemy(outbox: PostgresOutbox, database: str) -> None:
    engine = sqlalchemy.create_engine(database.replace("postgresql:", "postgresql+psycopg:"))
    for number in range(TRANSACTIONS):
        with suppress(RefusedError), Session(engine) as session, session.begin():
            session.execute(sqlalchemy.text(INSERT.format(number)))
            outbox.put(CONTACT, interaction(number), key=number, connection=session)
            if number in ROLLED_BACK:
                if number % 2:
                    session.rollback()
                else:
                    raise RefusedError
    engine.dispose()


def with_asyncio(driver: str) -> Callable[[PostgresOutbox, str], None]:
    async def place(outbox: PostgresOutbox, database: str) -> None:
        engine = create_async_engine(database.replace("postgresql:", f"postgresql+{driver}:"))

        async def place_one(number: int) -> None:
            with suppress(RefusedError):
                async with AsyncSession(engine) as session, session.begin():
                    await session.execute(sqlalchemy.text(INSERT.format(number)))
                    await outbox.put_async(
                        CONTACT, interaction(number), key=number, connection=session
                    )
                    if number in ROLLED_BACK:
                        raise RefusedError

        for first in range(0, TRANSACTIONS, 5):
            await asyncio.gather(*map(place_one, range(first, first + 5)))
        await engine.dispose()

    def use(outbox: PostgresOutbox, database: str) -> None:
        asyncio.run(place(outbox, database))

    return use


LIBRARIES = {
    "psycopg": with_psycopg,
    "SQLAlchemy": with_sqlalchemy,
    "SQLAlchemy with psycopg and asyncio": with_asyncio("psycopg"),
    "SQLAlchemy with asyncpg": with_asyncio("asyncpg"),
}


def deliver_all(outbox: PostgresOutbox) -> list[int]:
    """Deliver, and return the numbers of what arrived."""
    platform = FaultyPlatform(FakeClock())
    http = httpx.Client(transport=httpx.MockTransport(platform))
    with EngageClient(
        "https://acme.voyado.com", api_key="k", user_agent="a/1", rate=1_000_000, http=http
    ) as client:
        while outbox.status().waiting:
            assert outbox.deliver(client).stopped is None
    return sorted(item["payload"]["price"] for item in platform.stored)


def read_orders(database: str, table: str = "orders") -> list[int]:
    with psycopg.connect(database) as connection:
        rows = connection.execute(f"SELECT number FROM {table} ORDER BY number".encode())
        return [number for (number,) in rows]


@pytest.mark.parametrize("library", LIBRARIES)
def test_exactly_the_committed_ones_arrive(database: str, library: str) -> None:
    with psycopg.connect(database) as connection:
        connection.execute("CREATE TABLE orders (number integer)")
    with PostgresOutbox(database) as outbox:
        LIBRARIES[library](outbox, database)
        assert deliver_all(outbox) == read_orders(database) == COMMITTED


PLACE = """
import json
import sys

import django

django.setup()

from django.db import connection, connections, transaction

from engage_interactions import ConfigurationError
from engage_interactions.favourite import Favourite
from engage_interactions.outbox import KeyConflictError, OutboxError
from engage_interactions.postgres import PostgresOutbox
from orders.models import Order

contact, url, transactions, rolled_back = json.loads(sys.argv[1])
outbox = PostgresOutbox(url)


def place(number):
    Order.objects.create(number=number)
    payload = Favourite(product_sku="8810-42", price=number)
    source = connection if number % 2 else connections["default"]
    return outbox.put(contact, payload, key=number, connection=source)


for number in range(transactions):
    try:
        with transaction.atomic():
            place(number)
            # A savepoint that is rolled back.
            try:
                with transaction.atomic():
                    place(number + 1_000_000)
                    raise LookupError
            except LookupError:
                pass
            if number in rolled_back and number % 2:
                transaction.set_rollback(True)
            elif number in rolled_back:
                raise LookupError
    except LookupError:
        pass

refused = []
payload = Favourite(product_sku="8810-42", price=7_000_000)
for source in (connection, connections["file"]):
    try:
        outbox.put(contact, payload, connection=source)
    except (ConfigurationError, OutboxError) as error:
        refused.append(str(error))
with transaction.atomic():
    for key in (max({*range(transactions)} - {*rolled_back}), "new"):
        try:
            outbox.put(contact, payload, key=key, connection=connection)
        except KeyConflictError as error:
            refused.append(str(error))
    transaction.set_rollback(True)
transaction.set_autocommit(False)
outbox.put(contact, payload, connection=connection)
transaction.rollback()
transaction.set_autocommit(True)
with connection.cursor() as cursor:
    cursor.execute("ALTER TABLE engage_outbox RENAME TO engage_outbox_2")
try:
    with transaction.atomic():
        outbox.put(contact, payload, connection=connection)
except OutboxError as error:
    refused.append(str(error))
with connection.cursor() as cursor:
    cursor.execute("ALTER TABLE engage_outbox_2 RENAME TO engage_outbox")
print(json.dumps(refused))
"""


@pytest.mark.parametrize("server_side_binding", [False, True])
def test_exactly_the_committed_ones_of_a_django_project_arrive(
    cluster: Cluster, tmp_path: Path, server_side_binding: bool
) -> None:
    with cluster.database() as database:
        project = DjangoProject(tmp_path, database, server_side_binding=server_side_binding)
        project.manage("migrate", "--verbosity", "0")
        arguments = [CONTACT, database, TRANSACTIONS, sorted(ROLLED_BACK)]
        autocommit, file, conflict, tables = json.loads(
            project.run("-c", PLACE, json.dumps(arguments))
        )
        assert "autocommit" in autocommit
        assert "PostgreSQL" in file
        assert "key" in conflict
        assert "create_tables" in tables
        with PostgresOutbox(database) as outbox:
            assert deliver_all(outbox) == read_orders(database, "orders_order") == COMMITTED
