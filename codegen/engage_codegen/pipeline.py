"""The product's verbs as functions: pull, generate, check, list. Nothing here prints.

What only a run with work to do needs is imported where it is needed: `generate` with nothing to do
reads and hashes files, and imports neither templates nor HTTP.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from . import __version__
from .config import SECTION, Config, locate_key
from .errors import (
    ConfigError,
    InputError,
    InterruptedRunError,
    Location,
    MalformedResponseError,
    VersionMismatchError,
)
from .output.freshness import current_generator, is_current
from .output.lockfile import FILES_ORIGIN, FOLDER, LOCKFILE_PATH, Lockfile, snapshot_path
from .output.snapshot import (
    read_lockfile,
    read_snapshot,
    refuse_case_collisions,
    snapshot_files,
    snapshot_texts,
)
from .schema.envelope import Schema
from .schema.names import SchemaNames, name_schemas

if TYPE_CHECKING:
    from .output.plan import Plan
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

    `is_vouched_for` says that the hashes of the lock file hide the difference from `generate`,
    which then needs ``--force``. `other_version` is the version that the lock file names, if it is
    not this one.
    """

    plan: "Plan"
    unexpected: "tuple[UnexpectedFile, ...]"
    is_vouched_for: bool
    other_version: str
    is_ignored: bool

    @property
    def is_stale(self) -> bool:
        return not self.plan.is_empty


@dataclass(frozen=True, slots=True)
class SchemaRow:
    """One row of `list`. `required` and `properties` are wire names."""

    schema: Schema
    names: SchemaNames
    properties: tuple[str, ...]
    required: tuple[str, ...]


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


def pull(
    config: Config, source: "Source", only: Sequence[str], *, force: bool, progress: "Progress"
) -> PullResult:
    """Write the schemas of the source into the snapshot.

    `only` refreshes these ids; without any, schemas that the source no longer has are removed.
    Raises what the source raises, and `WriteConflictError` for a snapshot that was edited.
    """
    from .filesystem import check_root
    from .output import commit
    from .output.plan import conflict_error

    _require_version(config)
    check_root(config.output)
    commit.roll_forward(config.output)
    fetched = source.fetch(only, progress)
    before = set(snapshot_files(config.output))
    if not fetched and not force and before:
        raise MalformedResponseError(
            "the source has no schemas, but the snapshot has some",
            where=config.base_url or ", ".join(map(str, config.schemas)),
            fix="if every schema was deleted on purpose: engage-codegen pull --force",
        )
    lockfile = read_lockfile(config.output)
    plan = _plan_pull(config, lockfile, fetched, keep_others=bool(only))
    if plan.conflicts and not force:
        raise conflict_error(config.output, plan.conflicts)
    commit.apply(plan)
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
    on_discard: Callable[[tuple[Path, ...]], None] | None = None,
) -> GenerateResult:
    """Write the package, and first the snapshot if files are the source.

    Answers from the hashes of the lock file if they say that there is nothing to do. With `force`
    everything is compared, and hand edits are discarded after `on_discard` was told their paths.
    Raises `WriteConflictError` for files that may not be replaced, and what the source and the
    model raise.
    """
    from .filesystem import check_root
    from .output import commit

    _require_version(config)
    check_root(config.output)
    completed = commit.roll_forward(config.output)
    lockfile = read_lockfile(config.output)
    local = local_schemas(config)
    if not force and is_current(config, lockfile, local):
        return GenerateResult((), (), len(lockfile.modules), completed)
    from .output.git import is_ignored
    from .output.plan import conflict_error

    rendering = _render(config, lockfile, local)
    plan = rendering.plan(config.output)
    if plan.conflicts and not force:
        raise conflict_error(config.output, plan.conflicts)
    if plan.conflicts and on_discard is not None:
        on_discard(tuple(config.output / conflict.path for conflict in plan.conflicts))
    commit.apply(plan)
    return GenerateResult(
        written=tuple(change.path for change in plan.changes if change.new is not None),
        deleted=tuple(change.path for change in plan.changes if change.new is None),
        schemas=len(rendering.lockfile.modules),
        completed_interrupted=completed,
        is_ignored=not plan.is_empty and is_ignored(config.output),
    )


def check(config: Config) -> CheckResult:
    """Compare the package with a package rendered from its schemas. Writes nothing.

    Believes nothing of the lock file, which is compared as well. Raises `InterruptedRunError`, and
    what `generate` raises except for conflicts.
    """
    from .filesystem import check_root
    from .output import commit
    from .output.git import is_ignored
    from .output.unexpected import scan_folder

    _require_version(config)
    check_root(config.output)
    if commit.is_interrupted(config.output):
        raise InterruptedRunError(
            "a run was interrupted while it wrote the package",
            where=str(config.output),
            fix="engage-codegen generate",
            location=Location(str(config.output), "", 1, 1),
        )
    lockfile = read_lockfile(config.output)
    local = local_schemas(config)
    rendering = _render(config, lockfile, local)
    plan = rendering.plan(config.output)
    version = lockfile.generator.version
    return CheckResult(
        plan,
        unexpected=scan_folder(config.output, {*rendering.texts, LOCKFILE_PATH}),
        is_vouched_for=not plan.is_empty and is_current(config, lockfile, local),
        other_version=version if version not in ("", __version__) else "",
        is_ignored=is_ignored(config.output),
    )


def list_schemas(config: Config) -> list[SchemaRow]:
    """Return the schemas of the snapshot, sorted by id."""
    schemas = read_snapshot(config.output)
    if not schemas:
        _require_snapshot(config)
    names = name_schemas(schemas, config.renames)
    return [_row(schema, names[key]) for key, schema in schemas.items()]


def local_schemas(config: Config) -> Mapping[str, Schema] | None:
    """Return the schemas of the configured files; None if the source is a tenant."""
    if not config.schemas:
        return None
    from .sources.files import FileSource
    from .sources.interface import ignore_progress

    return FileSource(config.schemas).fetch((), ignore_progress)


def _row(schema: Schema, names: SchemaNames) -> SchemaRow:
    properties, required = (schema.json_schema.get(key) for key in ("properties", "required"))
    return SchemaRow(
        schema,
        names,
        tuple(sorted(properties)) if isinstance(properties, dict) else (),
        tuple(sorted(map(str, required))) if isinstance(required, list) else (),
    )


def _plan_pull(
    config: Config, lockfile: Lockfile, fetched: Mapping[str, Schema], *, keep_others: bool
) -> "Plan":
    from .output.plan import make_plan

    existing = snapshot_files(config.output)
    refuse_case_collisions({*fetched, *existing} if keep_others else fetched)
    texts = snapshot_texts(fetched)
    # A file that no pull wrote has no digest that could match, so it is in the way.
    written = dict.fromkeys(map(snapshot_path, existing), "") | lockfile.pulled_files
    if keep_others:
        written = {path: value for path, value in written.items() if path in texts}
    pulled = lockfile.with_pulled(fetched, origin_of(config), keep_others=keep_others)
    return make_plan(config.output, texts, written, pulled.to_text())


@dataclass(frozen=True, slots=True)
class _Rendering:
    """A package in memory: its files, its lock file, and the files that earlier runs wrote."""

    texts: Mapping[str, str]
    lockfile: Lockfile
    written: Mapping[str, str]

    def plan(self, output: Path) -> "Plan":
        from .output.plan import make_plan

        return make_plan(output, self.texts, self.written, self.lockfile.to_text())


def _render(config: Config, lockfile: Lockfile, local: Mapping[str, Schema] | None) -> _Rendering:
    from .model.build import build
    from .output.record import record_package, refuse_renames
    from .render.package import render_package

    written = lockfile.written_files
    if local is not None:
        refuse_case_collisions(local)
        existing = map(snapshot_path, snapshot_files(config.output))
        written |= dict.fromkeys(existing, "") | lockfile.pulled_files
        lockfile = lockfile.with_pulled(local, FILES_ORIGIN, keep_others=False)
    schemas = dict(local) if local is not None else read_snapshot(config.output)
    if not schemas:
        _require_snapshot(config)
    package = build(schemas, config.renames, config.dialect)
    refuse_renames(lockfile, package, config.renames)
    texts = render_package(package, config.without)
    recorded = record_package(current_generator(config), lockfile, schemas, package, texts)
    return _Rendering(texts | snapshot_texts(schemas), recorded, written)


def origin_of(config: Config) -> str:
    """Return where the configured source is, as the lock file records it."""
    return FILES_ORIGIN if config.schemas else config.base_url


def _require_version(config: Config) -> None:
    if config.required_version not in ("", __version__):
        required = config.required_version
        raise VersionMismatchError(
            f"the project requires engage-codegen {required}, but this is {__version__}",
            where=f"{config.file}, key required-version",
            fix=f"install engage-codegen {required}, or change required-version and generate",
            location=locate_key(config.file, SECTION, "required-version"),
        )


def _require_snapshot(config: Config) -> None:
    if not (config.output / LOCKFILE_PATH).exists():
        raise InputError(
            "there is no snapshot to generate from",
            where=str(config.output / FOLDER),
            fix="engage-codegen pull",
        )
