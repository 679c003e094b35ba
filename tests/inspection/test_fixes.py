"""The proposed fix depends on the situation, and a finding names its subject once."""

import json
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.support.tenants import answering, envelope, holding
from tests.support.tool import Outcome, Tool

STRING = {"type": "string"}
OURS = envelope("productReview", {"name": STRING, "storeId": STRING})
LESS = envelope("productReview", {"name": STRING})
FORMATS = ("text", "json", "sarif", "github", "gitlab", "junit")


@pytest.fixture
def package(project: Path, tool: Tool, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The package `package` of `OURS`; the project has a tenant as its source."""
    monkeypatch.setenv("ENGAGE_API_KEY", "k")
    monkeypatch.setenv("ENGAGE_USER_AGENT", "tests/1")
    (project / "ours.json").write_text(json.dumps(OURS))
    (project / "pyproject.toml").write_text('[tool.engage-codegen]\noutput = "package"\n')
    assert tool("generate", "--schemas", "ours.json").code == 0
    return project / "package"


def fix_of(outcome: Outcome) -> str:
    """Return the fix of the only finding of a report in JSON."""
    (finding,) = json.loads(outcome.out)["findings"]
    assert finding["subject"] == "productReview.storeId"
    return str(finding["fix"])


@pytest.mark.parametrize("command", [["diff"], ["check", "--live"]])
def test_a_tenant_as_the_source_is_pulled(command: list[str], package: Path, tool: Tool) -> None:
    with answering(holding(LESS)) as tenant:
        outcome = tool(*command, "--base-url", tenant.base_url, "--output-format", "json")
    assert fix_of(outcome).startswith("engage-codegen pull")


@pytest.mark.parametrize("command", [["diff"], ["check", "--live"]])
def test_files_as_the_source_are_pushed_and_never_overwritten_by_a_pull(
    command: list[str], package: Path, project: Path, tool: Tool
) -> None:
    with (project / "pyproject.toml").open("a") as file:
        file.write('schemas = "ours.json"\n')
    with answering(holding(LESS)) as tenant:
        outcome = tool(*command, "--base-url", tenant.base_url, "--output-format", "json")
    assert "engage-codegen push" in fix_of(outcome)
    assert "pull" not in fix_of(outcome)


def test_a_change_since_a_revision_is_already_in_the_snapshot(
    package: Path, project: Path, tool: Tool
) -> None:
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "first"]):
        subprocess.run(["git", *identity, *arguments], cwd=project, check=True)
    (project / "ours.json").write_text(json.dumps(LESS))
    assert tool("generate", "--schemas", "ours.json").code == 0
    outcome = tool("diff", "git:HEAD", "snapshot", "--output-format", "json")
    assert fix_of(outcome) == "the snapshot already has this change: correct the calls"


def test_a_package_that_breaks_is_not_deployed(package: Path, tool: Tool) -> None:
    with answering(holding(LESS)) as tenant:
        outcome = tool("preflight", package, "--tenant", tenant.base_url, "--output-format", "json")
    assert outcome.code == 4
    assert fix_of(outcome).startswith("do not deploy this package to this tenant")
    assert "pull" not in fix_of(outcome)


def test_a_change_between_files_is_not_fixed_by_a_command(
    package: Path, project: Path, tool: Tool
) -> None:
    (project / "theirs.json").write_text(json.dumps(LESS))
    outcome = tool("diff", "ours.json", "theirs.json", "--output-format", "json")
    assert fix_of(outcome) == "generate from the schemas of the other side, and correct the calls"


@pytest.mark.parametrize("output_format", FORMATS)
def test_a_finding_at_a_call_names_its_subject_once_in_every_format(
    output_format: str, package: Path, project: Path, tool: Tool
) -> None:
    (project / "shop.py").write_text(
        "from package.product_review import ProductReview\nProductReview(store_id='x')\n"
    )
    (project / "theirs.json").write_text(json.dumps(LESS))
    outcome = tool(
        *("diff", "snapshot", "theirs.json", "--usage", "shop.py"),
        *("--output-format", output_format),
    )
    assert outcome.code == 4
    if output_format == "json":
        (at_call,) = [item for item in json.loads(outcome.out)["findings"] if item["call"]]
        assert (at_call["file"], at_call["line"]) == ("shop.py", 2)
        assert at_call["subject"] == "productReview.storeId"
        assert "productReview" not in at_call["message"]
        return
    if output_format == "sarif":
        results = json.loads(outcome.out)["runs"][0]["results"]
        lines = [item["message"]["text"] for item in results]
    elif output_format == "gitlab":
        lines = [item["description"] for item in json.loads(outcome.out)]
    elif output_format == "junit":
        cases = ElementTree.fromstring(outcome.out).iter("testcase")
        lines = [case.get("name") or "" for case in cases]
    else:
        lines = [line for line in outcome.out.splitlines() if "EG301: " in line or "EG301," in line]
    assert len(lines) == 2
    assert [line.count("productReview.storeId") for line in lines] == [1, 1]
    assert ["ProductReview(…) can break" in line for line in lines].count(True) == 1
