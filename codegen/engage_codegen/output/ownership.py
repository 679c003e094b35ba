"""Which files are ours to replace, and what is said of those that are not."""

from collections.abc import Mapping
from pathlib import Path

from ..errors import WriteConflictError
from . import snapshot
from .plan import Ownership
from .snapshot import Lock


def of_snapshot(hashes: Mapping[str, str]) -> Ownership:
    """The schemas that `pull` wrote, path -> hash."""
    return Ownership(hashes, snapshot.same_snapshot, _edited_snapshot)


def of_output(lock: Lock) -> Ownership:
    """The files that `generate` wrote."""
    return Ownership(lock.owned_output(), snapshot.same_output, _edited_output)


def _edited_snapshot(path: Path, _ours: bool) -> WriteConflictError:
    return WriteConflictError(
        "the snapshot was changed since the last pull",
        where=str(path),
        fix="keep the change by bringing it to the source as well, or discard it with "
        "engage-codegen pull --force",
    )


def _edited_output(path: Path, ours: bool) -> WriteConflictError:
    if ours:
        return WriteConflictError(
            "a generated file was edited by hand",
            where=str(path),
            fix="to discard the edit, delete the file and run engage-codegen generate; to keep "
            "it, move it into a file of your own first",
        )
    return WriteConflictError(
        "a file that engage-codegen did not write stands where one of its own belongs",
        where=str(path),
        fix="move it away, or set another output",
    )
