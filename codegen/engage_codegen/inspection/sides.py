"""Two sides compared: the snapshot, the tenant, files, or the snapshot of a git revision."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ..compat import RECREATE_WARNING, Change, Level, compare
from ..config import Config
from ..errors import InputError
from ..findings.finding import Finding, Severity
from ..output import snapshot
from ..pipeline import tenant_of
from ..schema.envelope import Schema, parse_envelope
from ..schema.text import quote
from ..sources.documents import read
from ..sources.interface import ApiKey, silently
from .call_sites import Site

SNAPSHOT, LIVE, REVISION = "snapshot", "live", "git:"

CODES: Mapping[Level, tuple[str, Severity]] = {
    "BREAKING": ("EG301", "error"),
    "UNKNOWN": ("EG302", "error"),
    "COMPATIBLE": ("EG303", "note"),
    "DOCS": ("EG304", "note"),
}


def schemas_of(side: str, config: Config, key: ApiKey) -> Mapping[str, Schema]:
    """The schemas of a side: ``snapshot``, ``live``, ``git:REVISION``, or a path to schema files or
    to a generated package.

    Raises `InputError`, and for a tenant `SourceError`.
    """
    if side == SNAPSHOT:
        return _snapshot(config.output)
    if side == LIVE:
        return tenant_of(config, key).fetch((), silently)
    if side.startswith(REVISION):
        return _revision(side.removeprefix(REVISION), config.output)
    package = package_of(side, config)
    if package:
        return _snapshot(package)
    from ..sources.files import FileSource

    return FileSource((Path(side),)).fetch((), silently)


def package_of(side: str, config: Config) -> Path | None:
    """The generated package that a side is; None for files, tenants and revisions."""
    if side == SNAPSHOT:
        return config.output
    path = Path(side)
    return path if (path / snapshot.FOLDER).is_dir() else None


def against_tenant(config: Config, key: ApiKey) -> list[Change]:
    """What the tenant has otherwise than the snapshot. Raises `SourceError`."""
    ours, theirs = (schemas_of(side, config, key) for side in (SNAPSHOT, LIVE))
    return compare(ours, theirs, config.dialect)


def _snapshot(output: Path) -> Mapping[str, Schema]:
    found = snapshot.read(output)
    if not found:
        raise InputError(
            "there is no snapshot to compare",
            where=str(output / snapshot.FOLDER),
            fix="engage-codegen pull",
        )
    return found


def _revision(revision: str, output: Path) -> dict[str, Schema]:
    base = next(it for it in (output, *output.parents) if it.is_dir())
    folder = (output / snapshot.FOLDER).relative_to(base).as_posix()
    if revision.startswith("-") or not revision:
        raise InputError(
            f"{quote(revision)} is no git revision", where=f"{REVISION}…", fix="name a commit"
        )
    listed = _git(base, "ls-tree", "--name-only", "-z", revision, "--", f"{folder}/")
    names = [it for it in listed.split("\0") if it.endswith(".json")]
    found: dict[str, Schema] = {}
    for name in names:
        if not name.endswith(snapshot.LOCK_PATH.rpartition("/")[2]):
            origin = f"{revision}:{name}"
            schema = parse_envelope(_git(base, "show", f"{revision}:./{name}"), origin)
            found[schema.id] = schema
    if not found:
        raise InputError(
            "the revision has no snapshot", where=f"{revision}, {folder}", fix="name another one"
        )
    return found


def _git(base: Path, *arguments: str) -> str:
    command = ["git", "-C", str(base), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, check=False)  # noqa: S603
    except OSError:
        raise InputError("git cannot be run", where="PATH", fix="install git") from None
    if done.returncode:
        reason = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
        raise InputError(
            f"git says: {quote(reason)}", where=str(base), fix="name a commit that git knows"
        )
    return done.stdout.decode("utf-8", "replace")


def findings(changes: Sequence[Change], output: Path | None) -> list[tuple[Finding, Change]]:
    """Changes as findings, on the lines of the snapshot in `output` where that has the schema."""
    by_schema: dict[str, list[Change]] = {}
    for change in changes:
        by_schema.setdefault(change.schema_id, []).append(change)
    found: list[tuple[Finding, Change]] = []
    for schema_id, own in by_schema.items():
        told = list(map(_finding, own))
        path = output / snapshot.path_of(schema_id) if output else None
        if path and path.is_file():
            told = read(path).placed(told)
        found += zip(told, own, strict=True)
    return found


def at_calls(
    judged: Sequence[tuple[Finding, Change]],
    sites: Sequence[Site],
    made: Mapping[str, snapshot.Generated],
) -> list[Finding]:
    """What breaks, or may break, at each call that it can break, under the same fingerprint."""
    return [
        replace(finding, call=site.name, place=site.place)
        for finding, change in judged
        if change.level in ("BREAKING", "UNKNOWN")
        for site in sites
        if site.schema_id == change.schema_id and _can_break(site, change, made)
    ]


def _can_break(site: Site, change: Change, made: Mapping[str, snapshot.Generated]) -> bool:
    if site.is_send:
        return not change.parts  # a sender takes the payload as it is
    if site.is_open:
        return True
    names = made[change.schema_id].properties
    having, without = (names.get(it) if it else None for it in (change.having, change.without))
    return (having is None or having in site.passes) and without not in site.passes


def _finding(change: Change) -> Finding:
    code, severity = CODES[change.level]
    message = change.message
    if change.witness is not None:
        payload = json.dumps(change.witness, ensure_ascii=False)
        message += f"; for instance {payload if len(payload) <= 500 else payload[:499] + '…'}"
    message = " ".join(message.split())
    return Finding(code, severity, change.schema_id, change.parts, message, _remedy(change))


def _remedy(change: Change) -> str:
    if change.level in ("BREAKING", "UNKNOWN"):
        return (
            "take the other side's schema with engage-codegen pull and generate, and mend the calls"
        )
    return "engage-codegen pull and generate, when it suits"


def exit_code(found: Sequence[Finding]) -> int:
    """0 nothing differs, 3 compatibly, 1 undecided, 4 it breaks."""
    codes = {finding.code for finding in found}
    return next((code for name, code in _EXIT_CODES.items() if name in codes), 0)


_EXIT_CODES = {"EG301": 4, "EG302": 1, "EG303": 3, "EG304": 3}


def summary(found: Sequence[Finding], waived: int = 0) -> str:
    """What differs, and what it takes to reconcile the two sides; `waived` were left out."""
    codes = [finding.code for finding in found]
    told = ", ".join(
        f"{codes.count(code)} {level}" for level, (code, _) in CODES.items() if code in codes
    )
    if not told:
        return "no difference but what is waived" if waived else "no difference"
    return f"{told}\n  {RECREATE_WARNING}" if CODES["BREAKING"][0] in codes else told


__all__ = ["CODES", "against_tenant", "at_calls", "compare", "exit_code", "findings"]
__all__ += ["package_of", "schemas_of", "summary"]
