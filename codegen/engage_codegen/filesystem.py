"""Files and folders below the output: read, made and flushed, with errors that say where."""

import errno
import os
import re
import stat
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from .errors import InputError

_PATH = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*")


def check_root(root: Path) -> None:
    """Raise `InputError` if `root` is, or lies below, something that is no folder."""
    for path in (root, *root.parents):
        try:
            mode = path.stat().st_mode
        except FileNotFoundError:
            if not path.is_symlink():
                continue
            mode = 0
        except NotADirectoryError:
            continue
        except OSError as error:
            raise unwritable(path, error) from None
        if not stat.S_ISDIR(mode):
            raise InputError(
                "the output is a file, not a folder",
                where=str(path),
                fix="move the file away, or set another output",
            )
        return


def read(root: Path, path: str) -> bytes | None:
    """The bytes of a file below the output; None if there is none. Raises `InputError`."""
    full = root / path
    try:
        if not stat.S_ISREG(full.stat().st_mode):
            raise _in_the_way(full, "it is no file")
        return full.read_bytes()
    except FileNotFoundError:
        if full.is_symlink():
            raise _in_the_way(full, "it is a link to nowhere") from None
        return None
    except OSError as error:
        raise _in_the_way(Path(error.filename or full), error.strerror or "") from None


def put(texts: Mapping[Path, str]) -> None:
    """Put texts in the place of files that are not of the package, each whole and, but for a disk
    that fails in between, all or none. A link leads to the file that is replaced; its mode is kept.
    Raises `InputError`."""
    staged: list[tuple[Path, Path]] = []
    path = Path()
    try:
        for path, text in texts.items():
            target = path.resolve()
            target.parent.mkdir(parents=True, exist_ok=True)
            temporary = target.with_name(f".{target.name}.{os.getpid()}")
            staged.append((temporary, target))
            temporary.write_bytes(text.encode("utf-8"))
            if target.exists():
                os.chmod(temporary, target.stat().st_mode & 0o777)
        for temporary, target in staged:
            os.replace(temporary, target)
    except OSError as error:
        for temporary, _ in staged:
            with suppress(OSError):
                temporary.unlink()
        reason = error.strerror or "cannot be written"
        raise InputError(reason, where=str(path), fix="check the path and permissions") from None


def refuse_escape(root: Path, path: str, fix: str) -> None:
    """Raise `InputError` for a path that leads out of `root`, by its spelling or by a link.

    Locks and journals are files in a repository, and anyone may have written them: a path in
    one is not to be trusted.
    """
    if not _PATH.fullmatch(path):
        raise InputError(f"the path {path!r} leads out of the package", where=str(root), fix=fix)
    for parent in list(Path(path).parents)[:-1]:
        if (root / parent).is_symlink():
            raise _in_the_way(root / parent, "it is a link, which may lead out of the package")


def make_folder(folder: Path, made: list[Path]) -> None:
    """Make a folder and those above it, and note in `made` which were missing."""
    if folder.is_dir():
        effective = os.access in os.supports_effective_ids
        if not os.access(folder, os.W_OK | os.X_OK, effective_ids=effective):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(folder))
        return
    if folder.parent != folder:
        make_folder(folder.parent, made)
    try:
        folder.mkdir()
    except FileExistsError:
        if not folder.is_dir():
            raise
    else:
        made.append(folder)


def write_flushed(path: Path, data: bytes) -> None:
    """Write a file, on the disk when this returns."""
    with open(path, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Make renames in the folder survive a power cut, where the system can do that."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def unwritable(root: Path, error: OSError) -> InputError:
    """The error for what the system would not let us do below `root`."""
    return InputError(
        f"the output cannot be written: {error.strerror}",
        where=str(error.filename or root),
        fix="check the permissions of the folder and the space on the disk",
    )


def _in_the_way(path: Path, why: str) -> InputError:
    return InputError(
        f"something is in the way of a generated file: {why}",
        where=str(path),
        fix="move it away, or set another output",
    )
