"""`Finding`: one thing that a check reports, where it is, and what to do about it."""

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import CodegenError, Location, SchemaError, SchemaProblem, WriteConflictError
from ..schema.jsontext import canonical_json, digest, pointer
from .codes import Severity, rules, severity_of


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding.

    Its identity is `code`, `schema_id`, `parts` (the place, from the envelope of the schema,
    unescaped) and `reason`, which says as data why the rule of the code applies. Everything else
    is presentation: `message` and `fix` are sentences, `tenant` is the name of the tenant or
    target, `call` is the function or class of a call site that a change affects, and `owner` is who
    answers for the schema, as its contract says, or for the waiver.
    """

    code: str
    schema_id: str
    parts: tuple[str, ...]
    reason: tuple[str, ...]
    message: str
    fix: str
    location: Location = field(default_factory=Location, compare=False)
    tenant: str = ""
    call: str = ""
    owner: str = ""

    @property
    def severity(self) -> Severity:
        """The severity of the code."""
        return severity_of(self.code)

    @property
    def fingerprint(self) -> str:
        """The identity that a waiver names, such as ``EG301:0123456789abcdef``.

        It does not depend on wording, files, lines, example payloads or other findings.
        """
        identity = canonical_json([self.code, self.schema_id, list(self.parts), list(self.reason)])
        return f"{self.code}:{digest(identity)[:16]}"

    @property
    def is_waivable(self) -> bool:
        """True if a waiver can accept findings of this code."""
        return rules()[self.code].waivable

    @property
    def subject(self) -> str:
        """The schema or property that the finding is about: ``productReview.storeId``."""
        is_property = self.parts[:2] == ("jsonSchema", "properties")
        return ".".join([self.schema_id, *(self.parts[2:3] if is_property else ())])

    @property
    def where(self) -> str:
        """The place for people: file, line and column, or schema and pointer.

        Without any place it is the configuration file: problem matchers of editors need a file.
        """
        if self.location.line:
            return f"{self.location.file}:{self.location.line}:{self.location.column}"
        place = self.location.file or self.schema_id
        if not place:
            return "pyproject.toml:1:1"
        return f"{place}#{pointer(*self.parts)}" if self.parts else place


def findings_of(error: CodegenError, tenant: str = "") -> list[Finding]:
    """Return the findings that report an error: one for each problem of a `SchemaError`."""
    if isinstance(error, SchemaError) and error.problems:
        return [
            Finding(
                problem.code,
                problem.schema_id,
                problem.parts,
                problem.reason,
                problem.message,
                problem.fix,
                _location_of(problem, error),
                tenant,
            )
            for problem in error.problems
        ]
    if isinstance(error, WriteConflictError) and error.conflicts:
        return [
            Finding(
                error.code,
                "",
                (),
                (conflict.path,),
                conflict.message,
                conflict.fix,
                conflict.location,
                tenant,
            )
            for conflict in error.conflicts
        ]
    reason = (error.location.file or error.where,)
    return [Finding(error.code, "", (), reason, error.message, error.fix, error.location, tenant)]


def _location_of(problem: SchemaProblem, error: SchemaError) -> Location:
    if problem.location.line:
        return problem.location
    if error.location.line:
        return error.location
    return Location(problem.origin, pointer(*problem.parts))


def numbered_calls(findings: Iterable[Finding]) -> Iterator[tuple[Finding, int]]:
    """Yield each finding with its number among the same findings at calls of one file, from 0.

    It tells calls apart without their lines, so that a line inserted above changes nothing.
    """
    counts = Counter[tuple[str, str, str]]()
    for finding in findings:
        key = (finding.fingerprint, finding.location.file, finding.call)
        yield finding, counts[key]
        counts[key] += 1


def is_fingerprint(text: str) -> bool:
    """Return True if a finding could have this fingerprint."""
    return re.fullmatch(r"EG[0-9]{3}:[0-9a-f]{16}", text) is not None


def sort_findings(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings by file and line, then by schema, place and code."""
    return sorted(
        findings,
        key=lambda finding: (
            finding.location.file,
            finding.location.line,
            finding.schema_id,
            finding.parts,
            finding.code,
            finding.reason,
        ),
    )


def display_path(path: Path) -> str:
    """Return a path relative to the current folder, with ``/``, where that is possible."""
    try:
        return Path(os.path.relpath(path)).as_posix() if path.is_absolute() else path.as_posix()
    except ValueError:  # another drive
        return path.as_posix()
