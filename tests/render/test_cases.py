"""A golden case is a folder: `schemas/`, perhaps a `pyproject.toml`, and `expected/` or
`expected_error.txt`. Adding one needs no code."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import TESTS
from tests.support.tool import Golden, Outcome, Tool, contents

CONSTANT = ("__init__.py", "bulk.py", "outbox.py", "py.typed", "testing.py")
CASES = TESTS / "cases"
ALL = sorted(path.name for path in CASES.iterdir())
GOOD = [name for name in ALL if not (CASES / name / "expected_error.txt").exists()]


@pytest.mark.parametrize("name", ALL)
def test_a_case_generates_what_is_expected(
    name: str, project: Path, tool: Tool, golden: Golden
) -> None:
    case = CASES / name
    outcome = _generate(case, project, tool)
    if outcome.code != 0:
        assert not (project / "package").exists(), "an error has left something behind"
        text = f"exit code {outcome.code}\n{outcome.err.replace(str(project), '<project>')}"
        golden(case / "expected_error.txt", text)
        return
    assert not (case / "expected_error.txt").exists()
    made = {
        path: data
        for path, data in contents(project / "package").items()
        if data is not None and "/" not in path and path not in CONSTANT
    }
    for path, data in made.items():
        golden(case / "expected" / path, data.decode("utf-8"))
    assert sorted(made) == sorted(path.name for path in (case / "expected").iterdir())


@pytest.mark.parametrize("name", GOOD)
def test_every_case_can_be_imported(name: str, tmp_path: Path, tool: Tool) -> None:
    package = _package(name, tmp_path, tool)
    modules = sorted(path.stem for path in (tmp_path / package).glob("*.py"))
    code = "".join(f"import {package}.{module}\n" for module in modules)
    subprocess.run([sys.executable, "-W", "error", "-c", code], cwd=tmp_path, check=True)


def test_every_case_passes_the_strictest_type_checks(tmp_path: Path, tool: Tool) -> None:
    packages = [_package(name, tmp_path, tool) for name in GOOD]
    for command in (["mypy", "--strict"], ["basedpyright", "--pythonpath", sys.executable]):
        config = tmp_path / "pyrightconfig.json"
        config.write_text('{"typeCheckingMode": "strict", "pythonVersion": "3.11"}')
        done = subprocess.run(
            [str(Path(sys.executable).parent / command[0]), *command[1:], *packages],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


def _package(name: str, folder: Path, tool: Tool) -> str:
    outcome = _generate(CASES / name, folder / name, tool, f"case_{name}")
    assert outcome.code == 0, outcome.err
    shutil.move(folder / name / f"case_{name}", folder / f"case_{name}")
    return f"case_{name}"


def _generate(case: Path, project: Path, tool: Tool, output: str = "package") -> Outcome:
    shutil.copytree(case, project, dirs_exist_ok=True)
    config = project / "pyproject.toml"
    if not config.exists():
        config.write_text("[tool.engage-codegen]\n")
    return tool(
        "generate",
        "--config",
        config,
        "--output",
        project / output,
        "--schemas",
        project / "schemas",
    )
