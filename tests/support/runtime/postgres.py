"""The outbox of the tests in PostgreSQL, whose database goes by the clock of the test."""

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import psycopg

from engage_interactions import Receipt
from engage_interactions.outbox import Delivery
from engage_interactions.postgres import PostgresOutbox, create_tables
from tests.support.postgres import Cluster
from tests.support.runtime.clocks import FakeClock
from tests.support.runtime.outbox import OutboxRig

CLOCK = """
CREATE SCHEMA fake;
CREATE TABLE fake.clock (now timestamptz NOT NULL);
INSERT INTO fake.clock VALUES (%s);
CREATE FUNCTION fake.clock_timestamp() RETURNS timestamptz
    LANGUAGE sql VOLATILE AS 'SELECT now FROM fake.clock';
"""
OPTIONS = quote("-csearch_path=fake,public,pg_catalog")


class DatabaseClock(FakeClock):
    """A clock that a database goes by as well: its function shadows that of PostgreSQL."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._connection = psycopg.connect(
            url, autocommit=True, cursor_factory=psycopg.ClientCursor
        )
        self._connection.execute(CLOCK, [super().now()])

    def sleep(self, seconds: float, stop: object = None) -> None:
        super().sleep(seconds)
        self.write()

    def write(self) -> None:
        self._connection.execute("UPDATE fake.clock SET now = %s", [self.now()])

    def close(self) -> None:
        self._connection.close()


@dataclass
class PostgresRig(OutboxRig):
    """An outbox in a database, with a client, a platform and a clock."""

    url: str = ""
    prefix: str = "engage_"
    path: Path = Path("/nonexistent")
    clock: FakeClock = field(default_factory=FakeClock)

    def open(self) -> PostgresOutbox:
        return PostgresOutbox(
            self.url,
            prefix=self.prefix,
            retry=self.policy,
            clock=self.clock,
            lease=timedelta(seconds=2),
        )

    def deliver(
        self,
        after: float = 0.0,
        stop: threading.Event | None = None,
        on_receipt: Callable[[int, Receipt], object] | None = None,
    ) -> Delivery:
        assert isinstance(self.clock, DatabaseClock)
        self.clock.write()  # Its start may have been changed.
        return super().deliver(after, stop, on_receipt)


@contextmanager
def postgres_rig(cluster: Cluster) -> Generator[PostgresRig]:
    """An outbox in a database of its own."""
    with cluster.database() as plain:
        clock = DatabaseClock(plain)
        url = f"{plain}?options={OPTIONS}"
        create_tables(url)
        rig = PostgresRig(url=url, clock=clock)
        try:
            yield rig
        finally:
            rig.close()
            clock.close()
