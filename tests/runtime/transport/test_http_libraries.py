"""A package works with either HTTP library, and refuses a client of the other one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from engage_codegen.config import HTTP_LIBRARIES
from engage_codegen.sandbox.server import Sandbox
from tests.support.packages import generate_package, run_with_package
from tests.support.paths import ROOT, TESTS
from tests.support.tiers import IS_FULL

pytestmark = pytest.mark.slow

MODULES = [
    path.relative_to(ROOT).as_posix()
    for path in sorted((TESTS / "runtime").rglob("test_*.py"))
    if path.stem not in ("test_http_libraries", "test_http_types", "test_package", "test_misuse")
]
"""The tests of the runtime that use the package under test. The others generate their own."""


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """HTTP library -> the folder of a package `engage_interactions` for it."""
    folders: dict[str, Path] = {
        library: tmp_path_factory.mktemp(library) for library in HTTP_LIBRARIES
    }
    for library, folder in folders.items():
        generate_package(folder / "engage_interactions", library)
    return folders


@pytest.mark.parametrize("modules", [[module] for module in MODULES] if IS_FULL else [MODULES])
def test_the_tests_of_the_runtime_pass_with_httpx2(
    modules: list[str], folders: dict[str, Path]
) -> None:
    """`make test-full` runs all of them, `make test` a part."""
    share = "1" if IS_FULL else "0.04"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.support.runtime.sampling"]
    command += ["-o", f"pythonpath=codegen {folders['httpx2']} templates .", *modules]
    environment = {**os.environ, "HTTP_LIBRARY": "httpx2", "SHARE_OF_TESTS": share}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-5000:]


PREAMBLE = """
import asyncio, sys
import httpx, httpx2
from engage_interactions import AsyncEngageClient, EngageClient, ConfigurationError

def refuse(request):
    raise AssertionError("a request was sent")
"""


OTHER = {"httpx": "httpx2", "httpx2": "httpx"}
ENGAGE_CLIENTS = {"EngageClient": "Client", "AsyncEngageClient": "AsyncClient"}
ALSO = 'This package uses {0}. To use {1}, set `http = "{1}"` in [tool.engage-codegen]'

WRONG: dict[str, tuple[str, str, str]] = {
    "other library": ("{other}.{client}()", "{other}.{client}", ALSO),
    "other library and kind": ("{other}.{unfit}()", "{other}.{unfit}", ALSO),
    "subclass of the other library": (
        "type('Mine', ({other}.{client},), {{}})()",
        "__main__.Mine",
        ALSO,
    ),
    "other kind": ("{library}.{unfit}()", "{library}.{unfit}", "takes a client of this class"),
    "class": ("{library}.{client}", "builtins.type", ""),
    "transport": ("{library}.MockTransport(refuse)", "{library}.MockTransport", ""),
    "session": ("object()", "builtins.object", ""),
    "falsy": ("0", "builtins.int", ""),
}
"""What is given as `http=` -> its expression, its class, and a part of the message."""


@pytest.mark.parametrize("library", HTTP_LIBRARIES)
def test_another_client_is_a_configuration_error_that_names_both_classes(
    library: str, folders: dict[str, Path]
) -> None:
    code, expected = PREAMBLE, list[tuple[str, str, str]]()
    for engage_client, client in ENGAGE_CLIENTS.items():
        (unfit,) = {*ENGAGE_CLIENTS.values()} - {client}
        words = {"library": library, "other": OTHER[library], "client": client, "unfit": unfit}
        for wrong, class_name, part in WRONG.values():
            code += (
                f"try:\n    {engage_client}('https://acme.voyado.com', api_key='s3cret', "
                f"user_agent='a/1', http={wrong.format(**words)})\n"
                "except ConfigurationError as error:\n    print(error)\n"
                "else:\n    print('accepted')\n"
            )
            needed = f"must be an instance of {library}.{client}."
            part = part.format(library, OTHER[library])  # noqa: PLW2901
            expected.append((f"`http` has the class {class_name.format(**words)},", needed, part))
    lines = run_with_package(folders[library], code).splitlines()
    assert len(lines) == len(expected) == 16
    for line, parts in zip(lines, expected, strict=True):
        assert all(part in line for part in parts), (line, parts)
        assert "s3cret" not in line


@pytest.mark.parametrize("library", HTTP_LIBRARIES)
def test_a_client_of_the_library_and_of_a_subclass_is_accepted(
    library: str, folders: dict[str, Path]
) -> None:
    code = PREAMBLE + "settings = dict(base_url='https://a.se', api_key='k', user_agent='a/1')\n"
    for engage_client, client in ENGAGE_CLIENTS.items():
        for own in (f"{library}.{client}", f"type('Mine', ({library}.{client},), {{}})"):
            code += f"{engage_client}(**settings, http=({own})(transport="
            code += f"{library}.MockTransport(refuse)))\n"
    assert run_with_package(folders[library], code + "print('accepted')") == "accepted\n"


@pytest.mark.parametrize("library", HTTP_LIBRARIES)
def test_the_package_imports_no_other_library_and_hides_the_lines_of_its_own(
    library: str, folders: dict[str, Path], tenant: Sandbox
) -> None:
    code = f"""
        import logging, sys
        logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(name)s %(message)s")
        from engage_interactions import EngageClient
        from engage_interactions.favourite import Favourite, send_favourite
        contact = "3f0c1a52-7d5e-4b0e-9a64-1c2f5b8e0d01"
        with EngageClient.from_env() as engage:
            send_favourite(engage, contact, Favourite(product_sku="1"))
        assert {OTHER[library]!r} not in sys.modules
        print("used", sys.modules[{library!r}].__name__)
    """
    assert run_with_package(folders[library], code) == f"used {library}\n"


def test_an_application_that_calls_httpx2_by_the_name_httpx_can_pass_its_client(
    folders: dict[str, Path],
) -> None:
    code = """
        import httpx2
        httpx2.alias_httpx()
        from engage_interactions import EngageClient
        EngageClient("https://a.se", api_key="k", user_agent="a/1", http=httpx2.Client())
        print("accepted")
    """
    assert run_with_package(folders["httpx"], code) == "accepted\n"


@pytest.mark.parametrize("library", HTTP_LIBRARIES)
def test_the_types_of_the_signatures_can_be_read_at_run_time(
    library: str, folders: dict[str, Path]
) -> None:
    code = """
        from typing import get_type_hints
        from engage_interactions import AsyncEngageClient, EngageClient
        for client in (EngageClient, AsyncEngageClient):
            print(get_type_hints(client.__init__)["http"])
    """
    expected = f"{library}.Client | None\n{library}.AsyncClient | None\n"
    assert run_with_package(folders[library], code) == expected
