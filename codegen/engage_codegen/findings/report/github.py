"""Findings as workflow commands of GitHub Actions, which become annotations."""

from collections.abc import Sequence

from ..codes import Severity
from ..finding import Finding
from .text import describe, escape_line

_COMMANDS: dict[Severity, str] = {"error": "error", "warning": "warning", "note": "notice"}


def render(findings: Sequence[Finding]) -> str:
    """Return one workflow command a line. No value can end its command or begin another one."""
    return "".join(f"{_render_command(finding)}\n" for finding in findings)


def _render_command(finding: Finding) -> str:
    location = finding.location
    values = {"title": finding.code}
    if location.file:
        values["file"] = location.file
    if location.line:
        values |= {"line": str(location.line), "col": str(location.column)}
    parameters = ",".join(f"{key}={_escape(value, ':,')}" for key, value in values.items())
    text = _escape(f"{describe(finding)}. {finding.fix}", "")
    return f"::{_COMMANDS[finding.severity]} {parameters}::{text}"


def _escape(text: str, special: str) -> str:
    for character in f"%\r\n{special}":
        text = text.replace(character, f"%{ord(character):02X}")
    return escape_line(text)
