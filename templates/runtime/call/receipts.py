"""The interaction ids that a lookup must not attribute to another send."""

import threading
from collections import OrderedDict
from collections.abc import Generator
from contextlib import contextmanager

from .interaction import EncodedInteraction

_MOST_IDS = 10_000


class ReceiptRegistry:
    """Interaction ids that belong to earlier sends of this client, and the sends in progress.

    A lookup uses it so that it does not attribute an interaction to two sends. Keeps the ids of the
    last 10,000 receipts; a lookup never concerns an older one.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: OrderedDict[str, tuple[str, int] | None] = OrderedDict()
        self._pending: dict[tuple[str, str, str], int] = {}

    @contextmanager
    def pending(self, interaction: EncodedInteraction) -> Generator[None]:
        """Register a send as in progress, without a receipt, for the duration of the block."""
        key, pending = interaction.lookup_key, self._pending
        with self._lock:
            pending[key] = pending.get(key, 0) + 1
        try:
            yield
        finally:
            with self._lock:
                if pending[key] == 1:
                    del pending[key]
                else:
                    pending[key] -= 1

    def can_claim(self, interaction: EncodedInteraction, interaction_id: str) -> bool:
        """Return True if a stored interaction certainly belongs to this pending send.

        It does not if it belongs to another send by now, or if a send is in progress that a lookup
        cannot tell from this one.
        """
        with self._lock:
            is_alone = self._pending[interaction.lookup_key] == 1
        return is_alone and not self.belongs_to_another(interaction, interaction_id)

    def add(self, interaction: EncodedInteraction, interaction_id: str) -> None:
        """Record the id of a receipt."""
        with self._lock:
            self._entries[interaction_id] = interaction.file_entry
            if len(self._entries) > _MOST_IDS:
                self._entries.popitem(last=False)

    def belongs_to_another(self, interaction: EncodedInteraction, interaction_id: str) -> bool:
        """Return True if an id belongs to another send.

        An entry of a file is sent until its receipt is recorded there, so an earlier receipt of
        the same entry is its own.
        """
        with self._lock:
            if interaction_id not in self._entries:
                return False
            entry = self._entries[interaction_id]
            return entry is None or entry != interaction.file_entry
