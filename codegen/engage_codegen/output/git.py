"""What git says of the output: which files it tracks, and whether it ignores the package."""

import subprocess  # nosec B404
from collections.abc import Sequence
from pathlib import Path


def tracked_files(folder: Path) -> frozenset[str]:
    """Return the files below a folder that git tracks, relative to it; empty without git."""
    output = _run(folder, ["ls-files", "-z"])
    return frozenset(filter(None, output.split("\0"))) if output else frozenset()


def is_ignored(folder: Path) -> bool:
    """Return True if an ignore rule of git matches the folder."""
    existing = next(path for path in (folder, *folder.parents) if path.is_dir())
    # A path inside, because a rule such as `name/*` does not match the folder itself.
    return _run(existing, ["check-ignore", "--no-index", str(folder / "__init__.py")]) is not None


def _run(folder: Path, arguments: Sequence[str]) -> str | None:
    """Return what git prints, or None if it fails or is not installed.

    The configuration of the repository cannot make git run a program: a checked-out branch does
    not bring a configuration along, and the file system monitor is switched off.
    """
    command = ["git", "-c", "core.fsmonitor=false", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, check=False)  # noqa: S603  # nosec B603
    except OSError:
        return None
    return done.stdout.decode("utf-8", "surrogateescape") if done.returncode == 0 else None
