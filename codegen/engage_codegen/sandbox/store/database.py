"""Where the tenant's memory is: SQLite, in a file or in memory.

One connection and one lock: transactions run one after the other, in whatever thread. A file is
locked for as long as it is open, so a second sandbox cannot share it.
"""

import sqlite3
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

from engage_codegen.errors import InputError
from engage_codegen.sandbox.dates import timestamp
from engage_codegen.sandbox.store.tenant import TABLES, Tenant

_APPLICATION_ID = 0x454E4702  # "ENG", and the version of the tables
_EMPTIED = (
    "runs",
    "automations",
    "blob_storage",
    "arrivals",
    "interactions",
    "schemas",
    "contacts",
)


class Store:
    """The database. `fill` puts the first things into one that is new.

    Raises `InputError` for a file that is no database, belongs to something else, is in use by
    another sandbox or cannot be written.
    """

    def __init__(self, database: Path | None, fill: Callable[[Tenant], None]) -> None:
        self._lock = threading.Lock()
        self._fill = fill
        self._keys: set[str] = set()
        with _input_errors(database):
            self._connection = sqlite3.connect(
                ":memory:" if database is None else database,
                timeout=0,
                isolation_level=None,
                check_same_thread=False,
            )
            try:
                self._open()
            except BaseException:
                self.close()
                raise

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def list_keys(self) -> list[str]:
        """The keys that the API accepts, sorted."""
        return sorted(self._keys)

    def has_key(self, key: str) -> bool:
        """Asked for with every request, and therefore answered from memory."""
        return key in self._keys

    def add_key(self, key: str) -> None:
        """Nothing happens if it is there already."""
        with self.transaction():
            self._connection.execute("INSERT OR IGNORE INTO keys VALUES (?)", (key,))
            self._keys.add(key)

    def delete_key(self, key: str) -> bool:
        """Whether there was one."""
        with self.transaction():
            self._connection.execute("DELETE FROM keys WHERE key = ?", (key,))
            was_there = key in self._keys
            self._keys.discard(key)
        return was_there

    def reset(self) -> None:
        """Empty, and filled again as when it was new; keys stay."""
        with self.transaction() as tenant:
            for table in _EMPTIED:
                self._connection.execute(f"DELETE FROM {table}")  # noqa: S608 - names of ours
            self._fill(tenant)

    @contextmanager
    def transaction(self) -> Generator[Tenant, None, None]:
        """All or nothing; what was written is on the disk when this ends. Does not nest."""
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield Tenant(self._connection)
                self._connection.execute("COMMIT")
            except BaseException:
                self._connection.rollback()
                raise

    def _open(self) -> None:
        execute = self._connection.execute
        execute("PRAGMA locking_mode = EXCLUSIVE")
        owner: int = execute("PRAGMA application_id").fetchone()[0]
        tables: int = execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if owner != _APPLICATION_ID and (owner or tables):
            raise sqlite3.DatabaseError("it belongs to another application or version")
        execute("PRAGMA journal_mode = WAL")
        execute("PRAGMA synchronous = FULL")
        execute("PRAGMA foreign_keys = ON")
        self._connection.create_function("moment", 1, _moment, deterministic=True)
        self._connection.create_function("folded", 1, str.casefold, deterministic=True)
        with self.transaction() as tenant:
            if not tables:
                execute(f"PRAGMA application_id = {_APPLICATION_ID}")
                for statement in TABLES:
                    execute(statement)
                self._fill(tenant)
            self._keys = {row[0] for row in execute("SELECT key FROM keys")}
            lost = "not called: the sandbox was stopped"
            execute("UPDATE runs SET result = ? WHERE result = 'calling'", (lost,))


def _moment(text: object) -> float | None:
    return timestamp(text) if isinstance(text, str) else None


@contextmanager
def _input_errors(database: Path | None) -> Generator[None, None, None]:
    try:
        yield
    except sqlite3.Error as error:
        raise InputError(
            f"The sandbox cannot use this database file: {error}",
            where=str(database),
            fix="name a file that does not exist yet, or one that no other sandbox has open",
        ) from error
