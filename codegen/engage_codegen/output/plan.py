"""What has to change on the disk, and what is in the way."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from .. import __version__
from ..errors import FileConflict, Location, WriteConflictError
from ..filesystem import check_root, read_below, refuse_escape
from ..schema.jsontext import digest
from .index import has_fingerprint
from .lockfile import FOLDER, LOCKFILE_PATH
from .snapshot import is_same_schema

_MAX_DIFF_LINES = 50_000
_RESTORE = f"restore {LOCKFILE_PATH} from version control"


@dataclass(frozen=True, slots=True)
class Change:
    """One file: its path below the output, and its bytes before and after; None if it does not
    exist."""

    path: str
    old: bytes | None
    new: bytes | None


@dataclass(frozen=True, slots=True)
class Conflict:
    """A file that has to change but may not: edited since this tool wrote it, or never written by
    it (`is_foreign`)."""

    path: str
    is_foreign: bool

    @property
    def is_snapshot(self) -> bool:
        return self.path.startswith(f"{FOLDER}/")


@dataclass(frozen=True, slots=True)
class Plan:
    """What has to change below `root`; the lock file is the last change."""

    root: Path
    changes: tuple[Change, ...]
    conflicts: tuple[Conflict, ...] = ()

    @property
    def is_empty(self) -> bool:
        return not self.changes


def make_plan(
    root: Path, texts: Mapping[str, str], written: Mapping[str, str], lockfile_text: str
) -> Plan:
    """Compare the files that a package should have, path -> text, with what is on the disk.

    `written` are the files that this tool wrote, path -> fingerprint; those that `texts` lacks are
    deleted. Raises `InputError` for what cannot be read.
    """
    check_root(root)
    changes: list[Change] = []
    conflicts: list[Conflict] = []
    for path in sorted({*texts, *written}):
        refuse_escape(root, path, _RESTORE)
        old = read_below(root, path)
        new = texts[path].encode("utf-8") if path in texts else None
        if _is_same(old, new):
            continue
        changes.append(Change(path, old, new))
        if old is not None and not _may_replace(path, old, new, written.get(path)):
            conflicts.append(Conflict(path, path not in written))
    old, new = read_below(root, LOCKFILE_PATH), lockfile_text.encode("utf-8")
    if not _is_same(old, new):
        changes.append(Change(LOCKFILE_PATH, old, new))
    return Plan(root, tuple(changes), tuple(conflicts))


def conflict_error(root: Path, conflicts: Sequence[Conflict]) -> WriteConflictError:
    """Return one error that names every conflicting file, each with its own reason."""
    described = [describe_conflict(root, conflict) for conflict in conflicts]
    first = described[0]
    return WriteConflictError(
        first.message,
        where=", ".join(conflict.location.file for conflict in described),
        fix=first.fix,
        location=first.location,
        conflicts=described,
    )


def describe_conflict(root: Path, conflict: Conflict) -> FileConflict:
    """Return why a file below `root` must not be replaced, and what to do."""
    if conflict.is_snapshot:
        message = "the snapshot was edited since the last pull"
        fix = (
            "bring the edit to the source as well, or discard it: engage-codegen pull --force "
            "(generate --force if files are the source)"
        )
    elif conflict.is_foreign:
        message = "a file that engage-codegen did not write has the name of a generated file"
        fix = "move it away, set another `output`, or overwrite it: engage-codegen generate --force"
    else:
        message = "a generated file was edited by hand"
        fix = (
            "move the edit into a file of your own, then discard it: "
            "engage-codegen generate --force"
        )
    location = Location(str(root / conflict.path), "", 1, 1)
    return FileConflict(conflict.path, message, fix, location)


def describe_other_version(version: str, *, is_pinned: bool) -> tuple[str, str]:
    """Return a message and a fix for a package of another version that this one writes
    differently. `is_pinned` says that the configuration requires this version."""
    message = (
        f"engage-codegen {version} generated the package, but this is {__version__}, which would "
        "write it differently"
    )
    fix = f"engage-codegen generate, which writes the package with {__version__}"
    if not is_pinned and _is_newer(version):
        fix = f"install engage-codegen {version}; to go back to {__version__}, generate again"
    return message, fix


def _is_newer(version: str) -> bool:
    def numbers(text: str) -> list[int]:
        return [int(part) if part.isdecimal() else 0 for part in text.split(".")]

    return numbers(version) > numbers(__version__)


def diff_lines(plan: Plan) -> Iterator[str]:
    """Yield the changes as a unified diff, line by line, without line ends.

    Of a long diff, the beginning is shown, and of each file that follows its name.
    """
    from .difference import MAX_LINES, compare_lines

    texts_left = lines_left = _MAX_DIFF_LINES
    for change in plan.changes:
        old, new = _split(change.old), _split(change.new)
        limit = min(MAX_LINES, max(texts_left, 0))
        texts_left -= len(old) + len(new)
        before = f"a/{change.path}" if change.old is not None else "/dev/null"
        after = f"b/{change.path}" if change.new is not None else "/dev/null"
        diff = compare_lines(old, new, before, after, limit)
        lines = list(islice(diff, max(lines_left, 2)))
        lines_left -= len(lines)
        yield from lines or [f"--- {before}", f"+++ {after}"]
        if next(diff, None) is not None:
            yield "\\ The rest of this difference is not shown."


def _split(data: bytes | None) -> list[str]:
    return (data or b"").decode("utf-8", "replace").splitlines()


def _is_same(old: bytes | None, new: bytes | None) -> bool:
    """Return True for equal contents, line endings aside: a checkout with CRLF is not a change."""
    if old is None or new is None:
        return old is new
    return old == new or digest(old) == digest(new)


def _may_replace(path: str, old: bytes, new: bytes | None, written: str | None) -> bool:
    """Return True if a file is as this tool wrote it, or is a schema that only changes layout."""
    if path.startswith(f"{FOLDER}/"):
        is_reformatted = new is not None and is_same_schema(old, digest(new))
        return is_reformatted or (written is not None and is_same_schema(old, written))
    return written is not None and has_fingerprint(path, old, written)
