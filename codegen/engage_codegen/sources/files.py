"""Schemas in local files: folders of ``*.json``, single files, and lists of envelopes.

A file has an envelope ``{id, displayName, jsonSchema}``, a list of envelopes, or a bare JSON
Schema, whose id is the name of the file.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from ..errors import InputError, Location
from ..findings.finding import display_path
from ..schema.envelope import Schema
from .documents import Document, read_documents
from .folders import find_schema_files
from .interface import Progress


class RepeatedId(NamedTuple):
    """A schema whose id an earlier one has: its place, and the earlier schema."""

    schema: Schema
    first: Schema
    document: Document
    number: int

    @property
    def message(self) -> str:
        """What is wrong: the id, and where it is as well."""
        file, comma, item = self.first.origin.partition(", item ")
        return f"the schema {self.schema.id} is also in {display_path(Path(file))}{comma}{item}"

    @property
    def location(self) -> Location:
        """The place of the id."""
        return self.document.locate_schema(self.number)


REPEATED_ID_FIX = "delete one of them. Schemas of different tenants need a target each"


def find_repeated_ids(documents: Iterable[Document]) -> list[RepeatedId]:
    """Return each schema with an id that an earlier schema of the documents has.

    The same place of the same file, reached through another path, is not repeated.
    """
    owners: dict[str, tuple[Schema, Document, tuple[str, ...]]] = {}
    repeated: list[RepeatedId] = []
    for document in documents:
        for number, (parts, schema) in enumerate(document.schemas):
            first, owner, place = owners.setdefault(schema.id, (schema, document, parts))
            is_same_place = place == parts and document.is_same_file(owner)
            if first is not schema and not is_same_place:
                repeated.append(RepeatedId(schema, first, document, number))
    return repeated


class FileSource:
    """The schemas in files and folders."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = tuple(paths)

    def fetch(self, only: Sequence[str], progress: Progress) -> Mapping[str, Schema]:
        """Return the schemas; see `Source.fetch`."""
        documents = list(self._read_documents())
        for repeated in find_repeated_ids(documents):
            raise InputError(
                repeated.message,
                where=repeated.schema.origin,
                fix=REPEATED_ID_FIX,
                location=repeated.location,
            )
        schemas = {schema.id: schema for document in documents for _, schema in document.schemas}
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
        for document in read_documents(find_schema_files(self._paths)):
            if document.error is not None:
                raise document.error
            yield document
