"""The subject of a verification: the payload classes of a package, imported from its folder."""

import importlib
import importlib.util
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast

from ..errors import RenderError
from ..output.snapshot import Generated
from ..schema.jsontext import Json

_NAME = "_engage_codegen_verified"

_BY_DESIGN = frozenset(["leap-second", "precision", "year-zero"])
"""The codes of violations by values that JSON Schema allows and Python cannot represent."""


class Instance(Protocol):
    """An instance of a payload class."""

    def to_payload(self) -> dict[str, Json]: ...


class Violation(Protocol):
    """A violation that the package reports."""

    property: str
    code: str
    value: object


class Kind(Protocol):
    """A payload class."""

    def from_payload(self, payload: Json) -> Instance: ...


@dataclass(frozen=True, slots=True)
class Opinion:
    """The verdict of a payload class on a payload: an instance, a refusal or a crash.

    `property` is the first one that a refusal is about. `is_by_design` is True if one of the
    violations is by design; it may cause others, of properties that depend on it.
    """

    instance: Instance | None
    text: str = "accepts"
    property: str = ""
    is_by_design: bool = False
    crashed: bool = False


@dataclass(frozen=True, slots=True)
class Subject:
    """A payload class under verification."""

    kind: Kind
    refusal: type[Exception]

    def read(self, payload: Json) -> Opinion:
        """Return the verdict of `from_payload`."""
        try:
            return Opinion(self.kind.from_payload(payload))
        except self.refusal as error:
            broken = cast("tuple[Violation, ...]", getattr(error, "violations", ()))
        except Exception as error:
            return Opinion(None, f"raises {type(error).__name__}: {error}", crashed=True)
        return Opinion(
            None,
            f"refuses: {'; '.join(map(str, broken))}",
            broken[0].property if broken else "",
            any(map(_is_by_design, broken)),
        )


def _is_by_design(broken: Violation) -> bool:
    return broken.code in _BY_DESIGN


@dataclass(frozen=True, slots=True)
class Loaded:
    """An imported package."""

    output: Path

    def subject(self, made: Generated) -> Subject:
        """Return the payload class of a schema. Raises `RenderError` if the import fails."""
        try:
            kind = getattr(importlib.import_module(f"{_NAME}.{made.module}"), made.class_name)
            errors = importlib.import_module(f"{_NAME}._runtime.errors")
            refusal = cast("type[Exception]", errors.InvalidPayloadError)
        except Exception as error:
            raise _not_importable(self.output / f"{made.module}.py", error) from error
        return Subject(cast(Kind, kind), refusal)


@contextmanager
def imported(output: Path) -> Generator[Loaded]:
    """Import the package in a folder under a private name, for the duration of the block.

    Writes no bytecode into the folder.
    """
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        _enter(output)
        yield Loaded(output)
    finally:
        sys.dont_write_bytecode = before
        for name in [name for name in sys.modules if name.split(".")[0] == _NAME]:
            del sys.modules[name]


def _enter(output: Path) -> None:
    """Import the package itself. Its modules are imported when they are used."""
    importlib.invalidate_caches()
    path = output / "__init__.py"
    spec = importlib.util.spec_from_file_location(
        _NAME, path, submodule_search_locations=[str(output)]
    )
    if spec is None or spec.loader is None:
        raise _not_importable(path, ImportError("Python knows no way to load it"))
    package = sys.modules[_NAME] = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(package)
    except Exception as error:
        raise _not_importable(path, error) from error


def _not_importable(path: Path, error: Exception) -> RenderError:
    return RenderError(
        f"the generated module cannot be imported: {type(error).__name__}: {error}",
        where=str(path),
        fix="this is a bug in engage-codegen; report it with the schema",
    )
