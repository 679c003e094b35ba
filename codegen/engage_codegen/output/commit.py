"""Changes -> disk: every file is old or new, never torn.

New contents are staged in a hidden folder inside the output, on the same file system, and flushed.
A journal names every step with the digests before and after it. Then each file is put in place by
a rename, in the order of the changes. After a kill, `roll_forward` completes what the journal says.

The journal and the staged files stay needed although `generate` could render again: `pull` cannot
ask the tenant for the same answer twice.
"""

import errno
import json
import os
import re
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypedDict

from ..errors import InputError, WriteConflictError
from ..filesystem import (
    make_folder,
    read_below,
    read_bytes,
    refuse_escape,
    sync_folder,
    unreadable,
    unwritable,
    write_flushed,
)
from ..schema.jsontext import Json, digest, loads
from .lockfile import STAGING_PREFIX
from .plan import Change, Plan

JOURNAL = "journal.json"

_CANNOT_LOCK = (errno.EBADF, errno.ENOLCK, errno.ENOTSUP, errno.EINVAL, errno.ENOSYS)
_STAGING = re.compile(re.escape(STAGING_PREFIX) + "[0-9]+")
_STAGED = re.compile(r"[0-9]+|journal\.(json|new)")


class _Step(TypedDict):
    path: str
    staged: str | None
    old: str | None
    new: str | None


def apply(plan: Plan) -> None:
    """Change the disk as planned. An error before the journal is complete changes nothing.

    Raises `InputError` for what cannot be written, and `WriteConflictError` if a file differs from
    what the plan read.
    """
    if plan.is_empty:
        return
    root = plan.root
    created: list[Path] = []
    try:
        make_folder(root, created)
        with _exclusive(root):
            if all(read_below(root, change.path) == change.new for change in plan.changes):
                return  # another run has written the same meanwhile
            _refuse_races(root, plan.changes)
            steps, staging = _stage_all(root, plan.changes, created)
            _take_steps(root, staging, steps)
    except OSError as error:
        raise unwritable(root, error) from None
    finally:
        # Only folders that are still empty go; after a success there is none.
        for folder in reversed(created):
            with suppress(OSError):
                folder.rmdir()


def is_interrupted(root: Path) -> bool:
    """Return True if a run was killed between its journal and its end. Waits for a live run."""
    if not _journals(root):
        return False
    try:
        with _exclusive(root):
            return bool(_journals(root))
    except OSError as error:
        raise unwritable(root, error) from None


def roll_forward(root: Path) -> bool:
    """Complete a run that was killed, and remove what one left behind that had not begun.

    Returns True if there was a run to complete. Raises `WriteConflictError` if a file was changed
    since, and `InputError` for a damaged journal and for what cannot be written.
    """
    if not _staging_folders(root):
        return False
    try:
        with _exclusive(root):
            journals = _journals(root)
            for journal in journals:
                steps = _read_journal(root, journal)
                _refuse_later_changes(root, journal.parent, steps)
                for step in steps:
                    (root / step["path"]).parent.mkdir(parents=True, exist_ok=True)
                _take_steps(root, journal.parent, steps)
            for folder in _staging_folders(root):
                _remove_staging(folder)
    except OSError as error:
        raise unwritable(root, error) from None
    return bool(journals)


def _refuse_races(root: Path, changes: Sequence[Change]) -> None:
    """Raise `WriteConflictError` if a file is not what the plan read. The caller holds the lock."""
    if _journals(root):
        raise _race_error(root)
    for change in changes:
        if read_below(root, change.path) != change.old:
            raise _race_error(root / change.path)


def _race_error(path: Path) -> WriteConflictError:
    return WriteConflictError(
        "another process changed the output at the same time",
        where=str(path),
        fix="run the command again",
    )


@contextmanager
def _exclusive(root: Path) -> Generator[None]:
    """Hold the lock of the output. The system releases it when the process dies.

    Where folders cannot be locked (Windows, some network file systems), the check for races
    before the journal is all there is.
    """
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


def _stage_all(
    root: Path, changes: Sequence[Change], created: list[Path]
) -> tuple[list[_Step], Path]:
    """Write the new contents and the journal. Folders are created here, because what cannot be
    written has to show before there is a journal."""
    for folder in _staging_folders(root):
        _remove_staging(folder)
    staging = root / f"{STAGING_PREFIX}{os.getpid()}"
    staging.mkdir()
    try:
        for folder in sorted({(root / change.path).parent for change in changes}):
            make_folder(folder, created)
        steps = [_stage(staging, number, change) for number, change in enumerate(changes)]
        write_flushed(staging / "journal.new", json.dumps(steps).encode("utf-8"))
        os.replace(staging / "journal.new", staging / JOURNAL)
    except BaseException:
        _remove_staging(staging)
        raise
    sync_folder(staging)
    return steps, staging


def _stage(staging: Path, number: int, change: Change) -> _Step:
    staged = None
    if change.new is not None:
        staged = str(number)
        write_flushed(staging / staged, change.new)
    old = None if change.old is None else digest(change.old)
    new = None if change.new is None else digest(change.new)
    return {"path": change.path, "staged": staged, "old": old, "new": new}


def _take_steps(root: Path, staging: Path, steps: list[_Step]) -> None:
    """Take the steps that are left. Safe to repeat at any point."""
    for step in steps:
        target = root / step["path"]
        if step["staged"] is None:
            target.unlink(missing_ok=True)
        elif (staging / step["staged"]).exists():
            os.replace(staging / step["staged"], target)
    for folder in {(root / step["path"]).parent for step in steps}:
        sync_folder(folder)
    (staging / JOURNAL).unlink()
    _remove_staging(staging)


def _staging_folders(root: Path) -> list[Path]:
    """Return the staging folders of earlier runs. Never a link: its target is not ours."""
    try:
        names = sorted(filter(_STAGING.fullmatch, os.listdir(root)))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise unwritable(root, error) from None
    return [root / name for name in names if not (root / name).is_symlink()]


def _journals(root: Path) -> list[Path]:
    return [
        staging / JOURNAL for staging in _staging_folders(root) if (staging / JOURNAL).is_file()
    ]


def _read_journal(root: Path, journal: Path) -> list[_Step]:
    fix = f"delete the folder {journal.parent}, then run engage-codegen generate"
    try:
        value = loads(read_bytes(journal).decode("utf-8"))
        if not isinstance(value, list) or not value:
            raise ValueError("it is not a list of steps")
        steps = [_parse_step(item) for item in value]
    except OSError as error:
        raise unreadable(journal, error) from None
    except ValueError as error:
        raise InputError(
            f"the journal of an interrupted run is damaged: {error}", where=str(journal), fix=fix
        ) from None
    for step in steps:
        refuse_escape(root, step["path"], fix)
    return steps


def _parse_step(value: Json) -> _Step:
    if not isinstance(value, dict) or value.keys() != {"path", "staged", "old", "new"}:
        raise ValueError("a step is not an object with path, staged, old and new")
    path, staged, old, new = (value.get(key) for key in ("path", "staged", "old", "new"))
    if not isinstance(path, str) or not all(
        text is None or isinstance(text, str) for text in (staged, old, new)
    ):
        raise ValueError("a member of a step has the wrong type")
    if staged is not None and not _STAGED.fullmatch(str(staged)):
        raise ValueError("a step names a staged file that this tool does not write")
    texts = [None if text is None else str(text) for text in (staged, old, new)]
    return _Step(path=path, staged=texts[0], old=texts[1], new=texts[2])


def _refuse_later_changes(root: Path, staging: Path, steps: list[_Step]) -> None:
    fix = f"delete the folder {staging}, then run engage-codegen generate"
    for step in steps:
        data = read_below(root, step["path"])
        current = None if data is None else digest(data)
        staged = staging / step["staged"] if step["staged"] is not None else None
        is_pending = staged is None or staged.is_file()
        if current != step["new"] and (not is_pending or current not in (step["old"], None)):
            raise WriteConflictError(
                "an interrupted run cannot be completed: a file was changed since",
                where=str(root / step["path"]),
                fix=fix,
            )
        if staged is not None and staged.is_file() and digest(read_bytes(staged)) != step["new"]:
            raise WriteConflictError(
                "an interrupted run cannot be completed: one of its staged files is damaged",
                where=str(staged),
                fix=fix,
            )


def _remove_staging(folder: Path) -> None:
    """Remove a staging folder, which is flat. Files of others stay, and so does the folder."""
    with suppress(OSError):
        for name in filter(_STAGED.fullmatch, os.listdir(folder)):
            (folder / name).unlink()
        folder.rmdir()
