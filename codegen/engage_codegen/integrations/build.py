"""What happens before a build: the package is checked, or made. Offline."""

import os
from pathlib import Path

from .. import config, pipeline
from ..errors import CodegenError, ConfigError
from ..write import show


def before(root: Path) -> None:
    """Check or generate the packages of the project in `root`, as its configuration says.

    In an unpacked source distribution nothing is done: it was checked when that was made, and what
    it was made from may not be in it. Raises `CodegenError`.
    """
    if (root / "PKG-INFO").exists():
        return
    file = root / "pyproject.toml"
    for one in config.load(file=file, environ=os.environ, flags={}, folder=root):
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


def is_ours(root: Path) -> bool:
    """Whether the project in `root` asks for the hook: it has our section, and builds with us."""
    import tomllib

    try:
        document = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))
    except (OSError, ValueError):
        return False
    requires = document.get("build-system", {}).get("requires", [])
    has_section = "engage-codegen" in document.get("tool", {})
    return has_section and any(str(it).startswith("engage-codegen") for it in requires)


class Stale(CodegenError):
    """A package that has to be generated again before it is built."""

    exit_code = 1


__all__ = ["CodegenError", "ConfigError", "Stale", "before", "is_ours"]
