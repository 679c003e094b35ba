"""Every way in which a run can fail that is more than a file of input: the message says what,
where and what to do, the exit code is that of house rules, and nothing on disk has changed.

The goldens are in `tests/errors/`, one for each test case.
"""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from engage_codegen import pipeline
from tests.support.paths import TESTS
from tests.support.tenants import PATH, Answer, answering, envelope, holding
from tests.support.tool import Golden, Outcome, Tool, contents

GOLDENS = TESTS / "errors"


def _compare(golden: Golden, name: str, outcome: Outcome, project: Path) -> None:
    text = outcome.err.replace(str(project), "<project>")
    text = re.sub(r"127\.0\.0\.1:\d+", "<tenant>", text)
    if outcome.code != 130 and name != "internal_error":
        assert "\n  where: " in text
        assert "\n  fix: " in text
    golden(GOLDENS / f"{name}.txt", f"exit code {outcome.code}\n{text}")


@pytest.fixture
def package(project: Path, tool: Tool) -> Path:
    """A package of one schema from the folder `schemas`."""
    (project / "schemas").mkdir()
    (project / "schemas" / "visit.json").write_text(json.dumps(envelope("visit")))
    (project / "pyproject.toml").write_text(
        '[tool.engage-codegen]\noutput = "package"\nschemas = "schemas"\n'
    )
    assert tool("generate").code == 0
    return project / "package"


BROKEN_TENANTS: dict[str, Mapping[str, Answer]] = {
    "refused_key": {PATH: Answer(b'{"errorCode": "InvalidApiKey"}', 401)},
    "forbidden": {PATH: Answer(b"{}", 403)},
    "html_page": {PATH: Answer(b"<html>Maintenance</html>", 200, "text/html")},
    "server_error": {PATH: Answer(b"oops", 503)},
    "redirect": {PATH: Answer(b"", 302)},
    "no_such_api": {},
    "truncated_list": {PATH: Answer(b'[{"id": "visit"}', missing=20)},
    "list_no_array": {PATH: Answer(b'{"items": []}')},
    "list_without_ids": {PATH: Answer(b'[{"displayName": "Visit"}]')},
    "list_twice_one_id": {PATH: Answer(b'[{"id": "visit"}, {"id": "visit"}]')},
    "member_gone": {PATH: holding(envelope("visit"))[PATH]},
    "member_html": {
        **holding(envelope("visit")),
        f"{PATH}/visit": Answer(b"<p>", 200, "text/html"),
    },
    "member_truncated": {**holding(envelope("visit")), f"{PATH}/visit": Answer(b"{", missing=9)},
    "member_other_id": {
        **holding(envelope("visit")),
        f"{PATH}/visit": Answer(json.dumps(envelope("other")).encode()),
    },
    "member_without_schema": {
        **holding(envelope("visit")),
        f"{PATH}/visit": Answer(b'{"id": "visit", "displayName": "Visit"}'),
    },
    "huge_answer": {PATH: Answer(b" " * 20_000_001)},
    "surrogate_id": {PATH: Answer(b'[{"id": "a\\ud800"}]')},
    "long_id": {PATH: Answer(json.dumps([{"id": "x" * 100_000}]).encode())},
    "no_schemas_any_more": {PATH: Answer(b"[]")},
    "hostile_id": {
        PATH: Answer(b'[{"id": "../up"}]'),
        f"{PATH}/..%2Fup": Answer(json.dumps(envelope("../up")).encode()),
    },
    "ids_differ_in_case": holding(envelope("Visit"), envelope("visit")),
}


@pytest.mark.parametrize("name", BROKEN_TENANTS)
def test_a_broken_tenant_changes_nothing(
    name: str,
    package: Path,
    project: Path,
    tool: Tool,
    golden: Golden,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = contents(package)
    (project / "pyproject.toml").write_text('[tool.engage-codegen]\noutput = "package"\n')
    monkeypatch.setenv("ENGAGE_API_KEY", "the-secret-key")
    monkeypatch.setenv("ENGAGE_USER_AGENT", "tests/1.0")
    with answering(BROKEN_TENANTS[name]) as tenant:
        outcome = tool("pull", "--base-url", tenant.base_url)
    assert outcome.code == (2 if name == "ids_differ_in_case" else 5)
    assert "the-secret-key" not in outcome.err + outcome.out
    assert contents(package) == before
    _compare(golden, name, outcome, project)
    assert tool("generate").code == 0, "generate works offline"


def test_an_unreachable_tenant(
    project: Path, tool: Tool, golden: Golden, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENGAGE_API_KEY", "the-secret-key")
    # A port that is taken and not listened on refuses connections.
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        outcome = tool("pull", "--base-url", url, "--user-agent", "tests/1.0")
    assert outcome.code == 5
    assert contents(project) == {}
    _compare(golden, "unreachable", outcome, project)


def test_a_proxy_of_the_environment_never_sees_what_is_meant_for_the_loopback(
    project: Path, tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENGAGE_API_KEY", "the-secret-key")
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with answering(holding(envelope("visit"))) as tenant:
        outcome = tool("pull", "--base-url", tenant.base_url, "--user-agent", "tests/1.0")
    assert outcome.code == 0


def test_a_snapshot_may_be_emptied_on_purpose(
    package: Path, project: Path, tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENGAGE_API_KEY", "k")
    (project / "pyproject.toml").write_text('[tool.engage-codegen]\noutput = "package"\n')
    with answering({PATH: Answer(b"[]")}) as tenant:
        arguments = ("--base-url", tenant.base_url, "--user-agent", "tests/1.0")
        assert (
            tool("pull", *arguments, "--force").err
            == "removed  visit\n0 schemas pulled, 0 unchanged\n"
        )
    assert tool("generate").code == 0
    assert not (package / "visit.py").exists()


SETTINGS: dict[str, tuple[str, list[str]]] = {
    "no_key": ("", ["--base-url", "https://acme.voyado.com", "--user-agent", "a/1"]),
    "unprintable_key": ("a\nb", ["--base-url", "https://acme.voyado.com", "--user-agent", "a/1"]),
    "no_user_agent": ("k", ["--base-url", "https://acme.voyado.com"]),
    "no_source": ("k", []),
    "plain_http": ("k", ["--base-url", "http://acme.voyado.com", "--user-agent", "a/1"]),
    "no_such_host": ("k", ["--base-url", "https://xn--a", "--user-agent", "a/1"]),
    "output_is_here": ("k", ["--output", ".", "--schemas", "schemas"]),
    "output_is_a_keyword": ("k", ["--output", "class", "--schemas", "schemas"]),
    "no_url": ("k", ["--base-url", "acme.voyado.com", "--user-agent", "a/1"]),
    "url_with_path": ("k", ["--base-url", "https://acme.voyado.com/api/v3", "--user-agent", "a/1"]),
    "url_with_password": ("k", ["--base-url", "https://u:pass@acme.com", "--user-agent", "a/1"]),
    "missing_schemas": ("k", ["--schemas", "nowhere"]),
    "empty_schemas": ("k", ["--schemas", "."]),
    "unknown_id": ("k", ["--schemas", "schemas", "nothing"]),
    "output_no_package": ("k", ["--output", "my-package", "--schemas", "schemas"]),
    "missing_config": ("k", ["--config", "nowhere.toml"]),
    "config_without_section": ("k", ["--config", "other.toml"]),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_settings_that_cannot_work(
    name: str, project: Path, tool: Tool, golden: Golden, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "schemas").mkdir()
    (project / "schemas" / "visit.json").write_text(json.dumps(envelope("visit")))
    (project / "other.toml").write_text("[project]\n")
    key, arguments = SETTINGS[name]
    monkeypatch.setenv("ENGAGE_API_KEY", key)
    before = contents(project)
    outcome = tool("pull", *arguments)
    assert outcome.code == 2
    assert contents(project) == before
    _compare(golden, name, outcome, project)


def test_generate_without_a_snapshot(project: Path, tool: Tool, golden: Golden) -> None:
    for command in ("generate", "check", "list"):
        outcome = tool(command, "--output", "package")
        assert outcome.code == 2
        _compare(golden, "no_snapshot", outcome, project)
    assert contents(project) == {}


def test_an_output_that_is_a_file(project: Path, package: Path, tool: Tool, golden: Golden) -> None:
    (project / "taken").write_text("mine")
    before = contents(project)
    for command in ("generate", "check", "pull"):
        outcome = tool(command, "--output", "taken")
        assert outcome.code == 2
        _compare(golden, "output_is_a_file", outcome, project)
    assert tool("generate", "--output", "taken/deeper").code == 2
    assert contents(project) == before


def test_an_output_that_cannot_be_written(
    project: Path, package: Path, tool: Tool, golden: Golden, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "schemas" / "more.json").write_text(json.dumps(envelope("more")))
    before = contents(project)

    def refuse(path: object, mode: int, **more: object) -> bool:
        return False

    monkeypatch.setattr("engage_codegen.filesystem.os.access", refuse)
    outcome = tool("generate")
    assert outcome.code == 2
    assert contents(project) == before
    _compare(golden, "output_not_writable", outcome, project)


def test_a_foreign_file_where_ours_belongs(
    project: Path, package: Path, tool: Tool, golden: Golden
) -> None:
    (project / "schemas" / "more.json").write_text(json.dumps(envelope("more")))
    (package / "more.py").write_text("mine = 1\n")
    (package / "notes.txt").write_text("mine as well")
    before = contents(project)
    for command in ("generate", "check"):
        outcome = tool(command)
        assert outcome.code == 1
        _compare(golden, "foreign_file", outcome, project)
    assert contents(project) == before
    (package / "more.py").unlink()
    assert tool("generate").code == 0
    assert (package / "notes.txt").read_text() == "mine as well"


def test_a_foreign_folder_where_a_file_of_ours_belongs(
    project: Path, package: Path, tool: Tool, golden: Golden
) -> None:
    (project / "schemas" / "more.json").write_text(json.dumps(envelope("more")))
    (package / "more.py").mkdir()
    before = contents(project)
    outcome = tool("generate")
    assert outcome.code == 2
    assert contents(project) == before
    _compare(golden, "foreign_folder", outcome, project)


@pytest.mark.parametrize("path", ["visit.py", "INDEX.md", "_runtime/client.py", "py.typed"])
def test_a_generated_file_edited_by_hand(
    path: str, project: Path, package: Path, tool: Tool, golden: Golden
) -> None:
    with (package / path).open("a") as file:
        file.write("# mine\n")
    before = contents(project)
    for command in ("generate", "check"):
        outcome = tool(command)
        assert outcome.code == 1
        assert contents(project) == before
        if path == "visit.py":
            _compare(golden, "edited_by_hand", outcome, project)
    (package / path).unlink()
    assert tool("generate").code == 0
    assert tool("check").code == 0


def test_a_snapshot_edited_since_the_pull(
    project: Path, package: Path, tool: Tool, golden: Golden
) -> None:
    snapshot = package / "_snapshot" / "visit.json"
    snapshot.write_text(snapshot.read_text().replace("Title of", "Edited"))
    before = contents(project)
    outcome = tool("pull")
    assert outcome.code == 1
    assert contents(project) == before
    _compare(golden, "edited_snapshot", outcome, project)
    assert tool("pull", "--force").code == 0
    assert "Title of" in snapshot.read_text()


def test_a_damaged_lock(project: Path, package: Path, tool: Tool, golden: Golden) -> None:
    (package / "_snapshot" / "codegen.lock.json").write_text("<<<<<<< HEAD\n")
    before = contents(project)
    outcome = tool("generate")
    assert outcome.code == 2
    assert contents(project) == before
    _compare(golden, "damaged_lock", outcome, project)


def test_a_new_version_that_would_rename_something(
    project: Path, package: Path, tool: Tool, golden: Golden
) -> None:
    lock = package / "_snapshot" / "codegen.lock.json"
    text = lock.read_text()
    version = re.sub(r'"version": "[^"]*"', '"version": "0.0.1"', text)
    lock.write_text(version.replace('{"name": "name"}', '{"name": "the_name"}'))
    outcome = tool("generate")
    assert outcome.code == 1
    _compare(golden, "renamed_by_a_new_version", outcome, project)
    line = outcome.err.splitlines()[2].split(": ", 2)[2]
    with (project / "pyproject.toml").open("a") as file:
        file.write(f"[tool.engage-codegen.renames]\n{line}\n")
    assert tool("generate").code == 0
    assert "    the_name: str" in (package / "visit.py").read_text()


def test_ctrl_c(
    package: Path, project: Path, tool: Tool, golden: Golden, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*arguments: object, **named: object) -> None:
        raise KeyboardInterrupt

    (project / "schemas" / "more.json").write_text(json.dumps(envelope("more")))
    before = contents(project)
    monkeypatch.setattr(pipeline, "_texts", interrupt)
    outcome = tool("generate")
    assert outcome.code == 130
    assert contents(project) == before
    _compare(golden, "interrupted", outcome, project)


# A shell starts what runs in the background with the signal ignored.
_INTERRUPTIBLE = (
    "import runpy, signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "runpy.run_module('engage_codegen', run_name='__main__')"
)


def test_ctrl_c_ends_a_pull_from_a_tenant_that_hangs(project: Path) -> None:
    # A listener that accepts and never answers.
    environment = os.environ | {"ENGAGE_API_KEY": "k", "ENGAGE_USER_AGENT": "a/1"}
    code = (
        "import socket, sys; s = socket.create_server(('127.0.0.1', 0)); "
        "print(s.getsockname()[1], flush=True); c, _ = s.accept(); c.recv(1); "
        "print('asked', flush=True); c.recv(10**6); sys.stdin.read()"
    )
    mute = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert mute.stdout
    assert mute.stdin
    port = int(mute.stdout.readline())
    pull = subprocess.Popen(
        [sys.executable, "-c", _INTERRUPTIBLE, "pull", "--base-url", f"http://127.0.0.1:{port}"],
        env=environment,
        stderr=subprocess.PIPE,
        cwd=project,
    )
    mute.stdout.readline()
    pull.send_signal(signal.SIGINT)
    _, err = pull.communicate(timeout=20)
    mute.stdin.close()
    mute.wait()
    mute.stdout.close()
    assert (pull.returncode, err.strip()) == (130, b"interrupted")
    assert contents(project) == {}


def test_a_bug_of_ours_is_no_finding(
    package: Path, tool: Tool, golden: Golden, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*arguments: object, **named: object) -> None:
        raise ZeroDivisionError("by accident")

    monkeypatch.setattr(pipeline, "generate", broken)
    outcome = tool("generate")
    assert outcome.code == 2
    _compare(golden, "internal_error", outcome, project)
    outcome = tool("generate", "--debug")
    assert outcome.code == 2
    assert "Traceback" in outcome.err


def test_debug_changes_no_exit_code(project: Path, tool: Tool) -> None:
    outcome = tool("generate", "--output", "package", "--debug")
    assert outcome.code == 2
    assert "Traceback" in outcome.err
    assert "there is no snapshot" in outcome.err


def test_a_ctrl_c_that_a_library_wraps_is_still_one(
    package: Path, tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrapped(*arguments: object, **named: object) -> None:
        raise RuntimeError("Error calling __set_name__") from KeyboardInterrupt()

    monkeypatch.setattr(pipeline, "generate", wrapped)
    outcome = tool("generate")
    assert (outcome.code, outcome.err) == (130, "interrupted\n")


def test_an_encoding_that_cannot_hold_the_output_does_not_end_the_run(project: Path) -> None:
    (project / "a.json").write_text(json.dumps(envelope("visit") | {"displayName": "a → b"}))
    command = [sys.executable, "-m", "engage_codegen"]
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    subprocess.run([*command, "generate", "--schemas", "a.json"], check=True, env=environment)
    done = subprocess.run([*command, "list"], check=True, env=environment, capture_output=True)
    assert b"a \\u2192 b" in done.stdout


@pytest.mark.parametrize(
    "arguments", [["generat"], ["generate", "--outptu", "x"], ["pull", "--rename", "x"]]
)
def test_a_mistyped_command_line_is_usage(arguments: list[str], project: Path, tool: Tool) -> None:
    outcome = tool(*arguments)
    assert outcome.code == 2
    assert "Usage" in outcome.err or "Invalid value" in outcome.err
