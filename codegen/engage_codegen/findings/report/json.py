"""Findings as JSON for programs. ``docs/findings.schema.json`` describes the document."""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ...schema.jsontext import Json, JsonObject, pointer
from ...schema.text import COMMANDS, escape_match
from ..finding import Finding

if TYPE_CHECKING:
    from . import TenantRow

VERSION = 2


def render(
    findings: Sequence[Finding],
    verdicts: Mapping[tuple[str, str, str], str] | None,
    tenants: Sequence["TenantRow"] = (),
    plans: Sequence[Json] | None = None,
) -> str:
    """Return one JSON document with a version, all findings, the tenants that the command talked
    to, the verdicts of `preflight`, and the plans of `push`."""
    document: JsonObject = {
        "version": VERSION,
        "findings": [_finding(finding) for finding in findings],
    }
    if tenants:
        document["tenants"] = [tenant_object(row) for row in tenants]
    if verdicts is not None:
        document["verdicts"] = [
            {"package": package, "schema": schema_id, "tenant": tenant, "verdict": verdict}
            for (package, schema_id, tenant), verdict in verdicts.items()
        ]
    if plans is not None:
        document["plans"] = list(plans)
    return dump(document)


def dump(document: Json) -> str:
    """Return a document in ASCII. A text in it begins no command in the log of a CI job."""
    # A command can only stand in a string, where JSON has the same escapes.
    return COMMANDS.sub(escape_match, json.dumps(document, indent=2)) + "\n"


def tenant_object(row: "TenantRow") -> JsonObject:
    """Return a tenant as a JSON object."""
    return {
        "name": row.name or None,
        "url": row.url,
        "origin": row.origin,
        "replaces": row.replaced_url or None,
    }


def _finding(finding: Finding) -> JsonObject:
    reason: list[Json] = list(finding.reason)
    return {
        "code": finding.code,
        "severity": finding.severity,
        "subject": finding.subject or None,
        "schema": finding.schema_id or None,
        "pointer": pointer(*finding.parts),
        "reason": reason,
        "file": finding.location.file or None,
        "line": finding.location.line or None,
        "column": finding.location.column or None,
        "tenant": finding.tenant or None,
        "call": finding.call or None,
        "owner": finding.owner or None,
        "message": finding.message,
        "fix": finding.fix,
        "fingerprint": finding.fingerprint,
    }
