"""Whether `generate` has nothing to do, by the hashes of the lock file. `check` does not use it."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from .. import __version__
from ..config import Config
from ..errors import CodegenError
from ..filesystem import read_bytes
from ..schema.contract import Contract
from ..schema.envelope import Schema
from .index import has_fingerprint
from .lockfile import (
    FILES_ORIGIN,
    STAGING_PREFIX,
    Generator,
    Lockfile,
    snapshot_path,
)
from .recipe import Recipe
from .snapshot import read_lockfile, snapshot_files


def count_current(config: Config) -> int | None:
    """Return the number of schemas if `generate` has nothing to do, and None if it has, or if it
    fails. Writes nothing."""
    if config.required_version not in ("", __version__):
        return None
    try:
        names = os.listdir(config.output)
        if any(name.startswith(STAGING_PREFIX) for name in names):
            return None
        schemas = read_schema_files(config.schemas) if config.schemas else None
        contracts = read_contracts(config.contracts)
        lockfile = read_lockfile(config.output)
        generator = Recipe.of(config).generator()
        is_done = is_current(config.output, lockfile, generator, schemas, contracts)
    except (CodegenError, OSError):
        return None
    return len(lockfile.modules) if is_done else None


def read_schema_files(paths: Sequence[Path]) -> Mapping[str, Schema]:
    """Return the schemas of files and folders. Raises `InputError` and `SchemaError`."""
    from ..sources.files import FileSource
    from ..sources.interface import ignore_progress

    return FileSource(paths).fetch((), ignore_progress)


def read_contracts(folder: Path | None) -> Mapping[str, Contract]:
    """Return the contracts of the configured folder. Raises `InputError` and `ConfigError`."""
    if folder is None:
        return {}
    from ..contract.files import read_contracts

    return read_contracts(folder)


def is_current(
    output: Path,
    lockfile: Lockfile,
    generator: Generator,
    local_schemas: Mapping[str, Schema] | None,
    contracts: Mapping[str, Contract],
) -> bool:
    """Return True if every input and every output has the hash that the lock file records for it,
    and this very generator made every line.

    `local_schemas` are those of the configured files, or None if the source is a tenant, and
    `contracts` those of the configured folder.
    """
    modules = lockfile.modules
    if lockfile.generator != generator or not _has_contracts(lockfile, contracts):
        return False
    if any(module.generator != generator.name for module in modules.values()):
        return False
    if snapshot_files(output).keys() != modules.keys():
        return False
    if local_schemas is not None and not _is_pulled(lockfile, local_schemas):
        return False
    try:
        return _has_hashes(output, lockfile)
    except (OSError, ValueError):
        return False


def _has_contracts(lockfile: Lockfile, contracts: Mapping[str, Contract]) -> bool:
    """Return True if the modules were generated with these contracts, and with no others."""
    digests = {key: contract.digest for key, contract in contracts.items()}
    return digests == {
        key: item.contract for key, item in lockfile.modules.items() if item.contract
    }


def _is_pulled(lockfile: Lockfile, schemas: Mapping[str, Schema]) -> bool:
    """Return True if these schemas, and no others, were taken from files and generated."""
    pulled = {
        key: entry.pulled
        for key, entry in lockfile.schemas.items()
        if entry.pulled and entry.origin == FILES_ORIGIN
    }
    digests = {key: schema.digest for key, schema in schemas.items()}
    generated = {key: module.schema for key, module in lockfile.modules.items()}
    return digests == pulled == generated


def _has_hashes(output: Path, lockfile: Lockfile) -> bool:
    expected = lockfile.written_files | {
        snapshot_path(key): module.schema for key, module in lockfile.modules.items()
    }
    # Without a Path: making one takes a third as long as reading a file.
    return all(
        has_fingerprint(path, read_bytes(f"{output}/{path}"), value)
        for path, value in expected.items()
    )
