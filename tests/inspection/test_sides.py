"""Two sides compared, from the command line: the snapshot, a tenant, files, a revision."""

import json
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

from engage_codegen.sandbox.server import Sandbox, running
from tests.support.paths import SEEDS
from tests.support.tenants import Answer, answering
from tests.support.tool import Tool


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A tenant that a test may change."""
    with running() as sandbox:
        monkeypatch.setenv("ENGAGE_BASE_URL", sandbox.base_url)
        monkeypatch.setenv("ENGAGE_API_KEY", sandbox.api_key)
        monkeypatch.setenv("ENGAGE_USER_AGENT", "tests/1.0")
        yield sandbox


def replace(sandbox: Sandbox, schema_id: str, **changes: Any) -> None:
    """What somebody in marketing does: delete the schema and create it anew."""
    headers = {"apikey": sandbox.api_key}
    with httpx.Client(base_url=f"{sandbox.base_url}/api/v3", headers=headers) as web:
        envelope = web.get(f"/interactionschemas/{schema_id}").json()
        assert web.delete(f"/interactionschemas/{schema_id}").is_success
        if changes:
            schema = envelope["jsonSchema"]
            schema["properties"].update(changes.pop("properties", {}))
            for name in changes.pop("without", ()):
                del schema["properties"][name]
            envelope |= {"jsonSchema": {**schema, **changes.pop("schema", {})}, **changes}
            assert web.post("/interactionschemas", json=envelope).is_success


@pytest.fixture
def pulled(own: Sandbox, project: Path, tool: Tool) -> Sandbox:
    assert tool("pull", "--output", "package").code == 0
    assert tool("generate", "--output", "package").code == 0
    return own


def diff(tool: Tool, *arguments: str) -> tuple[int, list[dict[str, Any]]]:
    outcome = tool("diff", *arguments, "--output", "package", "--output-format", "json")
    return outcome.code, json.loads(outcome.out)["findings"] if outcome.out else []


def test_a_tenant_that_is_as_it_was_differs_in_nothing(pulled: Sandbox, tool: Tool) -> None:
    assert diff(tool) == (0, [])
    assert "no difference" in tool("diff", "--output", "package").err


def test_a_property_that_is_gone_breaks_with_a_witness_on_its_line(
    pulled: Sandbox, tool: Tool, project: Path
) -> None:
    replace(pulled, "Reuse-Spring-2023", without=["price"])
    code, (finding,) = diff(tool)
    assert code == 4
    assert (finding["code"], finding["severity"]) == ("EG301", "error")
    assert finding["pointer"] == "/jsonSchema/properties/price"
    lines = (project / "package/_snapshot/Reuse-Spring-2023.json").read_text().splitlines()
    assert '"price"' in lines[finding["line"] - 1]
    assert "for instance" in finding["message"]
    outcome = tool("diff", "--output", "package")
    assert "every interaction stored under it goes with it" in outcome.err


def test_what_only_adds_is_compatible(pulled: Sandbox, tool: Tool) -> None:
    replace(pulled, "repair", properties={"note": {"type": "string"}})
    code, (finding,) = diff(tool)
    assert (code, finding["code"]) == (3, "EG303")


def test_texts_alone_are_documentation(pulled: Sandbox, tool: Tool) -> None:
    replace(pulled, "repair", displayName="Mended")
    code, (finding,) = diff(tool)
    assert (code, finding["code"]) == (3, "EG304")


def test_a_schema_that_is_gone_breaks(pulled: Sandbox, tool: Tool) -> None:
    replace(pulled, "repair")
    code, (finding,) = diff(tool)
    assert (code, finding["schema"]) == (4, "repair")


@pytest.mark.parametrize(
    "answer",
    [Answer(b"<html>", status=200), Answer(b"{}", status=500), Answer(b"", status=401)],
)
def test_an_outage_is_neither_green_nor_breaking(
    pulled: Sandbox, tool: Tool, answer: Answer
) -> None:
    with answering({"/api/v3/interactionschemas": answer}) as tenant:
        outcome = tool("diff", "--output", "package", "--base-url", tenant.base_url)
    assert outcome.code == 5
    assert outcome.out == ""


def check(tool: Tool, *arguments: str) -> tuple[int, list[str]]:
    outcome = tool("check", *arguments, "--output", "package", "--output-format", "json")
    return outcome.code, [
        it["code"] for it in json.loads(outcome.out or '{"findings": []}')["findings"]
    ]


def test_a_live_check_ends_as_the_tenant_differs(
    pulled: Sandbox, tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert check(tool, "--live") == (0, [])
    replace(pulled, "repair", displayName="Mended")
    assert check(tool, "--live") == (3, ["EG304"])
    replace(pulled, "repair", without=["store"])
    code, codes = check(tool, "--live")
    assert (code, "EG301" in codes) == (4, True)
    assert check(tool) == (0, []), "offline nothing is asked"
    monkeypatch.setenv("ENGAGE_API_KEY", "wrong-key")
    assert check(tool, "--live") == (5, [])


def test_what_is_stale_is_a_finding_too(pulled: Sandbox, tool: Tool, project: Path) -> None:
    (project / "package/repair.py").unlink()
    assert check(tool) == (1, ["EG401"])
    assert check(tool, "--live") == (1, ["EG401"])


def test_an_error_in_a_schema_fails_the_check_and_advice_does_not(
    pulled: Sandbox, tool: Tool, project: Path
) -> None:
    path = project / "package/_snapshot/repair.json"
    schema = json.loads(path.read_text())
    for value in schema["jsonSchema"]["properties"].values():
        value["showInContactCard"] = True
    path.write_text(json.dumps(schema))
    assert tool("generate", "--output", "package").code == 0
    assert check(tool) == (0, [])
    code, codes = check(tool, "--strict")
    assert (code, set(codes)) == (1, {"EG112"})
    schema["jsonSchema"]["properties"]["store"]["sortOrder"] = "first"
    path.write_text(json.dumps(schema))
    assert tool("generate", "--output", "package").code == 0
    assert check(tool) == (1, ["EG113"])


def test_folders_files_and_packages_are_sides(pulled: Sandbox, tool: Tool, project: Path) -> None:
    (project / "schemas").mkdir()
    for file in SEEDS.glob("*.json"):
        (project / "schemas" / file.name).write_bytes(file.read_bytes())
    assert diff(tool, "snapshot", "schemas") == (0, [])
    assert diff(tool, "package", "live") == (0, [])
    code, findings = diff(tool, "schemas", str(next(iter(sorted(SEEDS.glob("*.json"))))))
    assert code == 4
    assert len(findings) == 5
    assert tool("diff", "snapshot", "nowhere", "--output", "package").code == 2
    assert tool("diff", "--output", "elsewhere").code == 2


def test_a_git_revision_is_a_side(pulled: Sandbox, tool: Tool, project: Path) -> None:
    def git(*arguments: str) -> None:
        identity = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
        subprocess.run(["git", *identity, *arguments], cwd=project, check=True, capture_output=True)

    git("init", "-q")
    git("add", ".")
    git("commit", "-q", "-m", "first")
    replace(pulled, "repair", without=["store"])
    assert tool("pull", "--output", "package").code == 0
    code, (finding,) = diff(tool, "git:HEAD", "snapshot")
    assert (code, finding["pointer"]) == (4, "/jsonSchema/properties/store")
    assert diff(tool, "git:HEAD", "git:HEAD") == (0, [])
    for revision in ("git:nonsense", "git:--help", "git:"):
        assert tool("diff", revision, "snapshot", "--output", "package").code == 2


def test_outside_of_a_repository_a_revision_is_an_error(
    pulled: Sandbox, tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert tool("diff", "git:HEAD", "snapshot", "--output", "package").code == 2
    monkeypatch.setenv("PATH", "")
    assert "install git" in tool("diff", "git:HEAD", "snapshot", "--output", "package").err
