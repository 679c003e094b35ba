"""The committed schemas and the lock: read, write, compare.

Both lie in the package, in ``_snapshot/``: one canonical JSON file for each schema, and the lock,
which says what the rest of the package was made from and what we wrote. One line of the lock is
one schema, so that a new schema is a new line.
"""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from ..errors import CodegenError, InputError
from ..schema.envelope import Schema, parse_envelope
from ..schema.jsontext import digest
from .lockfile import (
    FOLDER,
    INDEX_PATH,
    LOCK_PATH,
    RESTORE,
    Entry,
    Generated,
    Head,
    Lock,
    fingerprint,
    index_parts,
    parse_lock,
    path_of,
)


def same_schema(data: bytes, expected: str) -> bool:
    """Whether a snapshot file holds the schema with this hash, in whatever layout."""
    if digest(data) == expected:
        return True
    try:
        return digest(parse_envelope(data.decode("utf-8"), "").canonical) == expected
    except (UnicodeDecodeError, CodegenError):
        return False


def same_snapshot(_path: str, data: bytes, expected: str) -> bool:
    """`same_schema`, as an `Ownership` asks."""
    return same_schema(data, expected)


def same_output(path: str, data: bytes, expected: str) -> bool:
    """Whether a generated file has this fingerprint."""
    return fingerprint(path, data) == expected


def is_fresh(output: Path, lock: Lock, head: Head, local: Mapping[str, str] | None) -> bool:
    """Whether inputs and output are still those of the lock, by their hashes alone.

    `local` has the hashes of the schemas of the configured files, if those are the source.
    """
    if lock.head != head:
        return False
    if local is not None and local != {
        key: entry.pulled for key, entry in lock.schemas.items() if entry.pulled
    }:
        return False
    made = lock.made()
    if set(_ids(output)) != set(made):
        return False
    if local is not None and any(made[key].schema != local[key] for key in made):
        return False
    owned = lock.owned_output()
    try:
        return all(
            same_schema(_data(f"{output}/{path_of(key)}"), made[key].schema) for key in made
        ) and all(same_output(path, _data(f"{output}/{path}"), owned[path]) for path in owned)
    except (OSError, ValueError):
        return False


def _data(path: str) -> bytes:
    # Without a Path: making one is a third of reading a file.
    with open(path, "rb", buffering=0) as file:
        return file.read()


def files(output: Path) -> dict[str, Path]:
    """The snapshot files that exist: schema id -> path, sorted by id."""
    return {key: output / path_of(key) for key in _ids(output)}


def _ids(output: Path) -> list[str]:
    """The schemas that have a snapshot file, sorted."""
    folder = output / FOLDER
    try:
        names = os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise _unreadable(folder, error) from None
    lock = LOCK_PATH.rpartition("/")[2]
    return sorted(name[:-5] for name in names if name.endswith(".json") and name != lock)


def read(output: Path) -> dict[str, Schema]:
    """All schemas of the snapshot, by id. Raises `InputError` and `SchemaError`."""
    schemas: dict[str, Schema] = {}
    for schema_id, path in files(output).items():
        try:
            schema = parse_envelope(path.read_bytes().decode("utf-8"), str(path))
        except OSError as error:
            raise _unreadable(path, error) from None
        except UnicodeDecodeError:
            raise InputError("the snapshot is not UTF-8", where=str(path), fix=RESTORE) from None
        if schema.id != schema_id:
            raise InputError(
                f"the snapshot holds the schema {schema.id!r}, not the one it is named after",
                where=str(path),
                fix=f"name the file {schema.id}.json",
            )
        schemas[schema_id] = schema
    return schemas


def read_lock(output: Path) -> Lock:
    """The lock of a package; an empty one if there is none. Raises `InputError`."""
    path = output / LOCK_PATH
    try:
        return parse_lock(path.read_bytes(), str(path))
    except (FileNotFoundError, NotADirectoryError):
        return Lock()
    except OSError as error:
        raise _unreadable(path, error) from None


def refuse_case_twins(ids: Iterable[str]) -> None:
    """Raise `InputError` for ids that would share a snapshot file on Windows or macOS."""
    seen: dict[str, str] = {}
    for schema_id in sorted(ids):
        twin = seen.setdefault(schema_id.lower(), schema_id)
        if twin != schema_id:
            raise InputError(
                f"the schema ids {twin!r} and {schema_id!r} differ only in case",
                where="their snapshot files would be one file on Windows and macOS",
                fix="keep one of them: engage-codegen pull with the ids that you need",
            )


def _unreadable(path: Path, error: OSError) -> InputError:
    return InputError(
        f"cannot be read: {error.strerror}", where=str(path), fix="check its permissions"
    )


__all__ = ["FOLDER", "INDEX_PATH", "LOCK_PATH", "Entry", "Generated", "Head", "Lock"]
__all__ += ["files", "fingerprint", "index_parts", "is_fresh", "parse_lock", "path_of", "read"]
__all__ += ["read_lock", "refuse_case_twins", "same_output", "same_schema", "same_snapshot"]
