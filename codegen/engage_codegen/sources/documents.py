"""Schema files: an envelope, a list of envelopes, or a bare JSON Schema, perhaps broken."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import CodegenError, InputError, Location, SchemaError, SchemaProblem
from ..filesystem import MAX_SCHEMA_BYTES, read_bytes, unreadable
from ..schema.envelope import Schema, from_envelope, is_id, locate_error, refuse_too_many
from ..schema.jsontext import (
    Json,
    JsonError,
    Position,
    canonical_json,
    exact_canonical_json,
    loads,
    nearest_position,
    pointer,
    positions,
)
from ..schema.text import escape, quote

if TYPE_CHECKING:
    from ..findings.finding import Finding

_PULL = "delete the file, and run engage-codegen pull, which reads each schema"


_MAX_TOTAL = 10_000_000


@dataclass(frozen=True, slots=True)
class Document:
    """One file: its text, its JSON, and its schemas.

    Each schema comes with the parts of the pointer that lead from the file to its envelope.
    `is_bare` is True for a JSON Schema without an envelope. `error` says why the file has no
    schemas.
    """

    path: Path
    text: str = ""
    value: Json = None
    schemas: tuple[tuple[tuple[str, ...], Schema], ...] = ()
    is_bare: bool = False
    error: CodegenError | None = None

    @property
    def errors(self) -> "list[Finding]":
        """The error as a finding, in a list that is empty without an error."""
        if self.error is None:
            return []
        from ..findings.finding import Finding, display_path

        error, reason = self.error, ("syntax",)
        location = error.location._replace(file=display_path(self.path))
        return [Finding("EG100", self.path.stem, (), reason, error.message, error.fix, location)]

    @property
    def is_canonical(self) -> bool:
        """True if the text of the file is the canonical form of its JSON."""
        return self.text.replace("\r\n", "\n") in (
            canonical_json(self.value),
            exact_canonical_json(loads(self.text, exact=True)),
        )

    def is_same_file(self, other: "Document") -> bool:
        """Return True if both were read from one file, perhaps through different paths."""
        try:
            return self.path == other.path or self.path.samefile(other.path)
        except OSError:
            return False

    def locate(self, findings: "Sequence[Finding]") -> "list[Finding]":
        """Return findings about the schemas of this file with their lines and columns."""

        prefixes = {schema.id: prefix for prefix, schema in self.schemas}
        has_places = bool(findings) and self.error is None
        places = positions(self.text if has_places else "0")
        located: list[Finding] = []
        for finding in findings:
            parts = prefixes.get(finding.schema_id, ()) + finding.parts
            if self.is_bare:
                parts = parts[1:] if parts[:1] == ("jsonSchema",) else ()
            location = self._locate_parts(places, parts)
            located.append(replace(finding, location=location))
        return located

    def locate_schema(self, number: int) -> Location:
        """Return the place of the id of a schema of this file, by its number from 0."""
        prefix = self.schemas[number][0]
        return self._locate_parts(positions(self.text), (*prefix, "id"))

    def _locate_parts(
        self, places: Mapping[tuple[str, ...], Position], parts: tuple[str, ...]
    ) -> Location:
        from ..findings.finding import display_path

        line, column = nearest_position(places, parts)
        return Location(display_path(self.path), pointer(*parts), line, column)


def read_documents(paths: Iterable[Path]) -> Iterator[Document]:
    """Read schema files. Raises `InputError` for one that cannot be read, and for all together if
    they are longer than `_MAX_TOTAL` or have too many schemas."""
    length = count = 0
    for path in paths:
        document = read_document(path)
        length += len(document.text)
        count += len(document.schemas)
        refuse_too_many(count, str(path))
        if length > _MAX_TOTAL:
            raise InputError(
                f"the schema files have more than {_MAX_TOTAL:,} characters in total",
                where=str(path),
                fix="name the files or folders with the schemas of one tenant",
            )
        yield document


def read_document(path: Path) -> Document:
    """Read a schema file, whatever is in it. Raises `InputError` if it cannot be read at all."""
    try:
        data = read_bytes(path, MAX_SCHEMA_BYTES)
    except FileNotFoundError:
        raise InputError("no such file or folder", where=str(path), fix="check the path") from None
    except OSError as error:
        raise unreadable(path, error) from None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return Document(path, error=_error(path, "the file is not UTF-8", "save it as UTF-8"))
    try:
        value = loads(text)
    except JsonError as error:
        message = f"the file is not valid JSON: {error.message}"
        place = (error.line or 1, error.column or 1)
        return Document(path, text, error=_error(path, message, "correct the file", *place))
    if _lists_no_schemas(value):
        message = "the list that Engage gives of its schemas has their ids and names alone"
        return Document(path, text, value, error=_error(path, message, _PULL))
    schemas: list[tuple[tuple[str, ...], Schema]] = []
    prefix: tuple[str, ...] = ()
    try:
        for prefix, item, origin in _envelopes_in(value, path):
            schemas.append((prefix, from_envelope(item, origin)))
    except CodegenError as error:
        error.location = locate_error(error, text, str(path), prefix)
        return Document(path, text, value, error=error)
    return Document(path, text, value, tuple(schemas), _is_bare(value))


def _error(path: Path, message: str, fix: str, line: int = 1, column: int = 1) -> InputError:
    location = Location(str(path), "", line, column)
    return InputError(message, where=f"{path}:{line}:{column}", fix=fix, location=location)


def _envelopes_in(value: Json, file: Path) -> Iterator[tuple[tuple[str, ...], Json, str]]:
    """Yield each envelope with the parts that lead to it, and its origin."""
    if isinstance(value, list):
        for number, item in enumerate(value):
            yield (str(number),), item, f"{file}, item {number}"
    elif isinstance(value, dict) and _is_bare(value):
        _check_file_name(file)
        title = value.get("title")
        name = title if isinstance(title, str) else ""
        yield (), {"id": file.stem, "displayName": name, "jsonSchema": value}, str(file)
    else:
        yield (), value, str(file)


def _lists_no_schemas(value: Json) -> bool:
    """Return True for the answer to ``GET interactionschemas``, or an item of it."""
    items = value if isinstance(value, list) else [value]
    return bool(items) and all(
        isinstance(item, dict) and "id" in item and item.keys() <= {"id", "displayName"}
        for item in items
    )


def _check_file_name(file: Path) -> None:
    """Raise `SchemaError` if the name of a file without an envelope cannot be a schema id."""
    if not is_id(file.stem):
        message = f"the file has no `id`, and its name {quote(file.stem)} is not a valid schema id"
        fix = "name the file with 1 to 200 letters, digits, '_' and '-', or add an envelope"
        shown, reason = escape(file.stem)[:80], ("file name",)
        problem = SchemaProblem("EG120", shown, ("id",), reason, message, fix, str(file))
        raise SchemaError([problem])


def _is_bare(value: Json) -> bool:
    """Return True for a JSON Schema without an envelope."""
    return (
        isinstance(value, dict)
        and "jsonSchema" not in value
        and ("$schema" in value or "properties" in value or value.get("type") == "object")
    )
