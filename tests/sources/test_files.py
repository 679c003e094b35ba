"""Schema files: envelopes, lists and bare JSON Schemas, in files and folders."""

import json
from pathlib import Path

import pytest

from engage_codegen.errors import CodegenError, InputError
from engage_codegen.lint import lint
from engage_codegen.sources.documents import read_document
from engage_codegen.sources.files import FileSource
from engage_codegen.sources.interface import ApiKey, ignore_progress
from tests.support.tenants import envelope


def fetch_ids(*paths: Path, only: tuple[str, ...] = ()) -> list[str]:
    return list(FileSource(paths).fetch(only, ignore_progress))


def write(path: Path, value: object) -> Path:
    path.write_text(json.dumps(value, indent=1), "utf-8")
    return path


def test_a_folder_and_files_are_read_together_and_sorted_by_id(tmp_path: Path) -> None:
    folder = tmp_path / "schemas"
    folder.mkdir()
    write(folder / "one.json", envelope("z"))
    write(folder / "list.json", [envelope("y"), envelope("a")])
    write(folder / "bare.json", {"type": "object", "title": " A title "})
    (folder / "notes.txt").write_text("not a schema")
    single = write(tmp_path / "single.json", envelope("m"))
    assert fetch_ids(folder, single) == ["a", "bare", "m", "y", "z"]
    bare = FileSource([folder]).fetch((), ignore_progress)["bare"]
    assert (bare.display_name, bare.json_schema) == (
        "A title",
        {"type": "object", "title": " A title "},
    )


def test_only_the_requested_schemas_are_returned(tmp_path: Path) -> None:
    path = write(tmp_path / "list.json", [envelope("a"), envelope("b")])
    assert fetch_ids(path, only=("b",)) == ["b"]
    with pytest.raises(InputError, match="the source has no schema c") as caught:
        fetch_ids(path, only=("b", "c"))
    assert caught.value.fix == "name one of its schemas: a, b"


def test_progress_counts_the_schemas(tmp_path: Path) -> None:
    calls: list[tuple[int, int]] = []
    path = write(tmp_path / "list.json", [envelope("a"), envelope("b")])
    FileSource([path]).fetch((), lambda done, total: calls.append((done, total)))
    assert calls == [(2, 2)]


def test_a_schema_in_two_places_is_an_error_at_the_second_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    first = write(tmp_path / "a.json", envelope("same"))
    second = write(tmp_path / "b.json", [envelope("other"), envelope("same")])
    with pytest.raises(InputError, match=r"the schema same is also in a\.json") as caught:
        fetch_ids(first, second)
    location = caught.value.location
    assert (location.file, location.pointer) == ("b.json", "/1/id")
    assert second.read_text().splitlines()[location.line - 1].strip() == '"id": "same",'


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        (b"", 1, "not valid JSON"),
        (b'{"id": 1,\n}', 2, "not valid JSON"),
        (b"\xff", 1, "not UTF-8"),
        (b"[\n5]", 2, "a schema must be a JSON object"),
        (
            b'[{"id": "a", "jsonSchema": {}},\n\n {"id": "a/b"}]',
            3,
            "'a/b' is not a valid schema id",
        ),
        (b'[{"id": "a", "displayName": "A"}, {"id": "b"}]', 1, "has their ids and names alone"),
        (b'{"id": "a", "displayName": null}', 1, "has their ids and names alone"),
        (b'{\n"id": "a",\n"jsonSchema": 5}', 3, "`jsonSchema` of a must be an object"),
    ],
)
def test_a_broken_file_is_an_error_on_its_line(
    tmp_path: Path, text: bytes, line: int, message: str
) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(text)
    with pytest.raises(CodegenError, match=message) as caught:
        fetch_ids(path)
    assert caught.value.location.line == line
    (finding,) = read_document(path).errors
    assert (finding.code, finding.location.line) == ("EG100", line)


def test_a_file_without_an_id_must_have_the_name_of_one(tmp_path: Path) -> None:
    path = write(tmp_path / "my \x1b schema.json", {"type": "object"})
    with pytest.raises(CodegenError, match=r"its name 'my .* is not a valid schema id") as caught:
        fetch_ids(path)
    assert "\x1b" not in caught.value.message
    assert caught.value.location.line == 1


def test_a_missing_file_and_an_empty_folder_are_named(tmp_path: Path) -> None:
    for path, message in (
        (tmp_path / "missing.json", "no such file or folder"),
        (tmp_path, r"the folder has no \*\.json file"),
    ):
        with pytest.raises(InputError, match=message) as caught:
            fetch_ids(path)
        assert caught.value.where == str(path)


def test_a_folder_has_the_files_of_its_sub_folders_whatever_the_case_of_their_names(
    tmp_path: Path,
) -> None:
    for name in ("a.json", "b.JSON", "sub/c.json", "sub/deeper/d.Json", "e.json/f.json"):
        path = tmp_path / "schemas" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path, envelope(path.stem))
    (tmp_path / "elsewhere").mkdir()
    write(tmp_path / "elsewhere" / "g.json", envelope("g"))
    (tmp_path / "schemas" / "linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "schemas" / "sub" / "circle").symlink_to(tmp_path / "schemas")
    assert fetch_ids(tmp_path / "schemas") == ["a", "b", "c", "d", "f", "g"]


@pytest.mark.parametrize(
    "name",
    ["._a.json", ".#a.json", ".a.json.swp", ".git/x.json", ".DS_Store", "sub/._b.json", "a.json~"],
)
def test_files_of_systems_and_editors_are_skipped(tmp_path: Path, name: str) -> None:
    write(tmp_path / "a.json", envelope("a"))
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_bytes(b"\x00\x05\x16\x07\xff")
    assert fetch_ids(tmp_path) == ["a"]
    (tmp_path / name).unlink()
    (tmp_path / name).symlink_to("user@host.1234:1700000000")
    assert fetch_ids(tmp_path) == ["a"]
    assert "EG100" not in {finding.code for finding in lint([tmp_path], "engage", {})}


@pytest.mark.parametrize("name", ["b.json", "b.JSON", "sub/b.json", "submodule"])
def test_a_link_to_a_missing_file_is_an_error(tmp_path: Path, name: str) -> None:
    write(tmp_path / "a.json", envelope("a"))
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).symlink_to(tmp_path / "gone")
    with pytest.raises(InputError, match=r"is a link to .*gone, which does") as caught:
        fetch_ids(tmp_path)
    assert caught.value.where == str(tmp_path / name)
    with pytest.raises(InputError, match=r"is a link to .*gone, which does"):
        lint([tmp_path], "engage", {})


def test_the_snapshot_of_a_package_below_the_folder_is_not_read_again(tmp_path: Path) -> None:
    write(tmp_path / "a.json", envelope("a"))
    snapshot = tmp_path / "engage_interactions" / "_snapshot"
    snapshot.mkdir(parents=True)
    write(snapshot / "a.json", envelope("a"))
    write(snapshot / "codegen.lock.json", {})
    assert fetch_ids(tmp_path) == fetch_ids(snapshot) == ["a"]


def test_a_file_that_is_reached_twice_is_one_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "schemas"
    folder.mkdir()
    write(folder / "list.json", [envelope("a"), envelope("b")])
    (folder / "alias.json").symlink_to(folder / "list.json")
    (tmp_path / "link").symlink_to(folder)
    paths = [
        folder,
        Path("schemas"),
        folder / "list.json",
        tmp_path / "link",
        folder / "../schemas",
    ]
    assert fetch_ids(*paths) == ["a", "b"]
    assert "EG123" not in {finding.code for finding in lint(paths, "engage", {})}


def test_a_key_is_never_shown() -> None:
    assert "secret" not in repr(ApiKey("secret"))
