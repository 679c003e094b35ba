"""Which files of a folder are schema files."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..errors import InputError, Location
from ..schema.contract import CONTRACT_SUFFIX

LOCKFILE_NAME = "codegen.lock.json"
"""The name of the lock file, which stands among the schema files of a snapshot."""


def find_schema_files(paths: Sequence[Path]) -> list[Path]:
    """Return the schema files in files and folders, each once, in the order of the paths.

    A folder stands for every ``*.json`` in it and in its sub-folders, in upper or lower case.
    Names that begin with a dot belong to the operating system or an editor and are skipped; so is
    the snapshot of a generated package below a folder. Raises `InputError` for a folder without
    schema files and for a link to a missing file.
    """
    files: dict[tuple[str, str], Path] = {}
    for path in paths:
        below = list(walk_schema_files(path)) if path.is_dir() else [path]
        if not below:
            raise InputError("the folder has no *.json file", where=str(path), fix="check the path")
        for file in below:
            _refuse_dangling(file)
            files.setdefault((os.path.realpath(file.parent), file.name), file)
    return list(files.values())


def walk_schema_files(folder: Path) -> Iterator[Path]:
    """Yield what stands for a schema file in a folder, sorted: also links to missing files."""
    for path, is_folder in _walk(folder, frozenset()):
        if not is_folder:
            yield path


def walk_folders(folder: Path) -> Iterator[Path]:
    """Yield a folder and those below it in which schema files count."""
    yield folder
    for path, is_folder in _walk(folder, frozenset()):
        if is_folder:
            yield path


def _walk(folder: Path, above: frozenset[str]) -> Iterator[tuple[Path, bool]]:
    """Yield each schema file and each sub-folder, and whether it is one. `above` are the real
    paths of the folders around, so that a link to one of them does not lead in a circle."""
    try:
        names = sorted(os.listdir(folder))
    except FileNotFoundError:
        return
    except OSError as error:
        reason = error.strerror or "unknown error"
        raise InputError(
            f"the folder cannot be read: {reason}", where=str(folder), fix="check its permissions"
        ) from None
    if above and LOCKFILE_NAME in names:
        return
    is_snapshot = LOCKFILE_NAME in names
    around = above | {os.path.realpath(folder)}
    for name in names:
        path = folder / name
        if name.startswith(".") or name == LOCKFILE_NAME:
            continue
        if is_snapshot and name.endswith(CONTRACT_SUFFIX):
            continue
        if path.is_dir():
            if os.path.realpath(path) not in around:
                yield path, True
                yield from _walk(path, around)
        elif name.lower().endswith(".json") or _is_dangling(path, name):
            yield path, False


def _is_dangling(path: Path, name: str) -> bool:
    """Return True for a link to nowhere that may have been one to a folder with schema files."""
    return "." not in name and path.is_symlink() and not path.exists()


def _refuse_dangling(path: Path) -> None:
    if path.is_symlink() and not path.exists():
        raise InputError(
            f"the schema file is a link to {os.readlink(path)}, which does not exist",
            where=str(path),
            fix="restore the target (is a git submodule not checked out?), or delete the link",
            location=Location(str(path), "", 1, 1),
        )
