"""The lock file: its lines, older and newer formats, damage, and merge conflicts."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engage_codegen import __version__, pipeline
from engage_codegen.errors import LockfileError
from engage_codegen.output.index import INDEX_PATH
from engage_codegen.output.lockfile import (
    FORMAT,
    LOCKFILE_PATH,
    Entry,
    GeneratedModule,
    Generator,
    Lockfile,
    parse_lockfile,
)
from engage_codegen.output.snapshot import read_lockfile
from tests.support.packages import Package, read_tree, write_schema

HASHES = st.text("0123456789abcdef", min_size=64, max_size=64)
NAMES = st.text(max_size=8)
MODULES = st.builds(
    GeneratedModule,
    generator=NAMES,
    schema=HASHES,
    module=NAMES,
    class_name=NAMES,
    properties=st.dictionaries(NAMES, NAMES, max_size=3),
    code=HASHES,
    row=HASHES,
)
ENTRIES = st.builds(
    Entry,
    pulled=st.none() | HASHES,
    origin=st.none() | NAMES,
    generated=st.none() | MODULES,
)
IDS = st.from_regex(r"[A-Za-z0-9_-]{1,12}", fullmatch=True)
LOCKFILES = st.builds(
    Lockfile,
    generator=st.builds(Generator, version=NAMES, config=HASHES, templates=HASHES),
    files=st.dictionaries(NAMES, HASHES, max_size=3),
    schemas=st.dictionaries(IDS, ENTRIES, max_size=4),
)


@settings(deadline=None)
@given(lockfile=LOCKFILES)
def test_a_lock_file_is_read_back_as_it_was_written(lockfile: Lockfile) -> None:
    result = parse_lockfile(lockfile.to_text().encode("utf-8"), "here")
    assert result.to_text() == lockfile.to_text()
    assert (result.generator, result.files) == (lockfile.generator, lockfile.files)
    assert result.schemas == {
        key: entry for key, entry in lockfile.schemas.items() if entry != Entry()
    }


@settings(deadline=None)
@given(lockfile=LOCKFILES, schema_id=IDS, entry=ENTRIES.filter(lambda entry: entry != Entry()))
def test_each_schema_is_one_line_that_changes_no_other_line(
    lockfile: Lockfile, schema_id: str, entry: Entry
) -> None:
    others = {key: value for key, value in lockfile.schemas.items() if key != schema_id}
    without = Lockfile(lockfile.generator, lockfile.files, others).to_text().split("\n")
    both = Lockfile(lockfile.generator, lockfile.files, others | {schema_id: entry})
    lines = both.to_text().split("\n")
    (line,) = [line for line in lines if line.startswith(f'"schema {schema_id}":')]
    assert [other for other in lines if other != line] == without
    assert line.endswith("},")


@pytest.mark.parametrize("schema_id", ["Visit-a", "Visit-c", "Visit-e"])
def test_a_new_schema_adds_one_line_to_the_lock_file_of_a_package(
    package: Package, schema_id: str
) -> None:
    before = package.generate()
    write_schema(package.schemas, schema_id, "x")
    after = package.generate()
    lines = after[LOCKFILE_PATH].splitlines()
    added = [line for line in lines if line not in before[LOCKFILE_PATH].splitlines()]
    assert len(added) == 1
    assert added[0].startswith(f'"schema {schema_id}": '.encode())
    assert [line for line in lines if line != added[0]] == before[LOCKFILE_PATH].splitlines()
    new = {f"{schema_id.lower().replace('-', '_')}.py", f"_snapshot/{schema_id}.json"}
    changed = {path for path in after if after[path] != before.get(path)}
    assert changed == {*new, INDEX_PATH, LOCKFILE_PATH}
    (package.schemas / f"{schema_id}.json").unlink()
    assert package.generate() == before


def test_each_line_names_its_generator_and_the_origin_of_its_schema(package: Package) -> None:
    lockfile = read_lockfile(package.output)
    assert {entry.origin for entry in lockfile.schemas.values()} == {"files"}
    names = {module.generator for module in lockfile.modules.values()}
    assert names == {lockfile.generator.name}
    assert next(iter(names)).startswith(f"{__version__}+")
    assert json.loads(lockfile.to_text())["engage-codegen"]["format"] == FORMAT == 2


def convert_to_format_1(lockfile: dict[str, Any]) -> None:
    """Change the JSON of a lock file of format 2 to what format 1 had."""
    head: dict[str, Any] = lockfile["engage-codegen"]
    del head["format"]
    head["errors"] = 0
    for key, entry in lockfile.items():
        if key.startswith("schema "):
            del entry["origin"], entry["generated"]["generator"]


def test_a_lock_file_of_format_1_is_read_once_and_replaced(package: Package) -> None:
    before = read_tree(package.output)
    package.edit_lockfile(convert_to_format_1)
    lockfile = read_lockfile(package.output)
    assert {module.version for module in lockfile.modules.values()} == {__version__}
    assert {entry.origin for entry in lockfile.schemas.values()} == {None}
    changes = pipeline.check(package.config).plan.changes
    assert [change.path for change in changes] == [LOCKFILE_PATH]
    assert pipeline.generate(package.config).written == (LOCKFILE_PATH,)
    assert read_tree(package.output) == before
    assert pipeline.generate(package.config).written == ()


def test_a_hand_edit_is_still_a_conflict_under_a_lock_file_of_format_1(package: Package) -> None:
    package.edit_lockfile(convert_to_format_1)
    (package.output / "visit_b.py").write_bytes(b"# mine\n")
    (conflict,) = pipeline.check(package.config).plan.conflicts
    assert (conflict.path, conflict.is_foreign) == ("visit_b.py", False)


@pytest.mark.parametrize("run", [pipeline.generate, pipeline.check])
def test_a_lock_file_of_a_newer_format_is_refused_with_the_version_to_install(
    package: Package, run: Any
) -> None:
    package.edit_lockfile(
        lambda lockfile: lockfile["engage-codegen"].update(format=3, version="9.8")
    )
    before = read_tree(package.output)
    with pytest.raises(
        LockfileError, match=f"format 3, which engage-codegen {__version__} cannot"
    ) as caught:
        run(package.config)
    assert caught.value.fix == "install engage-codegen '9.8', which wrote it"
    assert caught.value.location.line == 1
    assert read_tree(package.output) == before


MARKERS = [
    "<<<<<<< HEAD\n{before}=======\n{after}>>>>>>> branch\n",
    "{{\n<<<<<<< ours\n{before}",
]


@pytest.mark.parametrize("text", MARKERS)
def test_conflict_markers_of_a_merge_are_named_as_such(package: Package, text: str) -> None:
    path = package.output / LOCKFILE_PATH
    data = path.read_text("utf-8")
    path.write_text(text.format(before=data, after=data), "utf-8")
    with pytest.raises(LockfileError, match="contains merge conflict markers") as caught:
        pipeline.generate(package.config)
    assert caught.value.where == str(path)
    assert caught.value.fix.startswith(f"git checkout --ours {path} (or --theirs), ")


def test_either_side_of_a_merge_leads_to_the_same_package(package: Package) -> None:
    """The advice for conflict markers holds whichever side is taken."""
    base = (package.output / LOCKFILE_PATH).read_bytes()
    write_schema(package.schemas, "Visit-a", "x")
    merged = package.generate()
    (package.output / LOCKFILE_PATH).write_bytes(base)
    for schema_file in ("visit_a.py", "_snapshot/Visit-a.json"):
        assert (package.output / schema_file).exists()
    assert package.generate() == merged


HEAD = {"version": "", "config": "", "templates": ""}
MODULE: dict[str, object] = {
    "generator": "",
    "schema": "",
    "module": "m",
    "class_name": "C",
    "properties": {},
    "code": "",
    "row": "",
}
SHAPES: list[dict[str, Any]] = [
    {"engage-codegen": []},
    {"engage-codegen": {**HEAD, "version": 1}},
    {"engage-codegen": {"version": "0"}},
    *({"engage-codegen": {**HEAD, "format": value}} for value in (0, -1, "2", 1.5, None, True)),
    {"files": []},
    {"files": None},
    {"files": "x"},
    {"files": {"a": 5}},
    {"files": {"a": None}},
    {"schema A": []},
    {"schema A": None},
    {"schema A": "x"},
    {"schema a/b": {}},
    {"schema A": {"pulled": 5}},
    {"schema A": {"origin": 5}},
    {"schema A": {"generated": []}},
    {"schema A": {"generated": "x"}},
    {"schema A": {"generated": {**MODULE, "generator": 1}}},
    {"schema A": {"generated": {**MODULE, "properties": []}}},
    {"schema A": {"generated": {**MODULE, "properties": {"a": 1}}}},
    {"schema A": {"generated": {**MODULE, "module": None}}},
    *(
        {"schema A": {"generated": {name: MODULE[name] for name in MODULE if name != missing}}}
        for missing in MODULE
        if missing != "generator"
    ),
]
DAMAGED = {
    "empty": b"",
    "cut off": b'{"engage-codegen": ',
    "not UTF-8": b"\xff\xfe{}",
    "null": b"null",
    "a number": b"5",
    "a string": b'"x"',
    "a list": b"[]",
    "an empty object": b"{}",
    "deep nesting": b"[" * 100_000,
    "a duplicate key": b'{"files": {}, "files": {}}',
    "no head": b'{"files": {}}',
    "no files": b'{"engage-codegen": {"version": "", "config": "", "templates": ""}}',
} | {
    json.dumps(shape): json.dumps({"engage-codegen": HEAD, "files": {}, **shape}).encode()
    for shape in SHAPES
}


@pytest.mark.parametrize("data", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_lock_file_is_an_error_with_place_and_remedy(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / LOCKFILE_PATH
    path.parent.mkdir()
    path.write_bytes(data)
    with pytest.raises(LockfileError, match="the lock file is damaged: ") as caught:
        read_lockfile(tmp_path)
    assert caught.value.where == caught.value.location.file == str(path)
    assert caught.value.location.line >= 1
    assert "version control" in caught.value.fix
