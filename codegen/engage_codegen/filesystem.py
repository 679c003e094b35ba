"""Files that this tool does not trust, or must not tear: bounded reads and whole writes."""

import errno
import os
import re
import secrets
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from io import FileIO
from pathlib import Path

from .errors import InputError

MAX_BYTES = 5_000_000
"""The largest file that is read: far above any generated module."""
MAX_SCHEMA_BYTES = 2_000_000
"""The largest schema file, and the largest snapshot file."""
MAX_CONFIG_BYTES = 1_000_000
"""The largest settings file: TOML, YAML, the tasks of an editor."""
MAX_SOURCE_BYTES = 250_000
"""The largest Python file in which calls are searched."""

MAX_ENTRIES, MAX_DEPTH = 1_000_000, 50
"""The most files and folders that a walk looks at, and how deep it goes."""

_RELATIVE_PATH = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.+-]*(/[A-Za-z0-9_-][A-Za-z0-9_.+-]*)*")


def open_file(path: str | Path) -> FileIO:
    """Open a regular file for reading, unbuffered.

    Never waits for a pipe or a device. Raises `OSError`, also for anything but a regular file.
    """
    # Without O_NONBLOCK, opening a named pipe waits for a writer.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    handle = os.open(path, flags)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    # Not before it is known to be a file: open() leaves the handle of a folder open.
    return FileIO(handle)


def read_bytes(path: str | Path, limit: int = MAX_BYTES) -> bytes:
    """Return the contents of a regular file of at most `limit` bytes. Raises like `open_file`."""
    with open_file(path) as file:
        size = os.fstat(file.fileno()).st_size
        parts = [b""]
        # Files of /proc have the size 0, and others may grow meanwhile.
        while size <= limit:
            part = file.read(size + 1 if len(parts) == 1 else 1 << 20)
            if not part:
                return b"".join(parts)
            parts.append(part)
            size = sum(map(len, parts))
        raise OSError(errno.EFBIG, f"larger than {limit:,} bytes", str(path))


def walk(
    root: str | Path, on_error: Callable[[OSError], None] | None = None, limit: int = MAX_ENTRIES
) -> Iterator[tuple[str, list[str], list[str]]]:
    """Walk a folder like `os.walk`, which does not follow links.

    `on_error` gets each folder that cannot be read; without it, that raises `InputError`. So do
    more than `limit` files and folders, and folders deeper than `MAX_DEPTH`.
    """

    def refuse(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):
            raise unreadable(Path(error.filename), error)

    base, count = os.fspath(root), 0
    for folder, folders, names in os.walk(base, onerror=on_error or refuse):
        count += len(folders) + len(names)
        check_walk(folder, count, len(Path(folder).relative_to(base).parts), limit)
        yield folder, folders, names


def check_walk(folder: str | Path, count: int, depth: int, limit: int = MAX_ENTRIES) -> None:
    """Raise `InputError` if a walk has looked at too many entries, or is too deep in a folder."""
    problem = f"there are more than {limit:,} files, or folders deeper than {MAX_DEPTH} levels"
    if depth > MAX_DEPTH or count > limit:
        raise InputError(problem, where=str(folder), fix="name a smaller folder, or remove files")


def read_below(root: Path, path: str) -> bytes | None:
    """Return the contents of a file below the output, or None if it does not exist.

    Raises `InputError` if something else has its place.
    """
    full = root / path
    try:
        return read_bytes(full)
    except (FileNotFoundError, NotADirectoryError):
        if full.is_symlink():
            raise _blocked(full, "it is a link to a missing file") from None
        if not os.path.lexists(full.parent) or full.parent.is_dir():
            return None
        raise _blocked(full.parent, "it is not a folder") from None
    except OSError as error:
        if error.errno in (errno.EINVAL, errno.ELOOP):
            raise _blocked(full, error.strerror or "") from None
        raise unreadable(full, error) from None


def check_root(root: Path) -> None:
    """Raise `InputError` if `root`, or a path above it, exists and is not a folder."""
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
                fix="move the file away, or set another `output`",
            )
        return


def refuse_escape(root: Path, path: str, fix: str) -> None:
    """Raise `InputError` for a path that points outside `root`, by its spelling or by a link.

    Lock files and journals are files in a repository that anyone may have written, so their paths
    are not trusted.
    """
    if not _RELATIVE_PATH.fullmatch(path):
        raise InputError(f"the path {path!r} points outside the package", where=str(root), fix=fix)
    for parent in list(Path(path).parents)[:-1]:
        if (root / parent).is_symlink():
            raise _blocked(root / parent, "it is a link, which may lead out of the package")


def is_inside(path: Path, root: Path) -> bool:
    """Return True unless a link leads from a path below `root` out of it.

    A path that is spelled as one outside of `root` is the choice of whoever spelled it.
    """
    if not Path(os.path.abspath(path)).is_relative_to(os.path.abspath(root)):
        return True
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(root))


def replace_files(texts: Mapping[Path, str], root: Path | None = None) -> None:
    """Write texts to files outside the package: each whole, and all or none.

    Only a disk that fails between two renames leaves some of them old. Modes are kept. Raises
    `InputError`, also for a link, and for a folder that a link leads out of `root`, the current
    folder by default: a checked-out branch can contain links to any file of this machine.
    """
    for path in texts:
        _refuse_link(path, root or Path())
    staged: list[tuple[Path, Path]] = []
    path = Path()
    try:
        for path, text in texts.items():
            target = Path(os.path.abspath(path))
            target.parent.mkdir(parents=True, exist_ok=True)
            if target.is_dir():
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(target))
            _remove_leftovers(target)
            token = f"{os.getpid()}-{secrets.token_hex(8)}"
            temporary = target.with_name(f"{_temporary_prefix(target)}{token}")
            _create(temporary, text.encode("utf-8"), staged, target)
            if target.exists():
                os.chmod(temporary, target.stat().st_mode & 0o777)
        for temporary, target in staged:
            os.replace(temporary, target)
        for folder in {target.parent for _, target in staged}:
            sync_folder(folder)
    except OSError as error:
        reason = error.strerror or "unknown error"
        raise InputError(
            f"cannot be written: {reason}", where=str(path), fix="check the path and permissions"
        ) from None
    finally:
        # Nothing is left after a success. A kill leaves files, which the next run removes.
        for temporary, _ in staged:
            with suppress(OSError):
                temporary.unlink()


def _temporary_prefix(target: Path) -> str:
    return f".{target.name}.engage-codegen-"


def _remove_leftovers(target: Path) -> None:
    """Remove what killed runs left beside a file that they meant to replace."""
    prefix = _temporary_prefix(target)
    for name in os.listdir(target.parent):
        process = name.removeprefix(prefix).partition("-")[0]
        if name.startswith(prefix) and process.isdecimal() and not _is_running(int(process)):
            with suppress(OSError):
                (target.parent / name).unlink()


def _is_running(process: int) -> bool:
    """Return True if a process may be running."""
    if os.name == "nt":  # where signal 0 ends a process
        return True
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True


def _refuse_link(path: Path, root: Path) -> None:
    if path.is_symlink():
        reason = f"it is a link to {os.readlink(path)!r}"
    elif not is_inside(path.parent, root):
        reason = f"a link leads to {os.path.realpath(path.parent)!r}, outside of the project"
    else:
        return
    raise InputError(
        f"cannot be written: {reason}, and links are not followed",
        where=str(path),
        fix="replace the link by a file or folder of the project",
    )


def _create(path: Path, data: bytes, staged: list[tuple[Path, Path]], target: Path) -> None:
    """Create a file that does not exist, not even as a link, and note it in `staged`."""
    with open(path, "xb") as file:
        staged.append((path, target))
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def make_folder(folder: Path, created: list[Path]) -> None:
    """Create a folder and those above it, and append those that were missing to `created`."""
    if folder.is_dir():
        effective = os.access in os.supports_effective_ids
        if not os.access(folder, os.W_OK | os.X_OK, effective_ids=effective):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(folder))
        return
    if folder.parent != folder:
        make_folder(folder.parent, created)
    try:
        folder.mkdir()
    except FileExistsError:
        if not folder.is_dir():
            raise
    else:
        created.append(folder)


def write_flushed(path: Path, data: bytes) -> None:
    """Write a file, and return when it is on the disk."""
    with open(path, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Make renames in a folder survive a power cut, on systems that can do that."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def unreadable(path: Path, error: OSError) -> InputError:
    """Return the error for a file that the system does not let us read."""
    reason = error.strerror or "unknown error"
    return InputError(
        f"cannot be read: {reason}", where=str(path), fix="check the path and its permissions"
    )


def unwritable(root: Path, error: OSError) -> InputError:
    """Return the error for a path below `root` that the system does not let us write."""
    return InputError(
        f"the output cannot be written: {error.strerror}",
        where=str(error.filename or root),
        fix="check the permissions of the folder and the free space on the disk",
    )


def _blocked(path: Path, reason: str) -> InputError:
    return InputError(
        f"the path of a generated file is taken: {reason}",
        where=str(path),
        fix="move it away, or set another `output`",
    )
