"""The product's verbs as functions: pull, generate and check. Nothing here prints.

Imports are deferred so that `generate` with nothing to do stays fast: it reads and hashes files,
and imports neither templates nor HTTP.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from . import __version__
from .config import SECTION, Config, locate_key
from .errors import (
    ConfigError,
    Location,
    MalformedResponseError,
    StalePackageError,
    VersionMismatchError,
)
from .output.folder import PackageFolder
from .output.freshness import read_contracts, read_schema_files
from .output.lockfile import FILES_ORIGIN, LOCKFILE_PATH, Lockfile, snapshot_path
from .output.recipe import Recipe
from .output.removal import refuse_removals
from .output.snapshot import refuse_case_collisions, snapshot_texts
from .schema.contract import Contract
from .schema.envelope import Schema

if TYPE_CHECKING:
    from .output.plan import Plan
    from .output.rendering import Rendering
    from .output.unexpected import UnexpectedFile
    from .sources.interface import ApiKey, Progress, Source
    from .sources.tenant import TenantSource


@dataclass(frozen=True, slots=True)
class PullResult:
    """What `pull` did to the snapshot, as sorted ids."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]
    unchanged: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GenerateResult:
    """What `generate` did: paths below the output. `is_ignored` says that git ignores what it
    wrote."""

    written: tuple[str, ...]
    deleted: tuple[str, ...]
    schemas: int
    completed_interrupted: bool
    is_ignored: bool = False


@dataclass(frozen=True, slots=True)
class CheckResult:
    """How a package differs from what `generate` writes.

    `requires_force` says that the hashes of the lock file hide the difference from `generate`,
    which then needs ``--force``. `other_version` is the version that the lock file names, if it is
    not this one. `own_files` are those that templates of the project made: template -> paths.
    """

    plan: "Plan"
    unexpected: "tuple[UnexpectedFile, ...]"
    requires_force: bool
    other_version: str
    is_ignored: bool
    own_files: Mapping[str, Sequence[str]]

    @property
    def is_stale(self) -> bool:
        return not self.plan.is_empty


def source_of(config: Config, key: "ApiKey") -> "Source":
    """Return the configured source: files, or the tenant. Raises `ConfigError`."""
    if config.schemas:
        from .sources.files import FileSource

        return FileSource(config.schemas)
    return tenant_of(config, key)


def tenant_of(config: Config, key: "ApiKey") -> "TenantSource":
    """Return the configured tenant, for reading. Raises `ConfigError`."""
    from .sources.tenant import TenantSource

    return TenantSource(
        require_base_url(config),
        key=key,
        user_agent=config.user_agent,
        api_version=config.api_version,
        timeout=config.timeout,
    )


def require_base_url(config: Config) -> str:
    """Return the URL of the tenant. Raises `ConfigError` if there is none."""
    if config.base_url:
        return config.base_url
    message, fix = "no tenant is configured", "set `base-url` to the URL of the tenant"
    if not config.schemas:
        message = "no tenant and no schema files are configured"
        fix += ", or `schemas` to a folder of schema files"
    raise ConfigError(
        message,
        where=str(config.file or "no pyproject.toml with a section [tool.engage-codegen]"),
        fix=fix,
        location=Location(str(config.file), "", 1, 1) if config.file else None,
    )


def origin_of(config: Config) -> str:
    """Return where the configured source is, as the lock file records it."""
    return FILES_ORIGIN if config.schemas else config.base_url


def pull(
    config: Config, source: "Source", only: Sequence[str], *, force: bool, progress: "Progress"
) -> PullResult:
    """Write the schemas of the source into the snapshot.

    `only` refreshes these ids; without any, schemas that the source no longer has are removed.
    Raises what the source raises, and `WriteConflictError` for a snapshot that was edited.
    """
    _require_version(config)
    folder = PackageFolder(config.output)
    folder.complete_interrupted_run()
    fetched = source.fetch(only, progress)
    before = set(folder.schema_ids())
    if not fetched and not force and before:
        raise MalformedResponseError(
            "the source has no schemas, but the snapshot has some",
            where=config.base_url or ", ".join(map(str, config.schemas)),
            fix="if every schema was deleted on purpose: engage-codegen pull --force",
        )
    plan = _plan_pull(folder, fetched, origin_of(config), keep_others=bool(only))
    if not force:
        folder.refuse_conflicts(plan)
    folder.apply(plan)
    changed_paths = {change.path for change in plan.changes}
    changed = {key for key in fetched if snapshot_path(key) in changed_paths}
    return PullResult(
        added=tuple(sorted(changed - before)),
        changed=tuple(sorted(changed & before)),
        removed=() if only else tuple(sorted(before - set(fetched))),
        unchanged=tuple(sorted(set(fetched) - changed)),
    )


def generate(
    config: Config,
    *,
    force: bool = False,
    allow_removal: bool = False,
    on_discard: Callable[[tuple[Path, ...]], None] | None = None,
) -> GenerateResult:
    """Write the package, and first the snapshot if files are the source.

    Answers from the hashes of the lock file if they say that there is nothing to do. With `force`
    everything is compared, and hand edits are discarded after `on_discard` was told their paths.
    Raises `RemovalError` for more than one module whose schema is gone, except if `pull` removed
    them or with `allow_removal`, `WriteConflictError` for files that may not be replaced, and what
    the source and the model raise.
    """
    _require_version(config)
    folder = PackageFolder(config.output)
    recipe = Recipe.of(config)
    completed = folder.complete_interrupted_run()
    local = read_schema_files(config.schemas) if config.schemas else None
    contracts = read_contracts(config.contracts)
    lockfile = folder.read_lockfile()
    if not force and folder.is_current(lockfile, recipe.generator(), local, contracts):
        return GenerateResult((), (), len(lockfile.modules), completed)
    if not allow_removal:
        refuse_removals(folder, lockfile, None if local is None else local.keys())
    plan, _ = _plan_package(folder, recipe, lockfile, local, contracts)
    if not force:
        folder.refuse_conflicts(plan)
    if plan.conflicts and on_discard is not None:
        on_discard(tuple(folder.root / conflict.path for conflict in plan.conflicts))
    folder.apply(plan)
    return GenerateResult(
        written=tuple(change.path for change in plan.changes if change.new is not None),
        deleted=tuple(change.path for change in plan.changes if change.new is None),
        schemas=len(folder.schema_ids()),
        completed_interrupted=completed,
        is_ignored=not plan.is_empty and folder.is_ignored(),
    )


def check(config: Config) -> CheckResult:
    """Compare the package with a package rendered from its schemas. Writes nothing.

    Does not trust the lock file, which is compared as well. Raises `InterruptedRunError`, and
    what `generate` raises except for conflicts.
    """
    _require_version(config)
    folder = PackageFolder(config.output)
    recipe = Recipe.of(config)
    folder.refuse_interrupted()
    local = read_schema_files(config.schemas) if config.schemas else None
    contracts = read_contracts(config.contracts)
    lockfile = folder.read_lockfile()
    plan, rendering = _plan_package(folder, recipe, lockfile, local, contracts)
    version = lockfile.generator.version
    is_hidden = not plan.is_empty and folder.is_current(
        lockfile, recipe.generator(), local, contracts
    )
    return CheckResult(
        plan,
        unexpected=folder.find_unexpected([*rendering.texts, LOCKFILE_PATH]),
        requires_force=is_hidden,
        other_version=version if version not in ("", __version__) else "",
        is_ignored=folder.is_ignored(),
        own_files=rendering.own_files,
    )


def require_current(config: Config) -> None:
    """Check a package before it is built or run.

    Raises `StalePackageError` with the differences, `WriteConflictError` for files that were edited
    by hand, and what `check` raises.
    """
    from .output.plan import conflict_error, describe_other_version, diff_lines

    result = check(config)
    for file in result.unexpected:
        raise StalePackageError(file.message, where=str(config.output / file.path), fix=file.fix)
    if not result.is_stale:
        return
    message = "the package is not what generate would write"
    fix = "engage-codegen generate" + (" --force" if result.requires_force else "")
    fix += ", and commit the result"
    if result.other_version:
        is_pinned = bool(config.required_version)
        message, fix = describe_other_version(result.other_version, is_pinned=is_pinned)
    elif result.plan.conflicts:
        raise conflict_error(config.output, result.plan.conflicts)
    changes = "\n".join(diff_lines(result.plan))
    raise StalePackageError(f"{message}\n{changes}", where=str(config.output), fix=fix)


def _plan_pull(
    folder: PackageFolder, fetched: Mapping[str, Schema], origin: str, *, keep_others: bool
) -> "Plan":
    existing = folder.schema_ids()
    refuse_case_collisions({*fetched, *existing} if keep_others else fetched)
    lockfile = folder.read_lockfile()
    texts = snapshot_texts(fetched)
    # A file that no pull wrote has no digest that could match, so it is in the way.
    written = dict.fromkeys(map(snapshot_path, existing), "") | lockfile.pulled_files
    if keep_others:
        written = {path: value for path, value in written.items() if path in texts}
    return folder.plan(
        texts, written, lockfile.with_pulled(fetched, origin, keep_others=keep_others)
    )


def _plan_package(
    folder: PackageFolder,
    recipe: Recipe,
    lockfile: Lockfile,
    local: Mapping[str, Schema] | None,
    contracts: Mapping[str, Contract],
) -> "tuple[Plan, Rendering]":
    """Return what has to change on the disk, and the package as it should be."""
    from .contract.proof import apply_contracts
    from .output.rendering import render, written_with_snapshot

    written = lockfile.written_files
    if local is not None:
        written = written_with_snapshot(lockfile, folder.schema_ids())
        lockfile = lockfile.with_pulled(local, FILES_ORIGIN, keep_others=False)
    schemas = folder.read_schemas() if local is None else local
    schemas = apply_contracts(schemas, contracts, recipe.dialect)
    rendering = render(recipe, lockfile, schemas)
    plan = folder.plan(rendering.texts, written, rendering.lockfile)
    return plan, rendering


def _require_version(config: Config) -> None:
    if config.required_version not in ("", __version__):
        required = config.required_version
        raise VersionMismatchError(
            f"the project requires engage-codegen {required}, but this is {__version__}",
            where=f"{config.file}, key required-version",
            fix=f"install engage-codegen {required}, or change required-version and generate",
            location=locate_key(config.file, SECTION, "required-version"),
        )
