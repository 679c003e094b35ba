"""A run that is killed tears no file, and the next run finishes what it began."""

import functools
import itertools
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Generator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from engage_codegen import pipeline
from engage_codegen.config import Config
from engage_codegen.errors import CodegenError, WriteConflictError
from engage_codegen.output import commit as journal
from engage_codegen.output.snapshot import LOCK_PATH
from engage_codegen.render.format import format_module
from engage_codegen.sources.files import FileSource
from engage_codegen.sources.interface import silently

STAGING = ".engage-codegen-"

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="needs fork"),
    # The worker of pytest-xdist has a thread of its own; a child here touches files and exits.
    pytest.mark.filterwarnings("ignore:This process:DeprecationWarning"),
]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
CALLS = ("mkdir", "replace", "fsync", "unlink", "rmdir")
"""What changes a disk, or vouches for it."""
REAL_FSYNC = os.fsync
RAM = "/dev/shm"
EDIT = b"# a note of mine\n"

Tree = dict[str, bytes]

BEFORE = {f"Visit-{letter}": ["shop", "spent"] for letter in "acegik"}
AFTER = {key: names for key, names in BEFORE.items() if key != "Visit-e"} | {
    "Visit-a": ["shop", "spent", "cashier"],
    "Visit-f": ["shop"],
    "Visit-i": ["till"],
}


@dataclass(frozen=True)
class Job:
    """A run that turns the files `old` below `output`, of which `saved` is a copy, into `new`."""

    output: Path
    saved: Path
    run: Callable[[], object]
    config: Config
    old: Tree
    new: Tree
    fresh: Tree
    wrecks: dict[int, Path] = field(default_factory=dict[int, Path])

    def reset(self, copy: Path | None = None) -> None:
        shutil.rmtree(self.output, ignore_errors=True)
        if self.old or copy:
            shutil.copytree(copy or self.saved, self.output)

    def changed(self) -> list[str]:
        paths = sorted({*self.old, *self.new})
        return [path for path in paths if self.old.get(path) != self.new.get(path)]


def schema_folder(folder: Path, state: dict[str, list[str]]) -> Path:
    folder.mkdir()
    for schema_id, names in state.items():
        properties = {name: {"type": "string"} for name in names}
        body = {"$schema": DIALECT, "type": "object", "properties": properties}
        envelope = {"id": schema_id, "displayName": schema_id, "jsonSchema": body}
        (folder / f"{schema_id}.json").write_text(json.dumps(envelope), encoding="utf-8")
    return folder


def tree(root: Path) -> Tree:
    """The files of the package, without what is staged."""
    files = (path for path in root.rglob("*") if path.is_file() and path.parent.name[0] != ".")
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in files}


def staging(root: Path) -> list[Path]:
    return list(root.glob(f"{STAGING}*"))


def only(*names: str) -> pytest.MarkDecorator:
    """A test of these jobs."""
    return pytest.mark.parametrize("job", names, indirect=True)


def back(job: Job) -> pipeline.Generation:
    """The run that leads from the new files to the old ones."""
    before = job.output.with_name("before")
    return pipeline.generate(Config(output=job.output, schemas=(before,)))


@pytest.fixture(scope="module", autouse=True)
def _quick() -> Generator[None, None, None]:
    """The formatter's answers are kept; a kill is no power cut, and the disk may be late."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("engage_codegen.render.package.format_module", functools.cache(format_module))
        patch.setattr(os, "fsync", int)
        yield


@pytest.fixture(scope="module")
def scratch() -> Generator[Path, None, None]:
    """In memory where there is such a place: hundreds of packages come and go."""
    with tempfile.TemporaryDirectory(dir=RAM if os.access(RAM, os.W_OK) else None) as folder:
        yield Path(folder)


@pytest.fixture(scope="module", params=["generate", "first generate", "pull", "after pull"])
def job(request: pytest.FixtureRequest, scratch: Path) -> Job:
    folder = scratch / request.param
    folder.mkdir()
    before = schema_folder(folder / "before", BEFORE)
    after = schema_folder(folder / "after", AFTER)
    output, saved = folder / "package", folder / "saved"
    config = Config(output=output, schemas=(after,))
    offline = Config(output=output)

    def pull() -> object:
        source = FileSource((after,))
        return pipeline.pull(offline, source, (), force=False, progress=silently)

    if request.param != "first generate":
        pipeline.generate(Config(output=output, schemas=(before,)))
    if request.param == "after pull":
        pull()
    if request.param in ("pull", "after pull"):
        config = offline
    run = pull if request.param == "pull" else functools.partial(pipeline.generate, config)
    if output.exists():
        shutil.copytree(output, saved)
    old = tree(output)
    run()
    new = tree(output)
    return Job(output, saved, run, config, old, new, old if run is pull else new)


def forked(act: Callable[[], object]) -> int:
    """The exit code of a child that does this; 99 if it crashes, negative if a signal ends it."""
    child = os.fork()
    if child == 0:
        exit_with(act)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def exit_with(act: Callable[[], object]) -> None:
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


def log_calls(patch: pytest.MonkeyPatch, deadline: int = sys.maxsize) -> list[str]:
    """Note `CALLS` from now on; die by SIGKILL instead of the call with the number `deadline`."""
    log: list[str] = []

    def logged(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            if len(log) == deadline:
                os.kill(os.getpid(), signal.SIGKILL)
            log.append(f"{name} {args[0]}")
            return real(*args, **kwargs)

        return call

    for name in CALLS:
        patch.setattr(os, name, logged(name, getattr(os, name)))
    return log


def killed_at(act: Callable[[], object], number: int) -> bool:
    """Whether a child that does this is killed at the call with this number; else it succeeds."""

    def die() -> None:
        log_calls(pytest.MonkeyPatch(), number)
        act()

    status = forked(die)
    assert status in (0, -signal.SIGKILL)
    return status != 0


def moments(job: Job) -> tuple[list[int], int]:
    """The numbers of all calls of a whole run but one: that which removes the staging folder."""
    job.reset()
    with pytest.MonkeyPatch.context() as patch:
        log = log_calls(patch)
        job.run()
    removal = f"rmdir {job.output / STAGING}"
    (last,) = (number for number, call in enumerate(log) if call.startswith(removal))
    return [number for number in range(len(log)) if number != last], last


def interruptions(job: Job) -> Generator[int, None, None]:
    """Leave the output as a kill at each moment in turn leaves it, where that is interrupted."""
    if not job.wrecks:
        for number in moments(job)[0]:
            job.reset()
            assert killed_at(job.run, number)
            if journal.interrupted(job.output):
                job.wrecks[number] = job.output.with_name(f"wreck{number}")
                shutil.copytree(job.output, job.wrecks[number])
    assert len(job.wrecks) > 5
    for number in job.wrecks:
        job.reset(job.wrecks[number])
        yield number


def assert_whole(job: Job, moment: object) -> None:
    now = tree(job.output)
    for path in {*now, *job.old, *job.new}:
        assert now.get(path) in (job.old.get(path), job.new.get(path)), (moment, path)
    if journal.interrupted(job.output):
        with pytest.raises(WriteConflictError, match="interrupted"):
            pipeline.check(job.config)
    else:
        assert now in (job.old, job.new), moment
        assert (pipeline.check(job.config) is None) == (now == job.fresh), moment
    assert now == tree(job.output), moment


def assert_completes(job: Job, moment: object) -> None:
    job.run()
    assert tree(job.output) == job.new, moment
    assert not staging(job.output), moment
    assert (pipeline.check(job.config) is None) == (job.new == job.fresh), moment


def test_a_kill_at_any_call_tears_nothing_and_the_next_run_completes(job: Job) -> None:
    numbers, _ = moments(job)
    assert len(numbers) > 10
    for number in numbers:
        job.reset()
        assert killed_at(job.run, number)
        assert_whole(job, number)
        assert_completes(job, number)


def test_a_kill_just_before_the_staging_folder_goes_does_not_leave_it_for_good(job: Job) -> None:
    _, last = moments(job)
    job.reset()
    assert killed_at(job.run, last)
    assert_whole(job, last)
    assert_completes(job, last)


def test_a_kill_at_a_random_moment_tears_nothing_and_the_next_run_completes(job: Job) -> None:
    seed, wrecks = random.randrange(2**32), 0
    print(f"seed {seed}")
    dice = random.Random(seed)
    phases = ("start", "commit", "journal", "journal")
    longest = {phase: delayed_kill(job, phase, 60.0) for phase in phases}
    for number in range(52):
        phase = phases[number % len(phases)]
        delayed_kill(job, phase, dice.uniform(0, longest[phase]))
        wrecks += journal.interrupted(job.output)
        assert_whole(job, (seed, number))
        for leftover in staging(job.output):
            if not any(leftover.iterdir()):
                leftover.rmdir()  # the test above this one is about it
        assert_completes(job, (seed, number))
    print(f"{wrecks} of them between the journal and the end")


def delayed_kill(job: Job, phase: str, delay: float) -> float:
    """Kill a run this many seconds after it began, began to write, or had its journal. The seconds
    that it had from there, to its end at most."""
    job.reset()
    reader, writer = os.pipe()

    def announce() -> None:
        patch = pytest.MonkeyPatch()
        commit, replace = journal.commit, os.replace

        def told_commit(*args: Any) -> None:
            os.write(writer, b"commit ")
            commit(*args)
            os.write(writer, b"end ")

        def told_replace(*args: Any) -> None:
            replace(*args)
            if Path(args[1]).name == journal.JOURNAL:
                os.write(writer, b"journal ")

        patch.setattr(journal, "commit", told_commit)
        patch.setattr(os, "replace", told_replace)
        patch.setattr(os, "fsync", REAL_FSYNC)
        os.write(writer, b"start ")
        job.run()

    child = os.fork()
    if child == 0:
        exit_with(announce)
    os.close(writer)
    while phase.encode() not in (news := os.read(reader, 99)):
        assert news
    begin = time.monotonic()
    os.set_blocking(reader, False)
    while (seconds := time.monotonic() - begin) < delay and b"end" not in news:
        with suppress(BlockingIOError):
            news = os.read(reader, 99) or b"end"
    os.kill(child, signal.SIGKILL)
    os.close(reader)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) in (0, -signal.SIGKILL)
    return seconds


@only("generate")
def test_a_second_kill_while_the_first_is_repaired_tears_nothing(job: Job) -> None:
    for first in interruptions(job):
        for second in itertools.count():
            killed = killed_at(lambda: journal.roll_forward(job.output), second)
            assert_whole(job, (first, second))
            if not killed:
                break
            if journal.interrupted(job.output):
                assert_completes(job, (first, second))
            job.reset(job.wrecks[first])
        assert_completes(job, first)


@only("generate", "pull", "after pull")
def test_a_file_edited_after_the_kill_is_named_and_the_advice_leads_on(job: Job) -> None:
    for number in interruptions(job):
        (folder,) = staging(job.output)
        for file in (job.output / path for path in job.changed() if path != LOCK_PATH):
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(EDIT)
            now = tree(job.output)
            with pytest.raises(WriteConflictError) as caught:
                job.run()
            assert caught.value.where == str(file), number
            assert f"delete the folder {folder}" in caught.value.fix
            assert tree(job.output) == now, (number, file)
            assert journal.interrupted(job.output)
            shutil.rmtree(folder)
            file.unlink()
            assert_completes(job, (number, file))
            job.reset(job.wrecks[number])


@only("generate", "pull", "after pull")
def test_a_file_that_is_deleted_while_its_successor_waits_is_no_edit(job: Job) -> None:
    for number in interruptions(job):
        now = tree(job.output)
        for path in job.changed():
            if path in job.old and now.get(path) == job.old[path]:
                (job.output / path).unlink()
        assert_completes(job, number)


@only("generate")
def test_a_run_towards_another_state_completes_the_killed_one_first(job: Job) -> None:
    for number in interruptions(job):
        assert back(job).completed_interrupted
        assert tree(job.output) == job.old, number
        assert not staging(job.output)


@only("generate")
def test_what_was_staged_goes_even_if_nothing_is_left_to_write(job: Job) -> None:
    job.reset()
    assert killed_at(job.run, 3)
    assert staging(job.output)
    assert not journal.interrupted(job.output)
    back(job)
    assert not staging(job.output)


def test_a_staged_file_that_lost_its_end_is_not_put_in_place(job: Job) -> None:
    next(interruptions(job))
    (folder,) = staging(job.output)
    staged = max(folder.glob("[0-9]*"), key=lambda path: path.stat().st_size)
    staged.write_bytes(staged.read_bytes()[:100])
    with pytest.raises(CodegenError):
        job.run()
    assert_whole(job, "")
