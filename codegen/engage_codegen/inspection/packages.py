"""Generated packages as they are shipped: in a folder, in a wheel, installed."""

import os
import sys
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path, PurePosixPath
from zipfile import BadZipFile, ZipFile

from ..errors import InputError
from ..output import snapshot
from ..schema.envelope import Schema, parse_envelope
from ..schema.text import quote

_LARGEST = 100_000_000
_Reader = Callable[[str], bytes]
"""A path below the package -> its bytes. Raises `FileNotFoundError`."""


@dataclass(frozen=True, slots=True)
class Artefact:
    """A package: its import name, the folder that it lies in if it is on the disk, the tool's
    version that made it, the schemas that it was generated from, and why what it sends is not
    known by them: schema id -> a sentence."""

    name: str
    folder: Path | None
    version: str
    schemas: Mapping[str, Schema]
    doubts: Mapping[str, str]


def find(what: str) -> list[Artefact]:
    """The packages in a folder or a wheel, else those of what is installed under a name: a
    package's or a distribution's. Raises `InputError`."""
    path = Path(what)
    if not what:
        found: list[Artefact] = []
    elif path.is_dir():
        found = [_on_disk(it, path) for it in _packages(path)]
    elif what.endswith(".whl"):
        found = _in_wheel(path)
    else:
        found = [_on_disk(folder, base) for folder, base in _installed(what)]
    if not found:
        raise InputError(
            f"there is no generated package in {quote(what)}",
            where=what,
            fix="name a folder, a wheel or an installed package that holds _snapshot/*.json; "
            "setuptools leaves these files out unless package-data names them",
        )
    return found


def _packages(base: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(base):
        folders[:] = sorted(it for it in folders if it[0] != "." and it != "node_modules")
        if Path(folder).name == snapshot.FOLDER and Path(snapshot.LOCK_PATH).name in names:
            yield Path(folder).parent


def _on_disk(package: Path, base: Path) -> Artefact:
    parts = package.relative_to(base).parts or (package.absolute().name,)

    def read(path: str) -> bytes:
        return (package / path).read_bytes()

    return _artefact(".".join(parts), package, read)


def _in_wheel(path: Path) -> list[Artefact]:
    try:
        with ZipFile(path) as wheel:
            if sum(it.file_size for it in wheel.infolist()) > _LARGEST:
                raise InputError("the wheel is too large", where=str(path), fix="check the path")
            suffix = f"/{snapshot.LOCK_PATH}"
            names = sorted(it for it in wheel.namelist() if it.endswith(suffix))
            return [_zipped(wheel, it.removesuffix(suffix)) for it in names]
    except OSError as error:
        raise InputError(
            f"cannot be read: {error.strerror}", where=str(path), fix="check the path"
        ) from None
    except (BadZipFile, NotImplementedError, RuntimeError, ValueError, EOFError, zlib.error):
        raise InputError("the file is no wheel", where=str(path), fix="build it again") from None


def _zipped(wheel: ZipFile, package: str) -> Artefact:
    def read(path: str) -> bytes:
        try:
            return wheel.read(f"{package}/{path}")
        except KeyError:
            raise FileNotFoundError(path) from None

    return _artefact(".".join(PurePosixPath(package).parts), None, read)


def _installed(name: str) -> Iterator[tuple[Path, Path]]:
    """Nothing is imported: an import runs code."""
    for entry in sys.path:
        folder = Path(entry or ".", *name.split("."))
        if (folder / snapshot.LOCK_PATH).is_file():
            yield folder, Path(entry or ".")
            return
    try:
        files = metadata.files(name) or []
    except (metadata.PackageNotFoundError, ValueError):
        return
    for file in files:
        if file.as_posix().endswith(f"/{snapshot.LOCK_PATH}"):
            path = Path(str(file.locate())).parent.parent
            if not (path / snapshot.LOCK_PATH).is_file():
                continue
            yield path, path.parents[len(file.parts) - 3]


def _artefact(name: str, folder: Path | None, read: _Reader) -> Artefact:
    origin = str(folder or name)
    lock = snapshot.parse_lock(read(snapshot.LOCK_PATH), f"{origin}: {snapshot.LOCK_PATH}")
    shared = _differing(lock.files, read)
    schemas: dict[str, Schema] = {}
    doubts: dict[str, str] = {}
    for schema_id, entry in lock.schemas.items():
        made = entry.generated
        if made is None:
            doubts[schema_id] = "it was pulled, and there is no code for it"
            continue
        path = snapshot.path_of(schema_id)
        data = _read(read, path)
        if data is None or not snapshot.same_schema(data, made.schema):
            doubts[schema_id] = f"{path} is not what it was generated from"
            continue
        schemas[schema_id] = parse_envelope(data.decode("utf-8"), f"{origin}: {path}")
        other = _differing({f"{made.module}.py": made.code}, read) or shared
        if other:
            doubts[schema_id] = f"{other} is not what was generated"
    if not schemas and not doubts:
        raise InputError(
            "the package has no schemas", where=origin, fix="engage-codegen pull, then generate"
        )
    return Artefact(name, folder, lock.head.version, schemas, doubts)


def _differing(hashes: Mapping[str, str], read: _Reader) -> str:
    """The first Python file that has not the hash that the lock says; empty if all have."""
    for path, expected in hashes.items():
        data = _read(read, path)
        if path.endswith(".py") and (
            data is None or not snapshot.same_output(path, data, expected)
        ):
            return path
    return ""


def _read(read: _Reader, path: str) -> bytes | None:
    try:
        return read(path)
    except OSError:
        return None
