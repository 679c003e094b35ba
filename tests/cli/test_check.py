"""`check` renders the package from its schemas and believes nothing that the package says."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.attacks import forgery
from tests.support.tenants import envelope
from tests.support.tool import Outcome, Tool, contents

pytestmark = pytest.mark.slow

LOCKFILE = "_snapshot/codegen.lock.json"


def findings(outcome: Outcome) -> list[tuple[str, str]]:
    """Return code and file of each finding of a report in JSON."""
    return [(item["code"], item["file"]) for item in json.loads(outcome.out)["findings"]]


def check(command: Tool, *arguments: str) -> tuple[int, list[tuple[str, str]]]:
    outcome = command("check", "--output-format", "json", *arguments)
    return outcome.code, findings(outcome)


def test_a_stale_package_is_shown_as_a_diff_and_not_changed(
    project: Path, package: Path, command: Tool
) -> None:
    schema = envelope("visit", {"other": {"type": "string"}})
    (project / "schemas/visit.json").write_text(json.dumps(schema))
    before = contents(project)
    outcome = command("check")
    assert outcome.code == 1
    assert "--- a/visit.py\n+++ b/visit.py\n" in outcome.out
    assert "-    name: str | None = None\n" in outcome.out
    assert "+    other: str | None = None\n" in outcome.out
    line = "package/visit.py:1:1: error EG401: the file is not what generate would write\n"
    assert line + "    fix: engage-codegen generate\n" in outcome.out
    assert outcome.err == "stale: 3 files in package\n3 errors\n"
    assert contents(project) == before
    assert command("generate").code == 0
    outcome = command("check")
    assert (outcome.code, outcome.out, outcome.err) == (0, "", "up to date\n")


def test_a_missing_file_is_named_even_if_it_is_empty(package: Path, command: Tool) -> None:
    (package / "py.typed").unlink()
    outcome = command("check")
    assert outcome.code == 1
    assert outcome.out == (
        "--- /dev/null\n+++ b/py.typed\n"
        "package/py.typed:1:1: error EG401: the file is missing\n"
        "    fix: engage-codegen generate\n"
    )


@pytest.mark.parametrize("path", ["_runtime/transport/http.py", "visit.py", "__init__.py"])
def test_an_edit_with_a_matching_hash_in_the_lock_file_is_still_stale(
    path: str, package: Path, command: Tool
) -> None:
    before = contents(package)
    forgery.append_with_matching_hash(package, path, "print('forged')\n")
    assert command("generate").err == "up to date: 1 schema\n", "generate believes the hash"
    outcome = command("check")
    assert outcome.code == 1
    line = f"package/{path}:1:1: error EG401: the file is not what generate would write\n"
    assert line + "    fix: engage-codegen generate --force\n" in outcome.out
    assert "-print('forged')" in outcome.out
    assert check(command) == (1, [("EG401", f"package/{path}"), ("EG401", f"package/{LOCKFILE}")])
    assert command("generate", "--force").code == 0
    assert contents(package) == before
    assert check(command) == (0, [])


@pytest.mark.parametrize(
    "values",
    [
        {"class_name": "Other"},
        {"properties": {"name": "other"}},
        {"code": "0" * 64},
        {"generator": "0.1.0+000000000000"},
        {"origin": "https://acme.voyado.com"},
        {"pulled": "0" * 64},
    ],
    ids=",".join,
)
def test_the_lock_file_is_compared_like_every_other_file(
    values: dict[str, object], package: Path, command: Tool
) -> None:
    forgery.edit_lockfile(package, "visit", **values)
    code, codes = check(command)
    assert code == 1
    assert ("EG401", f"package/{LOCKFILE}") in codes or (
        "EG405",
        "package/_snapshot/visit.json",
    ) in codes
    assert command("generate", "--force").code == 0
    assert check(command) == (0, [])


def test_a_snapshot_file_in_another_layout_is_stale(package: Path, command: Tool) -> None:
    path = package / "_snapshot/visit.json"
    canonical = path.read_text()
    path.write_text(json.dumps(json.loads(canonical)))
    assert check(command) == (1, [("EG401", "package/_snapshot/visit.json")])
    assert command("generate").code == 0
    assert path.read_text() == canonical
    assert check(command) == (0, [])


def test_a_checkout_with_crlf_is_not_stale(project: Path, package: Path, command: Tool) -> None:
    for path in package.rglob("*"):
        if path.is_file():
            path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    before = contents(project)
    assert command("check").code == 0
    assert command("generate").code == 0
    assert contents(project) == before


def test_an_edited_snapshot_is_input_if_the_source_is_a_tenant(
    project: Path, package: Path, command: Tool
) -> None:
    (project / "pyproject.toml").write_text('[tool.engage-codegen]\noutput = "package"\n')
    path = package / "_snapshot/visit.json"
    path.write_text(json.dumps(envelope("visit", {"edited": {"type": "string"}})))
    assert command("check").code == 1
    assert command("generate").code == 0
    assert "edited: str" in (package / "visit.py").read_text()
    assert command("check").code == 0


def test_an_edited_snapshot_is_a_conflict_if_the_source_is_files(
    project: Path, package: Path, command: Tool
) -> None:
    path = package / "_snapshot/visit.json"
    path.write_text(path.read_text().replace("Title of", "Edited"))
    assert command("generate", "--config", _config_without_files(project)).code == 0
    outcome = command("check")
    assert outcome.code == 1
    assert "the snapshot was edited since the last pull" in outcome.out


def _config_without_files(project: Path) -> Path:
    path = project / "tenant.toml"
    path.write_text('[tool.engage-codegen]\noutput = "package"\n')
    return path


def test_an_interrupted_run_is_named_and_completed_by_generate(
    package: Path, command: Tool
) -> None:
    staging = package / ".engage-codegen-1"
    staging.mkdir()
    (staging / "journal.json").write_text(
        json.dumps([{"path": "visit.py", "staged": None, "old": None, "new": None}])
    )
    (package / "visit.py").unlink()
    assert check(command) == (1, [("EG406", "package")])
    outcome = command("generate")
    assert (outcome.code, "completed a run that had been interrupted" in outcome.err) == (0, True)
    assert check(command) == (0, [])


def test_a_package_that_git_ignores_is_a_warning(
    project: Path, package: Path, command: Tool
) -> None:
    subprocess.run(["git", "init", "-q"], cwd=project, check=True)
    assert check(command) == (0, [])
    (project / ".gitignore").write_text("package/\n")
    assert check(command) == (0, [("EG408", "package")])
    code, items = check(command, "--strict")
    assert (code, items[0]) == (1, ("EG408", "package"))
    (package / "visit.py").unlink()
    assert "warning: git ignores package, so it is not checked in" in command("generate").err


def test_every_target_is_checked_although_one_of_them_fails(
    project: Path, package: Path, command: Tool
) -> None:
    (project / "pyproject.toml").write_text(
        "".join(
            f'[tool.engage-codegen.targets.{name}]\noutput = "{name}"\nschemas = "{schemas}"\n'
            for name, schemas in {"a": "schemas", "b": "nowhere", "c": "schemas"}.items()
        )
    )
    assert command("generate", "--target", "a", "--target", "c").code == 0
    (project / "c/visit.py").unlink()
    outcome = command("check", "--output-format", "json")
    assert outcome.code == 2
    items = json.loads(outcome.out)["findings"]
    assert [(item["code"], item["tenant"]) for item in items] == [("EG502", "b"), ("EG401", "c")]


def test_check_works_without_http(package: Path) -> None:
    code = (
        "import sys; from engage_codegen.cli.app import run; code = run(['check']); "
        "print(code, *sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=package.parent, capture_output=True, text=True, check=True
    )
    exit_code, *modules = done.stderr.splitlines()[-1].split()
    assert exit_code == "0"
    assert not {"httpx", "rich"} & set(modules)
