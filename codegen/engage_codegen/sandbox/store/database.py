"""The SQLite database of the tenant, in a file or in memory.

There is one connection and one lock, so transactions run one after the other, in any thread. A file
is private to its owner, and locked for as long as it is open, so that a second sandbox cannot use
it.
"""

import json
import sqlite3
import threading
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from pathlib import Path

from engage_codegen.errors import InputError
from engage_codegen.sandbox.dates import to_timestamp
from engage_codegen.sandbox.store.arrival_facts import read_ids, sum_up
from engage_codegen.sandbox.store.private_file import hide_from_others, prepare_file
from engage_codegen.sandbox.store.records import DroppedProperty, Violation
from engage_codegen.sandbox.store.tables import APPLICATION_ID, MIGRATIONS, TABLES
from engage_codegen.sandbox.store.tenant import Tenant

_TABLES_TO_RESET = (
    "runs",
    "automations",
    "blob_storage",
    "arrivals",
    "interactions",
    "schemas",
    "contact_changes",
    "contacts",
)


class Store:
    """The database of the tenant. A file of an earlier version gets the current tables.

    Args:
        database: The SQLite file, or None for a database in memory.
        fill: A function that adds the initial data to a new database.

    Raises:
        InputError: The file is not a database, belongs to another application or to a version that
            cannot be read, is used by another sandbox, or cannot be written; or another user owns
            it or may write to it.
    """

    def __init__(self, database: Path | None, fill: Callable[[Tenant], None]) -> None:
        self._lock = threading.Lock()
        self._fill = fill
        self._keys: set[str] = set()
        if database is not None:
            prepare_file(database)
        with _report_unusable_file(database):
            self._connection = sqlite3.connect(
                ":memory:" if database is None else database,
                timeout=0,
                isolation_level=None,
                check_same_thread=False,
            )
            try:
                self._open(database)
            except BaseException:
                self.close()
                raise

    def close(self) -> None:
        """Close the database; a file can then be opened again."""
        with self._lock:
            self._connection.close()

    def list_keys(self) -> list[str]:
        """Return the keys that the API accepts, sorted."""
        return sorted(self._keys)

    def has_key(self, key: str) -> bool:
        """Return True if the API accepts this key. Every request asks, so the keys are cached."""
        return key in self._keys

    def add_key(self, key: str) -> None:
        """Accept a key from now on. Adding a key twice has no effect."""
        with self.transaction():
            self._connection.execute("INSERT OR IGNORE INTO keys VALUES (?)", (key,))
            self._keys.add(key)

    def delete_key(self, key: str) -> bool:
        """Revoke a key. Return False if the API did not accept it anyway."""
        with self.transaction():
            self._connection.execute("DELETE FROM keys WHERE key = ?", (key,))
            existed = key in self._keys
            self._keys.discard(key)
        return existed

    def reset(self) -> None:
        """Delete all data except the keys, and add the initial data again."""
        with self.transaction() as tenant:
            for table in _TABLES_TO_RESET:
                self._connection.execute(f"DELETE FROM {table}")  # noqa: S608 - our own names  # nosec B608
            self._fill(tenant)

    @contextmanager
    def transaction(self) -> Generator[Tenant, None, None]:
        """Run a transaction: all or nothing, and on the disk when the block ends. Does not nest."""
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield Tenant(self._connection)
                self._connection.execute("COMMIT")
            except BaseException:
                self._connection.rollback()
                raise

    def _open(self, database: Path | None) -> None:
        execute = self._connection.execute
        execute("PRAGMA locking_mode = EXCLUSIVE")
        owner: int = execute("PRAGMA application_id").fetchone()[0]
        tables: int = execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if owner not in (APPLICATION_ID, *MIGRATIONS) and (owner or tables):
            raise sqlite3.DatabaseError("the file belongs to another application or version")
        if database is not None:
            hide_from_others(database)
        execute("PRAGMA journal_mode = WAL")
        execute("PRAGMA synchronous = FULL")
        execute("PRAGMA foreign_keys = ON")
        for name, arguments, function in _FUNCTIONS:
            self._connection.create_function(name, arguments, function, deterministic=True)
        with self.transaction() as tenant:
            if not tables:
                self._execute_all(TABLES)
                self._fill(tenant)
            while tables and owner != APPLICATION_ID:
                self._execute_all(MIGRATIONS[owner])
                owner += 1
            execute(f"PRAGMA application_id = {APPLICATION_ID}")
            self._keys = {row[0] for row in execute("SELECT key FROM keys")}
            result = "not called: the sandbox was stopped"
            execute("UPDATE runs SET result = ? WHERE result = 'calling'", (result,))

    def _execute_all(self, statements: Iterable[str]) -> None:
        for statement in statements:
            self._connection.execute(statement)


def _to_timestamp(value: object) -> float | None:
    return to_timestamp(value) if isinstance(value, str) else None


def _read_schema_id(body: bytes) -> str | None:
    return read_ids(body)[0]


def _read_contact_id(body: bytes) -> str | None:
    return read_ids(body)[1]


def _sum_up(violations: str, dropped: str) -> str:
    return sum_up(
        [DroppedProperty(name, None, tuple(rules), "") for name, rules in json.loads(dropped)],
        [Violation(*parts) for parts in json.loads(violations)],
    )


_FUNCTIONS: tuple[tuple[str, int, Callable[..., str | float | None]], ...] = (
    ("timestamp", 1, _to_timestamp),
    ("folded", 1, str.casefold),
    ("schema_of", 1, _read_schema_id),
    ("contact_of", 1, _read_contact_id),
    ("cause_of", 2, _sum_up),
)
"""The functions of our own that queries use."""


@contextmanager
def _report_unusable_file(database: Path | None) -> Generator[None, None, None]:
    try:
        yield
    except sqlite3.Error as error:
        raise InputError(
            f"The sandbox cannot use this database file. {error}",
            where=str(database),
            fix="Name a new file, or a database of this version that no other sandbox has open.",
        ) from error
