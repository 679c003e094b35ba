"""Whether the package keeps what its types promise, by the word of others: an independent validator
for the payloads, and the type checkers that are installed. Works offline, writes nothing."""

from collections.abc import Iterable, Iterator

from .. import pipeline
from ..config import Config
from ..errors import WriteConflictError
from ..output.snapshot import read_lockfile, read_snapshot
from ..schema.envelope import Schema
from . import oracle
from .checkers import check_types
from .compare import compare
from .patterns import strings
from .results import Verification
from .subject import imported

__all__ = ["Verification", "verify", "verify_package"]


def verify(config: Config) -> Verification:
    """The package of a configuration against its snapshot.

    Raises `WriteConflictError` if it is not what `generate` would make, what `check` raises, and
    `ConfigError` if there is no validator to compare with.
    """
    result = pipeline.check(config)
    if result.is_stale:
        number = len(result.plan.changes)
        raise WriteConflictError(
            f"stale: {number} file{'s differ' if number > 1 else ' differs'} from what generate "
            "would write",
            where=str(config.output),
            fix="engage-codegen generate",
        )
    return verify_package(config)


def verify_package(config: Config) -> Verification:
    """The same of a package as it is, fresh or not. It is imported, and so run."""
    independent = oracle.choose()
    lockfile = read_lockfile(config.output)
    schemas = read_snapshot(config.output)
    matching = strings(_patterns(schemas.values()))
    with imported(config.output) as package:
        compared = tuple(
            compare(schemas[key], package.subject(of), independent, of.properties, matching)
            for key, of in sorted(lockfile.modules.items())
        )
    paths = [path for path in lockfile.written_files if path.endswith((".py", "py.typed"))]
    return Verification(independent.name, compared, check_types(config.output, paths))


def _patterns(schemas: Iterable[Schema]) -> Iterator[str]:
    for schema in schemas:
        properties = schema.json_schema.get("properties")
        for value in properties.values() if isinstance(properties, dict) else ():
            pattern = value.get("pattern") if isinstance(value, dict) else None
            if isinstance(pattern, str):
                yield pattern
