"""Every way in which check, generate and pull can end badly shows up in the Problems of an editor.

The pattern is the one in the tasks that `init` writes for VS Code.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from engage_codegen.output.lockfile import LOCKFILE_PATH
from tests.support.paths import ROOT
from tests.support.tenants import PATH, Answer, answering, envelope, holding
from tests.support.tool import Tool

pytestmark = pytest.mark.slow

TASKS = ROOT / "codegen/engage_codegen/integrations/files/tasks.json"
CONFIGURATION = '[tool.engage-codegen]\noutput = "package"\nuser-agent = "tests/1"\n'
FROM_FILES = CONFIGURATION + 'schemas = ["schemas"]\n'


def patterns() -> list[dict[str, Any]]:
    """Return the pattern of each task that has one."""
    tasks = json.loads(TASKS.read_text("utf-8"))["tasks"]
    return [task["problemMatcher"]["pattern"] for task in tasks if task["problemMatcher"]]


@dataclass(frozen=True)
class Ending:
    """A project that `damage` breaks, the commands that end badly, and the codes they report."""

    damage: Callable[[Path], object]
    commands: list[str]
    codes: list[str]
    exit_code: int = 1


def write(path: str, text: str) -> Callable[[Path], object]:
    def damage(project: Path) -> None:
        (project / path).parent.mkdir(parents=True, exist_ok=True)
        (project / path).write_text(text, "utf-8")

    return damage


def edit(path: str, old: str, new: str) -> Callable[[Path], object]:
    def damage(project: Path) -> None:
        text = (project / path).read_text("utf-8")
        assert old in text
        (project / path).write_text(text.replace(old, new), "utf-8")

    return damage


def delete(path: str) -> Callable[[Path], object]:
    return lambda project: (project / path).unlink()


def do(*steps: Callable[[Path], object]) -> Callable[[Path], object]:
    """Return a function that takes several steps."""

    def damage(project: Path) -> None:
        for step in steps:
            step(project)

    return damage


def rename_folder(project: Path) -> None:
    (project / "package").rename(project / "other")


BOTH = ["generate", "check"]
ALL = [*BOTH, "pull"]
BAD_SCHEMA = json.dumps(envelope("one", {"a": {"type": "text"}, "b": {"type": "list"}}), indent=1)
LOCKFILE = f"package/{LOCKFILE_PATH}"
SNAPSHOT_FILE = "package/_snapshot/one.json"
ENDINGS = {
    "an edited file": Ending(write("package/one.py", "# mine\n"), BOTH, ["EG405"]),
    "two edited files": Ending(
        do(write("package/one.py", "# mine\n"), write("package/bulk.py", "# mine\n")),
        BOTH,
        ["EG405", "EG405"],
    ),
    "a missing file": Ending(delete("package/one.py"), ["check"], ["EG401"]),
    "an unexpected module": Ending(write("package/x.py", ""), ["check"], ["EG407"]),
    "a schema error": Ending(write("schemas/one.json", BAD_SCHEMA), BOTH, ["EG201", "EG201"]),
    "a schema error in a list": Ending(
        write("schemas/one.json", f"[\n{BAD_SCHEMA}\n]"), BOTH, ["EG201", "EG201"]
    ),
    "an invalid id": Ending(
        write("schemas/two.json", '{"id": "a/b",\n"jsonSchema": {}}'), ALL, ["EG120"]
    ),
    "ids that differ only in case": Ending(
        write("schemas/two.json", json.dumps(envelope("ONE"))), ["generate"], ["EG502"], 2
    ),
    "broken JSON": Ending(write("schemas/one.json", '{"id":\n}'), ALL, ["EG502"], 2),
    "a schema file that is not UTF-8": Ending(
        lambda project: (project / "schemas/one.json").write_bytes(b"\xff"), ALL, ["EG502"], 2
    ),
    "one schema in two files": Ending(
        write("schemas/two.json", json.dumps(envelope("one"))), ALL, ["EG502"], 2
    ),
    "no schema files": Ending(delete("schemas/one.json"), ALL, ["EG502"], 2),
    "a damaged lock file": Ending(write(LOCKFILE, '{"engage-codegen":\n}'), ALL, ["EG503"], 2),
    "a lock file with a merge conflict": Ending(
        write(LOCKFILE, "<<<<<<< HEAD\n"), ALL, ["EG503"], 2
    ),
    "a lock file of a newer format": Ending(
        edit(LOCKFILE, '"format": 2', '"format": 3'), ALL, ["EG503"], 2
    ),
    "an edited snapshot": Ending(edit(SNAPSHOT_FILE, "string", "number"), ["pull"], ["EG405"]),
    "another version in the lock file": Ending(
        edit(LOCKFILE, '"version": "0.1.0"', '"version": "9.8"'), ["check"], ["EG404"]
    ),
    "another required version": Ending(
        write("pyproject.toml", FROM_FILES + 'required-version = "9.8"\n'), ALL, ["EG404"]
    ),
    "an interrupted run": Ending(
        write("package/.engage-codegen-1/journal.json", "["), ["check"], ["EG406"]
    ),
    "an interrupted run with a damaged journal": Ending(
        write("package/.engage-codegen-1/journal.json", "["), ["generate", "pull"], ["EG502"], 2
    ),
    "a configuration that is not TOML": Ending(write("pyproject.toml", "["), ALL, ["EG501"], 2),
    "an unknown key": Ending(
        write("pyproject.toml", FROM_FILES + "key-of-nobody = 1\n"), ALL, ["EG501"], 2
    ),
    "a wrong value": Ending(
        write("pyproject.toml", FROM_FILES + 'api-version = "v9"\n'), ALL, ["EG501"], 2
    ),
    "a rename of nothing": Ending(
        write("pyproject.toml", FROM_FILES + '[tool.engage-codegen.renames]\nnothing = "x"\n'),
        BOTH,
        ["EG501"],
        2,
    ),
    "no configuration": Ending(do(delete("pyproject.toml"), rename_folder), ["pull"], ["EG501"], 2),
    "no configuration and no package": Ending(
        do(delete("pyproject.toml"), rename_folder), BOTH, ["EG502"], 2
    ),
    "a missing snapshot": Ending(
        do(write("pyproject.toml", CONFIGURATION), rename_folder), BOTH, ["EG502"], 2
    ),
    "broken JSON in the snapshot": Ending(
        do(write("pyproject.toml", CONFIGURATION), write(SNAPSHOT_FILE, '{"id":\n}')),
        BOTH,
        ["EG502"],
        2,
    ),
    "a schema error in the snapshot": Ending(
        do(write("pyproject.toml", CONFIGURATION), write(SNAPSHOT_FILE, BAD_SCHEMA)),
        BOTH,
        ["EG201", "EG201"],
    ),
}


def report(tool: Tool, exit_code: int, *arguments: str) -> list[tuple[str, ...]]:
    """Run a command, and return file, line, column, severity, code and message of each problem.

    Compares the problems that an editor sees with the findings in the JSON report.
    """
    outcome = tool(*arguments)
    assert outcome.code == exit_code, outcome
    (pattern,) = {pattern["regexp"] for pattern in patterns()}
    matches = [re.search(pattern, line) for line in outcome.out.splitlines()]
    problems = [match.groups() for match in matches if match]
    findings = json.loads(tool(*arguments, "--output-format", "json").out)["findings"]
    assert [problem[4] for problem in problems] == [finding["code"] for finding in findings]
    for finding, (file, line, column, severity, _, message) in zip(findings, problems, strict=True):
        place = (finding["file"] or "pyproject.toml", finding["line"] or 1, finding["column"] or 1)
        assert (file, int(line), int(column)) == place
        assert severity == finding["severity"]
        assert finding["message"] in message or "\n" in finding["message"]
        assert str(Path.cwd()) not in file, "editors need a path below the folder that is open"
    assert "error: " not in outcome.err, "the error is reported once"
    return problems


@pytest.fixture
def generated(project: Path, tool: Tool) -> Path:
    """A project whose package was generated from files."""
    write("pyproject.toml", FROM_FILES)(project)
    write("schemas/one.json", json.dumps(envelope("one")))(project)
    assert tool("generate").code == 0
    return project


@pytest.mark.parametrize(
    ("name", "command"),
    [(name, command) for name, ending in ENDINGS.items() for command in ending.commands],
)
def test_every_bad_ending_of_a_command_is_a_problem_at_a_place(
    name: str, command: str, generated: Path, tool: Tool
) -> None:
    ending = ENDINGS[name]
    ending.damage(generated)
    problems = report(tool, ending.exit_code, command)
    assert [problem[4] for problem in problems] == ending.codes
    for file, line, *_ in problems:
        path = generated / file
        if path.is_file():
            lines = path.read_text("utf-8", "replace").count("\n") + 1
            assert int(line) <= lines


@pytest.mark.parametrize(
    ("answers", "code", "message"),
    [
        ({PATH: Answer(b"", 401)}, "EG505", "the tenant refused the API key with status 401"),
        ({PATH: Answer(b"", 500)}, "EG507", "the tenant answered with status 500"),
        ({PATH: Answer(b"<html>", kind="text/html")}, "EG507", "is not valid JSON"),
        ({PATH: Answer(b"[]", missing=9)}, "EG507", "the response is incomplete"),
        ({}, "EG507", "the tenant has no such API: it answered with status 404"),
        ({**holding(envelope("one")), f"{PATH}/one": Answer(b"{}", 404)}, "EG507", "'one'"),
    ],
)
@pytest.mark.parametrize("command", [["pull"], ["check", "--live"]])
def test_an_error_of_the_tenant_is_a_problem_of_the_configuration(
    command: list[str],
    answers: dict[str, Answer],
    code: str,
    message: str,
    generated: Path,
    tool: Tool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ENGAGE_API_KEY", "k")
    with answering(answers) as tenant:
        write("pyproject.toml", f'{CONFIGURATION}base-url = "{tenant.base_url}"\n')(generated)
        (problem,) = report(tool, 5, *command)
    assert problem[:5] == ("pyproject.toml", "1", "1", "error", code)
    assert message in problem[5]


@pytest.mark.parametrize("command", [["pull"], ["check", "--live"]])
def test_a_tenant_that_cannot_be_reached_is_a_problem_of_the_configuration(
    command: list[str], generated: Path, tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENGAGE_API_KEY", "k")
    with answering({}) as tenant:
        url = tenant.base_url
    write("pyproject.toml", f'{CONFIGURATION}base-url = "{url}"\n')(generated)
    (problem,) = report(tool, 5, *command)
    assert problem[:5] == ("pyproject.toml", "1", "1", "error", "EG506")
    assert url in problem[5]


@pytest.mark.parametrize(
    "flags", [["--output", "class"], ["--rename", "a=1b"], ["--target", "none"]], ids=str
)
def test_a_wrong_flag_is_a_problem_that_names_the_flag(
    flags: list[str], generated: Path, tool: Tool
) -> None:
    (problem,) = report(tool, 2, "generate", *flags)
    assert problem[4] == "EG501"
    assert flags[0] in problem[5]


def test_all_tasks_share_one_pattern_for_all_six_groups() -> None:
    assert len(patterns()) >= 3
    assert all(pattern == patterns()[0] for pattern in patterns())
    groups = ["file", "line", "column", "severity", "code", "message"]
    assert [patterns()[0][group] for group in groups] == [1, 2, 3, 4, 5, 6]
