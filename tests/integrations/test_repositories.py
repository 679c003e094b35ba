"""The hooks and CI jobs for the repositories of users run and find a stale package."""

import json
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
from tests.support.attacks.traps import TOOL_SETTINGS, plant, sprung
from tests.support.paths import ROOT, SCRIPTS, SEEDS

pytestmark = pytest.mark.slow


OURS = {"PYTHONPATH": str(ROOT / "codegen")}
"""The environment in which the command is that of this repository."""


def shell(
    script: str, cwd: Path, environ: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    inherited = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    inherited["PIP_NO_COMPILE"] = "1"  # most modules are never imported
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
    assert shell("engage-codegen generate", folder, OURS).returncode == 0
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


def test_the_steps_of_the_action_run_and_execute_nothing_of_the_repository(
    trapped: Path, published: Path, job_environ: Mapping[str, str]
) -> None:
    action = yaml.safe_load((ROOT / "action.yml").read_text())
    assert action["runs"]["using"] == "composite"
    values = {f"inputs.{key}": entry["default"] for key, entry in action["inputs"].items()}
    values |= {
        "github.action_path": str(published),
        "runner.temp": job_environ["RUNNER_TEMP"],
        "steps.python.outputs.python-path": sys.executable,
        "inputs.arguments": "--strict --schemas sche*",
    }
    install, check = [step for step in action["runs"]["steps"] if "run" in step]

    def run(step: Mapping[str, Any]) -> subprocess.CompletedProcess[str]:
        assert "${{" not in step["run"], "an input must not be able to inject a command"
        environ = {key: expanded(text, values) for key, text in step["env"].items()}
        folder = expanded(step["working-directory"], values | {"inputs.working-directory": "."})
        return shell(step["run"], trapped / folder, {**job_environ, **environ})

    assert run(install).returncode == 0
    assert "sche*" in run(check).stdout, "patterns are not expanded to file names"
    values["inputs.arguments"] = "--strict"
    done = run(check)
    assert (done.returncode, done.stdout) == (0, "up to date\n")
    values["inputs.live"] = "true"
    done = run(check)
    assert done.returncode == 2
    assert "the key is not sent to the tenant 'https://collect.example'" in done.stdout
    values["inputs.base-url"] = "https://localhost:9"
    assert "(from ENGAGE_BASE_URL)" in run(check).stdout
    values["inputs.live"] = "false"
    (trapped / "interactions" / "repair.py").unlink()
    done = run(check)
    assert done.returncode == 1
    assert "::error title=EG401" in done.stdout
    assert sprung(trapped) == set()


def job_scripts(text: str) -> list[str]:
    """Return the scripts of a GitHub workflow, a step each, or of a GitLab job, as one."""
    document = list(yaml.safe_load_all(text))[-1]
    scripts: list[str] = []
    for job in cast("dict[str, Any]", document.get("jobs", document)).values():
        scripts += [step["run"] for step in job.get("steps", []) if "run" in step]
        scripts += ["\n".join(job["script"])] if "script" in job else []
    return scripts


def planned(
    consumer: Path, extra: str, reference: str = "https://example.com/e.whl", *names: str
) -> FileChange:
    """Return the file that `init` would write for an extra."""
    targets = [Target("", ("schemas",), "a/1", "interactions", name=name) for name in names or [""]]
    setup = Setup(tuple(targets), [extra], f"engage-codegen @ {reference}")
    changes = plan_files(read_project(consumer), setup)
    (change,) = [change for change in changes if change.path != "pyproject.toml"]
    return change


@pytest.fixture
def trapped(consumer: Path) -> Path:
    """The repository with every trap, whose files name a tenant of the attacker."""
    plant(consumer)
    with (consumer / "pyproject.toml").open("a") as file:
        file.write('base-url = "https://collect.example"\n' + TOOL_SETTINGS)
    git(consumer, "add", ".")
    git(consumer, "commit", "-q", "-m", "traps")
    sprung(consumer)
    return consumer


@pytest.fixture
def job_environ(consumer: Path, tmp_path: Path) -> Mapping[str, str]:
    """The variables of a job that holds the key, at their most careless."""
    (tmp_path / "runner").mkdir()
    return {
        "ENGAGE_API_KEY": "secret-key",
        "PYTHONPATH": str(consumer),
        "CI": "true",
        "RUNNER_TEMP": str(tmp_path / "runner"),
    }


def install_and_check(scripts: list[str], folder: Path, environ: Mapping[str, str]) -> str:
    """Run the scripts of a job in the repository until one fails, and return what they print."""
    printed = ""
    for script in scripts:
        done = shell(script, folder, environ)
        printed += done.stdout
        if done.returncode:
            return f"{printed}exit code {done.returncode}"
    return printed


def test_the_gitlab_component_executes_nothing_of_the_repository(
    trapped: Path, published: Path, job_environ: Mapping[str, str]
) -> None:
    text = (ROOT / "templates/check.yml").read_text()
    spec, job = yaml.safe_load_all(text)
    inputs = set(re.findall(r"\$\[\[ inputs\.([\w-]+) \]\]", text))
    assert inputs == spec["spec"]["inputs"].keys()
    assert list(job) == ["engage-codegen-check"]
    values = {"arguments": "--strict", "live": "true", "install-from": published.as_uri()}
    (script,) = job_scripts(text)
    script = re.sub(r"\$\[\[ inputs\.([\w-]+) \]\]", lambda match: values[match[1]], script)
    script = f"export PATH={Path(sys.executable).parent}:$PATH\n{script}"
    printed = install_and_check([script], trapped, {**job_environ, "LIVE": "true"})
    assert "up to date" in printed
    assert "the key is not sent to the tenant 'https://collect.example'" in printed
    assert printed.endswith("exit code 2")
    assert sprung(trapped) == set()


@pytest.mark.parametrize("extra", ["github", "gitlab"])
def test_the_jobs_that_init_writes_execute_nothing_of_the_repository(
    trapped: Path, published: Path, job_environ: Mapping[str, str], extra: str
) -> None:
    text = planned(trapped, extra, published.as_uri()).new
    environ = {**job_environ, "PYTHON": sys.executable, "CI_PIPELINE_SOURCE": "schedule"}
    scripts = job_scripts(text)
    if extra == "github":
        scripts[0] = f"cd {job_environ['RUNNER_TEMP']}\n{scripts[0]}"
        assert text.count("working-directory: ${{ runner.temp }}") == 1
    else:
        scripts[0] = f"export PATH={Path(sys.executable).parent}:$PATH\n{scripts[0]}"
    printed = install_and_check(scripts, trapped, environ)
    assert "up to date" in printed
    assert "the key is not sent to the tenant 'https://collect.example'" in printed
    assert printed.endswith("exit code 2")
    assert sprung(trapped) == set()
    (trapped / "interactions" / "repair.py").unlink()
    assert "exit code 1" in install_and_check(scripts, trapped, environ)


@pytest.mark.parametrize("names", [[""], ["brand-a"], ["a", "B_2"]])
def test_the_workflow_gives_the_key_of_a_target_to_its_step_alone(
    tmp_path: Path, names: list[str]
) -> None:
    (tmp_path / "pyproject.toml").write_text("")
    text = planned(tmp_path, "github", "https://example.com/e.whl", *names).new
    workflow = yaml.safe_load(text)
    assert "env" not in workflow
    assert "env" not in workflow["jobs"]["check"]
    steps = workflow["jobs"]["check"]["steps"]
    live = [step for step in steps if "--live" in step.get("run", "")]
    assert "ENGAGE" not in json.dumps([step for step in steps if step not in live])
    assert len(live) == len({step["name"] for step in live}) == len(names)
    for name, step in zip(names, live, strict=True):
        suffix = f"_{re.sub('[^A-Z0-9]', '_', name.upper())}" if name else ""
        assert step["env"] == {
            f"ENGAGE_API_KEY{suffix}": f"${{{{ secrets.ENGAGE_API_KEY{suffix} }}}}",
            f"ENGAGE_BASE_URL{suffix}": f"${{{{ vars.ENGAGE_BASE_URL{suffix} }}}}",
        }
        option = f"--target {name} " if name else ""
        assert f"check --live {option}--output-format github" in step["run"]
        assert step["if"] == "github.event_name == 'schedule' && !cancelled()"


def test_a_target_that_the_workflow_lacks_is_shown_with_its_key(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("")
    change = planned(tmp_path, "github", "https://example.com/e.whl", "a")
    job = tmp_path / change.path
    job.parent.mkdir(parents=True)
    job.write_text(change.new)
    change = planned(tmp_path, "github", "https://example.com/e.whl", "a", "ab")
    assert (change.old, change.new) == (job.read_text(), job.read_text())
    (step,) = yaml.safe_load(change.notes)
    assert list(step["env"]) == ["ENGAGE_API_KEY_AB", "ENGAGE_BASE_URL_AB"]
    job.write_text("jobs: {}  # without --live on purpose")
    setup = Setup((Target("", (), "a/1", "a", name="a"),), ["github"], "engage-codegen==1")
    changes = plan_files(read_project(tmp_path), setup)
    assert [change.path for change in changes] == ["pyproject.toml"]


def test_the_gitlab_job_names_the_variables_of_every_target(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("")
    for names in ([""], ["a", "brand-b"]):
        text = planned(tmp_path, "gitlab", "https://example.com/e.whl", *names).new
        assert yaml.safe_load(text)
        for name in names:
            suffix = f"_{name.upper().replace('-', '_')}" if name else ""
            assert f"# ENGAGE_API_KEY{suffix} and ENGAGE_BASE_URL{suffix}\n" in text


@pytest.mark.parametrize("shell_name", ["bash", "sh"])
@pytest.mark.parametrize("file", ["templates/check.yml", "gitlab", "action.yml"])
def test_only_the_comparison_with_the_tenant_sees_the_keys(
    tmp_path: Path, file: str, shell_name: str
) -> None:
    """Run the jobs with a Python that prints the keys in its environment."""
    if file == "action.yml":
        if shell_name == "sh":
            pytest.skip("the steps of the action name their shell")
        action = yaml.safe_load((ROOT / file).read_text())
        scripts = [step["run"] for step in action["runs"]["steps"] if "run" in step]
    else:
        (tmp_path / "pyproject.toml").write_text("")
        is_component = file.startswith("templates")
        text = (ROOT / file).read_text() if is_component else planned(tmp_path, "gitlab").new
        scripts = job_scripts(text)
    folder = tmp_path / "commands"
    (folder / "bin").mkdir(parents=True)
    for name in ("python", "bin/python"):
        command = folder / name
        command.write_text('#!/bin/bash\necho "$* keys: ${!ENGAGE_API_KEY@}"\n')
        command.chmod(0o755)
    environ = {
        **dict.fromkeys(("ENGAGE_API_KEY", "ENGAGE_API_KEY_BRAND_A"), "secret"),
        **{"CI_PIPELINE_SOURCE": "schedule", "LIVE": "true", "ARGUMENTS": "", "BASE_URL": ""},
        **{"PYTHON": str(folder / "python"), "FOLDER": str(folder), "SOURCE": "."},
    }
    script = "\n".join(f"({step}\n)" for step in scripts).replace("$(mktemp -d)", str(folder))
    script = re.sub(r"\$\[\[ .*? \]\]", "", f"export PATH={folder}:$PATH\n{script}")
    done = subprocess.run(
        [shell_name, "-e", "-c", script],
        env={**os.environ, **environ},
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    lines = done.stdout.splitlines()
    assert len(lines) == 3 if file == "action.yml" else 4, done.stdout
    for line in lines:
        arguments, _, keys = line.partition(" keys: ")
        expected = "ENGAGE_API_KEY ENGAGE_API_KEY_BRAND_A" if "--live" in arguments else ""
        assert keys == expected, line
    assert "--live" in lines[-1]


def test_the_hook_that_init_writes_runs_for_its_files_only(consumer: Path) -> None:
    config = planned(consumer, "pre-commit").new
    ((hook,),) = [repo["hooks"] for repo in yaml.safe_load(config)["repos"]]
    for path in ("pyproject.toml", "schemas/a.json", "interactions/_snapshot/a.json"):
        assert re.search(hook["files"], path)
    for path in ("notes.txt", "other/a.json", "my_interactions_x/a.py"):
        assert not re.search(hook["files"], path)
    assert shell(hook["entry"], consumer, OURS).returncode == 0
    assert (hook["pass_filenames"], hook["require_serial"]) == (False, True)


def test_a_checkout_with_windows_line_ends_is_not_stale(consumer: Path) -> None:
    for path in consumer.rglob("*"):
        if path.is_file() and ".git" not in path.parts:
            path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert shell("engage-codegen check", consumer, OURS).returncode == 0


def test_the_workflows_pin_every_action_and_keep_no_credentials() -> None:
    files = [ROOT / "action.yml", ROOT / "docs/build.md"]
    files += (ROOT / "codegen/engage_codegen/integrations/files").glob("*.yml")
    files += (ROOT / ".github").rglob("*.yml")
    uses = 0
    for file in files:
        text = file.read_text("utf-8")
        for reference in re.findall(r"uses: *(\S+.*)", text):
            uses += 1
            assert re.fullmatch(r"[\w/-]+@[0-9a-f]{40}  # v[\d.]+", reference), (file, reference)
        assert text.count("actions/checkout@") == text.count("persist-credentials: false"), file
        assert not re.search(r"python3? -m|(?<!-I )-m venv", text.partition("tox")[0]), file
    assert uses >= 5
