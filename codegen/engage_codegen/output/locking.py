"""The lock that goes with a package, and what an older lock demands of a new package."""

from collections.abc import Mapping
from dataclasses import replace

from ..errors import SchemaError
from ..model.ir import Package, Record
from ..schema.envelope import Schema
from ..schema.jsontext import digest
from ..schema.names import rename_key, rename_line
from ..schema.text import quote
from .snapshot import INDEX_PATH, Entry, Generated, Head, Lock, index_parts


def locked(
    head: Head,
    old: Lock,
    schemas: Mapping[str, Schema],
    package: Package,
    texts: Mapping[str, str],
    errors: int | None,
) -> Lock:
    """The lock of a package with these texts; what `pull` recorded in the old one stays. `errors`
    is what lint found in all of them."""
    frame, lines = index_parts(texts[INDEX_PATH])
    rows = dict(zip((str(it.schema_id) for it in package.records), lines, strict=True))
    entries = {key: replace(entry, generated=None) for key, entry in old.schemas.items()}
    files = {path: digest(text) for path, text in texts.items()} | {INDEX_PATH: digest(frame)}
    for record in package.records:
        schema_id, path = str(record.schema_id), f"{record.names.module}.py"
        made = Generated(
            schema=schemas[schema_id].digest,
            module=record.names.module,
            class_name=record.names.class_name,
            properties={field.wire: field.name for field in record.fields},
            code=files.pop(path),
            row=digest(rows[schema_id]),
        )
        entries[schema_id] = replace(entries.get(schema_id, Entry()), generated=made)
    return Lock(head, files, entries, errors)


def refuse_new_names(lock: Lock, package: Package, renames: Mapping[str, str]) -> None:
    """Raise `SchemaError` if another version of the tool would rename what the lock records.

    Those names are in our users' code. The same version gives another name only where the user
    asked for it.
    """
    for record in package.records:
        entry = lock.schemas.get(record.schema_id)
        if entry is not None and entry.generated is not None:
            _refuse_new_name(record, entry.generated, renames)


def _refuse_new_name(record: "Record", made: Generated, renames: Mapping[str, str]) -> None:
    changes = [(str(record.schema_id), made.module, str(record.names.module))]
    if made.module == record.names.module:
        changes = [(str(record.schema_id), made.class_name, str(record.names.class_name))]
    changes += [
        (rename_key(record.schema_id, field.wire), made.properties[field.wire], str(field.name))
        for field in record.fields
        if field.wire in made.properties
    ]
    for key, old, new in changes:
        if old != new and key not in renames:
            raise SchemaError(
                f"this version of engage-codegen would rename {quote(old)} to {quote(new)}",
                where=quote(key),
                fix="to keep the name, add to [tool.engage-codegen.renames]: "
                + rename_line(key, old),
            )
