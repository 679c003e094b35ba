"""What `generate` writes, and when it has nothing to do."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from engage_codegen.config import PARTS
from tests.support.attacks import forgery
from tests.support.tenants import envelope
from tests.support.tool import Tool, contents

pytestmark = pytest.mark.slow

HEAVY_MODULES = {
    *("httpx", "jinja2", "black", "datamodel_code_generator", "rich", "asyncio", "pydantic"),
    *("importlib.metadata", "difflib", "tempfile"),
}


MENTIONS = {"postgres": {"_runtime/outbox/cli/command.py"}}
"""Part -> the files that say that a package was generated without it."""


@pytest.mark.parametrize("part", PARTS)
def test_a_part_that_a_package_does_without_leaves_no_trace(
    part: str, project: Path, package: Path, command: Tool
) -> None:
    with (project / "pyproject.toml").open("a") as file:
        file.write(f'without = ["{part}"]\n')
    assert command("check").code == 1
    assert command("generate").code == 0
    assert command("check").code == 0
    texts = {path: data.decode() for path, data in contents(package).items() if data is not None}
    assert not [path for path in texts if part in path]
    assert {path for path, text in texts.items() if part in text.lower()} == MENTIONS.get(
        part, set()
    )
    subprocess.run([sys.executable, "-c", "import package.visit"], cwd=project, check=True)


def test_another_http_library_changes_one_module_and_the_lock_file(
    project: Path, package: Path, command: Tool
) -> None:
    before = contents(package)
    with (project / "pyproject.toml").open("a") as file:
        file.write('http = "httpx2"\n')
    assert command("check").code == 1
    assert command("generate").code == 0
    assert command("check").code == 0
    after = contents(package)
    changed = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    assert changed == {"_runtime/transport/http_library.py", "_snapshot/codegen.lock.json"}
    texts = {path: data.decode() for path, data in after.items() if path.endswith(".py") and data}
    users = [path for path, text in texts.items() if re.search(r"^\s*import httpx", text, re.M)]
    assert users == ["_runtime/transport/http_library.py"]
    assert "import httpx2 as httpx\n" in texts[users[0]]


def test_without_a_lock_file_equal_files_are_adopted(
    project: Path, package: Path, command: Tool
) -> None:
    before = contents(project)
    (package / "_snapshot/codegen.lock.json").unlink()
    assert command("generate").code == 0
    assert contents(project) == before


def test_a_new_source_is_recorded_although_its_schemas_are_the_same(
    project: Path, package: Path, command: Tool
) -> None:
    before = contents(project)
    forgery.edit_lockfile(package, "visit", origin="https://acme.voyado.com")
    assert command("check").code == 1
    assert "wrote 1 file" in command("generate").err
    assert contents(project) == before
    assert command("check").code == 0


def test_an_error_in_a_schema_is_shown_on_its_line_in_every_format(
    project: Path, package: Path, command: Tool
) -> None:
    schema = envelope("productReview", {"storeId": {"type": "text"}})
    (project / "schemas/review.json").write_text(json.dumps(schema, indent=2))
    before = contents(project)
    outcomes = {
        name: command("generate", "--output-format", name)
        for name in ("text", "json", "sarif", "github")
    }
    assert {outcome.code for outcome in outcomes.values()} == {1}
    assert contents(project) == before
    line = (project / "schemas/review.json").read_text().split('"type": "text"')[0].count("\n") + 1
    place = f"schemas/review.json:{line}:9: error EG201: productReview.storeId: "
    assert outcomes["text"].out.startswith(place)
    (finding,) = json.loads(outcomes["json"].out)["findings"]
    assert finding["subject"] == "productReview.storeId"
    assert (finding["file"], finding["line"]) == ("schemas/review.json", line)
    (result,) = json.loads(outcomes["sarif"].out)["runs"][0]["results"]
    assert result["message"]["text"].startswith("productReview.storeId: ")
    assert result["locations"][0]["physicalLocation"]["region"]["startLine"] == line
    annotation = f"::error title=EG201,file=schemas/review.json,line={line},col=9::"
    assert outcomes["github"].out.startswith(annotation + "productReview.storeId: ")


@pytest.mark.parametrize("arguments", [["generate"], ["list"], ["--help"], ["--version"]])
def test_a_run_with_nothing_to_do_imports_little(arguments: list[str], package: Path) -> None:
    code = (
        "import sys; from engage_codegen.cli.app import run; code = run(sys.argv[1:]); "
        "print(code, *sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=package.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    exit_code, *modules = done.stderr.splitlines()[-1].split()
    assert exit_code == "0"
    assert not HEAVY_MODULES & set(modules)


def test_list_shows_the_names_and_properties_of_the_snapshot(
    project: Path, package: Path, command: Tool
) -> None:
    properties = {name: {"type": "string"} for name in ("a", "b")}
    schema = envelope("Reuse-Spring", properties, required=["b"])
    (project / "schemas/visit.json").write_text(json.dumps(schema))
    assert command("generate").code == 0
    assert command("list").out == (
        "id\ttitle\tmodule\tclass\tproperties\trequired\n"
        "Reuse-Spring\tTitle of Reuse-Spring\treuse_spring\tReuseSpring\ta, b\tb\n"
    )
