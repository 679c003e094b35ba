"""The only importer of psycopg, which a project adds if it uses PostgreSQL.

The interfaces are those of psycopg 3.2, as far as this package uses them, so that the package can
be imported and checked without it.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import cache
from importlib import import_module
from typing import Protocol, TypeAlias, cast

from ..errors import ConfigurationError

Value: TypeAlias = str | bytes | int | float | bool | Sequence[str] | Sequence[int] | None
Parameters: TypeAlias = Mapping[str, Value]

MISSING = (
    'PostgreSQL needs psycopg 3. Add "psycopg[binary]>=3.2" to the dependencies of your project.'
)


class Cursor(Protocol):
    """The result of a statement."""

    @property
    def rowcount(self) -> int: ...

    def fetchone(self) -> tuple[object, ...] | None: ...

    def fetchall(self) -> list[tuple[object, ...]]: ...


class Connection(Protocol):
    """A connection in autocommit mode."""

    @property
    def closed(self) -> bool: ...

    def execute(self, query: str, params: Parameters | None = None) -> Cursor: ...

    def transaction(self) -> AbstractContextManager[object]: ...

    def notifies(self, *, timeout: float, stop_after: int) -> Iterable[object]: ...

    def close(self) -> None: ...


class _Driver(Protocol):
    Error: type[Exception]

    def connect(self, conninfo: str, *, autocommit: bool, **options: str | int) -> Connection: ...


@cache
def _driver() -> _Driver:
    try:
        return cast(_Driver, import_module("psycopg"))
    except ImportError:
        pass
    raise ConfigurationError(MISSING)


def driver_error() -> type[Exception]:
    """Return the base class of all errors of the driver. Raises `ConfigurationError`."""
    return _driver().Error


def connect(conninfo: str, application_name: str, seconds: int = 10) -> Connection:
    """Connect in autocommit mode. A server that is gone is noticed after `seconds`.

    Raises `ConfigurationError` without the driver, and `driver_error()`.
    """
    options: dict[str, str | int] = {
        "application_name": application_name,
        "connect_timeout": max(2, seconds // 2),
        "keepalives_idle": 5,
        "keepalives_interval": 2,
        "keepalives_count": 3,
        "tcp_user_timeout": seconds * 1000,
    }
    for name in [name for name in options if f"{name}=" in conninfo]:
        del options[name]
    return _driver().connect(conninfo, autocommit=True, **options)


def sqlstate(error: BaseException) -> str:
    """Return the five characters of an error of the server, or an empty text."""
    return cast(str | None, getattr(error, "sqlstate", None)) or ""
