"""The work of the build hooks before a build: check or generate the packages. Works offline."""

import os
import re
from collections.abc import Sequence
from contextlib import suppress
from email.parser import HeaderParser
from pathlib import Path

from .. import config, pipeline
from ..config import Config, repository_root
from ..errors import CodegenError, InputError
from ..filesystem import read_bytes
from ..output.git import is_excluded
from ..output.own_templates import read_templates
from ..schema.text import escape_line
from .project import read_project


def prepare_build(root: Path, name: str = "") -> Sequence[Path]:
    """Check or generate the packages of the project in `root`, as its configuration says.

    `name` is the name of the distribution, by default that in pyproject.toml. Returns the folders
    of the packages. An unpacked source distribution is left alone, and returns none: it was
    checked when it was built, and may lack the schemas that it was generated from. Raises
    `CodegenError`.
    """
    if _is_source_distribution(root, name):
        return ()
    configs = _load_configs(root)
    for settings in configs:
        if settings.build == "generate":
            pipeline.generate(settings)
        else:
            pipeline.require_current(settings)
    return [settings.output for settings in configs]


def describe_error(error: CodegenError) -> str:
    """Return an error for the log of a build. No foreign text in it begins a line of its own."""
    return "engage-codegen: " + "\n".join(map(escape_line, error.lines))


def _is_source_distribution(root: Path, name: str) -> bool:
    """Return True if `root` is an unpacked source distribution of its project.

    A file `PKG-INFO` alone does not make one, or any branch could switch the hook off by adding
    it: it must be the metadata of this project, and the project not part of a git repository. What
    git ignores is not part of it.
    """
    try:
        metadata = HeaderParser().parsestr(read_bytes(root / "PKG-INFO").decode("utf-8"))
        expected = name or read_project(root).name
    except (OSError, ValueError, InputError):
        return False
    is_complete = all(metadata.get(key) for key in ("Metadata-Version", "Name", "Version"))
    if not is_complete or _normalize(metadata.get("Name", "")) != _normalize(expected):
        return False
    return repository_root(root) is None or is_excluded(root / "pyproject.toml")


def _normalize(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def generates(root: Path, name: str = "") -> bool:
    """Return True if the hook writes packages instead of only checking them.

    `name` is that of `prepare_build`. Raises `ConfigError`.
    """
    if _is_source_distribution(root, name):
        return False
    return any(settings.build == "generate" for settings in _load_configs(root))


def find_data_patterns(root: Path) -> list[str]:
    """Return patterns for the files of the project's templates that are not modules.

    There are none if the configuration or a template cannot be read: preparing the build says why.
    """
    patterns: set[str] = set()
    with suppress(CodegenError):
        for settings in _load_configs(root):
            for name in read_templates(settings.templates).texts:
                folder, _, file = name.removesuffix(".jinja").partition("/")
                if file and not file.endswith(".py"):
                    patterns.add(f"*_{file}" if folder == "each" else file)
    return sorted(patterns)


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
