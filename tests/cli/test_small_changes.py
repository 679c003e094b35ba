"""A small change of the schemas is a small change of the package."""

import json
import shutil
from pathlib import Path

import pytest

from tests.support.tenants import envelope
from tests.support.tool import Outcome, Tool, contents

STRING = {"type": "string"}
LOCKFILE = "_snapshot/codegen.lock.json"


def generate(tool: Tool, project: Path, *schemas: object, output: str = "package") -> Outcome:
    """Generate a package from exactly these schemas."""
    folder = project / "schemas"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for number, schema in enumerate(schemas):
        (folder / f"{number}.json").write_text(json.dumps(schema))
    outcome = tool("generate", "--schemas", folder, "--output", output)
    assert outcome.code == 0, outcome.out
    return outcome


def texts_of(package: Path) -> dict[str, str]:
    files = contents(package)
    return {path: data.decode() for path, data in files.items() if data is not None}


def changed_lines(old: str, new: str) -> tuple[list[str], list[str]]:
    """Return the lines that only the old text has, and those that only the new one has."""
    before, after = old.splitlines(), new.splitlines()
    removed = [line for line in before if line not in after]
    return removed, [line for line in after if line not in before]


def test_a_second_run_touches_no_file(project: Path, tool: Tool) -> None:
    generate(tool, project, envelope("one"), envelope("two"))
    before = {path: path.stat() for path in (project / "package").rglob("*")}
    outcome = tool("generate", "--schemas", "schemas", "--output", "package")
    assert outcome.err == "up to date: 2 schemas\n"
    after = {path: path.stat() for path in (project / "package").rglob("*")}
    assert {path: (status.st_mtime_ns, status.st_ino) for path, status in before.items()} == {
        path: (status.st_mtime_ns, status.st_ino) for path, status in after.items()
    }


@pytest.mark.parametrize("new", ["aaa", "mmm", "zzz"])
def test_a_new_schema_adds_a_module_a_snapshot_a_row_and_a_line(
    new: str, project: Path, tool: Tool
) -> None:
    schemas = [envelope("bbb"), envelope("yyy")]
    generate(tool, project, *schemas)
    before = texts_of(project / "package")
    generate(tool, project, *schemas, envelope(new))
    after = texts_of(project / "package")
    assert set(after) - set(before) == {f"{new}.py", f"_snapshot/{new}.json"}
    assert {path for path in before if before[path] != after[path]} == {"INDEX.md", LOCKFILE}
    for path in ("INDEX.md", LOCKFILE):
        removed, added = changed_lines(before[path], after[path])
        assert removed == []
        assert len(added) == 1
        assert new in added[0]


def test_a_new_property_changes_one_module(project: Path, tool: Tool) -> None:
    generate(tool, project, envelope("one", {"a": STRING, "c": STRING}), envelope("two"))
    before = texts_of(project / "package")
    changed = envelope("one", {"a": STRING, "b": {"type": "string"}, "c": STRING})
    generate(tool, project, changed, envelope("two"))
    after = texts_of(project / "package")
    assert {path for path in before if before[path] != after[path]} == {
        "one.py",
        "_snapshot/one.json",
        LOCKFILE,
    }
    removed, _ = changed_lines(before["one.py"], after["one.py"])
    assert len(removed) == 1, "the set of property names is one line"


def test_a_removed_schema_takes_its_files_along(project: Path, tool: Tool) -> None:
    generate(tool, project, envelope("one"), envelope("two"))
    generate(tool, project, envelope("two"))
    remaining = set(contents(project / "package"))
    generate(tool, project, envelope("two"), output="fresh")
    assert remaining == set(contents(project / "fresh"))


def test_adding_and_removing_a_schema_leads_back_to_the_same_bytes(
    project: Path, tool: Tool
) -> None:
    generate(tool, project, envelope("one"))
    before = contents(project / "package")
    generate(tool, project, envelope("one"), envelope("two"))
    generate(tool, project, envelope("one"))
    assert contents(project / "package") == before
