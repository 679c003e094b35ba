"""Schemas and payloads of real integrations.

Every schema generates. The package and the sandbox accept the same payloads, and refuse the others
for the reason that the collection documents.
"""

import importlib
import json
import sys
from pathlib import Path
from typing import cast

import httpx
import pytest

from engage_codegen.sandbox.server import running
from engage_codegen.schema.names import name_schemas
from tests.support.tool import Tool

pytestmark = pytest.mark.slow

SCHEMAS = [
    "dixa-DixaCSATScore",
    "labd-form-submission",
    "lipscore-completedProductRating-v3",
    "trustvoice-completedProductRating",
    "voyado-docs-reuse-spring-2023",
    "voyado-docs-wholeSalePurchase",
    "voyado-docs-wishlist",
]
PAYLOADS = {
    "dixa-DixaCSATScore": ("dixa-DixaCSATScore", ""),
    "lipscore-completedProductRating": ("lipscore-completedProductRating-v3", ""),
    "voyado-docs-reuse-spring-2023.AS-PRINTED-invalid-dates": (
        "voyado-docs-reuse-spring-2023",
        "created",
    ),
}


def test_this_module_lists_all_files_of_the_collection(corpora: Path) -> None:
    assert {path.stem for path in (corpora / "engage/schemas").iterdir()} == set(SCHEMAS)
    assert {path.stem for path in (corpora / "engage/payloads").iterdir()} == set(PAYLOADS)


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_package_is_generated_from_each_schema(
    name: str, corpora: Path, project: Path, tool: Tool
) -> None:
    outcome = tool("generate", "--schemas", corpora / f"engage/schemas/{name}.json")
    assert outcome.code == 0, outcome.err
    schema = json.loads((corpora / f"engage/schemas/{name}.json").read_text())
    names = name_schemas([schema["id"]], {})[schema["id"]]
    text = (project / "engage_interactions" / f"{names.module}.py").read_text()
    for wire in schema["jsonSchema"]["properties"]:
        assert f'"{wire}"' in text


@pytest.mark.parametrize("name", PAYLOADS)
def test_the_package_accepts_or_refuses_each_payload_as_documented(
    name: str, corpora: Path, project: Path, tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    schema, invalid_property = PAYLOADS[name]
    body = json.loads((corpora / f"engage/payloads/{name}.json").read_text())
    package = f"tenant_{schema.replace('-', '_')}"
    assert tool(
        "generate", "--schemas", corpora / f"engage/schemas/{schema}.json", "--output", package
    ).code == 0  # fmt: skip
    monkeypatch.setattr(sys, "path", [str(project), *sys.path])
    names = name_schemas([body["schemaId"]], {})[body["schemaId"]]
    module = importlib.import_module(f"{package}.{names.module}")
    payload_class = getattr(module, names.class_name)
    if not invalid_property:
        assert payload_class.from_payload(body["payload"]).to_payload() == body["payload"]
        return
    errors = sys.modules[f"{package}._runtime.errors"]
    with pytest.raises(errors.InvalidPayloadError) as caught:
        payload_class.from_payload(body["payload"])
    (violation,) = caught.value.violations
    assert (violation.property, violation.code) == (invalid_property, "format")
    read_date_time = sys.modules[f"{package}._runtime.payload"].read_date_time
    with pytest.raises(ValueError, match="RFC 3339"):
        read_date_time(body["createdDate"])


@pytest.mark.parametrize("name", PAYLOADS)
def test_the_sandbox_accepts_or_refuses_each_payload_as_documented(
    name: str, corpora: Path
) -> None:
    schema, invalid_property = PAYLOADS[name]
    body = cast(
        "dict[str, object]", json.loads((corpora / f"engage/payloads/{name}.json").read_text())
    )
    with running(seed=False) as sandbox, httpx.Client(
        base_url=f"{sandbox.base_url}/api/v3", headers={"apikey": sandbox.api_key}
    ) as web:  # fmt: skip
        envelope = json.loads((corpora / f"engage/schemas/{schema}.json").read_text())
        assert web.post("/interactionschemas", json=envelope).is_success
        contact = "00000000-0000-4000-8000-000000000001"
        with sandbox.store.transaction() as tenant:
            tenant.add_contact(contact, "Test Contact")
        answer = web.post("/interactions", json={**body, "contactId": contact})
        if invalid_property:
            assert answer.status_code == 400
            return
        assert answer.is_success
        stored = web.get(f"/interactions/{answer.json()['id']}").json()
        assert stored["payload"] == body["payload"]


def test_two_files_with_the_same_schema_id_are_refused(
    corpora: Path, project: Path, tool: Tool
) -> None:
    outcome = tool("generate", "--schemas", corpora / "engage/schemas")
    assert outcome.code == 2
    assert "the schema completedProductRating is also in" in outcome.out
