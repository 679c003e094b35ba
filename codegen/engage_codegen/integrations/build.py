"""The work of the build hooks before a build: check or generate the packages. Works offline."""

import os
from collections.abc import Sequence
from pathlib import Path

from .. import __version__, config, pipeline
from ..config import Config
from ..errors import CodegenError, InputError
from ..output.plan import conflict_error, diff_lines
from .project import read_project


class StaleBuildError(CodegenError):
    """A package must be generated again before it is built."""

    exit_code = 1
    code = "EG401"


def prepare_build(root: Path) -> Sequence[Path]:
    """Check or generate the packages of the project in `root`, as its configuration says.

    Returns their folders. An unpacked source distribution is left alone, and returns none: it was
    checked when it was built, and may lack the schemas that it was generated from. Raises
    `CodegenError`.
    """
    if (root / "PKG-INFO").exists():
        return ()
    configs = _load_configs(root)
    for settings in configs:
        if settings.build == "generate":
            pipeline.generate(settings)
        else:
            _check(settings)
    return [settings.output for settings in configs]


def generates(root: Path) -> bool:
    """Return True if the hook writes packages instead of only checking them.

    Raises `ConfigError`.
    """
    return any(settings.build == "generate" for settings in _load_configs(root))


def is_enabled(root: Path) -> bool:
    """Return True if the project in `root` has our section and names us as a build requirement."""
    try:
        project = read_project(root)
    except InputError:
        return False
    return project.section is not None and project.requires_tool


def _load_configs(root: Path) -> tuple[Config, ...]:
    file = root / "pyproject.toml"
    return config.load(file=file, environ=os.environ, flags={}, folder=root)


def _check(settings: Config) -> None:
    result = pipeline.check(settings)
    for file in result.unexpected:
        raise StaleBuildError(
            file.message,
            where=str(settings.output / file.path),
            fix="move it out of the package, or delete it",
        )
    if not result.is_stale:
        return
    message = "the package is not what generate would write"
    command = "engage-codegen generate"
    if result.other_version:
        message += (
            f": engage-codegen {result.other_version} generated it, but this is {__version__}"
        )
    elif result.plan.conflicts:
        raise conflict_error(settings.output, result.plan.conflicts)
    elif result.is_vouched_for:
        command += " --force"
    changes = "\n".join(diff_lines(result.plan))
    raise StaleBuildError(
        f"{message}\n{changes}",
        where=str(settings.output),
        fix=f"{command}, and commit the result",
    )
