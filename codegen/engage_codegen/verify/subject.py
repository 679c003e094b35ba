"""The subject of a verification: the classes of a package, imported from its folder."""

import importlib
import importlib.util
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol, cast

from ..errors import RenderError
from ..filesystem import read_bytes, unreadable, walk
from ..output.lockfile import GeneratedModule
from ..schema.jsontext import Json

_NAME = "_engage_codegen_verified"

_BY_DESIGN = frozenset(["leap-second", "precision", "year-zero"])
"""The codes of violations by values that JSON Schema allows and Python cannot represent."""


class Instance(Protocol):
    """An instance of a payload class."""

    def to_payload(self) -> dict[str, Json]: ...


class Violation(Protocol):
    """A rule that a payload breaks, as the package reports it."""

    property: str
    code: str
    value: object


class PayloadClass(Protocol):
    """A payload class."""

    def from_payload(self, payload: Json) -> Instance: ...


@dataclass(frozen=True, slots=True)
class ReadResult:
    """The result of reading a payload: an instance, a refusal, or a crash.

    `property` is the first that was refused. A refusal is by design if any of its violations is,
    because other properties can depend on the one that cannot be represented.
    """

    instance: Instance | None
    text: str = "accepts"
    property: str = ""
    is_by_design: bool = False
    crashed: bool = False


@dataclass(frozen=True, slots=True)
class Subject:
    """The payload class of one schema, and the error with which it refuses payloads."""

    payload_class: PayloadClass
    refusal: type[Exception]

    def read(self, payload: Json) -> ReadResult:
        """Return the result of `from_payload`."""
        try:
            return ReadResult(self.payload_class.from_payload(payload))
        except self.refusal as error:
            broken = cast("tuple[Violation, ...]", getattr(error, "violations", ()))
        except Exception as error:
            return ReadResult(None, f"raises {type(error).__name__}: {error}", crashed=True)
        return ReadResult(
            None,
            f"refuses: {'; '.join(map(str, broken))}",
            broken[0].property if broken else "",
            any(map(_is_by_design, broken)),
        )


def _is_by_design(broken: Violation) -> bool:
    return broken.code in _BY_DESIGN


@dataclass(frozen=True, slots=True)
class ImportedPackage:
    """A package that is imported from a folder."""

    output: Path

    def subject(self, generated: GeneratedModule) -> Subject:
        """Return the class of a schema. Raises `RenderError` if it cannot be imported."""
        try:
            module = importlib.import_module(f"{_NAME}.{generated.module}")
            payload_class = cast(PayloadClass, getattr(module, generated.class_name))
            errors = importlib.import_module(f"{_NAME}._runtime.errors")
            refusal = cast("type[Exception]", errors.InvalidPayloadError)
        except Exception as error:
            raise _import_error(self.output / f"{generated.module}.py", error) from error
        return Subject(payload_class, refusal)


@contextmanager
def import_package(output: Path) -> Generator[ImportedPackage]:
    """Import a copy of the package in a folder under a private name, for the duration of the block.

    The copy has no caches: Python would execute bytecode of a checkout that has the right hash or
    date of its source, whatever the bytecode does. No bytecode is written.
    """
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    with TemporaryDirectory(prefix="engage-codegen-") as name:
        try:
            _import_root(_copy_sources(output, Path(name)), output)
            yield ImportedPackage(output)
        finally:
            sys.dont_write_bytecode = before
            for module in [module for module in sys.modules if module.split(".")[0] == _NAME]:
                del sys.modules[module]


def _copy_sources(output: Path, folder: Path) -> Path:
    """Copy the modules of a package, and nothing else that Python could import."""
    for base, folders, names in walk(output):
        folders[:] = [name for name in folders if name != "__pycache__"]
        for path in (Path(base) / name for name in names if name.endswith(".py")):
            copy = folder / path.relative_to(output)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(_read(path))
    return folder


def _read(path: Path) -> bytes:
    try:
        return read_bytes(path)
    except OSError as error:
        raise unreadable(path, error) from None


def _import_root(copy: Path, output: Path) -> None:
    """Import the package itself. Its modules are imported when they are needed."""
    importlib.invalidate_caches()
    path = output / "__init__.py"
    spec = importlib.util.spec_from_file_location(
        _NAME, copy / "__init__.py", submodule_search_locations=[str(copy)]
    )
    if spec is None or spec.loader is None:
        raise _import_error(path, ImportError("Python has no loader for it"))
    package = sys.modules[_NAME] = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(package)
    except Exception as error:
        raise _import_error(path, error) from error


def _import_error(path: Path, error: Exception) -> RenderError:
    return RenderError(
        f"the generated module cannot be imported: {type(error).__name__}: {error}",
        where=str(path),
        fix="report this bug in engage-codegen, with the schema",
    )
