"""The build hook for setuptools, of projects that name us in ``[build-system] requires``."""

from pathlib import Path
from typing import cast

from setuptools import Distribution
from setuptools.command.build_py import build_py
from setuptools.errors import BaseError

from ..errors import CodegenError
from ..output.snapshot import FOLDER
from .build import before, generates, is_ours


def finalize(distribution: Distribution) -> None:
    """Called for each distribution that is set up, by its entry point, before its packages are
    looked for: what is to be generated has to be there by then."""
    root = Path(distribution.src_root or ".")
    if not is_ours(root):
        return
    if generates(root):
        _before(root)
    # A wheel is often built from the source distribution, where nothing is checked any more.
    for name in ("build_py", "sdist"):
        known = cast("type[build_py]", distribution.get_command_class(name))
        distribution.cmdclass[name] = _checking(known, root)
    # setuptools leaves out what is no module.
    kept = distribution.package_data.setdefault("", [])
    kept += [it for it in (f"{FOLDER}/*.json", "py.typed", "INDEX.md") if it not in kept]


def _checking(known: type[build_py], root: Path) -> type[build_py]:
    class Checking(known):  # type: ignore[valid-type, misc]
        """Checks or generates first."""

        def run(self) -> None:
            _before(root)
            super().run()

    return Checking


def _before(root: Path) -> None:
    try:
        before(root)
    except CodegenError as error:
        raise BaseError(f"engage-codegen: {error}") from None
