"""A report shows foreign text to each of its readers, and none of them executes any of it."""

import json
import random
import re
from collections.abc import Iterator
from urllib.parse import unquote
from xml.etree import ElementTree

import pytest

from engage_codegen.errors import Location
from engage_codegen.findings.finding import Finding
from engage_codegen.findings.report import TenantRow, render_report
from engage_codegen.schema.text import escape_line
from tests.support.readers.logs import (
    LOG_SYNTAX,
    assert_plain,
    find_controls,
    read_commands,
    read_problems,
)
from tests.support.tiers import IS_FULL

NUMBER = 4000 if IS_FULL else 200
CODES = ("EG301", "EG303", "EG118")


def hostile_texts(seed: int) -> Iterator[list[str]]:
    """Yield several texts at a time."""
    chance = random.Random(seed)
    for text in LOG_SYNTAX:
        yield [text] * 9
    for _ in range(NUMBER):
        yield ["".join(chance.choices(LOG_SYNTAX, k=chance.randint(1, 6))) for _ in range(9)]


def findings(seed: int) -> list[Finding]:
    """Return findings with hostile texts everywhere, with and without a file and a line."""
    result: list[Finding] = []
    for texts in hostile_texts(seed):
        # Surrogates stand for the bytes of a file name that is not UTF-8.
        file = re.sub("[\ud800-\udfff]", "\udcff", texts[0].replace("/", "").replace("\x00", ""))
        for location in (Location(), Location(file), Location(file, "", len(result) + 1, 7)):
            number = len(result)
            result.append(
                Finding(
                    CODES[number % len(CODES)],
                    "" if number % 4 == 0 else "review",
                    () if number % 5 == 0 else ("jsonSchema", "properties", texts[1]),
                    (texts[2],),
                    texts[3],
                    texts[4],
                    location if file else Location(),
                    tenant=texts[5] if number % 7 == 0 else "",
                    call=texts[6] if number % 6 == 0 else "",
                    owner=texts[7] if number % 5 == 0 else "",
                )
            )
    return result


def test_text_has_the_lines_and_the_problems_of_its_findings_only() -> None:
    for finding in findings(1):
        report = render_report([finding], "text")
        has_id = finding.severity == "error" and finding.is_waivable
        location = finding.location
        has_problem = bool(location.line) or not (location.file or finding.schema_id)
        assert_plain(report, 2 + bool(finding.owner) + has_id, problems=[finding] * has_problem)
        for file, line, column, severity, code, _ in read_problems(report):
            assert (severity, code) == (finding.severity, finding.code)
            if location.line:
                assert (line, column) == (str(location.line), str(location.column))
                assert f"{file}:{line}:{column}" == escape_line(finding.where)


def test_github_executes_one_command_for_each_finding() -> None:
    for finding in findings(2):
        report = render_report([finding], "github")
        assert len(report.splitlines()) == 1, report
        assert not find_controls(report)
        (command,) = read_commands(report)
        assert command.name in ("error", "warning", "notice")
        expected = {"title": finding.code}
        if finding.location.file:
            expected["file"] = command.properties["file"]
            assert not find_controls(expected["file"].replace("\n", "").replace("\r", ""))
        if finding.location.line:
            expected |= {"line": str(finding.location.line), "col": "7"}
        assert command.properties == expected
        # The runner repeats the text in the log, where each line may be read again.
        assert not [line for line in command.data.split("\n") if "##[" in line]


@pytest.mark.parametrize("output_format", ["json", "sarif"])
def test_a_document_is_one_for_programs_and_plain_for_the_log(output_format: str) -> None:
    reported = findings(3)
    tenants = [TenantRow(item.tenant, item.message, item.fix, item.tenant) for item in reported]
    is_json = output_format == "json"
    report = render_report(reported, "json" if is_json else "sarif", tenants=tenants)
    assert report.isascii()
    assert_plain(report)
    document = json.loads(report)
    if is_json:
        assert [item["url"] for item in document["tenants"]] == [item.message for item in reported]
        assert [item["message"] for item in document["findings"]] == [
            item.message for item in reported
        ]
        return
    for item, result in zip(reported, document["runs"][0]["results"], strict=True):
        text = result["message"]["text"]
        assert not re.search(r"\[[^\]]*\\?\]\(|\{+\d+\}", text), text
        for place in result.get("locations", []):
            uri = place["physicalLocation"]["artifactLocation"]["uri"]
            assert re.fullmatch(r"(?:[\w.~/-]|%[0-9A-F]{2})+", uri, re.ASCII), uri
            path = unquote(uri, errors="surrogateescape")
            assert path == item.location.file.replace("\\", "/")


def test_gitlab_and_junit_carry_hostile_texts_as_data() -> None:
    reported = findings(5)
    report = render_report(reported, "gitlab")
    assert report.isascii()
    assert_plain(report)
    assert len({entry["fingerprint"] for entry in json.loads(report)}) == len(reported)
    tenants = [TenantRow(item.tenant, item.message, item.fix, item.tenant) for item in reported]
    for item, row in zip(reported, tenants, strict=True):
        report = render_report([item], "junit", tenants=[row])
        assert_plain(report)
        suite = ElementTree.fromstring(report)[0]
        assert [element.tag for element in suite] == ["properties", "testcase"]
        (output,) = suite[1]
        assert output.tag == ("failure" if item.severity == "error" else "system-out")
        assert not list(output)


def test_a_tenant_of_a_file_is_one_annotation() -> None:
    for texts in hostile_texts(4):
        rows = [TenantRow(*texts[:4])]
        (command,) = read_commands(render_report([], "github", tenants=rows))
        assert command.properties == {"title": "tenant"}
