"""Changes -> disk: every file is old or new, never torn.

New texts are staged in a hidden folder inside the output, on the same file system, and flushed; a
journal names every step with the hashes before and after it; then each file is put in place by a
rename, in the order given. After a kill, `roll_forward` finishes what the journal says.
"""

import errno
import json
import os
import re
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from .. import filesystem as disk
from ..errors import InputError, WriteConflictError
from ..schema.jsontext import Json, digest, loads

JOURNAL = "journal.json"
_CANNOT_LOCK = (errno.EBADF, errno.ENOLCK, errno.ENOTSUP, errno.EINVAL, errno.ENOSYS)
_STAGING = re.compile(r"\.engage-codegen-[0-9]+")
_STAGED = re.compile(r"[0-9]+|journal\.(json|new)")


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

    Raises `InputError` for what cannot be written, `WriteConflictError` if a file is not as the
    changes take it to be.
    """
    made: list[Path] = []
    try:
        disk.make_folder(root, made)
        with _exclusive(root):
            _refuse_races(root, changes)
            steps, staging = _stage_all(root, changes, made)
            _run(root, staging, steps)
    except OSError as error:
        raise disk.unwritable(root, error) from None
    finally:
        # Only folders that are still empty go; after a success none of them is.
        for folder in reversed(made):
            with suppress(OSError):
                folder.rmdir()


def interrupted(root: Path) -> bool:
    """Whether a run was killed between its journal and its end. Waits for one that is alive."""
    if not _journals(root):
        return False
    try:
        with _exclusive(root):
            return bool(_journals(root))
    except OSError as error:
        raise disk.unwritable(root, error) from None


def roll_forward(root: Path) -> bool:
    """Finish what a killed run began, and clear what one left behind before it began; True if
    there was anything to finish.

    Raises `WriteConflictError` if a file was changed by somebody else since, `InputError` for a
    journal that is damaged and for what cannot be written.
    """
    if not _leftovers(root):
        return False
    try:
        with _exclusive(root):
            journals = _journals(root)
            for journal in journals:
                steps = _read_journal(root, journal)
                _refuse_changes_since(root, journal.parent, steps)
                for step in steps:
                    (root / step["path"]).parent.mkdir(parents=True, exist_ok=True)
                _run(root, journal.parent, steps)
            for leftover in _leftovers(root):
                _remove(leftover)
    except OSError as error:
        raise disk.unwritable(root, error) from None
    return bool(journals)


def _refuse_races(root: Path, changes: Sequence[Change]) -> None:
    if interrupted(root):
        raise _raced(root)
    for change in changes:
        if disk.read(root, change.path) != change.old:
            raise _raced(root / change.path)


def _raced(path: Path) -> WriteConflictError:
    return WriteConflictError(
        "somebody else changed the output at the same time",
        where=str(path),
        fix="run the command again",
    )


@contextmanager
def _exclusive(root: Path) -> Generator[None]:
    """One writer at a time. The system lets go when the process dies. Where folders cannot be
    locked (Windows, some network file systems), the check for races before the journal has to
    do."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    handle = os.open(root, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
        except OSError as error:
            if error.errno not in _CANNOT_LOCK:
                raise
        yield
    finally:
        os.close(handle)


def _stage_all(root: Path, changes: Sequence[Change], made: list[Path]) -> tuple[list[_Step], Path]:
    """Write the new texts and the journal. Folders are made and probed here, because what cannot
    be written has to show before there is a journal."""
    for leftover in _leftovers(root):
        _remove(leftover)
    staging = root / f".engage-codegen-{os.getpid()}"
    staging.mkdir()
    try:
        for folder in sorted({(root / change.path).parent for change in changes}):
            disk.make_folder(folder, made)
        steps = [_stage(staging, number, change) for number, change in enumerate(changes)]
        disk.write_flushed(staging / "journal.new", json.dumps(steps).encode("utf-8"))
        os.replace(staging / "journal.new", staging / JOURNAL)
    except BaseException:
        _remove(staging)
        raise
    disk.sync_folder(staging)
    return steps, staging


def _stage(staging: Path, number: int, change: Change) -> _Step:
    staged = None
    if change.new is not None:
        staged = str(number)
        disk.write_flushed(staging / staged, change.new)
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
        disk.sync_folder(folder)
    (staging / JOURNAL).unlink()
    _remove(staging)


def _leftovers(root: Path) -> list[Path]:
    """The staging folders of runs that are over. Never a link: what it leads to is not ours."""
    try:
        names = sorted(filter(_STAGING.fullmatch, os.listdir(root)))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise disk.unwritable(root, error) from None
    return [root / name for name in names if not (root / name).is_symlink()]


def _journals(root: Path) -> list[Path]:
    return [staging / JOURNAL for staging in _leftovers(root) if (staging / JOURNAL).is_file()]


def _read_journal(root: Path, journal: Path) -> list[_Step]:
    fix = f"delete the folder {journal.parent}, then run engage-codegen generate"
    try:
        value = loads(journal.read_bytes().decode("utf-8"))
        if not isinstance(value, list) or not value:
            raise ValueError("it is no list of steps")
        steps = [_step(item) for item in value]
    except ValueError as error:
        raise InputError(
            f"the journal of an interrupted run is damaged: {error}", where=str(journal), fix=fix
        ) from None
    for step in steps:
        disk.refuse_escape(root, step["path"], fix)
    return steps


def _step(value: Json) -> _Step:
    if not isinstance(value, dict) or value.keys() != {"path", "staged", "old", "new"}:
        raise ValueError("a step is no object of path, staged, old and new")
    path, staged, old, new = (value.get(key) for key in ("path", "staged", "old", "new"))
    if not isinstance(path, str) or not all(
        text is None or isinstance(text, str) for text in (staged, old, new)
    ):
        raise ValueError("a step has members of wrong types")
    if staged is not None and not _STAGED.fullmatch(str(staged)):
        raise ValueError("a step has no staged file of ours")
    texts = [None if text is None else str(text) for text in (staged, old, new)]
    return _Step(path=path, staged=texts[0], old=texts[1], new=texts[2])


def _refuse_changes_since(root: Path, staging: Path, steps: list[_Step]) -> None:
    fix = f"delete the folder {staging}, then run engage-codegen generate"
    for step in steps:
        data = disk.read(root, step["path"])
        now = None if data is None else digest(data)
        staged = staging / step["staged"] if step["staged"] is not None else None
        is_waiting = staged is None or staged.is_file()
        if now != step["new"] and (not is_waiting or now not in (step["old"], None)):
            raise WriteConflictError(
                "an interrupted run cannot be completed: a file was changed since",
                where=str(root / step["path"]),
                fix=fix,
            )
        if staged is not None and staged.is_file() and digest(staged.read_bytes()) != step["new"]:
            raise WriteConflictError(
                "an interrupted run cannot be completed: what it had prepared is damaged",
                where=str(staged),
                fix=fix,
            )


def _remove(folder: Path) -> None:
    """Remove a staging folder, which is flat. What is not ours, or cannot go, stays."""
    with suppress(OSError):
        for name in filter(_STAGED.fullmatch, os.listdir(folder)):
            (folder / name).unlink()
        folder.rmdir()
