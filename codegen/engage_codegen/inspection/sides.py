"""Two sides compared: the snapshot, the tenant, files, a package, or a git revision."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeAlias

from ..compat import RECREATE_WARNING, Change, Level, compare
from ..config import Config
from ..errors import InputError
from ..filesystem import MAX_BYTES, MAX_SCHEMA_BYTES
from ..findings.finding import Finding
from ..output.git import run_git
from ..output.lockfile import FOLDER, LOCKFILE_PATH, GeneratedModule, snapshot_path
from ..output.snapshot import parse_contract_text, read_snapshot
from ..pipeline import tenant_of
from ..schema.contract import CONTRACT_SUFFIX
from ..schema.envelope import Schema, parse_envelope, refuse_too_many
from ..schema.text import quote
from ..sources.documents import read_document
from ..sources.files import FileSource
from ..sources.interface import ApiKey, ignore_progress
from .call_sites import CallSite

SNAPSHOT, LIVE, REVISION = "snapshot", "live", "git:"

CODES: Mapping[Level, str] = {
    "BREAKING": "EG301",
    "UNKNOWN": "EG302",
    "COMPATIBLE": "EG303",
    "DOCS": "EG304",
}

Situation: TypeAlias = Literal["pull", "push", "taken", "preflight", "other"]
"""What reconciles the two sides: a pull, a push because the project's files are the source, or
nothing because the snapshot is the other side already."""

_MAX_WITNESS = 500


def schemas_of(side: str, config: Config, key: ApiKey) -> Mapping[str, Schema]:
    """Return the schemas of a side: ``snapshot``, ``live``, ``git:REVISION``, or a path to schema
    files or to a generated package. Raises `InputError`, and `SourceError` for a tenant."""
    if side == SNAPSHOT:
        return _require_snapshot(config.output)
    if side == LIVE:
        return tenant_of(config, key).fetch((), ignore_progress)
    if side.startswith(REVISION):
        return _read_revision(side.removeprefix(REVISION), config.output)
    package = package_of(side, config)
    if package:
        return _require_snapshot(package)
    return FileSource((Path(side),)).fetch((), ignore_progress)


def package_of(side: str, config: Config) -> Path | None:
    """Return the folder of the generated package that a side is; None for any other side."""
    if side == SNAPSHOT:
        return config.output
    is_path = side != LIVE and not side.startswith(REVISION)
    return Path(side) if is_path and (Path(side) / FOLDER).is_dir() else None


def situation_of(theirs: str, config: Config) -> Situation:
    """Return what reconciles a package of this configuration with another side."""
    if theirs == LIVE:
        return "push" if config.schemas else "pull"
    return "taken" if theirs == SNAPSHOT else "other"


@dataclass(frozen=True, slots=True)
class Comparison:
    """How one side differs from the other. `owners` are the owners of our schemas, by id."""

    changes: Sequence[Change]
    owners: Mapping[str, str]


def compare_sides(ours: str, theirs: str, config: Config, key: ApiKey) -> Comparison:
    """Return how their side differs from ours. Raises like `schemas_of`."""
    schemas, others = (schemas_of(side, config, key) for side in (ours, theirs))
    return Comparison(compare(schemas, others, config.dialect), owners_of(schemas))


def owners_of(schemas: Mapping[str, Schema]) -> dict[str, str]:
    """Return the owner of each schema with a contract that names one."""
    return {
        schema_id: schema.contract.owner
        for schema_id, schema in schemas.items()
        if schema.contract and schema.contract.owner
    }


def findings_of_changes(
    comparison: Comparison, output: Path | None, situation: Situation
) -> list[tuple[Finding, Change]]:
    """Return each change with its finding, on the lines of the snapshot in `output` if there."""
    by_schema: dict[str, list[Change]] = {}
    for change in comparison.changes:
        by_schema.setdefault(change.schema_id, []).append(change)
    pairs: list[tuple[Finding, Change]] = []
    for schema_id, own in by_schema.items():
        owner = comparison.owners.get(schema_id, "")
        findings = [_finding(change, situation, owner) for change in own]
        path = output / snapshot_path(schema_id) if output else None
        if path and path.is_file():
            findings = read_document(path).locate(findings)
        pairs += zip(findings, own, strict=True)
    return pairs


def findings_at_calls(
    pairs: Sequence[tuple[Finding, Change]],
    sites: Sequence[CallSite],
    modules: Mapping[str, GeneratedModule],
) -> list[Finding]:
    """Return a finding for each call that a change breaks or may break, with the fingerprint of
    the change."""
    return [
        replace(finding, call=site.name, location=site.location)
        for finding, change in pairs
        if change.level in ("BREAKING", "UNKNOWN")
        for site in sites
        if site.schema_id == change.schema_id and _can_break(site, change, modules)
    ]


def exit_code_of(findings: Sequence[Finding]) -> int:
    """Return 0 if nothing differs, 3 compatible, 1 undecided, 4 breaking."""
    codes = {finding.code for finding in findings}
    return next((code for name, code in _EXIT_CODES.items() if name in codes), 0)


_EXIT_CODES = {"EG301": 4, "EG302": 1, "EG303": 3, "EG304": 3}


def summarize_changes(findings: Sequence[Finding], waived: int = 0) -> str:
    """Return the counts of the levels, and what reconciling takes. `waived` were left out."""
    codes = [finding.code for finding in findings]
    counts = ", ".join(
        f"{codes.count(code)} {level}" for level, code in CODES.items() if code in codes
    )
    if not counts:
        return "all differences are waived" if waived else "no difference"
    return f"{counts}\n  {RECREATE_WARNING}" if CODES["BREAKING"] in codes else counts


def _require_snapshot(output: Path) -> Mapping[str, Schema]:
    schemas = read_snapshot(output)
    if not schemas:
        raise InputError(
            "there is no snapshot to compare",
            where=str(output / FOLDER),
            fix="engage-codegen pull",
        )
    return schemas


def _read_revision(revision: str, output: Path) -> dict[str, Schema]:
    base = next(path for path in (output, *output.parents) if path.is_dir())
    folder = (output / FOLDER).relative_to(base).as_posix()
    if revision.startswith("-") or not revision:
        raise InputError(
            f"{quote(revision)} is not a git revision", where=f"{REVISION}…", fix="name a commit"
        )
    listing = _run_git(base, "ls-tree", "--name-only", "-z", revision, "--", f"{folder}/")
    paths = set(listing.split("\0"))
    names = [name for name in sorted(paths) if _is_schema_file(name.rpartition("/")[2])]
    refuse_too_many(len(names), f"{revision}, {folder}")
    schemas: dict[str, Schema] = {}
    for name in names:
        text = _run_git(base, "show", f"{revision}:./{name}", limit=MAX_SCHEMA_BYTES)
        schema = parse_envelope(text, f"{revision}:{name}")
        path = name.removesuffix(".json") + CONTRACT_SUFFIX
        data = None
        if path in paths:
            text = _run_git(base, "show", f"{revision}:./{path}", limit=MAX_SCHEMA_BYTES)
            data = text.encode("utf-8")
        contract = parse_contract_text(data, schema.id, f"{revision}:{path}")
        schemas[schema.id] = replace(schema, contract=contract)
    if not schemas:
        raise InputError(
            "the revision has no snapshot",
            where=f"{revision}, {folder}",
            fix="name a commit with a snapshot",
        )
    return schemas


def _is_schema_file(name: str) -> bool:
    is_lockfile = name == LOCKFILE_PATH.rpartition("/")[2]
    is_schema = name.endswith(".json") and not name.endswith(CONTRACT_SUFFIX)
    return is_schema and not name.startswith(".") and not is_lockfile


def _run_git(base: Path, *arguments: str, limit: int = MAX_BYTES) -> str:
    try:
        result = run_git(base, arguments, limit)
    except OSError:
        raise InputError("git cannot be run", where="PATH", fix="install git") from None
    if result.code:
        raise InputError(
            f"git failed: {quote(result.reason)}", where=str(base), fix="name a commit that exists"
        )
    return result.output.decode("utf-8", "replace")


def _can_break(site: CallSite, change: Change, modules: Mapping[str, GeneratedModule]) -> bool:
    if site.is_send:
        return not change.parts  # a sender passes the payload on as it is
    if site.is_open:
        return True
    attributes = modules[change.schema_id].properties
    having, without = (
        attributes.get(name) if name else None for name in (change.having, change.without)
    )
    return (having is None or having in site.arguments) and without not in site.arguments


def _finding(change: Change, situation: Situation, owner: str) -> Finding:
    message = change.message
    if change.witness is not None:
        payload = json.dumps(change.witness, ensure_ascii=False)
        if len(payload) > _MAX_WITNESS:
            payload = payload[: _MAX_WITNESS - 1] + "…"
        message += f"; example: {payload}"
    is_harmful = change.level in ("BREAKING", "UNKNOWN")
    return Finding(
        CODES[change.level],
        change.schema_id,
        change.parts,
        change.reason,
        " ".join(message.split()),
        (_FIXES if is_harmful else _HARMLESS_FIXES)[situation],
        owner=owner,
    )


_FIXES: Mapping[Situation, str] = {
    "pull": "engage-codegen pull, then engage-codegen generate, then correct the calls",
    "push": "change the tenant: engage-codegen push; or change the project's schema files",
    "taken": "the snapshot already has this change: correct the calls",
    "preflight": "do not deploy this package to this tenant: change the tenant's schema first, or "
    "build a package from the tenant's schemas",
    "other": "generate from the schemas of the other side, and correct the calls",
}
_HARMLESS_FIXES: Mapping[Situation, str] = {
    "pull": "engage-codegen pull, then engage-codegen generate, at your convenience",
    "push": "engage-codegen push, or change the project's schema files, at your convenience",
    "taken": "nothing to do: the snapshot already has this change",
    "preflight": "nothing to do",
    "other": "nothing to do",
}
