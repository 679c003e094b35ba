"""Whether `generate` has nothing to do, by the hashes of the lock file. No verdict uses this."""

from collections.abc import Mapping
from pathlib import Path

from .. import __version__
from ..config import Config
from ..filesystem import read_bytes
from ..render.resources import templates_digest
from ..schema.envelope import Schema
from .lockfile import FILES_ORIGIN, Generator, Lockfile, fingerprint, snapshot_path
from .snapshot import snapshot_files


def current_generator(config: Config) -> Generator:
    """Return the generator of this run."""
    return Generator(__version__, config.digest(), templates_digest())


def is_current(
    config: Config, lockfile: Lockfile, local_schemas: Mapping[str, Schema] | None
) -> bool:
    """Return True if every input and every output has the hash that the lock file records for it,
    and this very generator made every line.

    `local_schemas` are those of the configured files, or None if the source is a tenant.
    """
    generator, modules = current_generator(config), lockfile.modules
    if lockfile.generator != generator:
        return False
    if any(module.generator != generator.name for module in modules.values()):
        return False
    if snapshot_files(config.output).keys() != modules.keys():
        return False
    if local_schemas is not None and not _is_pulled(lockfile, local_schemas):
        return False
    try:
        return _has_hashes(config.output, lockfile)
    except (OSError, ValueError):
        return False


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
        fingerprint(path, read_bytes(f"{output}/{path}")) == value
        for path, value in expected.items()
    )
