"""Which version of the tool may write or judge a package."""

import json
from pathlib import Path

import pytest

from engage_codegen import __version__
from tests.support.attacks import forgery
from tests.support.tool import Tool, contents

LOCKFILE = "package/_snapshot/codegen.lock.json"


def test_a_package_of_an_older_version_is_named_and_not_called_stale(
    package: Path, command: Tool
) -> None:
    forgery.replace_version(package, "0.0.1")
    outcome = command("check")
    assert outcome.code == 1
    assert outcome.out == (
        f"{LOCKFILE}:1:1: error EG404: engage-codegen 0.0.1 generated the package, but this is "
        f"{__version__}, which would write it differently\n"
        f"    fix: engage-codegen generate, which writes the package with {__version__}\n"
        "    page: engage-codegen docs upgrading\n"
    )
    assert outcome.err == "1 error\n"
    assert command("generate").code == 0
    assert command("check").code == 0


def test_a_package_of_a_newer_version_asks_for_that_version(package: Path, command: Tool) -> None:
    forgery.replace_version(package, "99.0.0")
    outcome = command("check")
    assert outcome.code == 1
    assert "engage-codegen 99.0.0 generated the package" in outcome.out
    assert "    fix: install engage-codegen 99.0.0; to go back to " in outcome.out


@pytest.mark.parametrize("verb", ["pull", "generate", "check"])
def test_the_required_version_is_the_only_one_that_pulls_generates_and_checks(
    verb: str, project: Path, package: Path, command: Tool
) -> None:
    file = project / "pyproject.toml"
    settings = file.read_text()
    file.write_text(f'{settings}required-version = "99.0.0"\n')
    (package / "visit.py").unlink()
    before = contents(project)
    outcome = command(verb)
    assert outcome.code == 1
    assert outcome.out == (
        "pyproject.toml:4:1: error EG404: the project requires engage-codegen 99.0.0, but this is "
        f"{__version__}\n"
        "    fix: install engage-codegen 99.0.0, or change required-version and generate\n"
        "    page: engage-codegen docs upgrading\n"
    )
    assert contents(project) == before
    file.write_text(f'{settings}required-version = "{__version__}"\n')
    assert command("generate").code == 0
    assert command(verb).code == 0


def test_the_required_version_is_not_read_from_the_environment(
    package: Path, command: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ENGAGE_REQUIRED_VERSION", "ENGAGE_CODEGEN_REQUIRED_VERSION"):
        monkeypatch.setenv(name, "99.0.0")
    assert command("check").code == 0


def test_a_lock_file_of_format_1_is_read_and_replaced(
    project: Path, package: Path, command: Tool
) -> None:
    before = contents(project)
    lockfile = project / LOCKFILE
    document = json.loads(lockfile.read_text())
    del document["engage-codegen"]["format"]
    document["engage-codegen"]["errors"] = 0
    del document["schema visit"]["origin"]
    del document["schema visit"]["generated"]["generator"]
    lockfile.write_text(json.dumps(document))
    outcome = command("check", "--output-format", "json")
    assert outcome.code == 1
    assert [item["file"] for item in json.loads(outcome.out)["findings"]] == [LOCKFILE]
    assert command("generate").code == 0
    assert contents(project) == before


def test_a_line_that_another_generator_made_is_generated_again(
    project: Path, package: Path, command: Tool
) -> None:
    before = contents(project)
    forgery.edit_lockfile(package, "visit", generator=f"{__version__}+0123456789ab")
    assert command("check").code == 1
    assert "wrote 1 file" in command("generate").err
    assert contents(project) == before
