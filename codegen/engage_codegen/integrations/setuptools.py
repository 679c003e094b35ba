"""The build hook for setuptools, of projects that name us in ``[build-system] requires``."""

from pathlib import Path

from setuptools import Distribution
from setuptools.command.build_py import build_py
from setuptools.errors import BaseError

from ..errors import CodegenError
from ..snapshot import FOLDER
from .build import before, is_ours


def finalize(distribution: Distribution) -> None:
    """Called for each distribution that is set up, by its entry point."""
    root = Path(distribution.src_root or ".")
    if not is_ours(root):
        return
    known: type[build_py] = distribution.get_command_class("build_py")

    class BuildPy(known):  # type: ignore[valid-type, misc]
        """Checks or generates first."""

        def run(self) -> None:
            try:
                before(root)
            except CodegenError as error:
                raise BaseError(f"engage-codegen: {error}") from None
            super().run()

    distribution.cmdclass["build_py"] = BuildPy
    # setuptools leaves out what is no module.
    kept = distribution.package_data.setdefault("", [])
    kept += [it for it in (f"{FOLDER}/*.json", "py.typed", "INDEX.md") if it not in kept]
