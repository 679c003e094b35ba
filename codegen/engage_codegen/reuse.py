"""What of a package need not be made again.

A module is a function of its schema, its names, the templates, the configuration and the tool. The
lock has the hashes of all of them and of the module itself: where they are what they were, the file
on the disk is what rendering would give.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .schema import Schema, digest
from .snapshot import INDEX_PATH, Generated, Head, Lock, fingerprint, index_parts


@dataclass(frozen=True, slots=True)
class Kept:
    """Files as they are, path -> text, and of the schemas that they were made of, by id: what each
    became, and its row in INDEX."""

    texts: Mapping[str, str] = field(default_factory=dict[str, str])
    made: Mapping[str, Generated] = field(default_factory=dict[str, Generated])
    rows: Mapping[str, str] = field(default_factory=dict[str, str])


def kept(output: Path, lock: Lock, head: Head, schemas: Mapping[str, Schema]) -> Kept:
    """What is still right of the package in `output`; nothing if tool, templates or configuration
    are others."""
    if lock.head != head:
        return Kept()
    index = _text(output, INDEX_PATH)
    found = {digest(row): row for row in index_parts(index or "")[1]}
    texts: dict[str, str] = {}
    made: dict[str, Generated] = {}
    rows: dict[str, str] = {}
    for schema_id, before in lock.made().items():
        schema, row = schemas.get(schema_id), found.get(before.row)
        if schema is None or row is None or schema.digest != before.schema:
            continue
        path = f"{before.module}.py"
        text = _text(output, path)
        if text is not None and digest(text) == before.code:
            texts[path], made[schema_id], rows[schema_id] = text, before, row
    for path, expected in lock.files.items():
        text = _text(output, path)
        if path != INDEX_PATH and text is not None and fingerprint(path, text.encode()) == expected:
            texts[path] = text
    return Kept(texts, made, rows)


def _text(output: Path, path: str) -> str | None:
    try:
        return (output / path).read_bytes().decode("utf-8").replace("\r\n", "\n")
    except (OSError, ValueError):
        return None
