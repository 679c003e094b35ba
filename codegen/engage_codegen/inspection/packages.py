"""Generated packages as they are shipped: in a folder, in a wheel, or installed.

What a package says of itself is not believed. Its code is compared with code rendered from its own
snapshot, by the same version of this tool, and where that is impossible nothing is known of it.
"""

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import metadata
from itertools import islice
from pathlib import Path, PurePosixPath

from ..errors import InputError
from ..filesystem import read_bytes, unreadable, walk
from ..output.git import tracked_files
from ..output.lockfile import (
    FOLDER,
    LOCKFILE_PATH,
    contract_path,
    parse_lockfile,
    snapshot_path,
)
from ..output.rendering import own_files_of
from ..output.snapshot import is_same_schema, parse_contract_text
from ..output.unexpected import list_files
from ..output.verified import is_verified
from ..schema.envelope import Schema, parse_envelope
from ..schema.text import quote
from .shipped_code import PackageFiles, doubt_code, list_own_files
from .wheels import Wheel, open_wheel

_MAX_PACKAGES = 20


@dataclass(frozen=True, slots=True)
class ShippedPackage:
    """A generated package.

    `name` is its import name, `folder` where it lies if it is on the disk, `version` the version
    of this tool that its lock file names, `schemas` those that it was generated from. `doubts` say
    why nothing is known about what it sends: schema id -> sentence. `own_files` are those that
    templates of the project made: path -> template. Those of a schema are `unproven` as long as
    `verify` has not passed: schema id -> paths.
    """

    name: str
    folder: Path | None
    version: str
    schemas: Mapping[str, Schema]
    doubts: Mapping[str, str]
    own_files: Mapping[str, str] = field(default_factory=dict[str, str])
    unproven: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])


def find_packages(location: str) -> list[ShippedPackage]:
    """Return the packages in a folder or a wheel, or of an installed package or distribution.

    Nothing is imported, because an import runs code. Raises `InputError`.
    """
    path = Path(location)
    if not location:
        packages: list[ShippedPackage] = []
    elif path.is_dir():
        folders = list(islice(_package_folders(path), _MAX_PACKAGES + 1))
        _refuse_many(len(folders), location)
        packages = [_read_folder(folder, _import_root(folder)) for folder in folders]
    elif location.endswith(".whl"):
        packages = _read_wheel(path)
    else:
        packages = [_read_folder(folder, base) for folder, base in _installed(location)]
    if not packages:
        raise InputError(
            f"there is no generated package in {quote(location)}",
            where=location,
            fix="pass a folder, a .whl file, or the name of an installed package that contains "
            "_snapshot/*.json. setuptools leaves these files out unless package-data names them",
        )
    return packages


def _refuse_many(count: int, location: str) -> None:
    if count > _MAX_PACKAGES:
        raise InputError(
            f"there are more than {_MAX_PACKAGES} generated packages",
            where=location,
            fix="pass the folder of one package",
        )


def _package_folders(base: Path) -> Iterator[Path]:
    for folder, folders, names in walk(base):
        folders[:] = sorted(name for name in folders if name[0] != "." and name != "node_modules")
        if Path(folder).name == FOLDER and Path(LOCKFILE_PATH).name in names:
            yield Path(folder).parent


def _import_root(package: Path) -> Path:
    """Return the folder from which a package is imported.

    It is an entry of `sys.path`, ``src``, or the nearest folder that is no package. A namespace
    package elsewhere cannot be told from a folder, so it is no part of the name.
    """
    parents = Path(os.path.abspath(package)).parents
    roots = {os.path.abspath(entry) for entry in sys.path}
    for parent in parents:
        if str(parent) in roots or parent.name == "src":
            return parent
    return next(parent for parent in parents if not (parent / "__init__.py").is_file())


def _read_folder(package: Path, root: Path) -> ShippedPackage:
    name = os.path.relpath(package, root).replace(os.sep, ".")
    paths, tracked = list_files(package), tracked_files(package)
    files = PackageFiles(
        str(package), paths, lambda path: read_bytes(package / path), tracked.__contains__
    )
    try:
        return _inspect(name, package, files)
    except OSError as error:
        raise unreadable(package / LOCKFILE_PATH, error) from None


def _read_wheel(path: Path) -> list[ShippedPackage]:
    with open_wheel(path) as wheel:
        suffix = f"/{LOCKFILE_PATH}"
        names = sorted(name for name in wheel.paths if name.endswith(suffix))
        _refuse_many(len(names), str(path))
        return [_read_wheel_folder(wheel, name.removesuffix(suffix)) for name in names]


def _read_wheel_folder(wheel: Wheel, package: str) -> ShippedPackage:
    prefix = f"{package}/"
    paths = [name.removeprefix(prefix) for name in wheel.paths if name.startswith(prefix)]
    files = PackageFiles(package, paths, lambda path: wheel.read(prefix + path), lambda _: True)
    return _inspect(".".join(PurePosixPath(package).parts), None, files)


def _installed(name: str) -> Iterator[tuple[Path, Path]]:
    for entry in sys.path:
        folder = Path(entry or ".", *name.split("."))
        if (folder / LOCKFILE_PATH).is_file():
            yield folder, Path(entry or ".")
            return
    try:
        files = metadata.files(name) or []
    except (metadata.PackageNotFoundError, ValueError):
        return
    for file in files:
        if file.as_posix().endswith(f"/{LOCKFILE_PATH}"):
            path = Path(str(file.locate())).parent.parent
            if (path / LOCKFILE_PATH).is_file():
                yield path, path.parents[len(file.parts) - 3]


def _inspect(name: str, folder: Path | None, files: PackageFiles) -> ShippedPackage:
    lockfile = parse_lockfile(files.read(LOCKFILE_PATH), f"{files.origin}: {LOCKFILE_PATH}")
    schemas: dict[str, Schema] = {}
    doubts: dict[str, str] = {}
    for schema_id, entry in lockfile.schemas.items():
        path = snapshot_path(schema_id)
        data = files.get(path)
        if entry.generated is None:
            doubts[schema_id] = "it was pulled, but never generated"
        elif data is None or not is_same_schema(data, entry.generated.schema):
            doubts[schema_id] = f"{path} differs from what it was generated from"
        else:
            schema = parse_envelope(data.decode("utf-8-sig"), f"{files.origin}: {path}")
            path = contract_path(schema_id)
            contract = parse_contract_text(files.get(path), schema_id, f"{files.origin}: {path}")
            schemas[schema_id] = replace(schema, contract=contract)
    if not schemas and not doubts:
        raise InputError(
            "the package has no schemas",
            where=files.origin,
            fix="engage-codegen pull, then engage-codegen generate",
        )
    doubts |= doubt_code(lockfile, schemas, files)
    own = own_files_of(lockfile)
    return ShippedPackage(
        *(name, folder, lockfile.generator.version, schemas, doubts),
        own_files={path: file.template for path, file in own.items()},
        unproven={} if is_verified(lockfile, files.read) else list_own_files(own, schemas),
    )
