"""The generated package as its consumers use it."""

import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import httpx
import pytest

from engage_codegen.sandbox.server import Sandbox
from engage_interactions import (
    EngageClient,
    InvalidPayloadError,
    UnknownContactError,
    UnknownSchemaError,
)
from engage_interactions.favourite import Favourite
from engage_interactions.product_review import ProductReview, send_product_review
from engage_interactions.repair import Repair
from tests.support.paths import ROOT
from tests.support.tool import Tool

COMMITTED = ROOT / "generated" / "engage_interactions"
CONTACT = "3f0c1a52-7d5e-4b0e-9a64-1c2f5b8e0d01"


def test_a_sent_interaction_is_read_back_and_deleted(tenant: Sandbox) -> None:
    review = ProductReview(product_sku="8810-42", rating=4, recommended=True)
    with EngageClient.from_env() as engage:
        receipt = send_product_review(engage, CONTACT, review)
        stored = engage.get(ProductReview, receipt.id)
        assert stored.payload == review
        assert stored.raw == {"productSku": "8810-42", "rating": 4, "recommended": True}
        assert stored.created_date == receipt.created_date
        assert receipt.id in {item.id for item in engage.list(ProductReview, CONTACT)}
        engage.delete(receipt.id)
        assert receipt.id not in {item.id for item in engage.list(ProductReview, CONTACT)}


def test_a_list_runs_over_all_pages(tenant: Sandbox) -> None:
    contact = "d8312c6f-4e9a-4d7b-8f05-0a6e9c3b7d06"
    with EngageClient.from_env(rate=10_000) as engage:
        sent = [engage.send(contact, Favourite(product_sku=str(n))).id for n in range(120)]
        found = list(engage.list(Favourite, contact))
    assert sorted(item.id for item in found) == sorted(sent)
    assert {item.payload.product_sku for item in found} == {str(n) for n in range(120)}


def test_what_the_platform_refuses_has_a_name(
    tenant: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    with EngageClient.from_env() as engage:
        with pytest.raises(UnknownContactError):
            engage.send("00000000-0000-4000-8000-000000000000", Favourite(product_sku="1"))
        monkeypatch.setattr(Favourite, "__schema_id__", "noSuchSchema")
        with pytest.raises(UnknownSchemaError):
            engage.send(CONTACT, Favourite(product_sku="1"))


def test_all_violations_come_in_one_error() -> None:
    wrong: dict[str, object] = {"product_sku": 1, "repair_type": None, "received_at": "today"}
    with pytest.raises(InvalidPayloadError) as caught:
        Repair(**wrong, cost=True, under_warranty=1)  # type: ignore[arg-type]
    assert [violation.property for violation in caught.value.violations] == [
        "productSku",
        "repairType",
        "receivedAt",
        "cost",
        "underWarranty",
    ]
    with pytest.raises(InvalidPayloadError) as caught:
        Repair.from_payload({"productSku": 1, "unknown": 1, "receivedAt": "2026-01-01T00:00:00"})
    assert [(violation.property, violation.code) for violation in caught.value.violations] == [
        ("unknown", "undeclared"),
        ("productSku", "type"),
        ("repairType", "required"),
        ("receivedAt", "format"),
    ]
    assert str(caught.value) == (
        "repair: unknown: is not declared in the schema; "
        "productSku: must be a string, not int; "
        "repairType: is required; "
        "receivedAt: is not an RFC 3339 date-time with an offset"
    )


def test_an_instance_cannot_be_changed() -> None:
    favourite = Favourite(product_sku="1")
    with pytest.raises(AttributeError):
        favourite.product_sku = "2"  # type: ignore[misc]
    with pytest.raises((AttributeError, TypeError)):
        favourite.other = "2"  # type: ignore[attr-defined]


def test_it_imports_where_nothing_but_httpx_is_installed(tmp_path: Path) -> None:
    site = tmp_path / "site"
    closure = ["httpx", "httpcore", "h11", "idna", "certifi", "anyio", "sniffio"]
    closure += ["typing_extensions.py"]
    for name in closure:
        source = Path(httpx.__file__).parents[1] / name
        if source.exists():
            (shutil.copytree if source.is_dir() else shutil.copy2)(source, _made(site) / name)
    shutil.copytree(COMMITTED, site / "engage_interactions")
    modules = [path.stem for path in COMMITTED.glob("*.py") if path.stem != "__init__"]
    code = f"import sys; sys.path.insert(0, {str(site)!r}); import engage_interactions\n"
    code += "".join(f"import engage_interactions.{module}\n" for module in modules)
    subprocess.run([sys.executable, "-I", "-S", "-W", "error", "-c", code], check=True)


def _made(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    return folder


def test_it_works_deep_inside_somebody_elses_package(
    project: Path, tool: Tool, tenant: Sandbox
) -> None:
    output = project / "src" / "acme" / "crm" / "_generated" / "interactions"
    for folder in ("src/acme", "src/acme/crm", "src/acme/crm/_generated"):
        (project / folder).mkdir(parents=True, exist_ok=True)
        (project / folder / "__init__.py").touch()
    assert tool("pull", "--output", output).code == 0
    assert tool("generate", "--output", output).code == 0
    code = f"""
        from acme.crm._generated.interactions import EngageClient
        from acme.crm._generated.interactions.favourite import Favourite, send_favourite
        with EngageClient.from_env() as engage:
            receipt = send_favourite(engage, {CONTACT!r}, Favourite(product_sku="1"))
            assert engage.get(Favourite, receipt.id).payload == Favourite(product_sku="1")
    """
    environment = {**os.environ, "PYTHONPATH": str(project / "src")}
    subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(code)], check=True, env=environment
    )
    made = {path.relative_to(output): path for path in output.rglob("*.py")}
    for path, file in made.items():
        assert file.read_bytes() == (COMMITTED / path).read_bytes()
