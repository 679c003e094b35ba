"""The wheel works in an empty environment, and an editable install uses the checkout."""

import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.support.environments import copy_checkout, create_environment, run
from tests.support.packages import use_contracts
from tests.support.paths import ROOT, SEEDS
from tests.support.tool import contents

pytestmark = pytest.mark.slow

COMMITTED = ROOT / "generated" / "engage_interactions"


def _assert_generates(tool: Path, project: Path) -> None:
    use_contracts(project)
    run(tool, "generate", "--schemas", SEEDS, "--output", "package", cwd=project)
    files = contents(project / "package")
    lockfile = files["_snapshot/codegen.lock.json"]
    assert lockfile is not None
    # The committed schemas have no recorded origin.
    files["_snapshot/codegen.lock.json"] = lockfile.replace(b'"origin": "files", ', b"")
    assert files == contents(COMMITTED)
    run(tool, "check", "--output", "package", cwd=project)


def test_the_wheel_contains_the_templates_and_the_seed(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    templates = ROOT / "templates"
    for folder in ("package", "runtime", "static"):
        for path in (templates / folder).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                assert (
                    f"engage_codegen/_templates/{path.relative_to(templates).as_posix()}" in names
                )
    docs = ROOT / "docs"
    pages = {page.relative_to(docs).as_posix() for page in docs.rglob("*.md")}
    assert {name for name in names if "/_docs/" in name} == {
        f"engage_codegen/_docs/{page}" for page in pages
    }
    assert "engage_codegen/sandbox/seed/contacts.json" in names
    assert "engage_codegen/py.typed" in names


def test_the_wheel_contains_nothing_else(wheel: Path) -> None:
    for name in zipfile.ZipFile(wheel).namelist():
        assert name.startswith("engage_codegen"), name
        assert "__pycache__" not in name
        assert not name.endswith("check.yml"), "a component of GitLab"


def _metadata(wheel: Path) -> str:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith("dist-info/METADATA")]
        return archive.read(name).decode("utf-8")


def test_the_wheel_names_its_license(wheel: Path) -> None:
    assert "License-Expression: Apache-2.0 AND 0BSD\n" in _metadata(wheel)
    names = zipfile.ZipFile(wheel).namelist()
    assert [name for name in names if name.endswith("dist-info/licenses/LICENSE")]
    assert [name for name in names if name.endswith("dist-info/licenses/templates/LICENSE")]
    assert "Zero Clause" in (ROOT / "templates" / "LICENSE").read_text()
    assert "0BSD" in (ROOT / "generated/engage_interactions/_runtime/__init__.py").read_text()
    assert "the engage-codegen authors" in (ROOT / "LICENSE").read_text()


def test_every_link_of_the_description_works_on_a_package_index(wheel: Path) -> None:
    header, _, description = _metadata(wheel).partition("\n\n")
    assert "Description-Content-Type: text/markdown" in header
    assert description.startswith("# engage-codegen\n")
    links = re.findall(r"\]\(([^)]*)\)", description)
    assert links
    assert [link for link in links if not link.startswith("https://")] == []


def test_the_source_distribution_has_no_tests(wheel: Path) -> None:
    (sdist,) = wheel.parent.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = [name.partition("/")[2] for name in archive.getnames()]
    assert {"LICENSE", "README.md", "CHANGELOG.md", "pyproject.toml"} <= set(names)
    assert [name for name in names if name.startswith(("tests", "generated"))] == []


def test_the_source_distribution_builds_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    (sdist,) = wheel.parent.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    (source,) = tmp_path.iterdir()
    build = "-m build --no-isolation --wheel --outdir".split()
    run(sys.executable, *build, tmp_path / "dist", source, cwd=source)
    (again,) = (tmp_path / "dist").glob("*.whl")
    first, second = zipfile.ZipFile(wheel), zipfile.ZipFile(again)
    assert {name: first.read(name) for name in first.namelist()} == {
        name: second.read(name) for name in second.namelist()
    }


@pytest.mark.network
def test_the_wheel_generates_from_an_empty_environment(wheel: Path, tmp_path: Path) -> None:
    binaries = create_environment(tmp_path / "venv", wheel)
    _assert_generates(binaries / "engage-codegen", tmp_path)
    assert "# Quick start" in run(binaries / "engage-codegen", "docs", "quickstart", cwd=tmp_path)
    # Without its extra the sandbox names the extra to install.
    done = subprocess.run(
        [binaries / "engage-codegen", "sandbox"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "pip install 'engage-codegen[sandbox]'" in done.stderr


@pytest.mark.network
def test_an_editable_install_uses_the_checkouts_templates(tmp_path: Path) -> None:
    checkout = copy_checkout(tmp_path)
    binaries = create_environment(tmp_path / "venv", "--editable", checkout)
    _assert_generates(binaries / "engage-codegen", tmp_path)
    template = checkout / "templates" / "package" / "module.py.jinja"
    template.write_text(template.read_text().replace("Do not edit.", "Hands off."))
    check = [binaries / "engage-codegen", "check", "--output", "package"]
    assert "Hands off." in run(*check, cwd=tmp_path, fails=True)
