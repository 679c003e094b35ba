"""The build hooks check a package, and leave an unpacked source distribution alone."""

import json
import subprocess
from pathlib import Path

import pytest

from engage_codegen.errors import CodegenError
from engage_codegen.integrations.build import prepare_build
from tests.support.tenants import envelope
from tests.support.tool import Tool


def test_a_build_hook_is_not_switched_off_by_an_empty_file(project: Path, tool: Tool) -> None:
    (project / "visit.json").write_text(json.dumps(envelope("visit")))
    (project / "pyproject.toml").write_text(
        '[project]\nname = "Acme.Shop"\n'
        '[tool.engage-codegen]\noutput = "package"\nschemas = "visit.json"\n'
    )
    assert tool("generate").code == 0
    package = project / "package"
    assert prepare_build(project) == [package]
    (package / "visit.py").write_text("import os\n")
    texts = [
        "",
        "Metadata-Version: 2.1\n",
        "Metadata-Version: 2.1\nName: other\nVersion: 1\n",
        "Name: acme-shop\nVersion: 1\n",
        "\nMetadata-Version: 2.1\nName: acme-shop\nVersion: 1\n",
    ]
    for text in texts:
        (project / "PKG-INFO").write_text(text)
        with pytest.raises(CodegenError):
            prepare_build(project)
    (project / "PKG-INFO").write_text("Metadata-Version: 2.1\nName: acme_shop\nVersion: 1\n\nText")
    assert prepare_build(project) == (), "an unpacked source distribution"
    (project / ".git").mkdir()
    with pytest.raises(CodegenError):
        prepare_build(project)


METADATA = "Metadata-Version: 2.1\nName: acme-shop\nVersion: 1\n"


def write_stale_project(folder: Path, tool: Tool) -> None:
    folder.mkdir(parents=True)
    (folder / "visit.json").write_text(json.dumps(envelope("visit")))
    file = folder / "pyproject.toml"
    file.write_text(
        '[project]\nname = "acme.shop"\n'
        '[tool.engage-codegen]\noutput = "package"\nschemas = "visit.json"\n'
    )
    assert tool("generate", "--config", file).code == 0
    (folder / "package" / "visit.py").write_text("import os\n")
    (folder / "PKG-INFO").write_text(METADATA)


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.com")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True)


def test_a_project_in_a_repository_is_no_source_distribution(project: Path, tool: Tool) -> None:
    folder = project / "projects" / "shop"
    write_stale_project(folder, tool)
    assert prepare_build(folder) == (), "unpacked outside of any repository"
    git(project, "init", "-q")
    with pytest.raises(CodegenError):
        prepare_build(folder)
    git(project, "add", "-A")
    (project / ".gitignore").write_text("shop\n")
    with pytest.raises(CodegenError):
        prepare_build(folder)
    git(project, "rm", "-rq", "--cached", "projects")
    assert prepare_build(folder) == (), "unpacked where git ignores it"
    (folder / "PKG-INFO").write_text(METADATA.replace("acme-shop", "acme"))
    with pytest.raises(CodegenError):
        prepare_build(folder)


def test_metadata_of_a_project_without_a_name_needs_the_name_from_the_build(
    project: Path, tool: Tool
) -> None:
    folder = project / "shop"
    write_stale_project(folder, tool)
    file = folder / "pyproject.toml"
    file.write_text(file.read_text().partition("\n")[2].partition("\n")[2])
    with pytest.raises(CodegenError):
        prepare_build(folder)
    assert prepare_build(folder, "Acme_Shop") == ()
    with pytest.raises(CodegenError):
        prepare_build(folder, "other")
