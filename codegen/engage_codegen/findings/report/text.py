"""Findings as text for people and problem matchers: ``file:line:column: severity code: …``."""

from collections.abc import Sequence

from ...schema.text import escape_line
from ..codes import Severity, rules
from ..finding import Finding

_COLORS: dict[Severity, str] = {"error": "31", "warning": "33", "note": "36"}


def render(findings: Sequence[Finding], *, color: bool) -> str:
    """Return lines for each finding: what is wrong, what to do, its owner, a page that says
    more, the id for a waiver."""
    return "".join(_render_finding(finding, color) for finding in findings)


def _render_finding(finding: Finding, color: bool) -> str:
    level = f"{finding.severity} {finding.code}"
    place = _format_place(finding, level)
    if color:
        level = f"\x1b[1;{_COLORS[finding.severity]}m{level}\x1b[0m"
    lines = [
        f"{place}: {level}: {format_text(describe(finding))}",
        f"    fix: {format_text(finding.fix)}",
    ]
    if finding.owner:
        lines.append(f"    owner: {format_text(finding.owner)}")
    if page := rules()[finding.code].page:
        lines.append(f"    page: engage-codegen docs {page}")
    # The findings that fail a run are the ones that need a waiver.
    if finding.severity == "error" and finding.is_waivable:
        lines.append(f"    id:  {finding.fingerprint}")
    return "".join(f"{line}\n" for line in lines)


def describe(finding: Finding) -> str:
    """Return the message with the tenant, the call and the subject that it is about, each once."""
    call = f"{finding.call}(…) can break" if finding.call else ""
    return ": ".join(filter(None, [finding.tenant, call, finding.subject, finding.message]))


def describe_with_fix(finding: Finding) -> str:
    """Return everything about the finding but its place, as sentences for one paragraph."""
    owner = f" Owner: {finding.owner}" if finding.owner else ""
    return f"{describe(finding)}. {finding.fix}{'.' if owner else ''}{owner}"


def format_text(text: str) -> str:
    """Return text on one line that begins no command and no finding. Line feeds, tabs and odd
    spaces become spaces."""
    return escape_line(text.translate(_SPACES))


_SPACES = dict.fromkeys(map(ord, "\u00a0\t\n"), " ")


def _format_place(finding: Finding, level: str) -> str:
    """Return file, line and column, or a place that cannot be mistaken for them."""
    location = finding.location
    if location.line:
        return escape_line(finding.where)
    if not (location.file or finding.schema_id):
        return finding.where
    # Numbers at the end of a name would be a line and a column before the level.
    end = f": {level}"
    return escape_line(finding.where + end).removesuffix(end)
