"""The build hook for setuptools, of projects that name us in ``[build-system] requires``."""

from pathlib import Path
from typing import cast

from setuptools import Distribution
from setuptools.command.build_py import build_py
from setuptools.errors import BaseError

from ..errors import CodegenError
from ..output.lockfile import FOLDER
from .build import describe_error, find_data_patterns, generates, is_enabled, prepare_build


def finalize(distribution: Distribution) -> None:
    """Prepare a distribution. setuptools calls this entry point before it looks for packages, so
    generated packages exist by then."""
    root = Path(distribution.src_root or ".")
    if not is_enabled(root):
        return
    name = distribution.metadata.name or ""
    if generates(root, name):
        _prepare(root, name)
    # A wheel is often built from the source distribution, which is not checked again.
    for command in ("build_py", "sdist"):
        base = cast("type[build_py]", distribution.get_command_class(command))
        distribution.cmdclass[command] = _with_preparation(base, root, name)
    # setuptools leaves out files that are not modules.
    patterns = distribution.package_data.setdefault("", [])
    own = (f"{FOLDER}/*.json", "py.typed", "INDEX.md", *find_data_patterns(root))
    patterns += [pattern for pattern in own if pattern not in patterns]


def _with_preparation(base: type[build_py], root: Path, name: str) -> type[build_py]:
    class PreparedCommand(base):  # type: ignore[valid-type, misc]
        """The command of setuptools, after the package was checked or generated."""

        def run(self) -> None:
            _prepare(root, name)
            super().run()

    return PreparedCommand


def _prepare(root: Path, name: str) -> None:
    try:
        prepare_build(root, name)
    except CodegenError as error:
        raise BaseError(describe_error(error)) from None
