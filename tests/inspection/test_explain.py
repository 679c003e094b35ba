"""What `explain` says about a schema and a property."""

import json
from pathlib import Path

import pytest

from tests.support.tool import Tool


def explain(tool: Tool, *arguments: str) -> dict[str, str]:
    outcome = tool("explain", *arguments)
    assert outcome.code == 0, outcome.err
    return {line[:10].strip(): line[11:] for line in outcome.out.splitlines()}


def test_a_property_is_explained_with_its_line_name_rules_and_sample(
    visits: Path, tool: Tool
) -> None:
    lines = explain(tool, "visit.storeId")
    assert lines["from"].startswith("acme/visits/_snapshot/visit.json:")
    assert "as pulled from files" in lines["from"]
    line = int(lines["from"].split(":")[1].split(",")[0])
    text = (visits / "acme/visits/_snapshot/visit.json").read_text().splitlines()
    assert '"storeId"' in text[line - 1]
    assert lines["in Python"] == "Visit.store: str | None = None in acme/visits/visit.py"
    assert lines["because"] == "`renames` has 'visit#/storeId' = 'store'"
    assert lines["rules"] == 'optional, maxLength 5, type "string"'
    assert json.loads(lines["sample"]).keys() == {"name", "storeId"}
    assert explain(tool, "visit.store") == lines, "by its name in Python as well"
    assert explain(tool, "visit.name")["platform"] == 'displayName "Name", showInContactCard "true"'
    assert json.loads(explain(tool, "visit.a.b")["sample"])["a.b"] >= 3
    assert "words" in explain(tool, "visit.a.b")["because"]


def test_a_schema_is_explained_with_its_class_and_sample(visits: Path, tool: Tool) -> None:
    lines = explain(tool, "visit")
    assert lines["title"] == "Title of visit"
    assert lines["in Python"] == "class Visit in acme/visits/visit.py"
    assert json.loads(lines["sample"]).keys() == {"name"}
    path = visits / "acme/visits/_snapshot/visit.json"
    path.write_text(path.read_text().replace("Title", "Name"))
    assert "edited since it was pulled from files" in explain(tool, "visit")["from"]


@pytest.mark.parametrize(
    ("subject", "suggestion"),
    [("visits", "'visit'"), ("visit.stor", "'storeId'"), ("x", "'visit'")],
)
def test_an_unknown_schema_or_property_gets_the_nearest_one_suggested(
    visits: Path, tool: Tool, subject: str, suggestion: str
) -> None:
    outcome = tool("explain", subject)
    assert (outcome.code, suggestion in outcome.err) == (2, True)
