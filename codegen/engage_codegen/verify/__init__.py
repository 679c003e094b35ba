"""Verification of a package: an independent validator for its classes, and the installed type
checkers for its types. Works offline and writes nothing into the project."""

from collections.abc import Iterable, Iterator

from .. import pipeline
from ..config import Config
from ..filesystem import read_bytes
from ..output.snapshot import read_lockfile, read_snapshot
from ..output.verified import record_verified
from ..schema.envelope import Schema
from . import oracle
from .checkers import check_types
from .compare import compare
from .patterns import generate_strings
from .results import Verification
from .subject import import_package

__all__ = ["Verification", "verify", "verify_package"]


def verify(config: Config) -> Verification:
    """Verify the package of a configuration against its snapshot.

    Raises what `pipeline.require_current` raises, because the package is imported, and
    `ConfigError` if no validator is installed. A package that passes is recorded for `preflight`.
    """
    pipeline.require_current(config)
    result = verify_package(config)
    if result.is_sound:
        record_verified(read_lockfile(config.output), lambda path: read_bytes(config.output / path))
    return result


def verify_package(config: Config) -> Verification:
    """Verify a package, even if it is stale. Runs its code, in another process."""
    independent = oracle.choose_oracle()
    lockfile = read_lockfile(config.output)
    schemas = read_snapshot(config.output)
    matching = generate_strings(_patterns(schema.narrowed for schema in schemas.values()))
    with import_package(config.output) as package:
        results = tuple(
            compare(
                schemas[key].narrowed,
                package.subject(module),
                independent,
                matching,
                has_contract=schemas[key].contract is not None,
            )
            for key, module in sorted(lockfile.modules.items())
        )
    paths = [path for path in lockfile.written_files if path.endswith((".py", ".pyi", "py.typed"))]
    return Verification(independent.name, results, check_types(config.output, paths))


def _patterns(schemas: Iterable[Schema]) -> Iterator[str]:
    for schema in schemas:
        properties = schema.json_schema.get("properties")
        for value in properties.values() if isinstance(properties, dict) else ():
            pattern = value.get("pattern") if isinstance(value, dict) else None
            if isinstance(pattern, str):
                yield pattern
