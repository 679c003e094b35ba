"""The command `probe`: which tenants it asks, what it writes, and who reads that."""

import json
import re
from pathlib import Path

import httpx
import pytest

from engage_codegen.sandbox.options import Options
from engage_codegen.sandbox.options.platform_file import read_platform_file
from engage_codegen.sandbox.server import Sandbox, running
from engage_codegen.verbs.probe.hosts import is_test_host
from engage_codegen.verbs.probe.platform_file import read_platform
from tests.support.odd_tenant import CONTACT as ODD_CONTACT
from tests.support.odd_tenant import odd_tenant
from tests.support.probing import count_leftovers
from tests.support.tool import Tool

EMAIL = "test.contact.1@example.com"


@pytest.fixture
def environment(
    project: Path, tenant_to_probe: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> Sandbox:
    """The environment of a project whose tenant may be probed."""
    monkeypatch.setenv("ENGAGE_BASE_URL", tenant_to_probe.base_url)
    monkeypatch.setenv("ENGAGE_API_KEY", tenant_to_probe.api_key)
    monkeypatch.setenv("ENGAGE_USER_AGENT", "tests/1")
    monkeypatch.setattr("engage_codegen.sources.tenant_session.RateLimiter.wait", _do_not_wait)
    del project
    return tenant_to_probe


async def _do_not_wait(_limiter: object) -> None:
    return


def set_options(tenant: Sandbox, **values: object) -> None:
    options = tenant.state.options.model_dump(by_alias=True)
    changes = {name.replace("_", "-"): value for name, value in values.items()}
    tenant.state.options = Options.model_validate(options | changes)


def test_a_probe_writes_a_file_that_the_sandbox_reads_and_a_second_one_names_changes(
    environment: Sandbox, project: Path, tool: Tool
) -> None:
    set_options(environment, create_status=201, list_order="shuffled")
    outcome = tool("probe", "--email", EMAIL, "--limits")
    assert outcome.code == 0, outcome.err
    assert "create-status\tWhat is a create answered with?\t200\t201 (differs)" in outcome.out
    assert "keyword enum: refused with 400" in outcome.out
    assert count_leftovers(environment) == 0
    path = project / "engage-platform.toml"
    text = path.read_text("utf-8")
    for secret in (environment.api_key, EMAIL, "3f0c1a52-7d5e"):
        assert secret not in text
    assert read_platform(path).limits["number of segmentable properties"].startswith("6 accepted")
    platform = read_platform_file(path)
    with running(platform=platform) as sandbox:
        assert sandbox.state.options.create_status == 201
        page = httpx.get(f"{sandbox.base_url}/_sandbox/ui/options").text
    sources = dict(re.findall(r"<code>([a-z-]+)</code>: .*</strong>, (.*)<br>", page))
    assert sources["create-status"] == f"observed on {platform.date}"
    assert sources["rate-limit"] == "documented"
    assert sources["deleted-contact-interactions"] == "assumed"
    assert sources.keys() == {field.alias for field in Options.model_fields.values()}
    assert tool("probe", "--replay").code == 0
    set_options(environment, create_status=200)
    outcome = tool("probe", "--email", EMAIL)
    assert "changed since the last probe: create-status was 201 and is 200" in outcome.err


def test_check_reports_a_changed_platform(environment: Sandbox, project: Path, tool: Tool) -> None:
    assert tool("pull").code == tool("generate").code == 0
    command = ("check", "--live", "--probe", "--email", EMAIL)
    assert tool(*command).code == 2  # there is no file yet
    assert tool("probe", "--email", EMAIL).code == 0
    assert tool(*command).code == 0
    before = (project / "engage-platform.toml").read_bytes()
    set_options(environment, delete_status=204)
    outcome = tool(*command, "--output-format", "json")
    assert outcome.code == 1
    (finding,) = json.loads(outcome.out)["findings"]
    assert finding["code"] == "EG305"
    assert "delete-status was 200 and is 204" in finding["message"]
    assert (project / "engage-platform.toml").read_bytes() == before
    assert tool("check", "--probe").code == 2
    path = project / "engage-platform.toml"
    path.write_text(path.read_text().replace('tenant = "127.0.0.1"', 'tenant = "other"'))
    outcome = tool(*command)
    assert outcome.code == 2
    assert "describes the tenant 'other'" in outcome.out


def test_what_is_unexplained_is_printed_word_for_word(
    project: Path, tool: Tool, monkeypatch: pytest.MonkeyPatch, environment: Sandbox
) -> None:
    del project, environment
    with odd_tenant("create-status") as tenant:
        monkeypatch.setenv("ENGAGE_BASE_URL", tenant.base_url)
        outcome = tool("probe", "--contact", ODD_CONTACT)
    assert outcome.code == 1
    assert "unexplained: create-status: string-attributes is answered with 202" in outcome.out or (
        "unexplained: create-status: non-string-attributes is answered with 202" in outcome.out
    )
    assert '  answer: 202 {"id": "{schema-a}"' in outcome.out


def test_a_tenant_without_three_free_places_is_left_alone(environment: Sandbox, tool: Tool) -> None:
    with environment.store.transaction() as tenant:
        for number in range(13 - len(tenant.list_schemas())):
            tenant.add_schema(f"other-{number}", "x", {"properties": {}})
    outcome = tool("probe", "--email", EMAIL)
    assert outcome.code == 2
    assert "has 13 of 15 schemas, and a probe needs 3 free places" in outcome.err
    assert [entry.method for entry in environment.state.log.list()] == ["GET", "GET"]


@pytest.mark.parametrize("host", ["acme.voyado.com", "acme-staging.voyado.com", "192.0.2.7"])
def test_a_tenant_that_may_be_production_is_refused(
    host: str, environment: Sandbox, tool: Tool
) -> None:
    del environment
    address = ("probe", "--email", EMAIL, "--base-url", f"https://{host}")
    outcome = tool(*address)
    assert outcome.code == 2
    assert "which may be production" in outcome.err
    outcome = tool(*address, "--this-is-not-production")
    assert outcome.code == 2
    assert "its host was not typed" in outcome.err
    outcome = tool(*address, "--this-is-not-production", "--tenant-host", "other.voyado.com")
    assert outcome.code == 2


@pytest.mark.parametrize(
    ("host", "named", "expected"),
    [
        ("acme.staging.voyado.com", "", True),
        ("staging.voyado.com.example.com", "", False),
        ("acme.voyado.com", "", False),
        ("acme.voyado.com", "other.voyado.com, ACME.voyado.com", True),
        ("127.0.0.1", "", True),
        ("", "", False),
    ],
)
def test_test_hosts_are_staging_this_machine_and_what_the_environment_names(
    host: str, named: str, expected: bool
) -> None:
    assert is_test_host(host, {"ENGAGE_TEST_HOSTS": named}) is expected


def test_a_contact_that_does_not_exist_is_an_error(environment: Sandbox, tool: Tool) -> None:
    outcome = tool("probe", "--contact", "00000000-0000-4000-8000-000000000000")
    assert outcome.code == 2
    assert "no such contact" in outcome.err
    assert tool("probe", "--email", "nobody@example.com").code == 2
    assert tool("probe").code == 2
    assert count_leftovers(environment) == 0


@pytest.mark.parametrize(
    "text",
    [
        "",
        "format = 2",
        "format = 1\nobserved = 2026-01-01T00:00:00Z\nrequests = 1\n[options]\nnonsense = 1",
        "format = 1\nobserved = 2026-01-01T00:00:00Z\n[options]\ncreate-status = 418",
        "not TOML",
    ],
)
def test_an_unusable_file_is_refused(text: str, project: Path, tool: Tool) -> None:
    (project / "engage-platform.toml").write_text(text)
    outcome = tool("sandbox", "--port", "0")
    assert outcome.code == 2
    assert "engage-platform.toml" in outcome.err
    assert tool("probe", "--replay").code == 2


def test_preflight_says_what_becomes_of_payloads_that_do_not_fit(
    environment: Sandbox, project: Path, tool: Tool
) -> None:
    assert tool("pull").code == tool("generate").code == 0
    lines = ["format = 1", 'tenant = "acme"', 'api-version = "v3"', "requests = 1"]
    options = ["[options]", 'broken-interaction = "ignore"', 'ill-typed-property = "drop"']
    text = "\n".join([*lines, "observed = 2026-11-01T00:00:00Z", *options])
    (project / "engage-platform.toml").write_text(text)
    package = "engage_interactions"
    assert "observed in acme" not in tool("preflight", package).err
    with environment.store.transaction() as tenant:
        tenant.delete_schema("repair")
    outcome = tool("preflight", package)
    assert outcome.code == 4
    assert "observed in acme on 2026-11-01: an interaction that breaks its schema is answered" in (
        outcome.err
    )


def _answer_once(*_: object, **__: object) -> int:
    return 1


def _say_terminal(_: object) -> bool:
    return True


def test_the_runs_of_automations_are_asked_on_a_terminal_only(
    environment: Sandbox, project: Path, tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    del environment
    command = ("probe", "--email", EMAIL, "--automations")
    assert tool(*command).code == 2
    monkeypatch.setattr("engage_codegen.cli.probe.is_terminal", _say_terminal)
    monkeypatch.setattr("click.prompt", _answer_once)
    assert tool(*command).code == 0
    platform = read_platform(project / "engage-platform.toml")
    assert platform.options["automation-trigger"] == "first-per-contact"
