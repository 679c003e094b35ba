"""Findings as a code quality report of GitLab, which its merge requests show."""

from collections.abc import Sequence

from ...schema.jsontext import Json, JsonObject, digest
from ..codes import Severity
from ..finding import Finding, numbered_calls
from .json import dump
from .text import describe_with_fix

_SEVERITIES: dict[Severity, str] = {"error": "major", "warning": "minor", "note": "info"}


def render(findings: Sequence[Finding]) -> str:
    """Return one JSON array with an entry for each finding. A finding without a file is about the
    whole project, whose path is a dot."""
    entries: list[Json] = [_entry(*numbered) for numbered in numbered_calls(findings)]
    return dump(entries)


def _entry(finding: Finding, number: int) -> JsonObject:
    path = finding.location.file.replace("\\", "/") or "."
    identity = "\0".join([finding.fingerprint, path, finding.call, str(number)])
    return {
        "description": describe_with_fix(finding),
        "check_name": finding.code,
        "fingerprint": digest(identity.encode("utf-8", "surrogatepass")),
        "severity": _SEVERITIES[finding.severity],
        "location": {"path": path, "lines": {"begin": max(finding.location.line, 1)}},
    }
