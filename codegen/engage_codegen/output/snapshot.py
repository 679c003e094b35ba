"""The snapshot: one canonical JSON file for each schema, in ``_snapshot/`` of the package."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from ..errors import CodegenError, InputError, Location
from ..filesystem import MAX_SCHEMA_BYTES, read_bytes, unreadable
from ..schema.contract import CONTRACT_SUFFIX, Contract
from ..schema.envelope import Schema, file_name, id_of_file, parse_envelope, refuse_too_many
from ..schema.jsontext import digest, loads, positions
from .lockfile import (
    FOLDER,
    LOCKFILE_PATH,
    Lockfile,
    contract_path,
    parse_lockfile,
    snapshot_path,
)


def snapshot_files(output: Path) -> dict[str, Path]:
    """Return the snapshot files that exist: schema id -> path, sorted by id.

    Names that begin with a dot belong to the operating system or an editor and are skipped.
    Raises `InputError` for a name that ends in ``.JSON``: it is a file of the snapshot on some
    systems and none on others.
    """
    folder = output / FOLDER
    try:
        names = os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise unreadable(folder, error) from None
    lockfile = LOCKFILE_PATH.rpartition("/")[2]
    names = [name for name in names if name[:1] != "." and name != lockfile]
    for name in names:
        if name.lower().endswith(".json") and not name.endswith(".json"):
            raise InputError(
                "the name of a snapshot file must end in .json",
                where=str(folder / name),
                fix=f"name the file {name[:-5]}.json",
            )
    names = [name for name in names if not name.endswith(CONTRACT_SUFFIX)]
    ids = sorted(id_of_file(name) for name in names if name.endswith(".json"))
    refuse_too_many(len(ids), str(folder))
    return {schema_id: output / snapshot_path(schema_id) for schema_id in ids}


def read_snapshot(output: Path) -> dict[str, Schema]:
    """Return all schemas of the snapshot with their contracts, by id.

    Raises `InputError`, `SchemaError`, and `ConfigError` for a damaged contract.
    """
    schemas: dict[str, Schema] = {}
    for schema_id, path in snapshot_files(output).items():
        try:
            text = read_bytes(path, MAX_SCHEMA_BYTES).decode("utf-8-sig")
        except OSError as error:
            raise unreadable(path, error) from None
        except UnicodeDecodeError:
            raise InputError(
                "the snapshot file is not UTF-8",
                where=str(path),
                fix="restore the file from version control",
                location=Location(str(path), "", 1, 1),
            ) from None
        schema = parse_envelope(text, str(path))
        if schema.id != schema_id:
            raise InputError(
                f"the snapshot file contains the schema {schema.id!r}, not {schema_id!r}",
                where=str(path),
                fix=f"name the file {file_name(schema.id)}",
                location=Location(str(path), "/id", *positions(text)["id",]),
            )
        contract = parse_contract_text(_read_contract(output, schema_id), schema_id, str(path))
        schemas[schema_id] = replace(schema, contract=contract)
    return schemas


def _read_contract(output: Path, schema_id: str) -> bytes | None:
    path = output / contract_path(schema_id)
    try:
        return read_bytes(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise unreadable(path, error) from None


def parse_contract_text(data: bytes | None, schema_id: str, origin: str) -> Contract | None:
    """Return the contract in the bytes of its snapshot, or None without any.

    Raises `InputError` and `ConfigError`.
    """
    if data is None:
        return None
    from ..contract.files import parse_contract

    location = Location(origin, "", 1, 1)
    try:
        value = loads(data.decode("utf-8-sig"))
    except ValueError as error:
        raise InputError(
            f"the contract is not valid JSON: {error}",
            where=origin,
            fix="engage-codegen generate",
            location=location,
        ) from None
    table = value if isinstance(value, dict) else {}
    return parse_contract(schema_id, table, origin, lambda _section, _key: location)


def read_lockfile(output: Path) -> Lockfile:
    """Return the lock file of a package, or an empty one. Raises `InputError`."""
    path = output / LOCKFILE_PATH
    try:
        return parse_lockfile(read_bytes(path), str(path))
    except (FileNotFoundError, NotADirectoryError):
        return Lockfile()
    except OSError as error:
        raise unreadable(path, error) from None


def is_same_schema(data: bytes, expected: str) -> bool:
    """Return True if a snapshot file contains the schema with this digest, in any layout."""
    if digest(data) == expected:
        return True
    try:
        return parse_envelope(data.decode("utf-8-sig"), "").digest == expected
    except (UnicodeDecodeError, CodegenError):
        return False


def refuse_case_collisions(ids: Iterable[str]) -> None:
    """Raise `InputError` for ids that share a snapshot file on Windows and macOS."""
    owners: dict[str, str] = {}
    for schema_id in sorted(ids):
        owner = owners.setdefault(schema_id.lower(), schema_id)
        if owner != schema_id:
            raise InputError(
                f"the schema ids {owner!r} and {schema_id!r} differ only in case",
                where="their snapshot files would be one file on Windows and macOS",
                fix="rename or delete one of them in the source, or pull only one: "
                "engage-codegen pull ID",
            )


def snapshot_texts(schemas: Mapping[str, Schema]) -> dict[str, str]:
    """Return the snapshot files of schemas: path below the package -> text."""
    return {snapshot_path(schema_id): schema.canonical for schema_id, schema in schemas.items()}


def contract_texts(schemas: Mapping[str, Schema]) -> dict[str, str]:
    """Return the snapshot files of contracts: path below the package -> text."""
    return {
        contract_path(schema_id): schema.contract.canonical
        for schema_id, schema in schemas.items()
        if schema.contract
    }


def require_snapshot(output: Path) -> None:
    """Raise `InputError` if nothing was ever pulled into the output."""
    if not (output / LOCKFILE_PATH).exists():
        raise InputError(
            "there is no snapshot to generate from",
            where=str(output / FOLDER),
            fix="engage-codegen pull",
        )
