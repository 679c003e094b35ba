"""The product's verbs as functions: pull, generate, check, listing.

Nothing here prints. What only a real run needs is imported where it is needed: a run with nothing
to do reads and hashes files, and imports neither templates nor HTTP.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from . import __version__
from .config import Config
from .errors import ConfigError, InputError, MalformedResponseError, WriteConflictError
from .output import freshness, snapshot
from .output.snapshot import Lock
from .schema.envelope import Schema
from .schema.names import SchemaNames, name_schemas

if TYPE_CHECKING:
    from .output.plan import Plan
    from .sources.interface import ApiKey, Progress, Source
    from .sources.tenant_admin import TenantWriter


@dataclass(frozen=True, slots=True)
class Pulled:
    """What a pull did to the snapshot, as sorted ids."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]
    unchanged: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Generation:
    """What `generate` did: paths below the output."""

    written: tuple[str, ...]
    deleted: tuple[str, ...]
    schemas: int
    completed_interrupted: bool


@dataclass(frozen=True, slots=True)
class Listed:
    """One row of `list`. `required` and `properties` are names on the wire."""

    schema: Schema
    names: SchemaNames
    properties: tuple[str, ...]
    required: tuple[str, ...]


def source_of(config: Config, key: "ApiKey") -> "Source":
    """Where the schemas come from: the configured files, else the tenant."""
    if config.schemas:
        from .sources.files import FileSource

        return FileSource(config.schemas)
    if not config.base_url:
        raise ConfigError(
            "there is no source of schemas",
            where=str(config.file or "no pyproject.toml with a section [tool.engage-codegen]"),
            fix="set base-url to the tenant, or schemas to a folder of schema files",
        )
    return tenant_of(config, key)


def tenant_of(config: Config, key: "ApiKey") -> "TenantWriter":
    """The configured tenant. Raises `ConfigError`."""
    if not config.base_url:
        raise ConfigError(
            "no tenant is configured",
            where=str(config.file or "no pyproject.toml with a section [tool.engage-codegen]"),
            fix="set base-url to the tenant",
        )
    from .sources.tenant_admin import TenantWriter

    return TenantWriter(
        config.base_url, key=key, user_agent=config.user_agent, api_version=config.api_version
    )


def pull(
    config: Config, source: "Source", only: Sequence[str], *, force: bool, progress: "Progress"
) -> Pulled:
    """Source -> snapshot. `only` empty takes everything and removes what is gone."""
    from . import filesystem as disk
    from .output import commit as journal
    from .output import plan as write

    disk.check_root(config.output)
    journal.roll_forward(config.output)
    fetched = source.fetch(only, progress)
    if not fetched and not force and snapshot.files(config.output):
        raise MalformedResponseError(
            "there are no schemas any more, but the snapshot has some",
            where=config.base_url or ", ".join(map(str, config.schemas)),
            fix="if that is right, engage-codegen pull --force",
        )
    lock = snapshot.read_lock(config.output)
    plan = _take_in(config.output, lock, fetched, only=bool(only), force=force)
    before = set(snapshot.files(config.output))
    write.apply(plan)
    touched = {change.path for change in plan.changes}
    changed = {key for key in fetched if snapshot.path_of(key) in touched}
    return Pulled(
        added=tuple(sorted(changed - before)),
        changed=tuple(sorted(changed & before)),
        removed=() if only else tuple(sorted(before - set(fetched))),
        unchanged=tuple(sorted(set(fetched) - changed)),
    )


def generate(config: Config) -> Generation:
    """Snapshot -> package; the configured files -> snapshot first, if they are the source."""
    from . import filesystem as disk
    from .output import commit as journal

    disk.check_root(config.output)
    completed = journal.roll_forward(config.output)
    lock = snapshot.read_lock(config.output)
    local = freshness.local(config)
    if freshness.is_fresh(config, lock, local):
        return Generation((), (), len(lock.made()), completed)
    from .output import plan as write

    plan, count = _plan(config, lock, local)
    write.apply(plan)
    return Generation(
        written=tuple(change.path for change in plan.changes if change.new is not None),
        deleted=tuple(change.path for change in plan.changes if change.new is None),
        schemas=count,
        completed_interrupted=completed,
    )


def check(config: Config) -> "Plan | None":
    """What `generate` would change; None if nothing. Writes nothing.

    Raises `WriteConflictError` for an interrupted run, and what `generate` raises.
    """
    from . import filesystem as disk
    from .output import commit as journal

    disk.check_root(config.output)
    if journal.interrupted(config.output):
        raise WriteConflictError(
            "a run was interrupted while it was writing",
            where=str(config.output),
            fix="engage-codegen generate",
        )
    lock = snapshot.read_lock(config.output)
    local = freshness.local(config)
    if freshness.is_fresh(config, lock, local):
        return None
    plan, _ = _plan(config, lock, local)
    return None if plan.is_empty else plan


def listing(config: Config) -> list[Listed]:
    """The schemas of the snapshot, sorted by id."""
    schemas = snapshot.read(config.output)
    if not schemas:
        _refuse_nothing(config)
    names = name_schemas(schemas, config.renames)
    rows: list[Listed] = []
    for key, schema in schemas.items():
        declared, required = (
            schema.json_schema.get("properties"),
            schema.json_schema.get("required"),
        )
        rows.append(
            Listed(
                schema,
                names[key],
                tuple(sorted(declared)) if isinstance(declared, dict) else (),
                tuple(sorted(map(str, required))) if isinstance(required, list) else (),
            )
        )
    return rows


def _take_in(
    output: Path, lock: Lock, fetched: Mapping[str, Schema], *, only: bool, force: bool
) -> "Plan":
    """The plan that makes the snapshot hold what was fetched."""
    from .output import ownership
    from .output import plan as write

    existing = snapshot.files(output)
    snapshot.refuse_case_twins({*fetched, *existing} if only else fetched)
    wanted = {snapshot.path_of(key): schema.canonical for key, schema in fetched.items()}
    # A file that no pull wrote has no hash that could match: it is in the way.
    owned = dict.fromkeys(map(snapshot.path_of, existing), "") | lock.owned_snapshot()
    if only:
        owned = {path: value for path, value in owned.items() if path in wanted}
    return write.plan(
        output,
        wanted,
        ownership.of_snapshot(owned),
        (snapshot.LOCK_PATH, lock.with_pulled(fetched, keep=only).text()),
        force=force,
    )


def _plan(config: Config, lock: Lock, local: Mapping[str, Schema] | None) -> "tuple[Plan, int]":
    """The plan of `generate`, and the number of schemas."""
    from .lint.verdicts import errors_in as lint_errors
    from .model.build import build
    from .output import ownership
    from .output import plan as write
    from .output.commit import Change
    from .output.locking import locked, refuse_new_names
    from .render.package import render_package

    taken: tuple[Change, ...] = ()
    if local is not None:
        taken = _take_in(config.output, lock, local, only=False, force=False).changes
        lock = lock.with_pulled(local, keep=False)
    schemas = dict(local) if local is not None else snapshot.read(config.output)
    if not schemas:
        _refuse_nothing(config)
    head = freshness.head(config)
    package = build(schemas, config.renames, config.dialect)
    if lock.head.version != __version__:
        refuse_new_names(lock, package, config.renames)
    texts = render_package(package, config.without)
    errors = lint_errors(schemas, config.dialect)
    new_lock = locked(head, lock, schemas, package, texts, errors)
    plan = write.plan(
        config.output,
        texts,
        ownership.of_output(lock),
        (snapshot.LOCK_PATH, new_lock.text()),
    )
    schema_changes = tuple(change for change in taken if change.path != snapshot.LOCK_PATH)
    return replace(plan, changes=schema_changes + plan.changes), len(schemas)


def _refuse_nothing(config: Config) -> None:
    if not (config.output / snapshot.LOCK_PATH).exists():
        raise InputError(
            "there is no snapshot to generate from",
            where=str(config.output / snapshot.FOLDER),
            fix="engage-codegen pull",
        )
