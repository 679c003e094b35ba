"""The database file of a sandbox is its owner's alone."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from engage_codegen.errors import InputError
from engage_codegen.sandbox.server import running
from engage_codegen.sandbox.store.private_file import COMPANIONS
from tests.sandbox.helpers import connect
from tests.support.tool import Tool

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no modes")

OTHER_USER = 4242


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """An existing database, in a folder that the sandbox created."""
    path = tmp_path / "folder" / "tenant.db"
    with running(database=path):
        pass
    return path


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


@pytest.fixture(params=[0o000, 0o022, 0o077])
def umask(request: pytest.FixtureRequest) -> object:
    before = os.umask(request.param)
    yield
    os.umask(before)


@pytest.mark.usefixtures("umask")
def test_a_new_file_and_its_folder_are_private(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "tenant.db"
    with running(database=path) as sandbox, connect(sandbox) as api:
        api.delete("/api/v3/interactionschemas/repair").raise_for_status()
        assert {entry.name for entry in path.parent.iterdir()} == {"tenant.db", "tenant.db-wal"}
        assert {mode(entry) for entry in path.parent.iterdir()} == {0o600}
    assert mode(path.parent) == 0o700
    assert mode(path) == 0o600


@pytest.mark.parametrize("before", [0o644, 0o640, 0o604, 0o755])
def test_a_file_that_others_can_read_becomes_private(file: Path, before: int) -> None:
    file.chmod(before)
    with running(database=file) as sandbox, connect(sandbox) as api:
        api.delete("/api/v3/interactionschemas/repair").raise_for_status()
        assert {mode(entry) for entry in file.parent.iterdir()} == {0o600}


def test_the_folder_may_be_readable_by_others(file: Path) -> None:
    file.parent.chmod(0o755)
    with running(database=file):
        pass


def assert_refuses(file: Path, message: str) -> None:
    before = contents(file.parent)
    with pytest.raises(InputError, match=message) as caught, running(database=file):
        pass
    assert caught.value.where == str(file)
    assert "a folder that only you can write to" in caught.value.fix
    assert contents(file.parent) == before


@pytest.mark.parametrize("place", ["folder", "file", *COMPANIONS])
@pytest.mark.parametrize("bits", [0o620, 0o602, 0o666, 0o777, 0o1777])
def test_what_others_may_write_is_refused(file: Path, place: str, bits: int) -> None:
    path = create_place(file, place)
    path.chmod(bits | (0o700 if path.is_dir() else 0))
    assert_refuses(file, "other users may write to it")


@pytest.mark.parametrize("place", ["folder", "file", *COMPANIONS])
def test_what_another_user_owns_is_refused(
    file: Path, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = create_place(file, place)
    if os.geteuid() == 0:
        os.chown(path, OTHER_USER, -1)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: OTHER_USER)
    assert_refuses(file, "it belongs to another user")


def test_files_of_the_administrator_are_trusted(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root, to own the file")
    monkeypatch.setattr(os, "geteuid", lambda: OTHER_USER)
    with running(database=file):
        pass


def create_place(file: Path, place: str) -> Path:
    if place == "folder":
        return file.parent
    path = file if place == "file" else file.with_name(file.name + place)
    path.touch(mode=0o600)
    return path


def make_link(path: Path) -> None:
    (path.parent / "elsewhere").write_text("")
    path.symlink_to("elsewhere")


def make_dangling_link(path: Path) -> None:
    path.symlink_to(path.parent.parent / "created")


def make_pipe(path: Path) -> None:
    os.mkfifo(path)


@pytest.mark.parametrize("make", [make_link, make_dangling_link, make_pipe, Path.mkdir])
@pytest.mark.parametrize("suffix", ["", *COMPANIONS])
def test_links_and_special_files_are_refused(
    tmp_path: Path, make: Callable[[Path], None], suffix: str
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir(0o700)
    make(folder / f"tenant.db{suffix}")
    if suffix:
        (folder / "tenant.db").touch(0o600)
    assert_refuses(folder / "tenant.db", "it is (a link|not a regular file)")
    assert not (tmp_path / "created").exists()


def test_the_command_says_what_to_do(tmp_path: Path, tool: Tool) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    outcome = tool("sandbox", "--port", "0", "--database", shared / "engage.db")
    assert outcome.code == 2
    assert f"because of {shared}: other users may write to it, its mode is 777" in outcome.err
    assert list(shared.iterdir()) == []
