"""What happens before a build: the package is checked, or made. Offline."""

import os
from pathlib import Path

from .. import config, pipeline
from ..errors import CodegenError, InputError
from ..output.plan import show
from . import project as projects


def before(root: Path) -> None:
    """Check or generate the packages of the project in `root`, as its configuration says.

    In an unpacked source distribution nothing is done: it was checked when that was made, and what
    it was made from may not be in it. Raises `CodegenError`.
    """
    if (root / "PKG-INFO").exists():
        return
    for one in _configs(root):
        if one.build == "generate":
            pipeline.generate(one)
            continue
        plan = pipeline.check(one)
        if plan is not None:
            changes = "\n".join(show(plan))
            raise Stale(
                f"the package is not what generate would make:\n{changes}",
                where=str(one.output),
                fix="engage-codegen generate, and commit what it writes",
            )


def generates(root: Path) -> bool:
    """Whether the hook makes packages, rather than only checking them. Raises `ConfigError`."""
    return any(one.build == "generate" for one in _configs(root))


def _configs(root: Path) -> tuple[config.Config, ...]:
    file = root / "pyproject.toml"
    return config.load(file=file, environ=os.environ, flags={}, folder=root)


def is_ours(root: Path) -> bool:
    """Whether the project in `root` asks for the hook: it has our section, and builds with us."""
    try:
        project = projects.read(root)
    except InputError:
        return False
    return project.has_section and project.requires_us


class Stale(CodegenError):
    """A package that has to be generated again before it is built."""

    exit_code = 1
