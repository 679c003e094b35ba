"""What the lock file records of a generated package, and what an older record demands of it."""

from collections.abc import Mapping

from .. import __version__
from ..errors import SchemaError, SchemaProblem
from ..model.ir import Package, Record
from ..render.own.sources import added_files
from ..schema.envelope import Schema
from ..schema.jsontext import digest
from ..schema.names import rename_key, rename_line
from ..schema.text import quote
from .index import INDEX_PATH, split_index
from .lockfile import Entry, GeneratedModule, Generator, Lockfile


def record_package(
    generator: Generator,
    previous: Lockfile,
    schemas: Mapping[str, Schema],
    package: Package,
    texts: Mapping[str, str],
) -> Lockfile:
    """Return the lock file of a package with these texts. What `pull` recorded stays."""
    frame, rows = split_index(texts[INDEX_PATH])
    files = {path: digest(text) for path, text in texts.items()}
    digests = [digest(row) for row in rows]
    if generator.has_own_index:
        digests = [""] * len(package.records)
    else:
        files[INDEX_PATH] = digest(frame)
    own_files = _own_files(generator, package)
    entries = {key: entry._replace(generated=None) for key, entry in previous.schemas.items()}
    for record, row in zip(package.records, digests, strict=True):
        schema_id = str(record.schema_id)
        module = GeneratedModule(
            generator=generator.name,
            schema=schemas[schema_id].digest,
            module=record.names.module,
            class_name=record.names.class_name,
            properties={field.wire: field.name for field in record.fields},
            code=files.pop(f"{record.names.module}.py"),
            row=row,
            contract=contract.digest if (contract := schemas[schema_id].contract) else "",
            own_files={path: files.pop(path) for path in own_files.get(schema_id, ())},
        )
        entries[schema_id] = entries.get(schema_id, Entry())._replace(generated=module)
    return Lockfile(generator, files, entries)


def _own_files(generator: Generator, package: Package) -> dict[str, list[str]]:
    """Return the files that templates of the project add for each schema: schema id -> paths."""
    modules = {str(record.schema_id): record.names.module for record in package.records}
    paths: dict[str, list[str]] = {}
    for path, file in added_files(generator.own_templates, modules):
        if file.schema_id:
            paths.setdefault(file.schema_id, []).append(path)
    return paths


def refuse_renames(lockfile: Lockfile, package: Package, renames: Mapping[str, str]) -> None:
    """Raise `SchemaError` if this version would rename what another version named.

    Those names are in the code of users. The same version changes a name only where the user
    changed `renames`. Each line of the lock file says which version made it, so that a merge with
    a branch that used an older version is judged as well.
    """
    problems = [
        problem
        for record in package.records
        if (entry := lockfile.schemas.get(record.schema_id)) is not None
        and (module := entry.generated) is not None
        and module.version != __version__
        for problem in _renamed(record, module, renames)
    ]
    if problems:
        raise SchemaError(problems)


def _renamed(
    record: Record, module: GeneratedModule, renames: Mapping[str, str]
) -> list[SchemaProblem]:
    schema_id = str(record.schema_id)
    old, new = module.module, str(record.names.module)
    if old == new:
        old, new = module.class_name, str(record.names.class_name)
    changes: list[tuple[str, tuple[str, ...], str, str]] = [(schema_id, ("id",), old, new)]
    changes += [
        (
            rename_key(schema_id, field.wire),
            ("jsonSchema", "properties", field.wire),
            module.properties[field.wire],
            str(field.name),
        )
        for field in record.fields
        if field.wire in module.properties
    ]
    return [
        SchemaProblem(
            "EG120",
            schema_id,
            parts,
            ("renamed", old, new),
            f"engage-codegen {__version__} would rename {quote(old)} to {quote(new)}",
            f"to keep the name, add to [tool.engage-codegen.renames]: {rename_line(key, old)}",
        )
        for key, parts, old, new in changes
        if old != new and key not in renames
    ]
