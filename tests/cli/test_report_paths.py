"""Paths in annotations and SARIF begin at the root of the repository, as code hosts expect."""

import json
from pathlib import Path

import pytest

from tests.support.tool import Tool


@pytest.fixture(params=["git", "workspace"])
def repository(
    request: pytest.FixtureRequest, package: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """The root of a repository whose folder `services/pos` is the current folder."""
    root = package.parent / "repository"
    folder = root / "services/pos"
    folder.mkdir(parents=True)
    for name in ("pyproject.toml", "schemas", "package"):
        (package.parent / name).rename(folder / name)
    (folder / "package/visit.py").unlink()
    if request.param == "git":
        (root / ".git").mkdir()
    else:
        monkeypatch.setenv("GITHUB_WORKSPACE", str(root))
    monkeypatch.chdir(folder)
    return root


def test_annotations_and_sarif_name_files_from_the_root_of_the_repository(
    repository: Path, command: Tool
) -> None:
    path = "services/pos/package/visit.py"
    outcome = command("check", "--output-format", "github")
    assert outcome.out.startswith(f"::error title=EG401,file={path},line=1,col=1::")
    outcome = command("check", "--output-format", "sarif")
    (result,) = json.loads(outcome.out)["runs"][0]["results"]
    location = result["locations"][0]["physicalLocation"]["artifactLocation"]
    assert location["uri"] == path


def test_text_and_json_name_files_from_the_current_folder(repository: Path, command: Tool) -> None:
    assert "\npackage/visit.py:1:1: error EG401: " in command("check").out
    (finding,) = json.loads(command("check", "--output-format", "json").out)["findings"]
    assert finding["file"] == "package/visit.py"


def test_a_workspace_that_does_not_contain_the_project_is_ignored(
    package: Path, command: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_WORKSPACE", "/github/workspace")
    (package / "visit.py").unlink()
    outcome = command("check", "--output-format", "github")
    assert outcome.out.startswith("::error title=EG401,file=package/visit.py,")
