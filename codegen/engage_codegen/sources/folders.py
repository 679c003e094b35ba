"""Which files of a folder are schema files."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..errors import InputError, Location
from ..filesystem import check_walk
from ..schema.contract import CONTRACT_SUFFIX
from ..schema.envelope import refuse_too_many

LOCKFILE_NAME = "codegen.lock.json"
"""The name of the lock file, which stands among the schema files of a snapshot."""

_MAX_ENTRIES = 50_000


def find_schema_files(paths: Sequence[Path]) -> list[Path]:
    """Return the schema files in files and folders, each once, in the order of the paths.

    A folder stands for every ``*.json`` in it and in its sub-folders, in upper or lower case.
    Names that begin with a dot belong to the operating system or an editor and are skipped; so is
    the snapshot of a generated package below a folder. Raises `InputError` for a folder without
    schema files and for a link to a missing file.
    """
    files: dict[tuple[str, str], Path] = {}
    for path in paths:
        below = list(walk_schema_files(path)) if os.path.isdir(path) else [path]
        if not below:
            raise InputError("the folder has no *.json file", where=str(path), fix="check the path")
        for file in below:
            _refuse_dangling(file)
            files.setdefault((os.path.realpath(file.parent), file.name), file)
        refuse_too_many(len(files), str(path))
    return list(files.values())


def walk_schema_files(folder: Path) -> Iterator[Path]:
    """Yield what stands for a schema file in a folder, sorted: also links to missing files.

    Raises `InputError` for a folder that cannot be read, and for too many or too deep folders.
    """
    for path, is_folder in _Walk().enter(folder, 0):
        if not is_folder:
            yield path


def walk_folders(folder: Path) -> Iterator[Path]:
    """Yield a folder and those below it in which schema files count. Raises `InputError`."""
    yield folder
    for path, is_folder in _Walk().enter(folder, 0):
        if is_folder:
            yield path


class _Walk:
    """One walk through folders. A folder to which several links lead is entered once."""

    def __init__(self) -> None:
        self._count = 0
        self._entered = set[str]()

    def enter(self, folder: Path, depth: int) -> Iterator[tuple[Path, bool]]:
        """Yield each schema file and each sub-folder, and whether it is one."""
        try:
            names = sorted(os.listdir(folder))
        except FileNotFoundError:
            return
        except OSError as error:
            reason = error.strerror or "unknown error"
            raise InputError(
                f"the folder cannot be read: {reason}",
                where=str(folder),
                fix="check its permissions",
            ) from None
        self._count += len(names)
        check_walk(folder, self._count, depth, _MAX_ENTRIES)
        is_snapshot = LOCKFILE_NAME in names
        if depth and is_snapshot:
            return
        self._entered.add(os.path.realpath(folder))
        for name in names:
            path = folder / name
            if name.startswith(".") or name == LOCKFILE_NAME:
                continue
            if is_snapshot and name.endswith(CONTRACT_SUFFIX):
                continue
            if os.path.isdir(path):
                if os.path.realpath(path) not in self._entered:
                    yield path, True
                    yield from self.enter(path, depth + 1)
            elif name.lower().endswith(".json") or _is_dangling(path, name):
                yield path, False


def _is_dangling(path: Path, name: str) -> bool:
    """Return True for a link to nowhere that may have been one to a folder with schema files."""
    return "." not in name and os.path.islink(path) and not os.path.exists(path)


def _refuse_dangling(path: Path) -> None:
    if os.path.islink(path) and not os.path.exists(path):
        raise InputError(
            f"the schema file is a link to {os.readlink(path)}, which does not exist",
            where=str(path),
            fix="restore the target (is a git submodule not checked out?), or delete the link",
            location=Location(str(path), "", 1, 1),
        )
