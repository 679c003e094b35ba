"""The ids of contacts that were looked up before."""

import threading
from collections import OrderedDict
from typing import TypeAlias

from ..errors import ConfigurationError
from ..transport.forks import reset_in_child
from .ids import ContactId
from .retry import check_seconds

_Key: TypeAlias = tuple[object, ...]


class ContactCache:
    """Remembers the ids that `find_contact` returned, for the clients that it is passed to.

    Remembers no failures, so that a contact is found as soon as it exists. Clients of several
    tenants can share a cache. It keeps the values that you looked for, which are personal data, in
    memory.

    Args:
        max_size: The number of ids to remember. The one that was not used for the longest time is
            forgotten first.
        max_age: The seconds after which an id is looked up again. A contact that is merged or
            deleted keeps its id in the cache for so long.

    Raises:
        ConfigurationError: An argument cannot work.
    """

    def __init__(self, *, max_size: int = 10_000, max_age: float = 3600.0) -> None:
        if max_size < 1:
            raise ConfigurationError(f"The max_size must be at least 1, not {max_size}.")
        check_seconds("max_age", max_age)
        self._max_size = max_size
        self._max_age = max_age
        self._ids: OrderedDict[_Key, tuple[str, float]] = OrderedDict()
        self.reset_after_fork()
        reset_in_child(self)

    def __len__(self) -> int:
        return len(self._ids)

    def __repr__(self) -> str:
        return f"ContactCache(max_size={self._max_size}, max_age={self._max_age})"

    def discard(self, contact_id: ContactId) -> None:
        """Forget the id of a contact, for instance after `UnknownContactError`."""
        text = str(contact_id)
        with self._lock:
            for key in [key for key, (known_id, _) in self._ids.items() if known_id == text]:
                del self._ids[key]

    def clear(self) -> None:
        """Forget all ids."""
        with self._lock:
            self._ids.clear()

    def get(self, key: tuple[object, ...], now: float) -> str | None:
        """Return the id under a key of the client, or None. `now` is in monotonic seconds."""
        with self._lock:
            contact_id, found_at = self._ids.get(key, ("", 0.0))
            if not contact_id or now - found_at > self._max_age:
                return None
            self._ids.move_to_end(key)
            return contact_id

    def put(self, key: tuple[object, ...], contact_id: str, now: float) -> None:
        """Remember an id under a key of the client. `now` is in monotonic seconds."""
        with self._lock:
            self._ids[key] = (contact_id, now)
            self._ids.move_to_end(key)
            while len(self._ids) > self._max_size:
                self._ids.popitem(last=False)

    def reset_after_fork(self) -> None:
        """Keep the ids. A thread of the parent may hold the lock."""
        self._lock = threading.Lock()
