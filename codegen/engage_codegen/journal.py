"""Changes -> disk: every file is old or new, never torn.

New texts are staged in a hidden folder inside the output, on the same file system, and flushed; a
journal names every step with the hashes before and after it; then each file is put in place by a
rename, in the order given. After a kill, `roll_forward` finishes what the journal says.
"""

import errno
import json
import os
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict, cast

from .errors import InputError, WriteConflict
from .schema import digest

STAGING_PREFIX = ".engage-codegen-"
JOURNAL = "journal.json"


@dataclass(frozen=True, slots=True)
class Change:
    """One file: its path below the output, its bytes now and then. None: it is not there."""

    path: str
    old: bytes | None
    new: bytes | None


class _Step(TypedDict):
    path: str
    staged: str | None
    old: str | None
    new: str | None


def commit(root: Path, changes: Sequence[Change]) -> None:
    """Make the changes. An error before the journal is complete leaves everything as it was.

    Raises `InputError` for what cannot be written, `WriteConflict` if a file is not as the
    changes take it to be.
    """
    made: list[Path] = []
    try:
        _make_folder(root, made)
        with _exclusive(root):
            _refuse_races(root, changes)
            steps, staging = _stage_all(root, changes, made)
            _run(root, staging, steps)
    except OSError as error:
        raise InputError(
            f"the output cannot be written: {error.strerror}",
            where=str(error.filename or root),
            fix="check the permissions of the folder and the space on the disk",
        ) from None
    finally:
        # Only folders that are still empty go; after a success none of them is.
        for folder in reversed(made):
            with suppress(OSError):
                folder.rmdir()


def interrupted(root: Path) -> bool:
    """Whether a run was killed between its journal and its end."""
    return bool(_journals(root))


def roll_forward(root: Path) -> bool:
    """Finish what a killed run began; True if there was anything to finish.

    Raises `WriteConflict` if a file was changed by somebody else since.
    """
    if not root.is_dir():
        return False
    with _exclusive(root):
        journals = _journals(root)
        for journal in journals:
            steps = _read_journal(root, journal)
            _refuse_changes_since(root, journal.parent, steps)
            for step in steps:
                (root / step["path"]).parent.mkdir(parents=True, exist_ok=True)
            _run(root, journal.parent, steps)
    return bool(journals)


def check_root(root: Path) -> None:
    """Raise `InputError` if `root` is, or lies below, something that is no folder."""
    for path in (root, *root.parents):
        if path.is_dir():
            return
        if os.path.lexists(path):
            raise InputError(
                "the output is a file, not a folder",
                where=str(path),
                fix="move the file away, or set another output",
            )


def read(root: Path, path: str) -> bytes | None:
    """The bytes of a file below the output; None if there is none. Raises `InputError`."""
    full = root / path
    try:
        return full.read_bytes()
    except FileNotFoundError:
        if full.is_symlink():
            raise InputError(
                "a link to nowhere is in the way of a generated file",
                where=str(full),
                fix="remove it, or set another output",
            ) from None
        return None
    except OSError as error:
        raise InputError(
            f"in the way of a generated file: {error.strerror}",
            where=error.filename or str(full),
            fix="move it away, or set another output",
        ) from None


def refuse_escape(root: Path, path: str) -> None:
    """Raise `InputError` for a path that leads out of `root`.

    Locks and journals are files in a repository, and anyone may have written them: a path in
    one is not to be trusted.
    """
    parts = path.split("/")
    if "\\" in path or ":" in path or any(part in ("", ".", "..") for part in parts):
        raise InputError(
            f"the path {path!r} in the lock or the journal leads out of the package",
            where=str(root),
            fix="restore _snapshot/codegen.lock.json from version control",
        )


def _refuse_races(root: Path, changes: Sequence[Change]) -> None:
    if interrupted(root):
        raise _raced(root)
    for change in changes:
        if read(root, change.path) != change.old:
            raise _raced(root / change.path)


def _raced(path: Path) -> WriteConflict:
    return WriteConflict(
        "somebody else changed the output at the same time",
        where=str(path),
        fix="run the command again",
    )


@contextmanager
def _exclusive(root: Path) -> Generator[None]:
    """One writer at a time. The system lets go when the process dies; where folders cannot be
    locked (Windows), the check for races just before the journal has to do."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    handle = os.open(root, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _make_folder(folder: Path, made: list[Path]) -> None:
    """Make a folder and those above it, and note in `made` which were missing."""
    if folder.is_dir():
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(folder))
        return
    if folder.parent != folder:
        _make_folder(folder.parent, made)
    folder.mkdir()
    made.append(folder)


def _stage_all(root: Path, changes: Sequence[Change], made: list[Path]) -> tuple[list[_Step], Path]:
    """Write the new texts and the journal. Folders are made and probed here, because what cannot
    be written has to show before there is a journal."""
    for leftover in root.glob(f"{STAGING_PREFIX}*"):
        _remove(leftover)
    staging = root / f"{STAGING_PREFIX}{os.getpid()}"
    staging.mkdir()
    try:
        for folder in sorted({(root / change.path).parent for change in changes}):
            _make_folder(folder, made)
        steps = [_stage(staging, number, change) for number, change in enumerate(changes)]
        _flushed(staging / "journal.new", json.dumps(steps).encode("utf-8"))
        os.replace(staging / "journal.new", staging / JOURNAL)
    except BaseException:
        _remove(staging)
        raise
    _sync_folder(staging)
    return steps, staging


def _stage(staging: Path, number: int, change: Change) -> _Step:
    staged = None
    if change.new is not None:
        staged = str(number)
        _flushed(staging / staged, change.new)
    old = None if change.old is None else digest(change.old)
    new = None if change.new is None else digest(change.new)
    return {"path": change.path, "staged": staged, "old": old, "new": new}


def _run(root: Path, staging: Path, steps: list[_Step]) -> None:
    """Take the steps that are still to take. Safe to repeat at any point."""
    for step in steps:
        target = root / step["path"]
        if step["staged"] is None:
            target.unlink(missing_ok=True)
        elif (staging / step["staged"]).exists():
            os.replace(staging / step["staged"], target)
    for folder in {(root / step["path"]).parent for step in steps}:
        _sync_folder(folder)
    (staging / JOURNAL).unlink()
    _remove(staging)


def _journals(root: Path) -> list[Path]:
    found = sorted(root.glob(f"{STAGING_PREFIX}*/{JOURNAL}"))
    return [journal for journal in found if journal.is_file()]


def _read_journal(root: Path, journal: Path) -> list[_Step]:
    try:
        steps = [
            _Step(path=raw["path"], staged=raw["staged"], old=raw["old"], new=raw["new"])
            for raw in cast("list[_Step]", json.loads(journal.read_bytes()))
        ]
        for step in steps:
            refuse_escape(root, step["path"])
            refuse_escape(root, step["staged"] or "none")
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise InputError(
            f"the journal of an interrupted run is damaged: {type(error).__name__}",
            where=str(journal),
            fix=f"delete the folder {journal.parent}, then run engage-codegen generate",
        ) from None
    return steps


def _refuse_changes_since(root: Path, staging: Path, steps: list[_Step]) -> None:
    for step in steps:
        data = read(root, step["path"])
        now = None if data is None else digest(data)
        waiting = step["staged"] is None or (staging / step["staged"]).is_file()
        if now != step["new"] and (not waiting or now not in (step["old"], None)):
            raise WriteConflict(
                "an interrupted run cannot be completed: a file was changed since",
                where=str(root / step["path"]),
                fix=f"delete the folder {staging}, then run engage-codegen generate",
            )


def _remove(folder: Path) -> None:
    """Remove a staging folder; it is flat. What cannot go is left for the next run."""
    with suppress(OSError):
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()


def _flushed(path: Path, data: bytes) -> None:
    with open(path, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """Make renames in the folder survive a power cut, where the system can do that."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
