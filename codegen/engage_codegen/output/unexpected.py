"""Files that Python would import from inside a package, and that this tool did not write.

Such a file can replace a generated module: a folder ``client/`` is imported instead of
``client.py``, and so is bytecode that Python does not compare with its source. Source of the
rules: ``importlib.machinery.FileFinder`` and PEP 552.
"""

import os
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal, TypeAlias

from ..filesystem import read_bytes, walk
from .git import tracked_files

Kind: TypeAlias = Literal["module", "folder", "extension", "bytecode", "cached-bytecode"]

_CACHE = "__pycache__"
_MAX_FILES = 20_000
_KINDS: dict[str, Kind] = {
    ".py": "module",
    ".pyw": "module",
    ".pyc": "bytecode",
    ".so": "extension",
    ".pyd": "extension",
}


@dataclass(frozen=True, slots=True)
class UnexpectedFile:
    """One such file or folder: its path below the package, and how Python would import it."""

    path: str
    kind: Kind

    @property
    def message(self) -> str:
        return _MESSAGES[self.kind]

    @property
    def fix(self) -> str:
        return "move it out of the package, or delete it"


_MESSAGES: dict[Kind, str] = {
    "module": "Python would import this module, which engage-codegen did not write",
    "folder": "Python would import this folder, which engage-codegen did not write",
    "extension": "Python would import this extension module, which engage-codegen did not write",
    "bytecode": "Python would import this bytecode, which has no source",
    "cached-bytecode": "Python would import this bytecode without comparing it with its source",
}


def find_unexpected(
    paths: Collection[str],
    expected: Collection[str],
    read: Callable[[str], bytes],
    is_shipped: Callable[[str], bool],
) -> Iterator[UnexpectedFile]:
    """Yield the unexpected files and folders among `paths`, sorted; a folder once, not its files.

    `paths` are all files below the package, with ``/``, and `expected` those that a generated
    package has. `read` returns the contents of a path. `is_shipped` says whether a cache file
    travels with the package, tracked by git or inside a wheel: then its time stamp proves nothing.
    """
    folders = {str(parent) for path in expected for parent in PurePosixPath(path).parents}
    reported: set[str] = set()
    for path in sorted(paths):
        if path in expected:
            continue
        kind = _kind_of(path, folders)
        if kind == "cached-bytecode" and not (is_shipped(path) or _is_unchecked(path, read)):
            kind = None
        place = _topmost(path, folders) if kind == "folder" else path
        if kind is not None and place not in reported:
            reported.add(place)
            yield UnexpectedFile(place, kind)


def scan_folder(root: Path, expected: Collection[str]) -> tuple[UnexpectedFile, ...]:
    """Return the unexpected files and folders below a package on the disk. Raises `InputError`."""
    paths, tracked = list_files(root), tracked_files(root)
    return tuple(
        find_unexpected(paths, expected, lambda path: read_bytes(root / path), tracked.__contains__)
    )


def list_files(root: Path) -> list[str]:
    """Return the paths of all files below a package, with ``/``.

    A link to a folder, which Python would import, counts as a folder with ``__init__.py``. Raises
    `InputError` for a folder that cannot be read, and for too many files.
    """
    paths: list[str] = []
    for folder, folders, names in walk(root, limit=_MAX_FILES):
        links = [f"{name}/__init__.py" for name in folders if os.path.islink(f"{folder}/{name}")]
        paths += [(Path(folder) / name).relative_to(root).as_posix() for name in (*names, *links)]
    return paths


def _kind_of(path: str, folders: Collection[str]) -> Kind | None:
    parts = PurePosixPath(path)
    parent = parts.parent
    if parent.name == _CACHE:
        is_used = parts.suffix == ".pyc" and str(parent.parent) in folders
        return "cached-bytecode" if is_used else None
    if str(parent) not in folders:
        return "folder" if PurePosixPath(_topmost(path, folders)).name.isidentifier() else None
    return _KINDS.get(parts.suffix)


def _topmost(path: str, folders: Collection[str]) -> str:
    """Return the outermost folder of a path that no generated file is in."""
    parents = [str(parent) for parent in PurePosixPath(path).parents]
    return next(parent for parent in reversed(parents) if parent not in folders)


def _is_unchecked(path: str, read: Callable[[str], bytes]) -> bool:
    """Return True for bytecode that Python loads without looking at the source (PEP 552)."""
    try:
        header = read(path)[:8]
    except OSError:
        return True
    return len(header) == 8 and int.from_bytes(header[4:8], "little") & 0b11 == 0b01
