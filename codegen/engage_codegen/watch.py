"""Waiting for files to change."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from time import sleep

from watchfiles import watch

_STEP_MS, _MOST_MS = 10, 50
_ALIVE_MS = 1_000

_State = Mapping[Path, tuple[int, int]]
"""Each file's time of change in nanoseconds, and its size."""


def rounds(looked_at: Callable[[], Sequence[Path]]) -> Iterator[list[Path]]:
    """Nothing at first; then, whenever something has changed, the files that have.

    `looked_at` gives files, and folders whose ``*.json`` count; it is asked again for each round.
    What changes during a round is the next one. The events of the system only wake us, at least
    once a second we look ourselves: a folder that is replaced, and what was missed, is found too.
    """
    changed: list[Path] = []
    while True:
        paths = looked_at()
        seen = _state(paths)
        yield changed
        if looked_at() != paths:
            seen = _state(looked_at())
        changed = _wait(looked_at, seen)


def _wait(looked_at: Callable[[], Sequence[Path]], seen: _State) -> list[Path]:
    while True:
        paths = looked_at()
        # A folder may go at any moment; the next look finds what is there then.
        with suppress(OSError, StopIteration):
            folders = _folders(paths)
            for _ in watch(
                *folders,
                watch_filter=None,
                step=_STEP_MS,
                debounce=_MOST_MS,
                rust_timeout=_ALIVE_MS,
                yield_on_timeout=True,
                recursive=False,
            ):
                now = _state(paths)
                if now != seen:
                    return sorted(it for it in {*now, *seen} if now.get(it) != seen.get(it))
                if _folders(paths) != folders:
                    break
        sleep(_STEP_MS / 1000)


def _folders(paths: Sequence[Path]) -> dict[Path, int]:
    """The folders to watch, the nearest that are there, with what tells one from a later one of
    the same name."""
    found: dict[Path, int] = {}
    for path in paths:
        near = next(it for it in (path, *path.parents) if it.is_dir())
        found[near] = near.stat().st_ino
    return found


def _state(paths: Sequence[Path]) -> _State:
    found: dict[Path, tuple[int, int]] = {}
    for path in paths:
        for file in [path, *path.glob("*.json")]:
            try:
                stat = file.stat()
            except OSError:
                continue
            if file.is_file() and not file.name.endswith(".lock.json"):
                found[file] = (stat.st_mtime_ns, stat.st_size)
    return found
