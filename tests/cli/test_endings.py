"""How a command ends that was interrupted, mistyped, or hit a bug of the tool."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from engage_codegen import pipeline
from tests.cli.conftest import ErrorGolden
from tests.support.tenants import envelope
from tests.support.tool import Tool, contents

# A shell starts background processes with the signal ignored.
INTERRUPTIBLE = (
    "import runpy, signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "runpy.run_module('engage_codegen', run_name='__main__')"
)


def test_ctrl_c_leaves_everything_unchanged(
    package: Path,
    project: Path,
    tool: Tool,
    error_golden: ErrorGolden,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupt(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    (project / "schemas" / "more.json").write_text(json.dumps(envelope("more")))
    before = contents(project)
    monkeypatch.setattr(pipeline, "_plan_package", interrupt)
    outcome = tool("generate")
    assert outcome.code == 130
    assert contents(project) == before
    error_golden("interrupted", outcome)


def test_ctrl_c_that_a_library_wraps_is_an_interruption(
    package: Path, tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*arguments: object, **options: object) -> None:
        raise RuntimeError("Error calling __set_name__") from KeyboardInterrupt()

    monkeypatch.setattr(pipeline, "generate", interrupt)
    outcome = tool("generate")
    assert (outcome.code, outcome.err) == (130, "interrupted\n")


def test_ctrl_c_ends_a_pull_from_a_tenant_that_does_not_answer(project: Path) -> None:
    environment = os.environ | {"ENGAGE_API_KEY": "k", "ENGAGE_USER_AGENT": "a/1"}
    code = (
        "import socket, sys; s = socket.create_server(('127.0.0.1', 0)); "
        "print(s.getsockname()[1], flush=True); c, _ = s.accept(); c.recv(1); "
        "print('asked', flush=True); c.recv(10**6); sys.stdin.read()"
    )
    server = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert server.stdout
    assert server.stdin
    port = int(server.stdout.readline())
    pull = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTIBLE, "pull", "--base-url", f"http://127.0.0.1:{port}"],
        env=environment,
        stderr=subprocess.PIPE,
        cwd=project,
    )
    server.stdout.readline()
    pull.send_signal(signal.SIGINT)
    _, err = pull.communicate(timeout=20)
    server.stdin.close()
    server.wait()
    server.stdout.close()
    first, *rest = err.decode().splitlines()
    assert first == f"tenant: http://127.0.0.1:{port} (from --base-url)"
    assert (pull.returncode, "\n".join(rest).strip()) == (130, "interrupted")
    assert contents(project) == {}


def test_a_bug_of_the_tool_says_that_it_is_one(
    package: Path, tool: Tool, error_golden: ErrorGolden, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object, **options: object) -> None:
        raise ZeroDivisionError("by accident")

    monkeypatch.setattr(pipeline, "generate", fail)
    outcome = tool("generate")
    assert outcome.code == 2
    error_golden("internal_error", outcome)
    outcome = tool("generate", "--debug")
    assert outcome.code == 2
    assert "Traceback" in outcome.err


def test_debug_shows_the_traceback_of_an_error_and_keeps_its_exit_code(
    project: Path, command: Tool
) -> None:
    for verb in ("generate", "list"):
        outcome = command(verb, "--output", "package", "--debug")
        assert outcome.code == 2
        assert "Traceback" in outcome.err
        assert "there is no snapshot" in outcome.out + outcome.err


def test_characters_that_the_terminal_lacks_are_escaped(project: Path) -> None:
    (project / "a.json").write_text(json.dumps(envelope("visit") | {"displayName": "a → b"}))
    command = [sys.executable, "-m", "engage_codegen"]
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    subprocess.run([*command, "generate", "--schemas", "a.json"], check=True, env=environment)
    done = subprocess.run([*command, "list"], check=True, env=environment, capture_output=True)
    assert b"a \\u2192 b" in done.stdout


@pytest.mark.parametrize(
    "arguments", [["generat"], ["generate", "--outptu", "x"], ["pull", "--rename", "x"]]
)
def test_a_mistyped_command_line_is_a_usage_error(
    arguments: list[str], project: Path, command: Tool
) -> None:
    outcome = command(*arguments)
    assert outcome.code == 2
    assert "Usage" in outcome.err or "Invalid value" in outcome.err


def test_a_deleted_current_folder_is_an_error_in_every_format(
    project: Path, tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = project / "gone"
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.rmdir()
    for output_format in ("text", "json", "sarif", "github"):
        outcome = tool("check", "--output-format", output_format)
        assert (outcome.code, "no longer exists" in outcome.out) == (2, True)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("arguments", [["--version"], ["lint", "--rules"], ["--help"]])
def test_a_full_disk_behind_stdout_is_named(arguments: list[str]) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "engage_codegen", *arguments],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 2
    assert done.stderr.startswith("error: the output of the command cannot be written: No space")
    assert "Traceback" not in done.stderr


def test_without_a_home_folder_generate_works(package: Path, project: Path) -> None:
    """A user without an entry in the list of users, as containers have."""
    code = (
        "import os, pwd, sys\n"
        "def fail(_): raise KeyError('no such user')\n"
        "pwd.getpwuid = fail\n"
        "from engage_codegen.cli.app import run\n"
        "code = run(['generate', '--schemas', 'schemas', '--output', 'another'])\n"
        "sys.exit(code or ('HOME' in os.environ) * 9)"
    )
    names = ("PATH", "PYTHONPATH")
    environment = {name: os.environ[name] for name in names if name in os.environ}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, (project / "another" / "__init__.py").exists()) == (0, True), (
        done.stderr
    )
