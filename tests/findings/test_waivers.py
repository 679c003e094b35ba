"""Waivers: findings that a team accepts until a day."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from engage_codegen.config import Waiver, load
from engage_codegen.errors import ConfigError
from engage_codegen.findings.codes import rules
from engage_codegen.findings.finding import Finding
from engage_codegen.findings.waivers import active_fingerprints, check_waivers
from tests.support.tenants import answering, envelope, holding
from tests.support.tool import Tool

FINGERPRINT = "EG301:0123456789abcdef"


def waiver(finding: str, until: str = "2999-12-31", reason: str = '"accepted"') -> str:
    return (
        "[[tool.engage-codegen.waivers]]\n"
        f'finding = "{finding}"\nreason = {reason}\nuntil = {until}\n'
    )


def configure(folder: Path, *tables: str) -> None:
    text = '[tool.engage-codegen]\noutput = "package"\nuser-agent = "tests/1"\n'
    (folder / "pyproject.toml").write_text(text + "".join(tables))


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (waiver("EG301"), "'EG301' is not the id of a finding"),
        (waiver("0123456789abcdef"), "'0123456789abcdef' is not the id of a finding"),
        (waiver(FINGERPRINT, reason='" "'), "has no reason"),
        (waiver(FINGERPRINT, reason="1"), "has no reason"),
        (waiver(FINGERPRINT, until='"2030-01-01"'), "which is not a date"),
        (waiver(FINGERPRINT, until="2030-01-01T00:00:00Z"), "which is not a date"),
        (waiver(FINGERPRINT) + "more = 1\n", "must have the keys finding, reason and until"),
        (waiver(FINGERPRINT) + 'owner = " "\n', "must name somebody"),
        (waiver(FINGERPRINT) + "owner = 1\n", "must name somebody"),
        (
            f'[[tool.engage-codegen.waivers]]\nfinding = "{FINGERPRINT}"\n',
            "must have the keys finding, reason and until",
        ),
        ("[tool.engage-codegen.waivers]\n", "must have the keys finding, reason and until"),
    ],
)
def test_an_invalid_waiver_is_refused_with_an_example(
    tmp_path: Path, table: str, message: str
) -> None:
    configure(tmp_path, table)
    with pytest.raises(ConfigError, match=message) as caught:
        load(file=None, environ={}, flags={}, folder=tmp_path)
    assert "[[tool.engage-codegen.waivers]]" in caught.value.fix
    assert caught.value.location.line == 4


def test_a_waiver_includes_its_last_day() -> None:
    waivers = [Waiver(FINGERPRINT, "why", date(2026, 5, 1))]
    assert active_fingerprints(waivers, date(2026, 5, 1)) == {FINGERPRINT}
    assert active_fingerprints(waivers, date(2026, 5, 2)) == frozenset()


def test_unused_and_expired_waivers_are_findings_on_their_lines() -> None:
    finding = Finding("EG301", "repair", (), ("removed",), "is gone", "restore the schema")
    used = Waiver(finding.fingerprint, "why", date(2026, 5, 1), 7)
    unused = Waiver(FINGERPRINT, "why", date(2026, 5, 1), 9)
    today, later = date(2026, 5, 1), date(2026, 5, 2)
    assert check_waivers([used], [finding], ["EG3"], today, "f") == []
    (result,) = check_waivers([used, unused], [finding], ["EG3"], today, "f")
    assert (result.code, result.location.line) == ("EG403", 9)
    assert check_waivers([unused], [], ["EG1"], today, "f") == [], "this run did not look for it"
    first, second = check_waivers([used, unused], [finding], ["EG1"], later, "f")
    assert (first.code, second.code) == ("EG402", "EG402")
    assert first.message.endswith("expired on 2026-05-01, and its finding still exists")
    assert second.message.endswith("expired on 2026-05-01, and its finding no longer exists")
    assert "why" in first.fix
    assert second.fix == "remove the waiver"


def test_the_owner_of_a_waiver_is_shown_when_it_expires_or_is_unused(
    project: Path, tool: Tool
) -> None:
    owned = 'owner = "reviews@acme.example"\n'
    configure(
        project,
        waiver(FINGERPRINT, "2020-01-01") + owned,
        waiver("EG113:0123456789abcdef") + owned,
        waiver("EG114:0123456789abcdef", "2020-01-01"),
    )
    (project / "one.json").write_text(json.dumps(envelope("one")))
    assert tool("generate", "--schemas", "one.json").code == 0
    _, findings = run(tool, "check", "--schemas", "one.json")
    owners = {(finding["code"], finding["owner"]) for finding in findings}
    assert owners == {
        ("EG402", "reviews@acme.example"),
        ("EG403", "reviews@acme.example"),
        ("EG402", None),
    }
    out = tool("check", "--schemas", "one.json").out
    assert out.count("    owner: reviews@acme.example\n") == 2


def test_a_waiver_that_was_renewed_is_not_expired() -> None:
    old, new = (Waiver(FINGERPRINT, "why", date(year, 1, 1)) for year in (2020, 2030))
    assert check_waivers([old, new], [], ["EG1"], date(2026, 1, 1), "f") == []


def run(tool: Tool, *arguments: str) -> tuple[int, list[dict[str, Any]]]:
    """Return the exit code and the findings of a command."""
    outcome = tool(*arguments, "--output-format", "json")
    return outcome.code, json.loads(outcome.out)["findings"]


def test_a_waiver_is_not_unused_because_the_tenant_did_not_answer(
    project: Path, tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "schemas").mkdir()
    (project / "schemas/one.json").write_text(json.dumps(envelope("one")))
    configure(project)
    assert tool("generate", "--schemas", "schemas").code == 0
    configure(project, waiver(FINGERPRINT), waiver("EG113:0123456789abcdef"))
    monkeypatch.setenv("ENGAGE_API_KEY", "k")
    with answering({}) as tenant:
        monkeypatch.setenv("ENGAGE_BASE_URL", tenant.base_url)
        code, (outage, unused) = run(tool, "check", "--live")
    assert code == 5
    assert outage["code"] == "EG507"
    assert (unused["code"], unused["reason"]) == ("EG403", ["EG113:0123456789abcdef"])


def test_a_waived_finding_does_not_fail_a_command_until_its_day(
    project: Path, tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENGAGE_API_KEY", "k")
    configure(project)
    ours = envelope("one", {"a": {"type": "string"}, "b": {"type": "string"}})
    with answering(holding(ours)) as tenant:
        monkeypatch.setenv("ENGAGE_BASE_URL", tenant.base_url)
        assert tool("pull").code == tool("generate").code == 0
    with answering(holding(envelope("one", {"a": {"type": "string"}}))) as tenant:
        monkeypatch.setenv("ENGAGE_BASE_URL", tenant.base_url)
        code, (finding,) = run(tool, "check", "--live")
        assert code == 4
        assert f"id:  {finding['fingerprint']}" in tool("diff").out
        assert tool("preflight", "package").code == 4
        configure(project, waiver(finding["fingerprint"]))
        assert run(tool, "check", "--live") == (0, [])
        assert "1 finding waived" in tool("check", "--live").err
        assert run(tool, "diff") == (0, [])
        assert run(tool, "check") == (0, []), "offline nothing is known about this waiver"
        assert tool("preflight", "package").code == 0
        configure(project, waiver(finding["fingerprint"], until="2020-01-01"))
        code, (same, expired) = run(tool, "check", "--live")
        assert (code, same, expired["code"]) == (4, finding, "EG402")
        assert (expired["file"], expired["line"]) == ("pyproject.toml", 5)
        configure(project, waiver(finding["fingerprint"]), waiver(FINGERPRINT))
        code, (unused,) = run(tool, "check", "--live")
        assert (code, unused["code"], unused["line"]) == (0, "EG403", 9)
        assert tool("check", "--live", "--strict").code == 1


def test_a_finding_of_lint_can_be_waived(project: Path, tool: Tool) -> None:
    (project / "schemas").mkdir()
    bad = envelope("one", {"name": {"type": "string", "sortOrder": "first"}})
    (project / "schemas/one.json").write_text(json.dumps(bad))
    configure(project)
    assert tool("generate", "--schemas", "schemas").code == 0
    code, findings = run(tool, "check")
    assert (code, [finding["code"] for finding in findings]) == (1, ["EG113"])
    configure(project, waiver(findings[0]["fingerprint"]))
    assert run(tool, "check") == (0, [])
    assert "EG113" not in tool("lint").out


@pytest.mark.parametrize("code", [code for code, rule in rules().items() if not rule.waivable])
def test_a_stale_package_or_a_failed_run_cannot_be_waived(tmp_path: Path, code: str) -> None:
    configure(tmp_path, waiver(f"{code}:0123456789abcdef"))
    with pytest.raises(ConfigError, match=f"findings of {code} cannot be waived") as caught:
        load(file=None, environ={}, flags={}, folder=tmp_path)
    assert caught.value.fix == "remove the waiver"
