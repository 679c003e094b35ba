"""Schemas in local files: folders of ``*.json``, single files, and lists exported from the API.

A file has an envelope ``{id, displayName, jsonSchema}``, a list of envelopes, or a bare JSON
Schema, whose id is the name of the file.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from ..errors import InputError
from ..findings.finding import display_path
from ..schema.envelope import Schema
from .documents import Document, read_document
from .interface import Progress


class FileSource:
    """The schemas in files and folders."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = tuple(paths)

    def fetch(self, only: Sequence[str], progress: Progress) -> Mapping[str, Schema]:
        """Return the schemas; see `Source.fetch`."""
        schemas: dict[str, Schema] = {}
        for document in self._read_documents():
            for number, (_, schema) in enumerate(document.schemas):
                first = schemas.setdefault(schema.id, schema)
                if first is not schema:
                    raise InputError(
                        f"the schema {schema.id} is also in {display_path(Path(first.origin))}",
                        where=schema.origin,
                        fix="delete one of them. Schemas of different tenants need a target each",
                        location=document.locate_schema(number),
                    )
        missing = sorted(set(only) - set(schemas))
        if missing:
            raise InputError(
                f"the source has no schema {missing[0]}",
                where=", ".join(map(str, self._paths)),
                fix=f"name one of its schemas: {', '.join(sorted(schemas)) or 'it has none'}",
            )
        requested = {key: schemas[key] for key in sorted(only or schemas)}
        progress(len(requested), len(requested))
        return requested

    def _read_documents(self) -> Iterator[Document]:
        for path in self._paths:
            for file in _schema_files(path):
                document = read_document(file)
                if document.error is not None:
                    raise document.error
                yield document


def _schema_files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    files = sorted(file for file in path.glob("*.json") if file.is_file())
    if not files:
        raise InputError("the folder has no *.json file", where=str(path), fix="check the path")
    return files
