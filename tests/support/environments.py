"""Builds, and virtual environments without the packages of the tests."""

import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Mapping
from pathlib import Path

from tests.support.paths import ROOT


def run(*command: object, cwd: Path, environ: Mapping[str, str] = {}, fails: bool = False) -> str:
    """Run a command that has to succeed, or to fail, and return both of its streams."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**environment, **environ},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert bool(done.returncode) == fails, done.stdout
    return done.stdout


def copy_checkout(folder: Path) -> Path:
    """Return a copy of the files under version control, below `folder`."""
    copy = folder / "engage-codegen"
    ignored = shutil.ignore_patterns(".*", "__pycache__", "build", "dist", "*.egg-info")
    return Path(shutil.copytree(ROOT, copy, ignore=ignored))


def build_distributions(folder: Path) -> None:
    """Build the wheel and the source distribution of a copy of the checkout into `dist`."""
    build = "-m build --no-isolation --outdir".split()
    run(sys.executable, *build, folder / "dist", copy_checkout(folder), cwd=folder)


def create_environment(folder: Path, *requirements: object) -> Path:
    """Return the folder of the programs of a new environment with these packages.

    The pip of the tests installs them: an environment with a pip of its own takes longer.
    """
    venv.create(folder)
    programs = folder / ("Scripts" if os.name == "nt" else "bin")
    install = "install --quiet --no-compile".split()
    pip = [sys.executable, "-m", "pip", "--python", programs / "python"]
    run(*pip, *install, *requirements, cwd=folder)
    return programs
