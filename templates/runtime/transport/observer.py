"""Events of a client for logs, metrics and traces, without payloads, ids and the key."""

import logging
from collections.abc import Generator
from contextlib import contextmanager
from typing import Protocol

LOGGER = logging.getLogger(__name__.partition("._runtime")[0])
"""The logger with the name of the package. DEBUG: every request. INFO: every wait for a retry or a
lookup."""


class Observer(Protocol):
    """Receives the events of a client.

    The client logs an exception that a method raises and ignores it: a bug in metrics must not cost
    a receipt. `route` is a path without ids, ``interactions`` or ``interactions/{id}``. `seconds`
    are durations.
    """

    def attempted(self, method: str, route: str, status: int | None, seconds: float) -> None:
        """A request ended; `status` is None if Engage did not answer it."""
        ...

    def waited(self, reason: str, seconds: float) -> None:
        """The client waited before a request; `reason` is "rate limit", "retry" or "lookup"."""
        ...

    def finished(self, operation: str, schema_id: str, outcome: str, seconds: float) -> None:
        """A call ended.

        `operation` is "send", "get", "list" or "delete", and `outcome` is "ok" or the name of an
        error class.
        """
        ...


class GuardedObserver:
    """Passes events on to an observer, and logs the exceptions that it raises."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer

    def attempted(self, method: str, route: str, status: int | None, seconds: float) -> None:
        with _log_exceptions():
            self._observer.attempted(method, route, status, seconds)

    def waited(self, reason: str, seconds: float) -> None:
        with _log_exceptions():
            self._observer.waited(reason, seconds)

    def finished(self, operation: str, schema_id: str, outcome: str, seconds: float) -> None:
        with _log_exceptions():
            self._observer.finished(operation, schema_id, outcome, seconds)


@contextmanager
def _log_exceptions() -> Generator[None]:
    try:
        yield
    except Exception:
        LOGGER.exception("The observer of the client raised an exception.")


class LogObserver:
    """The default observer: logs to `LOGGER`."""

    def attempted(self, method: str, route: str, status: int | None, seconds: float) -> None:
        LOGGER.debug("%s %s: %s after %.3f s", method, route, status or "no answer", seconds)

    def waited(self, reason: str, seconds: float) -> None:
        level = logging.DEBUG if reason == "rate limit" else logging.INFO
        LOGGER.log(level, "Waited %.3f s (%s).", seconds, reason)

    def finished(self, operation: str, schema_id: str, outcome: str, seconds: float) -> None:
        subject = f"{operation} of {schema_id}" if schema_id else operation
        LOGGER.debug("%s: %s after %.3f s", subject, outcome, seconds)
