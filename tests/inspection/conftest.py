"""What the tests of the inspection room share."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import jsonschema_rs
import pytest

from engage_codegen.sandbox.server import Sandbox, running
from tests.support.paths import ROOT
from tests.support.tenants import envelope
from tests.support.tool import Outcome, Tool

OURS = envelope("visit", {"name": {"type": "string"}, "store": {"type": "string"}})


def write_wheel(package: Path, name: str = "acme-1-py3-none-any.whl") -> Path:
    """Write a wheel with the package `acme.visits`, and return its path."""
    base = package.parents[1]
    path = base.parent / name
    with ZipFile(path, "w") as archive:
        for file in sorted(package.rglob("*")):
            if file.is_file():
                archive.write(file, file.relative_to(base).as_posix())
    return path


def read_verdicts(outcome: Outcome) -> list[str]:
    """Return the verdicts of a report in JSON that is as its published schema says."""
    report = json.loads(outcome.out)
    published = json.loads((ROOT / "docs" / "findings.schema.json").read_text())
    jsonschema_rs.validator_for(published).validate(report)
    return [item["verdict"] for item in report["verdicts"]]


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """A tenant that a test may change."""
    with running() as sandbox:
        monkeypatch.setenv("ENGAGE_BASE_URL", sandbox.base_url)
        monkeypatch.setenv("ENGAGE_API_KEY", sandbox.api_key)
        monkeypatch.setenv("ENGAGE_USER_AGENT", "tests/1.0")
        yield sandbox


@pytest.fixture
def pulled(own: Sandbox, project: Path, tool: Tool) -> Sandbox:
    """A tenant, and the folder `package` with the package of its schemas."""
    assert tool("pull", "--output", "package").code == 0
    assert tool("generate", "--output", "package").code == 0
    return own


@pytest.fixture
def visits(project: Path, tool: Tool) -> Path:
    """A project with the package `acme/visits` of one schema, and an empty folder `app`."""
    (project / "schemas").mkdir()
    properties: dict[str, Any] = {
        "name": {"type": "string", "displayName": "Name", "showInContactCard": "true"},
        "storeId": {"type": "string", "maxLength": 5},
        "a.b": {"type": "integer", "minimum": 3},
    }
    schema = envelope("visit", properties, required=["name"])
    (project / "schemas/visit.json").write_text(json.dumps(schema))
    (project / "pyproject.toml").write_text(
        '[tool.engage-codegen]\nschemas = "schemas"\noutput = "acme/visits"\n'
        'user-agent = "a/1"\ndialect = "json-schema"\nrenames = {"visit#/storeId" = "store"}\n'
    )
    assert tool("generate").code == 0
    (project / "app").mkdir()
    return project


@pytest.fixture
def shipped(project: Path, tool: Tool, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The package `acme.visits` of the schema `OURS` in the folder `site`."""
    (project / "schemas").mkdir()
    (project / "schemas/visit.json").write_text(json.dumps(OURS))
    assert tool("generate", "--schemas", "schemas", "--output", "site/acme/visits").code == 0
    monkeypatch.setenv("ENGAGE_API_KEY", "k")
    monkeypatch.setenv("ENGAGE_USER_AGENT", "tests/1")
    return project / "site/acme/visits"
