"""Runs that meet: two that write the same, and two targets that share a folder."""

import json
from pathlib import Path

import pytest

from engage_codegen.config import load
from engage_codegen.errors import ConfigError
from engage_codegen.output import commit
from engage_codegen.output.plan import make_plan
from tests.support.tool import Tool


def test_a_run_that_finds_its_own_result_has_nothing_to_do(tmp_path: Path) -> None:
    plans = [make_plan(tmp_path / "package", {"a.py": "x = 1\n"}, {}, "{}\n") for _ in range(2)]
    for plan in plans:
        commit.apply(plan)
    assert (tmp_path / "package" / "a.py").read_text() == "x = 1\n"


def test_two_targets_whose_outputs_are_one_folder_are_refused(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    (tmp_path / "pyproject.toml").write_text(
        '[tool.engage-codegen]\nschemas = "s"\n'
        '[tool.engage-codegen.targets.a]\noutput = "real/package"\n'
        '[tool.engage-codegen.targets.b]\noutput = "link/package"\n'
    )
    with pytest.raises(ConfigError, match="write into the same package"):
        load(file=None, environ={}, flags={}, folder=tmp_path)


@pytest.mark.parametrize("schema_id", ["-x", "--force", "-"])
def test_an_id_that_begins_with_a_hyphen_is_no_path_outside(
    schema_id: str, project: Path, tool: Tool
) -> None:
    schema = json.dumps({"id": schema_id, "jsonSchema": {"type": "object"}})
    (project / "a.json").write_text(schema)
    outcome = tool("generate", "--schemas", "a.json", "--rename", f"{schema_id}=Visit")
    assert "outside the package" not in outcome.out
    assert outcome.code == 0


def test_check_of_a_missing_package_says_so_in_one_finding(project: Path, tool: Tool) -> None:
    (project / "a.json").write_text('{"id": "a", "jsonSchema": {"type": "object"}}')
    outcome = tool("check", "--schemas", "a.json")
    assert outcome.code == 1
    assert outcome.out.count("EG401") == 1
    assert "the package does not exist" in outcome.out
    assert "+++" not in outcome.out
