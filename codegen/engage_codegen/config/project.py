"""How far the paths of a configuration file reach: to the repository that the file is in."""

import os
from pathlib import Path


def repository_root(folder: Path) -> Path | None:
    """Return the root of the git repository around a folder, without links, or None."""
    real = Path(os.path.realpath(folder))
    return next(
        (parent for parent in (real, *real.parents) if os.path.lexists(parent / ".git")), None
    )


def is_in_project(path: Path, folder: Path) -> bool:
    """Return True if a path is in the repository of a project's folder, links followed.

    Without a repository, the project is the folder.
    """
    root = repository_root(folder) or Path(os.path.realpath(folder))
    return Path(os.path.realpath(path)).is_relative_to(root)
