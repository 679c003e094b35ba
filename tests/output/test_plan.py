"""A file is replaced or deleted only if it is ours and as we wrote it; an error changes nothing."""

import errno
import functools
import itertools
import json
import os
import shutil
import sys
import tempfile
import traceback
from collections.abc import Callable, Generator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from engage_codegen import pipeline
from engage_codegen.config import Config
from engage_codegen.errors import CodegenError, InputError, WriteConflictError
from engage_codegen.output import commit as journal
from engage_codegen.output import plan as write
from engage_codegen.output import snapshot
from engage_codegen.render.format import format_module
from engage_codegen.render.resources import templates_digest

posix = pytest.mark.skipif(sys.platform == "win32", reason="needs fork")
# The worker of pytest-xdist has a thread of its own; a child here touches files and exits.
pytestmark = pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")

DIALECT = "https://json-schema.org/draft/2020-12/schema"
PATHS = ["INDEX.md", "py.typed", "visit_a.py", "_runtime/client.py", "_snapshot/Visit-a.json"]
CHANGED = ("visit_a.py", "visit_b.py", "INDEX.md", snapshot.LOCK_PATH)
WRITTEN = {
    "INDEX.md", "visit_a.py", "visit_d.py", "_snapshot/Visit-a.json", "_snapshot/Visit-d.json",
    snapshot.LOCK_PATH,
}  # fmt: skip
NOBODY = 65534
UNREADABLE_CHECKOUT = 77

Marks = dict[str, tuple[bytes, int] | str]


@pytest.fixture(scope="module", autouse=True)
def _quick() -> Generator[None, None, None]:
    """The formatter's answers are kept."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("engage_codegen.render.package.format_module", functools.cache(format_module))
        yield


def schema_folder(folder: Path, state: dict[str, list[str]]) -> None:
    folder.mkdir()
    for schema_id, names in state.items():
        properties = {name: {"type": "string"} for name in names}
        body = {"$schema": DIALECT, "type": "object", "properties": properties}
        envelope = {"id": schema_id, "displayName": schema_id, "jsonSchema": body}
        (folder / f"{schema_id}.json").write_text(json.dumps(envelope), encoding="utf-8")


def marks(root: Path) -> Marks:
    """Everything below a folder: contents and time of files, and that a link or folder is there."""
    found: Marks = {}
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if path.is_symlink():
            found[name] = f"link to {path.readlink()}"
        elif path.is_dir():
            found[name] = "folder"
        else:
            found[name] = (path.read_bytes(), path.stat().st_mtime_ns)
    return found


def texts(root: Path) -> dict[str, bytes]:
    return {name: mark[0] for name, mark in marks(root).items() if isinstance(mark, tuple)}


class World:
    """A package in `output`, made from `before`; `after` has changes of every kind."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.output = folder / "package"
        self.before = Config(output=self.output, schemas=(folder / "before",))
        self.after = Config(output=self.output, schemas=(folder / "after",))


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("original")
    world = World(folder)
    schema_folder(folder / "before", {f"Visit-{letter}": ["shop"] for letter in "abc"})
    schema_folder(folder / "after", {"Visit-a": ["till"], "Visit-c": ["shop"], "Visit-d": ["x"]})
    pipeline.generate(world.after)
    shutil.copytree(world.output, folder / "expected")
    shutil.rmtree(world.output)
    pipeline.generate(world.before)
    return folder


@pytest.fixture
def world(original: Path, tmp_path: Path) -> World:
    shutil.copytree(original, tmp_path / "world")
    return World(tmp_path / "world")


def expected(world: World) -> dict[str, bytes]:
    return texts(world.folder / "expected")


def test_a_run_writes_what_changed_and_touches_nothing_else(world: World) -> None:
    old = marks(world.output)
    done = pipeline.generate(world.after)
    new = marks(world.output)
    assert texts(world.output) == expected(world)
    assert {name for name in new if new[name] != old.get(name)} == set(done.written)
    assert set(done.written) == WRITTEN
    assert set(old) - set(new) == set(done.deleted) == {"visit_b.py", "_snapshot/Visit-b.json"}
    assert done.written[-1] == snapshot.LOCK_PATH


def test_files_with_windows_line_ends_are_unchanged_files(world: World) -> None:
    for name, data in texts(world.output).items():
        (world.output / name).write_bytes(data.replace(b"\n", b"\r\n"))
    old = marks(world.output)
    assert pipeline.generate(world.before).written == ()
    assert marks(world.output) == old
    done = pipeline.generate(world.after)
    new = marks(world.output)
    assert {name for name in new if new[name] != old.get(name)} == set(done.written) == WRITTEN
    assert all(texts(world.output)[name] == expected(world)[name] for name in WRITTEN)


def test_foreign_files_and_folders_stay(world: World) -> None:
    (world.output / "__pycache__").mkdir()
    for name in ("__pycache__/visit_b.pyc", "notes.txt", "_snapshot/README", "visit_z.py"):
        (world.output / name).write_bytes(b"mine")
    (world.output / "link").symlink_to("nowhere")
    old = marks(world.output)
    done = pipeline.generate(world.after)
    new = marks(world.output)
    kept = set(old) - set(done.written) - set(done.deleted)
    assert {name: new[name] for name in kept} == {name: old[name] for name in kept}


@pytest.mark.parametrize(
    ("path", "kind", "source"),
    [
        pytest.param(path, kind, source)
        if path.endswith("json") and kind != "edit" and source == "before"
        else (path, kind, source)
        for path in [*PATHS, "visit_b.py"]
        for kind in ("edit", "folder", "dangling link")
        for source in ("before", "after")
    ],
)
def test_what_is_in_the_way_is_named_and_nothing_is_touched(
    world: World, path: str, kind: str, source: str
) -> None:
    target = world.output / path
    if kind == "edit":
        target.write_bytes(target.read_bytes() + b"mine")
    else:
        target.unlink()
        (target / "mine").mkdir(parents=True) if kind == "folder" else target.symlink_to("nowhere")
    old = marks(world.folder)
    for run in (pipeline.check, pipeline.generate):
        with pytest.raises(WriteConflictError if kind == "edit" else InputError) as caught:
            run(getattr(world, source))
        assert caught.value.where == str(target)
        assert caught.value.fix
        assert marks(world.folder) == old


@pytest.mark.parametrize("kind", ["file", "dangling link", "link loop"])
@pytest.mark.parametrize("path", ["", ".", "_runtime", "_snapshot"])
def test_a_folder_of_ours_that_is_none_is_an_error(world: World, path: str, kind: str) -> None:
    """An empty path stands for the parent of the output."""
    target = world.output / path if path else world.folder / "parent"
    shutil.rmtree(target, ignore_errors=True)
    if kind == "file":
        target.write_bytes(b"mine")
    else:
        target.symlink_to("nowhere" if kind == "dangling link" else target.name)
    output = world.output if path else target / "package"
    old = marks(world.folder)
    with pytest.raises(CodegenError) as caught:
        pipeline.generate(Config(output=output, schemas=world.after.schemas))
    # Without its snapshot folder a package has no lock either: all of it is in the way.
    assert caught.value.where.startswith(str(target if path != "_snapshot" else output))
    assert marks(world.folder) == old


def fail(patch: pytest.MonkeyPatch, name: str, number: int, code: int) -> list[int]:
    """Make the call of `name` with this number fail; the list grows with the calls."""
    place, calls = journal if name == "open" else os, list[int]()
    real: Callable[..., Any] = open if name == "open" else getattr(os, name)

    def call(*args: Any, **kwargs: Any) -> Any:
        calls.append(len(calls))
        if calls[-1] == number:
            raise OSError(code, os.strerror(code), None if name == "fsync" else str(args[0]))
        return real(*args, **kwargs)

    patch.setattr(place, name, call, raising=False)
    return calls


@pytest.mark.parametrize("there", [True, False], ids=["there", "not there"])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EACCES])
@pytest.mark.parametrize("name", ["open", "mkdir", "fsync", "replace", "unlink"])
def test_an_error_of_the_disk_changes_nothing_or_can_be_completed(
    world: World, name: str, code: int, there: bool
) -> None:
    plan = pipeline.check(world.after)
    assert plan
    everything = (journal.Change(path, None, data) for path, data in expected(world).items())
    changes = plan.changes if there else tuple(everything)
    for number in itertools.count():
        root = world.folder / f"try {number}" / "deep" / "package"
        if there:
            shutil.copytree(world.output, root)
        old, error = marks(world.folder), None
        with pytest.MonkeyPatch.context() as patch:
            calls = fail(patch, name, number, code)
            try:
                write.apply(write.Plan(root, changes))
            except InputError as problem:
                error = problem
        if error and not journal.interrupted(root):
            assert marks(world.folder) == old, number
        else:
            assert journal.roll_forward(root) == bool(error), number
            assert texts(root) == expected(world), number
            assert not list(root.glob(".*")), number
        if number not in calls:
            assert not error
            break
        if error:
            assert error.message == f"the output cannot be written: {os.strerror(code)}"
            assert error.where.startswith(str(root.parent.parent))
            assert "space on the disk" in error.fix


def test_an_error_of_the_disk_while_a_killed_run_is_completed_is_an_input_error(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in (3, 0):
        fail(monkeypatch, "replace", number, errno.ENOSPC)
        with pytest.raises(InputError):
            pipeline.generate(world.after)
        assert journal.interrupted(world.output)


def forked(act: Callable[[], object]) -> int:
    """The process of a child that does this and exits with the exit code of its error, or 99."""
    child = os.fork()
    if child == 0:
        code = 99
        try:
            act()
            code = 0
        except CodegenError as error:
            code = error.exit_code
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    return child


def status(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.fixture
def open_world(original: Path) -> Generator[World]:
    """A world that other users may see, unlike what is below `tmp_path`; it belongs to nobody."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "world"
        shutil.copytree(original, folder)
        Path(name).chmod(0o755)
        for path in (folder, *folder.rglob("*")) if os.geteuid() == 0 else ():
            os.chown(path, NOBODY, NOBODY)
        yield World(folder)


@posix
@pytest.mark.parametrize(
    ("path", "mode", "source", "allowed"),
    [
        ("package", 0o555, "after", [2]),
        ("package/_snapshot", 0o555, "after", [2]),
        ("package/_runtime", 0o555, "after", [0]),
        ("package", 0o555, "before", [0]),
        ("package/visit_a.py", 0o000, "after", [2]),
        ("package/visit_a.py", 0o000, "before", [2]),
        ("package/visit_a.py", 0o444, "after", [0]),
        ("package/_snapshot/Visit-a.json", 0o000, "after", [2]),
        pytest.param("package/_snapshot/Visit-a.json", 0o000, "before", [2]),
        ("package/_snapshot/codegen.lock.json", 0o000, "after", [2]),
        ("package/_snapshot", 0o000, "before", [2]),
        ("package/_runtime", 0o000, "before", [2]),
        pytest.param("package", 0o300, "before", [2]),
        pytest.param("", 0o600, "before", [2]),
        ("", 0o555, "not there", [2]),
    ],
)
def test_missing_permissions_are_an_input_error_that_changes_nothing(
    open_world: World, path: str, mode: int, source: str, allowed: list[int]
) -> None:
    if source == "not there":
        shutil.rmtree(open_world.output)
    old, kept = marks(open_world.folder), texts(open_world.output)
    other = open_world.folder.with_name("schemas")
    shutil.copytree(open_world.folder / ("after" if source == "after" else "before"), other)
    config = Config(output=open_world.output, schemas=(other,))
    digest = templates_digest()
    (open_world.folder / path).chmod(mode)

    def generate() -> None:
        if os.geteuid() == 0:
            os.setgroups([])
            os.setresgid(NOBODY, NOBODY, NOBODY)
            os.setresuid(NOBODY, NOBODY, NOBODY)
        try:
            assert templates_digest() == digest
        except OSError:
            os._exit(UNREADABLE_CHECKOUT)
        pipeline.generate(config)

    code = status(forked(generate))
    (open_world.folder / path).chmod(0o755)
    if code == UNREADABLE_CHECKOUT:
        pytest.skip("other users cannot read the templates of this checkout")
    assert code in allowed
    if code:
        assert marks(open_world.folder) == old
    else:
        assert texts(open_world.output) == (expected(open_world) if source == "after" else kept)


@pytest.mark.parametrize(
    ("path", "kind"),
    [(path, kind) for path in CHANGED for kind in ("edited", "gone", "line ends")]
    + [("visit_d.py", "edited")],
)
def test_a_file_that_changes_between_plan_and_write_is_refused(
    world: World, path: str, kind: str
) -> None:
    plan = pipeline.check(world.after)
    assert plan
    target = world.output / path
    data = target.read_bytes() if target.exists() else b""
    if kind == "gone":
        target.rename(target.with_name("moved"))
    else:
        target.write_bytes(data + b"mine" if kind == "edited" else data.replace(b"\n", b"\r\n"))
    old = marks(world.folder)
    with pytest.raises(WriteConflictError) as caught:
        write.apply(plan)
    assert caught.value.where == str(target)
    assert marks(world.folder) == old


@posix
def test_of_two_runs_at_once_one_or_both_succeed_and_the_package_is_complete(
    world: World, original: Path
) -> None:
    for _ in range(12):
        shutil.rmtree(world.output)
        shutil.copytree(original / "package", world.output)
        children = [forked(lambda: pipeline.generate(world.after)) for _ in range(3)]
        ends = [status(child) for child in children]
        assert 0 in ends
        assert set(ends) <= {0, 1}
        assert texts(world.output) == expected(world)
        assert not list(world.output.glob(".*"))


def test_of_two_first_runs_at_once_one_or_both_succeed(world: World) -> None:
    shutil.rmtree(world.output)
    mkdir = os.mkdir

    def beaten(path: Path, *args: Any) -> None:
        mkdir(path, *args)
        if Path(path) == world.output:
            mkdir(path, *args)

    with pytest.MonkeyPatch.context() as patch, suppress(WriteConflictError):
        patch.setattr(os, "mkdir", beaten)
        pipeline.generate(world.before)
