"""Every rule finds what it is about, on its line, and nothing in a schema that is right."""

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from engage_codegen.lint import lint
from engage_codegen.lint.verdicts import catalogue
from engage_codegen.schema.jsontext import canonical_json, positions
from tests.support.lint_cases import CASES, GOOD, PROPERTIES, changed
from tests.support.paths import ROOT
from tests.support.tool import Tool

ELSEWHERE = set("EG100 EG101 EG109 EG205 EG301 EG302 EG303 EG304 EG401 EG402 EG403".split())


def found(folder: Path, schema: Any, name: str = "schema.json") -> list[Any]:
    path = folder / name
    path.write_text(canonical_json(schema), "utf-8")
    return lint([path], "engage", {})


def test_nothing_is_wrong_with_a_good_schema(tmp_path: Path) -> None:
    assert found(tmp_path, GOOD) == []


def test_every_code_has_a_case() -> None:
    assert {code for code, *_ in catalogue()} == CASES.keys() | ELSEWHERE


@pytest.mark.parametrize("code", CASES)
def test_a_rule_finds_its_place_and_is_alone(code: str, tmp_path: Path) -> None:
    schema, pointer = CASES[code]
    findings = found(tmp_path, schema)
    (finding,) = [it for it in findings if it.code == code]
    assert finding.place.pointer == pointer
    others = {it.code for it in findings} - {code}
    assert others <= {"EG118", "EG119"}, "a change that breaks one rule should break that alone"
    parts = tuple(pointer.split("/"))[1:]
    known = positions((tmp_path / "schema.json").read_text())
    while parts not in known:
        parts = parts[:-1]
    assert (finding.place.line, finding.place.column) == known[parts]
    assert finding.message[-1] not in ".!"
    assert finding.fix


def test_sixteen_schemas_are_one_too_many(tmp_path: Path) -> None:
    for number in range(16):
        schema = {**GOOD, "id": f"visit{'abcdefghijklmnop'[number]}"}
        (tmp_path / f"{number}.json").write_text(canonical_json(schema))
    (finding,) = lint([tmp_path], "engage", {})
    assert finding.code == "EG109"
    assert "16 schemas" in finding.message


@pytest.mark.parametrize(
    ("text", "line"),
    [("{", 1), ("[1,\n2,\n", 3), ("{}", 1), ('{"id": "a/b", "jsonSchema": {}}', 1), ("\xff", 1)],
)
def test_a_file_that_holds_no_schema_is_a_finding(text: str, line: int, tmp_path: Path) -> None:
    path = tmp_path / "broken.json"
    path.write_bytes(text.encode("latin-1"))
    (finding,) = lint([path], "engage", {})
    assert (finding.code, finding.place.line) == ("EG100", line)


def test_a_list_and_a_bare_schema_have_their_own_pointers(tmp_path: Path) -> None:
    bad, pointer = CASES["EG115"]
    (finding,) = found(tmp_path, [{**GOOD, "id": "other"}, bad])
    assert finding.place.pointer == f"/1{pointer}"
    (tmp_path / "schema.json").unlink()
    findings = found(tmp_path, bad["jsonSchema"], "visit.json")
    (finding,) = [it for it in findings if it.code == "EG115"]
    assert finding.place.pointer == pointer.removeprefix("/jsonSchema")


def test_the_wide_dialect_has_its_own_rules(tmp_path: Path) -> None:
    schema = changed(f"{PROPERTIES}/category/pattern", r"\p{L}")
    path = tmp_path / "schema.json"
    path.write_text(canonical_json(schema))
    (finding,) = lint([path], "json-schema", {})
    assert finding.code == "EG205"


def test_a_fix_puts_right_what_needs_no_judgement(tmp_path: Path) -> None:
    schema = changed(
        f"{PROPERTIES}/category",
        {"type": "string", "displayname": "Category", "showlnContactCard": True, "sortOrder": 3},
    )
    path = tmp_path / "schema.json"
    path.write_text(json.dumps(schema))
    path.chmod(0o640)
    assert {it.code for it in lint([path], "engage", {})} >= {"EG101", "EG111", "EG119"}
    assert lint([path], "engage", {}, fix=True) == []
    mended = json.loads(path.read_text())["jsonSchema"]["properties"]["category"]
    assert mended == {
        "type": "string",
        "displayName": "Category",
        "showInContactCard": "true",
        "sortOrder": "3",
    }
    assert path.stat().st_mode & 0o777 == 0o640
    before = path.stat().st_mtime_ns
    lint([path], "engage", {}, fix=True)
    assert path.stat().st_mtime_ns == before
    assert [it.name for it in tmp_path.iterdir()] == ["schema.json"]


def test_a_crlf_checkout_is_canonical(tmp_path: Path) -> None:
    path = tmp_path / "schema.json"
    path.write_bytes(canonical_json(GOOD).replace("\n", "\r\n").encode())
    assert lint([path], "engage", {}) == []


def test_the_command_ends_as_its_findings_are(project: Path, tool: Tool) -> None:
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


def test_without_paths_the_snapshot_is_linted(project: Path, tool: Tool) -> None:
    (project / "schemas").mkdir()
    (project / "schemas" / "one.json").write_text(canonical_json(CASES["EG116"][0]))
    assert tool("generate", "--schemas", "schemas", "--output", "package").code == 0
    outcome = tool("lint", "--output", "package")
    assert outcome.out.startswith("package/_snapshot/storeVisit.json:")


def test_the_rules_explain_themselves(tool: Tool) -> None:
    listed = tool("lint", "--rules").out
    assert len(listed.splitlines()) == len(catalogue())
    assert "drop" in tool("lint", "--explain", "eg103").out
    assert tool("lint", "--explain", "EG999").code == 2


def test_the_json_is_as_its_schema_says(project: Path, tool: Tool) -> None:
    root = ROOT
    published = json.loads((root / "docs" / "findings.schema.json").read_text())
    (project / "bad.json").write_text(canonical_json(CASES["EG115"][0]))
    outcome = tool("lint", "bad.json", "--output-format", "json")
    value = json.loads(outcome.out)
    jsonschema_rs.validator_for(published).validate(value)
    assert value["findings"][0]["code"] == "EG115"
    assert len({it["fingerprint"] for it in value["findings"]}) == len(value["findings"])


def test_annotations_cannot_be_broken_out_of(project: Path, tool: Tool) -> None:
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
    known = {rule["id"] for rule in run["tool"]["driver"]["rules"]}
    for result in run["results"]:
        assert result["ruleId"] in known
        location = result["locations"][0]["physicalLocation"]
        assert location["artifactLocation"]["uri"] == "bad.json"
        assert location["region"]["startLine"] > 1
