"""What git says of the output: which files it tracks, and whether it ignores the package."""

import os
import subprocess  # nosec B404
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryFile
from threading import Timer
from typing import NamedTuple

from ..errors import InputError

TIMEOUT = 20
"""The seconds after which git is ended."""

_MAX_BYTES = 50_000_000


class GitResult(NamedTuple):
    """The exit code of git, what it printed on stdout, and the last line of stderr.

    A git that was ended, because it took too long or printed too much, has a negative exit code.
    """

    code: int
    output: bytes
    reason: str


def run_git(folder: Path, arguments: Sequence[str], limit: int = _MAX_BYTES) -> GitResult:
    """Run git in a folder, and end it after `TIMEOUT` seconds or `limit` bytes of output.

    The configuration of the repository cannot make git run a program: a checked-out branch does
    not bring a configuration along, and the file system monitor is switched off. Raises `OSError`
    if git is not installed.
    """
    command = ["git", "-c", "core.fsmonitor=false", "-C", str(folder), *arguments]
    with TemporaryFile() as errors:
        process = subprocess.Popen(  # noqa: S603  # nosec B603
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors
        )
        timer = Timer(TIMEOUT, process.kill)
        timer.start()
        with process:
            output = process.stdout.read(limit + 1) if process.stdout else b""
            if len(output) > limit:
                process.kill()
        timer.cancel()
        errors.seek(0)
        message = errors.read(10_000).decode("utf-8", "replace").strip()
    reason = message.rpartition("\n")[2]
    if process.returncode < 0:
        reason = "it took too long, or printed too much"
    return GitResult(process.returncode, output, reason)


def tracked_files(folder: Path) -> frozenset[str]:
    """Return the files below a folder that git tracks, relative to it; empty without git.

    Raises `InputError` if git does not end.
    """
    output = _ask(folder, ["ls-files", "-z"])
    return frozenset(filter(None, output.split("\0"))) if output else frozenset()


def is_ignored(folder: Path) -> bool:
    """Return True if an ignore rule of git matches the folder. Raises `InputError`."""
    existing = next(path for path in (folder, *folder.parents) if path.is_dir())
    _refuse_odd_rules(folder)
    # A path inside, because a rule such as `name/*` does not match the folder itself.
    return _ask(existing, ["check-ignore", "--no-index", str(folder / "__init__.py")]) is not None


def is_excluded(path: Path) -> bool:
    """Return True if a file is not tracked and an ignore rule of git matches it."""
    _refuse_odd_rules(path.parent)
    return _ask(path.parent, ["check-ignore", "--quiet", path.name]) is not None


def _refuse_odd_rules(folder: Path) -> None:
    """Raise `InputError` for a .gitignore that git would wait for."""
    for parent in (folder, *folder.parents):
        path = parent / ".gitignore"
        if os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path):
            raise InputError("this is not a regular file", where=str(path), fix="move it away")
        if os.path.lexists(parent / ".git"):
            return


def _ask(folder: Path, arguments: Sequence[str]) -> str | None:
    """Return what git prints, or None if it fails or is not installed. Raises `InputError`."""
    try:
        result = run_git(folder, arguments)
    except OSError:
        return None
    if result.code < 0:
        raise InputError(
            f"git {arguments[0]}: {result.reason}", where=str(folder), fix="check the repository"
        )
    return result.output.decode("utf-8", "surrogateescape") if result.code == 0 else None
