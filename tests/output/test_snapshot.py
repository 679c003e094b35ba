"""The snapshot: what `pull` adds, replaces, removes and refuses, and how it is read."""

import shutil
from collections.abc import Mapping, Sequence

import pytest

from engage_codegen import pipeline
from engage_codegen.errors import InputError, MalformedResponseError, WriteConflictError
from engage_codegen.output.lockfile import FOLDER, snapshot_path
from engage_codegen.output.snapshot import read_snapshot, snapshot_files
from engage_codegen.schema.envelope import Schema
from engage_codegen.sources.interface import Progress, ignore_progress
from tests.support.packages import Package, read_tree, write_schema


def test_pull_adds_changes_and_removes_schemas(package: Package) -> None:
    write_schema(package.schemas, "Visit-b", "other")
    write_schema(package.schemas, "Visit-e")
    (package.schemas / "Visit-d.json").unlink()
    assert package.pull("Visit-e") == pipeline.PullResult(("Visit-e",), (), (), ())
    assert package.pull() == pipeline.PullResult((), ("Visit-b",), ("Visit-d",), ("Visit-e",))
    assert sorted(snapshot_files(package.output)) == ["Visit-b", "Visit-e"]
    assert pipeline.check(package.offline).is_stale, "the modules are still the old ones"


@pytest.mark.parametrize("schema_id", ["Visit-b", "Visit-d", "Visit-x"])
def test_pull_overwrites_a_snapshot_that_was_edited_by_hand_only_with_force(
    package: Package, schema_id: str
) -> None:
    write_schema(package.schemas, "Visit-b", "other")
    (package.schemas / "Visit-d.json").unlink()
    write_schema(package.output / FOLDER, schema_id, "mine")
    before = read_tree(package.output)
    with pytest.raises(WriteConflictError) as caught:
        package.pull()
    assert caught.value.where == str(package.output / snapshot_path(schema_id))
    assert "engage-codegen pull --force" in caught.value.fix
    assert read_tree(package.output) == before
    package.pull(force=True)
    assert sorted(snapshot_files(package.output)) == ["Visit-b"]


def test_pull_names_every_edited_file_in_one_error(package: Package) -> None:
    paths = [package.output / snapshot_path(schema_id) for schema_id in ("Visit-b", "Visit-d")]
    for path in paths:
        path.write_text(path.read_text("utf-8").replace("string", "integer"), "utf-8")
    with pytest.raises(WriteConflictError, match="edited since the last pull") as caught:
        package.pull()
    assert [conflict.location.file for conflict in caught.value.conflicts] == list(map(str, paths))


def test_pull_of_one_schema_leaves_edits_of_the_others_alone(package: Package) -> None:
    write_schema(package.output / FOLDER, "Visit-d", "mine")
    before = read_tree(package.output)
    write_schema(package.schemas, "Visit-b", "other")
    assert package.pull("Visit-b").changed == ("Visit-b",)
    assert read_tree(package.output)[snapshot_path("Visit-d")] == before[snapshot_path("Visit-d")]


def test_a_source_without_schemas_empties_the_snapshot_only_with_force(package: Package) -> None:
    class EmptySource:
        def fetch(self, only: Sequence[str], progress: Progress) -> Mapping[str, Schema]:
            return {}

    def pull(*, force: bool) -> pipeline.PullResult:
        source = EmptySource()
        return pipeline.pull(package.offline, source, (), force=force, progress=ignore_progress)

    with pytest.raises(MalformedResponseError, match="no schemas, but the snapshot") as caught:
        pull(force=False)
    assert "pull --force" in caught.value.fix
    assert pull(force=True).removed == ("Visit-b", "Visit-d")


def test_schema_ids_that_differ_only_in_case_are_refused(package: Package) -> None:
    write_schema(package.schemas, "visit-B")
    for run in (package.pull, package.generate):
        with pytest.raises(InputError, match="'Visit-b' and 'visit-B' differ only in case"):
            run()
    (package.schemas / "Visit-b.json").unlink()
    with pytest.raises(InputError, match="differ only in case"):
        package.pull("visit-B")
    assert package.pull().added == ("visit-B",)


def test_a_snapshot_file_named_like_another_schema_is_refused_on_its_line(
    package: Package,
) -> None:
    path = package.output / FOLDER / "Visit-z.json"
    (package.output / FOLDER / "Visit-b.json").rename(path)
    with pytest.raises(InputError, match="contains the schema 'Visit-b', not 'Visit-z'") as caught:
        pipeline.generate(package.offline)
    assert caught.value.fix == "name the file Visit-b.json"
    assert (caught.value.location.file, caught.value.location.line) == (str(path), 3)


@pytest.mark.parametrize(
    ("data", "line", "message"),
    [
        (b'{\n  "id": 1,,\n}', 2, "not valid JSON: Expecting property name"),
        (b'{"id": "Visit-b",\n "id": "Visit-b"}', 2, "not valid JSON: duplicate key 'id'"),
        (b"\xff", 1, "is not UTF-8"),
        (b"[]", 1, "must be a JSON object"),
        (b"{}", 1, "has no `id`"),
        (b'{"id": "Visit-b",\n"jsonSchema": 1}', 2, "`jsonSchema` of Visit-b must be an object"),
    ],
)
def test_a_broken_snapshot_file_is_an_error_on_its_line(
    package: Package, data: bytes, line: int, message: str
) -> None:
    path = package.output / FOLDER / "Visit-b.json"
    path.write_bytes(data)
    with pytest.raises(InputError, match=message) as caught:
        read_snapshot(package.output)
    assert (caught.value.location.file, caught.value.location.line) == (str(path), line)


def test_a_missing_snapshot_is_empty(package: Package) -> None:
    shutil.rmtree(package.output / FOLDER)
    assert read_snapshot(package.output) == {}
    assert snapshot_files(package.output / "no such folder") == {}


def test_files_of_systems_and_editors_in_the_snapshot_are_skipped(package: Package) -> None:
    folder = package.output / FOLDER
    (folder / "._Visit-b.json").write_bytes(b"\x00\x05\x16\x07\xff")
    (folder / ".#Visit-b.json").symlink_to("user@host.1234:1700000000")
    assert sorted(read_snapshot(package.output)) == ["Visit-b", "Visit-d"]
    assert not pipeline.check(package.offline).is_stale


def test_a_snapshot_file_whose_name_ends_in_upper_case_is_not_left_out(package: Package) -> None:
    path = package.output / snapshot_path("Visit-b")
    path.rename(path.with_suffix(".JSON"))
    with pytest.raises(InputError, match=r"must end in \.json") as caught:
        pipeline.generate(package.offline)
    assert caught.value.fix == "name the file Visit-b.json"


def test_a_byte_order_mark_in_the_snapshot_is_no_edit(package: Package) -> None:
    path = package.output / snapshot_path("Visit-b")
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert "Visit-b" in read_snapshot(package.output)
    package.pull()
    pipeline.generate(package.offline)
