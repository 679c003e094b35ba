"""Findings as text for people and problem matchers: ``file:line:column: severity code: …``."""

import re
from collections.abc import Sequence

from ...schema.text import UNSAFE_IN_TEXT, escape_match
from ..codes import Severity
from ..finding import Finding

_NO_PLACE = "engage-codegen"
"""What stands for the file of a finding without one, as in the errors of a compiler."""

_COLORS: dict[Severity, str] = {"error": "31", "warning": "33", "note": "36"}


def render(findings: Sequence[Finding], *, color: bool) -> str:
    """Return three lines for each finding: what is wrong, what to do, and the id for a waiver."""
    return "".join(_render_finding(finding, color) for finding in findings)


def _render_finding(finding: Finding, color: bool) -> str:
    level = f"{finding.severity} {finding.code}"
    if color:
        level = f"\x1b[1;{_COLORS[finding.severity]}m{level}\x1b[0m"
    lines = [
        f"{escape_line(finding.where or _NO_PLACE)}: {level}: {escape_line(describe(finding))}",
        f"    fix: {escape_line(finding.fix)}",
    ]
    # The findings that fail a run are the ones that need a waiver.
    if finding.severity == "error" and finding.is_waivable:
        lines.append(f"    id:  {finding.fingerprint}")
    return "".join(f"{line}\n" for line in lines)


def describe(finding: Finding) -> str:
    """Return the message with the tenant, the call and the subject that it is about, each once."""
    call = f"{finding.call}(…) can break" if finding.call else ""
    return ": ".join(filter(None, [finding.tenant, call, finding.subject, finding.message]))


def escape_line(text: str) -> str:
    """Return text on one line, without control characters. Tabs and odd spaces become spaces."""
    return UNSAFE_IN_TEXT.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    return " " if match.group() in "\u00a0\t\n" else escape_match(match)
