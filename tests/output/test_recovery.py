"""What the run after a kill makes of an output that changed, or that is wanted otherwise."""

import shutil
import sys

import pytest

from engage_codegen.errors import CodegenError, WriteConflictError
from engage_codegen.output import commit
from engage_codegen.output.lockfile import LOCKFILE_PATH
from tests.output.kills import (
    Job,
    assert_completes,
    assert_whole,
    is_killed_at_call,
    iterate_wrecks,
)
from tests.support.tiers import draw

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="needs fork"),
    # The worker of pytest-xdist has a thread of its own; a child here touches files and exits.
    pytest.mark.filterwarnings("ignore:This process:DeprecationWarning"),
]

EDIT = b"# a note of mine\n"


def only(*names: str) -> pytest.MarkDecorator:
    """Restrict a test to these jobs."""
    return pytest.mark.parametrize("job", names, indirect=True)


@only("generate", "pull", "after pull")
def test_a_file_that_was_edited_after_the_kill_is_named_and_the_remedy_works(job: Job) -> None:
    for number in iterate_wrecks(job):
        (folder,) = job.staging_folders()
        paths = [path for path in job.changed_paths() if path != LOCKFILE_PATH]
        for path in draw(paths, 1, lambda path: (path in job.old, path in job.new)):
            file = job.output / path
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(EDIT)
            before = job.read_package()
            with pytest.raises(WriteConflictError) as caught:
                job.run()
            assert caught.value.where == str(file), number
            assert f"delete the folder {folder}" in caught.value.fix
            assert job.read_package() == before, (number, file)
            assert commit.is_interrupted(job.output)
            shutil.rmtree(folder)
            file.unlink()
            assert_completes(job, (number, file))
            job.reset(job.wrecks[number])


@only("generate", "pull", "after pull")
def test_a_file_that_was_deleted_before_its_replacement_is_no_conflict(job: Job) -> None:
    for number in iterate_wrecks(job):
        files = job.read_package()
        for path in job.changed_paths():
            if path in job.old and files.get(path) == job.old[path]:
                (job.output / path).unlink()
        assert_completes(job, number)


@only("generate")
def test_a_run_towards_another_state_first_completes_the_killed_one(job: Job) -> None:
    for number in iterate_wrecks(job):
        assert job.generate_old().completed_interrupted
        assert job.read_package() == job.old, number
        assert not job.staging_folders()


@only("generate")
def test_staged_files_without_a_journal_are_removed_by_a_run_with_nothing_to_write(
    job: Job,
) -> None:
    job.reset()
    assert is_killed_at_call(job.run, 3)
    assert job.staging_folders()
    assert not commit.is_interrupted(job.output)
    job.generate_old()
    assert not job.staging_folders()


def test_a_staged_file_that_was_cut_off_is_not_put_in_place(job: Job) -> None:
    next(iterate_wrecks(job))
    (folder,) = job.staging_folders()
    staged = max(folder.glob("[0-9]*"), key=lambda path: path.stat().st_size)
    staged.write_bytes(staged.read_bytes()[:100])
    with pytest.raises(CodegenError):
        job.run()
    assert_whole(job, "")
