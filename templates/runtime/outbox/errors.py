"""The errors of an outbox."""

import os
import sqlite3
from collections.abc import Generator
from contextlib import contextmanager

from ..errors import EngageError


class AlreadyDeliveringError(EngageError):
    """Another process or thread is delivering from this outbox.

    Nothing was delivered by this call. Try again later.
    """


class OutboxError(EngageError):
    """The file of the outbox cannot be used.

    The disk is full, a folder is missing, the file is damaged, was moved or deleted, or it is not
    an outbox. A `put` that raises this error has stored nothing, unless `may_be_stored` is true:
    then the disk reported an error so late that the entry may be in the file. In that case look for
    it with `entries`, and put it again if it is not there.
    """

    def __init__(self, message: str, may_be_stored: bool = False) -> None:
        super().__init__(message)
        self.may_be_stored = may_be_stored


class DiskFullError(OutboxError):
    """The disk is full. Nothing was changed."""


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
