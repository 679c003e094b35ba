"""The errors of an outbox."""

from typing import Self

from ..errors import EngageError


class AlreadyDeliveringError(EngageError):
    """Another process or thread is delivering from this outbox.

    Nothing was delivered by this call. Try again later.
    """


class OutboxError(EngageError):
    """The file or the database of the outbox cannot be used.

    The disk is full, a folder is missing, the file is damaged, was moved or deleted, or it is not
    an outbox; the database cannot be reached, or it lacks the tables. A `put` that raises this
    error has stored nothing, unless `may_be_stored` is true: then the disk or the database reported
    an error so late that the entry may be there. In that case look for it with `entries`, and put
    it again if it is not there. A put with a key can simply be repeated.
    """

    def __init__(self, message: str, may_be_stored: bool = False) -> None:
        super().__init__(message)
        self.may_be_stored = may_be_stored


class KeyConflictError(OutboxError):
    """Another payload was put with this key before. Nothing was put.

    Use a key that identifies one interaction, like the number of an order line. `entry_id` is the
    id that the first put returned.
    """

    def __init__(self, message: str, entry_id: int = 0) -> None:
        super().__init__(message)
        self.entry_id = entry_id

    @classmethod
    def of_entry(cls, name: str, entry_id: int) -> Self:
        """Return the error for the first entry of a key, in the outbox with this name."""
        return cls(
            f"{name}: another payload was put with this key, as the entry {entry_id}. Nothing was "
            "put.",
            entry_id,
        )


class DiskFullError(OutboxError):
    """The disk is full. Nothing was changed."""
