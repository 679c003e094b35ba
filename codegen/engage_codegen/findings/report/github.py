"""Findings as workflow commands of GitHub Actions, which become annotations."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..codes import Severity
from ..finding import Finding
from .text import describe_with_fix, format_text

if TYPE_CHECKING:
    from . import TenantRow

_COMMANDS: dict[Severity, str] = {"error": "error", "warning": "warning", "note": "notice"}


def render(findings: Sequence[Finding], tenants: Sequence["TenantRow"] = ()) -> str:
    """Return one workflow command a line. No value can end its command or begin another one."""
    commands = [*map(_render_tenant, tenants), *map(_render_command, findings)]
    return "".join(f"{command}\n" for command in commands)


def _render_tenant(row: "TenantRow") -> str:
    command, text = "notice", row.describe()
    if row.replaced_url:
        command = "warning"
        text += f" replaces {row.replaced_url} of the configuration file"
    return f"::{command} title=tenant::{_escape(text, '')}"


def _render_command(finding: Finding) -> str:
    location = finding.location
    values = {"title": finding.code}
    if location.file:
        values["file"] = location.file
    if location.line:
        values |= {"line": str(location.line), "col": str(location.column)}
    parameters = ",".join(f"{key}={_escape(value, ':,')}" for key, value in values.items())
    text = _escape(describe_with_fix(finding), "")
    return f"::{_COMMANDS[finding.severity]} {parameters}::{text}"


def _escape(text: str, special: str) -> str:
    for character in f"%\r\n{special}":
        text = text.replace(character, f"%{ord(character):02X}")
    return format_text(text)
