"""The build hooks check a package, and leave an unpacked source distribution alone."""

import json
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
