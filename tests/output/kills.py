"""Runs that are killed at a chosen step: a call that changes the disk, a line, or half a write.

Steps are counted, and no clock is involved, so a kill hits its step on a machine of any speed.
"""

import os
import shutil
import signal
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from engage_codegen import filesystem, pipeline
from engage_codegen.config import Config
from engage_codegen.errors import InterruptedRunError
from engage_codegen.output import commit
from engage_codegen.output.lockfile import STAGING_PREFIX
from tests.support.packages import FileTree, read_tree
from tests.support.processes import exit_code_of, fork
from tests.support.tiers import draw

CALLS = ("mkdir", "replace", "fsync", "unlink", "rmdir")
"""The functions of `os` that change a disk, or promise that a change is on it."""
TRACED = (commit.__file__, filesystem.__file__)


@dataclass(frozen=True)
class Job:
    """A run that turns the files `old` below `output` into `new`.

    `saved` is a copy of the output before the run, and `current` are the files of a package that
    is up to date under `config`. `wrecks` are copies of the output after a kill that left a
    journal, by the number of the call.
    """

    output: Path
    saved: Path
    run: Callable[[], object]
    config: Config
    old: FileTree
    new: FileTree
    current: FileTree
    wrecks: dict[int, Path] = field(default_factory=dict[int, Path])

    def reset(self, copy: Path | None = None) -> None:
        """Restore the output from a copy; without one, to its state before the run."""
        shutil.rmtree(self.output, ignore_errors=True)
        if self.old or copy:
            shutil.copytree(copy or self.saved, self.output)

    def changed_paths(self) -> list[str]:
        paths = sorted({*self.old, *self.new})
        return [path for path in paths if self.old.get(path) != self.new.get(path)]

    def generate_old(self) -> pipeline.GenerateResult:
        """Run from the new files to the old ones."""
        before = self.output.with_name("before")
        return pipeline.generate(replace(self.config, schemas=(before,)))

    def read_package(self) -> FileTree:
        """Return the files of the package, without those in staging folders."""
        files = read_tree(self.output) if self.output.exists() else {}
        return {path: data for path, data in files.items() if path[0] != "."}

    def staging_folders(self) -> list[Path]:
        return list(self.output.glob(f"{STAGING_PREFIX}*"))


def log_calls(patch: pytest.MonkeyPatch, last: int = sys.maxsize) -> list[str]:
    """Record `CALLS` from now on. The process dies instead of the call with the number `last`."""
    log: list[str] = []

    def wrap(name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            if len(log) == last:
                os.kill(os.getpid(), signal.SIGKILL)
            log.append(f"{name} {args[0]}")
            return original(*args, **kwargs)

        return call

    for name in CALLS:
        patch.setattr(os, name, wrap(name, getattr(os, name)))
    return log


def count_calls(act: Callable[[], object]) -> int:
    """Return the number of `CALLS` of an act."""
    with pytest.MonkeyPatch.context() as patch:
        log = log_calls(patch)
        act()
    return len(log)


def is_killed_at_call(act: Callable[[], object], number: int) -> bool:
    """Run `act` in a child. Return True if it was killed, False if it had fewer calls."""
    return _is_killed(lambda: (log_calls(pytest.MonkeyPatch(), number), act()))


@contextmanager
def trace_lines(on_line: Callable[[], object]) -> Generator[None]:
    """Call `on_line` before each line of the modules that write."""

    def trace(frame: FrameType, event: str, _argument: object) -> Any:
        if event == "call":
            return trace if frame.f_code.co_filename in TRACED else None
        if event == "line":
            on_line()
        return trace

    previous = sys.gettrace()
    sys.settrace(trace)
    try:
        yield
    finally:
        sys.settrace(previous)


def count_lines(job: Job) -> tuple[int, int, int]:
    """Return the number of lines of a whole run, and of those before its journal is complete and
    before the journal is gone."""
    job.reset()
    lines = 0
    with_journal: list[int] = []

    def count() -> None:
        nonlocal lines
        lines += 1
        if any((folder / commit.JOURNAL).exists() for folder in job.staging_folders()):
            with_journal.append(lines)

    with trace_lines(count):
        job.run()
    return lines, with_journal[0], with_journal[-1]


def kill_at_line(job: Job, number: int) -> None:
    """Run a job in a child that is killed before the line with this number, from 1."""

    def run() -> None:
        lines = 0

        def count() -> None:
            nonlocal lines
            lines += 1
            if lines == number:
                os.kill(os.getpid(), signal.SIGKILL)

        with trace_lines(count):
            job.run()

    job.reset()
    assert _is_killed(run)


def count_writes(job: Job) -> int:
    """Return the number of writes of a whole run."""
    writes: list[Path] = []

    def note(path: Path, data: bytes) -> None:
        writes.append(path)
        filesystem.write_flushed(path, data)

    job.reset()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(commit, "write_flushed", note)
        job.run()
    return len(writes)


def is_killed_in_write(job: Job, number: int) -> bool:
    """Run a job in a child that is killed in the middle of its write with this number, from 0.

    Return False if it had fewer writes.
    """

    def run() -> None:
        writes = 0

        def write_half(path: Path, data: bytes) -> None:
            nonlocal writes
            if writes == number:
                path.write_bytes(data[: len(data) // 2])
                os.kill(os.getpid(), signal.SIGKILL)
            writes += 1
            filesystem.write_flushed(path, data)

        pytest.MonkeyPatch().setattr(commit, "write_flushed", write_half)
        job.run()

    job.reset()
    return _is_killed(run)


def _is_killed(act: Callable[[], object]) -> bool:
    code = exit_code_of(fork(act))
    assert code in (0, -signal.SIGKILL)
    return code != 0


def number_calls(job: Job) -> tuple[list[int], int]:
    """Return the numbers of calls of a whole run, and of the call that removes the staging folder.

    That call is not among the others, because it leaves an empty folder if it is killed.
    """
    job.reset()
    with pytest.MonkeyPatch.context() as patch:
        log = log_calls(patch)
        job.run()
    removal = f"rmdir {job.output / STAGING_PREFIX}"
    (last,) = (number for number, call in enumerate(log) if call.startswith(removal))
    others = [number for number in range(len(log)) if number != last]
    return draw(others, 10, lambda number: _classify(job, log[number])), last


def _classify(job: Job, call: str) -> tuple[str, bool]:
    """Return the function of a call, and whether it concerns the staging folder."""
    name, _, path = call.partition(" ")
    return name, path.startswith(f"{job.output / STAGING_PREFIX}")


def iterate_wrecks(job: Job) -> Generator[int]:
    """Leave the output as each kill that left a journal left it, and yield the call's number."""
    if not job.wrecks:
        for number in number_calls(job)[0]:
            job.reset()
            assert is_killed_at_call(job.run, number)
            if commit.is_interrupted(job.output):
                job.wrecks[number] = job.output.with_name(f"wreck{number}")
                shutil.copytree(job.output, job.wrecks[number])
    assert len(job.wrecks) > 5
    for number, copy in job.wrecks.items():
        job.reset(copy)
        yield number


def assert_whole(job: Job, moment: object) -> None:
    """Assert that every file is the old or the new one, and that `check` judges it truthfully."""
    files = job.read_package()
    for path in {*files, *job.old, *job.new}:
        assert files.get(path) in (job.old.get(path), job.new.get(path)), (moment, path)
    if commit.is_interrupted(job.output):
        with pytest.raises(InterruptedRunError):
            pipeline.check(job.config)
    else:
        assert files in (job.old, job.new), moment
        is_current = not pipeline.check(job.config).is_stale
        assert is_current == (files == job.current), moment
    assert files == job.read_package(), moment


def assert_completes(job: Job, moment: object) -> None:
    """Assert that the same run, done again, completes the one that was killed."""
    job.run()
    assert job.read_package() == job.new, moment
    assert not job.staging_folders(), moment
    is_current = not pipeline.check(job.config).is_stale
    assert is_current == (job.new == job.current), moment
