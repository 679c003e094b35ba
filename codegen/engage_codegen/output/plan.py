"""Texts -> files: what has to change on the disk, decided (`plan`), shown (`show`), done (`apply`).

A file is replaced or deleted only if the lock says that we wrote it and it is still as we wrote
it. How a change reaches the disk whole is in `journal`.
"""

import difflib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from .. import filesystem as disk
from ..errors import WriteConflictError
from ..schema.jsontext import digest
from . import commit as journal


@dataclass(frozen=True, slots=True)
class Ownership:
    """What we wrote before: path -> hash. `is_ours` says whether the file at a path, with these
    bytes, is still the one with that hash; `conflict` makes the error for a file in the way, told
    whether we wrote it once."""

    hashes: Mapping[str, str]
    is_ours: Callable[[str, bytes, str], bool]
    conflict: Callable[[Path, bool], WriteConflictError]

    def covers(self, path: str, data: bytes) -> bool:
        """Whether the file may be replaced or deleted."""
        return path in self.hashes and self.is_ours(path, data, self.hashes[path])


@dataclass(frozen=True, slots=True)
class Plan:
    """What has to change below `root`; the lock is the last change."""

    root: Path
    changes: tuple[journal.Change, ...]

    @property
    def is_empty(self) -> bool:
        return not self.changes


def plan(
    root: Path,
    wanted: Mapping[str, str],
    owned: Ownership,
    lock: tuple[str, str],
    *,
    force: bool = False,
) -> Plan:
    """Compare what is wanted, path -> text, with what is there; `lock` is the path and the text of
    the lock. With `force` every file may be replaced.

    Raises `WriteConflictError` for the first file that is in the way, and `InputError` for what cannot
    be read or written.
    """
    disk.check_root(root)
    changes: list[journal.Change] = []
    for path in sorted({*wanted, *owned.hashes}):
        disk.refuse_escape(root, path, _RESTORE)
        old = disk.read(root, path)
        new = wanted[path].encode("utf-8") if path in wanted else None
        if _same(old, new):
            continue
        if old is not None and not force and not owned.covers(path, old):
            raise owned.conflict(root / path, path in owned.hashes)
        changes.append(journal.Change(path, old, new))
    path, text = lock
    old = disk.read(root, path)
    if not _same(old, text.encode("utf-8")):
        changes.append(journal.Change(path, old, text.encode("utf-8")))
    return Plan(root, tuple(changes))


_RESTORE = "restore _snapshot/codegen.lock.json from version control"


def show(plan: Plan) -> Iterator[str]:
    """The plan as a unified diff, line by line, without line ends."""
    for change in plan.changes:
        old, new = _lines(change.old), _lines(change.new)
        before = f"a/{change.path}" if change.old is not None else "/dev/null"
        after = f"b/{change.path}" if change.new is not None else "/dev/null"
        lines = list(difflib.unified_diff(old, new, before, after, lineterm=""))
        yield from lines or [f"--- {before}", f"+++ {after}"]


def _lines(data: bytes | None) -> list[str]:
    return (data or b"").decode("utf-8", "replace").splitlines()


def apply(plan: Plan) -> None:
    """Bring the disk to what the plan says. An error before the journal is complete leaves
    everything as it was."""
    if not plan.is_empty:
        journal.commit(plan.root, plan.changes)


def _same(old: bytes | None, new: bytes | None) -> bool:
    """Equal, but for line ends: a checkout with CRLF is no change."""
    if old is None or new is None:
        return old is new
    return old == new or digest(old) == digest(new)
