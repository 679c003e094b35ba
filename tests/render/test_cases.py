"""Golden cases: schemas, and the package or the error that they lead to.

A case is a folder with `schemas/`, optionally a `pyproject.toml`, and either `expected/` or
`expected_error.txt`. Adding one needs no code.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import SCRIPTS, TESTS
from tests.support.tool import Golden, Outcome, Tool, contents

pytestmark = pytest.mark.slow

SHARED_FILES = ("__init__.py", "bulk.py", "outbox.py", "py.typed", "testing.py")
CASES = TESTS / "cases"
NAMES = sorted(path.name for path in CASES.iterdir())
VALID = [name for name in NAMES if not (CASES / name / "expected_error.txt").exists()]


@pytest.mark.parametrize("name", NAMES)
def test_a_case_generates_its_expected_files_or_error(
    name: str, project: Path, tool: Tool, golden: Golden
) -> None:
    case = CASES / name
    outcome = _generate(case, project, tool)
    if outcome.code != 0:
        assert not (project / "package").exists(), "a failed run leaves no files behind"
        golden(case / "expected_error.txt", _transcript(outcome, project))
        return
    assert outcome.out == ""
    assert not (case / "expected_error.txt").exists()
    texts = {
        path: data
        for path, data in contents(project / "package").items()
        if data is not None and "/" not in path and path not in SHARED_FILES
    }
    for path, data in texts.items():
        golden(case / "expected" / path, data.decode("utf-8"))
    assert sorted(texts) == sorted(path.name for path in (case / "expected").iterdir())


@pytest.mark.parametrize("name", VALID)
def test_every_module_of_a_case_can_be_imported(name: str, tmp_path: Path, tool: Tool) -> None:
    package = _package(name, tmp_path, tool)
    modules = sorted(path.stem for path in (tmp_path / package).glob("*.py"))
    code = "".join(f"import {package}.{module}\n" for module in modules)
    subprocess.run([sys.executable, "-W", "error", "-c", code], cwd=tmp_path, check=True)


def test_every_case_passes_mypy_and_pyright_in_strict_mode(tmp_path: Path, tool: Tool) -> None:
    packages = _join_packages([_package(name, tmp_path, tool) for name in VALID], tmp_path)
    config = tmp_path / "pyrightconfig.json"
    config.write_text('{"typeCheckingMode": "strict", "pythonVersion": "3.11"}')
    for command in (["mypy", "--strict"], ["basedpyright", "--pythonpath", sys.executable]):
        done = subprocess.run(
            [str(SCRIPTS / command[0]), *command[1:], *packages],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


def _join_packages(names: list[str], folder: Path) -> list[str]:
    """Move the modules of packages with the same shared files into one package, and return those.

    A type checker then reads the shared files, which are most of a package, once.
    """
    joined: dict[str, str] = {}
    for name in names:
        files = {path: data for path, data in contents(folder / name).items() if data is not None}
        shared = {path: data for path, data in files.items() if _is_shared(path)}
        first = joined.setdefault(repr(shared), name)
        if first != name:
            for path in files.keys() - shared.keys():
                if path.endswith(".py"):
                    shutil.move(folder / name / path, folder / first / f"{name}_{path}")
            shutil.rmtree(folder / name)
    return list(joined.values())


def _is_shared(path: str) -> bool:
    return path in SHARED_FILES or path.startswith("_runtime/")


def _package(name: str, folder: Path, tool: Tool) -> str:
    """Generate the package of a case below `folder`, and return its name."""
    outcome = _generate(CASES / name, folder / name, tool, f"case_{name}")
    assert outcome.code == 0, outcome.out + outcome.err
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


def _transcript(outcome: Outcome, project: Path) -> str:
    """Return the exit code and what the command printed: findings on stdout, status on stderr."""
    text = f"exit code {outcome.code}\n--- stdout\n{outcome.out}--- stderr\n{outcome.err}"
    return text.replace(str(project), "<project>")
