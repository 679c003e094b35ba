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


@pytest.mark.parametrize("prefix", ["apps/shop", "./apps/shop/", "apps/x/../shop"])
@pytest.mark.parametrize("output_format", ["json", "github"])
def test_a_prefix_stands_for_the_current_folder(
    repository: Path, command: Tool, prefix: str, output_format: str
) -> None:
    outcome = command("check", "--output-format", output_format, "--path-prefix", prefix)
    assert "apps/shop/package/visit.py" in outcome.out
    assert "services/pos" not in outcome.out


def test_a_path_above_the_root_of_a_prefix_stays_as_it_is(
    repository: Path, command: Tool, tmp_path: Path
) -> None:
    schema = repository.parent / "visit.json"
    schema.write_text("{}", "utf-8")
    outcome = command("lint", "../../../visit.json", "--path-prefix", "pos")
    assert outcome.out.splitlines()[0].startswith("../../../visit.json:1:")
