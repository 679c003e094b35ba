"""What happens on the way, for logs, metrics and traces. No payload, id or key is in any of it."""

import logging
from collections.abc import Generator
from contextlib import contextmanager
from typing import Protocol

LOGGER = logging.getLogger(__name__.partition("._runtime")[0])
"""Named after the package. DEBUG: every request. INFO: every wait for a retry or a look."""


class Observer(Protocol):
    """Is told of everything. What it raises is logged and goes no further: a send must not lose
    its receipt to a metric.

    `route` is a path without ids: ``interactions`` or ``interactions/{id}``. Times are in seconds.
    """

    def attempted(self, method: str, route: str, status: int | None, seconds: float) -> None:
        """A request was answered, or not (`status` is None)."""
        ...

    def waited(self, reason: str, seconds: float) -> None:
        """Time went by before a request: `reason` is pace, retry or look."""
        ...

    def finished(self, operation: str, schema_id: str, outcome: str, seconds: float) -> None:
        """A call ended: `operation` is send, get, list or delete, `outcome` is ok or the name of
        an error class."""
        ...


class Guarded:
    """An observer that cannot do harm."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer

    def attempted(self, method: str, route: str, status: int | None, seconds: float) -> None:
        with _logged():
            self._observer.attempted(method, route, status, seconds)

    def waited(self, reason: str, seconds: float) -> None:
        with _logged():
            self._observer.waited(reason, seconds)

    def finished(self, operation: str, schema_id: str, outcome: str, seconds: float) -> None:
        with _logged():
            self._observer.finished(operation, schema_id, outcome, seconds)


@contextmanager
def _logged() -> Generator[None]:
    try:
        yield
    except Exception:
        LOGGER.exception("the observer failed")


class LogObserver:
    """The default: the standard library's logging."""

    def attempted(self, method: str, route: str, status: int | None, seconds: float) -> None:
        LOGGER.debug("%s %s: %s after %.3f s", method, route, status or "no answer", seconds)

    def waited(self, reason: str, seconds: float) -> None:
        level = logging.DEBUG if reason == "pace" else logging.INFO
        LOGGER.log(level, "waited %.3f s for %s", seconds, reason)

    def finished(self, operation: str, schema_id: str, outcome: str, seconds: float) -> None:
        LOGGER.debug("%s of %s: %s after %.3f s", operation, schema_id or "one", outcome, seconds)
