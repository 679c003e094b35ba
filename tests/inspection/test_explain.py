"""What a schema and a property are, and where a source tree calls them."""

import json
from pathlib import Path
from typing import Any

import pytest

from engage_codegen.inspection.call_sites import find
from engage_codegen.output.snapshot import read_lock
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


@pytest.fixture
def package(project: Path, tool: Tool) -> Path:
    (project / "schemas").mkdir()
    properties: dict[str, Any] = {
        "name": {"type": "string", "displayName": "Name", "showInContactCard": "true"},
        "storeId": {"type": "string", "maxLength": 5},
        "a.b": {"type": "integer", "minimum": 3},
    }
    schema = envelope("visit", properties, required=["name"])
    (project / "schemas/visit.json").write_text(json.dumps(schema))
    (project / "pyproject.toml").write_text(
        '[tool.engage-codegen]\nschemas = "schemas"\noutput = "acme/visits"\n'
        'user-agent = "a/1"\ndialect = "json-schema"\nrenames = {"visit#/storeId" = "store"}\n'
    )
    assert tool("generate").code == 0
    (project / "app").mkdir()
    return project


def explain(tool: Tool, *arguments: str) -> dict[str, str]:
    outcome = tool("explain", *arguments)
    assert outcome.code == 0, outcome.err
    return {line[:10].strip(): line[11:] for line in outcome.out.splitlines()}


def test_a_property_is_explained(package: Path, tool: Tool) -> None:
    told = explain(tool, "visit.storeId")
    assert told["from"].startswith("acme/visits/_snapshot/visit.json:")
    assert "as pulled, of schemas" in told["from"]
    line = int(told["from"].split(":")[1].split(",")[0])
    text = (package / "acme/visits/_snapshot/visit.json").read_text().splitlines()
    assert '"storeId"' in text[line - 1]
    assert told["in Python"] == "Visit.store: str | None = None in acme/visits/visit.py"
    assert told["because"] == "renames has 'visit#/storeId' = 'store'"
    assert told["rules"] == 'optional, maxLength 5, type "string"'
    assert json.loads(told["sample"]).keys() == {"name", "storeId"}
    assert explain(tool, "visit.store") == told, "by its name in Python as well"
    assert explain(tool, "visit.name")["platform"] == 'displayName "Name", showInContactCard "true"'
    assert json.loads(explain(tool, "visit.a.b")["sample"])["a.b"] >= 3
    assert "words" in explain(tool, "visit.a.b")["because"]


def test_a_schema_is_explained(package: Path, tool: Tool) -> None:
    told = explain(tool, "visit")
    assert told["title"] == "Title of visit"
    assert told["in Python"] == "class Visit in acme/visits/visit.py"
    assert json.loads(told["sample"]).keys() == {"name"}
    path = package / "acme/visits/_snapshot/visit.json"
    path.write_text(path.read_text().replace("Title", "Name"))
    assert "edited since" in explain(tool, "visit")["from"]


@pytest.mark.parametrize(
    ("what", "said"), [("visits", "'visit'"), ("visit.stor", "'storeId'"), ("x", "'visit'")]
)
def test_what_there_is_not_gets_the_nearest(
    package: Path, tool: Tool, what: str, said: str
) -> None:
    outcome = tool("explain", what)
    assert (outcome.code, said in outcome.err) == (2, True)


def sites(package: Path) -> list[tuple[int, int, str]]:
    output = package / "acme/visits"
    found = find([package / "app"], output, read_lock(output).made())
    return [(it.place.line, it.place.column, it.name) for it in found.sites]


def test_calls_are_found_however_they_are_imported(package: Path) -> None:
    (package / "app/shop.py").write_text(SHOP, "utf-8")
    lines = SHOP.splitlines()
    found = sites(package)
    assert [(line, name) for line, _, name in found] == [
        (9, "send_visit"),
        (9, "Visit"),
        (10, "Visit"),
        (11, "Visit"),
        (12, "Visit.from_payload"),
        (13, "send_visit_async"),
        (13, "Visit"),
    ]
    starts = ("send_visit", "V(", "v.", "acme.", "visits.", "send_visit_async", "Visit(")
    for (line, column, _), start in zip(found, starts, strict=True):
        assert lines[line - 1][column - 1 :].startswith(start)


def test_what_is_no_source_of_ours_is_passed_over(package: Path, tool: Tool) -> None:
    (package / "app/broken.py").write_text("from acme.visits import (")
    (package / "app/latin.py").write_bytes(b"from acme import visits\nx = '\xe5'\n")
    for folder in (".hidden", "node_modules", "env"):
        (package / "app" / folder).mkdir()
        (package / "app" / folder / "a.py").write_text(SHOP, "utf-8")
    (package / "app/env/pyvenv.cfg").touch()
    assert sites(package) == []
    outcome = tool("explain", "visit", "--usage", "app")
    assert "no call was found" in outcome.err
    assert "app/broken.py is no Python" in outcome.err
    assert "app/latin.py is no Python" in outcome.err
    assert tool("explain", "visit", "--usage", "nowhere").code == 2


def test_the_calls_of_a_property_are_those_that_give_it(package: Path, tool: Tool) -> None:
    (package / "app/shop.py").write_text(SHOP.replace("store_id", "store"), "utf-8")
    out = tool("explain", "visit.storeId", "--usage", "app").out
    used = [line[11:] for line in out.splitlines() if line.startswith("used")]
    assert used == [
        "app/shop.py:9:29 Visit(…)",
        "app/shop.py:11:9 Visit(…) perhaps",
        "app/shop.py:12:5 Visit.from_payload(…) perhaps",
        "app/shop.py:13:46 Visit(…)",
    ]


@pytest.mark.parametrize(
    ("there", "lines"),
    [
        ({"name": {"type": "string"}, "a.b": {"type": "integer", "minimum": 3}}, [9, 11, 12, 13]),
        (None, [9, 9, 10, 11, 12, 13, 13]),
    ],
)
def test_what_breaks_is_shown_at_the_calls_that_can_break(
    package: Path,
    tool: Tool,
    monkeypatch: pytest.MonkeyPatch,
    there: dict[str, Any] | None,
    lines: list[int],
) -> None:
    (package / "app/shop.py").write_text(SHOP.replace("store_id", "store"), "utf-8")
    monkeypatch.setenv("ENGAGE_API_KEY", "k")
    schemas = [] if there is None else [envelope("visit", there, required=["name"])]
    with answering(holding(*schemas)) as tenant:
        for command in (["diff"], ["check", "--live"]):
            outcome = tool(
                *command, "--base-url", tenant.base_url, "--usage", "app", "--output-format", "json"
            )
            assert outcome.code == 4
            found = json.loads(outcome.out)["findings"]
            at = [it for it in found if it["file"] == "app/shop.py"]
            assert [it["line"] for it in at] == lines
            assert all(it["call"] for it in at)
            (main,) = {it["fingerprint"] for it in found if it["code"] == "EG301"}
            assert {it["fingerprint"] for it in at} == {main}, "one waiver is for all of them"


def test_a_property_that_became_required_breaks_the_calls_without_it(
    package: Path, tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    (package / "app/shop.py").write_text(SHOP.replace("store_id", "store"), "utf-8")
    there = json.loads((package / "acme/visits/_snapshot/visit.json").read_text())
    there["jsonSchema"]["required"] = ["name", "storeId"]
    (package / "there.json").write_text(json.dumps(there))
    outcome = tool("diff", "snapshot", "there.json", "--usage", "app", "--output-format", "github")
    assert outcome.code == 4
    at = [line for line in outcome.out.splitlines() if "file=app/shop.py" in line]
    assert [line.split("line=")[1].split(",")[0] for line in at] == ["10", "11", "12"]


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


def test_a_name_may_stand_for_several_imports_and_a_package_only_for_itself(
    package: Path, tool: Tool
) -> None:
    (package / "app/shop.py").write_text(FALLBACK, "latin-1")
    assert sites(package) == [(10, 11, "Visit"), (11, 1, "Visit")]
    outcome = tool("explain", "visit.storeId", "--usage", "app")
    assert "no call was found" in outcome.err, "None leaves it out"


def test_links_to_nowhere_and_overlapping_paths_do_no_harm(package: Path, tool: Tool) -> None:
    (package / "app/shop.py").write_text(SHOP, "utf-8")
    (package / "app/.#shop.py").symlink_to("me@host.1")
    (package / "app/gone.py").symlink_to("nowhere.py")
    (package / "app/loop.py").symlink_to("loop.py")
    once = tool("explain", "visit", "--usage", "app").out
    assert tool("explain", "visit", "--usage", "app", "--usage", "app/shop.py").out == once


def test_dependent_properties_break_the_calls_that_lack_the_other(
    package: Path, tool: Tool
) -> None:
    calls = "from acme.visits.visit import Visit\n"
    calls += 'Visit(name="a")\nVisit(name="a", store="b")\n'
    (package / "app/shop.py").write_text(calls)
    there = json.loads((package / "acme/visits/_snapshot/visit.json").read_text())
    there["jsonSchema"]["dependentRequired"] = {"name": ["storeId"]}
    (package / "there.json").write_text(json.dumps(there))
    outcome = tool("diff", "snapshot", "there.json", "--usage", "app", "--output-format", "json")
    at = [it["line"] for it in json.loads(outcome.out)["findings"] if it["call"]]
    assert at == [2]


def test_the_lines_and_calls_are_those_of_the_package_that_is_compared(
    package: Path, tool: Tool
) -> None:
    (package / "app/shop.py").write_text(SHOP, "utf-8")
    (package / "pyproject.toml").write_text(
        '[tool.engage-codegen]\noutput = "elsewhere"\nuser-agent = "a/1"\ndialect = "json-schema"\n'
    )
    (package / "there.json").write_text(json.dumps(envelope("other")))
    arguments = ("--usage", "app", "--output-format", "json")
    found = json.loads(tool("diff", "acme/visits", "there.json", *arguments).out)["findings"]
    assert {it["file"] for it in found if it["schema"] == "visit"} == {
        "acme/visits/_snapshot/visit.json",
        "app/shop.py",
    }
    found = json.loads(tool("diff", "schemas", "there.json", *arguments).out)["findings"]
    assert {it["file"] for it in found} == {None}, "files have no lines of the snapshot"


def test_usage_needs_something_to_show(package: Path, tool: Tool) -> None:
    outcome = tool("check", "--usage", "app")
    assert (outcome.code, "add --live" in outcome.err) == (2, True)
