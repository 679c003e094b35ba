"""The stages together: the same input gives the same bytes, a small change a small diff."""

import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import pytest

from engage_codegen.config import PARTS
from engage_codegen.sandbox.server import Sandbox
from tests.support.paths import ROOT, SEEDS
from tests.support.tenants import PATH, Answer, answering, envelope, holding
from tests.support.tool import Outcome, Tool, contents

COMMITTED = ROOT / "generated" / "engage_interactions"
STRING = {"type": "string"}


def _shuffled(value: Mapping[str, object], rng: random.Random) -> dict[str, object]:
    items = list(value.items())
    rng.shuffle(items)
    return {
        key: _shuffled(cast("dict[str, object]", item), rng) if isinstance(item, dict) else item
        for key, item in items
    }


def _local(tool: Tool, project: Path, *schemas: object, output: str = "package") -> Outcome:
    folder = project / "schemas"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for number, schema in enumerate(schemas):
        (folder / f"{number}.json").write_text(json.dumps(schema))
    outcome = tool("generate", "--schemas", folder, "--output", output)
    assert outcome.code == 0, outcome.err
    return outcome


def _texts(package: Path) -> dict[str, str]:
    found = contents(package)
    return {path: data.decode() for path, data in found.items() if data is not None}


def test_the_committed_package_is_what_the_local_engage_gives(
    project: Path, tool: Tool, tenant: Sandbox
) -> None:
    assert tool("pull", "--output", "engage_interactions").code == 0
    assert tool("generate", "--output", "engage_interactions").code == 0
    assert contents(project / "engage_interactions") == contents(COMMITTED)


def test_live_and_local_input_give_the_same_bytes(
    project: Path, tool: Tool, tenant: Sandbox
) -> None:
    assert tool("pull", "--output", "live").code == 0
    assert tool("generate", "--output", "live").code == 0
    assert tool("generate", "--output", "local", "--schemas", SEEDS).code == 0
    exported = [json.loads(path.read_text()) for path in SEEDS.iterdir()]
    (project / "export.json").write_text(json.dumps(exported))
    assert tool("generate", "--output", "exported", "--schemas", "export.json").code == 0
    assert contents(project / "live") == contents(project / "local")
    assert contents(project / "live") == contents(project / "exported")


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_schemas_and_keys_does_not_matter(
    seed: int, project: Path, tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = random.Random(seed)
    schemas = [json.loads(path.read_text()) for path in SEEDS.iterdir()]
    rng.shuffle(schemas)
    monkeypatch.setenv("ENGAGE_API_KEY", "k")
    monkeypatch.setenv("ENGAGE_USER_AGENT", "tests/1.0")
    answers = holding(*[_shuffled(schema, rng) for schema in schemas])
    with answering(answers) as tenant:
        assert tool("pull", "--base-url", tenant.base_url, "--output", "package").code == 0
    assert tool("generate", "--output", "package").code == 0
    assert contents(project / "package") == contents(COMMITTED)


@pytest.mark.parametrize(
    "settings",
    [
        {"PYTHONHASHSEED": "0"},
        {"PYTHONHASHSEED": "4711", "TZ": "Asia/Kathmandu"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "COLUMNS": "40"},
        {"PYTHONOPTIMIZE": "2"},
    ],
    ids=",".join,
)
def test_the_environment_does_not_matter(settings: dict[str, str], project: Path) -> None:
    tool = [sys.executable, "-m", "engage_codegen"]
    subprocess.run(
        [*tool, "generate", "--schemas", SEEDS, "--output", "package"],
        env={**os.environ, **settings},
        check=True,
        capture_output=True,
    )
    assert contents(project / "package") == contents(COMMITTED)


def test_the_users_black_settings_do_not_matter(project: Path, tool: Tool) -> None:
    (project / "pyproject.toml").write_text(
        "[tool.black]\nline-length = 40\nskip-string-normalization = true\n"
        "[tool.datamodel-codegen]\nsnake-case-field = true\n"
    )
    assert tool("generate", "--schemas", SEEDS, "--output", "package").code == 0
    assert contents(project / "package") == contents(COMMITTED)


def test_a_second_run_touches_nothing(project: Path, tool: Tool) -> None:
    _local(tool, project, envelope("one"), envelope("two"))
    before = {path: path.stat() for path in (project / "package").rglob("*")}
    outcome = tool("generate", "--schemas", "schemas", "--output", "package")
    assert outcome.err == "up to date: 2 schemas\n"
    after = {path: path.stat() for path in (project / "package").rglob("*")}
    assert {p: (s.st_mtime_ns, s.st_ino) for p, s in before.items()} == {
        p: (s.st_mtime_ns, s.st_ino) for p, s in after.items()
    }


@pytest.mark.parametrize("new", ["aaa", "mmm", "zzz"])
def test_a_new_schema_is_its_module_its_snapshot_a_row_and_a_line(
    new: str, project: Path, tool: Tool
) -> None:
    old = [envelope("bbb"), envelope("yyy")]
    _local(tool, project, *old)
    before = _texts(project / "package")
    _local(tool, project, *old, envelope(new))
    after = _texts(project / "package")
    lock = "_snapshot/codegen.lock.json"
    assert set(after) - set(before) == {f"{new}.py", f"_snapshot/{new}.json"}
    assert {path for path in before if before[path] != after[path]} == {"INDEX.md", lock}
    for path in ("INDEX.md", lock):
        removed, added = _difference(before[path], after[path])
        assert removed == []
        assert len(added) == 1
        assert new in added[0]


def test_a_new_property_changes_one_module_and_removes_nothing_from_it(
    project: Path, tool: Tool
) -> None:
    _local(tool, project, envelope("one", {"a": STRING, "c": STRING}), envelope("two"))
    before = _texts(project / "package")
    changed = envelope("one", {"a": STRING, "b": {"type": "string"}, "c": STRING})
    _local(tool, project, changed, envelope("two"))
    after = _texts(project / "package")
    assert {path for path in before if before[path] != after[path]} == {
        "one.py",
        "_snapshot/one.json",
        "_snapshot/codegen.lock.json",
    }
    removed, _ = _difference(before["one.py"], after["one.py"])
    assert len(removed) == 1, "the set of property names is one line"


def test_a_schema_that_is_gone_takes_its_files_along(project: Path, tool: Tool) -> None:
    _local(tool, project, envelope("one"), envelope("two"))
    _local(tool, project, envelope("two"))
    left = set(contents(project / "package"))
    _local(tool, project, envelope("two"), output="fresh")
    assert left == set(contents(project / "fresh"))


def test_adding_and_removing_leads_to_the_same_bytes(project: Path, tool: Tool) -> None:
    _local(tool, project, envelope("one"))
    before = contents(project / "package")
    _local(tool, project, envelope("one"), envelope("two"))
    _local(tool, project, envelope("one"))
    assert contents(project / "package") == before


def test_named_ids_are_refreshed_and_the_rest_is_kept(
    project: Path, tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENGAGE_API_KEY", "k")
    monkeypatch.setenv("ENGAGE_USER_AGENT", "tests/1.0")
    with answering(holding(envelope("one"), envelope("two"), envelope("six"))) as tenant:
        assert tool("pull", "--base-url", tenant.base_url, "--output", "p").code == 0
    changed = [envelope(name, {"other": STRING}) for name in ("one", "two")]
    with answering(holding(*changed)) as tenant:
        outcome = tool("pull", "one", "--base-url", tenant.base_url, "--output", "p")
        assert [path for path, _ in tenant.requests] == [PATH, f"{PATH}/one"]
    assert outcome.err == "changed  one\n1 schema pulled, 0 unchanged\n"
    snapshot = {
        name: json.loads((project / f"p/_snapshot/{name}.json").read_text())["jsonSchema"]
        for name in ("one", "two", "six")
    }
    assert list(snapshot["one"]["properties"]) == ["other"]
    assert list(snapshot["two"]["properties"]) == ["name"]
    with answering(holding(*changed)) as tenant:
        outcome = tool("pull", "--base-url", tenant.base_url, "--output", "p")
    assert outcome.err == "changed  two\nremoved  six\n2 schemas pulled, 1 unchanged\n"


def test_a_pull_asks_once_a_schema_with_the_key_in_its_header_alone(
    project: Path, tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENGAGE_API_KEY", "the-secret-key")
    schemas = [envelope(f"schema-{number}") for number in range(15)]
    with answering(holding(*schemas)) as tenant:
        outcome = tool("pull", "--base-url", tenant.base_url, "--user-agent", "AcmePOS/1.5")
        assert outcome.code == 0
    paths = [path for path, _ in tenant.requests]
    assert paths[0] == PATH
    assert sorted(paths[1:]) == sorted(f"{PATH}/schema-{number}" for number in range(15))
    assert {headers["apikey"] for _, headers in tenant.requests} == {"the-secret-key"}
    assert {headers["user-agent"] for _, headers in tenant.requests} == {"AcmePOS/1.5"}
    assert not any("the-secret-key" in path for path in paths)
    for data in contents(project).values():
        assert b"the-secret-key" not in (data or b"")


def test_answers_may_gain_fields(
    project: Path, tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENGAGE_API_KEY", "k")
    schema = {**envelope("one"), "created": "2026-01-01", "self": {"href": "…"}}
    answers = holding(schema)
    answers[PATH] = Answer(b'[{"id": "one", "displayName": "x", "jsonSchema": null, "new": 1}]')
    with answering(answers) as tenant:
        arguments = ("--base-url", tenant.base_url, "--user-agent", "a/1", "--output", "p")
        assert tool("pull", *arguments).code == 0
    assert json.loads((project / "p/_snapshot/one.json").read_text()) == envelope("one")


def test_check_shows_the_diff_and_writes_nothing(project: Path, tool: Tool) -> None:
    _local(tool, project, envelope("one"))
    (project / "schemas" / "0.json").write_text(json.dumps(envelope("one", {"other": STRING})))
    before = contents(project)
    outcome = tool("check", "--schemas", "schemas", "--output", "package")
    assert outcome.code == 1
    assert "-    name: str | None = None\n" in outcome.out
    assert "+    other: str | None = None\n" in outcome.out
    assert "--- a/one.py\n+++ b/one.py\n" in outcome.out
    assert outcome.err.endswith("fix: engage-codegen generate\n")
    assert contents(project) == before
    assert tool("generate", "--schemas", "schemas", "--output", "package").code == 0
    outcome = tool("check", "--schemas", "schemas", "--output", "package")
    assert (outcome.code, outcome.out, outcome.err) == (0, "", "up to date\n")


def test_a_package_with_crlf_is_not_stale(project: Path, tool: Tool) -> None:
    _local(tool, project, envelope("one"))
    for path in (project / "package").rglob("*"):
        if path.is_file():
            path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    before = contents(project)
    assert tool("check", "--output", "package").code == 0
    assert tool("generate", "--schemas", "schemas", "--output", "package").code == 0
    assert contents(project) == before


def test_an_edited_snapshot_is_input(project: Path, tool: Tool) -> None:
    _local(tool, project, envelope("one"))
    path = project / "package/_snapshot/one.json"
    path.write_text(json.dumps(envelope("one", {"edited": STRING})))
    assert tool("check", "--output", "package").code == 1
    assert tool("generate", "--output", "package").code == 0
    assert "edited: str" in (project / "package/one.py").read_text()
    assert tool("check", "--output", "package").code == 0


def test_check_against_local_files_is_not_content_with_an_edited_snapshot(
    project: Path, tool: Tool
) -> None:
    _local(tool, project, envelope("one"))
    path = project / "package/_snapshot/one.json"
    path.write_text(path.read_text().replace("Title of", "Edited"))
    assert tool("generate", "--output", "package").code == 0
    outcome = tool("check", "--schemas", "schemas", "--output", "package")
    assert outcome.code == 1
    assert "the snapshot was changed since the last pull" in outcome.err


def test_a_missing_empty_file_is_named(project: Path, tool: Tool) -> None:
    _local(tool, project, envelope("one"))
    (project / "package/py.typed").unlink()
    outcome = tool("check", "--output", "package")
    assert (outcome.code, outcome.out) == (1, "--- /dev/null\n+++ b/py.typed\n")


def test_an_empty_tenant_makes_an_empty_package(
    project: Path, tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENGAGE_API_KEY", "k")
    with answering({PATH: Answer(b"[]")}) as tenant:
        arguments = ("--base-url", tenant.base_url, "--user-agent", "a/1", "--output", "p")
        assert tool("pull", *arguments).code == 0
    assert tool("generate", "--output", "p").code == 0
    assert tool("check", "--output", "p").code == 0


@pytest.mark.parametrize("part", PARTS)
def test_what_a_package_does_not_want_leaves_no_trace(part: str, project: Path, tool: Tool) -> None:
    _local(tool, project, envelope("one"))
    (project / "pyproject.toml").write_text(f'[tool.engage-codegen]\nwithout = ["{part}"]\n')
    assert tool("check", "--output", "package").code == 1
    assert tool("generate", "--output", "package").code == 0
    texts = _texts(project / "package")
    assert not [path for path in texts if part in path]
    assert not [path for path, text in texts.items() if part in text.lower()]
    subprocess.run([sys.executable, "-c", "import package.one"], cwd=project, check=True)


def test_without_a_lock_equal_files_are_adopted(project: Path, tool: Tool) -> None:
    _local(tool, project, envelope("one"))
    before = contents(project)
    (project / "package/_snapshot/codegen.lock.json").unlink()
    assert tool("generate", "--schemas", "schemas", "--output", "package").code == 0
    assert contents(project) == before


def test_list_shows_the_snapshot(project: Path, tool: Tool) -> None:
    _local(tool, project, envelope("Reuse-Spring", {"a": STRING, "b": STRING}, required=["b"]))
    outcome = tool("list", "--output", "package")
    assert outcome.out == (
        "id\ttitle\tmodule\tclass\tproperties\trequired\n"
        "Reuse-Spring\tTitle of Reuse-Spring\treuse_spring\tReuseSpring\ta, b\tb\n"
    )


HEAVY = {"httpx", "jinja2", "black", "datamodel_code_generator", "rich", "asyncio", "pydantic"}


@pytest.mark.parametrize("command", [["check"], ["generate"], ["list"], ["--help"], ["--version"]])
def test_a_run_with_nothing_to_do_imports_little(
    command: list[str], project: Path, tool: Tool
) -> None:
    _local(tool, project, envelope("one"), output="engage_interactions")
    code = (
        "import sys; from engage_codegen.cli.app import run; code = run(sys.argv[1:]); "
        "print(code, *sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *command], capture_output=True, text=True, check=True
    )
    code_, *modules = done.stderr.splitlines()[-1].split()
    assert code_ == "0"
    assert not (HEAVY | {"importlib.metadata", "difflib", "tempfile"}) & set(modules)


def _difference(old: str, new: str) -> tuple[list[str], list[str]]:
    before, after = old.splitlines(), new.splitlines()
    return [x for x in before if x not in after], [x for x in after if x not in before]
