"""The lock says what is fresh; what is read back from a repository is not trusted."""

import json
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from engage_codegen import pipeline
from engage_codegen.config import Config
from engage_codegen.errors import CodegenError, InputError, WriteConflictError
from engage_codegen.output import commit as journal
from engage_codegen.output import snapshot
from engage_codegen.output.snapshot import INDEX_PATH, LOCK_PATH
from engage_codegen.schema.jsontext import digest
from engage_codegen.sources.files import FileSource
from engage_codegen.sources.interface import silently

STAGING = ".engage-codegen-"

DIALECT = "https://json-schema.org/draft/2020-12/schema"
VICTIM = b"not yours\n"
MADE: dict[str, object] = {"schema": "", "class_name": "C", "properties": {}, "row": "", "code": ""}


def put(folder: Path, schema_id: str, *names: str) -> None:
    properties = {name: {"type": "string"} for name in names}
    body = {"$schema": DIALECT, "type": "object", "properties": properties}
    envelope = {"id": schema_id, "displayName": schema_id, "jsonSchema": body}
    (folder / f"{schema_id}.json").write_text(json.dumps(envelope), encoding="utf-8")


class World:
    """A package in `output`; `config` makes it from files, `offline` from its snapshot."""

    def __init__(self, folder: Path) -> None:
        self.output = folder / "package"
        self.schemas = folder / "schemas"
        self.config = Config(output=self.output, schemas=(self.schemas,))
        self.offline = Config(output=self.output)

    def generate(self) -> dict[str, bytes]:
        pipeline.generate(self.config)
        return files(self.output)

    def pull(self, *only: str, force: bool = False) -> pipeline.Pulled:
        source = FileSource((self.schemas,))
        return pipeline.pull(self.offline, source, only, force=force, progress=silently)

    def edit_lock(self, edit: Callable[[dict[str, Any]], object]) -> None:
        path = self.output / LOCK_PATH
        lock: dict[str, Any] = json.loads(path.read_bytes())
        edit(lock)
        path.write_text(json.dumps(lock), encoding="utf-8")


def files(root: Path) -> dict[str, bytes]:
    found = (path for path in root.rglob("*") if path.is_file() and not path.is_symlink())
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in found}


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("original")
    (folder / "schemas").mkdir()
    put(folder / "schemas", "Visit-b", "shop")
    put(folder / "schemas", "Visit-d", "shop", "till")
    World(folder).generate()
    return folder


@pytest.fixture
def world(original: Path, tmp_path: Path) -> World:
    shutil.copytree(original, tmp_path / "world")
    return World(tmp_path / "world")


@pytest.mark.parametrize("schema_id", ["Visit-a", "Visit-c", "Visit-e"])
def test_another_schema_adds_one_line_to_the_lock_of_a_package(
    world: World, schema_id: str
) -> None:
    before = world.generate()
    put(world.schemas, schema_id, "x")
    after = world.generate()
    lines = after[LOCK_PATH].splitlines()
    added = [line for line in lines if line not in before[LOCK_PATH].splitlines()]
    assert len(added) == 1
    assert added[0].startswith(f'"schema {schema_id}": '.encode())
    assert [line for line in lines if line != added[0]] == before[LOCK_PATH].splitlines()
    new = {f"{schema_id.lower().replace('-', '_')}.py", f"_snapshot/{schema_id}.json"}
    assert {path for path in after if after[path] != before.get(path)} == {
        *new, INDEX_PATH, LOCK_PATH
    }  # fmt: skip
    (world.schemas / f"{schema_id}.json").unlink()
    assert world.generate() == before


def fresh(world: World) -> bool:
    lock = snapshot.read_lock(world.output)
    local = {
        key: digest(schema.canonical)
        for key, schema in FileSource((world.schemas,)).fetch((), silently).items()
    }
    return snapshot.is_fresh(world.output, lock, lock.head, local) and snapshot.is_fresh(
        world.output, lock, lock.head, None
    )


def test_a_package_is_not_fresh_if_any_file_changes_by_a_byte_or_goes(world: World) -> None:
    assert fresh(world)
    assert len(files(world.output)) > 12
    for path, data in files(world.output).items():
        target, layout = world.output / path, b"\r\n " if path.endswith(".json") else b""
        edits = [(data + extra, extra) for extra in (b"x", b"\n", b"\0", b"\r", b"\xff")]
        if path != LOCK_PATH:
            cuts = {0, len(data) // 3, len(data) // 2, len(data) - 2} if data else set[int]()
            edits += [(data[:at] + data[at + 1 :], data[at : at + 1]) for at in cuts]
        for edited, byte in edits:
            target.write_bytes(edited)
            if byte in layout:
                continue
            if path == LOCK_PATH:
                with pytest.raises(InputError):
                    fresh(world)
            else:
                assert not fresh(world), (path, byte)
        target.unlink()
        assert not fresh(world), path
        target.write_bytes(data)
    assert fresh(world)


def test_a_package_is_not_fresh_if_a_schema_comes_goes_or_changes(world: World) -> None:
    for path in sorted(world.schemas.iterdir()):
        data = path.read_bytes()
        path.write_bytes(data.replace(b'"string"', b'"integer"', 1))
        assert not fresh(world)
        path.unlink()
        assert not fresh(world)
        path.write_bytes(data)
    put(world.schemas, "Visit-x")
    assert not fresh(world)


def test_a_schema_put_into_the_snapshot_by_hand_is_not_fresh(world: World) -> None:
    put(world.output / snapshot.FOLDER, "Visit-x")
    assert not fresh(world)
    assert "visit_x.py" in pipeline.generate(world.offline).written


@pytest.mark.parametrize("part", ["version", "config", "templates"])
def test_another_tool_configuration_or_template_is_not_fresh(world: World, part: str) -> None:
    world.edit_lock(lambda lock: lock["engage-codegen"].update({part: "0"}))
    assert pipeline.check(world.config) is not None


def test_a_package_with_windows_line_ends_is_fresh(world: World) -> None:
    for path, data in files(world.output).items():
        (world.output / path).write_bytes(data.replace(b"\n", b"\r\n"))
    assert fresh(world)
    assert pipeline.check(world.config) is None


@pytest.mark.parametrize("indent", [None, 0, 8])
def test_another_layout_of_a_snapshot_is_fresh_and_stays(world: World, indent: int | None) -> None:
    path = world.output / "_snapshot/Visit-d.json"
    value = json.loads(path.read_bytes())
    path.write_text(json.dumps(dict(reversed(value.items())), indent=indent), encoding="utf-8")
    data = path.read_bytes()
    assert fresh(world)
    assert world.generate()["_snapshot/Visit-d.json"] == data
    world.pull()
    assert path.read_bytes() != data


INDEX_EDITS: dict[str, Callable[[list[str]], object]] = {
    "a word in a row": lambda lines: lines.append(lines.pop().replace("visit_d", "visit_x")),
    "a word above the rows": lambda lines: lines.insert(2, lines.pop(2) + "mine\n"),
    "a row less": lambda lines: lines.pop(),
    "a row twice": lambda lines: lines.append(lines[-1]),
    "rows in another order": lambda lines: lines.append(lines.pop(-2)),
    "a line below the rows": lambda lines: lines.append("mine\n"),
    "an empty line between rows": lambda lines: lines.insert(-1, "\n"),
    "a space at the end of a row": lambda lines: lines.append(lines.pop()[:-1] + " \n"),
    "a row above the head of the table": lambda lines: lines.insert(0, lines.pop(-2)),
}


@pytest.mark.parametrize("name", INDEX_EDITS)
def test_an_edit_of_the_index_is_noticed_and_stops_the_next_change(world: World, name: str) -> None:
    path = world.output / INDEX_PATH
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    assert lines[-1].startswith("| `Visit-d`")
    INDEX_EDITS[name](lines)
    path.write_text("".join(lines), encoding="utf-8", newline="")
    assert not fresh(world)
    for run in (pipeline.check, pipeline.generate):
        with pytest.raises(WriteConflictError, match="edited by hand") as caught:
            run(world.config)
        assert caught.value.where == str(path)


@pytest.mark.parametrize("path", ["INDEX.md", "_runtime/client.py", "_snapshot/Visit-b.json"])
def test_a_file_that_was_there_before_us_is_never_replaced(world: World, path: str) -> None:
    shutil.rmtree(world.output)
    (world.output / path).parent.mkdir(parents=True)
    (world.output / path).write_bytes(b"mine\n")
    with pytest.raises(WriteConflictError) as caught:
        world.generate()
    assert caught.value.where == str(world.output / path)
    assert files(world.output) == {path: b"mine\n"}


def test_pull_takes_in_what_is_new_and_drops_what_is_gone(world: World) -> None:
    put(world.schemas, "Visit-b", "other")
    put(world.schemas, "Visit-e")
    (world.schemas / "Visit-d.json").unlink()
    assert world.pull("Visit-e") == pipeline.Pulled(("Visit-e",), (), (), ())
    assert world.pull() == pipeline.Pulled((), ("Visit-b",), ("Visit-d",), ("Visit-e",))
    assert sorted(snapshot.files(world.output)) == ["Visit-b", "Visit-e"]
    assert pipeline.check(world.offline) is not None


@pytest.mark.parametrize("schema_id", ["Visit-b", "Visit-d", "Visit-x"])
def test_pull_overwrites_a_snapshot_that_was_changed_by_hand_only_if_forced(
    world: World, schema_id: str
) -> None:
    put(world.schemas, "Visit-b", "other")
    (world.schemas / "Visit-d.json").unlink()
    put(world.output / snapshot.FOLDER, schema_id, "mine")
    before = files(world.output)
    with pytest.raises(WriteConflictError) as caught:
        world.pull()
    assert caught.value.where == str(world.output / snapshot.path_of(schema_id))
    assert "--force" in caught.value.fix
    assert files(world.output) == before
    world.pull(force=True)
    assert sorted(snapshot.files(world.output)) == ["Visit-b"]


def test_ids_that_differ_only_in_case_are_refused(world: World) -> None:
    put(world.schemas, "visit-B")
    with pytest.raises(InputError, match="'Visit-b' and 'visit-B' differ only in case"):
        world.pull()


def test_a_snapshot_named_after_another_schema_is_refused(world: World) -> None:
    folder = world.output / snapshot.FOLDER
    (folder / "Visit-b.json").rename(folder / "Visit-z.json")
    with pytest.raises(InputError, match="not the one it is named after"):
        pipeline.generate(world.offline)


HOSTILE = [
    "../victim.py", "_runtime/../../victim.py", "/victim.py", "..", ".", "", "a//b", "a/", "./a",
    "..\\victim.py", "\\victim.py", "C:\\victim.py", "C:/victim.py", "C:victim.py", "visit.py:x",
]  # fmt: skip


@pytest.mark.parametrize(
    ("path", "place"),
    [
        *((path, place) for path in HOSTILE for place in ("file", "module", "schema")),
        pytest.param("a\0b", "file"),
        pytest.param("a\0b", "module"),
        pytest.param("a\ud800b", "file"),
    ],
)
def test_a_path_in_the_lock_that_leads_out_is_refused(world: World, path: str, place: str) -> None:
    victim = world.output.parent / "victim.py"
    victim.write_bytes(VICTIM)
    entry: dict[str, Any] = {"pulled": digest(VICTIM)}
    stem = path.removesuffix(".py")
    if place == "module":
        entry = {"generated": {**MADE, "module": f"{path}/" if stem == path else stem}}
        entry["generated"]["code"] = digest(VICTIM)
    key = {"file": "files", "module": "schema X", "schema": f"schema ../{path}"}[place]
    value = {path: digest(VICTIM)} if place == "file" else entry
    world.edit_lock(lambda lock: lock.setdefault(key, {}).update(value))
    put(world.schemas, "Visit-b", "other")
    before = files(world.output.parent)
    with pytest.raises(
        InputError, match=r"leads out of the package|no schema id|lock is damaged"
    ) as caught:
        pipeline.generate(world.config)
    assert caught.value.fix
    assert files(world.output.parent) == before


def wreck(world: World, journal_data: bytes, staged: bytes = b"staged\n") -> Path:
    """What a killed run leaves, or somebody who wants us to believe that there was one."""
    folder = world.output / f"{STAGING}1"
    folder.mkdir()
    (folder / "0").write_bytes(staged)
    (folder / journal.JOURNAL).write_bytes(journal_data)
    return folder


def step(**parts: object) -> bytes:
    return json.dumps([{"path": "a", "staged": "0", "old": None, "new": None} | parts]).encode()


@pytest.mark.parametrize(
    "data",
    [
        b"", b"[{", b'{"path": "a"}', b"null", b"5", b'"x"', b"\xff", b"[5]", b"[[]]", b"[{}]",
        b'[{"path": "a"}]',
        b'[{"path": "a", "staged": null, "old": null}]',
        *(step(path=path) for path in HOSTILE),
        *(step(staged=path) for path in HOSTILE if path),
        pytest.param(b"{}"),
        pytest.param(step(path=5)),
        pytest.param(step(path=None)),
        pytest.param(step(staged=5)),
        pytest.param(step(staged={})),
        pytest.param(step(staged="")),
        pytest.param(step(path="a\0")),
        pytest.param(b"[" * 100_000),
    ],
    ids=lambda data: data[:60].decode("ascii", "replace"),
)  # fmt: skip
def test_a_damaged_or_hostile_journal_is_an_input_error_that_touches_nothing(
    world: World, data: bytes
) -> None:
    (world.output.parent / "victim.py").write_bytes(VICTIM)
    folder = wreck(world, data)
    before = files(world.output.parent)
    with pytest.raises(WriteConflictError, match="interrupted"):
        pipeline.check(world.config)
    try:
        pipeline.generate(world.config)
    except InputError as error:
        assert error.fix  # noqa: PT017
    else:
        pytest.fail("accepted")
    assert files(world.output.parent) == before
    shutil.rmtree(folder)
    assert pipeline.check(world.config) is None


def test_the_fix_for_a_hostile_journal_is_to_delete_its_folder(world: World) -> None:
    folder = wreck(world, step(path="../victim.py"))
    with pytest.raises(InputError) as caught:
        pipeline.generate(world.config)
    assert f"delete the folder {folder}" in caught.value.fix


@pytest.mark.parametrize(
    "way",
    [
        pytest.param("journal, replace"),
        pytest.param("journal, delete"),
        pytest.param("lock"),
        pytest.param("staging"),
    ],
)
def test_nothing_behind_a_link_is_touched(world: World, way: str) -> None:
    outside = world.output.parent / "outside"
    outside.mkdir()
    (outside / "victim").write_bytes(VICTIM)
    name = f"{STAGING}7" if way == "staging" else "link"
    (world.output / name).symlink_to(outside)
    if way.startswith("journal"):
        staged = "0" if way.endswith("replace") else None
        wreck(world, step(path="link/victim", staged=staged, old=digest(VICTIM)))
    if way == "lock":
        world.edit_lock(lambda lock: lock["files"].update({"link/victim": digest(VICTIM)}))
    put(world.schemas, "Visit-b", "other")
    with suppress(CodegenError):
        pipeline.generate(world.config)
    assert files(outside) == {"victim": VICTIM}


def test_a_lock_with_an_id_that_is_none_is_refused_or_quoted(world: World) -> None:
    world.edit_lock(lambda lock: lock.update({'schema a"b': {"pulled": "0"}}))
    with suppress(CodegenError):
        pipeline.generate(Config(output=world.output, renames={"Visit-b": "other"}))
    assert json.loads((world.output / LOCK_PATH).read_bytes())
