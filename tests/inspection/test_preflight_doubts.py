"""What a package says of itself makes no verdict: a doubt is UNKNOWN, and says why."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.inspection.conftest import OURS, read_verdicts, write_wheel
from tests.support.attacks import forgery
from tests.support.tenants import answering, envelope, holding
from tests.support.tool import Outcome, Tool, run_process

pytestmark = pytest.mark.slow


def preflight(
    tool: Tool, location: object, *arguments: object, schema: dict[str, object] = OURS
) -> Outcome:
    """Run preflight against a tenant that has exactly the schema of the package."""
    with answering(holding(schema)) as tenant:
        return tool(
            "preflight",
            location,
            "--tenant",
            tenant.base_url,
            "--output-format",
            "json",
            *arguments,
        )


def append(path: str, text: str = "# mine\n") -> Callable[[Path], None]:
    def append_text(package: Path) -> None:
        (package / path).write_text((package / path).read_text() + text)

    return append_text


def create(path: str) -> Callable[[Path], None]:
    def create_file(package: Path) -> None:
        (package / path).parent.mkdir(exist_ok=True)
        (package / path).touch()

    return create_file


def forge(path: str) -> Callable[[Path], None]:
    return lambda package: forgery.append_with_matching_hash(package, path, "print('forged')\n")


def write_unchecked_bytecode(package: Path) -> None:
    source = package / "_runtime/errors.py"
    forgery.write_bytecode(source, "print('forged')\n", is_checked=False)


def edit_snapshot(package: Path) -> None:
    path = package / "_snapshot/visit.json"
    path.write_text(path.read_text().replace("Title", "Edited title"))


def replace_http_library(package: Path) -> None:
    path = package / "_runtime/transport/http_library.py"
    path.write_text(path.read_text().replace("import httpx\n", "import httpx2 as httpx\n"))


DOUBTS: dict[str, tuple[Callable[[Path], None], str]] = {
    "an edited module": (append("visit.py"), "visit.py differs from what engage-codegen"),
    "an edited runtime": (append("_runtime/errors.py"), "_runtime/errors.py differs from"),
    "an edited snapshot": (edit_snapshot, "_snapshot/visit.json differs from what it was"),
    "a module with a matching hash": (forge("visit.py"), "visit.py differs from what"),
    "a runtime with a matching hash": (
        forge("_runtime/transport/http.py"),
        "_runtime/transport/http.py differs from what",
    ),
    "another HTTP library in the package": (
        replace_http_library,
        "_runtime/transport/http_library.py differs from what",
    ),
    "a folder instead of a module": (
        create("_runtime/client/__init__.py"),
        "_runtime/client: Python would import this folder",
    ),
    "a module of another author": (create("mine.py"), "mine.py: Python would import this module"),
    "a missing module": (lambda package: (package / "visit.py").unlink(), "visit.py differs from"),
    "unchecked bytecode": (
        write_unchecked_bytecode,
        "Python would import this bytecode without comparing it with its source",
    ),
    "another version": (
        lambda package: forgery.replace_version(package, "0.0.1"),
        "run preflight with engage-codegen 0.0.1",
    ),
    "a wrong class name in the lock file": (
        lambda package: forgery.edit_lockfile(package, "visit", class_name="Other"),
        "visit.py: Python would import this module, which engage-codegen did not write",
    ),
    "a wrong attribute in the lock file": (
        lambda package: forgery.edit_lockfile(
            package, "visit", properties={"name": "other", "store": "store"}
        ),
        "visit.py differs from what engage-codegen",
    ),
    "an impossible name in the lock file": (
        lambda package: forgery.edit_lockfile(
            package, "visit", properties={"name": "class", "store": "store"}
        ),
        "its code cannot be rendered again",
    ),
}


@pytest.mark.parametrize("name", DOUBTS)
def test_a_package_that_is_not_what_the_tool_renders_is_unknown(
    name: str, shipped: Path, tool: Tool
) -> None:
    change, reason = DOUBTS[name]
    change(shipped)
    for location in (shipped, write_wheel(shipped)):
        outcome = preflight(tool, location)
        assert (outcome.code, read_verdicts(outcome)) == (1, ["UNKNOWN"])
        (finding,) = json.loads(outcome.out)["findings"]
        assert (finding["code"], finding["schema"]) == ("EG302", "visit")
        assert reason in finding["message"]


def test_a_doubt_in_a_single_module_leaves_the_other_schemas_safe(
    project: Path, shipped: Path, tool: Tool
) -> None:
    (project / "schemas/other.json").write_text(json.dumps(envelope("other")))
    assert tool("generate", "--schemas", "schemas", "--output", "site/acme/visits").code == 0
    append("visit.py")(shipped)
    with answering(holding(OURS, envelope("other"))) as tenant:
        outcome = tool("preflight", shipped, "--tenant", tenant.base_url, "--output-format", "json")
    assert (outcome.code, read_verdicts(outcome)) == (1, ["SAFE", "UNKNOWN"])


def test_the_http_library_of_a_package_is_no_doubt(
    project: Path, shipped: Path, tool: Tool
) -> None:
    (project / "pyproject.toml").write_text(
        '[tool.engage-codegen]\nschemas = "schemas"\nhttp = "httpx2"\noutput = "site/acme/visits"\n'
    )
    assert tool("generate").code == 0
    (project / "pyproject.toml").unlink()
    for location in (shipped, write_wheel(shipped)):
        assert read_verdicts(preflight(tool, location)) == ["SAFE"]


def test_a_wheel_with_a_cache_is_unknown_and_an_untracked_cache_in_a_folder_is_safe(
    shipped: Path, tool: Tool
) -> None:
    subprocess.run([sys.executable, "-m", "compileall", "-q", shipped], check=True)
    assert read_verdicts(preflight(tool, shipped)) == ["SAFE"]
    outcome = preflight(tool, write_wheel(shipped))
    assert (outcome.code, read_verdicts(outcome)) == (1, ["UNKNOWN"])
    assert "__pycache__" in json.loads(outcome.out)["findings"][0]["message"]


@pytest.mark.parametrize("part", ["bulk", "outbox", "testing"])
def test_a_package_without_a_part_is_safe(
    part: str, project: Path, shipped: Path, tool: Tool
) -> None:
    (project / "pyproject.toml").write_text(
        '[tool.engage-codegen]\nschemas = "schemas"\noutput = "site/acme/visits"\n'
        f'without = ["{part}"]\n'
    )
    assert tool("generate").code == 0
    for location in (shipped, write_wheel(shipped)):
        outcome = preflight(tool, location)
        assert (outcome.code, read_verdicts(outcome)) == (0, ["SAFE"])


def test_a_package_with_renames_is_safe_wherever_its_configuration_is(
    project: Path, shipped: Path, tool: Tool
) -> None:
    (project / "pyproject.toml").write_text(
        '[tool.engage-codegen]\nschemas = "schemas"\noutput = "site/acme/visits"\n'
        '[tool.engage-codegen.renames]\n"visit" = "shop_visit"\n"visit#/store" = "shop"\n'
    )
    assert tool("generate").code == 0
    assert (shipped / "shop_visit.py").exists()
    (project / "pyproject.toml").unlink()
    for location in (shipped, write_wheel(shipped)):
        outcome = preflight(tool, location)
        assert (outcome.code, read_verdicts(outcome)) == (0, ["SAFE"])


def test_a_file_that_python_cannot_import_is_no_doubt(shipped: Path, tool: Tool) -> None:
    (shipped / "notes.txt").write_text("mine")
    assert read_verdicts(preflight(tool, write_wheel(shipped))) == ["SAFE"]


def test_the_command_itself_gives_the_verdict_of_a_forged_wheel(shipped: Path) -> None:
    assert read_verdicts(preflight(run_process, write_wheel(shipped))) == ["SAFE"]
    forge("_runtime/transport/http.py")(shipped)
    outcome = preflight(run_process, write_wheel(shipped))
    assert (outcome.code, read_verdicts(outcome)) == (1, ["UNKNOWN"])
