"""Waiting for files to change."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import sleep
from typing import TypeAlias

from watchfiles import watch

from ..errors import InputError
from ..filesystem import walk
from ..sources.folders import walk_folders, walk_schema_files

_STEP_MS, _DEBOUNCE_MS = 10, 50
_POLL_MS = 1_000
_MAX_FILES = 5_000

_State: TypeAlias = Mapping[Path, tuple[int, int]]
"""The modification time in nanoseconds, and the size, of each file."""


@dataclass(frozen=True, slots=True)
class WatchedPaths:
    """Files, folders whose schema files count, and folders in which every file counts."""

    paths: Sequence[Path]
    whole_folders: Sequence[Path] = ()


def watch_changes(watched_paths: Callable[[], WatchedPaths]) -> Iterator[list[Path]]:
    """Yield an empty list at once, and then the changed files whenever files have changed.

    `watched_paths` is called again for each round. A change during a round belongs to the next one.
    Events of the system only wake the loop, which compares the files itself at least once a second:
    so it also notices a folder that is replaced, and events that were lost.
    """
    changed: list[Path] = []
    while True:
        paths = watched_paths()
        state = _state_of(paths)
        yield changed
        if watched_paths() != paths:
            state = _state_of(watched_paths())
        changed = _wait_for_change(watched_paths, state)


def _wait_for_change(watched_paths: Callable[[], WatchedPaths], before: _State) -> list[Path]:
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


def _existing_folders(watched: WatchedPaths) -> dict[Path, int]:
    """Return the nearest existing folder of each path, with its inode, which tells it from a later
    folder of the same name."""
    folders: dict[Path, int] = {}
    for path in [*watched.paths, *watched.whole_folders]:
        folder = next(candidate for candidate in (path, *path.parents) if candidate.is_dir())
        below = walk_folders(path) if path.is_dir() else [folder]
        if path in watched.whole_folders and path.is_dir():
            below = (Path(base) for base, _, _ in walk(path, limit=_MAX_FILES))
        with suppress(OSError, InputError):
            folders |= {inner: inner.stat().st_ino for inner in below}
    return folders


def _state_of(watched: WatchedPaths) -> _State:
    state: dict[Path, tuple[int, int]] = {}
    for file in _files_of(watched):
        # A link to a missing file counts too: it is an error until its target is back.
        with suppress(OSError):
            status = file.stat() if file.exists() else file.lstat()
            state[file] = (status.st_mtime_ns, status.st_size)
    return state


def _files_of(watched: WatchedPaths) -> Iterator[Path]:
    for path in watched.paths:
        with suppress(InputError):
            yield from walk_schema_files(path) if path.is_dir() else [path]
    for folder in watched.whole_folders:
        with suppress(InputError):
            for base, _, names in walk(folder, limit=_MAX_FILES):
                yield from (Path(base) / name for name in names)
