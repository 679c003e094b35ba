"""Nothing of a checkout is executed, whatever its files are called."""

import marshal
import os
import subprocess
import sys
from importlib.util import MAGIC_NUMBER, cache_from_source, source_hash
from pathlib import Path

import pytest

from engage_codegen.output.snapshot import read_lockfile
from engage_codegen.verify.subject import import_package
from tests.support.attacks.traps import TOOL_SETTINGS, TRAPS, plant, run_carelessly, sprung
from tests.support.paths import ROOT
from tests.support.tenants import answering, envelope, holding

pytestmark = pytest.mark.slow

UNAVOIDABLE = ("engage_codegen/",)
"""What ``python -m engage_codegen`` imports before the tool can do anything about it."""


@pytest.fixture
def checkout(package: Path, project: Path) -> Path:
    """A repository with a package and every trap."""
    with (project / "pyproject.toml").open("a") as file:
        file.write(TOOL_SETTINGS)
    plant(project)
    sprung(project)
    return project


@pytest.mark.parametrize("name", TRAPS)
def test_each_trap_catches_a_careless_command(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "checkout"
    folder.mkdir()
    plant(folder, [name])
    assert sprung(folder) == set()
    run_carelessly(folder, name)
    assert sprung(folder) == {name}


COMMANDS = [
    ["generate"],
    ["generate", "--force"],
    ["check"],
    ["lint", "--fix", "schemas"],
    ["list"],
    ["diff", "snapshot", "schemas"],
    ["explain", "visit"],
    ["init", "--with", "gitattributes", "--yes"],
    ["check", "--live", "--usage", "."],
]


def run(checkout: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run Python in the checkout, with the tool of this repository."""
    inherited = {**os.environ, "PYTHONPATH": str(ROOT / "codegen"), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=checkout,
        env={**inherited, **environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_no_command_executes_anything_of_the_checkout(checkout: Path, command: list[str]) -> None:
    with answering(holding(envelope("visit"))) as tenant:
        variables = {
            "ENGAGE_BASE_URL": tenant.base_url,
            "ENGAGE_API_KEY": "k",
            "ENGAGE_USER_AGENT": "a/1",
        }
        done = run(checkout, "-P", "-m", "engage_codegen", *command, **variables)
    assert "Traceback" not in done.stdout
    assert "internal error" not in done.stdout
    assert sprung(checkout) == set(), done.stdout


@pytest.mark.parametrize("command", [["generate", "--force"], ["check"]], ids=" ".join)
def test_python_m_imports_nothing_but_itself_from_the_current_folder(
    package: Path, project: Path, command: list[str]
) -> None:
    plant(project, [name for name in TRAPS if name not in UNAVOIDABLE])
    done = run(project, "-m", "engage_codegen", *command)
    assert (done.returncode, sprung(project)) == (0, set()), done.stdout


def test_python_m_works_in_the_folder_of_the_package(project: Path) -> None:
    done = run(ROOT / "codegen", "-m", "engage_codegen", "--version", PYTHONPATH="")
    assert done.returncode == 0, done.stdout


def test_verify_does_not_execute_bytecode_of_the_checkout(package: Path, project: Path) -> None:
    source = (package / "visit.py").read_bytes()
    code = compile("open('executed.txt', 'w'); from json import *", "visit.py", "exec")
    header = MAGIC_NUMBER + (0b11).to_bytes(4, "little") + source_hash(source)
    cache = Path(cache_from_source(str(package / "visit.py")))
    cache.parent.mkdir(exist_ok=True)
    cache.write_bytes(header + marshal.dumps(code))
    run(project, "-c", "import package.visit", PYTHONPATH=".")
    assert (project / "executed.txt").exists(), "Python believes the cache"
    (project / "executed.txt").unlink()
    with import_package(package) as imported:
        module = read_lockfile(package).modules["visit"]
        assert imported.subject(module).read({"name": "a"}).is_accepted
    assert not (project / "executed.txt").exists()
