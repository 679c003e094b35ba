"""Waiting for files to change."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from time import sleep
from typing import TypeAlias

from watchfiles import watch

from ..errors import InputError
from ..sources.folders import walk_folders, walk_schema_files

_STEP_MS, _DEBOUNCE_MS = 10, 50
_POLL_MS = 1_000

_State: TypeAlias = Mapping[Path, tuple[int, int]]
"""The modification time in nanoseconds, and the size, of each file."""


def watch_changes(watched_paths: Callable[[], Sequence[Path]]) -> Iterator[list[Path]]:
    """Yield an empty list at once, and then the changed files whenever files have changed.

    `watched_paths` returns files, and folders whose schema files count; it is called again for each
    round. A change during a round belongs to the next one. Events of the system only wake the
    loop, which compares the files itself at least once a second: so it also notices a folder that
    is replaced, and events that were lost.
    """
    changed: list[Path] = []
    while True:
        paths = watched_paths()
        state = _state_of(paths)
        yield changed
        if watched_paths() != paths:
            state = _state_of(watched_paths())
        changed = _wait_for_change(watched_paths, state)


def _wait_for_change(watched_paths: Callable[[], Sequence[Path]], before: _State) -> list[Path]:
    while True:
        paths = watched_paths()
        # A folder may disappear at any moment; the next round sees what is there then.
        with suppress(OSError, StopIteration):
            folders = _existing_folders(paths)
            for _ in watch(
                *folders,
                watch_filter=None,
                step=_STEP_MS,
                debounce=_DEBOUNCE_MS,
                rust_timeout=_POLL_MS,
                yield_on_timeout=True,
                recursive=False,
            ):
                now = _state_of(paths)
                if now != before:
                    return sorted(
                        path for path in {*now, *before} if now.get(path) != before.get(path)
                    )
                if _existing_folders(paths) != folders:
                    break
        sleep(_STEP_MS / 1000)


def _existing_folders(paths: Sequence[Path]) -> dict[Path, int]:
    """Return the nearest existing folder of each path, with its inode, which tells it from a later
    folder of the same name."""
    folders: dict[Path, int] = {}
    for path in paths:
        folder = next(candidate for candidate in (path, *path.parents) if candidate.is_dir())
        below = walk_folders(path) if path.is_dir() else [folder]
        with suppress(OSError, InputError):
            folders |= {watched: watched.stat().st_ino for watched in below}
    return folders


def _state_of(paths: Sequence[Path]) -> _State:
    state: dict[Path, tuple[int, int]] = {}
    for path in paths:
        with suppress(InputError):
            for file in walk_schema_files(path) if path.is_dir() else [path]:
                # A link to a missing file counts too: it is an error until its target is back.
                with suppress(OSError):
                    status = file.stat() if file.exists() else file.lstat()
                    state[file] = (status.st_mtime_ns, status.st_size)
    return state
