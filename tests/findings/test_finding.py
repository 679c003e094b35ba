"""The identity of a finding is data: no wording, file or line changes it."""

from dataclasses import replace
from pathlib import Path

import pytest

from engage_codegen.errors import (
    CodegenError,
    ConfigError,
    FileConflict,
    Location,
    SchemaError,
    SchemaProblem,
    WriteConflictError,
)
from engage_codegen.findings.finding import (
    Finding,
    display_path,
    findings_of,
    is_fingerprint,
    numbered_calls,
    sort_findings,
)

PARTS = ("jsonSchema", "properties", "store/Id")
POINTER = "/jsonSchema/properties/store~1Id"
FINDING = Finding(
    "EG301", "visit", PARTS, ("type", "string"), "the message", "the fix", Location("f", "", 1, 2)
)


def test_a_fingerprint_survives_other_words_another_file_and_another_line() -> None:
    assert is_fingerprint(FINDING.fingerprint)
    for same in (
        replace(FINDING, message="reworded"),
        replace(FINDING, fix="reworded"),
        replace(FINDING, location=Location("elsewhere", "/x", 9, 9)),
        replace(FINDING, location=Location()),
        replace(FINDING, tenant="staging"),
        replace(FINDING, call="send_visit"),
    ):
        assert same.fingerprint == FINDING.fingerprint


def test_a_fingerprint_changes_with_each_part_of_the_identity() -> None:
    others = [
        replace(FINDING, code="EG302"),
        replace(FINDING, schema_id="other"),
        replace(FINDING, parts=("jsonSchema",)),
        replace(FINDING, parts=("jsonSchema", "properties", "store", "Id")),
        replace(FINDING, reason=("type", "integer")),
        replace(FINDING, reason=()),
    ]
    assert len({finding.fingerprint for finding in [FINDING, *others]}) == len(others) + 1


def test_the_fingerprints_of_this_version_are_those_of_the_last_one() -> None:
    """Waivers in the repositories of users name them."""
    assert FINDING.fingerprint == "EG301:69e31130e1678f5a"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("EG301:0123456789abcdef", True),
        ("EG301", False),
        ("EG301:0123456789ABCDEF", False),
        ("EG301:0123456789abcde", False),
        ("EG301:0123456789abcdef\n", False),
        ("XX301:0123456789abcdef", False),
    ],
)
def test_a_text_is_recognized_as_a_fingerprint(text: str, expected: bool) -> None:
    assert is_fingerprint(text) == expected


def test_calls_of_one_finding_are_numbered_in_each_file() -> None:
    def at(file: str, line: int, call: str = "send_visit") -> Finding:
        return replace(FINDING, location=Location(file, "", line, 1), call=call)

    findings = [at("a", 1), at("a", 5), at("b", 1), at("a", 7, "send_other"), at("a", 9)]
    assert list(numbered_calls(findings)) == list(zip(findings, [0, 1, 0, 0, 2], strict=True))
    moved = [at("a", 101), at("a", 105)]
    assert [number for _, number in numbered_calls(moved)] == [0, 1], "lines do not matter"
    other = replace(FINDING, reason=("format",), location=Location("a", "", 2, 1))
    assert [number for _, number in numbered_calls([at("a", 1, ""), other])] == [0, 0]


@pytest.mark.parametrize(
    ("finding", "subject", "where"),
    [
        (FINDING, "visit.store/Id", "f:1:2"),
        (replace(FINDING, location=Location("f")), "visit.store/Id", f"f#{POINTER}"),
        (replace(FINDING, location=Location()), "visit.store/Id", f"visit#{POINTER}"),
        (replace(FINDING, parts=(), location=Location()), "visit", "visit"),
        (replace(FINDING, parts=("id",), location=Location()), "visit", "visit#/id"),
        (Finding("EG501", "", (), (), "m", "f"), "", "pyproject.toml:1:1"),
    ],
)  # fmt: skip
def test_a_finding_names_its_subject_and_place(finding: Finding, subject: str, where: str) -> None:
    assert (finding.subject, finding.where) == (subject, where)


def problem(schema_id: str, *parts: str, origin: str = "") -> SchemaProblem:
    return SchemaProblem("EG201", schema_id, parts, ("reason",), "message", "fix", origin)


def test_a_schema_error_is_a_finding_for_each_problem() -> None:
    error = SchemaError([problem("a", "id", origin="a.json"), problem("b", "x")])
    first, second = findings_of(error, "staging")
    assert (first.code, first.schema_id, first.parts) == ("EG201", "a", ("id",))
    assert (first.reason, first.message, first.fix) == (("reason",), "message", "fix")
    assert first.location == Location("a.json", "/id")
    assert (second.schema_id, second.location.file) == ("b", "")
    assert {first.tenant, second.tenant} == {"staging"}


def test_a_schema_error_with_a_line_keeps_it() -> None:
    error = SchemaError([problem("a", "id", origin="a.json")])
    error.location = Location("a.json", "/id", 2, 3)
    assert [finding.where for finding in findings_of(error)] == ["a.json:2:3"]


def test_a_conflict_is_a_finding_for_each_file() -> None:
    locations = [Location("a.py", "", 1, 1), Location("b.py", "", 1, 1)]
    conflicts = [FileConflict(location.file, "message", "fix", location) for location in locations]
    error = WriteConflictError("message", where="a.py, b.py", fix="fix", conflicts=conflicts)
    findings = findings_of(error)
    assert [finding.location for finding in findings] == locations
    assert len({finding.fingerprint for finding in findings}) == 2


@pytest.mark.parametrize("kind", [CodegenError, ConfigError])
def test_any_other_error_is_a_finding_with_its_place_as_the_reason(
    kind: type[CodegenError],
) -> None:
    (finding,) = findings_of(kind("message", where="the key", fix="fix"))
    assert (finding.code, finding.reason) == (kind.code, ("the key",))
    assert (finding.message, finding.fix, finding.subject) == ("message", "fix", "")


def test_findings_are_sorted_by_file_and_line() -> None:
    places = [("b", 1), ("a", 10), ("a", 9)]
    findings = [replace(FINDING, location=Location(file, "", line, 1)) for file, line in places]
    result = sort_findings(findings)
    assert [(finding.location.file, finding.location.line) for finding in result] == [
        *(("a", 9), ("a", 10), ("b", 1))
    ]


def test_a_path_is_shown_relative_to_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert display_path(tmp_path / "here/a/b.json") == "a/b.json"
    assert display_path(tmp_path / "b.json") == "../b.json"
    assert display_path(Path("a/b.json")) == "a/b.json"
