"""A pull that fails changes nothing, and says what is wrong, where, and what to do.

The expected texts are in `tests/errors`.
"""

import json
import socket
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.cli.conftest import ErrorGolden
from tests.support.tenants import PATH, Answer, answering, envelope, holding
from tests.support.tool import Tool, contents, run_process

pytestmark = pytest.mark.slow

KEY = "the-secret-key"

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


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENGAGE_API_KEY", KEY)
    monkeypatch.setenv("ENGAGE_USER_AGENT", "tests/1.0")


@pytest.mark.parametrize("name", BROKEN_TENANTS)
def test_a_broken_tenant_changes_nothing(
    name: str, package: Path, project: Path, tool: Tool, error_golden: ErrorGolden
) -> None:
    before = contents(package)
    (project / "pyproject.toml").write_text('[tool.engage-codegen]\noutput = "package"\n')
    with answering(BROKEN_TENANTS[name]) as tenant:
        outcome = tool("pull", "--base-url", tenant.base_url)
    assert outcome.code == (2 if name == "ids_differ_in_case" else 5)
    assert KEY not in outcome.err + outcome.out
    assert contents(package) == before
    error_golden(name, outcome)
    assert tool("generate").code == 0, "generate works offline"


def test_a_tenant_that_refuses_connections_is_unreachable(
    project: Path, tool: Tool, error_golden: ErrorGolden
) -> None:
    # A port that is bound but not listened on refuses connections.
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{bound.getsockname()[1]}"
        outcome = tool("pull", "--base-url", url)
    assert outcome.code == 5
    assert contents(project) == {}
    error_golden("unreachable", outcome)


def test_a_tenant_error_is_a_finding_in_the_chosen_format(project: Path) -> None:
    with answering({PATH: Answer(b"oops", 503)}) as tenant:
        outcome = run_process("pull", "--base-url", tenant.base_url, "--output-format", "json")
    assert outcome.code == 5
    (finding,) = json.loads(outcome.out)["findings"]
    assert (finding["code"], finding["file"]) == ("EG507", None)
    assert "503" in finding["message"]
    assert tenant.base_url in finding["message"]


def test_a_proxy_never_gets_requests_to_the_local_machine(
    project: Path, tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with answering(holding(envelope("visit"))) as tenant:
        assert tool("pull", "--base-url", tenant.base_url).code == 0


def test_force_accepts_a_tenant_that_has_no_schemas_left(
    package: Path, project: Path, tool: Tool
) -> None:
    (project / "pyproject.toml").write_text('[tool.engage-codegen]\noutput = "package"\n')
    with answering({PATH: Answer(b"[]")}) as tenant:
        outcome = tool("pull", "--base-url", tenant.base_url, "--force")
    assert outcome.err == (
        f"tenant: {tenant.base_url} (from --base-url)\n"
        f"removed  visit\n0 schemas pulled from {tenant.base_url}, 0 unchanged\n"
    )
    assert tool("generate").code == 0
    assert not (package / "visit.py").exists()


ACME = ["--base-url", "https://acme.voyado.com"]
FILES = ["--schemas", "schemas"]

SETTINGS: dict[str, tuple[dict[str, str], list[str]]] = {
    "no_key": ({"ENGAGE_API_KEY": ""}, ACME),
    "unprintable_key": ({"ENGAGE_API_KEY": "a\nb"}, ACME),
    "no_user_agent": ({"ENGAGE_USER_AGENT": ""}, ACME),
    "no_source": ({}, []),
    "plain_http": ({}, ["--base-url", "http://acme.voyado.com"]),
    "no_such_host": ({}, ["--base-url", "https://xn--a"]),
    "output_is_here": ({}, ["--output", ".", *FILES]),
    "output_is_a_keyword": ({}, ["--output", "class", *FILES]),
    "no_url": ({}, ["--base-url", "acme.voyado.com"]),
    "url_with_path": ({}, ["--base-url", "https://acme.voyado.com/api/v3"]),
    "url_with_password": ({}, ["--base-url", "https://u:pass@acme.com"]),
    "missing_schemas": ({}, ["--schemas", "nowhere"]),
    "empty_schemas": ({}, ["--schemas", "empty"]),
    "unknown_id": ({}, [*FILES, "nothing"]),
    "output_no_package": ({}, ["--output", "my-package", *FILES]),
    "missing_config": ({}, ["--config", "nowhere.toml"]),
    "config_without_section": ({}, ["--config", "other.toml"]),
    "config_unknown_key": ({}, ["--config", "key.toml"]),
    "config_bad_value": ({}, ["--config", "value.toml"]),
    "config_bad_target": ({}, ["--config", "target.toml"]),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_settings_that_cannot_work_change_nothing(
    name: str,
    project: Path,
    tool: Tool,
    error_golden: ErrorGolden,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (project / "schemas").mkdir()
    (project / "schemas" / "visit.json").write_text(json.dumps(envelope("visit")))
    (project / "empty").mkdir()
    (project / "other.toml").write_text("[project]\n")
    section = "[tool.engage-codegen]\n"
    (project / "key.toml").write_text(f'{section}schemas = "schemas"\nouptut = "x"\n')
    (project / "value.toml").write_text(f'{section}schemas = "schemas"\n\ndialect = "draft-7"\n')
    (project / "target.toml").write_text(
        f'{section}schemas = "schemas"\n[tool.engage-codegen.targets.se]\nwithout = ["bukl"]\n'
    )
    environment, arguments = SETTINGS[name]
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)
    before = contents(project)
    outcome = tool("pull", *arguments)
    assert outcome.code == 2
    assert contents(project) == before
    error_golden(name, outcome)
