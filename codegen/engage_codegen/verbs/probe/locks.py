"""Which probes of this machine are running: each holds a lock on a file with its mark.

The file stays when the run has ended, so that whatever a tenant created late can be told from what
another run is using.
"""

import os
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO

_MAX_AGE_SECONDS = 86_400.0


def _folder() -> Path:
    user = os.getuid() if hasattr(os, "getuid") else "user"
    return Path(tempfile.gettempdir()) / f"engage-codegen-probe-{user}"


class RunningProbe:
    """The lock of a run, within the block of a `with` statement."""

    def __init__(self, mark: str) -> None:
        self._path = _folder() / mark
        self._file: IO[bytes] | None = None

    def __enter__(self) -> "RunningProbe":
        with suppress(OSError):  # without it, other runs wait until the schemas are old
            self._path.parent.mkdir(mode=0o700, exist_ok=True)
            _remove_old_files(self._path.parent)
            self._file = open(self._path, "xb")
            _lock(self._file)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        del kind, error, trace
        if self._file is not None:
            self._file.close()


def is_running(mark: str) -> bool | None:
    """Return whether the run with a mark is running, or None if this machine cannot know."""
    path = _folder() / mark
    if path.is_symlink():
        return None
    try:
        with open(path, "r+b") as file:
            return not _lock(file)
    except OSError:
        return None


def _remove_old_files(folder: Path) -> None:
    for path in folder.iterdir():
        if time.time() - path.lstat().st_mtime > _MAX_AGE_SECONDS:
            path.unlink()


def _lock(file: IO[bytes]) -> bool:
    """Lock a file, and return False if another run has. It ends with the process."""
    try:
        import fcntl
    except ImportError:  # Windows
        return _lock_on_windows(file)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _lock_on_windows(file: IO[bytes]) -> bool:
    import msvcrt

    try:
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
    except OSError:
        return False
    return True
