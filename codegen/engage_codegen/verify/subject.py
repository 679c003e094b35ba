"""What is verified: the classes of a package, imported from where it lies."""

import importlib
import importlib.util
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast

from ..errors import RenderError
from ..output.lockfile import GeneratedModule
from ..schema.jsontext import Json

_NAME = "_engage_codegen_verified"

_BY_DESIGN = frozenset(["leap-second", "precision", "year-zero"])
"""The codes of violations by values that JSON Schema allows and Python cannot represent."""


class Instance(Protocol):
    """A payload in its generated class."""

    def to_payload(self) -> dict[str, Json]: ...


class Violation(Protocol):
    """A rule that a payload breaks, as the package tells it."""

    property: str
    code: str
    value: object


class Kind(Protocol):
    """A generated class."""

    def from_payload(self, payload: Json) -> Instance: ...


@dataclass(frozen=True, slots=True)
class Opinion:
    """What a class made of a payload: an instance, or a refusal and the property that it is about
    first. `crashed` is neither. A refusal by design may have others in its wake, of properties
    that miss the one that could not be read."""

    instance: Instance | None
    text: str = "accepts"
    property: str = ""
    is_by_design: bool = False
    crashed: bool = False


@dataclass(frozen=True, slots=True)
class Subject:
    """A class under examination."""

    kind: Kind
    refusal: type[Exception]

    def read(self, payload: Json) -> Opinion:
        """What `from_payload` says."""
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

    def subject(self, made: GeneratedModule) -> Subject:
        """The class of a schema. Raises `RenderError` if it cannot be imported."""
        try:
            kind = getattr(importlib.import_module(f"{_NAME}.{made.module}"), made.class_name)
            errors = importlib.import_module(f"{_NAME}._runtime.errors")
            refusal = cast("type[Exception]", errors.InvalidPayloadError)
        except Exception as error:
            raise _not_importable(self.output / f"{made.module}.py", error) from error
        return Subject(cast(Kind, kind), refusal)


@contextmanager
def imported(output: Path) -> Generator[Loaded]:
    """The package of a folder, under a name of ours, as long as the block runs. Nothing is written
    beside it."""
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        _enter(output)
        yield Loaded(output)
    finally:
        sys.dont_write_bytecode = before
        for name in [name for name in sys.modules if name.split(".")[0] == _NAME]:
            del sys.modules[name]


def _enter(output: Path) -> None:
    """Import the package itself; its modules follow when they are asked for."""
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
