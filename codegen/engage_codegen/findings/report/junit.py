"""Findings as JUnit XML, which most CI systems show as test results."""

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from ..finding import Finding
from .text import describe, describe_with_fix, format_text

if TYPE_CHECKING:
    from . import TenantRow


def render(findings: Sequence[Finding], tenants: Sequence["TenantRow"] = ()) -> str:
    """Return one test suite. An error is a failed test, a warning or a note is a passed one with
    output. Without findings it has one passed test, because some readers refuse an empty suite."""
    failures = sum(finding.severity == "error" for finding in findings)
    cases = [line for finding in findings for line in _render_case(finding)]
    counts = f'tests="{max(len(findings), 1)}" failures="{failures}" errors="0" skipped="0"'
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<testsuites name="engage-codegen" {counts}>',
        f'  <testsuite name="engage-codegen" {counts}>',
        *_render_tenants(tenants),
        *(cases or ['    <testcase classname="engage-codegen" name="no findings"/>']),
        "  </testsuite>",
        "</testsuites>",
    ]
    return "".join(f"{line}\n" for line in lines)


def _render_tenants(tenants: Sequence["TenantRow"]) -> list[str]:
    rows = [f'      <property name="tenant" value="{_escape(row.describe())}"/>' for row in tenants]
    return ["    <properties>", *rows, "    </properties>"] if rows else []


def _render_case(finding: Finding) -> list[str]:
    location = finding.location
    attributes = {"classname": finding.code, "name": describe(finding)}
    if location.file:
        attributes["file"] = location.file
    if location.line:
        attributes["line"] = str(location.line)
    pairs = " ".join(f'{name}="{_escape(value)}"' for name, value in attributes.items())
    text = _escape(f"{finding.where}: {describe_with_fix(finding)}")
    if finding.severity == "error":
        output = f'<failure type="{finding.code}" message="{_escape(finding.message)}">{text}'
        output += "</failure>"
    else:
        output = f"<system-out>{finding.severity}: {text}</system-out>"
    return [f"    <testcase {pairs}>", f"      {output}", "    </testcase>"]


def _escape(text: str) -> str:
    """Return text for an attribute or an element, without characters that XML cannot have."""
    return escape(format_text(text))
