"""`diff` and `check --live`: the snapshot, a tenant, files, packages and revisions compared."""

import json
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

from engage_codegen.compat import RECREATE_WARNING
from engage_codegen.sandbox.server import Sandbox
from tests.support.paths import SEEDS
from tests.support.tenants import Answer, answering
from tests.support.tool import Tool

pytestmark = pytest.mark.slow


def replace_schema(sandbox: Sandbox, schema_id: str, **changes: Any) -> None:
    """Delete a schema and create it with changes, as a user of the platform does."""
    headers = {"apikey": sandbox.api_key}
    with httpx.Client(base_url=f"{sandbox.base_url}/api/v3", headers=headers) as client:
        envelope = client.get(f"/interactionschemas/{schema_id}").json()
        assert client.delete(f"/interactionschemas/{schema_id}").is_success
        if changes:
            schema = envelope["jsonSchema"]
            schema["properties"].update(changes.pop("properties", {}))
            for name in changes.pop("without", ()):
                del schema["properties"][name]
            envelope |= {"jsonSchema": {**schema, **changes.pop("schema", {})}, **changes}
            assert client.post("/interactionschemas", json=envelope).is_success


def diff(tool: Tool, *arguments: str) -> tuple[int, list[dict[str, Any]]]:
    outcome = tool("diff", *arguments, "--output", "package", "--output-format", "json")
    return outcome.code, json.loads(outcome.out)["findings"] if outcome.out else []


def test_an_unchanged_tenant_has_no_differences(pulled: Sandbox, tool: Tool) -> None:
    assert diff(tool) == (0, [])
    assert "no difference" in tool("diff", "--output", "package").err


def test_a_removed_property_breaks_on_its_line_with_an_example(
    pulled: Sandbox, tool: Tool, project: Path
) -> None:
    replace_schema(pulled, "Reuse-Spring-2023", without=["price"])
    code, (finding,) = diff(tool)
    assert code == 4
    assert (finding["code"], finding["severity"]) == ("EG301", "error")
    assert finding["pointer"] == "/jsonSchema/properties/price"
    lines = (project / "package/_snapshot/Reuse-Spring-2023.json").read_text().splitlines()
    assert '"price"' in lines[finding["line"] - 1]
    assert "example: {" in finding["message"]
    outcome = tool("diff", "--output", "package")
    assert RECREATE_WARNING in outcome.err


def test_an_added_property_is_compatible(pulled: Sandbox, tool: Tool) -> None:
    replace_schema(pulled, "repair", properties={"note": {"type": "string"}})
    code, (finding,) = diff(tool)
    assert (code, finding["code"]) == (3, "EG303")


def test_a_changed_label_is_a_change_of_texts(pulled: Sandbox, tool: Tool) -> None:
    replace_schema(pulled, "repair", displayName="Mended")
    code, (finding,) = diff(tool)
    assert (code, finding["code"]) == (3, "EG304")


def test_a_removed_schema_breaks(pulled: Sandbox, tool: Tool) -> None:
    replace_schema(pulled, "repair")
    code, (finding,) = diff(tool)
    assert (code, finding["schema"]) == (4, "repair")


@pytest.mark.parametrize(
    "answer",
    [Answer(b"<html>", status=200), Answer(b"{}", status=500), Answer(b"", status=401)],
)
def test_an_outage_is_neither_a_success_nor_a_difference(
    pulled: Sandbox, tool: Tool, answer: Answer
) -> None:
    with answering({"/api/v3/interactionschemas": answer}) as tenant:
        outcome = tool("diff", "--output", "package", "--base-url", tenant.base_url)
    assert outcome.code == 5
    assert [code for code in ("EG301", "EG302", "EG303", "EG304") if code in outcome.out] == []
    assert "error EG50" in outcome.out


def check(tool: Tool, *arguments: str) -> tuple[int, list[str]]:
    outcome = tool("check", *arguments, "--output", "package", "--output-format", "json")
    return outcome.code, [
        item["code"] for item in json.loads(outcome.out or '{"findings": []}')["findings"]
    ]


def test_the_exit_code_of_a_live_check_says_how_the_tenant_differs(
    pulled: Sandbox, tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert check(tool, "--live") == (0, [])
    replace_schema(pulled, "repair", displayName="Mended")
    assert check(tool, "--live") == (3, ["EG304"])
    replace_schema(pulled, "repair", without=["store"])
    code, codes = check(tool, "--live")
    assert (code, "EG301" in codes) == (4, True)
    assert check(tool) == (0, []), "offline nothing is asked"
    monkeypatch.setenv("ENGAGE_API_KEY", "wrong-key")
    assert check(tool, "--live") == (5, ["EG505"])


def test_a_stale_package_is_reported_before_the_tenant(
    pulled: Sandbox, tool: Tool, project: Path
) -> None:
    (project / "package/repair.py").unlink()
    assert check(tool) == (1, ["EG401"])
    assert check(tool, "--live") == (1, ["EG401"])


def test_an_error_in_a_schema_fails_the_check_and_a_warning_only_a_strict_one(
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


def test_folders_files_and_packages_can_be_compared(
    pulled: Sandbox, tool: Tool, project: Path
) -> None:
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


def test_a_git_revision_can_be_compared(pulled: Sandbox, tool: Tool, project: Path) -> None:
    def git(*arguments: str) -> None:
        identity = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
        subprocess.run(["git", *identity, *arguments], cwd=project, check=True, capture_output=True)

    git("init", "-q")
    git("add", ".")
    git("commit", "-q", "-m", "first")
    replace_schema(pulled, "repair", without=["store"])
    assert tool("pull", "--output", "package").code == 0
    code, (finding,) = diff(tool, "git:HEAD", "snapshot")
    assert (code, finding["pointer"]) == (4, "/jsonSchema/properties/store")
    assert diff(tool, "git:HEAD", "git:HEAD") == (0, [])
    for revision in ("git:nonsense", "git:--help", "git:"):
        assert tool("diff", revision, "snapshot", "--output", "package").code == 2


def test_a_revision_without_a_repository_or_git_is_an_error(
    pulled: Sandbox, tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert tool("diff", "git:HEAD", "snapshot", "--output", "package").code == 2
    monkeypatch.setenv("PATH", "")
    assert "install git" in tool("diff", "git:HEAD", "snapshot", "--output", "package").out
