"""Lint rules: each reports its violation on its line, and a correct schema has no findings."""

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from engage_codegen.findings.codes import rules
from engage_codegen.findings.finding import Finding
from engage_codegen.lint import lint, locate_findings
from engage_codegen.lint.fixes import apply_fixes
from engage_codegen.schema.jsontext import Json, canonical_json, positions
from tests.support.lint_cases import CASES, GOOD, PROPERTIES, changed
from tests.support.paths import ROOT
from tests.support.tool import Tool

TESTED_ELSEWHERE = {"EG100", "EG101", "EG109", "EG123", "EG205"}


def lint_value(folder: Path, value: Any, name: str = "schema.json") -> list[Finding]:
    """Write a JSON value to a file, and return the findings about it."""
    path = folder / name
    path.write_text(canonical_json(value), "utf-8")
    return lint([path], "engage", {})


def codes_of(findings: list[Finding]) -> set[str]:
    return {finding.code for finding in findings}


def test_a_correct_schema_has_no_findings(tmp_path: Path) -> None:
    assert lint_value(tmp_path, GOOD) == []


def test_every_rule_about_schemas_has_a_case() -> None:
    schema_rules = {code for code in rules() if code[:3] in ("EG1", "EG2")}
    assert schema_rules == CASES.keys() | TESTED_ELSEWHERE


@pytest.mark.parametrize("code", CASES)
def test_a_rule_reports_its_violation_once_and_at_its_place(code: str, tmp_path: Path) -> None:
    schema, pointer = CASES[code]
    findings = lint_value(tmp_path, schema)
    (finding,) = [finding for finding in findings if finding.code == code]
    assert finding.location.pointer == pointer
    assert finding.severity == rules()[code].severity
    others = codes_of(findings) - {code}
    # A misspelling is close to two names, and what a rule advises against may be undocumented.
    assert others <= {"EG118", "EG119", "EG124"}, "a change that breaks one rule breaks no other"
    parts = tuple(pointer.split("/"))[1:]
    places = positions((tmp_path / "schema.json").read_text())
    while parts not in places:
        parts = parts[:-1]
    assert (finding.location.line, finding.location.column) == places[parts]
    assert finding.message[-1] not in ".!"
    assert finding.fix


def test_more_than_fifteen_schemas_are_a_finding(tmp_path: Path) -> None:
    for number in range(16):
        schema = {**GOOD, "id": f"visit{'abcdefghijklmnop'[number]}"}
        (tmp_path / f"{number}.json").write_text(canonical_json(schema))
    (finding,) = lint([tmp_path], "engage", {})
    assert finding.code == "EG109"
    assert "16 schemas" in finding.message


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("{", 1),
        ("[1,\n2,\n", 3),
        ("{}", 1),
        ('{"id": "a/b", "jsonSchema": {}}', 1),
        ('{\n"id": "a/b", "jsonSchema": {}}', 2),
        ('{"id": "a",\n"id": "a"}', 2),
        ('[{"id": "a", "jsonSchema": {}},\n{"id": "b",\n"jsonSchema": 1}]', 3),
        ("\xff", 1),
    ],
)
def test_a_file_without_a_schema_is_a_finding_on_its_line(
    text: str, line: int, tmp_path: Path
) -> None:
    path = tmp_path / "broken.json"
    path.write_bytes(text.encode("latin-1"))
    (finding,) = lint([path], "engage", {})
    assert (finding.code, finding.location.line) == ("EG100", line)


def test_a_pointer_leads_from_the_file_also_in_a_list_and_in_a_bare_schema(tmp_path: Path) -> None:
    bad, pointer = CASES["EG115"]
    (finding,) = lint_value(tmp_path, [{**GOOD, "id": "other"}, bad])
    assert finding.location.pointer == f"/1{pointer}"
    (tmp_path / "schema.json").unlink()
    findings = lint_value(tmp_path, bad["jsonSchema"], "visit.json")
    (finding,) = [finding for finding in findings if finding.code == "EG115"]
    assert finding.location.pointer == pointer.removeprefix("/jsonSchema")


def test_a_finding_about_a_bare_schema_as_a_whole_is_on_its_first_line(tmp_path: Path) -> None:
    findings = lint_value(tmp_path, GOOD["jsonSchema"], "purchase.json")
    (finding,) = [finding for finding in findings if finding.code == "EG117"]
    assert finding.location.line == 1


def test_findings_without_a_line_get_one_if_a_file_has_their_schema(tmp_path: Path) -> None:
    (tmp_path / "good.json").write_text(canonical_json(GOOD))
    (tmp_path / "broken.json").write_text("{")
    parts = ("jsonSchema", "properties", "category")
    findings = [Finding("EG201", name, parts, (), "m", "f") for name in ("storeVisit", "other")]
    located, other = locate_findings(findings, [tmp_path, tmp_path / "missing.json"])
    assert (located.location.pointer, located.location.line) == (f"/{'/'.join(parts)}", 7)
    assert other is findings[1]


def test_the_dialect_of_json_schema_checks_patterns(tmp_path: Path) -> None:
    schema = changed(f"{PROPERTIES}/category/pattern", r"\p{L}")
    path = tmp_path / "schema.json"
    path.write_text(canonical_json(schema))
    (finding,) = lint([path], "json-schema", {})
    assert finding.code == "EG205"


def test_fix_corrects_attributes_in_the_file_and_keeps_its_mode(tmp_path: Path) -> None:
    schema = changed(
        f"{PROPERTIES}/category",
        {"type": "string", "displayname": "Category", "showlnContactCard": True, "sortOrder": 3},
    )
    path = tmp_path / "schema.json"
    path.write_text(json.dumps(schema))
    path.chmod(0o640)
    assert codes_of(lint([path], "engage", {})) >= {"EG101", "EG111", "EG119"}
    assert lint([path], "engage", {}, fix=True) == []
    assert json.loads(path.read_text())["jsonSchema"]["properties"]["category"] == {
        "type": "string",
        "displayName": "Category",
        "showInContactCard": "true",
        "sortOrder": "3",
    }
    assert path.stat().st_mode & 0o777 == 0o640
    before = path.stat().st_mtime_ns
    lint([path], "engage", {}, fix=True)
    assert path.stat().st_mtime_ns == before
    assert [file.name for file in tmp_path.iterdir()] == ["schema.json"]


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"sortOrder": 1.0}, {"sortOrder": "1"}),
        ({"sortOrder": 1e2}, {"sortOrder": "100"}),
        ({"sortOrder": -0.0}, {"sortOrder": "0"}),
        ({"sortOrder": 1.5}, {"sortOrder": 1.5}),
        ({"sortOrder": True}, {"sortOrder": True}),
        ({"showInContactCard": False}, {"showInContactCard": "false"}),
        ({"showInContactCard": 1}, {"showInContactCard": 1}),
        ({"displayname": "A"}, {"displayName": "A"}),
        ({"displayname": "A", "DISPLAYNAME": "B"}, {"displayname": "A", "DISPLAYNAME": "B"}),
        ({"displayname": "A", "displayName": "B"}, {"displayname": "A", "displayName": "B"}),
        (
            {"showlnContactCard": True, "showincontactcard": "false"},
            {"showlnContactCard": True, "showincontactcard": "false"},
        ),
    ],
)
def test_fix_changes_what_needs_no_judgment_and_nothing_else(
    attributes: dict[str, Any], expected: dict[str, Any]
) -> None:
    result: Json = {"$schema": GOOD["jsonSchema"]["$schema"], "properties": {"a": expected}}
    assert apply_fixes({"properties": {"a": attributes}}) == result
    assert apply_fixes(result) == result


@pytest.mark.parametrize(
    "number",
    ["0.1234567890123456789", "123456789012345678901234567890.5", "1e-400", "3", "2.5", "1.0"],
)
def test_fix_keeps_every_digit_of_a_number(number: str, tmp_path: Path) -> None:
    path = tmp_path / "schema.json"
    text = json.dumps(changed(f"{PROPERTIES}/rating/examples", ["NUMBER", "number 0"]))
    path.write_text(text.replace('"NUMBER"', number))
    findings = lint([path], "json-schema", {}, fix=True)
    assert f" {number},\n" in path.read_text()
    assert json.loads(path.read_text())["jsonSchema"]["properties"]["rating"]["examples"][1] == (
        "number 0"
    )
    assert findings == []


def test_windows_line_ends_are_canonical(tmp_path: Path) -> None:
    path = tmp_path / "schema.json"
    path.write_bytes(canonical_json(GOOD).replace("\n", "\r\n").encode())
    assert lint([path], "engage", {}) == []


def test_the_exit_code_follows_the_severity_of_the_findings(project: Path, tool: Tool) -> None:
    (project / "good.json").write_text(canonical_json(GOOD))
    (project / "note.json").write_text(canonical_json(CASES["EG116"][0]))
    (project / "bad.json").write_text(canonical_json(CASES["EG115"][0]))
    assert tool("lint", "good.json").code == 0
    assert tool("lint", "note.json").code == 0
    assert tool("lint", "note.json", "--strict").code == 1
    outcome = tool("lint", "bad.json")
    assert outcome.code == 1
    assert outcome.out.startswith("bad.json:")
    assert "error EG115" in outcome.out
    assert "1 error" in outcome.err
    assert tool("lint", "missing.json").code == 2


def test_lint_without_paths_checks_the_snapshot(project: Path, tool: Tool) -> None:
    (project / "schemas").mkdir()
    (project / "schemas" / "one.json").write_text(canonical_json(CASES["EG116"][0]))
    assert tool("generate", "--schemas", "schemas", "--output", "package").code == 0
    outcome = tool("lint", "--output", "package")
    assert outcome.out.startswith("package/_snapshot/storeVisit.json:")


def test_lint_without_paths_checks_the_configured_schemas(project: Path, tool: Tool) -> None:
    (project / "pyproject.toml").write_text('[tool.engage-codegen]\nschemas = "schemas"\n')
    (project / "schemas").mkdir()
    (project / "schemas" / "one.json").write_text(canonical_json(CASES["EG115"][0]))
    outcome = tool("lint")
    assert outcome.code == 1
    assert outcome.out.startswith("schemas/one.json:")


@pytest.mark.parametrize(
    ("files", "places"),
    [
        ({"one": [GOOD], "two": [GOOD]}, ["two.json#/0/id"]),
        ({"one": [GOOD, {**GOOD, "id": "other"}, GOOD]}, ["one.json#/2/id"]),
        ({"one": GOOD, "storeVisit": GOOD["jsonSchema"]}, ["storeVisit.json#/id"]),
        ({"one": GOOD, "sub/one": GOOD}, ["sub/one.json#/id"]),
        ({"one": GOOD, "two": GOOD, "three": GOOD}, ["three.json#/id", "two.json#/id"]),
    ],
)
def test_an_id_that_is_used_twice_is_a_finding_at_each_repetition(
    files: dict[str, Any], places: list[str], project: Path, tool: Tool
) -> None:
    for name, value in files.items():
        path = project / "schemas" / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(canonical_json(value))
    assert tool("generate", "--schemas", "schemas", "--output", "package").code == 2
    findings = [
        finding for finding in lint([Path("schemas")], "engage", {}) if finding.code == "EG123"
    ]
    shown = [f"{finding.location.file}#{finding.location.pointer}" for finding in findings]
    assert shown == [f"schemas/{place}" for place in places]
    assert tool("lint", "schemas").code == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("other", GOOD),
        ("storeVisit", [GOOD]),
        ("storeVisit", GOOD["jsonSchema"]),
    ],
)
def test_a_snapshot_file_that_generate_refuses_is_a_finding(
    name: str, value: Any, project: Path, tool: Tool
) -> None:
    (project / "good.json").write_text(canonical_json(GOOD))
    assert tool("generate", "--schemas", "good.json").code == 0
    snapshot = project / "engage_interactions" / "_snapshot"
    (snapshot / "storeVisit.json").unlink()
    (snapshot / f"{name}.json").write_text(canonical_json(value))
    assert tool("generate").code == 2
    findings = lint([snapshot], "engage", {})
    (finding,) = [finding for finding in findings if finding.code == "EG100"]
    assert Path(finding.location.file).stem == name


def test_rules_are_listed_and_explained_from_the_registry(tool: Tool) -> None:
    lines = tool("lint", "--rules").out.splitlines()
    assert [line.split()[0] for line in lines] == list(rules())
    rule = rules()["EG103"]
    explanation = tool("lint", "--explain", "eg103").out
    for text in (rule.title, rule.severity, rule.help, rule.remedy, rule.fails, rule.passes):
        assert text in explanation
    unknown = tool("lint", "--explain", "EG999")
    assert (unknown.code, "--rules lists all of them" in unknown.err) == (2, True)


def test_the_json_report_is_valid_under_its_schema(project: Path, tool: Tool) -> None:
    published = json.loads((ROOT / "docs" / "findings.schema.json").read_text())
    (project / "bad.json").write_text(canonical_json(CASES["EG115"][0]))
    outcome = tool("lint", "bad.json", "--output-format", "json")
    value = json.loads(outcome.out)
    jsonschema_rs.validator_for(published).validate(value)
    assert value["findings"][0]["code"] == "EG115"
    assert len({finding["fingerprint"] for finding in value["findings"]}) == len(value["findings"])


def test_foreign_text_cannot_end_an_annotation_or_begin_another_one(
    project: Path, tool: Tool
) -> None:
    hostile = changed(f"{PROPERTIES}/evil\n::error file=x::y%0A", {"type": "text"})
    (project / "a,b.json").write_text(canonical_json(hostile))
    lines = tool("lint", "a,b.json", "--output-format", "github").out.splitlines()
    assert all(line.startswith("::") and line.count("\n") == 0 for line in lines)
    assert any(line.startswith("::error title=EG201,file=a%2Cb.json,line=") for line in lines)
    assert not any(line.startswith("::error file=x") for line in lines)
    text = tool("lint", "a,b.json").out
    assert not any(line.startswith("::") for line in text.splitlines())


def test_sarif_points_at_lines_and_names_its_rules(project: Path, tool: Tool) -> None:
    (project / "bad.json").write_text(canonical_json(CASES["EG115"][0]))
    log = json.loads(tool("lint", "bad.json", "--output-format", "sarif").out)
    (run,) = log["runs"]
    rule_ids = {rule["id"] for rule in run["tool"]["driver"]["rules"]}
    for result in run["results"]:
        assert result["ruleId"] in rule_ids
        location = result["locations"][0]["physicalLocation"]
        assert location["artifactLocation"]["uri"] == "bad.json"
        assert location["region"]["startLine"] > 1
