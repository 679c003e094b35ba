"""What stands in the way of `generate` is named, and never overwritten without `--force`.

The expected texts are in `tests/errors`.
"""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from engage_codegen import __version__
from tests.cli.conftest import ErrorGolden
from tests.support.tenants import envelope
from tests.support.tool import Tool, contents

pytestmark = pytest.mark.slow

LOCKFILE = "_snapshot/codegen.lock.json"


def test_without_a_snapshot_there_is_nothing_to_generate_check_or_list(
    project: Path, command: Tool, error_golden: ErrorGolden
) -> None:
    for verb in ("generate", "check", "list"):
        outcome = command(verb, "--output", "package")
        assert outcome.code == 2
        error_golden(f"no_snapshot_{verb}", outcome)
    assert contents(project) == {}


def test_an_output_that_is_a_file_is_refused(
    project: Path, package: Path, command: Tool, error_golden: ErrorGolden
) -> None:
    (project / "taken").write_text("mine")
    before = contents(project)
    for verb in ("generate", "check", "pull"):
        outcome = command(verb, "--output", "taken")
        assert outcome.code == 2
        error_golden(f"output_is_a_file_{verb}", outcome)
    assert command("generate", "--output", "taken/deeper").code == 2
    assert contents(project) == before


def test_an_output_that_cannot_be_written_is_refused_before_anything_changes(
    project: Path,
    package: Path,
    tool: Tool,
    error_golden: ErrorGolden,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (project / "schemas" / "more.json").write_text(json.dumps(envelope("more")))
    before = contents(project)

    def refuse(path: object, mode: int, **options: object) -> bool:
        return False

    monkeypatch.setattr("engage_codegen.filesystem.os.access", refuse)
    outcome = tool("generate")
    assert outcome.code == 2
    assert contents(project) == before
    error_golden("output_not_writable", outcome)


def test_a_file_of_your_own_is_never_overwritten(
    project: Path, package: Path, command: Tool, error_golden: ErrorGolden
) -> None:
    (project / "schemas" / "more.json").write_text(json.dumps(envelope("more")))
    (package / "more.py").write_text("mine = 1\n")
    (package / "notes.txt").write_text("mine as well")
    before = contents(project)
    outcome = command("generate")
    assert outcome.code == 1
    error_golden("foreign_file", outcome)
    outcome = command("check", "--output-format", "github")
    assert outcome.code == 1
    error_golden("foreign_file_check", outcome)
    assert contents(project) == before
    (package / "more.py").unlink()
    assert command("generate").code == 0
    assert (package / "notes.txt").read_text() == "mine as well"


def test_a_folder_in_the_place_of_a_generated_file_is_refused(
    project: Path, package: Path, command: Tool, error_golden: ErrorGolden
) -> None:
    (project / "schemas" / "more.json").write_text(json.dumps(envelope("more")))
    (package / "more.py").mkdir()
    before = contents(project)
    outcome = command("generate")
    assert outcome.code == 2
    assert contents(project) == before
    error_golden("foreign_folder", outcome)


@pytest.mark.parametrize("path", ["visit.py", "INDEX.md", "_runtime/client.py", "py.typed"])
def test_a_generated_file_that_was_edited_by_hand_stops_the_run(
    path: str, project: Path, package: Path, command: Tool, error_golden: ErrorGolden
) -> None:
    with (package / path).open("a") as file:
        file.write("# mine\n")
    before = contents(project)
    outcome, checked = command("generate"), command("check", "--output-format", "github")
    assert (outcome.code, checked.code) == (1, 1)
    assert contents(project) == before
    if path == "visit.py":
        error_golden("edited_by_hand", outcome)
        error_golden("edited_by_hand_check", checked)
    (package / path).unlink()
    assert command("generate").code == 0
    assert command("check").code == 0


def test_all_conflicting_files_are_named_at_once_each_with_its_own_reason(
    project: Path, package: Path, command: Tool, error_golden: ErrorGolden
) -> None:
    (project / "schemas" / "more.json").write_text(json.dumps(envelope("more")))
    (package / "more.py").write_text("mine = 1\n")
    for path in ("visit.py", "_runtime/client.py"):
        (package / path).write_text("edited = 1\n")
    snapshot = package / "_snapshot/visit.json"
    snapshot.write_text(snapshot.read_text().replace("Title", "Edited title"))
    before = contents(project)
    outcome = command("generate")
    assert outcome.code == 1
    assert contents(project) == before
    error_golden("several_conflicts", outcome)


def test_force_names_the_edits_that_it_discards_and_discards_them_all_at_once(
    project: Path, package: Path, command: Tool, error_golden: ErrorGolden
) -> None:
    before = contents(project)
    for path in ("visit.py", "INDEX.md", "_runtime/client.py"):
        (package / path).write_text("edited = 1\n")
    outcome = command("generate", "--force", "-q")
    assert outcome.code == 0
    error_golden("discarded_edits", outcome)
    assert contents(project) == before
    assert command("check").code == 0


def test_pull_keeps_an_edited_snapshot_unless_it_is_forced(
    project: Path, package: Path, command: Tool, error_golden: ErrorGolden
) -> None:
    snapshot = package / "_snapshot" / "visit.json"
    snapshot.write_text(snapshot.read_text().replace("Title of", "Edited"))
    before = contents(project)
    outcome = command("pull")
    assert outcome.code == 1
    assert contents(project) == before
    error_golden("edited_snapshot", outcome)
    assert command("pull", "--force").code == 0
    assert "Title of" in snapshot.read_text()


BROKEN_LOCKFILES: dict[str, Callable[[str], str]] = {
    "damaged_lock": lambda text: text.replace('"files":', '"files"'),
    "lock_with_conflict": lambda text: text.replace(
        '"schema ', '<<<<<<< HEAD\n=======\n>>>>>>> other\n"schema '
    ),
}


@pytest.mark.parametrize("name", BROKEN_LOCKFILES)
def test_a_lock_file_that_cannot_be_used_is_named_with_its_line(
    name: str, project: Path, package: Path, command: Tool, error_golden: ErrorGolden
) -> None:
    lockfile = package / LOCKFILE
    lockfile.write_text(BROKEN_LOCKFILES[name](lockfile.read_text()))
    before = contents(project)
    outcome = command("generate")
    assert outcome.code == 2
    error_golden(name, outcome)
    checked = command("check")
    assert (checked.code, checked.out) == (2, outcome.out)
    assert contents(project) == before


def test_a_lock_file_of_a_newer_format_names_the_version_to_install(
    project: Path, package: Path, command: Tool
) -> None:
    lockfile = package / LOCKFILE
    text = lockfile.read_text().replace(f'"version": "{__version__}"', '"version": "9.0.0"')
    lockfile.write_text(text.replace('"format": 2', '"format": 3'))
    before = contents(project)
    for verb in ("generate", "check", "pull"):
        outcome = command(verb)
        assert (outcome.code, "EG503" in outcome.out, "9.0.0" in outcome.out) == (2, True, True)
    assert contents(project) == before


def test_a_version_that_would_rename_something_stops_until_the_name_is_decided(
    project: Path, package: Path, command: Tool, error_golden: ErrorGolden
) -> None:
    lockfile = package / LOCKFILE
    text = lockfile.read_text().replace(f'"{__version__}', '"0.0.1')
    lockfile.write_text(text.replace('{"name": "name"}', '{"name": "the_name"}'))
    outcome = command("generate")
    assert outcome.code == 1
    error_golden("renamed_by_a_new_version", outcome)
    assert 'add to [tool.engage-codegen.renames]: "visit#/name" = "the_name"\n' in outcome.out
    with (project / "pyproject.toml").open("a") as file:
        file.write('[tool.engage-codegen.renames]\n"visit#/name" = "the_name"\n')
    assert command("generate").code == 0
    assert "    the_name: str" in (package / "visit.py").read_text()


def test_names_that_collide_are_reported_together_on_their_lines(
    project: Path, package: Path, command: Tool, error_golden: ErrorGolden
) -> None:
    names = ["a-b", "a_b", "漢", "storeId"]
    properties = {name: {"type": "string"} for name in names}
    file = project / "schemas" / "visit.json"
    file.write_text(json.dumps(envelope("visit", properties), indent=1, ensure_ascii=False))
    before = contents(project)
    outcome = command("generate")
    assert outcome.code == 1
    assert contents(project) == before
    error_golden("unusable_names", outcome)
