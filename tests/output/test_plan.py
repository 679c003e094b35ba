"""Which files a run may replace or delete: only its own, and only as it wrote them."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from engage_codegen import pipeline
from engage_codegen.config import Config
from engage_codegen.errors import CodegenError, InputError, WriteConflictError
from engage_codegen.output.index import INDEX_PATH
from engage_codegen.output.lockfile import LOCKFILE_PATH
from engage_codegen.output.plan import Change, Plan, diff_lines
from tests.output.projects import WRITTEN, Project, mark_files, read_marked
from tests.support.packages import Package, read_tree, write_schema

PATHS = ["INDEX.md", "py.typed", "visit_a.py", "_runtime/client.py", "_snapshot/Visit-a.json"]


def test_a_run_writes_what_changed_and_touches_nothing_else(changing: Project) -> None:
    old = mark_files(changing.output)
    result = pipeline.generate(changing.after)
    new = mark_files(changing.output)
    assert read_marked(changing.output) == changing.expected
    assert {name for name in new if new[name] != old.get(name)} == set(result.written)
    assert set(result.written) == WRITTEN
    assert set(old) - set(new) == set(result.deleted) == {"visit_b.py", "_snapshot/Visit-b.json"}
    assert result.written[-1] == LOCKFILE_PATH


def test_a_run_leaves_files_alone_that_only_have_windows_line_ends(changing: Project) -> None:
    for name, data in read_marked(changing.output).items():
        (changing.output / name).write_bytes(data.replace(b"\n", b"\r\n"))
    old = mark_files(changing.output)
    assert pipeline.generate(changing.before).written == ()
    assert mark_files(changing.output) == old
    result = pipeline.generate(changing.after)
    new = mark_files(changing.output)
    assert {name for name in new if new[name] != old.get(name)} == set(result.written) == WRITTEN
    texts = read_marked(changing.output)
    assert all(texts[name] == changing.expected[name] for name in WRITTEN)


def test_foreign_files_and_folders_stay(changing: Project) -> None:
    (changing.output / "__pycache__").mkdir()
    for name in ("__pycache__/visit_b.pyc", "notes.txt", "_snapshot/README", "visit_z.py"):
        (changing.output / name).write_bytes(b"mine")
    (changing.output / "link").symlink_to("nowhere")
    old = mark_files(changing.output)
    result = pipeline.generate(changing.after)
    new = mark_files(changing.output)
    untouched = set(old) - set(result.written) - set(result.deleted)
    assert {name: new[name] for name in untouched} == {name: old[name] for name in untouched}


@pytest.mark.parametrize("path", [*PATHS, "visit_b.py"])
@pytest.mark.parametrize("source", ["before", "after"])
def test_a_hand_edit_is_named_and_nothing_is_written(
    changing: Project, path: str, source: str
) -> None:
    config = changing.before if source == "before" else changing.after
    target = changing.output / path
    target.write_bytes(target.read_bytes() + b"mine")
    old = mark_files(changing.folder)
    (conflict,) = pipeline.check(config).plan.conflicts
    assert (conflict.path, conflict.is_foreign) == (path, False)
    with pytest.raises(WriteConflictError) as caught:
        pipeline.generate(config)
    assert caught.value.where == str(target)
    assert "--force" in caught.value.fix
    assert mark_files(changing.folder) == old


@pytest.mark.parametrize("kind", ["folder", "dangling link"])
@pytest.mark.parametrize("path", [*PATHS, "visit_b.py"])
@pytest.mark.parametrize("source", ["before", "after"])
def test_a_folder_or_link_in_place_of_a_file_is_an_error_that_changes_nothing(
    changing: Project, path: str, kind: str, source: str
) -> None:
    config = changing.before if source == "before" else changing.after
    target = changing.output / path
    target.unlink()
    (target / "mine").mkdir(parents=True) if kind == "folder" else target.symlink_to("nowhere")
    old = mark_files(changing.folder)
    for run in (pipeline.check, pipeline.generate):
        with pytest.raises(InputError) as caught:
            run(config)
        assert caught.value.where == str(target)
        assert caught.value.fix
        assert mark_files(changing.folder) == old


@pytest.mark.parametrize("kind", ["file", "dangling link", "link loop"])
@pytest.mark.parametrize("path", ["", ".", "_runtime", "_snapshot"])
def test_something_else_in_place_of_a_folder_is_an_error_that_changes_nothing(
    changing: Project, path: str, kind: str
) -> None:
    """An empty path stands for the parent of the output."""
    target = changing.output / path if path else changing.folder / "parent"
    shutil.rmtree(target, ignore_errors=True)
    if kind == "file":
        target.write_bytes(b"mine")
    else:
        target.symlink_to("nowhere" if kind == "dangling link" else target.name)
    output = changing.output if path else target / "package"
    old = mark_files(changing.folder)
    with pytest.raises(CodegenError) as caught:
        pipeline.generate(Config(output=output, schemas=changing.after.schemas))
    # A package without its snapshot folder has no lock file, so every file of it is in the way.
    assert caught.value.where.startswith(str(target if path != "_snapshot" else output))
    assert mark_files(changing.folder) == old


def test_every_conflicting_file_is_named_in_one_error(package: Package) -> None:
    paths = ["_runtime/client.py", "visit_b.py"]
    for path in paths:
        (package.output / path).write_bytes(b"# mine\n")
    with pytest.raises(WriteConflictError, match="edited by hand") as caught:
        package.generate()
    expected = [str(package.output / path) for path in paths]
    assert caught.value.where == ", ".join(expected)
    assert [conflict.location.file for conflict in caught.value.conflicts] == expected
    assert caught.value.location == caught.value.conflicts[0].location


def test_force_names_all_hand_edits_and_discards_them_at_once(package: Package) -> None:
    before = read_tree(package.output)
    paths = ["_runtime/client.py", "_snapshot/Visit-d.json", "visit_b.py"]
    for path in paths:
        data = before[path].replace(b"string", b"number") if "json" in path else b"# mine\n"
        (package.output / path).write_bytes(data)
    (package.output / "visit_z.py").write_bytes(b"# mine, and in nobody's way\n")
    discarded: list[Path] = []

    def check_untouched(files: tuple[Path, ...]) -> None:
        assert not discarded, "all of them are named in one call"
        assert (package.output / "visit_b.py").read_bytes() == b"# mine\n", "before the write"
        discarded.extend(files)

    result = pipeline.generate(package.config, force=True, on_discard=check_untouched)
    assert discarded == [package.output / path for path in paths]
    assert set(result.written) == set(paths)
    after = read_tree(package.output)
    assert after.pop("visit_z.py").startswith(b"# mine")
    assert after == before


def test_force_without_hand_edits_discards_nothing(package: Package) -> None:
    write_schema(package.schemas, "Visit-b", "other")

    def fail(files: tuple[Path, ...]) -> None:
        pytest.fail(f"nothing to discard: {files}")

    assert "visit_b.py" in pipeline.generate(package.config, force=True, on_discard=fail).written


@pytest.mark.parametrize("path", ["INDEX.md", "_runtime/client.py", "_snapshot/Visit-b.json"])
def test_a_file_that_existed_before_the_first_run_is_never_replaced(
    package: Package, path: str
) -> None:
    shutil.rmtree(package.output)
    (package.output / path).parent.mkdir(parents=True)
    (package.output / path).write_bytes(b"mine\n")
    (conflict,) = pipeline.check(package.config).plan.conflicts
    assert conflict.path == path
    assert conflict.is_foreign != conflict.is_snapshot
    with pytest.raises(WriteConflictError) as caught:
        package.generate()
    assert caught.value.where == str(package.output / path)
    assert read_tree(package.output) == {path: b"mine\n"}


INDEX_EDITS: dict[str, Callable[[list[str]], object]] = {
    "a word in a row": lambda lines: lines.append(lines.pop().replace("visit_d", "visit_x")),
    "a word above the rows": lambda lines: lines.insert(2, lines.pop(2) + "mine\n"),
    "a missing row": lambda lines: lines.pop(),
    "a row twice": lambda lines: lines.append(lines[-1]),
    "rows in another order": lambda lines: lines.append(lines.pop(-2)),
    "a line below the rows": lambda lines: lines.append("mine\n"),
    "an empty line between rows": lambda lines: lines.insert(-1, "\n"),
    "a space at the end of a row": lambda lines: lines.append(lines.pop()[:-1] + " \n"),
    "a row above the head of the table": lambda lines: lines.insert(0, lines.pop(-2)),
}


@pytest.mark.parametrize("name", INDEX_EDITS)
def test_every_edit_of_the_index_is_a_conflict(package: Package, name: str) -> None:
    path = package.output / INDEX_PATH
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    assert lines[-1].startswith("| `Visit-d`")
    INDEX_EDITS[name](lines)
    path.write_text("".join(lines), encoding="utf-8", newline="")
    (conflict,) = pipeline.check(package.config).plan.conflicts
    assert conflict.path == INDEX_PATH
    with pytest.raises(WriteConflictError, match="edited by hand") as caught:
        package.generate()
    assert caught.value.where == str(path)


def test_a_plan_is_shown_as_a_unified_diff(tmp_path: Path) -> None:
    changes = (
        Change("a.py", b"one\ntwo\n", b"one\n2\n"),
        Change("b.py", None, b"new\n"),
        Change("c.py", b"old\n", None),
        Change("d.py", b"one\r\n", b"one\n"),
    )
    assert list(diff_lines(Plan(tmp_path, changes))) == [
        *("--- a/a.py", "+++ b/a.py", "@@ -1,2 +1,2 @@", " one", "-two", "+2"),
        *("--- /dev/null", "+++ b/b.py", "@@ -0,0 +1 @@", "+new"),
        *("--- a/c.py", "+++ /dev/null", "@@ -1 +0,0 @@", "-old"),
        *("--- a/d.py", "+++ b/d.py"),
    ]


def test_of_a_long_difference_the_beginning_and_each_name_are_shown(tmp_path: Path) -> None:
    long = b"x\n" * 60_000
    plan = Plan(tmp_path, (Change("a.py", long, b"y\n"), Change("b.py", b"y\n", None)))
    lines = list(diff_lines(plan))
    assert lines[:2] == ["--- a/a.py", "+++ b/a.py"]
    assert lines[50_000:] == [
        "\\ The rest of this difference is not shown.",
        *("--- a/b.py", "+++ /dev/null", "\\ The rest of this difference is not shown."),
    ]
