"""`check` renders the package and compares every byte. No record of earlier runs convinces it."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from engage_codegen import __version__, pipeline
from engage_codegen.config import Config
from engage_codegen.errors import (
    InputError,
    InterruptedRunError,
    SchemaError,
    VersionMismatchError,
)
from engage_codegen.output.index import INDEX_PATH
from engage_codegen.output.lockfile import LOCKFILE_PATH
from engage_codegen.schema.jsontext import digest
from engage_codegen.sources.files import FileSource
from engage_codegen.sources.interface import ignore_progress
from tests.support.packages import Package, read_tree, write_schema

pytestmark = pytest.mark.slow


def changed_paths(package: Package) -> list[str]:
    """Return the paths of the files that differ from what `generate` writes."""
    return [change.path for change in pipeline.check(package.config).plan.changes]


def test_a_package_that_was_just_generated_is_current(package: Package) -> None:
    result = pipeline.check(package.config)
    assert not result.is_stale
    assert (result.unexpected, result.other_version) == ((), "")
    assert not result.requires_force


def test_check_reports_a_changed_byte_in_any_file_and_any_missing_file(package: Package) -> None:
    for path, data in read_tree(package.output).items():
        target = package.output / path
        edited = data + (b" " if path.endswith(".json") else b"x")
        target.write_bytes(edited)
        assert changed_paths(package) == [path]
        assert target.read_bytes() == edited, "check writes nothing"
        target.unlink()
        assert path in changed_paths(package)
        target.write_bytes(data)
    assert changed_paths(package) == []


def test_check_accepts_windows_line_ends(package: Package) -> None:
    for path, data in read_tree(package.output).items():
        (package.output / path).write_bytes(data.replace(b"\n", b"\r\n"))
    assert changed_paths(package) == []


@pytest.mark.parametrize("path", ["visit_b.py", "_runtime/client.py", "__init__.py"])
def test_a_forged_hash_hides_an_edit_from_generate_but_not_from_check(
    package: Package, path: str
) -> None:
    original = read_tree(package.output)
    edited = original[path] + b"import os\n"
    (package.output / path).write_bytes(edited)
    text = (package.output / LOCKFILE_PATH).read_text("utf-8")
    forged = text.replace(digest(original[path]), digest(edited))
    assert forged != text
    (package.output / LOCKFILE_PATH).write_text(forged, "utf-8")
    assert pipeline.generate(package.config).written == ()
    result = pipeline.check(package.config)
    assert {change.path for change in result.plan.changes} == {path, LOCKFILE_PATH}
    assert result.requires_force
    assert package.generate(force=True) == original
    assert not pipeline.check(package.config).requires_force


def test_a_lock_file_with_added_or_changed_facts_is_stale(package: Package) -> None:
    def forget_files(lockfile: dict[str, Any]) -> None:
        lockfile["files"].popitem()

    edits: list[Callable[[dict[str, Any]], None]] = [
        forget_files,
        lambda lockfile: lockfile["files"].update({"visit_x.py": "0"}),
        lambda lockfile: lockfile.update({"schema Visit-x": {"pulled": "0"}}),
        lambda lockfile: lockfile["schema Visit-b"].update(pulled="0"),
        lambda lockfile: lockfile["schema Visit-b"].update(origin="https://evil.example"),
        lambda lockfile: lockfile["schema Visit-b"]["generated"].update(generator="0.1.0+0"),
        lambda lockfile: lockfile["engage-codegen"].update(templates="0"),
    ]
    data = (package.output / LOCKFILE_PATH).read_bytes()
    for edit in edits:
        package.edit_lockfile(edit)
        assert LOCKFILE_PATH in changed_paths(package)
        (package.output / LOCKFILE_PATH).write_bytes(data)


def test_a_lock_file_in_another_layout_is_stale(package: Package) -> None:
    path = package.output / LOCKFILE_PATH
    path.write_text(json.dumps(json.loads(path.read_bytes())), encoding="utf-8")
    assert changed_paths(package) == [LOCKFILE_PATH]


@pytest.mark.parametrize("indent", [None, 0, 8])
def test_a_snapshot_file_in_another_layout_is_stale(package: Package, indent: int | None) -> None:
    path = package.output / "_snapshot/Visit-d.json"
    value = json.loads(path.read_bytes())
    path.write_text(json.dumps(dict(reversed(value.items())), indent=indent), encoding="utf-8")
    for config in (package.config, package.offline):
        result = pipeline.check(config)
        assert [change.path for change in result.plan.changes] == ["_snapshot/Visit-d.json"]
        assert result.plan.conflicts == (), "a schema in another layout is not an edited schema"


def test_check_reports_a_schema_that_was_added_changed_or_deleted(package: Package) -> None:
    write_schema(package.schemas, "Visit-x")
    write_schema(package.schemas, "Visit-b", "other")
    (package.schemas / "Visit-d.json").unlink()
    assert set(changed_paths(package)) == {
        *("visit_b.py", "visit_d.py", "visit_x.py"),
        *(f"_snapshot/Visit-{letter}.json" for letter in "bdx"),
        INDEX_PATH,
        LOCKFILE_PATH,
    }


def test_check_reports_files_that_python_would_import_unexpectedly(package: Package) -> None:
    (package.output / "client").mkdir()
    (package.output / "client/__init__.py").write_bytes(b"")
    result = pipeline.check(package.config)
    assert not result.is_stale
    assert [(file.path, file.kind) for file in result.unexpected] == [("client", "folder")]


def test_check_names_the_other_version_that_generated_the_package(package: Package) -> None:
    package.edit_lockfile(lambda lockfile: lockfile["engage-codegen"].update(version="0.0.1"))
    result = pipeline.check(package.config)
    assert result.other_version == "0.0.1"
    assert result.is_stale


def test_the_project_can_require_a_version_for_pull_generate_and_check(package: Package) -> None:
    before = read_tree(package.output)
    file = package.output.parent / "pyproject.toml"
    file.write_text('[tool.engage-codegen]\nrequired-version = "9.8"\n', "utf-8")
    config = Config(output=package.output, required_version="9.8", file=file)
    runs: list[Callable[[], object]] = [
        lambda: pipeline.generate(config),
        lambda: pipeline.check(config),
        lambda: pipeline.pull(
            config,
            FileSource((package.schemas,)),
            (),
            force=True,
            progress=ignore_progress,
        ),
    ]
    for run in runs:
        with pytest.raises(VersionMismatchError, match=f"9.8, but this is {__version__}") as caught:
            run()
        assert caught.value.exit_code == 1
        assert "install engage-codegen 9.8" in caught.value.fix
        assert caught.value.location.file == str(file)
    assert read_tree(package.output) == before
    own = Config(output=package.output, required_version=__version__)
    assert not pipeline.check(own).is_stale


@pytest.mark.parametrize("change", ["module", "class_name", "property"])
def test_names_that_another_version_gave_are_not_changed_silently(
    package: Package, change: str
) -> None:
    """A merge can bring a single line of an older version, so each line is judged by itself."""

    def rename(lockfile: dict[str, Any]) -> None:
        module = lockfile["schema Visit-b"]["generated"]
        module["generator"] = "0.0.1+0"
        if change == "property":
            module["properties"]["shop"] = "the_shop"
        else:
            module[change] = "older"

    package.edit_lockfile(rename)
    for run in (pipeline.generate, pipeline.check):
        with pytest.raises(SchemaError) as caught:
            run(package.config)
        (problem,) = caught.value.problems
        key = "Visit-b#/shop" if change == "property" else "Visit-b"
        old = "the_shop" if change == "property" else "older"
        assert problem.fix.endswith(f'"{key}" = "{old}"')
        assert problem.reason[:2] == ("renamed", old)
    renames = {key: old}
    assert not pipeline.check(
        Config(output=package.output, schemas=(package.schemas,), renames=renames)
    ).plan.conflicts


def test_a_schema_that_cannot_become_code_ends_check(package: Package) -> None:
    path = package.output / "_snapshot/Visit-b.json"
    path.write_text(path.read_text("utf-8").replace('"string"', '"text"'), "utf-8")
    with pytest.raises(SchemaError) as caught:
        pipeline.check(package.offline)
    assert [problem.code for problem in caught.value.problems] == ["EG201"]


def test_check_without_a_snapshot_says_how_to_get_one(package: Package) -> None:
    with pytest.raises(InputError, match="no snapshot") as caught:
        pipeline.check(Config(output=package.output.parent / "other"))
    assert caught.value.fix == "engage-codegen pull"


def test_check_refuses_a_package_that_a_killed_run_left(package: Package) -> None:
    folder = package.output / ".engage-codegen-1"
    folder.mkdir()
    (folder / "journal.json").write_bytes(b"[")
    with pytest.raises(InterruptedRunError) as caught:
        pipeline.check(package.config)
    assert caught.value.fix == "engage-codegen generate"
    assert caught.value.location.line == 1
