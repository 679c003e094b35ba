"""Findings as text for people, JSON for programs, SARIF for dashboards, annotations for GitHub.

Pure. The JSON has a version; `docs/findings.schema.json` describes it.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from .. import __version__
from ..schema.jsontext import Json, JsonObject, pointer
from ..schema.text import UNSAFE_IN_TEXT, escape_match
from .finding import Finding, OutputFormat, Severity

VERSION = 1

Verdicts: TypeAlias = Mapping[tuple[str, str, str], str]
"""Package, schema and tenant -> SAFE, BREAKS or UNKNOWN."""
_SARIF = "https://json.schemastore.org/sarif-2.1.0.json"


def report(
    findings: Sequence[Finding],
    form: OutputFormat,
    rules: Sequence[tuple[str, str, str]] = (),
    *,
    colour: bool = False,
    verdicts: Verdicts | None = None,
) -> str:
    """All findings as one text that ends in a newline; empty for none where that means nothing.

    `rules` are code, title and explanation of all that there are, for SARIF; `verdicts` those of
    `preflight`, for JSON.
    """
    if form == "json":
        more: JsonObject = {} if verdicts is None else {"verdicts": _verdicts(verdicts)}
        return _dumped({"version": VERSION, "findings": [_entry(it) for it in findings], **more})
    if form == "sarif":
        return _dumped(_sarif(findings, rules))
    lines = (
        _annotation(finding) if form == "github" else _text(finding, colour) for finding in findings
    )
    return "".join(f"{line}\n" for line in lines)


def _verdicts(verdicts: Verdicts) -> list[Json]:
    return [
        {"package": package, "schema": schema_id, "tenant": tenant, "verdict": verdict}
        for (package, schema_id, tenant), verdict in verdicts.items()
    ]


def _dumped(value: Json) -> str:
    return json.dumps(value, indent=2) + "\n"


_COLOURS: dict[Severity, str] = {"error": "31", "warning": "33", "note": "36"}


def _text(finding: Finding, colour: bool) -> str:
    level = f"{finding.severity} {finding.code}"
    if colour:
        level = f"\x1b[1;{_COLOURS[finding.severity]}m{level}\x1b[0m"
    text = f"{_harmless(finding.where)}: {level}: {_harmless(_named(finding))}"
    text += f"\n    fix: {_harmless(finding.fix)}"
    # What fails a run is what a waiver may be written for.
    return f"{text}\n    id:  {finding.fingerprint}" if finding.severity == "error" else text


def _named(finding: Finding) -> str:
    tenant = f"{finding.tenant}: " if finding.tenant else ""
    about = ".".join([finding.schema_id, *finding.parts[2:3]])
    call = f"{finding.call}(…) can break: {about} " if finding.call else ""
    return f"{tenant}{call}{finding.message}"


def _sentence(finding: Finding) -> str:
    about = ".".join([finding.schema_id, *finding.parts[2:3]])
    return ": ".join([*([about] if about else []), f"{_named(finding)}. {finding.fix}"])


def _entry(finding: Finding) -> JsonObject:
    return {
        "code": finding.code,
        "severity": finding.severity,
        "schema": finding.schema_id,
        "pointer": pointer(*finding.parts),
        "file": finding.place.file or None,
        "line": finding.place.line or None,
        "column": finding.place.column or None,
        "tenant": finding.tenant or None,
        "call": finding.call or None,
        "message": finding.message,
        "fix": finding.fix,
        "fingerprint": finding.fingerprint,
    }


def _sarif(findings: Sequence[Finding], rules: Sequence[tuple[str, str, str]]) -> JsonObject:
    driver: JsonObject = {
        "name": "engage-codegen",
        "version": __version__,
        "rules": [
            {
                "id": code,
                "shortDescription": {"text": title},
                "fullDescription": {"text": about},
            }
            for code, title, about in rules
        ],
    }
    results: list[Json] = [_result(finding) for finding in findings]
    run: JsonObject = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": results,
    }
    return {"$schema": _SARIF, "version": "2.1.0", "runs": [run]}


def _result(finding: Finding) -> JsonObject:
    result: JsonObject = {
        "ruleId": finding.code,
        "level": finding.severity,
        "message": {"text": _sentence(finding)},
        "partialFingerprints": {"engageCodegen/v1": _partial(finding)},
    }
    if finding.place.file:
        region: JsonObject = {
            "startLine": max(finding.place.line, 1),
            "startColumn": max(finding.place.column, 1),
        }
        location: JsonObject = {
            "artifactLocation": {"uri": _uri(finding.place.file)},
            "region": region,
        }
        result["locations"] = [{"physicalLocation": location}]
    return result


def _partial(finding: Finding) -> str:
    """The calls that one change can break share its fingerprint, and are results of their own."""
    at = f":{finding.place.file}:{finding.place.line}:{finding.place.column}"
    return finding.fingerprint + (at if finding.call else "")


def _uri(path: str) -> str:
    from urllib.parse import quote

    return quote(path.replace("\\", "/"))


_COMMANDS: dict[Severity, str] = {"error": "error", "warning": "warning", "note": "notice"}


def _annotation(finding: Finding) -> str:
    """A workflow command; its values must not begin another one."""
    place = finding.place
    values = {"title": finding.code}
    if place.file:
        values |= {"file": place.file, "line": str(place.line), "col": str(place.column)}
    listed = ",".join(f"{key}={_quoted(value, ':,')}" for key, value in values.items())
    text = _quoted(_sentence(finding), "")
    return f"::{_COMMANDS[finding.severity]} {listed}::{text}"


def _quoted(text: str, more: str) -> str:
    for character in f"%\r\n{more}":
        text = text.replace(character, f"%{ord(character):02X}")
    return _harmless(text)


def _harmless(text: str) -> str:
    return UNSAFE_IN_TEXT.sub(_readable, text)


def _readable(match: re.Match[str]) -> str:
    return " " if match.group() in "\u00a0\t" else escape_match(match)
