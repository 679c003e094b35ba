"""`PackageFolder`: what is on the disk, whether it is ours, whether it is current."""

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InterruptedRunError, Location
from ..filesystem import check_root
from ..schema.contract import Contract
from ..schema.envelope import Schema
from .freshness import is_current
from .lockfile import STAGING_PREFIX, Generator, Lockfile
from .snapshot import read_lockfile, read_snapshot, require_snapshot, snapshot_files

if TYPE_CHECKING:
    from .plan import Plan
    from .unexpected import UnexpectedFile


@dataclass(frozen=True, slots=True)
class PackageFolder:
    """The folder of a generated package, which may not exist yet.

    What only a run with work to do needs is imported where it is needed.
    """

    root: Path

    def complete_interrupted_run(self) -> bool:
        """Complete a run that was interrupted, and return True if there was one.

        Raises `InputError` if the output is not a folder, and what completing the run raises.
        """
        check_root(self.root)
        try:
            has_staging = any(name.startswith(STAGING_PREFIX) for name in os.listdir(self.root))
        except OSError:
            has_staging = self.root.exists()
        if not has_staging:
            return False
        from .commit import roll_forward

        return roll_forward(self.root)

    def refuse_interrupted(self) -> None:
        """Raise `InterruptedRunError` if a run was killed while it wrote. Writes nothing."""
        from .commit import is_interrupted

        check_root(self.root)
        if is_interrupted(self.root):
            raise InterruptedRunError(
                "a run was interrupted while it wrote the package",
                where=str(self.root),
                fix="engage-codegen generate",
                location=Location(str(self.root), "", 1, 1),
            )

    def read_lockfile(self) -> Lockfile:
        """Return the lock file, or an empty one. Raises `InputError`."""
        return read_lockfile(self.root)

    def read_schemas(self) -> dict[str, Schema]:
        """Return the schemas of the snapshot by id. Raises `InputError` if nothing was pulled."""
        schemas = read_snapshot(self.root)
        if not schemas:
            require_snapshot(self.root)
        return schemas

    def schema_ids(self) -> list[str]:
        """Return the ids that have a snapshot file, sorted."""
        return list(snapshot_files(self.root))

    def is_current(
        self,
        lockfile: Lockfile,
        generator: Generator,
        schemas: Mapping[str, Schema] | None,
        contracts: Mapping[str, Contract],
    ) -> bool:
        """Return True if the hashes of the lock file say that `generate` has nothing to do."""
        return is_current(self.root, lockfile, generator, schemas, contracts)

    def plan(
        self, texts: Mapping[str, str], written: Mapping[str, str], lockfile: Lockfile
    ) -> "Plan":
        """Return what has to change so that the package has these files and this lock file."""
        from .plan import make_plan

        return make_plan(self.root, texts, written, lockfile.to_text())

    def refuse_conflicts(self, plan: "Plan") -> None:
        """Raise `WriteConflictError` if a plan replaces files that may not be replaced."""
        from .plan import conflict_error

        if plan.conflicts:
            raise conflict_error(self.root, plan.conflicts)

    def apply(self, plan: "Plan") -> None:
        """Change the disk as planned; every file is old or new, never torn."""
        from .commit import apply

        apply(plan)

    def find_unexpected(self, expected: Collection[str]) -> "tuple[UnexpectedFile, ...]":
        """Return the files that Python would import although they are not `expected`."""
        from .unexpected import scan_folder

        return scan_folder(self.root, expected)

    def is_ignored(self) -> bool:
        """Return True if git ignores the package."""
        from .git import is_ignored

        return is_ignored(self.root)
