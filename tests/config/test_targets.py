"""Several packages in one project: what a target may say, one command for all, a key for each."""

import json
from collections.abc import Generator
from pathlib import Path

import pytest

from engage_codegen.config import load
from engage_codegen.errors import ConfigError
from engage_codegen.sandbox.server import Sandbox, running
from tests.support.tenants import Answer, answering, envelope, holding
from tests.support.tool import Tool

SECTION = "tool.engage-codegen"


def configure(folder: Path, *lines: str) -> None:
    (folder / "pyproject.toml").write_text("\n".join(lines))


def two(folder: Path, first: str, second: str) -> None:
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
        two(project, first.base_url, second.base_url)
        monkeypatch.setenv("ENGAGE_API_KEY_BRAND_A", "first")
        monkeypatch.setenv("ENGAGE_API_KEY_BRAND_B", "second")
        yield first, second


def test_a_target_stands_above_the_section_and_below_variables(tmp_path: Path) -> None:
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
    one, other = load(file=None, environ={}, flags={}, folder=tmp_path)
    assert (one.name, other.name) == ("a", "b")
    assert (one.base_url, other.base_url) == ("https://a.example", "https://shared.example")
    assert one.dialect == other.dialect == "json-schema"
    assert (one.output, other.output) == (tmp_path / "a", tmp_path / "b")
    environ = {"ENGAGE_BASE_URL": "https://env.example"}
    found = load(file=None, environ=environ, flags={}, folder=tmp_path, targets=["b"])
    assert [(it.name, it.base_url) for it in found] == [("b", "https://env.example")]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["targets = 1"], "no target"),
        ([f"[{SECTION}.targets]", "a = 1"], "no target"),
        ([f"[{SECTION}.targets.'1 x']"], "no target"),
        ([f"[{SECTION}.targets.a]", "bas-url = 'x'"], "'base-url'"),
        ([f"[{SECTION}.targets.a]", "api-key = 'x'"], "no secret"),
        ([f"[{SECTION}.targets.a]", "waivers = []"], "unknown key"),
        ([f"[{SECTION}.targets.a]", "", f"[{SECTION}.targets.b]"], "one package"),
        (
            [f"[{SECTION}.targets.a]", "output = 'x'", f"[{SECTION}.targets.b]", "output = 'x/y'"],
            "one package",
        ),
    ],
)
def test_what_no_target_can_say(tmp_path: Path, lines: list[str], said: str) -> None:
    configure(tmp_path, f"[{SECTION}]", *lines)
    with pytest.raises(ConfigError) as caught:
        load(file=None, environ={}, flags={}, folder=tmp_path)
    assert said in str(caught.value)


def test_a_target_that_there_is_not_gets_the_nearest(tool: Tool, project: Path) -> None:
    two(project, "https://a.example", "https://b.example")
    outcome = tool("generate", "--target", "brand-c")
    assert (outcome.code, "did you mean 'brand-" in outcome.err) == (2, True)
    configure(project, f"[{SECTION}]")
    assert tool("generate", "--target", "a").code == 2


def test_one_command_does_all_of_them(
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
    assert (outcome.code, outcome.err.count("stale")) == (1, 1)
    assert tool("list").out.count("\nrepair\t") == 2


def test_what_fails_for_one_does_not_keep_the_other(
    brands: tuple[Sandbox, Sandbox], tool: Tool, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENGAGE_API_KEY_BRAND_A", "wrong")
    outcome = tool("pull")
    assert outcome.code == 5
    assert "ENGAGE_API_KEY_BRAND_A" in outcome.err
    assert (project / "b/_snapshot/repair.json").exists()


def test_no_tenant_sees_the_key_of_another(
    tool: Tool, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENGAGE_API_KEY", "that-of-a")
    schemas = holding(envelope("one"))
    with answering(schemas) as first, answering(schemas) as second:
        two(project, first.base_url, second.base_url)
        outcome = tool("pull")
        assert outcome.code == 2
        assert "environment variable ENGAGE_API_KEY_BRAND_B" in outcome.err
        assert first.requests == second.requests == []
        assert tool("pull", "--target", "brand-a").code == 0, "a single tenant has one key"
        assert {headers["apikey"] for _, headers in first.requests} == {"that-of-a"}
        assert second.requests == []


def test_findings_of_all_targets_are_one_document(
    brands: tuple[Sandbox, Sandbox], tool: Tool, project: Path
) -> None:
    assert tool("pull").code == tool("generate").code == 0
    with answering(holding()) as away, answering({}) as out:
        two(project, away.base_url, out.base_url)
        outcome = tool("check", "--live", "--output-format", "json")
    assert outcome.code == 4, "what breaks counts more than an outage"
    found = json.loads(outcome.out)["findings"]
    assert {it["tenant"] for it in found} == {"brand-a"}
    assert all(it["file"].startswith("a/_snapshot/") for it in found)


def test_an_outage_does_not_hide_what_was_found_offline(
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
    assert "EG113" in outcome.out
    assert "answered 500" in outcome.err


def test_two_tenants_never_share_a_variable(
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
        assert "from one variable" in tool("pull").err
        assert first.requests == second.requests == []


@pytest.mark.parametrize("by", ["flag", "variable"])
def test_one_url_cannot_stand_for_several_targets(
    brands: tuple[Sandbox, Sandbox], tool: Tool, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    with answering({}) as tenant:
        flags = ["--base-url", tenant.base_url] if by == "flag" else []
        if by == "variable":
            monkeypatch.setenv("ENGAGE_BASE_URL", tenant.base_url)
        assert tool("pull", *flags).code == 2
        assert tenant.requests == []
        assert tool("pull", "--target", "brand-a", *flags).code == 5, "one is asked for"
        monkeypatch.delenv("ENGAGE_BASE_URL", raising=False)
        assert tool("pull").code == tool("generate").code == 0
        monkeypatch.setenv("ENGAGE_BASE_URL", tenant.base_url)
        assert tool("check").code == 0, "offline it does not matter"


def test_a_stale_package_does_not_hide_what_breaks(
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
    found = json.loads(outcome.out)["findings"]
    assert {it["code"] for it in found} == {"EG301", "EG401"}
    (stale,) = [it for it in found if it["code"] == "EG401"]
    assert (stale["file"], stale["tenant"]) == ("a/repair.py", "brand-a")
