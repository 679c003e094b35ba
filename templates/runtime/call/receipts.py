"""The interaction ids that a lookup must not attribute to another send."""

import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass

from ..transport.forks import reset_in_child
from .interaction import EncodedInteraction
from .retry import RetryPolicy

_SHORTEST_MEMORY_SECONDS = 900.0


class ReceiptRegistry:
    """Interaction ids that belong to earlier sends of this client, and the sends in progress.

    A lookup uses it so that it does not attribute an interaction to two sends. Remembers an id for
    15 minutes, and longer if a send may take longer by its retry policy.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._memory_seconds = _SHORTEST_MEMORY_SECONDS
        self._policy: RetryPolicy | None = None
        self._entries: OrderedDict[str, _Owner] = OrderedDict()
        self._pending: Counter[tuple[str, str, str]] = Counter()
        self.reset_after_fork()
        reset_in_child(self)

    def reset_after_fork(self) -> None:
        """Keep the ids: they belong to other sends in the child as well."""
        self._lock = threading.Lock()
        self._pending.clear()

    @contextmanager
    def pending(self, interaction: EncodedInteraction, policy: RetryPolicy) -> Generator[None]:
        """Register a send as in progress, without a receipt, for the duration of the block."""
        key = interaction.lookup_key
        if policy is not self._policy:
            self._policy = policy
            self._memory_seconds = max(self._memory_seconds, policy.longest_seconds)
        with self._lock:
            self._pending[key] += 1
        try:
            yield
        finally:
            with self._lock:
                self._pending[key] -= 1
                if self._pending[key] <= 0:
                    del self._pending[key]

    def can_claim(self, interaction: EncodedInteraction, interaction_id: str) -> bool:
        """Return True if a stored interaction certainly belongs to this pending send.

        It does not if it belongs to another send by now, or if a send is in progress that a lookup
        cannot tell from this one.
        """
        with self._lock:
            is_alone = self._pending[interaction.lookup_key] == 1
        return is_alone and not self.belongs_to_another(interaction, interaction_id)

    def add(self, interaction: EncodedInteraction, interaction_id: str) -> None:
        """Record the id of a receipt, and forget those that no lookup can concern any more."""
        now = self._monotonic()
        key = interaction_id.casefold()
        with self._lock:
            self._entries[key] = _Owner(interaction.stored_entry, now)
            self._entries.move_to_end(key)
            while self._entries:
                oldest = next(iter(self._entries))
                if now - self._entries[oldest].at <= self._memory_seconds:
                    break
                del self._entries[oldest]

    def belongs_to_another(self, interaction: EncodedInteraction, interaction_id: str) -> bool:
        """Return True if an id belongs to another send.

        A stored entry is sent until its receipt is recorded in the file, so an earlier receipt of
        the same entry is its own.
        """
        with self._lock:
            owner = self._entries.get(interaction_id.casefold())
        if owner is None:
            return False
        return owner.entry is None or owner.entry != interaction.stored_entry


@dataclass(frozen=True, slots=True)
class _Owner:
    """The send that an id belongs to: the entry that stores it, if any, and the time."""

    entry: tuple[str, int] | None
    at: float
