"""A whole package in memory, as `generate` writes it and `check` expects it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..config import Config
from ..model.build import build
from ..render.package import render_package
from ..schema.envelope import Schema
from .freshness import current_generator
from .lockfile import FILES_ORIGIN, Lockfile, snapshot_path
from .plan import Plan, make_plan
from .record import record_package, refuse_renames
from .snapshot import (
    read_snapshot,
    refuse_case_collisions,
    require_snapshot,
    snapshot_files,
    snapshot_texts,
)


@dataclass(frozen=True, slots=True)
class Rendering:
    """The files of a package, path -> text, its lock file, and the files that earlier runs wrote,
    path -> fingerprint."""

    texts: Mapping[str, str]
    lockfile: Lockfile
    written: Mapping[str, str]

    def plan(self, output: Path) -> Plan:
        """Return what has to change on the disk."""
        return make_plan(output, self.texts, self.written, self.lockfile.to_text())


def render(
    config: Config, lockfile: Lockfile, local_schemas: Mapping[str, Schema] | None
) -> Rendering:
    """Render the package from the local schemas, or from the snapshot if the source is a tenant.

    Raises what the model and the templates raise, and `SchemaError` for names that another version
    of this tool gave and this one would change.
    """
    written = lockfile.written_files
    schemas = local_schemas
    if schemas is None:
        schemas = read_snapshot(config.output)
    else:
        refuse_case_collisions(schemas)
        # A file that no pull wrote has no digest that could match, so it is in the way.
        existing = map(snapshot_path, snapshot_files(config.output))
        written |= dict.fromkeys(existing, "") | lockfile.pulled_files
        lockfile = lockfile.with_pulled(schemas, FILES_ORIGIN, keep_others=False)
    if not schemas:
        require_snapshot(config.output)
    package = build(schemas, config.renames, config.dialect)
    refuse_renames(lockfile, package, config.renames)
    texts = render_package(package, config.without)
    recorded = record_package(current_generator(config), lockfile, schemas, package, texts)
    return Rendering(texts | snapshot_texts(schemas), recorded, written)
