"""Targets: several packages in one project, one command for all, a key for each."""

import json
from collections.abc import Generator
from pathlib import Path

import pytest

from engage_codegen.config import load
from engage_codegen.errors import ConfigError
from engage_codegen.sandbox.server import Sandbox, running
from tests.support.tenants import Answer, answering, envelope, holding
from tests.support.tool import Tool

pytestmark = pytest.mark.slow

SECTION = "tool.engage-codegen"


def configure(folder: Path, *lines: str) -> None:
    (folder / "pyproject.toml").write_text("\n".join(lines))


def configure_two(folder: Path, first: str, second: str) -> None:
    configure(
        folder,
        f"[{SECTION}]",
        'user-agent = "tests/1"',
        f"[{SECTION}.targets.brand-b]",
        f'base-url = "{second}"',
        'output = "b"',
        f"[{SECTION}.targets.brand-a]",
        f'base-url = "{first}"',
        'output = "a"',
    )


@pytest.fixture
def brands(project: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[tuple[Sandbox, Sandbox]]:
    with running(api_key="first") as first, running(api_key="second") as second:
        configure_two(project, first.base_url, second.base_url)
        monkeypatch.setenv("ENGAGE_API_KEY_BRAND_A", "first")
        monkeypatch.setenv("ENGAGE_API_KEY_BRAND_B", "second")
        yield first, second


def test_a_target_overrides_the_section_and_variables_override_both(tmp_path: Path) -> None:
    configure(
        tmp_path,
        f"[{SECTION}]",
        'dialect = "json-schema"',
        'base-url = "https://shared.example"',
        f"[{SECTION}.targets.b]",
        'output = "b"',
        f"[{SECTION}.targets.a]",
        'output = "a"',
        'base-url = "https://a.example"',
    )
    first, second = load(file=None, environ={}, flags={}, folder=tmp_path)
    assert (first.name, second.name) == ("a", "b")
    assert (first.base_url, second.base_url) == ("https://a.example", "https://shared.example")
    assert first.dialect == second.dialect == "json-schema"
    assert (first.output, second.output) == (tmp_path / "a", tmp_path / "b")
    environ = {"ENGAGE_BASE_URL": "https://env.example"}
    configs = load(file=None, environ=environ, flags={}, folder=tmp_path, targets=["b"])
    assert [(config.name, config.base_url) for config in configs] == [("b", "https://env.example")]


@pytest.mark.parametrize(
    ("lines", "message", "line"),
    [
        (["targets = 1"], "`targets` must be a table of targets", 2),
        ([f"[{SECTION}.targets]", "a = 1"], "'a' is not a target", 3),
        ([f"[{SECTION}.targets.'1 x']"], "'1 x' is not a target", 1),
        ([f"[{SECTION}.targets.a]", "bas-url = 'x'"], "'base-url'", 3),
        ([f"[{SECTION}.targets.a]", "api-key = 'x'"], "a checked-in key is not secret", 3),
        ([f"[{SECTION}.targets.a]", "waivers = []"], "unknown key 'waivers'", 3),
        ([f"[{SECTION}.targets.a]", "", f"[{SECTION}.targets.b]"], "into the same package", 0),
        (
            [f"[{SECTION}.targets.a]", "output = 'x'", f"[{SECTION}.targets.b]", "output = 'x/y'"],
            "into the same package",
            0,
        ),
    ],
)
def test_an_invalid_target_is_refused(
    tmp_path: Path, lines: list[str], message: str, line: int
) -> None:
    configure(tmp_path, f"[{SECTION}]", *lines)
    with pytest.raises(ConfigError) as caught:
        load(file=None, environ={}, flags={}, folder=tmp_path)
    assert message in str(caught.value)
    assert caught.value.location.line == line


def test_an_unknown_target_gets_the_nearest_name(tool: Tool, project: Path) -> None:
    configure_two(project, "https://a.example", "https://b.example")
    outcome = tool("generate", "--target", "brand-c")
    assert (outcome.code, "did you mean 'brand-" in outcome.out) == (2, True)
    configure(project, f"[{SECTION}]")
    assert tool("generate", "--target", "a").code == 2


def test_a_command_runs_for_every_target(
    brands: tuple[Sandbox, Sandbox], tool: Tool, project: Path
) -> None:
    outcome = tool("pull")
    assert outcome.code == 0
    assert outcome.err.index("brand-a:") < outcome.err.index("brand-b:")
    assert tool("generate").code == 0
    assert tool("check").code == 0
    assert (project / "a/repair.py").exists()
    (project / "a/repair.py").unlink()
    (project / "b/repair.py").unlink()
    assert tool("generate", "--target", "brand-b").code == 0
    outcome = tool("check")
    assert (outcome.code, outcome.err.count("stale: ")) == (1, 1)
    assert tool("list").out.count("\nrepair\t") == 2


def test_an_error_of_one_target_does_not_stop_the_others(
    brands: tuple[Sandbox, Sandbox], tool: Tool, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENGAGE_API_KEY_BRAND_A", "wrong")
    outcome = tool("pull")
    assert outcome.code == 5
    assert "brand-a: the tenant refused the API key" in outcome.out
    assert "ENGAGE_API_KEY_BRAND_A" in outcome.out
    assert (project / "b/_snapshot/repair.json").exists()


def test_no_tenant_receives_the_key_of_another_one(
    tool: Tool, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENGAGE_API_KEY", "that-of-a")
    schemas = holding(envelope("one"))
    with answering(schemas) as first, answering(schemas) as second:
        configure_two(project, first.base_url, second.base_url)
        outcome = tool("pull")
        assert outcome.code == 2
        assert "environment variable ENGAGE_API_KEY_BRAND_B" in outcome.out
        assert first.requests == second.requests == []
        assert tool("pull", "--target", "brand-a").code == 0, "a single tenant has one key"
        assert {headers["apikey"] for _, headers in first.requests} == {"that-of-a"}
        assert second.requests == []


def test_the_findings_of_all_targets_are_in_one_report(
    brands: tuple[Sandbox, Sandbox], tool: Tool, project: Path
) -> None:
    assert tool("pull").code == tool("generate").code == 0
    with answering(holding()) as away, answering({}) as out:
        configure_two(project, away.base_url, out.base_url)
        outcome = tool("check", "--live", "--output-format", "json")
    assert outcome.code == 4, "a breaking change counts more than an outage"
    findings = json.loads(outcome.out)["findings"]
    assert {finding["tenant"] for finding in findings} == {"brand-a", "brand-b"}
    assert {finding["code"] for finding in findings if finding["tenant"] == "brand-b"} == {"EG507"}
    changes = [finding for finding in findings if finding["tenant"] == "brand-a"]
    assert changes
    assert all(finding["file"].startswith("a/_snapshot/") for finding in changes)


def test_an_outage_does_not_hide_the_findings_of_the_offline_checks(
    tool: Tool, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENGAGE_API_KEY", "k")
    (project / "schemas").mkdir()
    bad = envelope("one", {"name": {"type": "string", "sortOrder": "first"}})
    (project / "schemas/one.json").write_text(json.dumps(bad))
    assert tool("generate", "--schemas", "schemas").code == 0
    with answering({"/api/v3/interactionschemas": Answer(b"", 500)}) as tenant:
        outcome = tool("check", "--live", "--base-url", tenant.base_url, "--user-agent", "a/1")
    assert outcome.code == 1
    assert "error EG113" in outcome.out
    assert "error EG507: the tenant answered with status 500" in outcome.out


def test_two_tenants_never_take_their_key_from_one_variable(
    tool: Tool, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENGAGE_API_KEY_A_B", "secret")
    with answering(holding(envelope("one"))) as first, answering({}) as second:
        configure(
            project,
            f"[{SECTION}]",
            'user-agent = "tests/1"',
            f"[{SECTION}.targets.a-b]",
            f'base-url = "{first.base_url}"',
            'output = "a"',
            f"[{SECTION}.targets.A_b]",
            f'base-url = "{second.base_url}"',
            'output = "b"',
        )
        assert "two tenants would use the key of one variable" in tool("pull").out
        assert first.requests == second.requests == []


@pytest.mark.parametrize("by", ["flag", "variable"])
def test_one_url_cannot_replace_those_of_several_targets(
    brands: tuple[Sandbox, Sandbox], tool: Tool, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    with answering({}) as tenant:
        flags = ["--base-url", tenant.base_url] if by == "flag" else []
        if by == "variable":
            monkeypatch.setenv("ENGAGE_BASE_URL", tenant.base_url)
        assert tool("pull", *flags).code == 2
        assert tenant.requests == []
        assert tool("pull", "--target", "brand-a", *flags).code == 5, "a single target can"
        monkeypatch.delenv("ENGAGE_BASE_URL", raising=False)
        assert tool("pull").code == tool("generate").code == 0
        monkeypatch.setenv("ENGAGE_BASE_URL", tenant.base_url)
        assert tool("check").code == 0, "check asks no tenant"


def test_a_stale_package_does_not_hide_a_breaking_change(
    brands: tuple[Sandbox, Sandbox], tool: Tool, project: Path
) -> None:
    assert tool("pull").code == tool("generate").code == 0
    (project / "a/repair.py").unlink()
    with answering(holding()) as away:
        outcome = tool(
            "check", "--live", "--target", "brand-a", "--base-url", away.base_url,
            "--output-format", "json",
        )  # fmt: skip
    assert outcome.code == 4
    findings = json.loads(outcome.out)["findings"]
    assert {finding["code"] for finding in findings} == {"EG301", "EG401"}
    (stale,) = [finding for finding in findings if finding["code"] == "EG401"]
    assert (stale["file"], stale["tenant"]) == ("a/repair.py", "brand-a")
