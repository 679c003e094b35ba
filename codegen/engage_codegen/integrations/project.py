"""What a repository is made of: how it is built, and where a package would be importable."""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias, cast

from ..errors import InputError

Backend: TypeAlias = Literal["hatchling", "setuptools", "other", "none"]


@dataclass(frozen=True, slots=True)
class Project:
    """A folder, the text of its pyproject.toml (empty without one) and what that says."""

    root: Path
    text: str
    document: dict[str, object]

    @property
    def backend(self) -> Backend:
        """What builds it; "none" for scripts."""
        system = self._table("build-system")
        name = str(system.get("build-backend", ""))
        if name.startswith("hatchling"):
            return "hatchling"
        is_default = "project" in self.document or any(
            (self.root / it).exists() for it in ("setup.py", "setup.cfg")
        )
        if name.startswith("setuptools") or (not name and is_default):
            return "setuptools"
        return "other" if name else "none"

    @property
    def has_section(self) -> bool:
        return "engage-codegen" in self._table("tool")

    @property
    def user_agent(self) -> str:
        """Name and version of the project, as far as the file has them, fit for a header."""
        name = str(self._table("project").get("name", self.root.absolute().name))
        version = str(self._table("project").get("version", "1.0"))
        return f"{re.sub(r'[^A-Za-z0-9._-]', '-', name)}/{re.sub(r'[^A-Za-z0-9.]', '-', version)}"

    @property
    def home(self) -> Path:
        """The folder for a package that has to be importable: inside the package of the project, so
        that a build takes it along; the project's own folder for scripts."""
        named = [it for it in self.packages if it.name == self._import_name]
        if named or len(self.packages) == 1:
            return (named or self.packages)[0]
        return Path("src") if (self.root / "src").is_dir() else Path()

    @property
    def has_httpx(self) -> bool:
        names = [it.lower() for it in _strings(self._table("project").get("dependencies"))]
        return any(re.match(r"httpx(?![a-z0-9_-])", it) for it in names)

    @property
    def requires_tool(self) -> bool:
        requires = _strings(self._table("build-system").get("requires"))
        return any(it.startswith("engage-codegen") for it in requires)

    @property
    def dynamic(self) -> list[str]:
        """What the file leaves to the build backend."""
        return _strings(self._table("project").get("dynamic"))

    @property
    def takes_tables(self) -> bool:
        """Whether a table for setuptools can be added: it has none, and setuptools reads them only
        beside a ``[project]``."""
        return "project" in self.document and "setuptools" not in self._table("tool")

    def left_out(self, output: str) -> list[str]:
        """What has to be said to the build backend so that it takes the package along."""
        if self.backend == "none" or (self.home != Path() and self._is_inside(output)):
            return []
        if self.backend == "setuptools":
            modules = [it.stem for it in self.root.glob("*.py") if it.stem not in _NO_MODULES]
            own = f" and py-modules = {modules}" if modules else ""
            return [f"the package among the packages of setuptools{own}, or it builds without"]
        return [f"{output} among what {self.backend} builds, unless it finds it by itself"]

    def _is_inside(self, output: str) -> bool:
        return any(Path(output).is_relative_to(it) for it in self.packages)

    @property
    def packages(self) -> list[Path]:
        """The import packages of the project, the outermost of each; namespaces are looked into."""
        for base in ("src", "."):
            found = sorted(self._packages_in(self.root / base, 3))
            if found:
                return [it.relative_to(self.root) for it in found]
        return []

    def _packages_in(self, folder: Path, depth: int) -> Iterator[Path]:
        if not folder.is_dir() or not depth:
            return
        for it in sorted(folder.iterdir()):
            if it.is_dir() and it.name.isidentifier() and it.name not in _NO_PACKAGES:
                if (it / "__init__.py").exists():
                    yield it
                else:
                    yield from self._packages_in(it, depth - 1)

    @property
    def _import_name(self) -> str:
        return re.sub(r"[-.]+", "_", str(self._table("project").get("name", ""))).lower()

    def _table(self, name: str) -> dict[str, object]:
        found = self.document.get(name, {})
        return cast("dict[str, object]", found) if isinstance(found, dict) else {}


_NO_PACKAGES = frozenset(
    "tests test docs doc scripts examples tools benchmarks bench build dist venv".split()
)
_NO_MODULES = frozenset(["setup", "conftest", "noxfile", "tasks"])


def _strings(value: object) -> list[str]:
    return [str(it) for it in cast("list[object]", value)] if isinstance(value, list) else []


def read_project(root: Path) -> Project:
    """The project in a folder. Raises `InputError`."""
    path = root / "pyproject.toml"
    if not path.exists():
        return Project(root, "", {})
    try:
        text = path.read_bytes().decode("utf-8")
        return Project(root, text, tomllib.loads(text))
    except OSError as error:
        reason = error.strerror or "cannot be read"
        raise InputError(reason, where=str(path), fix="check its permissions") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"not TOML: {error}", where=str(path), fix="correct the file") from None
