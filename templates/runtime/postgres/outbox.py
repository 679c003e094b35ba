"""The outbox of several machines: tables that all of them put into and deliver from."""

from collections.abc import Callable
from datetime import datetime, timedelta

from ..call.ids import ContactId
from ..call.retry import RetryPolicy
from ..errors import ConfigurationError
from ..outbox.base import KEEP_RECEIPTS, SCHEMA_WAIT, BaseOutbox
from ..outbox.drafts import make_draft
from ..outbox.errors import OutboxError
from ..outbox.observer import OutboxObserver
from ..payload.types import Payload
from ..transport.clock import SYSTEM_CLOCK, Clock
from .application import put_with, put_with_async
from .connections import Connections, close_quietly
from .deliveries import LONGEST_LEASE
from .driver import Connection, Parameters, connect
from .failures import convert_errors
from .puts import put_statement
from .store import PostgresStore
from .tables import VERSION, Tables

_SHORTEST_LEASE = 2.0


class PostgresOutbox(BaseOutbox):
    """Interactions in PostgreSQL 15 or later, on their way to Engage.

    Any number of threads and processes, on any number of machines, can put and deliver. After a
    fork, and when it is pickled, the outbox opens connections of its own. It needs psycopg 3 and
    the tables that `create_tables` creates. All methods raise `OutboxError`.

    Args:
        conninfo: The database, as a URL like ``postgresql://shop@db/shop`` or as libpq's keywords.
        schema: The schema of the tables in the database.
        prefix: The beginning of the names of the tables.
        retry: The retry policy of the delivery. Defaults to `RetryPolicy.background()`. The last
            delay repeats for entries that certainly were not sent, and for lookups that fail.
        lease: How long a process that delivers has an entry for itself. It must outlast a request
            with its timeout twice. The entries of a process that is gone wait for so long.
        keep_receipts: How long the database remembers what was delivered, for lookups and for the
            keys of `put`. None keeps it for good.
        schema_wait: How long an entry waits for a schema that the tenant does not have.
        observer: Receives the events of the outbox.
        clock: Replaces the system's clock in tests. Leases and delays go by that of the database.

    Raises:
        ConfigurationError: An argument cannot work, or psycopg is missing.
    """

    def __init__(
        self,
        conninfo: str,
        *,
        schema: str = "public",
        prefix: str = "engage_",
        retry: RetryPolicy | None = None,
        lease: timedelta = timedelta(seconds=90),
        keep_receipts: timedelta | None = KEEP_RECEIPTS,
        schema_wait: timedelta = SCHEMA_WAIT,
        observer: OutboxObserver | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        if not _SHORTEST_LEASE <= lease.total_seconds() <= LONGEST_LEASE:
            raise ConfigurationError(
                f"The lease must be from {_SHORTEST_LEASE:.0f} to {LONGEST_LEASE:.0f} seconds, "
                f"not {lease}."
            )
        self._tables = Tables(schema, prefix)
        keep_seconds = None if keep_receipts is None else keep_receipts.total_seconds()
        connections = Connections(conninfo, self._tables)
        store = PostgresStore(connections, lease.total_seconds(), keep_seconds)
        super().__init__(
            store, retry=retry, schema_wait=schema_wait, observer=observer, clock=clock
        )
        self._settings = (
            *(conninfo, schema, prefix, retry, lease),
            *(keep_receipts, schema_wait, observer, clock),
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._store.name})"

    def put(
        self,
        contact_id: ContactId,
        payload: Payload,
        *,
        created_date: datetime | None = None,
        key: str | int | None = None,
        connection: object = None,
    ) -> int:
        """Put an interaction and return the id of its entry.

        Args:
            contact_id: The id of the contact in Engage.
            payload: An instance of a payload class of this package.
            created_date: When the interaction happened, with a time zone. Defaults to now.
            key: Identifies the interaction, like the number of an order line. A second put with the
                key returns the entry of the first one, for as long as receipts are kept. If the
                first was discarded, or it was rejected and the payload is another one, the new one
                takes its place. A put of another transaction with the key is waited for.
            connection: Puts the interaction in your transaction: it is delivered once you commit,
                and does not exist if you roll back. A connection of psycopg 3, a connection or
                session of SQLAlchemy 2, or ``django.db.connection``. By default, the interaction is
                put in a transaction of its own.

        Raises:
            InvalidPayloadError: The interaction cannot be sent.
            KeyConflictError: Another payload was put with this key.
            OutboxError: The database cannot be used, or the connection is in autocommit mode
                without a transaction. Nothing was put, unless `may_be_stored` is true. Other errors
                of your connection are those of its library.
            ConfigurationError: A connection of this type is not supported.
        """
        draft = make_draft(self._dates, contact_id, payload, created_date, key)
        if connection is None:
            return self._put([draft])[0]
        entry_id = put_with(self._tables, connection, draft)
        self._options.observer.put(draft.interaction.schema_id)
        return entry_id

    async def put_async(
        self,
        contact_id: ContactId,
        payload: Payload,
        *,
        created_date: datetime | None = None,
        key: str | int | None = None,
        connection: object = None,
    ) -> int:
        """Put an interaction with asyncio and return the id of its entry.

        The arguments and errors are those of `put`. `connection` is a connection for asyncio of
        psycopg 3, or a connection or session for asyncio of SQLAlchemy 2.
        """
        draft = make_draft(self._dates, contact_id, payload, created_date, key)
        if connection is None:
            import asyncio

            return (await asyncio.to_thread(self._put, [draft]))[0]
        entry_id = await put_with_async(self._tables, connection, draft)
        self._options.observer.put(draft.interaction.schema_id)
        return entry_id

    def insert(
        self,
        contact_id: ContactId,
        payload: Payload,
        *,
        created_date: datetime | None = None,
        key: str | int | None = None,
    ) -> tuple[str, Parameters]:
        """Return the SQL that puts an interaction, and its parameters, for any other driver.

        The parameters are written like ``%(name)s``. The statement returns one row: the id of the
        entry, and whether the payload is that of the first put with the key.

        Raises:
            InvalidPayloadError: The interaction cannot be sent.
        """
        return put_statement(
            self._tables, make_draft(self._dates, contact_id, payload, created_date, key)
        )

    def __reduce__(self) -> tuple[Callable[..., "PostgresOutbox"], tuple[object, ...]]:
        return _reopen, self._settings


def _reopen(
    conninfo: str,
    schema: str,
    prefix: str,
    retry: RetryPolicy | None,
    lease: timedelta,
    keep_receipts: timedelta | None,
    schema_wait: timedelta,
    observer: OutboxObserver | None,
    clock: Clock,
) -> PostgresOutbox:
    """Open the outbox that was pickled in another process."""
    return PostgresOutbox(
        conninfo,
        schema=schema,
        prefix=prefix,
        retry=retry,
        lease=lease,
        keep_receipts=keep_receipts,
        schema_wait=schema_wait,
        observer=observer,
        clock=clock,
    )


def create_tables(conninfo: str, *, schema: str = "public", prefix: str = "engage_") -> bool:
    """Create the tables of the outbox and of the rate limiter, or upgrade older ones.

    Returns False if they are there already. Processes can call it at the same time.

    Raises:
        OutboxError: The database cannot be used, or the tables are of a newer version.
        ConfigurationError: An argument cannot work, or psycopg is missing.
    """
    tables = Tables(schema, prefix)
    with convert_errors(tables):
        connection = connect(conninfo, "engage outbox: creates tables")
        try:
            with connection.transaction():
                return _create(connection, tables)
        finally:
            close_quietly(connection)


def _create(connection: Connection, tables: Tables) -> bool:
    name = tables.sql("@outbox")
    # Held until the end of the transaction, against others that create the same tables.
    connection.execute("SELECT pg_advisory_xact_lock(hashtext(%(name)s))", {"name": name})
    row = connection.execute("SELECT to_regclass(%(name)s)::text", {"name": name}).fetchone()
    if row is None or row[0] is None:
        connection.execute(tables.definition())
        return True
    version = connection.execute(tables.sql("SELECT version FROM @outbox")).fetchone()
    if version is None or version[0] != VERSION:
        raise OutboxError(
            f"{name}: the tables are of another version than {VERSION}. Use the package that "
            "created them, or generate this one again with a newer tool."
        )
    return False


def tables_sql(*, schema: str = "public", prefix: str = "engage_") -> str:
    """Return the SQL that creates the tables, for migrations of your own.

    Raises:
        ConfigurationError: An argument cannot work.
    """
    return Tables(schema, prefix).definition()


def drop_sql(*, schema: str = "public", prefix: str = "engage_") -> str:
    """Return the SQL that drops the tables, with all entries that wait in them.

    Raises:
        ConfigurationError: An argument cannot work.
    """
    return Tables(schema, prefix).removal()
