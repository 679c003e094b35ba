"""Folders that are expensive to make, once for all workers of a test run."""

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

LONGEST_SECONDS = 600.0
"""A worker waits this long for another one that makes the folder."""


def make_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """Return a folder of this name that `make` filled. Tests must not change it.

    The first worker calls `make` with an empty folder while the others wait.
    """
    root = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent
    folder, is_complete = root / name, root / f"{name}.complete"
    lock = sqlite3.connect(root / f"{name}.lock", timeout=LONGEST_SECONDS, isolation_level=None)
    with closing(lock):
        lock.execute("BEGIN EXCLUSIVE")
        if not is_complete.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            make(folder)
            is_complete.touch()
        lock.execute("COMMIT")
    return folder
