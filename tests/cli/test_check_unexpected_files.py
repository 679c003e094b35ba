"""Files that Python would import from a package, and that the tool did not write, are findings."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.attacks import forgery
from tests.support.tool import Tool

FORGED = "print('the branch ran')\n"


def check(command: Tool) -> tuple[int, list[tuple[str, str, list[str]]]]:
    outcome = command("check", "--output-format", "json")
    items = json.loads(outcome.out)["findings"]
    return outcome.code, [(item["code"], item["file"], item["reason"]) for item in items]


@pytest.mark.parametrize(
    ("file", "kind", "place"),
    [
        ("_runtime/client/__init__.py", "folder", "_runtime/client"),
        ("visit/deep/data.json", "folder", "visit"),
        ("mine.py", "module", "mine.py"),
        ("_runtime/mine.pyw", "module", "_runtime/mine.pyw"),
        ("_runtime/client.so", "extension", "_runtime/client.so"),
        ("visit.cpython-311-x86_64-linux-gnu.so", "extension", None),
        ("mine.pyc", "bytecode", "mine.pyc"),
    ],
)
def test_a_file_that_python_would_import_fails_the_check(
    file: str, kind: str, place: str | None, package: Path, command: Tool
) -> None:
    path = package / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    place = place or file
    assert check(command) == (1, [("EG407", f"package/{place}", [kind, place])])
    text = command("check").out
    assert text.startswith(f"package/{place}:1:1: error EG407: Python would import this")
    assert "    fix: move it out of the package, or delete it\n" in text


@pytest.mark.parametrize("file", ["notes.txt", "my-data/a.json", ".hidden/a.py", "docs.md"])
def test_a_file_that_python_cannot_import_is_yours(file: str, package: Path, command: Tool) -> None:
    path = package / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    assert check(command) == (0, [])


def test_the_cache_that_python_writes_itself_is_no_finding(package: Path, command: Tool) -> None:
    subprocess.run([sys.executable, "-m", "compileall", "-q", package], check=True)
    assert list(package.rglob("*.pyc"))
    assert check(command) == (0, [])


def test_bytecode_that_python_does_not_compare_with_its_source_is_a_finding(
    project: Path, package: Path, command: Tool
) -> None:
    source = package / "_runtime/transport/http.py"
    forgery.write_bytecode(source, FORGED + source.read_text(), is_checked=False)
    done = subprocess.run(
        [sys.executable, "-c", "import package._runtime.transport.http"],
        cwd=project,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "the branch ran\n", "Python imports it"
    (cached,) = (package / "_runtime/transport/__pycache__").glob("http.*.pyc")
    path = cached.relative_to(package).as_posix()
    assert check(command) == (1, [("EG407", f"package/{path}", ["cached-bytecode", path])])
    assert command("generate").code == 0
    assert check(command)[0] == 1, "generate does not delete it"
    cached.unlink()
    assert check(command) == (0, [])


def test_bytecode_that_git_tracks_is_a_finding_even_if_python_would_compare_it(
    project: Path, package: Path, command: Tool
) -> None:
    source = package / "visit.py"
    forgery.write_bytecode(source, FORGED, is_checked=True)
    assert check(command) == (0, [])
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull}
    subprocess.run(["git", "init", "-q"], cwd=project, check=True, env=environment)
    subprocess.run(["git", "add", "-f", "."], cwd=project, check=True, env=environment)
    code, items = check(command)
    assert (code, [item[0] for item in items]) == (1, ["EG407"])
    assert items[0][1].startswith("package/__pycache__/visit.")
