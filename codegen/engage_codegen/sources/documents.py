"""Files with schemas in them, as somebody has them on a desk: perhaps broken, always readable."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..errors import CodegenError, InputError
from ..findings.finding import Finding, Place, shown_path
from ..schema.envelope import Schema
from ..schema.jsontext import Json, canonical_json, loads, nearest_position, pointer, positions
from .files import is_bare, schemas_in

_LINE_AND_COLUMN = re.compile(r"\(line ([0-9]+), column ([0-9]+)\)")


@dataclass(frozen=True, slots=True)
class Document:
    """A file: its text, what it says, and the schemas in it, each with the parts that lead from
    the file to its envelope. `is_bare` is one that holds a JSON Schema without an envelope."""

    path: Path
    text: str
    value: Json
    schemas: tuple[tuple[tuple[str, ...], Schema], ...]
    is_bare: bool = False
    broken: tuple[Finding, ...] = field(default=())

    @property
    def name(self) -> str:
        """The path for people: below the current folder, if it is there."""
        return shown_path(self.path)

    @property
    def is_canonical(self) -> bool:
        return not self.broken and self.text.replace("\r\n", "\n") == canonical_json(self.value)

    def placed(self, findings: Sequence[Finding]) -> list[Finding]:
        """Findings about the schemas of this file, with their lines and columns."""
        prefixes = {schema.id: prefix for prefix, schema in self.schemas}
        found = positions(self.text) if findings and not self.broken else {}
        placed: list[Finding] = []
        for finding in findings:
            parts = prefixes.get(finding.schema_id, ()) + finding.parts
            if self.is_bare:
                parts = parts[1:] if parts[:1] == ("jsonSchema",) else ()
            line, column = nearest_position(found, parts)
            place = Place(self.name, pointer(*parts), line, column)
            placed.append(replace(finding, place=place))
        return placed


def read(path: Path) -> Document:
    """A file, whatever is in it. Raises `InputError` if it cannot be read at all."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        reason = error.strerror or "cannot be read"
        raise InputError(reason, where=str(path), fix="check the path") from None
    except UnicodeDecodeError:
        return _broken(path, "", "the file is not UTF-8", "save it as UTF-8")
    try:
        value = loads(text)
    except ValueError as error:
        return _broken(path, text, f"the file is not JSON: {error}", "correct it")
    try:
        found = list(schemas_in(value, path))
    except CodegenError as error:
        return _broken(path, text, error.what, error.fix)
    prefixes = [(str(number),) if isinstance(value, list) else () for number in range(len(found))]
    return Document(path, text, value, tuple(zip(prefixes, found, strict=True)), is_bare(value))


def _broken(path: Path, text: str, reason: str, fix: str) -> Document:
    match = _LINE_AND_COLUMN.search(reason)
    line, column = (int(match[1]), int(match[2])) if match else (1, 1)
    place = Place(shown_path(path), "", line, column)
    finding = Finding("EG100", "error", path.stem, (), reason, fix, place)
    return Document(path, text, None, (), broken=(finding,))
