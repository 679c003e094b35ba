"""Schema files: an envelope, a list of envelopes, or a bare JSON Schema, perhaps broken."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import CodegenError, InputError, Location
from ..filesystem import read_bytes, unreadable
from ..schema.envelope import Schema, check_id, from_envelope
from ..schema.jsontext import (
    Json,
    JsonError,
    canonical_json,
    loads,
    nearest_position,
    pointer,
    positions,
)

if TYPE_CHECKING:
    from ..findings.finding import Finding


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

        location = self.error.location._replace(file=display_path(self.path))
        reason = (self.error.message,) if location.line == 0 else ("syntax",)
        error = self.error
        return [Finding("EG100", self.path.stem, (), reason, error.message, error.fix, location)]

    @property
    def is_canonical(self) -> bool:
        """True if the text of the file is the canonical form of its JSON."""
        return self.text.replace("\r\n", "\n") == canonical_json(self.value)

    def locate(self, findings: "Sequence[Finding]") -> "list[Finding]":
        """Return findings about the schemas of this file with their lines and columns."""
        from ..findings.finding import display_path

        prefixes = {schema.id: prefix for prefix, schema in self.schemas}
        places = positions(self.text) if findings and self.error is None else {}
        located: list[Finding] = []
        for finding in findings:
            parts = prefixes.get(finding.schema_id, ()) + finding.parts
            if self.is_bare:
                parts = parts[1:] if parts[:1] == ("jsonSchema",) else ()
            line, column = nearest_position(places, parts)
            location = Location(display_path(self.path), pointer(*parts), line, column)
            located.append(replace(finding, location=location))
        return located


def read_document(path: Path) -> Document:
    """Read a schema file, whatever is in it. Raises `InputError` if it cannot be read at all."""
    try:
        data = read_bytes(path)
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
    try:
        schemas = list(_schemas_in(value, path))
    except CodegenError as error:
        error.location = Location(str(path), "", 1, 1)
        return Document(path, text, value, error=error)
    prefixes = [(str(i),) if isinstance(value, list) else () for i in range(len(schemas))]
    return Document(path, text, value, tuple(zip(prefixes, schemas, strict=True)), _is_bare(value))


def _error(path: Path, message: str, fix: str, line: int = 1, column: int = 1) -> InputError:
    location = Location(str(path), "", line, column)
    return InputError(message, where=f"{path}:{line}:{column}", fix=fix, location=location)


def _schemas_in(value: Json, file: Path) -> Iterator[Schema]:
    if isinstance(value, list):
        for number, item in enumerate(value):
            yield from_envelope(item, f"{file}, item {number}")
    elif isinstance(value, dict) and _is_bare(value):
        check_id(file.stem, str(file))
        title = value.get("title")
        name = title.strip() if isinstance(title, str) else ""
        yield Schema(file.stem, name or file.stem, value, str(file))
    else:
        yield from_envelope(value, str(file))


def _is_bare(value: Json) -> bool:
    """Return True for a JSON Schema without an envelope."""
    return (
        isinstance(value, dict)
        and "jsonSchema" not in value
        and ("$schema" in value or "properties" in value or value.get("type") == "object")
    )
