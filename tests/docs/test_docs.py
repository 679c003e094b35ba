"""Every shell line and every Python block in the README and the docs runs."""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import tomllib
import zipfile
from collections.abc import Callable, Generator, Iterable
from pathlib import Path
from typing import Any, NoReturn

import httpx
import pytest

from engage_codegen import verify
from engage_codegen.sandbox.options import Options
from engage_codegen.sandbox.server import Sandbox, running
from engage_codegen.verify import templates
from engage_codegen.verify.results import CheckerResult
from engage_interactions import EngageClient
from engage_interactions.favourite import Favourite
from tests.support.paths import ROOT, SCRIPTS, SEEDS
from tests.support.readers.pages import DOCS, Block, blocks, spans
from tests.support.tool import Tool

pytestmark = pytest.mark.slow

MAKEFILE = (ROOT / "Makefile").read_text("utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]

JOURNEYS = ["docs/quickstart.md", "docs/several-machines.md"]
"""Pages that a test of their own follows from the top."""

INTERRUPTIBLE = (
    "import runpy, signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "runpy.run_module('engage_codegen', run_name='__main__')"
)
NOX = """
import subprocess

class Session:
    def install(self, *requirements): ...
    def run(self, *command): subprocess.run(command, check=True)

def session(function): function(Session())
"""


def _delete_schema(tenant: Sandbox, schema_id: str) -> dict[str, Any]:
    """Delete a schema of the tenant, and return it."""
    path, headers = f"{tenant.base_url}/api/v3/interactionschemas", {"apikey": tenant.api_key}
    schema: dict[str, Any] = httpx.get(f"{path}/{schema_id}", headers=headers).json()
    assert httpx.delete(f"{path}/{schema_id}", headers=headers).is_success
    return schema


def _change_schema(tenant: Sandbox, schema_id: str) -> None:
    path, headers = f"{tenant.base_url}/api/v3/interactionschemas", {"apikey": tenant.api_key}
    schema = _delete_schema(tenant, schema_id) | {"displayName": "Another title"}
    assert httpx.post(path, headers=headers, json=schema).is_success


TENANT_MOVES: dict[str, Callable[[Sandbox], object]] = {
    "engage-codegen push": lambda tenant: _delete_schema(tenant, "favourite"),
    "engage-codegen push --apply --allow-destroy repair --tenant-host acme.voyado.com": (
        lambda tenant: _change_schema(tenant, "repair")
    ),
}
"""Shell line -> a change of the tenant before it, so that there is something to do."""

CODES = {"engage-codegen push": 3}
"""The exit codes of lines that do not end with 0."""

ENDLESS: dict[str, tuple[str, list[str]]] = {
    "engage-codegen sandbox": ("export ENGAGE_USER_AGENT=", ["--port", "0"]),
    "engage-codegen generate --watch": ("watching ", []),
}
"""Lines that run until Ctrl-C: the output when they are ready, and options for the test."""


@pytest.fixture
def engage() -> Generator[Sandbox]:
    """A tenant that a page may change."""
    with running(options=Options(rate_limit=0)) as sandbox:
        yield sandbox


@pytest.fixture
def shop(project: Path, tool: Tool, tenant: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The repository that the pages assume: two committed packages, and schema files."""
    for name in ("STAGING", "LIVE"):
        monkeypatch.setenv(f"ENGAGE_API_KEY_{name}", tenant.api_key)
    monkeypatch.setenv("PATH", f"{SCRIPTS}{os.pathsep}{os.environ['PATH']}")
    (project / "pyproject.toml").write_text(
        '[tool.engage-codegen]\noutput = "src/engage_interactions"\ncontracts = "contracts"\n'
        'templates = "engage_templates"\n'
    )
    (project / "contracts").mkdir()
    (project / "engage_templates").mkdir()
    assert tool("pull").code == tool("generate").code == 0
    shutil.copytree(SEEDS, project / "schemas")
    package = project / "src" / "engage_interactions"
    shutil.copytree(package, project / "src" / "acme" / "engage")
    for command in ("init -q -b main", "add .", "commit -q -m first"):
        identity = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
        subprocess.run(["git", *identity, *command.split()], check=True)
    return project


def _fail_untested(words: list[str]) -> NoReturn:
    pytest.fail(f"no test covers the line {shlex.join(words)!r}")


def test_the_tables_of_this_module_name_only_lines_of_the_pages() -> None:
    lines = {shlex.join(line) for block in blocks("sh") for line in _lines(block)}
    assert TENANT_MOVES.keys() | CODES.keys() | ENDLESS.keys() <= lines
    assert set(JOURNEYS) <= {block.page for block in blocks("sh")}


def _lines(block: Block) -> list[list[str]]:
    """Return the words of each shell line. Shell operators are separate words."""
    lines: list[list[str]] = []
    for line in block.text.replace("\\\n", " ").splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        lines += [words] if (words := list(lexer)) else []
    return lines


@pytest.mark.parametrize("page", sorted({block.page for block in blocks("sh")} - set(JOURNEYS)))
def test_the_shell_lines_of_a_page_work_in_order(
    page: str, shop: Path, tool: Tool, tenant: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    # `tests/verify` runs the type checkers on the package of the example tenant.
    for module in (verify, templates):
        monkeypatch.setattr(module, "check_types", check_nothing)
    for block in blocks("sh", page):
        for words in _lines(block):
            line = shlex.join(words)
            if move := TENANT_MOVES.get(line):
                move(tenant)
            code = _run_line(words, shop, tool, tenant)
            assert code == CODES.get(line, 0), f"{block}: {line}"


def check_nothing(_output: Path, _paths: Iterable[str]) -> tuple[CheckerResult, ...]:
    return ()


def _run_line(words: list[str], shop: Path, tool: Tool, tenant: Sandbox) -> int:
    """Run a shell line, or check the target or requirement that it names. Returns the exit code."""
    if any(re.search(r"[$`;()<>|&]", word) for word in words):
        _fail_untested(words)
    match words:
        case ["make", target]:
            assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE), target
        case ["pip" | "pipx", "install", requirement]:
            assert _names_this_tool(requirement), requirement
        case ["python", "-m", "pytest", *arguments]:
            command = [sys.executable, "-m", "pytest", "--collect-only", *arguments]
            return subprocess.run(command, cwd=ROOT, capture_output=True, check=False).returncode
        case ["python", "-m", "engage_interactions.outbox", *arguments]:
            command = [sys.executable, "-m", "engage_interactions.outbox", *arguments]
            environ = {**os.environ, "PYTHONPATH": str(ROOT / "generated")}
            return subprocess.run(command, env=environ, capture_output=True, check=False).returncode
        case ["engage-codegen", *arguments] if shlex.join(words) in ENDLESS:
            return _run_until_ready(arguments, *ENDLESS[shlex.join(words)])
        case ["engage-codegen", command, *arguments]:
            for wheel in (word for word in arguments if word.endswith(".whl")):
                _build_wheel(shop, shop / wheel)
            url, host = re.compile(r"https://\S*\bvoyado\.com"), re.compile(r"[\w.-]+\.voyado\.com")
            words = [host.sub("127.0.0.1", url.sub(tenant.base_url, word)) for word in arguments]
            return tool(command, *words).code
        case _:
            _fail_untested(words)
    return 0


def _names_this_tool(requirement: str) -> bool:
    match = re.fullmatch(rf"(?:\./)?{PROJECT['name']}(?:\[([a-z,]+)\])?", requirement)
    extras = filter(None, (match[1] or "").split(",")) if match else ["no such extra"]
    return set(extras) <= set(PROJECT["optional-dependencies"])


def _run_until_ready(arguments: list[str], ready: str, more: list[str]) -> int:
    """Run a command until it is ready, then press Ctrl-C. Returns the exit code."""
    process = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTIBLE, *arguments, *more],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    timer = threading.Timer(60, process.kill)
    timer.start()
    assert process.stdout is not None
    line = next((line for line in process.stdout if line.startswith(ready)), "")
    process.send_signal(signal.SIGINT)
    process.communicate()
    timer.cancel()
    assert line, f"no line began with {ready!r}"
    return process.returncode


def _build_wheel(shop: Path, wheel: Path) -> None:
    """Write a wheel with the package as `acme.visits`."""
    package = shop / "src" / "engage_interactions"
    wheel.parent.mkdir(exist_ok=True)
    with zipfile.ZipFile(wheel, "w") as archive:
        for file in package.rglob("*"):
            archive.write(file, f"acme/visits/{file.relative_to(package)}")


@pytest.mark.parametrize(
    "block", [block for block in blocks("python") if block.page not in JOURNEYS], ids=str
)
def test_the_python_of_a_page_runs(block: Block, shop: Path) -> None:
    tests = len(re.findall(r"^(?:async )?def test_", block.text, re.MULTILINE))
    file = shop / ("test_page.py" if tests else "page.py")
    file.write_text(block.text)
    (shop / "nox.py").write_text(NOX)
    pytest_ = ["-m", "pytest", "-q", "-p", "no:cacheprovider"] if tests else ["-W", "error"]
    done = subprocess.run(
        [sys.executable, *pytest_, file],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT / "generated")},
    )
    assert done.returncode == 0, done.stdout
    assert not tests or f"{tests} passed" in done.stdout


def test_the_quick_start_leads_from_nothing_to_a_sent_interaction(
    project: Path, tenant: Sandbox
) -> None:
    install, sandbox, shell = blocks("sh", "docs/quickstart.md")
    (program,) = blocks("python", "docs/quickstart.md")
    assert [words[0] for words in _lines(install)] == ["uv", "pipx", "pip"]
    assert all(_names_this_tool(words[-1]) for words in _lines(install))
    assert sandbox.text.strip() in ENDLESS
    assert _lines(shell)[-1][:2] == ["python", "send.py"]
    (project / "send.py").write_text(program.text)
    environ = {name: text for name, text in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        ["bash", "-euc", f"pip() {{ :; }}\n{shell.text}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        env=environ | {"PATH": f"{SCRIPTS}{os.pathsep}{environ['PATH']}"},
    )
    assert done.returncode == 0, done.stdout
    with EngageClient.from_env() as client:
        stored = client.get(Favourite, done.stdout.splitlines()[-1])
    assert stored.payload == Favourite(product_sku="7120-38", price=450)
    variables = {"ENGAGE_BASE_URL", "ENGAGE_API_KEY", "ENGAGE_USER_AGENT"}
    assert variables <= set(spans(DOCS / "quickstart.md"))
