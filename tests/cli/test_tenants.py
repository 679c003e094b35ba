"""Every command that talks to a tenant says which one, and a key goes where its holder said."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from engage_codegen.config.tenant import CI_VARIABLES
from engage_codegen.sandbox.server import Sandbox, running
from tests.support.tenants import Tenant, answering, envelope, holding
from tests.support.tool import Tool

COMMANDS = [
    ["pull"],
    ["check", "--live"],
    ["diff"],
    ["diff", "live", "snapshot"],
    ["push", "one"],
    ["preflight", "package"],
]
REPORTING = [command for command in COMMANDS if command[0] != "push"]


@pytest.fixture(autouse=True)
def no_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in CI_VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def server(project: Path, tool: Tool, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tenant]:
    """A tenant whose schemas are in the package `package`."""
    monkeypatch.setenv("ENGAGE_API_KEY", "k")
    with answering(holding(envelope("one"))) as tenant:
        configure(project, tenant.base_url)
        assert tool("pull").code == tool("generate").code == 0
        tenant.requests.clear()
        yield tenant


def configure(project: Path, url: str) -> None:
    (project / "pyproject.toml").write_text(
        f'[tool.engage-codegen]\nbase-url = "{url}"\nuser-agent = "a/1"\noutput = "package"\n'
    )


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_the_first_line_names_the_tenant_and_who_named_it(
    server: Tenant, project: Path, tool: Tool, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    first = tool(*command).err.splitlines()[0]
    assert first.startswith("tenant")
    assert first.endswith(f"{server.base_url} (from {project / 'pyproject.toml'}, key base-url)")
    by_flag = [] if command[0] == "preflight" else ["--base-url", server.base_url]
    if by_flag:
        assert "(from --base-url)" in tool(*command, *by_flag).err.splitlines()[0]
    monkeypatch.setenv("ENGAGE_BASE_URL", server.base_url)
    outcome = tool(*command)
    assert "(from ENGAGE_BASE_URL)" in outcome.err.splitlines()[0]
    assert "warning" not in outcome.err, "the environment agrees with the file"


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_variable_that_contradicts_the_file_is_a_warning_even_with_quiet(
    server: Tenant, project: Path, tool: Tool, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    configure(project, "https://acme.voyado.com")
    monkeypatch.setenv("ENGAGE_BASE_URL", server.base_url)
    warning = (
        "warning: ENGAGE_BASE_URL replaces the tenant https://acme.voyado.com of pyproject.toml. "
        "To use that one, unset ENGAGE_BASE_URL.\n"
    )
    assert warning in tool(*command).err
    assert warning in tool(*command, "-q").err
    assert server.requests


@pytest.mark.parametrize("command", REPORTING, ids=" ".join)
def test_every_output_format_names_the_tenant(
    server: Tenant, project: Path, tool: Tool, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    configure(project, "https://acme.voyado.com")
    monkeypatch.setenv("ENGAGE_BASE_URL", server.base_url)
    (tenant,) = json.loads(tool(*command, "--output-format", "json").out)["tenants"]
    assert (tenant["url"], tenant["origin"]) == (server.base_url, "ENGAGE_BASE_URL")
    assert tenant["replaces"] == "https://acme.voyado.com"
    sarif = json.loads(tool(*command, "--output-format", "sarif").out)
    assert sarif["runs"][0]["properties"]["tenants"] == [tenant]
    annotation = tool(*command, "--output-format", "github").out.splitlines()
    (line,) = [line for line in annotation if line.startswith("::warning title=tenant::")]
    assert server.base_url in line
    assert "https://acme.voyado.com" in line


@pytest.mark.parametrize("command", [["check"], ["generate"], ["list"], ["lint"]], ids=" ".join)
def test_an_offline_command_names_no_tenant(server: Tenant, tool: Tool, command: list[str]) -> None:
    outcome = tool(*command)
    assert (outcome.code, "tenant" in outcome.err) == (0, False)
    assert server.requests == []


@pytest.mark.parametrize("is_ci", [False, True])
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_branch_cannot_choose_where_the_key_goes(
    server: Tenant,
    project: Path,
    tool: Tool,
    monkeypatch: pytest.MonkeyPatch,
    command: list[str],
    is_ci: bool,
) -> None:
    if is_ci:
        monkeypatch.setenv("CI", "true")
    configure(project, "https://acme.voyado.com" if is_ci else "https://collect.example")
    outcome = tool(*command)
    assert outcome.code == 2
    assert "only a checked-in file names it" in outcome.out + outcome.err
    assert "set ENGAGE_BASE_URL to" in outcome.out + outcome.err
    monkeypatch.setenv("ENGAGE_BASE_URL", server.base_url)
    assert tool(*command).code == 0, "the holder of the key names the tenant"


def test_in_ci_a_renamed_target_does_not_get_the_key_of_another(
    project: Path, tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "true")
    monkeypatch.setenv("ENGAGE_API_KEY_LIVE", "the key of live")
    monkeypatch.setenv("ENGAGE_BASE_URL", "https://staging.voyado.com")
    (project / "pyproject.toml").write_text(
        '[tool.engage-codegen.targets.live]\nuser-agent = "a/1"\noutput = "package"\n'
    )
    outcome = tool("pull")
    assert outcome.code == 2
    assert "set ENGAGE_BASE_URL_LIVE to" in outcome.out


@pytest.fixture
def own(project: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """A tenant in which the schema `repair` differs from the project's."""
    with running() as sandbox:
        monkeypatch.setenv("ENGAGE_API_KEY", sandbox.api_key)
        schema = read_repair(sandbox) | {"displayName": "Mended"}
        (project / "repair.json").write_text(json.dumps(schema))
        (project / "pyproject.toml").write_text(
            f'[tool.engage-codegen]\nbase-url = "{sandbox.base_url}"\nuser-agent = "a/1"\n'
            'schemas = "repair.json"\n'
        )
        yield sandbox


def read_repair(sandbox: Sandbox) -> dict[str, object]:
    url = f"{sandbox.base_url}/api/v3/interactionschemas/repair"
    schema: dict[str, object] = httpx.get(url, headers={"apikey": sandbox.api_key}).json()
    return schema


def is_any_terminal(_stream: object) -> bool:
    return True


DESTROY = ("push", "--apply", "--allow-destroy", "repair")


def test_a_destructive_push_wants_the_host_of_the_tenant(own: Sandbox, tool: Tool) -> None:
    outcome = tool(*DESTROY)
    assert outcome.code == 2
    assert "add --tenant-host 127.0.0.1" in outcome.err
    assert read_repair(own)["displayName"] != "Mended"
    port = own.base_url.rpartition(":")[2]
    for wrong in ("acme.voyado.com", "", " ", "127.0.0.1:1", f"{port}", "127.0.0"):
        outcome = tool(*DESTROY, "--tenant-host", wrong)
        assert (outcome.code, "--tenant-host" in outcome.err) == (2, True), wrong
        assert read_repair(own)["displayName"] != "Mended"
    assert tool(*DESTROY, "--tenant-host", f"127.0.0.1:{port}").code == 0
    assert read_repair(own)["displayName"] == "Mended"


def test_a_push_that_destroys_nothing_needs_no_host_but_refuses_another_one(
    own: Sandbox, tool: Tool
) -> None:
    assert tool("push", "--apply").code == 3, "a replacement is left to do"
    assert tool("push", "--apply", "--tenant-host", "acme.voyado.com").code == 2


@pytest.mark.parametrize(
    ("answer", "code"), [("127.0.0.1", 0), ("acme.voyado.com", 2), (" ", 2), ("", 2), ("yes", 2)]
)
def test_on_a_terminal_the_host_is_typed(
    own: Sandbox, tool: Tool, monkeypatch: pytest.MonkeyPatch, answer: str, code: int
) -> None:
    monkeypatch.setattr("engage_codegen.cli.tenants.is_terminal", is_any_terminal)

    def type_answer(_question: str) -> str:
        return answer

    monkeypatch.setattr("click.termui.visible_prompt_func", type_answer)
    assert tool(*DESTROY).code == code
    assert (read_repair(own)["displayName"] == "Mended") == (code == 0)
