"""What a repository is made of: how it is built, and where a package would be importable."""

import re
import tomllib
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
        for base in ("src", "."):
            inits = sorted((self.root / base).glob("*/__init__.py"))
            found = [it.parent for it in inits if it.parent.name not in _NO_PACKAGES]
            named = [it for it in found if it.name == self._import_name]
            if named or len(found) == 1:
                return (named or found)[0].relative_to(self.root)
        return Path("src") if (self.root / "src").is_dir() else Path()

    @property
    def has_httpx(self) -> bool:
        listed = self._table("project").get("dependencies", [])
        names = [str(it).lower() for it in cast("list[object]", listed)]
        return any(re.match(r"httpx(?![a-z0-9_-])", it) for it in names)

    @property
    def requires_us(self) -> bool:
        requires = self._table("build-system").get("requires", [])
        return any(str(it).startswith("engage-codegen") for it in cast("list[object]", requires))

    @property
    def _import_name(self) -> str:
        return re.sub(r"[-.]+", "_", str(self._table("project").get("name", ""))).lower()

    def _table(self, name: str) -> dict[str, object]:
        found = self.document.get(name, {})
        return cast("dict[str, object]", found) if isinstance(found, dict) else {}


_NO_PACKAGES = ("tests", "test", "docs")


def read(root: Path) -> Project:
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
    except ValueError as error:
        raise InputError(f"not TOML: {error}", where=str(path), fix="correct the file") from None
