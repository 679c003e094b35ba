"""The errors of the file as errors of the outbox."""

import os
import sqlite3
from collections.abc import Generator
from contextlib import contextmanager

from ..errors import DiskFullError, OutboxError

REPLACED = (
    "the file was moved, deleted or replaced while it was open, or its write-ahead log was. The "
    "next use opens the file that is at the path by then."
)


DAMAGED_FILE = "the file is damaged. Move it away, and restore a backup."


FAILURES = (sqlite3.Error, OSError, UnicodeDecodeError)
"""What using the file can raise. SQLite quotes damaged text in its messages."""


@contextmanager
def convert_errors(path: str) -> Generator[None]:
    """Raise `OutboxError` for the errors of the database and of the operating system."""
    failure: OutboxError | None = None
    try:
        yield
    except FAILURES as error:
        failure = failure_of(path, error)
    if failure:
        raise failure


def failure_of(path: str, error: Exception) -> OutboxError:
    """Return the `OutboxError` for an error of the database or of the operating system."""
    if os.path.exists(path) and not os.access(path, os.R_OK | os.W_OK):
        return OutboxError(f"{path}: this user may not use the file. Run as its owner.")
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_FULL:
        return DiskFullError(f"{path}: {error}")
    # After an error of the disk, a part of the transaction may be in the write-ahead log.
    is_uncertain = code == sqlite3.SQLITE_IOERR
    more = ". The change may be in the file nevertheless." if is_uncertain else ""
    return OutboxError(f"{path}: {error}{more}", may_be_stored=is_uncertain)
