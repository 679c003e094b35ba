"""The installed tool: a wheel in an empty environment, and an editable install."""

import os
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

from tests.support.paths import ROOT, SEEDS
from tests.support.tool import contents

COMMITTED = ROOT / "generated" / "engage_interactions"


def _run(*command: object, cwd: Path) -> str:
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what is under version control, or would be."""
    copy = tmp_path_factory.mktemp("checkout") / "engage-codegen"
    shutil.copytree(
        ROOT,
        copy,
        ignore=shutil.ignore_patterns(".*", "__pycache__", "build", "dist", "*.egg-info"),
    )
    return copy


@pytest.fixture(scope="session")
def wheel(checkout: Path) -> Path:
    _run(sys.executable, "-m", "build", "--outdir", "dist", ".", cwd=checkout)
    (made,) = (checkout / "dist").glob("*.whl")
    return made


def _environment(folder: Path) -> Path:
    venv.create(folder, with_pip=True)
    return folder / ("Scripts" if os.name == "nt" else "bin")


def _generates(tool: Path, project: Path) -> None:
    _run(tool, "generate", "--schemas", SEEDS, "--output", "package", cwd=project)
    assert contents(project / "package") == contents(COMMITTED)
    _run(tool, "check", "--output", "package", cwd=project)


def test_the_wheel_carries_the_templates_and_the_seed(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for path in (ROOT / "templates").rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            carried = f"engage_codegen/_templates/{path.relative_to(ROOT / 'templates').as_posix()}"
            assert carried in names
    assert "engage_codegen/sandbox/seed/contacts.json" in names
    assert not [name for name in names if "__pycache__" in name or name.startswith("tests")]


def test_the_source_distribution_builds_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    (sdist,) = wheel.parent.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    (source,) = tmp_path.iterdir()
    _run(
        sys.executable, "-m", "build", "--wheel", "--outdir", tmp_path / "dist", source, cwd=source
    )
    (again,) = (tmp_path / "dist").glob("*.whl")
    one, other = zipfile.ZipFile(wheel), zipfile.ZipFile(again)
    assert {name: one.read(name) for name in one.namelist()} == {
        name: other.read(name) for name in other.namelist()
    }


def test_the_wheel_generates_from_an_empty_environment(wheel: Path, tmp_path: Path) -> None:
    binaries = _environment(tmp_path / "venv")
    _run(binaries / "python", "-m", "pip", "install", "--quiet", wheel, cwd=tmp_path)
    _generates(binaries / "engage-codegen", tmp_path)
    # Without its extra the sandbox says what is missing.
    done = subprocess.run(
        [binaries / "engage-codegen", "sandbox"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "pip install 'engage-codegen[sandbox]'" in done.stderr


def test_an_editable_install_uses_the_checkouts_templates(checkout: Path, tmp_path: Path) -> None:
    binaries = _environment(tmp_path / "venv")
    _run(
        binaries / "python", "-m", "pip", "install", "--quiet", "--editable", checkout, cwd=tmp_path
    )
    _generates(binaries / "engage-codegen", tmp_path)
    template = checkout / "templates" / "package" / "module.py.jinja"
    template.write_text(template.read_text().replace("Do not edit.", "Hands off."))
    done = subprocess.run(
        [binaries / "engage-codegen", "check", "--output", "package"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "Hands off." in done.stdout
