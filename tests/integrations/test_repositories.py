"""The hooks and CI jobs for the repositories of users run and find a stale package."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from engage_codegen.integrations.project import read_project
from engage_codegen.integrations.scaffold import FileChange, Setup, Target, plan_files
from tests.support.paths import ROOT, SCRIPTS, SEEDS

pytestmark = pytest.mark.slow


def shell(
    script: str, cwd: Path, environ: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    inherited = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    return subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", script],
        cwd=cwd,
        env={**inherited, "PATH": f"{SCRIPTS}{os.pathsep}{inherited['PATH']}", **(environ or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture
def consumer(tmp_path: Path) -> Path:
    """A repository with a checked-in package."""
    folder = tmp_path / "consumer"
    shutil.copytree(SEEDS, folder / "schemas")
    (folder / "pyproject.toml").write_text(
        '[tool.engage-codegen]\nschemas = "schemas"\noutput = "interactions"\nuser-agent = "a/1"\n'
    )
    assert shell("engage-codegen generate", folder).returncode == 0
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "first")
    return folder


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone of this repository, as users of its hooks and its action get it."""
    folder = tmp_path_factory.mktemp("published") / "engage-codegen"
    hidden = shutil.ignore_patterns(
        ".venv", ".git", ".*_cache", ".hypothesis", "__pycache__", "build", "dist"
    )
    shutil.copytree(ROOT, folder, ignore=hidden)
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "published")
    return folder


def test_the_hooks_run_through_pre_commit(consumer: Path, published: Path, tmp_path: Path) -> None:
    revision = git(published, "rev-parse", "HEAD")
    (consumer / ".pre-commit-config.yaml").write_text(
        f"repos:\n- repo: {published}\n  rev: {revision}\n"
        "  hooks: [{id: engage-codegen-check}, {id: engage-codegen-lint}]\n"
    )
    git(consumer, "add", ".")
    environ = {"PRE_COMMIT_HOME": str(tmp_path / "cache")}
    done = shell("pre-commit run --all-files", consumer, environ)
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("Passed") == 2
    schema = consumer / "schemas" / "repair.json"
    copy = consumer / "schemas" / "copy.json"
    copy.write_text(schema.read_text())
    git(consumer, "add", "schemas/copy.json")
    done = shell("pre-commit run engage-codegen-lint", consumer, environ)
    assert (done.returncode, "EG123" in done.stdout) == (1, True), "the other file is not staged"
    git(consumer, "rm", "-q", "--force", "schemas/copy.json")
    schema.write_text(schema.read_text().replace('"Repair"', '"Mended"'))
    git(consumer, "add", ".")
    done = shell("pre-commit run", consumer, environ)
    assert done.returncode == 1
    assert "fix: engage-codegen generate" in done.stdout
    (consumer / "notes.txt").write_text("unrelated")
    git(consumer, "commit", "-q", "-m", "second", "--no-verify")
    git(consumer, "add", "notes.txt")
    assert "Skipped" in shell("pre-commit run", consumer, environ).stdout


def expanded(text: str, values: Mapping[str, str]) -> str:
    return re.sub(r"\$\{\{ *([\w.-]+) *\}\}", lambda match: values[match[1]], text)


def test_the_steps_of_the_action_run(consumer: Path, published: Path, tmp_path: Path) -> None:
    action = yaml.safe_load((ROOT / "action.yml").read_text())
    assert action["runs"]["using"] == "composite"
    values = {f"inputs.{key}": entry["default"] for key, entry in action["inputs"].items()}
    values |= {
        "github.action_path": str(published),
        "runner.temp": str(tmp_path),
        "steps.python.outputs.python-path": sys.executable,
        "inputs.arguments": "--strict --schemas sche*",
    }
    install, check = [step for step in action["runs"]["steps"] if "run" in step]

    def run(step: Mapping[str, Any]) -> subprocess.CompletedProcess[str]:
        assert "${{" not in step["run"], "an input must not be able to inject a command"
        environ = {key: expanded(text, values) for key, text in step["env"].items()}
        return shell(step["run"], consumer, environ)

    assert run(install).returncode == 0
    assert "sche*" in run(check).stdout, "patterns are not expanded to file names"
    values["inputs.arguments"] = "--strict"
    done = run(check)
    assert (done.returncode, done.stdout) == (0, "up to date\n")
    schema = consumer / "interactions" / "_snapshot" / "repair.json"
    (consumer / "interactions" / "repair.py").unlink()
    done = run(check)
    assert done.returncode == 1
    assert "::error title=EG401" in done.stdout
    assert schema.exists()


def jobs(text: str) -> list[str]:
    """Return the commands of a GitHub workflow or a GitLab job, without the installation."""
    document = list(yaml.safe_load_all(text))[-1]
    commands: list[str] = []
    for job in cast("dict[str, Any]", document.get("jobs", document)).values():
        commands += [step["run"] for step in job.get("steps", []) if "run" in step]
        commands += job.get("script", [])
    assert "pip install" in commands[0]
    return commands[1:]


def planned(consumer: Path, extra: str) -> FileChange:
    """Return the file that `init` would write for an extra."""
    target = Target("", ("schemas",), "a/1", "interactions")
    setup = Setup((target,), [extra], "engage-codegen @ https://example.com/engage.whl")
    (change,) = plan_files(read_project(consumer), setup)
    return change


def test_the_gitlab_component_runs(consumer: Path) -> None:
    text = (ROOT / "templates/check.yml").read_text()
    spec, job = yaml.safe_load_all(text)
    inputs = set(re.findall(r"\$\[\[ inputs\.([\w-]+) \]\]", text))
    assert inputs == spec["spec"]["inputs"].keys()
    assert list(job) == ["engage-codegen-check"]
    values = {"arguments": "--strict", "live": "false"}
    for command in jobs(text):
        script = re.sub(r"\$\[\[ inputs\.(\w+) \]\]", lambda match: values[match[1]], command)
        assert shell(script, consumer, {"LIVE": "false"}).returncode == 0
    (consumer / "interactions" / "repair.py").unlink()
    assert shell("engage-codegen check --strict", consumer).returncode == 1


@pytest.mark.parametrize("extra", ["github", "gitlab"])
def test_the_jobs_that_init_writes_run(consumer: Path, extra: str) -> None:
    commands = jobs(planned(consumer, extra).new)
    environ = {"CI_PIPELINE_SOURCE": "merge_request_event"}
    assert shell(commands[0], consumer, environ).returncode == 0
    (consumer / "interactions" / "repair.py").unlink()
    assert shell(commands[0], consumer, environ).returncode == 1
    assert "check --live" in commands[1]


def test_the_hook_that_init_writes_runs_for_its_files_only(consumer: Path) -> None:
    config = planned(consumer, "pre-commit").new
    ((hook,),) = [repo["hooks"] for repo in yaml.safe_load(config)["repos"]]
    for path in ("pyproject.toml", "schemas/a.json", "interactions/_snapshot/a.json"):
        assert re.search(hook["files"], path)
    for path in ("notes.txt", "other/a.json", "my_interactions_x/a.py"):
        assert not re.search(hook["files"], path)
    assert shell(hook["entry"], consumer).returncode == 0
    assert (hook["pass_filenames"], hook["require_serial"]) == (False, True)


def test_a_checkout_with_windows_line_ends_is_not_stale(consumer: Path) -> None:
    for path in consumer.rglob("*"):
        if path.is_file() and ".git" not in path.parts:
            path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert shell("engage-codegen check", consumer).returncode == 0
