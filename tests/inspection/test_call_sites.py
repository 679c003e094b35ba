"""Where a source tree calls the classes and senders of a package, and which calls can break."""

import json
from pathlib import Path
from typing import Any

import pytest

from engage_codegen.inspection.call_sites import find_calls
from engage_codegen.output.snapshot import read_lockfile
from tests.support.tenants import answering, envelope, holding
from tests.support.tool import Tool

SHOP = """\
import acme.visits.visit as v
import acme.visits.visit
from acme import visits
from .visits.visit import Visit as V, send_visit
from acme.visits.visit import *
from acme.other import Visit as Other

def f(values: dict) -> None:
    send_visit(client, "c", V(name="a", store_id="b"))
    v.Visit(name="a")
    å = acme.visits.visit.Visit(**values)
    visits.visit.Visit.from_payload(values)
    await_me = send_visit_async(client, "c", Visit(store_id="x"))
    Other(name="a"), Visit, V.to_payload(1), visits.nothing(), (lambda: 1)()
"""


def sites(visits: Path) -> list[tuple[int, int, str]]:
    output = visits / "acme/visits"
    result = find_calls([visits / "app"], output, read_lockfile(output).modules)
    return [(site.location.line, site.location.column, site.name) for site in result.sites]


def test_calls_are_found_however_they_are_imported(visits: Path) -> None:
    (visits / "app/shop.py").write_text(SHOP, "utf-8")
    lines = SHOP.splitlines()
    calls = sites(visits)
    assert [(line, name) for line, _, name in calls] == [
        (9, "send_visit"),
        (9, "Visit"),
        (10, "Visit"),
        (11, "Visit"),
        (12, "Visit.from_payload"),
        (13, "send_visit_async"),
        (13, "Visit"),
    ]
    starts = ("send_visit", "V(", "v.", "acme.", "visits.", "send_visit_async", "Visit(")
    for (line, column, _), start in zip(calls, starts, strict=True):
        assert lines[line - 1][column - 1 :].startswith(start)


def test_unreadable_files_are_named_and_hidden_or_installed_ones_are_skipped(
    visits: Path, tool: Tool
) -> None:
    (visits / "app/broken.py").write_text("from acme.visits import (")
    (visits / "app/latin.py").write_bytes(b"from acme import visits\nx = '\xe5'\n")
    for folder in (".hidden", "node_modules", "env"):
        (visits / "app" / folder).mkdir()
        (visits / "app" / folder / "a.py").write_text(SHOP, "utf-8")
    (visits / "app/env/pyvenv.cfg").touch()
    assert sites(visits) == []
    outcome = tool("explain", "visit", "--usage", "app")
    assert "no calls" in outcome.err
    assert "app/broken.py cannot be read as Python and was skipped" in outcome.err
    assert "app/latin.py cannot be read as Python and was skipped" in outcome.err
    assert tool("explain", "visit", "--usage", "nowhere").code == 2


def test_the_calls_of_a_property_are_those_that_pass_it_or_may_pass_it(
    visits: Path, tool: Tool
) -> None:
    (visits / "app/shop.py").write_text(SHOP.replace("store_id", "store"), "utf-8")
    out = tool("explain", "visit.storeId", "--usage", "app").out
    used = [line[11:] for line in out.splitlines() if line.startswith("used")]
    assert used == [
        "app/shop.py:9:29 Visit(…)",
        "app/shop.py:11:9 Visit(…) perhaps",
        "app/shop.py:12:5 Visit.from_payload(…) perhaps",
        "app/shop.py:13:46 Visit(…)",
    ]


@pytest.mark.parametrize(
    ("other", "lines"),
    [
        ({"name": {"type": "string"}, "a.b": {"type": "integer", "minimum": 3}}, [9, 11, 12, 13]),
        (None, [9, 9, 10, 11, 12, 13, 13]),
    ],
)
def test_a_breaking_change_is_reported_at_the_calls_that_it_can_break(
    visits: Path,
    tool: Tool,
    monkeypatch: pytest.MonkeyPatch,
    other: dict[str, Any] | None,
    lines: list[int],
) -> None:
    (visits / "app/shop.py").write_text(SHOP.replace("store_id", "store"), "utf-8")
    monkeypatch.setenv("ENGAGE_API_KEY", "k")
    schemas = [] if other is None else [envelope("visit", other, required=["name"])]
    with answering(holding(*schemas)) as tenant:
        for command in (["diff"], ["check", "--live"]):
            outcome = tool(
                *command, "--base-url", tenant.base_url, "--usage", "app", "--output-format", "json"
            )
            assert outcome.code == 4
            findings = json.loads(outcome.out)["findings"]
            calls = [item for item in findings if item["file"] == "app/shop.py"]
            assert [item["line"] for item in calls] == lines
            assert all(item["call"] for item in calls)
            (main,) = {item["fingerprint"] for item in findings if item["code"] == "EG301"}
            assert {item["fingerprint"] for item in calls} == {main}, (
                "one waiver is for all of them"
            )


def test_a_property_that_became_required_breaks_the_calls_without_it(
    visits: Path, tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    (visits / "app/shop.py").write_text(SHOP.replace("store_id", "store"), "utf-8")
    other = json.loads((visits / "acme/visits/_snapshot/visit.json").read_text())
    other["jsonSchema"]["required"] = ["name", "storeId"]
    (visits / "theirs.json").write_text(json.dumps(other))
    outcome = tool("diff", "snapshot", "theirs.json", "--usage", "app", "--output-format", "github")
    assert outcome.code == 4
    calls = [line for line in outcome.out.splitlines() if "file=app/shop.py" in line]
    assert [line.split("line=")[1].split(",")[0] for line in calls] == ["10", "11", "12"]


FALLBACK = """\
# -*- coding: latin-1 -*-
try:
    from acme.visits.visit import Visit
except ImportError:
    from stubs import Visit
from functools import partial
import other.visits.visit

Alias = Visit
q = "\u00e9\u00e9"; Visit(name="a", store=None)
Alias(name="a")
other.visits.visit.Visit(name="b")
partial(Visit, name="c")
"""


def test_a_name_can_come_from_several_imports_and_another_package_is_not_ours(
    visits: Path, tool: Tool
) -> None:
    (visits / "app/shop.py").write_text(FALLBACK, "latin-1")
    assert sites(visits) == [(10, 11, "Visit"), (11, 1, "Visit")]
    outcome = tool("explain", "visit.storeId", "--usage", "app")
    assert "no calls" in outcome.err, "None leaves the property out"


def test_broken_links_are_skipped_and_overlapping_paths_are_read_once(
    visits: Path, tool: Tool
) -> None:
    (visits / "app/shop.py").write_text(SHOP, "utf-8")
    (visits / "app/.#shop.py").symlink_to("me@host.1")
    (visits / "app/gone.py").symlink_to("nowhere.py")
    (visits / "app/loop.py").symlink_to("loop.py")
    once = tool("explain", "visit", "--usage", "app").out
    assert tool("explain", "visit", "--usage", "app", "--usage", "app/shop.py").out == once


def test_dependent_properties_break_the_calls_that_lack_the_other(visits: Path, tool: Tool) -> None:
    source = "from acme.visits.visit import Visit\n"
    source += 'Visit(name="a")\nVisit(name="a", store="b")\n'
    (visits / "app/shop.py").write_text(source)
    other = json.loads((visits / "acme/visits/_snapshot/visit.json").read_text())
    other["jsonSchema"]["dependentRequired"] = {"name": ["storeId"]}
    (visits / "theirs.json").write_text(json.dumps(other))
    outcome = tool("diff", "snapshot", "theirs.json", "--usage", "app", "--output-format", "json")
    calls = [item["line"] for item in json.loads(outcome.out)["findings"] if item["call"]]
    assert calls == [2]


def test_lines_and_calls_belong_to_the_package_that_is_compared(visits: Path, tool: Tool) -> None:
    (visits / "app/shop.py").write_text(SHOP, "utf-8")
    (visits / "pyproject.toml").write_text(
        '[tool.engage-codegen]\noutput = "elsewhere"\nuser-agent = "a/1"\ndialect = "json-schema"\n'
    )
    (visits / "theirs.json").write_text(json.dumps(envelope("other")))
    arguments = ("--usage", "app", "--output-format", "json")
    findings = json.loads(tool("diff", "acme/visits", "theirs.json", *arguments).out)["findings"]
    assert {item["file"] for item in findings if item["schema"] == "visit"} == {
        "acme/visits/_snapshot/visit.json",
        "app/shop.py",
    }
    findings = json.loads(tool("diff", "schemas", "theirs.json", *arguments).out)["findings"]
    assert {item["file"] for item in findings} == {None}, "files have no lines of the snapshot"


def test_usage_without_live_is_a_usage_error(visits: Path, tool: Tool) -> None:
    outcome = tool("check", "--usage", "app")
    assert (outcome.code, "add --live" in outcome.err) == (2, True)


UNREADABLE = {
    "doubling names": "v = Visit\n" + "v = w.x\nv = w.y\nw = v.x\nw = v.y\n" * 7,
    "a cookie of bytes": "# coding: hex\n",
    "a cookie of compression": "# coding: zlib\n",
    "a cookie of text": "# coding: rot13\n",
    "a slow cookie": "# coding: punycode\n",
    "an undefined cookie": "# coding: undefined\n",
    "nesting": "x = " + "-" * 100_000 + "1\n",
    "size": "#" * 300_000 + "\n",
    "a long line of calls": "'é'; " + "Visit(); " * 2_000 + "\n",
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_file_that_cannot_be_read_in_time_is_named(visits: Path, tool: Tool, name: str) -> None:
    call = "from acme.visits.visit import Visit\n"
    cookie, _, rest = UNREADABLE[name].rpartition("coding: ")
    (visits / "app/bad.py").write_text(f"{cookie}coding: {rest}{call}" if cookie else call + rest)
    (visits / "app/shop.py").write_text(f"{call}Visit()\n")
    outcome = tool("explain", "visit", "--usage", "app")
    assert (outcome.code, "app/shop.py:2:1 Visit" in outcome.out) == (0, True), outcome
    assert "app/bad.py cannot be read as Python and was skipped" in outcome.err
