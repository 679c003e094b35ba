"""A run that is killed tears no file, and the next run completes it."""

import random
import sys

import pytest

from engage_codegen.output import commit
from tests.output.kills import (
    Job,
    assert_completes,
    assert_whole,
    count_calls,
    count_lines,
    count_writes,
    is_killed_at_call,
    is_killed_in_write,
    iterate_wrecks,
    kill_at_line,
    number_calls,
)
from tests.support.tiers import IS_FULL, draw

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="needs fork"),
    # The worker of pytest-xdist has a thread of its own; a child here touches files and exits.
    pytest.mark.filterwarnings("ignore:This process:DeprecationWarning"),
]

KILLS_PER_WINDOW = 12 if IS_FULL else 6


def test_a_kill_at_any_call_tears_nothing_and_the_next_run_completes(job: Job) -> None:
    numbers, _ = number_calls(job)
    assert len(numbers) > 10
    for number in numbers:
        job.reset()
        assert is_killed_at_call(job.run, number)
        assert_whole(job, number)
        assert_completes(job, number)


def test_the_next_run_removes_a_staging_folder_that_was_about_to_be_removed(job: Job) -> None:
    _, last = number_calls(job)
    job.reset()
    assert is_killed_at_call(job.run, last)
    assert_whole(job, last)
    assert_completes(job, last)


@pytest.mark.parametrize("window", ["before the journal", "with the journal"])
def test_a_kill_at_any_line_tears_nothing_and_the_next_run_completes(job: Job, window: str) -> None:
    total, first, last = count_lines(job)
    assert first < last < total
    lines = range(1, first) if window == "before the journal" else range(first, last + 1)
    seed = random.randrange(2**32) if IS_FULL else 17
    print(f"seed {seed}")
    for number in sorted(random.Random(seed).sample(lines, KILLS_PER_WINDOW)):
        kill_at_line(job, number)
        assert commit.is_interrupted(job.output) == (window == "with the journal"), number
        assert_whole(job, (seed, number))
        assert_completes(job, (seed, number))


def test_a_kill_in_the_middle_of_a_write_tears_nothing(job: Job) -> None:
    writes = count_writes(job)
    assert writes >= 5
    for number in draw(range(writes), 8):
        assert is_killed_in_write(job, number)
        assert not commit.is_interrupted(job.output), "the journal is written last"
        assert_whole(job, number)
        assert_completes(job, number)


@pytest.mark.parametrize("job", ["generate"], indirect=True)
def test_a_second_kill_while_the_first_is_repaired_tears_nothing(job: Job) -> None:
    for first in iterate_wrecks(job):
        calls = count_calls(lambda: commit.roll_forward(job.output))
        job.reset(job.wrecks[first])
        for second in [*draw(range(calls), 5), calls]:
            is_killed = is_killed_at_call(lambda: commit.roll_forward(job.output), second)
            assert_whole(job, (first, second))
            assert is_killed == (second < calls)
            if not is_killed:
                break
            if commit.is_interrupted(job.output):
                assert_completes(job, (first, second))
            job.reset(job.wrecks[first])
        assert_completes(job, first)
