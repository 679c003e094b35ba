"""Modules that would be deleted because their schemas are missing."""

from collections.abc import Set as AbstractSet

from ..errors import Location, RemovalError
from .folder import PackageFolder
from .lockfile import FOLDER, Lockfile


def refuse_removals(
    folder: PackageFolder, lockfile: Lockfile, local_ids: AbstractSet[str] | None
) -> None:
    """Raise `RemovalError` if more than one module would go without a `pull` that said so.

    `local_ids` are the ids in the configured files, or None if the source is a tenant.
    """
    missing = {*lockfile.modules} - (local_ids or set())
    if local_ids is None:
        missing -= set(folder.schema_ids())
        if any(entry.origin for entry in lockfile.schemas.values()):
            # What `pull` removed is in the lock file as a module that was not pulled.
            missing = {key for key in missing if lockfile.schemas[key].pulled}
    if len(missing) > 1:
        source = f"{FOLDER}/" if local_ids is None else "schema files"
        modules = ", ".join(f"{lockfile.modules[key].module}.py" for key in sorted(missing))
        raise RemovalError(
            f"generate would delete {len(missing)} modules, because their schemas are missing in "
            f"the {source}: {modules}",
            where=str(folder.root),
            fix="restore the schemas, or if they were deleted on purpose: "
            "engage-codegen generate --allow-removal",
            location=Location(str(folder.root / FOLDER), "", 1, 1),
        )
