"""Findings that a team accepts until a day."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from engage_codegen.config import Waiver, load
from engage_codegen.errors import ConfigError
from engage_codegen.findings.finding import Finding
from engage_codegen.findings.waivers import about, waived
from tests.support.tenants import answering, envelope, holding
from tests.support.tool import Tool

FINDING = "EG301:0123456789abcdef"


def waiver(finding: str, until: str = "2999-12-31", reason: str = '"accepted"') -> str:
    return (
        "[[tool.engage-codegen.waivers]]\n"
        f'finding = "{finding}"\nreason = {reason}\nuntil = {until}\n'
    )


def configure(folder: Path, *tables: str) -> None:
    text = '[tool.engage-codegen]\noutput = "package"\nuser-agent = "tests/1"\n'
    (folder / "pyproject.toml").write_text(text + "".join(tables))


@pytest.mark.parametrize(
    "table",
    [
        waiver("EG301"),
        waiver("0123456789abcdef"),
        waiver(FINDING, reason='" "'),
        waiver(FINDING, reason="1"),
        waiver(FINDING, until='"2030-01-01"'),
        waiver(FINDING, until="2030-01-01T00:00:00Z"),
        waiver(FINDING) + "more = 1\n",
        f'[[tool.engage-codegen.waivers]]\nfinding = "{FINDING}"\n',
        "[tool.engage-codegen.waivers]\n",
    ],
)
def test_what_is_no_waiver(tmp_path: Path, table: str) -> None:
    configure(tmp_path, table)
    with pytest.raises(ConfigError) as caught:
        load(file=None, environ={}, flags={}, folder=tmp_path)
    assert "[[tool.engage-codegen.waivers]]" in caught.value.fix


def test_a_waiver_holds_to_the_end_of_its_day() -> None:
    waivers = [Waiver(FINDING, "why", date(2026, 5, 1))]
    assert waived(waivers, date(2026, 5, 1)) == {FINDING}
    assert waived(waivers, date(2026, 5, 2)) == frozenset()


def test_what_is_told_about_waivers() -> None:
    finding = Finding("EG301", "error", "repair", (), "is gone", "mend it")
    used = Waiver(finding.fingerprint, "why", date(2026, 5, 1), 7)
    unused = Waiver(FINDING, "why", date(2026, 5, 1), 9)
    today, later = date(2026, 5, 1), date(2026, 5, 2)
    assert about([used], [finding], ["EG3"], today, "f") == []
    (told,) = about([used, unused], [finding], ["EG3"], today, "f")
    assert (told.code, told.place.line) == ("EG403", 9)
    assert about([unused], [], ["EG1"], today, "f") == [], "nobody looked for it"
    first, second = about([used, unused], [finding], ["EG1"], later, "f")
    assert (first.code, second.code) == ("EG402", "EG402")
    assert "is there" in first.message
    assert "nothing needs it" in second.message


def test_a_waiver_that_was_renewed_is_not_expired() -> None:
    old, new = (Waiver(FINDING, "why", date(year, 1, 1)) for year in (2020, 2030))
    assert about([old, new], [], ["EG1"], date(2026, 1, 1), "f") == []


def test_an_outage_says_nothing_about_waivers(
    project: Path, tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "schemas").mkdir()
    (project / "schemas/one.json").write_text(json.dumps(envelope("one")))
    configure(project)
    assert tool("generate", "--schemas", "schemas").code == 0
    configure(project, waiver(FINDING), waiver("EG113:0123456789abcdef"))
    monkeypatch.setenv("ENGAGE_API_KEY", "k")
    with answering({}) as tenant:
        monkeypatch.setenv("ENGAGE_BASE_URL", tenant.base_url)
        outcome = tool("check", "--live", "--output-format", "json")
    assert outcome.code == 5
    (told,) = json.loads(outcome.out)["findings"]
    assert "EG113" in told["message"], "that one was looked for"


def findings(tool: Tool, *arguments: str) -> tuple[int, list[dict[str, Any]]]:
    outcome = tool(*arguments, "--output-format", "json")
    return outcome.code, json.loads(outcome.out)["findings"]


def test_a_waived_finding_is_green_until_its_day(
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
        code, (finding,) = findings(tool, "check", "--live")
        assert code == 4
        assert f"id:  {finding['fingerprint']}" in tool("diff").out
        assert tool("preflight", "package").code == 4
        configure(project, waiver(finding["fingerprint"]))
        assert findings(tool, "check", "--live") == (0, [])
        assert "1 finding waived" in tool("check", "--live").err
        assert findings(tool, "diff") == (0, [])
        assert findings(tool, "check") == (0, []), "offline nobody looks for it"
        assert tool("preflight", "package").code == 0
        assert "no difference but what is waived" in tool("diff").err
        configure(project, waiver(finding["fingerprint"], until="2020-01-01"))
        code, (again, expired) = findings(tool, "check", "--live")
        assert (code, again, expired["code"]) == (4, finding, "EG402")
        assert (expired["file"], expired["line"]) == ("pyproject.toml", 5)
        configure(project, waiver(finding["fingerprint"]), waiver(FINDING))
        code, (unneeded,) = findings(tool, "check", "--live")
        assert (code, unneeded["code"], unneeded["line"]) == (0, "EG403", 9)
        assert tool("check", "--live", "--strict").code == 1


def test_what_lint_finds_can_be_waived(project: Path, tool: Tool) -> None:
    (project / "schemas").mkdir()
    bad = envelope("one", {"name": {"type": "string", "sortOrder": "first"}})
    (project / "schemas/one.json").write_text(json.dumps(bad))
    configure(project)
    assert tool("generate", "--schemas", "schemas").code == 0
    code, found = findings(tool, "check")
    assert (code, [it["code"] for it in found]) == (1, ["EG113"])
    configure(project, waiver(found[0]["fingerprint"]))
    assert findings(tool, "check") == (0, [])
    assert "EG113" not in tool("lint").out
