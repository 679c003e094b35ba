"""Lock files and journals are files in a repository: nothing that they say is trusted."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from engage_codegen import pipeline
from engage_codegen.errors import InputError, InterruptedRunError
from engage_codegen.output.commit import JOURNAL
from engage_codegen.output.lockfile import STAGING_PREFIX
from engage_codegen.schema.jsontext import digest
from tests.support.packages import Package, read_tree, write_schema

VICTIM = b"not yours\n"
MODULE: dict[str, object] = {
    "generator": "",
    "schema": "",
    "class_name": "C",
    "properties": {},
    "row": "",
    "code": digest(VICTIM),
}
HOSTILE_PATHS = [
    *("../victim.py", "_runtime/../../victim.py", "/victim.py", "..", ".", "", "a//b", "a/", "./a"),
    *("..\\victim.py", "\\victim.py", "C:\\victim.py", "C:/victim.py", "C:victim.py"),
    "visit.py:x",
]


@pytest.mark.parametrize(
    ("path", "place"),
    [
        *((path, place) for path in HOSTILE_PATHS for place in ("file", "module", "schema")),
        ("a\0b", "file"),
        ("a\0b", "module"),
        ("a\ud800b", "file"),
    ],
)
def test_a_path_in_the_lock_file_that_leads_out_of_the_package_is_refused(
    package: Package, path: str, place: str
) -> None:
    (package.output.parent / "victim.py").write_bytes(VICTIM)

    def point_outside(lockfile: dict[str, Any]) -> None:
        if place == "file":
            lockfile["files"][path] = digest(VICTIM)
        elif place == "schema":
            lockfile[f"schema ../{path}"] = {"pulled": digest(VICTIM)}
        else:
            module = path.removesuffix(".py")
            module = f"{path}/" if module == path else module
            lockfile["schema X"] = {"generated": {**MODULE, "module": module}}

    package.edit_lockfile(point_outside)
    write_schema(package.schemas, "Visit-b", "other")
    before = read_tree(package.output.parent)
    message = r"points outside the package|not a valid schema id|lock file is damaged"
    for run in (pipeline.check, pipeline.generate):
        with pytest.raises(InputError, match=message) as caught:
            run(package.config)
        assert caught.value.fix
        assert read_tree(package.output.parent) == before


def write_journal(package: Package, data: bytes) -> Path:
    """Write the files of a killed run, or of somebody who claims that there was one."""
    folder = package.output / f"{STAGING_PREFIX}1"
    folder.mkdir()
    (folder / "0").write_bytes(b"staged\n")
    (folder / JOURNAL).write_bytes(data)
    return folder


def step(**members: object) -> bytes:
    """Return a journal with one step."""
    default = {"path": "a", "staged": "0", "old": None, "new": None}
    return json.dumps([default | members]).encode()


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"[{", b'{"path": "a"}', b"null", b"5", b'"x"', b"\xff", b"[5]", b"[[]]", b"[{}]"),
        b'[{"path": "a"}]',
        b'[{"path": "a", "staged": null, "old": null}]',
        *(step(path=path) for path in HOSTILE_PATHS),
        *(step(staged=path) for path in HOSTILE_PATHS if path),
        *(step(path=value) for value in (5, None, "a\0")),
        step(staged=5),
        step(staged={}),
        step(staged=""),
        step(extra=1),
        b"{}",
        b"[]",
        b"[" * 100_000,
    ],
    ids=lambda data: data[:60].decode("ascii", "replace"),
)
def test_a_damaged_or_hostile_journal_is_an_error_that_changes_nothing(
    package: Package, data: bytes
) -> None:
    (package.output.parent / "victim.py").write_bytes(VICTIM)
    folder = write_journal(package, data)
    before = read_tree(package.output.parent)
    with pytest.raises(InterruptedRunError, match="interrupted"):
        pipeline.check(package.config)
    with pytest.raises(InputError) as caught:
        pipeline.generate(package.config)
    assert f"delete the folder {folder}" in caught.value.fix
    assert read_tree(package.output.parent) == before
    shutil.rmtree(folder)
    assert not pipeline.check(package.config).is_stale


@pytest.mark.parametrize("way", ["replaced by a journal", "deleted by a journal", "lock file"])
def test_nothing_behind_a_link_is_touched(package: Package, way: str) -> None:
    outside = package.output.parent / "outside"
    outside.mkdir()
    (outside / "victim").write_bytes(VICTIM)
    (package.output / "link").symlink_to(outside)
    if way == "lock file":
        package.edit_lockfile(
            lambda lockfile: lockfile["files"].update({"link/victim": digest(VICTIM)})
        )
    else:
        staged = "0" if way.startswith("replaced") else None
        write_journal(package, step(path="link/victim", staged=staged, old=digest(VICTIM)))
    write_schema(package.schemas, "Visit-b", "other")
    with pytest.raises(InputError, match="it is a link"):
        pipeline.generate(package.config)
    assert read_tree(outside) == {"victim": VICTIM}


def test_a_link_with_the_name_of_a_staging_folder_is_left_alone(package: Package) -> None:
    outside = package.output.parent / "outside"
    outside.mkdir()
    (outside / "0").write_bytes(VICTIM)
    (outside / JOURNAL).write_bytes(step(path="visit_b.py"))
    (package.output / f"{STAGING_PREFIX}7").symlink_to(outside)
    write_schema(package.schemas, "Visit-b", "other")
    assert not pipeline.generate(package.config).completed_interrupted
    assert read_tree(outside).keys() == {"0", JOURNAL}
