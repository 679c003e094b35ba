"""Help, shell completion, and what goes to stdout and stderr."""

import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from click import Context

from engage_codegen.cli.app import COMMANDS, main
from engage_codegen.cli.completion import SHELLS
from tests.support.paths import SEEDS
from tests.support.tool import Tool


def complete(shell: str, words: str, incomplete: str, project: Path) -> list[str]:
    """Return the completions that a shell gets for the last word of a line."""
    inputs = {
        "bash": {"COMP_WORDS": f"engage-codegen {words} {incomplete}".strip()},
        "powershell": {"COMP_WORDS": "\n".join(["engage-codegen", *words.split(), incomplete])},
    }[shell]
    count = len(words.split()) + 1
    number = {"bash": str(count), "powershell": incomplete}[shell]
    done = subprocess.run(
        [sys.executable, "-m", "engage_codegen"],
        env={**os.environ, "_ENGAGE_CODEGEN_COMPLETE": f"{shell}_complete", **inputs}
        | {"COMP_CWORD": number},
        cwd=project,
        capture_output=True,
        text=True,
        check=True,
    )
    separator = {"bash": ",", "powershell": "\t"}[shell]
    return [line.split(separator)[1] for line in done.stdout.splitlines()]


@pytest.mark.parametrize("shell", ["bash", "powershell"])
def test_shells_complete_commands_options_and_ids(shell: str, project: Path, tool: Tool) -> None:
    assert tool("generate", "--schemas", SEEDS, "--output", "engage_interactions").code == 0
    assert complete(shell, "", "p", project) == ["pull", "push", "probe", "preflight"]
    assert "--allow-destroy" in complete(shell, "push", "--all", project)
    assert complete(shell, "explain", "re", project) == ["repair"]
    assert complete(shell, "lint --output-format", "s", project) == ["sarif"]


@pytest.mark.parametrize("shell", SHELLS)
def test_the_completion_script_of_a_shell_calls_the_command(shell: str, tool: Tool) -> None:
    outcome = tool("completion", shell)
    assert outcome.code == 0
    assert "_ENGAGE_CODEGEN_COMPLETE" in outcome.out


def test_the_completion_script_for_bash_is_valid_bash(tool: Tool, project: Path) -> None:
    (project / "script").write_text(tool("completion", "bash").out)
    subprocess.run(["bash", "-n", "script"], cwd=project, check=True)


def test_a_mistyped_command_or_option_gets_the_nearest_one_suggested(tool: Tool) -> None:
    outcome = tool("generat")
    assert (outcome.code, "Did you mean 'generate'?" in outcome.err) == (2, True)
    outcome = tool("generate", "--wacth")
    assert (outcome.code, "--watch" in outcome.err) == (2, True)
    assert tool("xyzzy").code == 2


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_every_command_has_its_examples(command: str, tool: Tool) -> None:
    examples: list[str] = import_module(f"engage_codegen.cli.{command.replace('-', '_')}").EXAMPLES
    assert examples
    out = tool(command, "--help").out
    assert all(line in out for line in examples)


def test_the_list_of_commands_has_the_first_line_of_each_help() -> None:
    for name, line in COMMANDS.items():
        command = main.get_command(Context(main), name)
        assert command is not None
        assert (command.help or "").replace("\n", " ").startswith(line)


def test_findings_go_to_stdout_and_status_to_stderr_as_verbose_as_requested(
    project: Path, tool: Tool
) -> None:
    arguments = ("generate", "--schemas", SEEDS, "--output", "package")
    outcome = tool(*arguments, "-v")
    assert outcome.out == ""
    assert "no configuration file" in outcome.err
    assert "wrote    repair.py" in outcome.err
    (project / "package/repair.py").unlink()
    outcome = tool(*arguments)
    assert "wrote 1 file" in outcome.err
    assert "wrote    repair.py" not in outcome.err
    outcome = tool("check", "-q", "--output", "package")
    assert (outcome.code, outcome.err) == (0, "")
    (project / "package/repair.py").write_text("mine")
    outcome = tool(*arguments, "-q")
    assert outcome.code == 1
    assert outcome.err == ""
    assert "edited by hand" in outcome.out, "findings are always printed"
