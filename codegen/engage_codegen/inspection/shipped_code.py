"""The code of a shipped package, compared with code rendered from its own snapshot.

It is rendered by the same version of this tool. Files of the project's templates are left out: the
templates are not part of the package.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from .. import __version__
from ..config import PARTS, HttpLibrary
from ..errors import CodegenError, SchemaError
from ..model.build import build
from ..output.lockfile import (
    LOCKFILE_PATH,
    GeneratedModule,
    Lockfile,
    contract_path,
    snapshot_path,
)
from ..output.rendering import own_files_of
from ..output.unexpected import UnexpectedFile, find_unexpected
from ..render.own.sources import OwnFile
from ..render.package import render_package
from ..schema.envelope import Schema
from ..schema.jsontext import digest
from ..schema.names import name_properties, name_schemas, rename_key


@dataclass(frozen=True, slots=True)
class PackageFiles:
    """The files of one package: their paths, and how to read one and tell a shipped cache."""

    origin: str
    paths: Sequence[str]
    read: Callable[[str], bytes]
    is_shipped: Callable[[str], bool]

    def get(self, path: str) -> bytes | None:
        try:
            return self.read(path)
        except OSError:
            return None


def doubt_code(
    lockfile: Lockfile, schemas: Mapping[str, Schema], files: PackageFiles
) -> dict[str, str]:
    """Return the schemas whose code is not what this tool renders, with the reason."""
    version = lockfile.generator.version
    if version != __version__:
        reason = (
            f"engage-codegen {version} generated the package, and only that version can compare "
            f"it: run preflight with engage-codegen {version}"
        )
        return dict.fromkeys(schemas, reason)
    modules = {key: lockfile.modules[key] for key in schemas}
    try:
        package = build(schemas, _renames_of(modules), "json-schema")
    except CodegenError as error:
        return dict.fromkeys(schemas, f"its code cannot be rendered again: {error.message}")
    without = [part for part in PARTS if f"{part}.py" not in files.paths]
    texts = render_package(package, without, _http_library_of(files))
    owners = {f"{module.module}.py": key for key, module in modules.items()}
    return _compare(texts, owners, schemas, files, own_files_of(lockfile))


def list_own_files(
    own: Mapping[str, OwnFile], schemas: Mapping[str, Schema]
) -> dict[str, list[str]]:
    """Return the files of each schema that templates of the project made: schema id -> paths."""
    files = {
        schema_id: sorted(path for path, file in own.items() if file.schema_id in ("", schema_id))
        for schema_id in schemas
    }
    return {schema_id: paths for schema_id, paths in files.items() if paths}


def _compare(
    texts: Mapping[str, str],
    owners: Mapping[str, str],
    schemas: Mapping[str, Schema],
    files: PackageFiles,
    own: Mapping[str, OwnFile],
) -> dict[str, str]:
    doubts: dict[str, str] = {}
    snapshot = {name for key in schemas for name in (snapshot_path(key), contract_path(key))}
    expected = {*texts, *own, LOCKFILE_PATH, *snapshot}
    unexpected = list(find_unexpected(files.paths, expected, files.read, files.is_shipped))
    shared = [_describe(file) for file in unexpected]
    for path, text in texts.items():
        data = files.get(path)
        if path in own or not path.endswith(".py"):
            continue
        if data is not None and digest(data) == digest(text):
            continue
        reason = f"{path} differs from what engage-codegen {__version__} writes"
        if path in owners:
            doubts[owners[path]] = reason
        else:
            shared.append(reason)
    return dict.fromkeys(schemas, shared[0]) | doubts if shared else doubts


def _describe(file: UnexpectedFile) -> str:
    return f"{file.path}: {file.message}"


def _http_library_of(files: PackageFiles) -> HttpLibrary:
    """Return the HTTP library that a package seems to use.

    If it uses another one, the code rendered for it differs from the code of the package.
    """
    text = files.get("_runtime/transport/http_library.py") or b""
    return "httpx2" if b"\nimport httpx2" in text else "httpx"


def _renames_of(modules: Mapping[str, GeneratedModule]) -> dict[str, str]:
    """Return the `renames` that the names of a lock file imply.

    If the lock file lies, the code rendered with them differs from the code of the package.
    """
    renames: dict[str, str] = {}
    for schema_id, module in modules.items():
        if _default_names(schema_id) != (module.module, module.class_name):
            renames[schema_id] = module.class_name
        for wire, attribute in module.properties.items():
            if _default_attribute(schema_id, wire) != attribute:
                renames[rename_key(schema_id, wire)] = attribute
    return renames


def _default_names(schema_id: str) -> tuple[str, str] | None:
    try:
        names = name_schemas([schema_id], {})[schema_id]
    except SchemaError:
        return None
    return names.module, names.class_name


def _default_attribute(schema_id: str, wire: str) -> str | None:
    try:
        return name_properties(schema_id, [wire], {})[wire]
    except SchemaError:
        return None
