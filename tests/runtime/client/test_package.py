"""The generated package, as an application uses it."""

import ast
import os
import shutil
import subprocess
import sys
import textwrap
from graphlib import TopologicalSorter
from pathlib import Path

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
from tests.support.packages import generate_package
from tests.support.paths import ROOT, SEEDS
from tests.support.runtime.http_library import httpx
from tests.support.tool import Tool

RUNTIME = ROOT / "templates" / "runtime"
COMMITTED = ROOT / "generated" / "engage_interactions"
CONTACT = "3f0c1a52-7d5e-4b0e-9a64-1c2f5b8e0d01"


def test_a_sent_interaction_can_be_read_listed_and_deleted(tenant: Sandbox) -> None:
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


def test_a_list_reads_all_pages(tenant: Sandbox) -> None:
    contact = "d8312c6f-4e9a-4d7b-8f05-0a6e9c3b7d06"
    with EngageClient.from_env(rate=10_000) as engage:
        sent = [engage.send(contact, Favourite(product_sku=str(n))).id for n in range(120)]
        listed = list(engage.list(Favourite, contact))
    assert sorted(item.id for item in listed) == sorted(sent)
    assert {item.payload.product_sku for item in listed} == {str(n) for n in range(120)}


def test_an_unknown_contact_and_an_unknown_schema_have_their_own_errors(
    tenant: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    with EngageClient.from_env() as engage:
        with pytest.raises(UnknownContactError):
            engage.send("00000000-0000-4000-8000-000000000000", Favourite(product_sku="1"))
        monkeypatch.setattr(Favourite, "__schema_id__", "noSuchSchema")
        with pytest.raises(UnknownSchemaError):
            engage.send(CONTACT, Favourite(product_sku="1"))


def test_one_error_lists_all_violations() -> None:
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


def test_an_instance_is_immutable() -> None:
    favourite = Favourite(product_sku="1")
    with pytest.raises(AttributeError):
        favourite.product_sku = "2"  # type: ignore[misc]
    with pytest.raises((AttributeError, TypeError)):
        favourite.other = "2"  # type: ignore[attr-defined]


DEPENDENCIES = {
    "httpx": ["httpx", "httpcore", "h11", "idna", "certifi", "anyio", "sniffio"],
    "httpx2": ["httpx2", "httpcore2", "h11", "idna", "truststore", "anyio", "sniffio"],
}
"""HTTP library -> itself and what it depends on."""


@pytest.mark.parametrize("library", DEPENDENCIES)
def test_the_package_can_be_imported_with_its_http_library_alone(
    library: str, tmp_path: Path
) -> None:
    site, package = tmp_path / "site", tmp_path / "site" / "engage_interactions"
    installed = Path(httpx.__file__).parents[1]
    for name in [*DEPENDENCIES[library], "typing_extensions.py"]:
        for source in [installed / name, *installed.glob(f"{name}-*.dist-info")]:
            if source.exists():
                copy = shutil.copytree if source.is_dir() else shutil.copy2
                copy(source, _create(site) / source.name)
    generate_package(package, library)
    modules = [path.stem for path in package.glob("*.py") if path.stem != "__init__"]
    code = f"import sys; sys.path.insert(0, {str(site)!r}); import engage_interactions\n"
    code += "".join(f"import engage_interactions.{module}\n" for module in modules)
    code += "print(engage_interactions.EngageClient)\n"
    code += f"print({{'httpx', 'httpx2'}} & {{*sys.modules}} == {{{library!r}}})"
    command = [sys.executable, "-I", "-S", "-W", "error", "-c", code]
    assert subprocess.check_output(command, text=True).endswith("True\n")


def _create(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    return folder


def test_importing_the_package_imports_nothing_else_before_it_is_used() -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(COMMITTED.parent)!r}); import engage_interactions\n"
        "loaded = [name for name in sys.modules if name.startswith('engage_interactions.')]\n"
        "assert not loaded and 'httpx' not in sys.modules, loaded\n"
        "assert engage_interactions.EngageClient and 'httpx' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-I", "-c", code], check=True)


def runtime_imports(path: Path) -> set[str]:
    """Return the absolute names that a module of the runtime imports when it is loaded."""
    package = ["runtime", *path.relative_to(RUNTIME).parts[:-1]]
    names: set[str] = set()
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            names |= {module, *(f"{module}.{alias.name}" for alias in node.names)}
    return names


def test_the_modules_of_the_runtime_do_not_import_each_other_in_a_circle() -> None:
    paths = {
        ".".join(["runtime", *path.relative_to(RUNTIME).with_suffix("").parts]): path
        for path in RUNTIME.rglob("*.py")
    }
    modules = {name.removesuffix(".__init__"): path for name, path in paths.items()}
    graph = {
        name: (runtime_imports(path) & modules.keys()) - {name, name.rpartition(".")[0]}
        for name, path in modules.items()
    }
    assert len(list(TopologicalSorter(graph).static_order())) == len(modules)


def test_the_package_works_inside_any_parent_package(
    project: Path, tool: Tool, tenant: Sandbox
) -> None:
    output = project / "src" / "acme" / "crm" / "_generated" / "interactions"
    for folder in ("src/acme", "src/acme/crm", "src/acme/crm/_generated"):
        (project / folder).mkdir(parents=True, exist_ok=True)
        (project / folder / "__init__.py").touch()
    shutil.copytree(SEEDS.parent / "contracts", project / "contracts")
    (project / "pyproject.toml").write_text('[tool.engage-codegen]\ncontracts = "contracts"\n')
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
    generated = {path.relative_to(output): path for path in output.rglob("*.py")}
    for path, file in generated.items():
        assert file.read_bytes() == (COMMITTED / path).read_bytes()
