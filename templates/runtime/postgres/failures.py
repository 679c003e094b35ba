"""The errors of the database as errors of the outbox."""

from collections.abc import Generator
from contextlib import contextmanager

from ..outbox.errors import OutboxError
from .driver import driver_error, sqlstate
from .tables import Tables

_OTHER_VERSION = (
    "The tables belong to another version of this package. Call create_tables if they are older, "
    "and generate the package again if they are newer."
)
_WRONG_VALUE = "22P02"
_ADVICE = {
    "42P01": "The database has no tables of an outbox. Call create_tables, or run its SQL.",
    "3F000": "The database has no such schema. Create it, or use another one.",
    "25006": "The database is read-only, like a replica. Connect to the primary.",
    "42501": "This user may not use the tables. Grant it USAGE on their schema, SELECT, INSERT, "
    "UPDATE and DELETE on all of them, and USAGE on the sequence of the entries.",
    "42703": _OTHER_VERSION,
    _WRONG_VALUE: _OTHER_VERSION,  # A put fails on purpose.
    "57P03": "The database is starting, or it is a standby. Try again.",
}
"""SQLSTATE -> what to do. https://www.postgresql.org/docs/current/errcodes-appendix.html"""
_UNUSABLE = ("42P01", "3F000", "25006", "42501", "42703", _WRONG_VALUE)
"""The errors that no second attempt changes."""


@contextmanager
def convert_errors(tables: Tables, *, is_change: bool = True) -> Generator[None]:
    """Raise `OutboxError` for the errors of the database.

    If the connection is lost during a change, it may have been made.
    """
    database_error = driver_error()
    try:
        yield
    except database_error as error:
        raise failure_of(tables, error, is_change=is_change) from None


@contextmanager
def convert_application_errors(tables: Tables) -> Generator[None]:
    """Raise `OutboxError` if the tables cannot be used, whatever library reports it.

    All other errors remain those of the library.
    """
    try:
        yield
    except Exception as error:
        state = _find_sqlstate(error)
        if state not in _UNUSABLE:
            raise
        # The first line has names alone. Those of SQLAlchemy quote the parameters after it, and so
        # does that of a wrong value.
        cause = "" if state == _WRONG_VALUE else f" ({_first_line(error)})"
        raise _describe(tables, f"{_ADVICE[state]}{cause} Nothing was put.") from None


def _find_sqlstate(error: Exception) -> str:
    """Return the SQLSTATE of an error of SQLAlchemy, Django, psycopg or another driver."""
    for source in (error, getattr(error, "orig", None), error.__cause__):
        for name in ("sqlstate", "pgcode"):
            state: object = getattr(source, name, None)
            if isinstance(state, str):
                return state
    return ""


def failure_of(tables: Tables, error: Exception, *, is_change: bool) -> OutboxError:
    """Return the `OutboxError` for an error of the database. Quotes no values."""
    state = sqlstate(error)
    advice = _ADVICE.get(state)
    if advice is None:
        advice = f"The database refused it with SQLSTATE {state}." if state else _UNREACHABLE
        advice = f"{advice} {type(error).__name__}: {_first_line(error)}"
    is_lost = not state or state.startswith(("08", "57P"))
    return _describe(tables, advice, may_be_stored=is_change and is_lost)


def _describe(tables: Tables, text: str, *, may_be_stored: bool = False) -> OutboxError:
    return OutboxError(f"{tables.name}: {text}", may_be_stored)


_UNREACHABLE = "The database cannot be reached, or the connection was lost."


def _first_line(error: Exception) -> str:
    """Return the message without its details, which quote the row."""
    return str(error).partition("\n")[0]
