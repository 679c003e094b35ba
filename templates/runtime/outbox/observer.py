"""Events of an outbox for metrics, without payloads, ids and keys."""

from collections.abc import Callable
from typing import Protocol

from ..transport.observer import LOGGER


class OutboxObserver(Protocol):
    """Receives the events of an outbox, from several threads.

    An exception that a method raises is logged and ignored. `seconds` are durations.
    """

    def put(self, schema_id: str) -> None:
        """An entry was put. In a transaction of yours, it exists once that is committed."""
        ...

    def posted(self, schema_id: str) -> None:
        """An entry is about to be posted, for the first or the second time."""
        ...

    def looked_up(self, schema_id: str, is_found: bool) -> None:
        """A lookup was answered. `is_found` is True if an interaction may be the one."""
        ...

    def delivered(self, schema_id: str, seconds: float) -> None:
        """An entry was delivered, `seconds` after it was put."""
        ...

    def oldest(self, seconds: float) -> None:
        """A delivery begins. The oldest entry that is not delivered was put `seconds` ago, or 0."""
        ...


class NoOutboxObserver:
    """The default observer, which ignores all events."""

    def put(self, schema_id: str) -> None:
        pass

    def posted(self, schema_id: str) -> None:
        pass

    def looked_up(self, schema_id: str, is_found: bool) -> None:
        pass

    def delivered(self, schema_id: str, seconds: float) -> None:
        pass

    def oldest(self, seconds: float) -> None:
        pass


class GuardedOutboxObserver:
    """Passes events on to an observer, and logs the exceptions that it raises."""

    def __init__(self, observer: OutboxObserver) -> None:
        self._observer = observer

    def put(self, schema_id: str) -> None:
        self._pass_on(lambda: self._observer.put(schema_id))

    def posted(self, schema_id: str) -> None:
        self._pass_on(lambda: self._observer.posted(schema_id))

    def looked_up(self, schema_id: str, is_found: bool) -> None:
        self._pass_on(lambda: self._observer.looked_up(schema_id, is_found))

    def delivered(self, schema_id: str, seconds: float) -> None:
        self._pass_on(lambda: self._observer.delivered(schema_id, seconds))

    def oldest(self, seconds: float) -> None:
        self._pass_on(lambda: self._observer.oldest(seconds))

    def _pass_on(self, event: Callable[[], None]) -> None:
        try:
            event()
        except Exception:
            LOGGER.exception("The observer of the outbox raised an exception.")
