"""Contract files: what they may say, and an error on the line of everything else."""

import json
from pathlib import Path

import pytest

from tests.contract.conftest import CONTRACT
from tests.support.tool import Tool

ERRORS: list[tuple[str, str, str]] = [
    ("x==", "EG501", "not valid TOML"),
    ('ownr = "a"', "EG501", "did you mean 'owner'?"),
    ("owner = 1", "EG501", "must be a string on one line"),
    ('owner = "a\\u001bb"', "EG501", "must be a string on one line"),
    ('retention = "2 years"', "EG501", "is not a duration"),
    ('retention = "P"', "EG501", "is not a duration"),
    ("properties = 1", "EG501", "must be a table"),
    ("[properties]\nrating = 1", "EG501", "must be a table"),
    ("[properties.rating]\nminimun = 1", "EG501", "did you mean 'minimum'?"),
    ("[properties.rating]\nminimum = nan", "EG501", "a value that JSON does not have"),
    ("[properties.rating]\nenum = [1979-05-27]", "EG501", "a value that JSON does not have"),
    ("[properties.rating]\nrequired = false", "EG501", "can only be true"),
    ('[properties.rating]\npersonal-data = "yes"', "EG501", "the classes are direct"),
    ("[properties.rating]\nmaxLength = -1", "EG213", "a whole number"),
    ("[properties.rating]\nminimum = 5\nmaximum = 4", "EG206", "contradict"),
    ('[properties.comment]\npattern = "(a+)+$"', "EG205", ""),
    ("[properties.ratings]\nminimum = 5", "EG602", "did you mean 'rating'?"),
    ('[properties.rating]\ntype = "number"', "EG603", "the schema refuses"),
    ('[properties.rating]\ntype = ["integer", "null"]', "EG603", "the schema refuses null"),
]


@pytest.mark.parametrize(("text", "code", "message"), ERRORS)
@pytest.mark.parametrize("verb", ["generate", "check", "lint"])
def test_an_error_has_a_code_a_line_and_a_fix(
    reviews: Path, tool: Tool, verb: str, text: str, code: str, message: str
) -> None:
    (reviews / "contracts/review.toml").write_text(f"# A contract.\n{text}\n")
    outcome = tool(verb, "--output-format", "json")
    findings = json.loads(outcome.out)["findings"]
    finding = next(item for item in findings if item["severity"] == "error")
    assert outcome.code in (1, 2)
    assert finding["code"] == code
    assert message in f"{finding['message']} {finding['fix']}"
    assert finding["file"] == "contracts/review.toml"
    assert finding["line"] in (2, 3)


def test_a_contract_needs_a_schema(reviews: Path, tool: Tool) -> None:
    (reviews / "contracts/reviews.toml").write_text(CONTRACT)
    outcome = tool("generate")
    assert outcome.code == 1
    assert "contracts/reviews.toml:1:1: error EG601" in outcome.out
    assert "did you mean 'review'?" in outcome.out


@pytest.mark.parametrize("name", ["review.TOML", "a b.toml", "review.contract.toml"])
def test_a_file_that_is_named_after_no_schema_is_an_error(
    reviews: Path, tool: Tool, name: str
) -> None:
    (reviews / "contracts" / name).write_text("")
    outcome = tool("generate")
    assert outcome.code == 2
    assert f"contracts/{name}:1:1: error EG502" in outcome.out


def test_other_files_in_the_folder_are_no_contracts(reviews: Path, tool: Tool) -> None:
    for name in ("README.md", ".#review.toml", "._review.toml"):
        (reviews / "contracts" / name).write_text("x==")
    assert tool("generate").code == 0


def test_a_missing_folder_is_an_error(reviews: Path, tool: Tool) -> None:
    (reviews / "contracts/review.toml").unlink()
    (reviews / "contracts").rmdir()
    outcome = tool("generate")
    assert outcome.code == 2
    assert "contracts" in outcome.out


def test_a_draft_changes_nothing_and_is_never_overwritten(reviews: Path, tool: Tool) -> None:
    path = reviews / "contracts/review.toml"
    path.unlink()
    assert tool("generate").code == 0
    module = (reviews / "acme/review.py").read_text().replace("field", "")
    assert tool("contract", "new", "review").code == 0
    text = path.read_text()
    assert "# integer: Rating (1-5)" in text
    assert '# personal-data = "none"' in text
    assert tool("generate").code == 0
    assert "Literal" not in (reviews / "acme/review.py").read_text()
    assert "def __post_init__" in module
    assert tool("contract", "new", "review").code == 2
    assert path.read_text() == text


def test_a_draft_needs_a_folder_and_a_schema(reviews: Path, tool: Tool) -> None:
    outcome = tool("contract", "new", "revew")
    assert (outcome.code, "did you mean 'review'?" in outcome.err) == (2, True)
    config = reviews / "pyproject.toml"
    config.write_text(config.read_text().replace('contracts = "contracts"\n', ""))
    outcome = tool("contract", "new", "review")
    assert (outcome.code, 'add contracts = "contracts"' in outcome.err) == (2, True)


def test_hostile_labels_stay_in_their_comment(reviews: Path, tool: Tool) -> None:
    path = reviews / "schemas/review.json"
    schema = json.loads(path.read_text())
    schema["displayName"] = 'a\nowner = "b"\u2028\x1b[31m'
    schema["jsonSchema"]["properties"]['x"] = 1\n#'] = {"type": "string", "displayName": "\r\ny=1"}
    path.write_text(json.dumps(schema))
    (reviews / "contracts/review.toml").unlink()
    assert tool("contract", "new", "review").code == 0
    outcome = tool("generate")
    assert outcome.code == 0, outcome.out


def test_lint_asks_for_a_class_of_free_text(reviews: Path, tool: Tool) -> None:
    def unclassified() -> set[str]:
        report = json.loads(tool("lint", "--output-format", "json").out)
        return {item["pointer"] for item in report["findings"] if item["code"] == "EG605"}

    assert unclassified() == set()
    path = reviews / "contracts/review.toml"
    path.write_text(CONTRACT.replace('personal-data = "free-text"\n', ""))
    assert unclassified() == {"/jsonSchema/properties/comment"}
    path.unlink()
    assert unclassified() == set()
