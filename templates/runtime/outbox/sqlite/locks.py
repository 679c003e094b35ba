"""Locks of the operating system on the database file of an outbox.

On Linux they are bytes of the database file itself, locked through an open file description. So
they need neither space on the disk nor a file of their own, a link to the file leads to the same
lock, and another part of the process cannot release them by reading the file. (SQLite's own locks
belong to the process, which loses them whenever it closes the file anywhere.) Where the system has
no such locks, a file beside the database is locked.

All locks end with the process that holds them.
"""

import errno
import os
import stat
import struct
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager

from ..errors import OutboxError

# The bytes in which SQLite keeps its shared locks, see "os.h" there. SQLite locks all of them
# exclusively before it deletes the write-ahead log.
_SHARED = (0x40000002, 510)
_CLAIM = (0x40000200, 1)
# The byte of the index of the log that is locked while a process has it open.
_INDEX = (128, 1)
_claims_lock = threading.RLock()
_claims: set[int] = set()
"""The descriptors that hold claims. A child process inherits them, but must not keep the claim."""


class Guard:
    """Prevents other processes from removing the log of a database that is open, until closed.

    SQLite does that if no other process has its locks on the database, and on the index of the log.
    `is_held` is False where the system has no locks that the process cannot lose.
    """

    _descriptor = -1
    _index: "_IndexGuard | None" = None

    def __init__(self, path: str) -> None:
        self._descriptor = os.open(path, os.O_RDWR)
        self.is_held = bool(_lock_bytes(self._descriptor, _SHARED, is_exclusive=False))
        if self.is_held:
            self._index = _IndexGuard.acquire(f"{path}-shm")

    @property
    def file(self) -> os.stat_result:
        """The file that is guarded."""
        return os.fstat(self._descriptor)

    def close(self) -> None:
        """Release the locks."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def close_index(self) -> None:
        """Release the lock on the index of the log, after the connection was closed."""
        index, self._index = self._index, None
        if index is not None:
            index.release()

    def __del__(self) -> None:
        self.close()
        self.close_index()


class _IndexGuard:
    """The lock on the index of a log. All connections of the process to a database share it.

    Closing the index in the middle of a transaction would release the locks of the transaction.
    """

    def __init__(self, path: str) -> None:
        self._count = 0
        self._descriptor = os.open(path, os.O_RDWR)
        _lock_bytes(self._descriptor, _INDEX, is_exclusive=False)

    @classmethod
    def acquire(cls, path: str) -> "_IndexGuard":
        """Return the lock on an index that is open in this process."""
        with _index_lock:
            status = os.stat(path)
            key = (status.st_dev, status.st_ino)
            guard = _index_guards.get(key)
            if guard is None:
                guard = _index_guards[key] = cls(path)
            guard._count += 1
            return guard

    def release(self) -> None:
        """Release the lock if it was the last use of it."""
        with _index_lock:
            self._count -= 1
            if not self._count:
                for key in [key for key, guard in _index_guards.items() if guard is self]:
                    del _index_guards[key]
                os.close(self._descriptor)


_index_lock = threading.RLock()
_index_guards: dict[tuple[int, int], _IndexGuard] = {}


@contextmanager
def claim(path: str) -> Generator[bool]:
    """Claim the deliveries of a database for the block, and yield whether the claim is held.

    The claim never expires during a slow delivery.
    """
    with _claims_lock:
        descriptor = os.open(path, os.O_RDWR)
        is_held = _lock_bytes(descriptor, _CLAIM, is_exclusive=True)
        if is_held is None:
            os.close(descriptor)
            descriptor = _open_claim_file(os.path.realpath(path))
            is_held = _lock_file(descriptor)
        _claims.add(descriptor)
    try:
        yield is_held
    finally:
        if descriptor in _claims:  # It is not in a child process that was forked in the block.
            _claims.remove(descriptor)
            os.close(descriptor)


def _open_claim_file(path: str) -> int:
    """Open the file beside the database; its content does not matter."""
    descriptor = os.open(f"{path}-delivery", os.O_CREAT | os.O_RDWR, 0o600)
    give_to_owner(descriptor, path)
    return descriptor


def _lock_bytes(descriptor: int, part: tuple[int, int], *, is_exclusive: bool) -> bool | None:
    """Lock a part of a file, or return None if the system cannot do it."""
    if sys.platform != "linux":
        return None
    import fcntl

    kind = fcntl.F_WRLCK if is_exclusive else fcntl.F_RDLCK
    lock = struct.pack("hhqqi", kind, os.SEEK_SET, *part, 0)
    try:
        fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, lock)
    except OSError as error:
        return False if error.errno in (errno.EAGAIN, errno.EACCES) else None
    return True


def _lock_file(descriptor: int) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def give_to_owner(descriptor: int, path: str) -> None:
    """Give a file that root created to the owner of another file or folder."""
    if sys.platform != "win32" and os.geteuid() == 0:
        owner = os.stat(path)
        os.fchown(descriptor, owner.st_uid, owner.st_gid)


def check_owner(path: str, status: os.stat_result) -> None:
    """Raise `OutboxError` for a file that other users own or may write.

    Root may use the file of any user, and any user a file that only root can write besides.
    """
    if sys.platform == "win32":
        return
    user = os.geteuid()
    if status.st_uid not in (user, 0) and user != 0:
        raise OutboxError(
            f"{path}: the file belongs to another user, who could read and change what is put. Run "
            "as its owner, or use a file of your own."
        )
    if stat.S_IMODE(status.st_mode) & (stat.S_IWGRP | stat.S_IWOTH):
        raise OutboxError(
            f"{path}: other users may write the file. Check what is in it, then run: chmod 600"
        )


def _drop_claims() -> None:
    """Close the claims of the parent in a child process; the parent keeps them."""
    while _claims:
        os.close(_claims.pop())
    _claims_lock.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_claims_lock.acquire,
        after_in_parent=_claims_lock.release,
        after_in_child=_drop_claims,
    )
