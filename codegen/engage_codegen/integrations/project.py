"""The project that a folder holds: its build backend, and where its packages are."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias, cast

from ..config import parse_toml
from ..errors import InputError
from ..filesystem import MAX_CONFIG_BYTES, read_bytes, unreadable, walk

Backend: TypeAlias = Literal["hatchling", "setuptools", "other", "none"]

OLDEST_PYTHON = 11
"""The generated package needs Python 3.11 or later; this is the minor version."""


@dataclass(frozen=True, slots=True)
class Project:
    """A folder with the text of its pyproject.toml, which is empty if there is none, and the
    document in it."""

    root: Path
    text: str
    document: dict[str, object]

    @property
    def backend(self) -> Backend:
        """The build backend; "none" for a folder of scripts, which is not built."""
        name = str(self._table("build-system").get("build-backend", ""))
        if name.startswith("hatchling"):
            return "hatchling"
        is_default = "project" in self.document or any(
            (self.root / name).exists() for name in ("setup.py", "setup.cfg")
        )
        if name.startswith("setuptools") or (not name and is_default):
            return "setuptools"
        return "other" if name else "none"

    @property
    def section(self) -> dict[str, object] | None:
        """The section ``[tool.engage-codegen]``, or None."""
        section = self._table("tool").get("engage-codegen")
        return cast("dict[str, object]", section) if isinstance(section, dict) else None

    @property
    def name(self) -> str:
        """The name of the distribution; empty if pyproject.toml lacks it."""
        name = self._table("project").get("name")
        return name if isinstance(name, str) else ""

    @property
    def user_agent(self) -> str:
        """Name and version of the project, as a user agent; empty if pyproject.toml lacks one."""
        name, version = (self._table("project").get(key) for key in ("name", "version"))
        return _user_agent(str(name), str(version)) if name and version else ""

    @property
    def fallback_user_agent(self) -> str:
        """A user agent from the name of the folder, for projects without name or version."""
        project = self._table("project")
        name = project.get("name", self.root.absolute().name)
        return _user_agent(str(name), str(project.get("version", "1.0")))

    @property
    def home(self) -> Path:
        """The folder for a new package that has to be importable.

        This is the package of the project, so that a build includes the new one, or else ``src``
        or the folder of the project.
        """
        packages = self.packages
        named = [package for package in packages if package.name == self._import_name]
        if named or len(packages) == 1:
            return (named or packages)[0]
        return Path("src") if (self.root / "src").is_dir() else Path()

    def depends_on(self, name: str) -> bool:
        """Return True if a distribution is among the dependencies."""
        dependencies = _strings(self._table("project").get("dependencies"))
        return any(re.match(rf"{name}(?![a-z0-9_.-])", item.lower()) for item in dependencies)

    @property
    def requires_tool(self) -> bool:
        """True if engage-codegen is a build requirement."""
        requirements = _strings(self._table("build-system").get("requires"))
        return any(requirement.startswith("engage-codegen") for requirement in requirements)

    @property
    def requires_python(self) -> str:
        """The key ``requires-python``, or an empty string."""
        return str(self._table("project").get("requires-python", ""))

    @property
    def dynamic(self) -> list[str]:
        """The keys whose values the build backend computes."""
        return _strings(self._table("project").get("dynamic"))

    @property
    def accepts_setuptools_table(self) -> bool:
        """True if a table for setuptools can be added.

        setuptools reads such tables only beside ``[project]``, and one table turns off what
        setup.cfg and other tables may say.
        """
        return "project" in self.document and "setuptools" not in self._table("tool")

    @property
    def uses_prettier(self) -> bool:
        """True if a configuration of prettier, package.json or pre-commit names prettier."""
        patterns = (".prettierrc*", ".prettierignore", "prettier.config.*")
        if any(True for pattern in patterns for _ in self.root.glob(pattern)):
            return True
        files = [self.root / name for name in ("package.json", ".pre-commit-config.yaml")]
        return any(b"prettier" in (read_settings(file) or b"") for file in files)

    @property
    def packages(self) -> list[Path]:
        """The outermost import packages of the project, relative to its folder; namespace packages
        are entered."""
        for base in ("src", "."):
            packages = sorted(_find_packages(self.root / base))
            if packages:
                return [package.relative_to(self.root) for package in packages]
        return []

    def describe_missing_package(self, output: str) -> list[str]:
        """Return what the user has to tell the build backend so that a build includes `output`."""
        is_inside = any(Path(output).is_relative_to(package) for package in self.packages)
        if self.backend == "none" or (self.home != Path() and is_inside):
            return []
        if self.backend == "setuptools":
            modules = [
                path.stem for path in self.root.glob("*.py") if path.stem not in _NOT_MODULES
            ]
            modules_key = f", and py-modules = {modules}" if modules else ""
            return [f"[tool.setuptools] needs packages with {import_path(output)!r}{modules_key}"]
        return [f"a build by {self.backend} may not include {output}: add it to its packages"]

    @property
    def _import_name(self) -> str:
        return re.sub(r"[-.]+", "_", str(self._table("project").get("name", ""))).lower()

    def _table(self, name: str) -> dict[str, object]:
        table = self.document.get(name, {})
        return cast("dict[str, object]", table) if isinstance(table, dict) else {}


_NOT_PACKAGES = frozenset(
    "tests test docs doc scripts examples tools benchmarks bench build dist venv".split()
)
_PACKAGE_DEPTH = 3
_NOT_MODULES = frozenset(["setup", "conftest", "noxfile", "tasks"])


def read_project(root: Path) -> Project:
    """Return the project in a folder. Raises `InputError`."""
    path = root / "pyproject.toml"
    data = read_settings(path)
    if data is None:
        return Project(root, "", {})
    try:
        text = data.decode("utf-8")
        return Project(root, text, parse_toml(text))
    except ValueError as error:
        raise InputError(
            f"the file is not valid TOML: {error}", where=str(path), fix="correct the file"
        ) from None


def read_settings(path: Path) -> bytes | None:
    """Return the contents of a file with settings, or None without one. Raises `InputError`."""
    try:
        return read_bytes(path, MAX_CONFIG_BYTES)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise unreadable(path, error) from None


def require_supported_python(project: Project) -> None:
    """Raise `InputError` if the project supports a Python that the generated package does not."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        specifiers = SpecifierSet(project.requires_python)
    except InvalidSpecifier:
        return
    releases = [f"3.{minor}.{patch}" for minor in range(OLDEST_PYTHON) for patch in (0, 99)]
    if project.requires_python and any(map(specifiers.contains, releases)):
        raise InputError(
            f"the project supports Python versions before 3.{OLDEST_PYTHON}, but the generated "
            f"package needs Python 3.{OLDEST_PYTHON} or later",
            where=f"pyproject.toml, key requires-python = {project.requires_python!r}",
            fix=f'set requires-python = ">=3.{OLDEST_PYTHON}"',
        )


def import_path(output: str) -> str:
    """Return the dotted name of the package in a folder below the project."""
    return ".".join(Path(output.removeprefix("src/")).parts)


def _user_agent(name: str, version: str) -> str:
    """Return ``name/version`` with characters that are valid in a header."""
    return f"{re.sub(r'[^A-Za-z0-9._-]', '-', name)}/{re.sub(r'[^A-Za-z0-9.]', '-', version)}"


def _find_packages(base: Path) -> Iterator[Path]:
    if not base.is_dir():
        return
    for folder, folders, names in walk(base):
        depth = len(Path(folder).relative_to(base).parts)
        if depth and "__init__.py" in names:
            yield Path(folder)
        is_done = depth == _PACKAGE_DEPTH or (depth and "__init__.py" in names)
        folders[:] = () if is_done else sorted(filter(_may_be_package, folders))


def _may_be_package(name: str) -> bool:
    return name.isidentifier() and name not in _NOT_PACKAGES


def _strings(value: object) -> list[str]:
    return [str(item) for item in cast("list[object]", value)] if isinstance(value, list) else []
