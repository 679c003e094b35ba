"""Bounded reads: nothing waits for a pipe or a device, and nothing reads a huge file."""

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from engage_codegen.errors import InputError
from engage_codegen.filesystem import MAX_BYTES, read_below, read_bytes, replace_files

posix = pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX file system")


def make_parent_a_file(path: Path) -> None:
    path.parent.rmdir()
    path.parent.touch()


def make_sparse(path: Path) -> None:
    with open(path, "wb") as file:
        file.truncate(MAX_BYTES + 1)


SPECIAL: dict[str, tuple[Callable[[Path], object], int]] = {
    "named pipe": (os.mkfifo, errno.EINVAL),
    "device": (lambda path: path.symlink_to("/dev/zero"), errno.EINVAL),
    "terminal": (lambda path: path.symlink_to("/dev/ptmx"), errno.EINVAL),
    "folder": (Path.mkdir, errno.EINVAL),
    "huge sparse file": (make_sparse, errno.EFBIG),
    "link to itself": (lambda path: path.symlink_to(path.name), errno.ELOOP),
    "missing file": (lambda path: None, errno.ENOENT),
    "dangling link": (lambda path: path.symlink_to("nowhere"), errno.ENOENT),
    "file below a file": (make_parent_a_file, errno.ENOTDIR),
}


@posix
@pytest.mark.parametrize("kind", SPECIAL)
def test_only_regular_files_of_a_limited_size_are_read(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "folder" / "file"
    path.parent.mkdir()
    make, code = SPECIAL[kind]
    make(path)
    handles = len(os.listdir("/dev/fd"))
    with pytest.raises(OSError, match=r".") as caught:
        read_bytes(path)
    assert caught.value.errno == code
    assert caught.value.filename == str(path) or caught.value.filename == path
    assert len(os.listdir("/dev/fd")) == handles, "no handle stays open"


def test_a_file_of_the_largest_size_is_read(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with open(path, "wb") as file:
        file.truncate(MAX_BYTES)
    assert len(read_bytes(path)) == MAX_BYTES
    path.write_bytes(b"text\r\n\xff")
    assert read_bytes(str(path)) == b"text\r\n\xff"


@posix
@pytest.mark.parametrize("kind", SPECIAL)
def test_what_has_the_place_of_a_generated_file_is_named(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "folder" / "file"
    path.parent.mkdir()
    SPECIAL[kind][0](path)
    if kind == "missing file":
        assert read_below(tmp_path, "folder/file") is None
        return
    with pytest.raises(InputError) as caught:
        read_below(tmp_path, "folder/file")
    place = path.parent if kind == "file below a file" else path
    assert caught.value.where == str(place)
    expected = (
        "cannot be read: larger than" if "huge" in kind else "the path of a generated file is taken"
    )
    assert caught.value.message.startswith(expected)


@posix
def test_several_files_are_replaced_all_or_none(tmp_path: Path) -> None:
    first, second, blocked = (tmp_path / name for name in ("first", "second", "blocked"))
    first.write_text("old")
    first.chmod(0o640)
    replace_files({first: "new", second: "new", tmp_path / "a/b": "new"})
    assert [path.read_text() for path in (first, second, tmp_path / "a/b")] == ["new"] * 3
    assert first.stat().st_mode & 0o777 == 0o640
    blocked.mkdir()
    with pytest.raises(InputError, match="cannot be written") as caught:
        replace_files({first: "newer", blocked: "newer"})
    assert caught.value.fix == "check the path and permissions"
    assert first.read_text() == "new"
    assert [path.name for path in tmp_path.iterdir() if path.name[0] == "."] == []


LINKS: dict[str, tuple[str, str]] = {
    "file": ("notes.txt", "../outside/secret"),
    "file of the project": ("notes.txt", "real.txt"),
    "missing file": ("notes.txt", "../outside/new"),
    "folder": ("notes", "../outside"),
}
"""What a branch contains: a link and its target; the file is the link, or a file below it."""


@posix
@pytest.mark.parametrize("kind", LINKS)
def test_nothing_is_written_through_a_link(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    project, outside = tmp_path / "project", tmp_path / "outside"
    for folder in (project, outside):
        folder.mkdir()
    (outside / "secret").write_text("old")
    (project / "real.txt").write_text("old")
    monkeypatch.chdir(project)
    name, target = LINKS[kind]
    Path(name).symlink_to(target)
    before = {path: path.read_text() for path in tmp_path.rglob("*") if path.is_file()}
    path = Path(name) / "secret" if kind == "folder" else Path(name)
    for spelling in (path, path.absolute()):
        with pytest.raises(InputError, match="links are not followed"):
            replace_files({Path("first"): "new", spelling: "new"})
    after = {path: path.read_text() for path in tmp_path.rglob("*") if path.is_file()}
    assert after == before
    assert not (outside / "new").exists()


@posix
def test_a_temporary_file_is_never_an_existing_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secret").write_text("old")
    name = f".notes.engage-codegen-{os.getpid()}-token"
    (tmp_path / name).symlink_to("secret")

    def token(_size: int) -> str:
        return "token"

    replace_files({tmp_path / "notes": "new"})
    monkeypatch.setattr("secrets.token_hex", token)
    with pytest.raises(InputError, match="File exists"):
        replace_files({tmp_path / "notes": "newer"})
    assert (tmp_path / "secret").read_text() == "old"
    assert (tmp_path / name).is_symlink(), "a file of somebody else is not removed"


@posix
def test_what_a_killed_run_left_behind_is_removed_by_the_next_one(tmp_path: Path) -> None:
    target = tmp_path / "a.json"
    program = (
        "import os, signal, sys; from pathlib import Path; from engage_codegen import filesystem; "
        "filesystem.os.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL); "
        "filesystem.replace_files({Path(sys.argv[1]): 'new'})"
    )
    subprocess.run([sys.executable, "-c", program, target], check=False)
    assert [path.name for path in tmp_path.iterdir()] != ["a.json"]
    running = f".a.json.engage-codegen-{os.getppid()}-0123"
    (tmp_path / running).write_text("of a process that runs")
    (tmp_path / ".a.json.engage-codegen-notes").write_text("of somebody else")
    replace_files({target: "newer"})
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == sorted([running, ".a.json.engage-codegen-notes", "a.json"])


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
def test_an_interrupted_write_leaves_nothing_behind(
    error: type[BaseException], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_paths: object) -> None:
        raise error

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises((KeyboardInterrupt, InputError)):
        replace_files({tmp_path / "a.json": "new"})
    assert list(tmp_path.iterdir()) == []


def test_files_are_flushed_before_they_replace_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    fsync, replace = os.fsync, os.replace

    def record_fsync(handle: int) -> None:
        calls.append("flush")
        fsync(handle)

    def record_replace(source: Path, target: Path) -> None:
        calls.append("replace")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", record_fsync)
    monkeypatch.setattr(os, "replace", record_replace)
    replace_files({tmp_path / "a": "new", tmp_path / "b": "new"})
    assert calls == ["flush", "flush", "replace", "replace", "flush"]
