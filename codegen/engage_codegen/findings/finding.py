"""A finding: something about a schema that somebody should know, and what to do about it."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

from ..schema.jsontext import canonical_json, digest, pointer

Severity: TypeAlias = Literal["error", "warning", "note"]
OutputFormat: TypeAlias = Literal["text", "json", "sarif", "github"]
FORMATS: tuple[OutputFormat, ...] = ("text", "json", "sarif", "github")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a finding is: a file, a JSON pointer in it, and line and column of the key or value
    that the pointer leads to, both from 1; 0 where there is no file."""

    file: str = ""
    pointer: str = ""
    line: int = 0
    column: int = 0


@dataclass(frozen=True, slots=True)
class Finding:
    """`parts` lead from the envelope of the schema to the place, unescaped; `message` is the
    reason, `fix` the remedy, a sentence each; `tenant` is the one that it was found at, where that
    has a name, `call` the name of the class or function that a change can break at the place."""

    code: str
    severity: Severity
    schema_id: str
    parts: tuple[str, ...]
    message: str
    fix: str
    place: Place = field(default_factory=Place, compare=False)
    tenant: str = ""
    call: str = ""

    @property
    def fingerprint(self) -> str:
        """What a waiver names, like ``EG301:0123456789abcdef``: the same as long as the code, the
        schema, the place and the reason are, wherever the file lies."""
        content = canonical_json([self.code, self.schema_id, *self.parts, self.message])
        return f"{self.code}:{digest(content)[:16]}"

    @property
    def where(self) -> str:
        """The place for people: file and line, else schema and pointer."""
        if self.place.line:
            return f"{self.place.file}:{self.place.line}:{self.place.column}"
        return f"{self.place.file or self.schema_id}#{pointer(*self.parts)}"


def is_fingerprint(text: str) -> bool:
    """Whether a finding could have it."""
    return re.fullmatch(r"EG[0-9]{3}:[0-9a-f]{16}", text) is not None


def ordered(findings: Sequence[Finding]) -> list[Finding]:
    """By place, then by code."""
    return sorted(
        findings,
        key=lambda it: (it.place.file, it.place.line, it.schema_id, it.parts, it.code, it.message),
    )


def shown_path(path: Path) -> str:
    """A path below the current folder is shown relative to it, with ``/``."""
    try:
        return Path(os.path.relpath(path)).as_posix() if path.is_absolute() else path.as_posix()
    except ValueError:  # another drive
        return path.as_posix()
