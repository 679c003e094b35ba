"""Writing a plan: an error of the disk, missing permissions and other processes tear nothing."""

import errno
import itertools
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Generator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from engage_codegen import pipeline
from engage_codegen.config import Config
from engage_codegen.errors import InputError, WriteConflictError
from engage_codegen.output import commit
from engage_codegen.output.lockfile import LOCKFILE_PATH
from engage_codegen.output.plan import Change, Plan
from engage_codegen.render.resources import templates_digest
from tests.output.projects import Project, mark_files, read_marked
from tests.support.processes import exit_code_of, fork

posix = pytest.mark.skipif(sys.platform == "win32", reason="needs fork")
# The worker of pytest-xdist has a thread of its own; a child here touches files and exits.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:This process:DeprecationWarning"),
]

CHANGED = ("visit_a.py", "visit_b.py", "INDEX.md", LOCKFILE_PATH)
NOBODY = 65534
UNREADABLE_CHECKOUT = 77


def fail_call(patch: pytest.MonkeyPatch, name: str, number: int, code: int) -> list[int]:
    """Make the call of a function with this number fail. The returned list grows with the calls."""
    place = "engage_codegen.filesystem" if name == "open" else "os"
    calls = list[int]()
    original: Callable[..., Any] = open if name == "open" else getattr(os, name)

    def call(*args: Any, **kwargs: Any) -> Any:
        if name == "open" and args[1] != "wb":
            return original(*args, **kwargs)
        calls.append(len(calls))
        if calls[-1] == number:
            raise OSError(code, os.strerror(code), None if name == "fsync" else str(args[0]))
        return original(*args, **kwargs)

    patch.setattr(f"{place}.{name}", call, raising=False)
    return calls


@pytest.mark.parametrize("exists", [True, False], ids=["existing", "new"])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EACCES])
@pytest.mark.parametrize("name", ["open", "mkdir", "fsync", "replace", "unlink"])
def test_an_error_of_the_disk_changes_nothing_or_the_run_can_be_completed(
    changing: Project, name: str, code: int, exists: bool
) -> None:
    expected = changing.expected
    changes = pipeline.check(changing.after).plan.changes
    if not exists:
        expected = dict(sorted(expected.items())[::5])
        changes = tuple(Change(path, None, data) for path, data in expected.items())
    for number in itertools.count():
        root = changing.folder / f"try {number}" / "deep" / "package"
        if exists:
            shutil.copytree(changing.output, root)
        old, error = mark_files(changing.folder), None
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(os, "fsync", int)  # the disk may be late: nothing cuts the power
            calls = fail_call(patch, name, number, code)
            try:
                commit.apply(Plan(root, changes))
            except InputError as caught:
                error = caught
        if error and not commit.is_interrupted(root):
            assert mark_files(changing.folder) == old, number
        else:
            assert commit.roll_forward(root) == bool(error), number
            assert read_marked(root) == expected, number
            assert not list(root.glob(".*")), number
        if number not in calls:
            assert not error
            assert calls, "the function was called at all"
            break
        if error:
            assert error.message == f"the output cannot be written: {os.strerror(code)}"
            assert error.where.startswith(str(root.parent.parent))
            assert "space on the disk" in error.fix
        shutil.rmtree(changing.folder / f"try {number}", ignore_errors=True)


def test_an_error_of_the_disk_while_a_killed_run_is_completed_is_an_input_error(
    changing: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in (3, 0):
        fail_call(monkeypatch, "replace", number, errno.ENOSPC)
        with pytest.raises(InputError):
            pipeline.generate(changing.after)
        assert commit.is_interrupted(changing.output)


@pytest.fixture
def readable(original_changing: Path) -> Generator[Project]:
    """A project that other users may read, unlike the folders below `tmp_path`; it belongs to
    nobody."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "project"
        shutil.copytree(original_changing, folder)
        Path(name).chmod(0o755)
        for path in (folder, *folder.rglob("*")) if os.geteuid() == 0 else ():
            os.chown(path, NOBODY, NOBODY)
        yield Project(folder)


@posix
@pytest.mark.parametrize(
    ("path", "mode", "source", "expected_code"),
    [
        ("package", 0o555, "after", 2),
        ("package/_snapshot", 0o555, "after", 2),
        ("package/_runtime", 0o555, "after", 0),
        ("package", 0o555, "before", 0),
        ("package/visit_a.py", 0o000, "after", 2),
        ("package/visit_a.py", 0o000, "before", 2),
        ("package/visit_a.py", 0o444, "after", 0),
        ("package/_snapshot/Visit-a.json", 0o000, "after", 2),
        ("package/_snapshot/Visit-a.json", 0o000, "before", 2),
        ("package/_snapshot/codegen.lock.json", 0o000, "after", 2),
        ("package/_snapshot", 0o000, "before", 2),
        ("package/_runtime", 0o000, "before", 2),
        ("package", 0o300, "before", 2),
        ("", 0o600, "before", 2),
        ("", 0o555, "missing", 2),
    ],
)
def test_missing_permissions_are_an_input_error_that_changes_nothing(
    readable: Project, path: str, mode: int, source: str, expected_code: int
) -> None:
    if source == "missing":
        shutil.rmtree(readable.output)
    old, texts = mark_files(readable.folder), read_marked(readable.output)
    schemas = readable.folder.with_name("schemas")
    shutil.copytree(readable.folder / ("after" if source == "after" else "before"), schemas)
    config = Config(output=readable.output, schemas=(schemas,))
    digest = templates_digest()
    (readable.folder / path).chmod(mode)

    def generate_as_nobody() -> None:
        if os.geteuid() == 0:
            os.setgroups([])
            os.setresgid(NOBODY, NOBODY, NOBODY)
            os.setresuid(NOBODY, NOBODY, NOBODY)
        try:
            assert templates_digest() == digest
        except OSError:
            os._exit(UNREADABLE_CHECKOUT)
        pipeline.generate(config)

    code = exit_code_of(fork(generate_as_nobody))
    (readable.folder / path).chmod(0o755)
    if code == UNREADABLE_CHECKOUT:
        pytest.skip("other users cannot read the templates of this checkout")
    assert code == expected_code
    if code:
        assert mark_files(readable.folder) == old
    else:
        assert read_marked(readable.output) == (readable.expected if source == "after" else texts)


@pytest.mark.parametrize(
    ("path", "kind"),
    [(path, kind) for path in CHANGED for kind in ("edited", "deleted", "line ends")]
    + [("visit_d.py", "edited")],
)
def test_a_file_that_changes_between_plan_and_write_is_refused(
    changing: Project, path: str, kind: str
) -> None:
    plan = pipeline.check(changing.after).plan
    target = changing.output / path
    data = target.read_bytes() if target.exists() else b""
    if kind == "deleted":
        target.rename(target.with_name("moved"))
    else:
        target.write_bytes(data + b"mine" if kind == "edited" else data.replace(b"\n", b"\r\n"))
    old = mark_files(changing.folder)
    with pytest.raises(WriteConflictError, match="at the same time") as caught:
        commit.apply(plan)
    assert caught.value.where == str(target)
    assert caught.value.fix == "run the command again"
    assert mark_files(changing.folder) == old


@posix
def test_of_three_runs_at_once_at_least_one_succeeds_and_the_package_is_complete(
    changing: Project, original_changing: Path
) -> None:
    for _ in range(12):
        shutil.rmtree(changing.output)
        shutil.copytree(original_changing / "package", changing.output)
        children = [fork(lambda: pipeline.generate(changing.after)) for _ in range(3)]
        codes = [exit_code_of(child) for child in children]
        assert 0 in codes
        assert set(codes) <= {0, 1}
        assert read_marked(changing.output) == changing.expected
        assert not list(changing.output.glob(".*"))


def test_a_first_run_is_refused_or_succeeds_if_another_one_creates_the_folder(
    changing: Project,
) -> None:
    shutil.rmtree(changing.output)
    mkdir = os.mkdir

    def create_twice(path: Path, *args: Any) -> None:
        mkdir(path, *args)
        if Path(path) == changing.output:
            mkdir(path, *args)

    with pytest.MonkeyPatch.context() as patch, suppress(WriteConflictError):
        patch.setattr(os, "mkdir", create_twice)
        pipeline.generate(changing.before)
