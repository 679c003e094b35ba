"""Findings as SARIF 2.1.0, for dashboards and code scanning."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import quote

from ... import __version__
from ...schema.jsontext import Json, JsonObject
from ...schema.text import escape_match
from ..codes import Rule, documentation_url, rules
from ..finding import Finding, numbered_calls
from .json import dump, tenant_object
from .text import describe_with_fix

if TYPE_CHECKING:
    from . import TenantRow

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def render(findings: Sequence[Finding], tenants: Sequence["TenantRow"] = ()) -> str:
    """Return one SARIF log with every rule of the registry and a result for each finding.

    The tenants that the command talked to are a property of its run.
    """
    results: list[Json] = [_result(*numbered) for numbered in numbered_calls(findings)]
    driver: JsonObject = {
        "name": "engage-codegen",
        "version": __version__,
        "rules": [_rule(rule) for rule in rules().values()],
    }
    run: JsonObject = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": results,
    }
    if tenants:
        run["properties"] = {"tenants": [tenant_object(row) for row in tenants]}
    return dump({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]})


def _rule(rule: Rule) -> JsonObject:
    entry: JsonObject = {
        "id": rule.code,
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.help},
        "help": {"text": rule.remedy},
        "defaultConfiguration": {"level": rule.severity},
    }
    url = documentation_url()
    return entry | ({"helpUri": f"{url}/rules.html#{rule.code.lower()}"} if url else {})


def _result(finding: Finding, number: int) -> JsonObject:
    result: JsonObject = {
        "ruleId": finding.code,
        "level": finding.severity,
        "message": {"text": _format_message(describe_with_fix(finding))},
        "partialFingerprints": {"engageCodegen/v2": _fingerprint(finding, number)},
    }
    if finding.location.file:
        region: JsonObject = {
            "startLine": max(finding.location.line, 1),
            "startColumn": max(finding.location.column, 1),
        }
        path = finding.location.file.replace("\\", "/")
        uri = quote(path, errors="surrogateescape")  # a name need not be UTF-8
        location: JsonObject = {"artifactLocation": {"uri": uri}, "region": region}
        result["locations"] = [{"physicalLocation": location}]
    if finding.owner:
        result["properties"] = {"owner": finding.owner}
    return result


_LINK = re.compile(r"\](?=\()|\{(?=\d+\})")


def _format_message(text: str) -> str:
    """Return plain text of SARIF without embedded links ``[text](target)`` and placeholders
    ``{0}``: viewers disagree about the backslashes that would escape them."""
    return _LINK.sub(escape_match, text)


def _fingerprint(finding: Finding, number: int) -> str:
    """Return the fingerprint; calls that share a finding are results of their own."""
    place = f":{finding.location.file}:{finding.call}:{number}" if finding.call else ""
    return finding.fingerprint + place
