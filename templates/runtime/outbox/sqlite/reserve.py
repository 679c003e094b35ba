"""Space on the disk that an outbox keeps for deliveries, which are how it gets empty again.

Puts fail when the disk is full. Then a delivery releases the space, which is enough to record what
it does.
"""

import os
from contextlib import suppress

from .locks import give_to_owner

_SIZES = (2**20, 2**18, 2**16)


def keep_reserve(path: str) -> None:
    """Allocate the file that reserves space for a database, if the disk has enough."""
    reserve = _reserve_path(path)
    if os.path.exists(reserve):
        return
    for size in _SIZES:
        with suppress(OSError):
            _allocate(reserve, size, path)
            return
        release_reserve(path)


def release_reserve(path: str) -> None:
    """Delete the file, so that other files can use its space."""
    with suppress(OSError):
        os.unlink(_reserve_path(path))


def _reserve_path(path: str) -> str:
    return f"{path}-reserve"


def _allocate(reserve: str, size: int, path: str) -> None:
    descriptor = os.open(reserve, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        give_to_owner(descriptor, path)
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(descriptor, 0, size)
        else:
            os.write(descriptor, bytes(size))
    finally:
        os.close(descriptor)
